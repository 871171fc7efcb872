//! One-off tasks: the migration and its undoing, each run at most once.
//!
//! A worker claims an attempt before it starts the task. A second worker with the same attempt is
//! let through only while AWS would still recognise the client token and answer with the same
//! task; after that nobody can know, and the deployment says so.

use super::{
    AfterUndo, Deployment, GRACE, Intent, LOOK_EVERY, LooseTask, Run, RunProgress, Said, Schema,
    State, WORKER_LIFE,
};
use crate::effect::{Effect, OneOff, Purpose};
use crate::event::Event;
use crate::names::{Revision, TaskId};
use crate::task::{Fault, OneOffEnd, Witness};
use crate::time::{Span, Time};
use crate::verdict::{Cause, Verdict};

/// AWS keeps a client token for at least an hour after the task; a claim is good for less.
const CLAIM_LIFE: Span = Span::minutes(50);
/// How long a task may take to be started, beside the time that it may run.
pub(super) const MIGRATION_PATIENCE: Span = Span::minutes(5);
const PAUSE_FOR_CAPACITY: Span = Span::seconds(30);

impl Deployment {
    pub(super) fn run_one_off(&mut self, purpose: Purpose, attempt: u32, pause: Span, now: Time) {
        let Some(migration) = self.rules.migration.clone() else { return };
        let command = match purpose {
            Purpose::Migrate => migration.command,
            Purpose::Undo => migration.undo.unwrap_or_default(),
        };
        let Some(revision) = self.one_off_revision(&migration.service) else { return };
        let spec = self.rules.services().map(|(_, s)| s).find(|s| s.name == migration.service);
        let is_new =
            self.services.iter().any(|s| s.name == migration.service && s.before.is_none());
        let create = spec.and_then(|spec| spec.create.clone()).filter(|_| is_new);
        let host_container = spec.and_then(|spec| spec.container.clone());
        let word = if purpose == Purpose::Migrate { "migrate" } else { "undo" };
        let one_off = OneOff {
            target: self.rules.target.clone(),
            purpose,
            attempt,
            service: migration.service,
            revision,
            create,
            container: migration.container,
            host_container,
            command,
            on_host: migration.on_host,
            timeout: migration.timeout,
            client_token: format!("{}-{word}-{attempt}", self.short_id()),
            pause,
        };
        self.ask(Effect::RunOneOff(Box::new(one_off)), now);
    }

    /// Takes the migration back with the revision that knows how: the one that made it.
    pub(super) fn undo(&mut self, then: AfterUndo, now: Time) {
        self.note(now, "Taking the migration back.");
        self.run_one_off(Purpose::Undo, 1, Span::default(), now);
        let run = self.new_run(1, now, MIGRATION_PATIENCE);
        self.state = State::Undoing { run, then };
    }

    pub(super) fn new_run(&self, attempt: u32, now: Time, patience: Span) -> Run {
        let timeout = self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout);
        let deadline = now + timeout + patience;
        Run {
            attempt,
            progress: RunProgress::Asked,
            look_at: deadline.min(now + LOOK_EVERY),
            deadline,
        }
    }

    pub(super) fn one_off_event(&mut self, event: Event, now: Time) -> Said {
        let purpose = match self.state {
            State::Migrating { .. } => Purpose::Migrate,
            _ => Purpose::Undo,
        };
        match event {
            Event::OneOffClaimed { purpose: p, attempt } => {
                self.claimed(p == purpose, attempt, now)
            }
            Event::OneOffStarted { purpose: p, attempt, task } if p == purpose => {
                self.one_off_started(attempt, &task, now)
            }
            Event::OneOffNotStarted { purpose: p, attempt, fault, reason } if p == purpose => {
                self.one_off_not_started(purpose, attempt, fault, reason, now)
            }
            Event::OneOffSeen { purpose: p, attempt, task, end } if p == purpose => {
                self.one_off_seen(purpose, attempt, &task, end, now)
            }
            Event::OneOffLost { purpose: p, attempt } if p == purpose => self
                .if_current(attempt, |d| d.one_off_unclear("nobody saw how the task ended", now)),
            Event::OneOffStopAsked { .. } => Said::Done,
            Event::Woken => self.woken_one_off(purpose, now),
            event @ (Event::OneOffStarted { .. }
            | Event::OneOffNotStarted { .. }
            | Event::OneOffSeen { .. }
            | Event::OneOffLost { .. }) => {
                Said::Ignored(format!("{} of another task", event.name()))
            }
            event => self.does_not_fit(&event),
        }
    }

    fn claimed(&mut self, fits: bool, attempt: u32, now: Time) -> Said {
        let Some(run) = self.run_mut().filter(|run| fits && run.attempt == attempt) else {
            return Said::Denied("another attempt is under way".into());
        };
        match run.progress {
            RunProgress::Asked => {
                run.progress = RunProgress::Claimed { at: now, granted_at: now };
                Said::Granted
            }
            // One at a time: what the first one finds, the second must not find otherwise.
            RunProgress::Claimed { granted_at, .. } if now < granted_at + WORKER_LIFE => {
                Said::Denied("another worker is at it".into())
            }
            RunProgress::Claimed { at, .. } if now < at + CLAIM_LIFE => {
                run.progress = RunProgress::Claimed { at, granted_at: now };
                Said::Granted
            }
            RunProgress::Claimed { .. } => {
                self.one_off_unclear("it was claimed too long ago to try again safely", now);
                Said::Denied("nobody can say whether the task was started".into())
            }
            RunProgress::Started { .. } | RunProgress::Stopping { .. } => {
                Said::Denied("the task was started".into())
            }
        }
    }

    fn one_off_started(&mut self, attempt: u32, task: &TaskId, now: Time) -> Said {
        let timeout = self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout);
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Said::Ignored("a task of another attempt".into());
        };
        if matches!(run.progress, RunProgress::Started { .. } | RunProgress::Stopping { .. }) {
            return Said::Done;
        }
        run.progress = RunProgress::Started { task: task.clone() };
        run.deadline = now + timeout;
        run.look_at = run.deadline.min(now + LOOK_EVERY);
        self.outbox.keep(|effect| !matches!(effect, Effect::RunOneOff(_)));
        let what = match self.state {
            State::Undoing { .. } => "The undoing",
            _ => "The migration",
        };
        self.note(now, format!("{what} runs as task {}.", short_task(task)));
        Said::Done
    }

    fn one_off_not_started(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        fault: Fault,
        reason: String,
        now: Time,
    ) -> Said {
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Said::Ignored("a task of another attempt".into());
        };
        if matches!(run.progress, RunProgress::Started { .. } | RunProgress::Stopping { .. }) {
            return Said::Ignored("the task was started".into());
        }
        let passing = matches!(fault, Fault::Capacity | Fault::Platform);
        if passing && now < run.deadline && run.attempt < 1000 {
            run.attempt += 1;
            run.progress = RunProgress::Asked;
            let next = run.attempt;
            if next == 2 {
                self.note(now, format!("It cannot be started yet and is tried again: {reason}."));
            }
            self.outbox.keep(|effect| !matches!(effect, Effect::RunOneOff(_)));
            self.run_one_off(purpose, next, PAUSE_FOR_CAPACITY, now);
        } else {
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
        }
        Said::Done
    }

    fn one_off_seen(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        task: &TaskId,
        end: Option<OneOffEnd>,
        now: Time,
    ) -> Said {
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Said::Ignored("a task of another attempt".into());
        };
        if run.progress.task().is_some_and(|known| known != task) {
            return Said::Ignored("another task than ours".into());
        }
        let Some(end) = end else {
            // It runs. Whoever started it may not have lived to say so.
            return match run.progress {
                RunProgress::Asked | RunProgress::Claimed { .. } => {
                    self.one_off_started(attempt, task, now)
                }
                _ => Said::Done,
            };
        };
        let was_stopping = matches!(run.progress, RunProgress::Stopping { .. });
        if end.succeeded() {
            self.one_off_succeeded(purpose, now);
        } else if !was_stopping && end.never_ran() && end.is_passing() {
            run.progress = RunProgress::Claimed { at: now, granted_at: now };
            return self.one_off_not_started(
                purpose,
                attempt,
                Fault::Capacity,
                end.stop.reason,
                now,
            );
        } else if was_stopping {
            let after =
                self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout).to_string();
            self.hear(self.one_off_witness(task));
            self.one_off_failed(Cause::MigrationTimedOut { after }, end.to_string(), now);
        } else if end.never_ran() {
            let reason = end.stop.reason;
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
        } else {
            let how = end.to_string();
            self.hear(self.one_off_witness(task));
            self.one_off_failed(Cause::MigrationFailed { how: how.clone() }, how, now);
        }
        Said::Done
    }

    fn one_off_succeeded(&mut self, purpose: Purpose, now: Time) {
        self.drop_all_but_announcements();
        match (purpose, &self.state) {
            (Purpose::Migrate, State::Migrating { intent, .. }) => {
                let intent = intent.clone();
                self.schema = Schema::Migrated;
                self.note(now, "The migration ended with exit code 0.");
                match intent {
                    Intent::GoOn => self.roll_out(0, now),
                    Intent::GoBack { cause, undo } => self.turn_round(cause, undo, now),
                }
            }
            (Purpose::Undo, State::Undoing { then, .. }) => {
                let then = then.clone();
                self.schema = Schema::Undone;
                self.note(now, "The migration is taken back.");
                match then {
                    AfterUndo::PutBack { cause } => self.put_back(cause, now),
                    AfterUndo::RollOut => self.roll_out(0, now),
                }
            }
            _ => {}
        }
    }

    /// No service was touched yet, so that a failed migration needs no way back.
    fn one_off_failed(&mut self, cause: Cause, how: String, now: Time) {
        let verdict = match &self.state {
            State::Undoing { then: AfterUndo::PutBack { cause }, .. } => {
                let because = format!(
                    "undoing the migration failed ({how}), and the old code cannot live with the new schema"
                );
                Verdict::Stuck { cause: cause.clone(), because }
            }
            State::Undoing { then: AfterUndo::RollOut, .. } => {
                Verdict::Failed { cause: Cause::UndoFailed { how }, left: vec![] }
            }
            _ => Verdict::Failed { cause, left: vec![] },
        };
        self.end(verdict, now);
    }

    fn one_off_unclear(&mut self, because: &str, now: Time) {
        let task = self.run_mut().and_then(|run| run.progress.task().cloned());
        self.loose_task = Some(LooseTask { task });
        let cause = match &self.state {
            State::Undoing { then: AfterUndo::PutBack { cause }, .. } => cause.clone(),
            _ => Cause::MigrationUnclear,
        };
        let because = format!("{because}; look at the database before anything else is deployed");
        self.end(Verdict::Stuck { cause, because }, now);
    }

    fn woken_one_off(&mut self, purpose: Purpose, now: Time) -> Said {
        let container = self.rules.migration.as_ref().map(|m| m.container.clone());
        let target = self.rules.target.clone();
        let (Some(run), Some(container)) = (self.run_mut(), container) else {
            return Said::Ignored("there is no migration".into());
        };
        if now < run.look_at {
            return Said::Ignored("woken before its time".into());
        }
        let (attempt, overdue, lost) =
            (run.attempt, now >= run.deadline, now >= run.deadline + GRACE);
        run.look_at = if overdue { now + GRACE } else { run.deadline.min(now + LOOK_EVERY) };
        match run.progress.clone() {
            RunProgress::Started { task } if overdue => {
                run.progress = RunProgress::Stopping { task: task.clone() };
                run.deadline = now + MIGRATION_PATIENCE;
                self.note(now, "The task is out of time and is being stopped.");
                let reason = "slipway: out of time".to_owned();
                self.ask(Effect::StopOneOff { target, purpose, attempt, task, reason }, now);
            }
            RunProgress::Stopping { .. } if lost => {
                self.one_off_unclear("the task was told to stop and may still run", now);
            }
            RunProgress::Started { task } | RunProgress::Stopping { task } => {
                let look = Effect::LookAtOneOff { target, purpose, attempt, task, container };
                if !self.outbox.waits_for(|effect| *effect == look) {
                    self.ask(look, now);
                }
            }
            RunProgress::Asked if overdue => {
                let reason = match attempt {
                    1 => "no worker took it on in time".to_owned(),
                    _ => format!("AWS had no room for it in {attempt} attempts"),
                };
                self.one_off_failed(
                    Cause::MigrationNotStarted { reason: reason.clone() },
                    reason,
                    now,
                );
            }
            RunProgress::Claimed { .. } if lost => {
                self.one_off_unclear("the task may have been started", now);
            }
            // The worker's message is still in the outbox and is sent again from there.
            RunProgress::Asked | RunProgress::Claimed { .. } => {}
        }
        Said::Done
    }

    fn if_current(&mut self, attempt: u32, act: impl FnOnce(&mut Self)) -> Said {
        if self.run_mut().is_none_or(|run| run.attempt != attempt) {
            return Said::Ignored("a task of another attempt".into());
        }
        act(self);
        Said::Done
    }

    fn run_mut(&mut self) -> Option<&mut Run> {
        match &mut self.state {
            State::Migrating { run, .. } | State::Undoing { run, .. } => Some(run),
            _ => None,
        }
    }

    fn one_off_witness(&self, task: &TaskId) -> Option<Witness> {
        let migration = self.rules.migration.as_ref().filter(|migration| !migration.on_host)?;
        let revision = self.one_off_revision(&migration.service)?;
        Some(Witness { revision, container: migration.container.clone(), task: task.clone() })
    }

    /// The migration runs in the new revision. So does its undoing; after a success that is the
    /// one that a rollback by hand leaves behind.
    fn one_off_revision(&self, name: &crate::names::ServiceName) -> Option<Revision> {
        let service = self.services.iter().find(|service| service.name == *name)?;
        match self.request.kind {
            crate::environment::Kind::Deploy => Some(service.after.clone()),
            crate::environment::Kind::Restore(_) => service.before.clone(),
        }
    }

    /// Short enough for AWS's client tokens (64 characters); a hash stands for what is cut off.
    fn short_id(&self) -> String {
        // No name has a slash in it, so that `shop-web` in `qa` is not `shop` in `web-qa`.
        let place = self.id.place.to_string();
        let short: String = place.chars().take(32).collect();
        if short == place {
            return format!("{place}-{}", self.id.number);
        }
        let fnv = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let hash = place.bytes().fold(0x811c_9dc5, fnv);
        format!("{short}-{hash:08x}-{}", self.id.number)
    }
}

fn short_task(task: &TaskId) -> &str {
    task.as_str().rsplit('/').next().unwrap_or(task.as_str())
}
