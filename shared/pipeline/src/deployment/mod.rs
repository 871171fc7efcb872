//! A deployment: one attempt to bring one environment to one release.
//!
//! ```text
//! awaiting approval > preparing > migrating > rolling out > checking > baking > confirming > ended
//!                                     |            |            |         |         |
//!                                     +------------+---- undoing migration > rolling back > verifying rollback > ended
//! ```

mod advance;
mod alarms;
mod check;
mod confirm;
mod last_known;
mod one_off;
mod one_off_end;
mod prepare;
mod roll_out;
mod rollback;
mod service;
mod size;
mod state;
mod tasks;
mod timeline;
mod waiting;

pub use advance::{Reply, advance};
pub use last_known::LastKnown;
pub use rollback::UNHEARD;
pub use service::{Service, ServiceState};
pub use state::{AfterUndo, AlarmsRead, Intent, Reported, Run, RunProgress, Schema, State};
pub use timeline::{Entry, Timeline};
pub use waiting::Waiting;

use crate::effect::Effect;
use crate::names::{AlarmName, DeploymentId, ImageName, Repository, ServiceName, TaskId};
use crate::notice::{News, Notice};
use crate::outbox::Outbox;
use crate::request::{Kind, Request};
use crate::spec;
use crate::task::FailedContainer;
use crate::time::{Span, Time};
use crate::verdict::{Cause, SupersededBy, Verdict};
use alarms::AlarmMemory;
use prepare::PREPARATION_PATIENCE;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often ECS is asked if no event arrives.
pub const LOOK_EVERY: Span = Span::minutes(2);
/// How soon ECS is asked again after a service was seen unfinished at the end.
pub const LOOK_SOON: Span = Span::seconds(20);
/// Older observations are stale.
pub const FRESH: Span = Span::seconds(90);
/// How long `DescribeServices` may not show an update.
pub const VISIBLE_AFTER: Span = Span::minutes(1);
/// How long a final observation may take after a deadline.
pub const GRACE: Span = Span::minutes(2);
/// A worker that was permitted to act is certainly dead after this time (its Lambda's timeout).
pub const WORKER_LIFE: Span = Span::seconds(90);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub id: DeploymentId,
    pub request: Request,
    /// The rules at its start; later changes do not affect it.
    pub rules: spec::Environment,
    pub repositories: BTreeMap<ImageName, Repository>,
    pub started_at: Time,
    pub state: State,
    /// What the last successful deployment left running; once prepared, as far as it still runs.
    #[serde(rename = "left", default, skip_serializing_if = "Option::is_none")]
    pub last_known: Option<LastKnown>,
    /// Empty until the preparation has reported what each service runs.
    pub services: Vec<Service>,
    pub schema: Schema,
    pub alarms: BTreeMap<AlarmName, AlarmMemory>,
    /// From then on alarms and observations count: pre-flight had read alarms and services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_from: Option<Time>,
    /// When its rollback started. From then on no worker may roll the release out.
    #[serde(rename = "turned_at", default, skip_serializing_if = "Option::is_none")]
    pub rollback_since: Option<Time>,
    /// Until when a worker whose message was dropped without an answer may still change a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_until: Option<Time>,
    pub timeline: Timeline,
    /// A failed container whose log can be read.
    #[serde(rename = "witness", default, skip_serializing_if = "Option::is_none")]
    pub failed_container: Option<FailedContainer>,
    /// A one-off task that may still run although the deployment has ended.
    #[serde(rename = "loose_task")]
    pub orphan_task: Option<OrphanTask>,
    pub outbox: Outbox,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanTask {
    /// `None`: it is unknown whether there is one.
    pub task: Option<TaskId>,
}

impl Deployment {
    /// Starts: asks for approval if the rules require one, and prepares otherwise.
    pub fn start(
        id: DeploymentId,
        request: Request,
        rules: spec::Environment,
        repositories: BTreeMap<ImageName, Repository>,
        now: Time,
    ) -> Self {
        let mut deployment = Self {
            id,
            request,
            rules,
            repositories,
            started_at: now,
            state: State::Preparing { deadline: now },
            last_known: None,
            services: Vec::new(),
            schema: Schema::Untouched,
            alarms: BTreeMap::new(),
            watched_from: None,
            rollback_since: None,
            workers_until: None,
            timeline: Timeline::default(),
            failed_container: None,
            orphan_task: None,
            outbox: Outbox::default(),
        };
        deployment.begin(now);
        deployment
    }

    /// Compares what it finds with what the last successful deployment left running.
    pub fn after(mut self, left: Option<LastKnown>) -> Self {
        self.last_known = left;
        self
    }

    /// Prepares only when no worker of an earlier deployment can update a service.
    pub(crate) fn after_workers(mut self, until: Option<Time>, now: Time) -> Self {
        if let Some(until) = until {
            self.state = State::Preparing { deadline: until + PREPARATION_PATIENCE };
            self.outbox.delay(until, |effect| matches!(effect, Effect::Prepare(_)));
            let why = "an earlier deployment may still update a service";
            self.note(now, format!("Waiting until {until}: {why}."));
        }
        self
    }

    /// Adds a line to the timeline, if there is one.
    pub(crate) fn mention(mut self, text: Option<String>, now: Time) -> Self {
        text.into_iter().for_each(|text| self.note(now, text));
        self
    }

    pub fn verdict(&self) -> Option<&Verdict> {
        match &self.state {
            State::Ended { verdict, .. } => Some(verdict),
            _ => None,
        }
    }

    /// Whether it ended before anything was run or changed, as if it had never started.
    pub fn is_without_trace(&self) -> bool {
        let nothing_done =
            self.schema == Schema::Untouched && !self.services.iter().any(Service::touched);
        match self.verdict() {
            Some(
                Verdict::Rejected { .. }
                | Verdict::Cancelled { .. }
                | Verdict::Superseded { by: SupersededBy::NewerRelease { .. } },
            ) => true,
            // The services that are still on the new revision were changed.
            Some(Verdict::Failed { .. }) => nothing_done,
            _ => false,
        }
    }

    /// When it is due next, if nothing happens before.
    pub fn due(&self) -> Option<Time> {
        [self.state.due(), self.outbox.due()].into_iter().flatten().min()
    }

    /// Ends it from outside: its request is no longer wanted.
    pub(crate) fn finish(&mut self, verdict: Verdict, now: Time) {
        self.end(verdict, now);
    }

    fn begin(&mut self, now: Time) {
        let release = self.request.release.version.clone();
        let what = match &self.request.kind {
            Kind::Deploy => format!("Deploying {release}"),
            Kind::ManualRollback(restore) => {
                format!("Rolling back from {} to {release}", restore.from)
            }
        };
        self.note(now, format!("{what}, requested by {}.", self.request.asked_by));
        match &self.request.kind {
            _ if self.rules.migration.is_none() => {}
            Kind::ManualRollback(restore) if !restore.undo => {
                self.note(now, "The database schema stays as it is.");
            }
            Kind::Deploy if self.request.skip_migration == Some(true) => {
                self.note(now, "Skipping the migration, as requested.");
            }
            _ => {}
        }
        match &self.rules.approval {
            Some(approval) if self.request.kind == Kind::Deploy => {
                let until = now + approval.expires;
                self.note(now, format!("Waiting for approval until {until}."));
                self.state = State::AwaitingApproval { deadline: until };
                self.announce(News::ApprovalWanted { until }, now);
            }
            _ => self.prepare(now),
        }
    }

    fn note(&mut self, now: Time, text: impl Into<String>) {
        self.timeline.add(now, text.into());
    }

    fn ask(&mut self, effect: Effect, now: Time) {
        self.outbox.add(effect, now);
    }

    /// Sends a notice. It replaces earlier progress notices that were not sent yet.
    fn announce(&mut self, news: News, now: Time) {
        self.outbox
            .keep(|effect| !matches!(effect, Effect::Announce(old) if old.news.is_passing()));
        let rolls_back_from = match &self.request.kind {
            Kind::ManualRollback(rollback) => Some(rollback.from.clone()),
            Kind::Deploy => None,
        };
        let notice = Notice {
            place: self.id.place.clone(),
            deployment: Some(self.id.number),
            version: self.request.release.version.clone(),
            origin: self.request.release.origin.clone(),
            rolls_back_from,
            asked_by: self.request.asked_by.to_string(),
            at: now,
            news,
        };
        self.ask(Effect::Announce(Box::new(notice)), now);
    }

    /// Ends it. This is final.
    fn end(&mut self, verdict: Verdict, now: Time) {
        self.note(now, format!("Ended: {verdict}."));
        self.drop_all_but_announcements(now);
        let took = now.since(self.started_at);
        let last_words = self.timeline.last(6);
        let is_asked = verdict.cause().is_some_and(Cause::is_known_to_a_task);
        let failed_container = self.failed_container.clone().filter(|_| is_asked);
        self.announce(
            News::Ended { verdict: verdict.clone(), took, last_words, failed_container },
            now,
        );
        self.state = State::Ended { verdict, at: now };
    }

    fn drop_all_but_announcements(&mut self, now: Time) {
        self.keep_effects(now, |effect| matches!(effect, Effect::Announce(_)));
    }

    /// Drops the effects that are no longer wanted. A worker may be performing one at this moment.
    fn keep_effects(&mut self, now: Time, wanted: impl Fn(&Effect) -> bool) {
        if self.outbox.waits_for(|effect| effect.changes_a_service() && !wanted(effect)) {
            self.workers_until = Some(now + WORKER_LIFE + VISIBLE_AFTER);
        }
        self.outbox.keep(wanted);
    }

    /// An effect is answered; returns whether it was still open. If it was sent again, another worker
    /// may be performing it at this moment.
    pub(crate) fn effect_answered(&mut self, number: u64, now: Time) -> bool {
        let Some(entry) = self.outbox.answered(number) else { return false };
        if entry.sends > 1 && entry.effect.changes_a_service() {
            self.workers_until = Some(now + WORKER_LIFE + VISIBLE_AFTER);
        }
        true
    }

    /// Asks ECS about `services`, unless such an effect is already open.
    fn look(&mut self, services: Vec<ServiceName>, now: Time) {
        let asked = |effect: &Effect| match effect {
            Effect::Observe { services: open, .. } => services.iter().all(|s| open.contains(s)),
            _ => false,
        };
        if !services.is_empty() && !self.outbox.waits_for(asked) {
            let target = self.rules.target.clone();
            self.ask(Effect::Observe { target, services, returns: false }, now);
        }
    }

    /// Asks whether ECS itself rolled back the rollout of this service.
    fn ask_for_return(&mut self, name: &ServiceName, now: Time) {
        let asked = |effect: &Effect| match effect {
            Effect::Observe { services, returns, .. } => *returns && services.contains(name),
            _ => false,
        };
        if !self.outbox.waits_for(asked) {
            let (target, services) = (self.rules.target.clone(), vec![name.clone()]);
            self.ask(Effect::Observe { target, services, returns: true }, now);
        }
    }

    fn service_mut(&mut self, name: &ServiceName) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.name == *name)
    }

    fn named(&self, chosen: impl Fn(&Service) -> bool) -> Vec<ServiceName> {
        self.services.iter().filter(|s| chosen(s)).map(|s| s.name.clone()).collect()
    }
}
