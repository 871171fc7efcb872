//! Whether a deployment rolls back, and how, by its rollback policy.

use crate::deployment::{AfterUndo, Deployment, Intent, Run, RunProgress, Schema, Service, State};
use crate::names::ServiceName;
use crate::notice::News;
use crate::spec::RollbackPolicy;
use crate::time::Time;
use crate::verdict::{Cause, Verdict, list};

impl Deployment {
    /// Starts the rollback that the policy requires because of `cause`.
    pub(in crate::deployment) fn start_rollback(&mut self, cause: Cause, now: Time) {
        self.start_rollback_as_asked(cause, false, now);
    }

    /// The same; a person may also ask to undo the migration, whatever the policy says.
    // #[gamma::skip(match_arm.never_matches, reason = "callers do not call it during a rollback")]
    pub(in crate::deployment) fn start_rollback_as_asked(
        &mut self,
        cause: Cause,
        undo: bool,
        now: Time,
    ) {
        match &self.state {
            // No worker has claimed it, and none is permitted to from now on.
            State::Migrating { run: Run { progress: RunProgress::Asked, .. }, .. } => {
                self.decide_rollback(cause, undo, now);
            }
            // A migration is never aborted: a half-finished one leaves an unknown state.
            State::Migrating { .. } => self.start_rollback_after_migration(cause, undo, now),
            State::UndoingMigration { .. }
            | State::RollingBack { .. }
            | State::VerifyingRollback { .. } => {}
            _ => self.decide_rollback(cause, undo, now),
        }
    }

    pub(in crate::deployment) fn decide_rollback(&mut self, cause: Cause, undo: bool, now: Time) {
        let by_person = matches!(cause, Cause::Person { .. });
        self.drop_all_but_announcements(now);
        self.rollback_since = Some(now);
        let touched = self.named(Service::touched);
        if self.is_manual_rollback() {
            return self.manual_rollback_failed(cause, &touched, now);
        }
        let policy = self.rules.rollback;
        let can_undo = self.rules.migration.as_ref().is_some_and(|m| m.undo.is_some());
        let migrated = self.schema == Schema::Migrated;
        // What ECS rolls back is not left on the new revision.
        let left = self.named(|service| service.touched() && !service.is_rolled_back_by_ecs());
        let is_left_to_person = !left.is_empty() || touched.is_empty();
        if migrated && policy == RollbackPolicy::Manual && !by_person && is_left_to_person {
            self.note(
                now,
                "The rollback policy is manual: nothing is rolled back until a person decides.",
            );
            return self.end(Verdict::Failed { cause, left }, now);
        }
        if migrated && can_undo && (undo || policy == RollbackPolicy::AfterUndo) {
            self.announce(News::RollingBack { cause: cause.to_string() }, now);
            return self.undo(AfterUndo::RollBack { cause }, now);
        }
        if touched.is_empty() {
            self.mention_the_schema(now);
            let verdict = match cause {
                // Cancelled means that nothing was changed, and the database may have been.
                Cause::Person { by, why } if !migrated => Verdict::Cancelled { by, why },
                cause => Verdict::Failed { cause, left: vec![] },
            };
            return self.end(verdict, now);
        }
        self.announce(News::RollingBack { cause: cause.to_string() }, now);
        self.roll_back(cause, now);
    }

    pub(in crate::deployment) fn mention_the_schema(&mut self, now: Time) {
        if self.schema == Schema::Migrated {
            self.note(
                now,
                "The migration is not undone: the previous release runs on the new schema.",
            );
        }
    }

    fn start_rollback_after_migration(&mut self, cause: Cause, undo: bool, now: Time) {
        match &mut self.state {
            State::Migrating { intent: intent @ Intent::Continue, .. } => {
                *intent = Intent::RollBack { cause, undo };
                self.note(now, "Waiting for the migration to finish before rolling back.");
            }
            // The first cause stays; a person may still want the migration undone.
            State::Migrating { intent: Intent::RollBack { undo: wanted, .. }, .. } => {
                *wanted |= undo;
            }
            _ => {}
        }
    }

    /// A failed manual rollback has no further rollback.
    pub(in crate::deployment) fn manual_rollback_failed(
        &mut self,
        cause: Cause,
        touched: &[ServiceName],
        now: Time,
    ) {
        let verdict = if touched.is_empty() {
            Verdict::Failed { cause, left: vec![] }
        } else {
            let because = format!("the rollback failed; check {}", list(touched));
            Verdict::Stuck { cause, because }
        };
        self.end(verdict, now);
    }
}
