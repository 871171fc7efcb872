//! What an ended deployment means for its environment.

use super::advance::Turn;
use super::{Good, Hold, HoldUntil, Holder, Live, UnfinishedTask};
use crate::deployment::{Deployment, Schema, ServiceState};
use crate::effect::Effect;
use crate::request::{Kind, RequestedBy};
use crate::spec::RollbackPolicy;
use crate::verdict::{Cause, SupersededBy, Verdict};

impl Turn<'_> {
    pub(super) fn conclude(&mut self, ended: &Deployment) {
        self.head.active = None;
        let workers_until = self.head.workers_until.max(ended.workers_until);
        self.head.workers_until = workers_until.filter(|until| *until > self.now);
        let release = &ended.request.release;
        self.head.remember_migration(ended);
        let without_trace = ended.is_without_trace();
        let is_gone = without_trace || matches!(ended.verdict(), Some(Verdict::RolledBack { .. }));
        if is_gone && ended.request.kind == Kind::Deploy {
            // A wrong tag that was cancelled or rolled back must not block later releases.
            self.head.high_water = self.head.mark_before.take();
        }
        let is_live = ended.verdict().is_some_and(Verdict::is_live);
        if !is_live && ended.request.kind == Kind::Deploy {
            // It was admitted despite a hold to replace the held release, and has not done so.
            self.head.restore_hold(self.now);
        }
        self.head.hold_before = None;
        if !without_trace && ended.request.kind == Kind::Deploy {
            // The person who started it knew of the task, and another migration may have run since.
            self.head.unfinished = None;
        }
        if let (
            Kind::ManualRollback(restore),
            Some(Verdict::Stuck { .. } | Verdict::Superseded { .. }),
        ) = (&ended.request.kind, ended.verdict())
        {
            // Another manual rollback must not go to the release that this one left.
            self.head.good.retain(|good| good.release.version != restore.from);
        }
        match ended.verdict() {
            Some(Verdict::Succeeded) => {
                self.goes_live(ended);
                self.proves_good(ended);
            }
            // It is neither proven nor disproven: no rollback target, and not promoted.
            Some(Verdict::Unproven { .. }) => self.goes_live(ended),
            Some(Verdict::RolledBack { cause }) => {
                self.head.remember_what_is_back(ended);
                self.held_because(ended, &format!("{} was rolled back: {cause}", release.version));
                if cause.speaks_against_the_release() {
                    self.head.remember_bad(release, &cause.to_string());
                }
            }
            Some(Verdict::Failed { cause, left }) if !left.is_empty() => {
                self.head.live = None;
                let why = format!("{} failed and was not rolled back: {cause}", release.version);
                let nothing_before = ended.services.iter().any(|s| s.state == ServiceState::Kept);
                match nothing_before {
                    // A newer release may fix it.
                    true => self.held_because(ended, &why),
                    false => self.hold(Holder::Slipway, &why, HoldUntil::Person),
                }
            }
            Some(Verdict::Superseded { by: by @ SupersededBy::OutsideUpdate { .. } }) => {
                self.head.live = None;
                self.held_because(ended, &by.to_string());
            }
            Some(Verdict::Stuck { because, .. }) => {
                self.head.live = None;
                if let Some(loose) = &ended.orphan_task {
                    let task = loose.task.clone();
                    self.head.unfinished = Some(UnfinishedTask { number: ended.id.number, task });
                }
                let why = format!("{} is stuck: {because}", release.version);
                self.hold(Holder::Slipway, &why, HoldUntil::Person);
            }
            Some(Verdict::Failed { cause, .. }) if ended.schema != Schema::Untouched => {
                self.database_changed(ended, cause);
            }
            // Nothing was changed.
            Some(
                Verdict::Failed { .. }
                | Verdict::Superseded { .. }
                | Verdict::Rejected { .. }
                | Verdict::Cancelled { .. },
            )
            | None => {}
        }
        self.head.remember_failed(ended);
        self.head.forget_migrations();
    }

    /// No service was changed, but the database may have been: the same migration must not run
    /// again because the same images are pushed again.
    fn database_changed(&mut self, ended: &Deployment, cause: &Cause) {
        let release = &ended.request.release;
        let why = match ended.schema {
            Schema::Migrated => format!("{release} changed the database and failed: {cause}"),
            // If a deployment undoes its own migration, it is stuck.
            Schema::UndoFailed => {
                format!(
                    "the rollback to {release} may have left the database partially migrated: {cause}"
                )
            }
            _ => format!(
                "{release} failed, and may have left the database partially migrated: {cause}"
            ),
        };
        let by_person = matches!(cause, Cause::Person { .. });
        match ended.rules.rollback {
            RollbackPolicy::Manual if !by_person => {
                self.hold(Holder::Slipway, &why, HoldUntil::Person);
            }
            _ => self.held_because(ended, &why),
        }
        if ended.request.kind == Kind::Deploy {
            self.head.remember_bad(release, &cause.to_string());
        }
    }

    /// The release is live from now on.
    fn goes_live(&mut self, ended: &Deployment) {
        let (release, number) = (ended.request.release.clone(), ended.id.number);
        let live = Live { release: release.clone(), number, since: self.now };
        let left = self.head.live.replace(live);
        match &ended.request.kind {
            Kind::ManualRollback(restore) => {
                let why = format!("rolled back from {} to {}", restore.from, release.version);
                if let Some(left) = left.filter(|left| left.release.version == restore.from) {
                    self.head.remember_bad(&left.release, &why);
                    self.head.remember_left(&left.release, number, &why);
                }
                // A person has now dealt with the reason for Slipway's hold.
                self.head.hold.take_if(|hold| hold.by == Holder::Slipway);
                let until = HoldUntil::NewerThan(self.head.newest(release.order()));
                self.hold(Holder::of(&ended.request.asked_by), &why, until);
                // From now on the hold blocks the release that was left; when it is lifted, nothing
                // does.
                self.head.high_water = Some(release.order().into());
            }
            Kind::Deploy => self.hold_if_older(ended),
        }
    }

    fn proves_good(&mut self, ended: &Deployment) {
        let release = ended.request.release.clone();
        let (number, at) = (ended.id.number, self.now);
        let revisions = ended.services.iter().map(|s| (s.name.clone(), s.after.clone())).collect();
        let needs = Some(self.head.needs_of(ended));
        self.head.forget_failed(&release);
        self.head.remember_good(Good { release: release.clone(), number, at, revisions, needs });
        let is_new = ended.request.kind == Kind::Deploy;
        for environment in self.context.promotes_to.iter().filter(|_| is_new) {
            let effect =
                Effect::Promote { environment: environment.clone(), release: release.clone() };
            self.head.outbox.add(effect, at);
        }
    }

    /// A person who deploys an older release does not want it replaced by one that was newer.
    fn hold_if_older(&mut self, ended: &Deployment) {
        let mark = ended.request.release.order();
        let newest = self.head.newest(mark.clone());
        if mark.older_than(&newest) {
            let why = format!("{} was deployed although {} is newer", mark.version, newest.version);
            let by = Holder::of(&ended.request.asked_by);
            self.hold(by, &why, HoldUntil::NewerThan(newest));
        }
    }

    fn held_because(&mut self, ended: &Deployment, why: &str) {
        let until = HoldUntil::NewerThan(self.head.newest(ended.request.release.order()));
        let by = match ended.verdict() {
            Some(
                Verdict::RolledBack { cause: Cause::Person { by, .. } }
                | Verdict::Failed { cause: Cause::Person { by, .. }, .. },
            ) => Holder::Person(by.clone()),
            _ => Holder::Slipway,
        };
        self.hold(by, why, until);
    }

    fn hold(&mut self, by: Holder, why: &str, until: HoldUntil) {
        self.head.hold(Hold::new(by, why, until, self.now));
    }
}

impl Holder {
    /// Who requested the deployment that ended.
    fn of(asker: &RequestedBy) -> Self {
        match asker {
            RequestedBy::Person { .. } => Self::Person(asker.to_string()),
            RequestedBy::Push { .. } | RequestedBy::Promotion { .. } => Self::Slipway,
        }
    }
}
