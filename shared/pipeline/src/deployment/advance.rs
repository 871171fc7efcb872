//! What happens next: the one table of states and events.

use super::{Deployment, Schema, State};
use crate::event::Event;
use crate::request::Kind;
use crate::time::Time;
use crate::verdict::{Cause, Verdict};

/// The result of an event, for the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was processed.
    Done,
    /// A person's request was accepted; this is what follows.
    Accepted(String),
    /// A worker may start the task.
    Granted,
    /// A worker must not start the task, and why.
    Denied(String),
    /// A person's request is refused; this says why and what to do instead.
    Refused(String),
    /// It changes nothing, and why; for the log.
    Ignored(String),
}

/// Decides what follows from `event`.
///
/// AWS delivers late, twice and out of order, so an event that does not fit changes nothing.
pub fn advance(mut deployment: Deployment, event: Event, now: Time) -> (Deployment, Reply) {
    let said = deployment.take_in(event, now);
    deployment.fit();
    (deployment, said)
}

impl Deployment {
    /// What holds in every state, and then the four phases of a deployment, each with its rows.
    fn take_in(&mut self, mut event: Event, now: Time) -> Reply {
        use Event as E;
        use State as S;
        // An older observation does not show who updated a service since.
        if let E::Observed { services } = &mut event {
            let read_at = self.watched_from.unwrap_or(self.started_at);
            services.retain(|seen| seen.seen_at >= read_at);
        }
        match (&self.state, event) {
            (_, E::Announced) => Reply::Done,
            (S::Ended { .. }, event) => self.has_ended(&event),
            (_, E::RollbackRequested { undo, .. }) if self.is_manual_rollback() => {
                self.asked_to_go_back_again(undo)
            }
            (S::AwaitingApproval { .. } | S::Preparing { .. }, event) => {
                self.nothing_touched(event, now)
            }

            (_, E::CancelRequested { .. }) => Reply::Refused(
                "the deployment is in progress; use rollback to roll back its services".into(),
            ),
            (_, E::RollbackRequested { by, why, undo }) => {
                self.rollback_requested(by, why, undo, now)
            }
            (_, E::Approved { .. } | E::Rejected { .. }) => self.no_approval_wanted(),
            (_, E::AlarmChanged(reading)) => self.alarm_changed(reading, now),

            (S::Migrating { .. } | S::UndoingMigration { .. }, event) => {
                self.one_off_event(event, now)
            }
            (_, E::OneOffClaimed { .. }) => Reply::Denied("no migration task is due now".into()),
            (S::RollingBack { .. } | S::VerifyingRollback { .. }, event) => {
                self.rolling_back(event, now)
            }
            (_, event) => self.going_forward(event, now),
        }
    }

    /// Approval and preparation: no service has been changed yet.
    fn nothing_touched(&mut self, event: Event, now: Time) -> Reply {
        use Event as E;
        use State as S;
        match (&self.state, event) {
            (_, E::CancelRequested { by, why } | E::RollbackRequested { by, why, .. }) => {
                self.end(Verdict::Cancelled { by, why }, now);
                Reply::Accepted("cancelled; no service was changed".into())
            }
            (_, E::AlarmChanged(reading)) => self.alarm_changed(reading, now),
            (_, E::OneOffClaimed { .. }) => Reply::Denied("no migration task is due now".into()),

            (S::AwaitingApproval { deadline }, E::Approved { .. }) if now >= *deadline => {
                let too_late = format!("the approval expired at {deadline}; deploy it again");
                self.approval_expired(now);
                Reply::Refused(too_late)
            }
            (S::AwaitingApproval { .. }, E::Approved { by }) => self.approved(&by, now),
            (S::AwaitingApproval { .. }, E::Rejected { by, why }) => {
                self.end(Verdict::Rejected { by, why }, now);
                Reply::Accepted("rejected; no service was changed".into())
            }
            (S::AwaitingApproval { deadline }, E::Woken) if now >= *deadline => {
                self.approval_expired(now);
                Reply::Done
            }
            (_, E::Approved { .. } | E::Rejected { .. }) => self.no_approval_wanted(),

            (S::Preparing { .. }, E::Prepared(preparation)) => self.prepared(preparation, now),
            (S::Preparing { .. }, E::PreparationFailed { faults }) => {
                self.end(Verdict::Failed { cause: Cause::Preflight { faults }, left: vec![] }, now);
                Reply::Done
            }
            (S::Preparing { deadline }, E::Woken) if now >= *deadline => {
                let cause = Cause::PreparationTimedOut;
                self.end(Verdict::Failed { cause, left: vec![] }, now);
                Reply::Done
            }
            (_, event) => self.does_not_fit(&event),
        }
    }

    /// The release is being rolled out, or is rolled out and not verified yet.
    fn going_forward(&mut self, event: Event, now: Time) -> Reply {
        use Event as E;
        use State as S;
        match (&self.state, event) {
            (_, E::Observed { services }) => self.observed(&services, now),
            (_, E::LeftAlone { seen }) => self.observed(&[seen], now),
            (_, E::TaskReported(report)) => self.task_reported(&report, now),

            (S::RollingOut { .. }, E::RolloutStarted { service, rollout }) => {
                self.rollout_started(&service, rollout, now)
            }
            (S::RollingOut { .. }, E::RolloutRefused { service, reason }) => {
                self.rollout_refused(service, reason, now)
            }
            (S::RollingOut { .. }, E::Woken) => self.woken_rolling_out(now),

            (S::Checking { .. }, E::Checked { check, attempt, outcome }) => {
                self.checked(check, attempt, outcome, now)
            }
            (S::Checking { deadline, .. }, E::Woken) if now >= *deadline => {
                self.start_rollback(Cause::ChecksTimedOut, now);
                Reply::Done
            }
            (S::Baking { .. } | S::Confirming { .. }, E::AlarmsRead { read_at, readings }) => {
                self.alarms_read(read_at, readings, now)
            }
            (S::Baking { until }, E::Woken) if now >= *until => {
                self.confirm(now);
                Reply::Done
            }
            (S::Confirming { .. }, E::Woken) => self.woken_confirming(now),
            (_, event) => self.does_not_fit(&event),
        }
    }

    /// The changed services are being rolled back.
    fn rolling_back(&mut self, event: Event, now: Time) -> Reply {
        use Event as E;
        use State as S;
        match (&self.state, event) {
            (S::RollingBack { .. }, E::RollbackStarted { service, revision, rollout }) => {
                self.rollback_started(&service, revision, rollout, now)
            }
            (S::RollingBack { .. }, E::RollbackRefused { service, refusal, reason }) => {
                self.rollback_refused(&service, refusal, reason, now)
            }
            (S::RollingBack { .. }, E::Removed { service }) => self.removed(&service, now),
            (_, E::LeftAlone { seen }) => self.left_alone_rolling_back(&seen, now),
            (S::RollingBack { .. }, E::Observed { services }) => {
                self.observed_rolling_back(&services, now)
            }
            (S::RollingBack { .. }, E::Woken) => self.woken_rolling_back(now),
            (S::VerifyingRollback { .. }, E::Observed { services }) => {
                self.observed_verifying(&services, now)
            }
            (S::VerifyingRollback { .. }, E::Woken) => self.woken_verifying(now),
            (_, event) => self.does_not_fit(&event),
        }
    }

    fn has_ended(&self, event: &Event) -> Reply {
        match (event, self.verdict()) {
            (Event::RollbackRequested { .. } | Event::CancelRequested { .. }, Some(verdict)) => {
                Reply::Refused(format!("deployment {} has ended: {verdict}", self.id.number))
            }
            (Event::OneOffClaimed { .. }, _) => Reply::Denied("the deployment has ended".into()),
            _ => Reply::Ignored("the deployment has ended".into()),
        }
    }

    fn no_approval_wanted(&self) -> Reply {
        Reply::Refused(format!(
            "no deployment is waiting for approval: it is {}",
            self.state.name()
        ))
    }

    /// It belongs to another state: a late or repeated answer, a fact that is irrelevant now, or an
    /// early wake-up.
    pub(super) fn does_not_fit(&self, event: &Event) -> Reply {
        Reply::Ignored(format!("{} while {}", event.name(), self.state.name()))
    }

    fn approval_expired(&mut self, now: Time) {
        let why = "not approved in time; deploy it again to request approval again".into();
        self.end(Verdict::Rejected { by: "timeout".into(), why }, now);
    }

    fn approved(&mut self, by: &str, now: Time) -> Reply {
        self.note(now, format!("Approved by {by}."));
        self.prepare(now);
        Reply::Accepted("approved; the deployment starts".into())
    }

    /// This deployment is itself a manual rollback, and the request is a duplicate.
    fn asked_to_go_back_again(&self, undo: bool) -> Reply {
        let version = &self.request.release.version;
        match &self.request.kind {
            Kind::ManualRollback(restore) if undo && !restore.undo => Reply::Refused(format!(
                "already rolling back to {version}, without undoing the migration"
            )),
            _ => Reply::Accepted(format!("already rolling back to {version}")),
        }
    }

    fn rollback_requested(&mut self, by: String, why: String, undo: bool, now: Time) -> Reply {
        if undo && self.rules.migration.as_ref().is_none_or(|m| m.undo.is_none()) {
            return Reply::Refused(
                "the spec has no migration.undo; roll back without \"undo\"".into(),
            );
        }
        match &self.state {
            State::RollingBack { .. } | State::VerifyingRollback { .. }
                if undo && self.schema == Schema::Migrated =>
            {
                Reply::Refused("already rolling back, without undoing the migration".into())
            }
            State::UndoingMigration { .. }
            | State::RollingBack { .. }
            | State::VerifyingRollback { .. } => Reply::Accepted("already rolling back".into()),
            _ => {
                let migrates = matches!(self.state, State::Migrating { .. });
                let schema = match undo && !migrates && self.schema != Schema::Migrated {
                    true => "; there is no migration to undo",
                    false => "",
                };
                self.note(now, format!("Rollback requested by {by}: {why}."));
                self.start_rollback_as_asked(Cause::Person { by, why }, undo, now);
                Reply::Accepted(format!("rolling back all services{schema}"))
            }
        }
    }
}
