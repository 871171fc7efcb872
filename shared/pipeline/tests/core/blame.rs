//! What counts against the images of a release, so that automation never chooses them again.

use super::events::*;
use super::fixtures::{PLAIN, Story, TIMEOUT};
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::event::Event;
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::task::{Fault, Stop, TaskReport};
use pipeline::time::Span;
use pipeline::verdict::Cause;
use pipeline::waits::{Trouble, WaitsFor};

fn rolling_out() -> Story {
    let story = Story::begin(&PLAIN).then(prepared());
    story.all([rollout_started("shop-api"), rollout_started("shop-worker")]).quietly(VISIBLE)
}

fn seen(story: &Story, rollouts: Vec<Rollout>, trouble: Option<Trouble>) -> Event {
    let found = Found { rollouts, trouble, ..Found::default() };
    let (service, seen_at) = ("shop-api".into(), story.now);
    observed(Observation { service, seen_at, found: Some(found) })
}

/// This many of two new tasks run beside this many old ones.
fn tasks(running: u32, old: u32) -> Vec<Rollout> {
    vec![
        rollout("shop-api", 2, true, Progress::InProgress, running),
        rollout("shop-api", 1, false, Progress::Completed, old),
    ]
}

fn failed() -> Vec<Rollout> {
    vec![rollout("shop-api", 2, true, Progress::Failed, 0)]
}

fn came_back() -> Vec<Rollout> {
    vec![
        rollout("shop-api", 1, true, Progress::InProgress, 2),
        rollout("shop-api", 2, false, Progress::Failed, 0),
    ]
}

/// A task that fails like this; two are too many.
fn dies(story: &Story, code: &str, reason: &str) -> Event {
    let stop = Some(Stop { code: Some(code.into()), reason: reason.into() });
    Event::TaskReported(TaskReport { stop, ..report("shop-api", "task/1", 2, story.now) })
}

/// Why it is rolled back, and whether that counts against its images.
fn blamed(story: &Story) -> String {
    match &story.deployment.state {
        pipeline::deployment::State::RollingBack { cause, .. } => {
            let marked = if cause.speaks_against_the_release() { "bad" } else { "not marked" };
            format!("{marked}: {cause}")
        }
        other => other.name().to_owned(),
    }
}

/// After its deadline it is observed once more.
fn times_out(rollouts: Vec<Rollout>, trouble: Option<Trouble>) -> String {
    let story = rolling_out().quietly(TIMEOUT);
    let event = seen(&story, rollouts, trouble);
    blamed(&story.then(event))
}

#[test]
fn a_rollout_that_takes_too_long_speaks_against_the_release_only_if_its_tasks_hang() {
    let unhealthy = trouble("failed container health checks", Some(Fault::Code));
    let no_role = trouble("unable to assume the role", Some(Fault::Configuration));
    let vague = trouble("unable to consistently start tasks successfully", None);
    let rows = [
        times_out(tasks(1, 2), None),
        times_out(tasks(2, 1), None),
        times_out(tasks(0, 2), Some(no_room())),
        times_out(tasks(0, 2), Some(no_role)),
        times_out(tasks(0, 2), Some(unhealthy)),
        times_out(tasks(0, 2), Some(vague)),
    ];
    expect![[r#"
        bad: shop-api was not stable in time: 1 of 2 new tasks running, 2 old tasks still running
        not marked: shop-api was not stable in time: 2 of 2 new tasks running, 1 old tasks still running
        not marked: shop-api was not stable in time: ECS: unable to place a task: RESOURCE:MEMORY
        not marked: shop-api was not stable in time: ECS: unable to assume the role
        bad: shop-api was not stable in time: ECS: failed container health checks
        not marked: shop-api was not stable in time: ECS: unable to consistently start tasks successfully
    "#]].assert_eq(&(rows.join("\n") + "\n"));
    // And if no answer arrives at all.
    let mut story = rolling_out();
    for _ in 0..20 {
        story = if story.state() == "rolling out" { story.later(MINUTE) } else { story };
    }
    expect!["not marked: shop-api was not stable in time: waiting for ECS to start tasks"]
        .assert_eq(&blamed(&story));
}

#[test]
fn a_worker_that_comes_late_takes_nothing_from_the_time_of_the_release() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(TIMEOUT);
    let late = story.all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let mut story = late.quietly(VISIBLE);
    let event = seen(&story, tasks(0, 2), None);
    story = story.then(event);
    assert_eq!(story.state(), "rolling out", "{}", story.outcome());
    // From then on it has its full time, and no more.
    story = story.quietly(TIMEOUT);
    let event = seen(&story, tasks(0, 2), None);
    expect![
        "bad: shop-api was not stable in time: 0 of 2 new tasks running, 2 old tasks still running"
    ]
    .assert_eq(&blamed(&story.then(event)));
}

#[test]
fn tasks_that_were_missing_long_before_the_time_was_over_speak_against_nothing() {
    let story = rolling_out();
    let event = seen(&story, tasks(0, 2), None);
    let mut story = story.then(event);
    for _ in 0..20 {
        story = if story.state() == "rolling out" { story.later(MINUTE) } else { story };
    }
    expect!["not marked: shop-api was not stable in time: waiting for ECS to report its state"]
        .assert_eq(&blamed(&story));
}

#[test]
fn what_ecs_gives_up_speaks_against_the_release_unless_something_else_was_to_blame() {
    let story = rolling_out();
    let mut rows = Vec::new();
    for (what, rollouts) in [("failed", failed()), ("came back", came_back())] {
        rows.push(format!(
            "{what}: {}",
            blamed(&story.clone().then(seen(&story, rollouts.clone(), None)))
        ));
        let told = story.clone().then(seen(&story, tasks(0, 2), Some(no_room())));
        rows.push(format!(
            "{what}, no room: {}",
            blamed(&told.clone().then(seen(&told, rollouts.clone(), None)))
        ));
        let died = told.clone().then(dies(&told, "EssentialContainerExited", "exit 1"));
        rows.push(format!(
            "{what}, no room and a dead task: {}",
            blamed(&died.clone().then(seen(&died, rollouts.clone(), None)))
        ));
        let no_secret = dies(
            &story,
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets",
        );
        let died = story.clone().then(no_secret);
        rows.push(format!(
            "{what}, no secret: {}",
            blamed(&died.clone().then(seen(&died, rollouts, None)))
        ));
    }
    expect![[r#"
        failed: bad: shop-api failed: ECS deployment circuit breaker: tasks failed to start.
        failed, no room: not marked: shop-api failed: ECS deployment circuit breaker: tasks failed to start.
        failed, no room and a dead task: bad: shop-api failed: ECS deployment circuit breaker: tasks failed to start.
        failed, no secret: not marked: shop-api failed: ECS deployment circuit breaker: tasks failed to start.
        came back: bad: ECS rolled shop-api back: ECS deployment circuit breaker: tasks failed to start.
        came back, no room: not marked: ECS rolled shop-api back: ECS deployment circuit breaker: tasks failed to start.
        came back, no room and a dead task: bad: ECS rolled shop-api back: ECS deployment circuit breaker: tasks failed to start.
        came back, no secret: not marked: ECS rolled shop-api back: ECS deployment circuit breaker: tasks failed to start.
    "#]].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn a_service_that_was_up_and_is_not_stable_is_blamed_only_for_its_failed_tasks() {
    let restless = |story: Story| {
        let mut story = story;
        for _ in 0..14 {
            if story.state() == "confirming" {
                let event = underway("shop-api", 2, story.now);
                story = story.then(event).later(MINUTE);
            }
        }
        blamed(&story)
    };
    let story = states::confirming_with(&[("alarms", "")]);
    expect!["not marked: shop-api did not stay stable: 1 of 2 new tasks running, 2 old tasks still running"].assert_eq(&restless(story.clone()));
    let died = story.clone().then(dies(&story, "EssentialContainerExited", "exit 1"));
    expect![
        "bad: shop-api did not stay stable: 1 of 2 new tasks running, 2 old tasks still running"
    ]
    .assert_eq(&restless(died));
    // No observation.
    let mut story = story;
    for _ in 0..40 {
        story = if story.state() == "confirming" { story.later(MINUTE) } else { story };
    }
    expect!["not marked: shop-api did not stay stable: waiting for ECS to report its state"]
        .assert_eq(&blamed(&story));
}

#[test]
fn trouble_is_noted_once_however_long_it_is() {
    let long = trouble(&"unable to assume the role ".repeat(30), Some(Fault::Configuration));
    let other = trouble("unable to place a task", Some(Fault::Capacity));
    let mut story = rolling_out();
    for number in 0..6 {
        let trouble = if number == 3 { other.clone() } else { long.clone() };
        let event = seen(&story, tasks(0, 2), Some(trouble));
        story = story.then(event).quietly(Span::seconds(20));
    }
    assert_eq!(story.timeline().matches("ECS: unable to assume").count(), 1);
    assert_eq!(story.timeline().matches("ECS: unable to place").count(), 1);
}

#[test]
fn trouble_in_the_verification_is_noted_once_however_long_it_is() {
    let long = trouble(&"unable to assume the role ".repeat(30), Some(Fault::Configuration));
    let mut story = states::confirming();
    for _ in 0..4 {
        let event = seen(&story, tasks(1, 0), Some(long.clone()));
        story = story.then(event).quietly(Span::seconds(20));
    }
    assert_eq!(story.state(), "confirming");
    assert_eq!(story.timeline().matches("ECS: unable to assume").count(), 1);
}

#[test]
fn a_container_failure_with_a_long_reason_is_noted_no_more_often() {
    let mut story = states::baking();
    for task in 0..10 {
        let mut dead = container("sqs-worker", false, Some(3));
        dead.reason = Some("OutOfMemoryError: Container killed due to memory usage ".repeat(9));
        let containers = vec![container("api", true, None), dead];
        let task = format!("task/{task}");
        let report = report("shop-api", &task, 2, story.now);
        story = story.then(Event::TaskReported(TaskReport { stop: None, containers, ..report }));
    }
    assert_eq!(story.timeline().matches("Container sqs-worker of shop-api stopped").count(), 3);
}

#[test]
fn what_an_older_version_wrote_in_words_is_read_and_written_as_it_was() {
    let words = "\"for ECS to start tasks\"";
    let read: WaitsFor = serde_json::from_str(words).unwrap();
    assert_eq!(read, WaitsFor::Words("for ECS to start tasks".into()));
    assert_eq!(serde_json::to_string(&read).unwrap(), words);
    for waits in [
        WaitsFor::FirstTasks,
        WaitsFor::Trouble(no_room()),
        WaitsFor::Tasks { running: 1, desired: 2, others: 0 },
    ] {
        let text = serde_json::to_string(&waits).unwrap();
        assert_eq!(serde_json::from_str::<WaitsFor>(&text).unwrap(), waits, "{text}");
    }
    let old = r#"{"rollout_timed_out": {"service": "api", "waiting": "1 of 2 tasks run"}}"#;
    let cause: Cause = serde_json::from_str(old).unwrap();
    expect!["api was not stable in time: 1 of 2 tasks run"].assert_eq(&cause.to_string());
    assert!(!cause.speaks_against_the_release());
}

#[test]
fn a_task_that_failed_is_told_with_the_essential_container_that_failed() {
    let story = states::baking();
    let told = |containers| {
        let report = TaskReport { containers, ..report("shop-api", "task/1", 2, story.now) };
        story.clone().then(Event::TaskReported(report)).deployment.timeline.last(1).concat()
    };
    let beside = [container("proxy", true, Some(0)), container("sqs-worker", false, Some(3))];
    expect!["Task of shop-api failed (1 of 2 allowed failures): container api exited with 1, Essential container in task exited."]
        .assert_eq(&told([&beside[..], &[container("api", true, Some(1))]].concat()));
    expect![
        "Task of shop-api failed (1 of 2 allowed failures): Essential container in task exited."
    ]
    .assert_eq(&told(beside.to_vec()));
}

#[test]
fn a_rollout_that_failed_for_want_of_room_does_not_speak_against_its_images() {
    let story = rolling_out();
    let fails = |trouble| blamed(&story.clone().then(seen(&story, failed(), trouble)));
    assert!(fails(None).starts_with("bad: "), "{}", fails(None));
    let room = fails(Some(no_room()));
    assert!(room.starts_with("not marked: "), "{room}");
}
