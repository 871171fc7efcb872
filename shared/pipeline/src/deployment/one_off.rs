//! One-off tasks: the migration and its undo, each run at most once.
//!
//! A worker claims an attempt before it starts the task. A second worker with the same attempt is
//! permitted only while AWS would still recognize the client token and return the same task; after
//! that the outcome is unknown, and the deployment says so.

use super::{
    AfterUndo, Deployment, GRACE, Intent, LOOK_EVERY, Reply, Run, RunProgress, State, WORKER_LIFE,
};
use crate::effect::{Effect, OneOff, Purpose};
use crate::event::Event;
use crate::names::{Revision, ServiceName, TaskId};
use crate::request::Kind;
use crate::task::Fault;
use crate::time::{Span, Time};
use crate::verdict::Cause;

/// AWS keeps a client token for at least an hour after the task; a claim is valid for less.
const CLAIM_LIFE: Span = Span::minutes(50);
/// How long starting a task may take, in addition to its run time. Waiting for capacity is part of
/// it, however often AWS accepts a task and then cannot place it.
pub(super) const MIGRATION_PATIENCE: Span = Span::minutes(5);
const PAUSE_FOR_CAPACITY: Span = Span::seconds(30);

impl Deployment {
    /// Asks for the task, and waits for it in the state that `state` makes of its run. If no
    /// revision can run it, the attempt ends.
    pub(super) fn begin_one_off(
        &mut self,
        purpose: Purpose,
        state: impl FnOnce(Run) -> State,
        now: Time,
    ) {
        let asked = self.ask_for_one_off(purpose, 1, Span::default(), now);
        let run = self.new_run(1, now, MIGRATION_PATIENCE);
        self.state = state(run);
        if let Err(reason) = asked {
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
        }
    }

    fn ask_for_one_off(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        pause: Span,
        now: Time,
    ) -> Result<(), String> {
        let migration = self.rules.migration.clone().ok_or("the spec has no migration")?;
        let (word, command) = match purpose {
            Purpose::Migrate => ("migrate", Some(migration.command)),
            Purpose::Undo => ("undo", migration.undo),
        };
        let command = command.ok_or("the spec has no migration.undo")?;
        let service = migration.service;
        let revision = self.one_off_revision(&service).ok_or_else(|| {
            format!(
                "{service} does not exist, so there is no task definition to run the command with"
            )
        })?;
        let spec = self.rules.services().map(|(_, s)| s).find(|s| s.name == service);
        let is_new = self.services.iter().any(|s| s.name == service && s.before.is_none());
        let create = spec.and_then(|spec| spec.create.clone()).filter(|_| is_new);
        let host_container = spec.and_then(|spec| spec.container.clone());
        let one_off = OneOff {
            target: self.rules.target.clone(),
            purpose,
            attempt,
            service,
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
        Ok(())
    }

    /// Undoes the migration with the revision that ran it.
    pub(super) fn undo(&mut self, then: AfterUndo, now: Time) {
        let whose = match &self.request.kind {
            Kind::ManualRollback(restore) => restore.undoes.as_ref(),
            Kind::Deploy => None,
        };
        let whose = whose.map(|undoes| format!(" of {}", undoes.version)).unwrap_or_default();
        self.note(now, format!("Undoing the migration{whose}."));
        self.begin_one_off(Purpose::Undo, |run| State::UndoingMigration { run, then }, now);
    }

    fn new_run(&self, attempt: u32, now: Time, patience: Span) -> Run {
        let timeout = self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout);
        let deadline = now + timeout + patience;
        Run {
            attempt,
            progress: RunProgress::Asked,
            look_at: deadline.min(now + LOOK_EVERY),
            deadline,
            try_until: None,
            reported: None,
        }
    }

    pub(super) fn one_off_event(&mut self, event: Event, now: Time) -> Reply {
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
            Event::OneOffReported { purpose: p, attempt, task, end } if p == purpose => {
                self.one_off_reported(attempt, task, end, now)
            }
            Event::OneOffLost { purpose: p, attempt } if p == purpose => {
                self.one_off_lost(purpose, attempt, now)
            }
            Event::OneOffStopAsked { .. } => Reply::Done,
            Event::Woken => self.woken_one_off(purpose, now),
            event @ (Event::OneOffStarted { .. }
            | Event::OneOffNotStarted { .. }
            | Event::OneOffSeen { .. }
            | Event::OneOffReported { .. }
            | Event::OneOffLost { .. }) => {
                Reply::Ignored(format!("{} of another task", event.name()))
            }
            event => self.does_not_fit(&event),
        }
    }

    fn claimed(&mut self, fits: bool, attempt: u32, now: Time) -> Reply {
        let Some(run) = self.run_mut().filter(|run| fits && run.attempt == attempt) else {
            return Reply::Denied("another attempt is in progress".into());
        };
        match run.progress {
            RunProgress::Asked => {
                run.progress = RunProgress::Claimed { at: now, granted_at: now };
                Reply::Granted
            }
            // One at a time: the second must not find anything else than the first.
            RunProgress::Claimed { granted_at, .. } if now < granted_at + WORKER_LIFE => {
                Reply::Denied("another worker has claimed it".into())
            }
            RunProgress::Claimed { at, .. } if now < at + CLAIM_LIFE => {
                run.progress = RunProgress::Claimed { at, granted_at: now };
                Reply::Granted
            }
            RunProgress::Claimed { .. } => {
                self.one_off_unclear("it was claimed too long ago to try again safely", now);
                Reply::Denied("it is unknown whether the task was started".into())
            }
            RunProgress::Started { .. } | RunProgress::Stopping { .. } => {
                Reply::Denied("the task was started".into())
            }
        }
    }

    pub(super) fn one_off_started(&mut self, attempt: u32, task: &TaskId, now: Time) -> Reply {
        let timeout = self.rules.migration.as_ref().map_or(Span::default(), |m| m.timeout);
        let what = match self.state {
            State::UndoingMigration { .. } => "The undo",
            _ => "The migration",
        };
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Reply::Ignored("a task of another attempt".into());
        };
        if matches!(run.progress, RunProgress::Started { .. } | RunProgress::Stopping { .. }) {
            return Reply::Done;
        }
        run.progress = RunProgress::Started { task: task.clone() };
        // A task that starts late has its full time: aborting it half-way is worse than being late.
        run.try_until = run.try_until.or(Some(run.deadline));
        run.deadline = now + timeout;
        run.look_at = run.deadline.min(now + LOOK_EVERY);
        run.reported.take_if(|reported| reported.task != *task);
        let has_ended = run.reported.is_some();
        self.outbox.keep(|effect| !matches!(effect, Effect::RunOneOff(_)));
        let tries = if attempt == 1 { String::new() } else { format!(" (attempt {attempt})") };
        // Many may start and not be placed; the last one is the relevant one.
        let beginning = format!("{what} runs as task");
        self.timeline.renew(now, &beginning, format!("{beginning} {}{tries}.", short_task(task)));
        if has_ended {
            self.look_at_one_off(now);
        }
        Reply::Done
    }

    pub(super) fn one_off_not_started(
        &mut self,
        purpose: Purpose,
        attempt: u32,
        fault: Fault,
        reason: String,
        now: Time,
    ) -> Reply {
        let started_rollback = match &self.state {
            State::Migrating { intent: Intent::RollBack { cause, undo }, .. } => {
                Some((cause.clone(), *undo))
            }
            _ => None,
        };
        let Some(run) = self.run_mut().filter(|run| run.attempt == attempt) else {
            return Reply::Ignored("a task of another attempt".into());
        };
        if matches!(run.progress, RunProgress::Started { .. } | RunProgress::Stopping { .. }) {
            return Reply::Ignored("the task was started".into());
        }
        // Nothing ran, and a rollback starts nothing new.
        if let Some((cause, undo)) = started_rollback {
            self.note(now, format!("The migration was not started: {reason}."));
            self.decide_rollback(cause, undo, now);
            return Reply::Done;
        }
        let passing = matches!(fault, Fault::Capacity | Fault::Platform);
        let try_until = run.try_until.unwrap_or(run.deadline);
        if !passing || now >= try_until {
            let reason = match attempt {
                1 => reason,
                _ => format!("{} (attempt {attempt})", reason.trim_end_matches('.')),
            };
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
            return Reply::Done;
        }
        run.attempt = attempt.saturating_add(1);
        run.progress = RunProgress::Asked;
        run.deadline = try_until;
        run.look_at = try_until.min(now + LOOK_EVERY);
        run.reported = None;
        let next = run.attempt;
        if next == 2 {
            self.note(now, format!("The task could not start and will be retried: {reason}."));
        }
        self.outbox.keep(|effect| !matches!(effect, Effect::RunOneOff(_)));
        if let Err(reason) = self.ask_for_one_off(purpose, next, PAUSE_FOR_CAPACITY, now) {
            self.one_off_failed(Cause::MigrationNotStarted { reason: reason.clone() }, reason, now);
        }
        Reply::Done
    }

    fn woken_one_off(&mut self, purpose: Purpose, now: Time) -> Reply {
        let target = self.rules.target.clone();
        let Some(run) = self.run_mut() else {
            return Reply::Ignored("there is no migration".into());
        };
        if now < run.look_at {
            return Reply::Ignored("woken early".into());
        }
        let (attempt, overdue, lost) =
            (run.attempt, now >= run.deadline, now >= run.deadline + GRACE);
        run.look_at = if overdue { now + GRACE } else { run.deadline.min(now + LOOK_EVERY) };
        match run.progress.clone() {
            RunProgress::Started { task } if overdue => {
                run.progress = RunProgress::Stopping { task: task.clone() };
                run.deadline = now + MIGRATION_PATIENCE;
                self.note(now, "The task timed out and is being stopped.");
                let reason = "slipway: timed out".to_owned();
                self.ask(Effect::StopOneOff { target, purpose, attempt, task, reason }, now);
            }
            RunProgress::Stopping { .. } if lost => {
                self.one_off_unclear("the task was asked to stop and may still be running", now);
            }
            RunProgress::Started { .. } | RunProgress::Stopping { .. } => self.look_at_one_off(now),
            RunProgress::Asked if overdue => {
                let reason = match attempt {
                    1 => "no worker started it in time".to_owned(),
                    _ => format!("AWS had no capacity for it in {attempt} attempts"),
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
        Reply::Done
    }

    /// Asks AWS for the state of the task, unless such an effect is already open.
    pub(super) fn look_at_one_off(&mut self, now: Time) {
        let purpose = match self.state {
            State::UndoingMigration { .. } => Purpose::Undo,
            _ => Purpose::Migrate,
        };
        let container = self.rules.migration.as_ref().map(|m| m.container.clone());
        let target = self.rules.target.clone();
        let run = self.run_mut().map(|run| (run.attempt, run.progress.task().cloned()));
        let (Some((attempt, Some(task))), Some(container)) = (run, container) else { return };
        let look = Effect::LookAtOneOff { target, purpose, attempt, task, container };
        if !self.outbox.waits_for(|effect| *effect == look) {
            self.ask(look, now);
        }
    }

    pub(super) fn run_mut(&mut self) -> Option<&mut Run> {
        match &mut self.state {
            State::Migrating { run, .. } | State::UndoingMigration { run, .. } => Some(run),
            _ => None,
        }
    }

    /// The migration runs in the new revision, and is undone in the one that ran it. If that is not
    /// recorded, it is the one that a manual rollback leaves.
    pub(super) fn one_off_revision(&self, name: &ServiceName) -> Option<Revision> {
        let service = self.services.iter().find(|service| service.name == *name)?;
        match &self.request.kind {
            Kind::Deploy => Some(service.after.clone()),
            Kind::ManualRollback(restore) => {
                let made_it = restore.undoes.as_ref().and_then(|undoes| undoes.revision.clone());
                made_it.or_else(|| service.before.clone())
            }
        }
    }

    /// Short enough for AWS's client tokens (64 characters); a hash replaces what is cut off.
    fn short_id(&self) -> String {
        // No name contains a slash, so `shop-web` in `qa` is not `shop` in `web-qa`.
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
