//! Events of the shop, in a short form for tests.

use super::fixtures::{START, Story};
use pipeline::effect::Purpose;
use pipeline::event::{
    AlarmReading, AlarmState, Event, Outcome, Preparation, PreparedService, Refusal,
};
use pipeline::names::{Revision, TaskId};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::task::{ContainerReport, Fault, OneOffEnd, Stop, TaskReport};
use pipeline::time::{Span, Time};
use pipeline::waits::{Teller, Trouble};

pub(crate) const SERVICES: [&str; 3] = ["shop-api", "shop-worker", "shop-web"];
pub(crate) const TASK: &str = "task/shop-staging/0abc";

/// What a service runs before (`1`) and after (`2`).
pub(crate) fn revision(service: &str, number: u32) -> Revision {
    Revision::new(format!("arn:aws:ecs:eu-central-1:1:task-definition/{service}:{number}"))
}

pub(crate) fn prepared() -> Event {
    Event::Prepared(preparation(&SERVICES))
}

pub(crate) fn preparation(services: &[&str]) -> Preparation {
    let prepared = services.iter().map(|name| PreparedService {
        name: (*name).into(),
        before: Some(revision(name, 1)),
        after: revision(name, 2),
    });
    Preparation {
        services: prepared.collect(),
        alarms: readings(AlarmState::Quiet, START),
        warnings: vec![],
    }
}

pub(crate) fn readings(state: AlarmState, since: Time) -> Vec<AlarmReading> {
    ["shop-5xx", "shop-p99"].iter().map(|name| reading(name, state, since)).collect()
}

pub(crate) fn reading(name: &str, state: AlarmState, since: Time) -> AlarmReading {
    AlarmReading {
        alarm: name.into(),
        state,
        since,
        reason: "threshold crossed".into(),
        muted: Some(false),
        was: None,
    }
}

pub(crate) fn alarm(name: &str, state: AlarmState, since: Time) -> Event {
    Event::AlarmChanged(reading(name, state, since))
}

pub(crate) fn alarms_read(read_at: Time) -> Event {
    Event::AlarmsRead { read_at, readings: readings(AlarmState::Quiet, START) }
}

pub(crate) fn approved() -> Event {
    Event::Approved { by: "ann".into() }
}

pub(crate) fn start_rollback(undo: bool) -> Event {
    Event::RollbackRequested { by: "ann".into(), why: "it looks odd".into(), undo }
}

pub(crate) fn claimed(purpose: Purpose, attempt: u32) -> Event {
    Event::OneOffClaimed { purpose, attempt }
}

pub(crate) fn started(purpose: Purpose) -> Event {
    Event::OneOffStarted { purpose, attempt: 1, task: TaskId::from(TASK) }
}

pub(crate) fn ended(purpose: Purpose, end: OneOffEnd) -> Event {
    Event::OneOffSeen { purpose, attempt: 1, task: TaskId::from(TASK), end: Some(end) }
}

/// An event's report about a task.
pub(crate) fn reported(purpose: Purpose, task: &str, end: Option<OneOffEnd>) -> Event {
    Event::OneOffReported { purpose, attempt: 1, task: TaskId::from(task), end }
}

pub(crate) fn runs(purpose: Purpose) -> Event {
    Event::OneOffSeen { purpose, attempt: 1, task: TaskId::from(TASK), end: None }
}

pub(crate) fn not_started(purpose: Purpose, attempt: u32, fault: Fault) -> Event {
    Event::OneOffNotStarted { purpose, attempt, fault, reason: "RESOURCE:MEMORY".into() }
}

pub(crate) fn exit(code: i32) -> OneOffEnd {
    OneOffEnd {
        exit_code: Some(code),
        stop: stop("EssentialContainerExited"),
        reason: None,
        beside: None,
    }
}

pub(crate) fn stop(code: &str) -> Stop {
    Stop { code: Some(code.into()), reason: "Essential container in task exited".into() }
}

pub(crate) fn rollout_id(service: &str, number: u32) -> String {
    format!("ecs-svc/{service}-{number}")
}

pub(crate) fn rollout_started(service: &str) -> Event {
    Event::RolloutStarted {
        service: service.into(),
        rollout: rollout_id(service, 2).as_str().into(),
    }
}

pub(crate) fn rollout_refused(service: &str) -> Event {
    Event::RolloutRefused { service: service.into(), reason: "the service is draining".into() }
}

pub(crate) fn rollout(
    service: &str,
    number: u32,
    primary: bool,
    progress: Progress,
    running: u32,
) -> Rollout {
    Rollout {
        id: rollout_id(service, number).as_str().into(),
        revision: revision(service, number),
        primary,
        progress,
        reason: "ECS deployment circuit breaker: tasks failed to start.".into(),
        desired: 2,
        running,
        failed: 0,
    }
}

pub(crate) fn observation(service: &str, seen_at: Time, rollouts: Vec<Rollout>) -> Observation {
    let found = Found { rollouts, ..Found::default() };
    Observation { service: service.into(), seen_at, found: Some(found) }
}

pub(crate) fn observed(observation: Observation) -> Event {
    Event::Observed { services: vec![observation] }
}

/// The service runs revision `number` and nothing else.
pub(crate) fn up(service: &str, number: u32, seen_at: Time) -> Event {
    runs_tasks(service, number, 2, seen_at)
}

/// The same, with this many tasks running and desired.
pub(crate) fn runs_tasks(service: &str, number: u32, tasks: u32, seen_at: Time) -> Event {
    let primary = rollout(service, number, true, Progress::Completed, tasks);
    observed(observation(service, seen_at, vec![Rollout { desired: tasks, ..primary }]))
}

pub(crate) fn all_up(number: u32, seen_at: Time) -> Vec<Event> {
    SERVICES.iter().map(|service| up(service, number, seen_at)).collect()
}

/// Revision `number` is primary and not stable yet, beside the other one.
pub(crate) fn underway(service: &str, number: u32, seen_at: Time) -> Event {
    let other = if number == 1 { 2 } else { 1 };
    let rollouts = vec![
        rollout(service, number, true, Progress::InProgress, 1),
        rollout(service, other, false, Progress::Completed, 2),
    ];
    observed(observation(service, seen_at, rollouts))
}

/// ECS has rolled back our revision.
pub(crate) fn returned(service: &str, seen_at: Time) -> Event {
    let rollouts = vec![
        rollout(service, 1, true, Progress::InProgress, 2),
        rollout(service, 2, false, Progress::Failed, 0),
    ];
    observed(observation(service, seen_at, rollouts))
}

/// The service runs revision `number`, and ECS was asked whether it rolled back.
pub(crate) fn asked(service: &str, number: u32, returned: bool, seen_at: Time) -> Event {
    let progress = if returned { Progress::InProgress } else { Progress::Completed };
    let rollouts = vec![rollout(service, number, true, progress, 2)];
    let mut seen = observation(service, seen_at, rollouts);
    if let Some(found) = &mut seen.found {
        found.returns_asked = true;
        found.returned_from = returned.then(|| rollout_id(service, 2).as_str().into());
        found.return_reason = returned.then(|| "the breaker opened".to_owned());
    }
    observed(seen)
}

/// It is observed stable on revision `number`.
pub(crate) fn look(story: Story, service: &str, number: u32) -> Story {
    let seen_at = story.now;
    story.then(up(service, number, seen_at))
}

/// A worker checked the service before the update, and found revision `number`.
pub(crate) fn left_alone(service: &str, number: u32, seen_at: Time) -> Event {
    let rollouts = vec![rollout(service, number, true, Progress::Completed, 2)];
    Event::LeftAlone { seen: observation(service, seen_at, rollouts) }
}

/// A worker checked the service before the update, and found none.
pub(crate) fn left_nothing_alone(service: &str, seen_at: Time) -> Event {
    Event::LeftAlone { seen: Observation { service: service.into(), seen_at, found: None } }
}

pub(crate) fn gone(service: &str, seen_at: Time) -> Event {
    observed(Observation { service: service.into(), seen_at, found: None })
}

pub(crate) fn report(service: &str, task: &str, number: u32, seen_at: Time) -> TaskReport {
    TaskReport {
        service: service.into(),
        task: task.into(),
        revision: revision(service, number),
        seen_at,
        stop: Some(stop("EssentialContainerExited")),
        containers: vec![container("api", true, Some(1))],
    }
}

pub(crate) fn died(service: &str, task: &str, seen_at: Time) -> Event {
    Event::TaskReported(report(service, task, 2, seen_at))
}

pub(crate) fn container(name: &str, essential: bool, exit_code: Option<i32>) -> ContainerReport {
    ContainerReport { name: name.into(), essential, exit_code, reason: None }
}

pub(crate) fn passed(check: usize, attempt: u32) -> Event {
    Event::Checked { check, attempt, outcome: Outcome::Passed }
}

pub(crate) fn check_failed(check: usize, attempt: u32) -> Event {
    Event::Checked { check, attempt, outcome: Outcome::Failed { reason: "answered 503".into() } }
}

pub(crate) fn rollback_started(service: &str) -> Event {
    let rollout = Some(rollout_id(service, 3).as_str().into());
    Event::RollbackStarted { service: service.into(), revision: revision(service, 1), rollout }
}

pub(crate) fn rollback_refused(service: &str, refusal: Refusal) -> Event {
    Event::RollbackRefused { service: service.into(), refusal, reason: "access denied".into() }
}

/// ECS cannot place a task.
pub(crate) fn no_room() -> Trouble {
    trouble("unable to place a task: RESOURCE:MEMORY", Some(Fault::Capacity))
}

pub(crate) fn trouble(text: &str, fault: Option<Fault>) -> Trouble {
    Trouble { told_by: Teller::Ecs, text: text.into(), fault }
}

/// Long enough for an update to be visible.
pub(crate) const VISIBLE: Span = Span::seconds(90);
