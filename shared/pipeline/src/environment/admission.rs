//! Admission: whether a request may start now, has to wait, or is refused.
//!
//! One rule for every time something could start: when a request is made, when it is next in the
//! queue, when a person approves it, and when a newer release would replace it.

use super::{Context, Head, Hold, HoldUntil};
use crate::deployment::Deployment;
use crate::release::ReleaseOrder;
use crate::request::{Kind, ManualRollback, Override, Request};
use crate::spec;
use crate::time::{Span, Time};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    Start,
    /// It waits until `until`, or until something happens.
    Queue {
        why: String,
        until: Option<Time>,
        what: QueuedFor,
    },
    /// It is refused; `instead` says what to do.
    Refuse {
        why: String,
    },
    /// There is nothing to do, and nothing to report.
    NothingToDo {
        why: String,
    },
}

/// What a queued request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueuedFor {
    /// The end of the deployment in progress, and of its workers.
    Turn,
    /// The end of a hold, a pause, a freeze or a migration task.
    Opening,
    /// Its success in the environment that it is promoted from.
    Promotion,
}

impl QueuedFor {
    /// How long it waits if nothing determines the end of the wait.
    pub(super) fn patience(self) -> Option<Span> {
        match self {
            // A deployment has its own deadlines.
            Self::Turn => None,
            Self::Opening => Some(Span::hours(24 * 30)),
            Self::Promotion => Some(Span::hours(24 * 7)),
        }
    }
}

impl Head {
    /// Whether a request that is made now may start.
    pub fn admission(&self, request: &Request, context: &Context<'_>, now: Time) -> Admission {
        self.admission_since(request, now, context, now)
    }

    /// The same for a request that was accepted at `since` and has been queued since then.
    pub(super) fn admission_since(
        &self,
        request: &Request,
        since: Time,
        context: &Context<'_>,
        now: Time,
    ) -> Admission {
        self.blocks(request, since, context, now).unwrap_or_else(|| {
            let workers_until = self.workers_until.filter(|until| now < *until);
            match (self.active, workers_until) {
                (Some(number), _) => waits_its_turn(in_progress(number), None),
                (None, Some(until)) => {
                    let number = self.last_number;
                    let why =
                        format!("deployment {number} may still update a service until {until}");
                    waits_its_turn(why, Some(until))
                }
                (None, None) => Admission::Start,
            }
        })
    }

    /// What blocks a request even if no deployment is in progress; `None`: nothing.
    pub(super) fn blocks(
        &self,
        request: &Request,
        since: Time,
        context: &Context<'_>,
        now: Time,
    ) -> Option<Admission> {
        let Some(rules) = context.rules else { return Some(closed(self.not_in_the_spec())) };
        // An older version stored such a spec. A deployment that cannot be stored is not started.
        if let Some(why) = rules.too_large(context.repositories) {
            return Some(closed(why));
        }
        match &request.kind {
            Kind::ManualRollback(restore) => self.blocks_manual_rollback(restore),
            Kind::Deploy => {
                if let Some(why) = context.misfit(request, rules) {
                    return Some(closed(why));
                }
                match request.is_by_person() {
                    true => self.blocks_person(request, since, context, rules, now),
                    false => self.blocks_automation(request, context, rules, now),
                }
            }
        }
    }

    pub(super) fn not_in_the_spec(&self) -> String {
        format!("the spec has no environment {}", self.place)
    }

    /// A manual rollback ignores holds, pauses and freezes: it is for emergencies.
    fn blocks_manual_rollback(&self, restore: &ManualRollback) -> Option<Admission> {
        let unfinished = self.unfinished.as_ref().filter(|_| restore.undo)?;
        Some(closed(format!(
            "{}, and cannot be undone before it ends; roll back without undo, or run control with \
             \"unhold\" with \"override\": [\"unfinished\"] if you know that it has ended",
            unfinished.text()
        )))
    }

    fn blocks_automation(
        &self,
        request: &Request,
        context: &Context<'_>,
        rules: &spec::Environment,
        now: Time,
    ) -> Option<Admission> {
        let mark = request.release.order();
        if let Some(against) = self.speaks_against(&request.release) {
            return Some(closed(format!("{}: {}", against.what(), against.why())));
        }
        if let Some(newest) = self.high_water.as_ref().and_then(|newest| newest.beyond(&mark)) {
            return Some(closed(format!(
                "it is older than {}; deploy it by hand if you want it anyway",
                newest.version
            )));
        }
        // While another release is being deployed, the live release is about to be replaced.
        let idle = self.active.is_none();
        if idle && self.live.as_ref().is_some_and(|live| live.release.same_images(&request.release))
        {
            return Some(Admission::NothingToDo { why: "these images are already live".into() });
        }
        if let Some(hold) = self.hold.as_ref().filter(|hold| !hold.lets_in(&mark)) {
            return Some(match hold.until {
                HoldUntil::NewerThan(_) => {
                    closed(format!("on hold: {}; only a newer release lifts that", hold.why))
                }
                HoldUntil::Person => opens(format!("on hold by {}: {}", hold.by, hold.why), None),
            });
        }
        if let Some(unfinished) = &self.unfinished {
            return Some(opens(unfinished.text(), None));
        }
        if !context.is_promotable(request) {
            let why = format!("it has not succeeded in {} yet", context.promoted_from_name());
            return Some(Admission::Queue { why, until: None, what: QueuedFor::Promotion });
        }
        if let Some(pause) = &self.pause {
            return Some(opens(format!("paused by {}: {}", pause.by, pause.why), None));
        }
        let frozen = rules.frozen_until(now);
        frozen.map(|until| opens(format!("frozen until {until}"), Some(until)))
    }

    fn blocks_person(
        &self,
        request: &Request,
        since: Time,
        context: &Context<'_>,
        rules: &spec::Environment,
        now: Time,
    ) -> Option<Admission> {
        if let Some(word) =
            rules.confirm.as_ref().filter(|word| request.confirm.as_ref() != Some(word))
        {
            return Some(closed(format!(
                "a manual deploy to this environment needs \"confirm\": \"{word}\""
            )));
        }
        let asks = Asks { request, overrides: &request.overrides, since };
        let refusal = self.refusal(&asks, context, rules, now);
        refusal.or_else(|| self.meets_a_newer_schema(request, rules)).map(closed)
    }

    /// The migration of an older release, which runs only if a person requests it.
    fn meets_a_newer_schema(&self, request: &Request, rules: &spec::Environment) -> Option<String> {
        let unsaid = rules.migration.is_some() && request.skip_migration.is_none();
        let newer = self.newer_schema_than(&request.release).filter(|_| unsaid)?;
        let (version, newer) = (&request.release.version, &newer.version);
        Some(format!(
            "{version} is older than {newer}, whose migration ran here, so its own migration may not fit the schema; pass \"skip_migration\": true to leave the database as it is, or false to run the migration of {version} anyway"
        ))
    }

    /// Why a deployment that waits for approval may not continue, and the overrides for it; `None`:
    /// a person may approve it.
    pub fn blocks_approval(
        &self,
        deployment: &Deployment,
        overrides: &BTreeSet<Override>,
        context: &Context<'_>,
        now: Time,
    ) -> Option<String> {
        let Some(rules) = context.rules else { return Some(self.not_in_the_spec()) };
        let request = &deployment.request;
        // Overrides of its start need not be repeated.
        let known = request.overrides.iter().filter(|_| request.is_by_person());
        let overrides = known.chain(overrides).copied().collect();
        let asks = Asks { request, overrides: &overrides, since: deployment.started_at };
        self.refusal(&asks, context, rules, now)
    }

    /// The refusal for a person whose request may not start.
    fn refusal(
        &self,
        asks: &Asks<'_>,
        context: &Context<'_>,
        rules: &spec::Environment,
        now: Time,
    ) -> Option<String> {
        if let Some(pause) = &self.pause {
            return Some(format!("paused by {}: {}; resume it first", pause.by, pause.why));
        }
        let mut reasons = self.reasons(asks, context, rules, now);
        if reasons.iter().all(|(what, _)| asks.overrides.contains(what)) {
            return None;
        }
        // All overrides at once: if each refusal named only one, a person would omit the earlier
        // ones.
        let words: Vec<_> =
            reasons.iter().map(|(what, _)| format!("\"{}\"", what.word())).collect();
        reasons.retain(|(what, _)| !asks.overrides.contains(what));
        let whys: Vec<_> = reasons.into_iter().map(|(_, why)| why).collect();
        let (whys, words) = (whys.join("; "), words.join(", "));
        Some(format!("{whys}; to deploy anyway, add \"override\": [{words}]"))
    }

    /// Everything that a person would have to override, each with its reason.
    fn reasons(
        &self,
        asks: &Asks<'_>,
        context: &Context<'_>,
        rules: &spec::Environment,
        now: Time,
    ) -> Vec<(Override, String)> {
        let release = &asks.request.release;
        let mut reasons = Vec::new();
        if let Some(against) = self.speaks_against(release) {
            let why = format!("{} ({})", against.what(), against.why());
            reasons.push((Override::Bad, why));
        }
        if let Some(hold) =
            self.hold.as_ref().filter(|hold| asks.is_held_by(hold, &release.order()))
        {
            let why = format!("the environment is on hold by {} ({})", hold.by, hold.why);
            reasons.push((Override::Hold, why));
        }
        if let Some(unfinished) = &self.unfinished {
            reasons.push((Override::Unfinished, unfinished.text()));
        }
        if !context.is_promotable(asks.request) {
            let from = context.promoted_from_name();
            reasons
                .push((Override::Promotion, format!("these images have not succeeded in {from}")));
        }
        if let Some(until) = rules.frozen_until(now) {
            reasons.push((Override::Freeze, format!("the environment is frozen until {until}")));
        }
        reasons
    }
}

/// A person's request, and its overrides.
struct Asks<'a> {
    request: &'a Request,
    overrides: &'a BTreeSet<Override>,
    /// When it was accepted.
    since: Time,
}

impl Asks<'_> {
    /// A person who makes a request has to know of a hold. A hold that was placed after a request
    /// was accepted, or in the same second, is lifted by a newer release, as it is for automation.
    fn is_held_by(&self, hold: &Hold, mark: &ReleaseOrder) -> bool {
        hold.at < self.since || !hold.lets_in(mark)
    }
}

impl super::UnfinishedTask {
    pub fn text(&self) -> String {
        let task = self.task.as_ref().map_or(String::new(), |task| format!(" ({task})"));
        format!("the migration task of deployment {}{task} may still run", self.number)
    }
}

/// It waits until the environment is open to automation again.
fn opens(why: String, until: Option<Time>) -> Admission {
    Admission::Queue { why, until, what: QueuedFor::Opening }
}

fn waits_its_turn(why: String, until: Option<Time>) -> Admission {
    Admission::Queue { why, until, what: QueuedFor::Turn }
}

/// Why another deployment is queued, or cannot be started at all.
pub(super) fn in_progress(number: u64) -> String {
    format!("deployment {number} is in progress")
}

fn closed(why: String) -> Admission {
    Admission::Refuse { why }
}
