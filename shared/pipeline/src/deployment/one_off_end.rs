//! How one-off tasks end: successfully, failed, or with an unknown outcome.

use super::{
    AfterUndo, Deployment, Intent, LOOK_SOON, OrphanTask, Reply, Reported, RunProgress, Schema,
    State,
};
use crate::effect::Purpose;
use crate::names::TaskId;
use crate::task::{FailedContainer, Fault, OneOffEnd};
use crate::time::{Span, Time};
use crate::verdict::{Cause, Verdict};

impl Deployment {
    /// An event says that a task has ended. Others can start tasks that look like ours, so it is
    /// only a hint: it counts only for the task that AWS returned to us, and then AWS is asked.
    pub(super) fn one_off_reported(
        &mut self,
        attempt: u32,
        task: TaskId,
        end: Option<OneOffEnd>,
        now: Time,
    ) -> Reply {
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Reply::Ignored("a task of another attempt".into());
        };
        match run.progress.task() {
            Some(known) if *known != task => {
                return Reply::Ignored("not the task of this deployment".into());
            }
            Some(_) => {
                run.reported = Some(Reported { task, end });
                self.look_at_one_off(now);
            }
            // The event may arrive before the worker that started the task has answered.
            None => run.reported = Some(Reported { task, end }),
        }
        Reply::Done
    }

    /// AWS no longer knows the task: it ended at least an hour ago. An event may have said how.
    pub(super) fn one_off_lost(&mut self, purpose: Purpose, attempt: u32, now: Time) -> Reply {
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Reply::Ignored("a task of another attempt".into());
        };
        let ours = run.progress.task().cloned();
        let reported = run.reported.take().filter(|reported| Some(&reported.task) == ours.as_ref());
        match reported.and_then(|reported| Some((reported.task, reported.end?))) {
            Some((task, end)) => self.one_off_ended(purpose, attempt, &task, end, now),
            None => {
                self.one_off_unclear("it is unknown how the task ended", now);
                Reply::Done
            }
        }
    }

    pub(super) fn one_off_seen(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        task: &TaskId,
        end: Option<OneOffEnd>,
        now: Time,
    ) -> Reply {
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Reply::Ignored("a task of another attempt".into());
        };
        match (run.progress.task(), end) {
            (None, _) => Reply::Ignored("no task was started yet".into()),
            (Some(known), _) if known != task => {
                Reply::Ignored("not the task of this deployment".into())
            }
            (Some(_), Some(end)) => self.one_off_ended(purpose, attempt, task, end, now),
            (Some(_), None) => {
                if run.reported.is_some() {
                    // DescribeTasks shows a little later what the event has already reported.
                    run.look_at = run.look_at.min(now + LOOK_SOON);
                }
                Reply::Done
            }
        }
    }

    fn one_off_ended(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        task: &TaskId,
        end: OneOffEnd,
        now: Time,
    ) -> Reply {
        let Some(run) = self.run_mut() else {
            return Reply::Ignored("no task is expected".into());
        };
        let was_stopping = matches!(run.progress, RunProgress::Stopping { .. });
        if end.succeeded() {
            self.one_off_succeeded(purpose, now);
        } else if end.never_ran() && end.is_passing() && !was_stopping {
            run.progress = RunProgress::Claimed { at: now, granted_at: now };
            let reason = end.stop.reason;
            return self.one_off_not_started(purpose, attempt, Fault::Capacity, reason, now);
        } else if end.never_ran() {
            let reason = end.stop.reason;
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
        } else {
            let how = end.to_string();
            let after = self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout);
            let cause = match was_stopping {
                true => Cause::MigrationTimedOut { after: after.to_string() },
                false => Cause::MigrationFailed { how: how.clone() },
            };
            self.note_failed_container(self.one_off_failed_container(task));
            self.may_have_changed_the_database();
            self.one_off_failed(cause, how, now);
        }
        Reply::Done
    }

    fn one_off_succeeded(&mut self, purpose: Purpose, now: Time) {
        self.drop_all_but_announcements(now);
        match (purpose, &self.state) {
            (Purpose::Migrate, State::Migrating { intent, .. }) => {
                let intent = intent.clone();
                self.schema = Schema::Migrated;
                self.note(now, "The migration succeeded (exit code 0).");
                match intent {
                    Intent::Continue => self.roll_out(0, now),
                    Intent::RollBack { cause, undo } => self.decide_rollback(cause, undo, now),
                }
            }
            (Purpose::Undo, State::UndoingMigration { then, .. }) => {
                let then = then.clone();
                self.schema = Schema::Undone;
                self.note(now, "The migration is undone.");
                match then {
                    AfterUndo::RollBack { cause } => self.roll_back(cause, now),
                    AfterUndo::RollOut => self.roll_out(0, now),
                }
            }
            _ => {}
        }
    }

    /// The command ran, and it is unknown how far.
    fn may_have_changed_the_database(&mut self) {
        self.schema = match self.state {
            State::UndoingMigration { .. } => Schema::UndoFailed,
            _ => Schema::MigrationFailed,
        };
    }

    /// No service was changed yet, so a failed migration needs no rollback.
    pub(super) fn one_off_failed(&mut self, cause: Cause, how: String, now: Time) {
        let verdict = match &self.state {
            State::UndoingMigration { then: AfterUndo::RollBack { cause }, .. } => {
                let because = format!(
                    "undoing the migration failed ({how}), and the previous release cannot run on the new schema"
                );
                Verdict::Stuck { cause: cause.clone(), because }
            }
            State::UndoingMigration { then: AfterUndo::RollOut, .. } => {
                Verdict::Failed { cause: Cause::UndoFailed { how }, left: vec![] }
            }
            _ => Verdict::Failed { cause, left: vec![] },
        };
        self.end(verdict, now);
    }

    pub(super) fn one_off_unclear(&mut self, because: &str, now: Time) {
        self.may_have_changed_the_database();
        let task = self.run_mut().and_then(|run| run.progress.task().cloned());
        self.orphan_task = Some(OrphanTask { task });
        let cause = match &self.state {
            State::UndoingMigration { then: AfterUndo::RollBack { cause }, .. } => cause.clone(),
            _ => Cause::MigrationUnclear,
        };
        let because = format!("{because}; check the database before you deploy anything else");
        self.end(Verdict::Stuck { cause, because }, now);
    }

    fn one_off_failed_container(&self, task: &TaskId) -> Option<FailedContainer> {
        let migration = self.rules.migration.as_ref().filter(|migration| !migration.on_host)?;
        let revision = self.one_off_revision(&migration.service)?;
        Some(FailedContainer {
            revision,
            container: migration.container.clone(),
            task: task.clone(),
        })
    }
}
