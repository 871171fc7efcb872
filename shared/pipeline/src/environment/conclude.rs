//! What an ended deployment means for its environment.

use super::advance::Turn;
use super::{Good, HoldUntil, Kind, Live, Unfinished};
use crate::deployment::{Deployment, Schema, Standing};
use crate::effect::Effect;
use crate::release::Mark;
use crate::spec::RollbackPolicy;
use crate::verdict::{Cause, Usurper, Verdict};

const US: &str = "slipway";

impl Turn<'_> {
    pub(super) fn conclude(&mut self, ended: &Deployment) {
        self.head.active = None;
        let release = &ended.request.release;
        self.head.remember_migration(ended);
        if ended.is_without_trace() && ended.request.kind == Kind::Deploy {
            // A tag pushed by mistake and called off must not keep out what comes after it.
            self.head.high_water = self.head.mark_before.take();
        }
        if let (Kind::Restore(restore), Some(Verdict::Stuck { .. } | Verdict::Superseded { .. })) =
            (&ended.request.kind, ended.verdict())
        {
            // Whoever presses the button again must not be brought to what they were leaving.
            self.head.good.retain(|good| good.release.version != restore.from);
        }
        match ended.verdict() {
            Some(Verdict::Succeeded) => self.succeeded(ended),
            Some(Verdict::RolledBack { cause }) => {
                self.head.remember_what_is_back(ended);
                self.held_because(ended, &format!("{} was rolled back: {cause}", release.version));
                if cause.speaks_against_the_release() {
                    self.head.remember_bad(release, &cause.to_string());
                }
            }
            Some(Verdict::Failed { cause, left }) if !left.is_empty() => {
                self.head.live = None;
                let why = format!("{} failed and was left: {cause}", release.version);
                let nothing_before = ended.services.iter().any(|s| s.standing == Standing::Left);
                let by = US.to_owned();
                match nothing_before {
                    // A newer release may well mend it.
                    true => self.held_because(ended, &why),
                    false => self.head.hold(by, why, HoldUntil::Person, self.now),
                }
            }
            Some(Verdict::Superseded { by: by @ Usurper::Somebody { .. } }) => {
                self.head.live = None;
                self.held_because(ended, &by.to_string());
            }
            Some(Verdict::Stuck { because, .. }) => {
                self.head.live = None;
                if let Some(loose) = &ended.loose_task {
                    let task = loose.task.clone();
                    self.head.unfinished = Some(Unfinished { number: ended.id.number, task });
                }
                let why = format!("{} is stuck: {because}", release.version);
                self.head.hold(US.to_owned(), why, HoldUntil::Person, self.now);
            }
            Some(Verdict::Failed { cause, .. }) if ended.schema != Schema::Untouched => {
                self.database_changed(ended, cause);
            }
            // Nothing was touched.
            Some(
                Verdict::Failed { .. }
                | Verdict::Superseded { .. }
                | Verdict::Rejected { .. }
                | Verdict::Cancelled { .. },
            )
            | None => {}
        }
    }

    /// No service was touched, and the database may have been: the same migration must not run once
    /// more because somebody pushes the same images again.
    fn database_changed(&mut self, ended: &Deployment, cause: &Cause) {
        let release = &ended.request.release;
        let why = match ended.schema {
            Schema::Migrated => format!("{release} changed the database and failed: {cause}"),
            Schema::UndoFailed if ended.request.kind != Kind::Deploy => {
                format!(
                    "the way back to {release} may have left the database half changed: {cause}"
                )
            }
            _ => format!("{release} failed, and may have left the database half changed: {cause}"),
        };
        let by_person = matches!(cause, Cause::Person { .. });
        match ended.rules.rollback {
            RollbackPolicy::Manual if !by_person => {
                self.head.hold(US.to_owned(), why, HoldUntil::Person, self.now);
            }
            _ => self.held_because(ended, &why),
        }
        if ended.request.kind == Kind::Deploy {
            self.head.remember_bad(release, &cause.to_string());
        }
    }

    fn succeeded(&mut self, ended: &Deployment) {
        let release = ended.request.release.clone();
        let (number, at) = (ended.id.number, self.now);
        let revisions = ended.services.iter().map(|s| (s.name.clone(), s.after.clone())).collect();
        let left = self.head.live.replace(Live { release: release.clone(), number, since: at });
        let needs = Some(self.head.needs_of(ended));
        self.head.remember_good(Good { release: release.clone(), number, at, revisions, needs });
        match &ended.request.kind {
            Kind::Restore(restore) => {
                let why = format!("went back from {} to {}", restore.from, release.version);
                if let Some(left) = left.filter(|left| left.release.version == restore.from) {
                    self.head.remember_bad(&left.release, &why);
                }
                // What we held for a person to look at, a person has looked at.
                self.head.hold.take_if(|hold| hold.by == US);
                let by = ended.request.asked_by.to_string();
                let until = HoldUntil::NewerThan(self.newest(release.mark()));
                self.head.hold(by, why, until, at);
            }
            Kind::Deploy => {
                let mark = release.mark();
                let newest = self.newest(mark.clone());
                if mark.older_than(&newest) {
                    let by = ended.request.asked_by.to_string();
                    let why =
                        format!("{} was put here though {} is newer", mark.version, newest.version);
                    self.head.hold(by, why, HoldUntil::NewerThan(newest), at);
                }
            }
        }
        let is_new = ended.request.kind == Kind::Deploy;
        for environment in self.context.promotes_to.iter().filter(|_| is_new) {
            let effect =
                Effect::Promote { environment: environment.clone(), release: release.clone() };
            self.head.outbox.add(effect, at);
        }
    }

    fn held_because(&mut self, ended: &Deployment, why: &str) {
        let until = HoldUntil::NewerThan(self.newest(ended.request.release.mark()));
        let by = match ended.verdict() {
            Some(
                Verdict::RolledBack { cause: Cause::Person { by, .. } }
                | Verdict::Failed { cause: Cause::Person { by, .. }, .. },
            ) => by.clone(),
            _ => US.to_owned(),
        };
        self.head.hold(by, why.to_owned(), until, self.now);
    }

    /// The newer of `mark` and whatever was the newest here.
    fn newest(&self, mark: Mark) -> Mark {
        match &self.head.high_water {
            Some(known) if mark.older_than(known) => known.clone(),
            _ => mark,
        }
    }
}
