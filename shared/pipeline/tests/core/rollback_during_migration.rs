//! A migration in progress when a person or an alarm starts a rollback: one that may already run is
//! waited for, and nothing is started.

use super::events::*;
use super::fixtures::{START, Story, request};
use super::states;
use pipeline::effect::Purpose;
use pipeline::event::{AlarmState, Event};
use pipeline::task::{Fault, OneOffEnd, Stop};
use pipeline::time::Span;

fn no_capacity() -> OneOffEnd {
    let reason = "Capacity is unavailable at this time. Please try again later.".into();
    let stop = Stop { reason, ..stop("TaskFailedToStart") };
    OneOffEnd { exit_code: None, stop, reason: None, beside: None }
}

#[test]
fn no_migration_is_started_once_a_person_wants_everything_back() {
    let story = states::claimed_by_worker().then(start_rollback(false));
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

#[test]
fn no_migration_is_tried_again_whose_task_had_no_capacity() {
    let story = states::migration_runs().then(start_rollback(false));
    let task = TASK.into();
    let seen =
        Event::OneOffSeen { purpose: Purpose::Migrate, attempt: 1, task, end: Some(no_capacity()) };
    let story = story.then(seen);
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

#[test]
fn no_migration_is_started_once_an_alarm_is_on() {
    let story = states::claimed_by_worker();
    let now = story.now + Span::seconds(1);
    let story = story.quietly(Span::seconds(1));
    let story = story.then(alarm("shop-5xx", AlarmState::On, now));
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

#[test]
fn no_further_attempt_is_made_either() {
    let story = states::claimed_by_worker();
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    let story = story.then(claimed(Purpose::Migrate, 2)).then(start_rollback(true));
    let story = story.then(not_started(Purpose::Migrate, 2, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}", story.timeline());
}

#[test]
fn a_person_hears_that_there_is_no_migration_to_undo() {
    let mut request = request("b1", START);
    request.skip_migration = Some(true);
    let mut story = Story::begin_with(&[("approval", "")], request).then(prepared());
    assert_eq!(story.state(), "rolling out");
    let said = story.tell(start_rollback(true));
    assert!(format!("{said:?}").contains("migration"), "{said:?}");
}
