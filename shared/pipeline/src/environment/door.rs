//! The door: whether a request may start now, has to wait, or is turned away.

use super::{Context, Head, HoldUntil, Kind, Override, Request};
use crate::time::Time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    /// It waits until `until`, or until something happens.
    Wait {
        why: String,
        until: Option<Time>,
        eligible: bool,
    },
    /// It is turned away, and what to do instead.
    Closed {
        why: String,
    },
    /// There is nothing to do, and nothing to tell anybody.
    Pointless {
        why: String,
    },
}

impl Head {
    pub fn door(&self, request: &Request, context: &Context<'_>, now: Time) -> Door {
        let verdict = match (&request.kind, request.is_by_person()) {
            (Kind::Restore(_), _) => None,
            (Kind::Deploy, true) => self.door_for_person(request, context, now),
            (Kind::Deploy, false) => self.door_for_automation(request, context, now),
        };
        verdict.unwrap_or_else(|| match self.active {
            Some(number) => wait(format!("deployment {number} is under way"), None),
            None => Door::Open,
        })
    }

    fn door_for_automation(
        &self,
        request: &Request,
        context: &Context<'_>,
        now: Time,
    ) -> Option<Door> {
        let mark = request.release.mark();
        if let Some(bad) = self.bad_digest_of(&request.release) {
            return Some(closed(format!(
                "{} in it is marked bad: {}",
                bad.digest.short(),
                bad.why
            )));
        }
        if let Some(newest) = self.high_water.as_ref().filter(|newest| mark.older_than(newest)) {
            return Some(closed(format!(
                "it is older than {}; deploy it by hand if that is what you want",
                newest.version
            )));
        }
        // While another release is on its way, what runs now is about to be left.
        let idle = self.active.is_none();
        if idle && self.live.as_ref().is_some_and(|live| live.release.same_images(&request.release))
        {
            return Some(Door::Pointless { why: "exactly these images run already".into() });
        }
        match self.hold.as_ref().map(|hold| (hold, &hold.until)) {
            Some((hold, HoldUntil::NewerThan(held))) if !held.older_than(&mark) => {
                return Some(closed(format!(
                    "on hold: {}; only a newer release lifts that",
                    hold.why
                )));
            }
            Some((hold, HoldUntil::Person)) => {
                return Some(wait(format!("on hold by {}: {}", hold.by, hold.why), None));
            }
            _ => {}
        }
        if let Some(unfinished) = &self.unfinished {
            return Some(wait(unfinished.text(), None));
        }
        if !context.is_promotable(request) {
            let from = context.promoted_from_name();
            let why = format!("it has not succeeded in {from} yet");
            return Some(Door::Wait { why, until: None, eligible: false });
        }
        if let Some(pause) = &self.pause {
            return Some(wait(format!("paused by {}: {}", pause.by, pause.why), None));
        }
        let frozen = context.rules.frozen_until(now);
        frozen.map(|until| wait(format!("frozen until {until}"), Some(until)))
    }

    fn door_for_person(&self, request: &Request, context: &Context<'_>, now: Time) -> Option<Door> {
        if let Some(word) =
            context.rules.confirm.as_ref().filter(|word| request.confirm.as_ref() != Some(word))
        {
            return Some(closed(format!(
                "a manual deploy to this environment needs \"confirm\": \"{word}\""
            )));
        }
        if let Some(pause) = &self.pause {
            return Some(closed(format!("paused by {}: {}; resume it first", pause.by, pause.why)));
        }
        if let Some(newer) = self.newer_schema_than(&request.release)
            && context.rules.migration.is_some()
            && request.skip_migration.is_none()
        {
            let (version, newer) = (&request.release.version, &newer.version);
            return Some(closed(format!(
                "{version} is older than {newer}, whose migration ran here, so that its own may meet \
                 a schema that it does not know; say \"skip_migration\": true to leave the database \
                 as it is, or false to run the migration of {version} all the same"
            )));
        }
        let mut reasons = Vec::new();
        if let Some(bad) = self.bad_digest_of(&request.release) {
            let why = format!("{} in it is marked bad ({})", bad.digest.short(), bad.why);
            reasons.push((Override::Bad, why));
        }
        if let Some(hold) = &self.hold {
            reasons.push((
                Override::Hold,
                format!("the environment is on hold by {} ({})", hold.by, hold.why),
            ));
        }
        if let Some(unfinished) = &self.unfinished {
            reasons.push((Override::Unfinished, unfinished.text()));
        }
        if !context.is_promotable(request) {
            let from = context.promoted_from_name();
            reasons
                .push((Override::Promotion, format!("these images have not succeeded in {from}")));
        }
        if let Some(until) = context.rules.frozen_until(now) {
            reasons.push((Override::Freeze, format!("the environment is frozen until {until}")));
        }
        if reasons.iter().all(|(what, _)| request.overrules(*what)) {
            return None;
        }
        // All of it at once: who is told one reason after the other forgets the words before.
        let words: Vec<_> =
            reasons.iter().map(|(what, _)| format!("\"{}\"", what.word())).collect();
        reasons.retain(|(what, _)| !request.overrules(*what));
        let whys: Vec<_> = reasons.into_iter().map(|(_, why)| why).collect();
        let (whys, words) = (whys.join("; "), words.join(", "));
        Some(closed(format!("{whys}; add \"override\": [{words}] if you mean it")))
    }
}

impl super::Unfinished {
    fn text(&self) -> String {
        let task = self.task.as_ref().map_or(String::new(), |task| format!(" ({task})"));
        format!("the migration task of deployment {}{task} may still run", self.number)
    }
}

fn wait(why: String, until: Option<Time>) -> Door {
    Door::Wait { why, until, eligible: true }
}

fn closed(why: String) -> Door {
    Door::Closed { why }
}
