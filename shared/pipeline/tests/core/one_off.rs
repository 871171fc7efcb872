//! One-off tasks: how long they are tried, which source counts, and what never runs twice.

use super::events::*;
use super::fixtures::{PLAIN, START, Story, request};
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::deployment::{LOOK_EVERY, Reply, advance};
use pipeline::effect::{Effect, Purpose};
use pipeline::event::Event;
use pipeline::names::TaskId;
use pipeline::notice::News;
use pipeline::request::{Kind, ManualRollback, Request, RequestedBy, Undoes};
use pipeline::task::{FailedContainer, Fault, OneOffEnd, Stop};
use pipeline::time::Span;

const OTHER: &str = "task/shop-dev/9fff";

fn no_room() -> OneOffEnd {
    let reason = "Capacity is unavailable at this time. Please try again later.".into();
    let stop = Stop { reason, ..stop("TaskFailedToStart") };
    OneOffEnd { exit_code: None, stop, reason: None, beside: None }
}

/// A manual rollback of the shop, with or without the undo of the migration of `b2`.
fn restore(undoes: Option<Undoes>) -> Request {
    let restore = ManualRollback {
        from: "b2".into(),
        revisions: SERVICES.iter().map(|name| ((*name).into(), revision(name, 1))).collect(),
        undo: undoes.is_some(),
        undoes,
    };
    Request {
        kind: Kind::ManualRollback(restore),
        asked_by: RequestedBy::Person { name: "ann".into(), why: "it looks odd".into() },
        ..request("b1", START)
    }
}

#[test]
fn a_task_that_is_accepted_without_capacity_is_not_tried_endlessly() {
    let mut story = states::migrating();
    let mut attempt = 1;
    while story.deployment.verdict().is_none() {
        let purpose = Purpose::Migrate;
        let task = TaskId::from(format!("task/shop-staging/{attempt}").as_str());
        story.tell(claimed(purpose, attempt));
        story.tell(Event::OneOffStarted { purpose, attempt, task: task.clone() });
        story = story.quietly(Span::minutes(1));
        story.tell(Event::OneOffSeen { purpose, attempt, task, end: Some(no_room()) });
        attempt += 1;
    }
    expect![[r#"
         0s Deploying b1, requested by push of b1.
         0s Waiting for approval until 2026-01-01T02:00:00Z.
         0s Approved by ann.
         0s Prepared: shop-api shop-api:1 -> shop-api:2, shop-worker shop-worker:1 -> shop-worker:2, shop-web shop-web:1 -> shop-web:2.
         1m The task could not start and will be retried: Capacity is unavailable at this time. Please try again later.
        19m The migration runs as task 20 (attempt 20).
        20m Ended: failed: the migration could not start: Capacity is unavailable at this time. Please try again later (attempt 20).
    "#]].assert_eq(&unindented(&story.timeline()));
}

/// An expected text has no indentation that all of its lines share.
fn unindented(text: &str) -> String {
    let width = |line: &str| line.len() - line.trim_start().len();
    let shared = text.lines().map(width).min().unwrap_or_default();
    text.lines().map(|line| format!("{}\n", &line[shared..])).collect()
}

#[test]
fn an_event_about_a_task_that_was_not_started_ends_nothing() {
    for story in [states::migrating(), states::claimed_by_worker()] {
        let story = story.then(reported(Purpose::Migrate, OTHER, Some(exit(0))));
        assert_eq!(story.state(), "migrating");
        // Neither does an answer about a task that we never got.
        let seen = Event::OneOffSeen {
            purpose: Purpose::Migrate,
            attempt: 1,
            task: OTHER.into(),
            end: Some(exit(0)),
        };
        let mut story = story.then(seen);
        assert_eq!(story.state(), "migrating");
        // The event of another task is no hint about ours.
        story.tell(claimed(Purpose::Migrate, 1));
        story.tell(started(Purpose::Migrate));
        expect![""].assert_eq(&story.asks());
    }
}

#[test]
fn an_event_about_our_task_is_a_reason_to_ask_and_nothing_more() {
    let mut story = states::migration_runs();
    let other = story.tell(reported(Purpose::Migrate, OTHER, Some(exit(0))));
    assert_eq!(other, Reply::Ignored("not the task of this deployment".into()));
    expect![""].assert_eq(&story.asks());
    story.tell(reported(Purpose::Migrate, TASK, Some(exit(0))));
    story.tell(reported(Purpose::Migrate, TASK, Some(exit(0))));
    assert_eq!(story.state(), "migrating");
    expect!["look at task"].assert_eq(&story.asks());
    expect!["failed: the migration failed: exit code 1, Essential container in task exited"]
        .assert_eq(&story.clone().then(ended(Purpose::Migrate, exit(1))).outcome());
    assert_eq!(story.then(ended(Purpose::Migrate, exit(0))).state(), "rolling out");
}

#[test]
fn what_is_seen_of_another_task_ends_nothing() {
    let mut story = states::migration_runs();
    for code in [0, 1] {
        let (purpose, end) = (Purpose::Migrate, Some(exit(code)));
        let said = story.tell(Event::OneOffSeen { purpose, attempt: 1, task: OTHER.into(), end });
        assert_eq!(said, Reply::Ignored("not the task of this deployment".into()));
        assert_eq!(story.state(), "migrating");
    }
}

#[test]
fn an_event_that_is_quicker_than_the_worker_is_not_forgotten() {
    let story = states::claimed_by_worker().then(reported(Purpose::Migrate, TASK, Some(exit(0))));
    expect!["look at task"].assert_eq(&story.then(started(Purpose::Migrate)).asks());
}

#[test]
fn a_task_that_is_being_stopped_is_looked_at_until_it_should_have_stopped() {
    let mut story = states::migration_is_stopped();
    for _ in 0..6 {
        story = story.later(MINUTE);
        assert_eq!(story.state(), "migrating", "{}", story.outcome());
    }
    expect!["stop task, look at task"].assert_eq(&story.asks());
    expect!["stuck: the task was asked to stop and may still be running; check the database before you deploy anything else (after: it is unknown whether the migration ran)"]
        .assert_eq(&story.later(MINUTE).outcome());
}

#[test]
fn the_task_that_undoes_a_migration_is_called_the_undo() {
    assert_eq!(states::undoing().deployment.timeline.last(1), ["The undo runs as task 0abc."]);
}

#[test]
fn what_ecs_does_not_show_as_ended_yet_is_asked_for_again_soon() {
    let story = states::migration_runs().then(reported(Purpose::Migrate, TASK, Some(exit(0))));
    let story = story.then(runs(Purpose::Migrate)).later(Span::seconds(20));
    expect!["look at task"].assert_eq(&story.asks());
}

#[test]
fn only_a_task_that_never_ran_for_want_of_room_is_tried_again() {
    let after = |exit_code: Option<i32>, code: &str, reason: &str| {
        let stop = Stop { code: Some(code.into()), reason: reason.into() };
        let end = OneOffEnd { exit_code, stop, reason: None, beside: None };
        let story = states::migration_runs().then(ended(Purpose::Migrate, end));
        format!("{}; asks {}", story.outcome(), story.asks())
    };
    expect!["failed: the migration failed: exit code 143, Your Spot Task was interrupted.; asks "]
        .assert_eq(&after(Some(143), "SpotInterruption", "Your Spot Task was interrupted."));
    expect!["failed: the migration could not start: CannotPullContainerError; asks "]
        .assert_eq(&after(None, "TaskFailedToStart", "CannotPullContainerError"));
    expect!["waiting for the migration: not started yet, until 2026-01-01T00:20:00Z at the latest; asks migrate #2 after 30s"]
        .assert_eq(&after(None, "TaskFailedToStart", "RESOURCE:ENI"));
}

#[test]
fn what_ecs_has_forgotten_is_known_from_the_event_of_that_very_task() {
    let lost = || Event::OneOffLost { purpose: Purpose::Migrate, attempt: 1 };
    let told =
        states::migration_runs().then(reported(Purpose::Migrate, TASK, Some(exit(0)))).then(lost());
    assert_eq!(told.state(), "rolling out");
    let badly =
        states::migration_runs().then(reported(Purpose::Migrate, TASK, Some(exit(3)))).then(lost());
    expect!["failed: the migration failed: exit code 3, Essential container in task exited"]
        .assert_eq(&badly.outcome());
    let other = states::claimed_by_worker().then(reported(Purpose::Migrate, OTHER, Some(exit(0))));
    let other = other.then(started(Purpose::Migrate)).then(lost());
    expect!["stuck: it is unknown how the task ended; check the database before you deploy anything else (after: it is unknown whether the migration ran)"].assert_eq(&other.outcome());
}

#[test]
fn an_exit_code_of_0_beside_an_essential_container_that_failed_is_no_success() {
    let beside = Some("container proxy, which is essential, exited with 2".into());
    let end = OneOffEnd { beside, ..exit(0) };
    let story = states::migration_runs().then(ended(Purpose::Migrate, end));
    expect!["failed: the migration failed: exit code 0, Essential container in task exited; but container proxy, which is essential, exited with 2, and ECS may have stopped this one because of it: make that container non-essential, or let it exit with 0 when ECS stops it"].assert_eq(&story.outcome());
}

#[test]
fn what_cannot_be_undone_for_want_of_a_revision_ends_at_once() {
    let undoes = Undoes { number: 6, version: "b2".into(), revision: None };
    let story = Story::begin_with(&[], restore(Some(undoes.clone())));
    let mut preparation = preparation(&SERVICES);
    preparation.services[0].before = None;
    let gone = story.clone().then(Event::Prepared(preparation.clone()));
    expect!["failed: undoing the migration failed: shop-api does not exist, so there is no task definition to run the command with"].assert_eq(&gone.outcome());
    // If the revision of the migration is recorded, it need not run.
    let undoes = Undoes { revision: Some(revision("shop-api", 2)), ..undoes };
    let story = Story::begin_with(&[], restore(Some(undoes)));
    expect!["undo #1"].assert_eq(&story.then(Event::Prepared(preparation)).asks());
}

#[test]
fn the_tasks_that_die_in_a_rollback_by_hand_are_not_all_kept() {
    let mut story =
        Story::begin_with(&[], restore(None)).then(Event::Prepared(preparation(&SERVICES)));
    story.tell(rollout_started("shop-web"));
    for number in 0..4000 {
        let report = report("shop-web", &format!("task/{number}"), 2, story.now);
        story.tell(Event::TaskReported(report));
    }
    let died = story.deployment.services.iter().map(|service| service.died.len());
    assert!(died.max().unwrap_or_default() <= 100);
    assert!(serde_json::to_string(&story.deployment).unwrap().len() < 120_000);
}

#[test]
fn a_migration_that_is_skipped_is_never_asked_for() {
    let skip = Request { skip_migration: Some(true), ..request("b1", START) };
    let story = Story::begin_with(&[("approval", "")], skip);
    let story = story.then(prepared());
    assert_eq!(story.state(), "rolling out");
    expect![[r#"
        0s Deploying b1, requested by push of b1.
        0s Skipping the migration, as requested.
        0s Prepared: shop-api shop-api:1 -> shop-api:2, shop-worker shop-worker:1 -> shop-worker:2, shop-web shop-web:1 -> shop-web:2.
        0s Updating shop-api, shop-worker.
    "#]]
    .assert_eq(&unindented(&story.timeline()));
}

#[test]
fn what_belongs_to_the_other_task_is_ignored_and_said_so() {
    let (attempt, task) = (1, TaskId::from(TASK));
    for (story, purpose) in
        [(states::migrating(), Purpose::Undo), (states::undoing(), Purpose::Migrate)]
    {
        let others = [
            Event::OneOffStarted { purpose, attempt, task: task.clone() },
            not_started(purpose, attempt, Fault::Capacity),
            Event::OneOffSeen { purpose, attempt, task: task.clone(), end: Some(exit(1)) },
            reported(purpose, TASK, Some(exit(1))),
            Event::OneOffLost { purpose, attempt },
        ];
        for event in others {
            let name = event.name();
            let (after, said) = advance(story.deployment.clone(), event, story.now);
            assert_eq!(said, Reply::Ignored(format!("{name} of another task")));
            assert_eq!(after, story.deployment);
        }
    }
}

#[test]
fn an_unclaimed_task_fails_at_its_deadline_and_not_before() {
    let mut story = states::migrating().later(LOOK_EVERY);
    assert_eq!(story.state(), "migrating");
    for _ in 0..20 {
        story = story.later(MINUTE);
    }
    expect!["failed: the migration could not start: no worker started it in time"]
        .assert_eq(&story.outcome());
}

#[test]
fn a_task_that_may_have_been_started_is_waited_for_until_its_deadline_and_a_bit() {
    let mut story = states::claimed_by_worker().later(LOOK_EVERY);
    assert_eq!(story.state(), "migrating");
    for _ in 0..60 {
        story = story.later(MINUTE);
    }
    expect!["stuck: the task may have been started; check the database before you deploy anything else (after: it is unknown whether the migration ran)"].assert_eq(&story.outcome());
}

#[test]
fn what_is_said_of_the_migration_at_the_start_is_said_only_where_it_means_something() {
    let skip = Request { skip_migration: Some(true), ..request("b1", START) };
    let undo = Undoes { number: 6, version: "b2".into(), revision: None };
    let without = [PLAIN[0], PLAIN[1]];
    let stories = [
        Story::begin_with(&without, skip),
        Story::begin_with(&without, restore(None)),
        Story::begin_with(&[], restore(None)),
        Story::begin_with(&[], restore(Some(undo))),
    ];
    expect![[r#"
        0s Deploying b1, requested by push of b1.
        0s Rolling back from b2 to b1, requested by ann (it looks odd).
        0s Rolling back from b2 to b1, requested by ann (it looks odd).
        0s The database schema stays as it is.
        0s Rolling back from b2 to b1, requested by ann (it looks odd).
    "#]]
    .assert_eq(&unindented(&stories.map(|story| story.timeline()).concat()));
}

#[test]
fn an_undo_that_ends_unclear_names_why_it_was_begun() {
    let lost = Event::OneOffLost { purpose: Purpose::Undo, attempt: 1 };
    expect!["stuck: it is unknown how the task ended; check the database before you deploy anything else (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"]
        .assert_eq(&states::undoing().then(lost).outcome());
}

/// What people are told of the end, and whose last output they are shown with it.
fn failed_container(story: &Story) -> Option<FailedContainer> {
    story.deployment.outbox.entries().iter().find_map(|entry| match &entry.effect {
        Effect::Announce(notice) => match &notice.news {
            News::Ended { failed_container, .. } => failed_container.clone(),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn people_are_shown_the_output_of_a_migration_that_failed() {
    let fails = |story: Story| failed_container(&story.then(ended(Purpose::Migrate, exit(1))));
    let (revision, container) = (revision("shop-api", 2), "api".into());
    let task = TASK.into();
    assert_eq!(
        fails(states::migration_runs()),
        Some(FailedContainer { revision, container, task })
    );
    // What runs on the host itself has no log of a container.
    let mut story = states::migration_runs();
    story.deployment.rules.migration.as_mut().unwrap().on_host = true;
    assert_eq!(fails(story), None);
}

#[test]
fn the_task_that_undoes_a_migration_is_asked_for_as_such() {
    let story = states::undoing().later(Span::minutes(2));
    let asks = story.deployment.outbox.entries().iter();
    let mut looks = asks.filter_map(|entry| match &entry.effect {
        Effect::LookAtOneOff { purpose, .. } => Some(*purpose),
        _ => None,
    });
    assert_eq!(looks.next(), Some(Purpose::Undo));
}
