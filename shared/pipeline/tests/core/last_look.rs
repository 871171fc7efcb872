//! The last look: when it is repeated, and how long it may take.

use super::events::*;
use super::fixtures::Story;
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::deployment::{GRACE, LOOK_EVERY, LOOK_SOON, State};
use pipeline::observation::Progress;
use pipeline::time::{Span, Time};

/// When it looks again, and by when it has to be over.
fn times(story: &Story) -> (Time, Time) {
    match story.deployment.state {
        State::Confirming { look_at, deadline, .. } => (look_at, deadline),
        _ => unreachable!("{}", story.timeline()),
    }
}

#[test]
fn the_last_look_is_repeated_at_its_deadline_and_once_more_after_it() {
    let story = states::confirming();
    let (look_at, deadline) = times(&story);
    assert_eq!((look_at, deadline), (story.now + LOOK_EVERY, story.now + Span::minutes(10)));
    let story = story.later(Span::minutes(4));
    assert_eq!(times(&story), (story.now + LOOK_EVERY, deadline));
    let story = story.later(Span::minutes(5));
    assert_eq!(times(&story), (deadline, deadline));
    let story = story.later(MINUTE);
    assert_eq!(times(&story), (deadline + GRACE, deadline));
}

#[test]
fn alarms_that_were_read_a_while_ago_are_read_again_while_services_come_to_rest() {
    let story = states::confirming();
    let read_at = story.now;
    let story = story.then(alarms_read(read_at));
    expect!["observe shop-api+shop-worker+shop-web"].assert_eq(&story.asks());
    expect!["observe shop-api+shop-worker+shop-web, read alarms"]
        .assert_eq(&story.later(LOOK_EVERY).asks());
}

#[test]
fn each_service_that_is_not_stable_in_the_last_look_is_told_once() {
    let mut story = states::confirming();
    let seen_at = story.now;
    for service in SERVICES.into_iter().chain(SERVICES) {
        story = story.then(underway(service, 2, seen_at));
    }
    let why = "is not stable yet: 1 of 2 new tasks running, 2 old tasks still running.";
    let told = SERVICES.map(|service| format!("{service} {why}"));
    assert_eq!(story.deployment.timeline.last(3), told);
    assert_eq!(story.timeline().matches("is not stable yet").count(), 3);
}

/// Events about a service that is not stable arrive more often than it is looked at.
#[test]
fn the_verification_of_a_rollback_ends_though_events_keep_arriving() {
    let mut story = states::verifying_rollback().later(MINUTE + MINUTE);
    for _ in 0..720 {
        let seen_at = story.now;
        let half = rollout("shop-api", 1, true, Progress::Completed, 1);
        story = story.then(observed(observation("shop-api", seen_at, vec![half])));
        story = look(look(story, "shop-worker", 1), "shop-web", 1).later(Span::seconds(15));
    }
    assert_eq!(story.state(), "ended", "after three hours");
}

#[test]
fn a_service_that_runs_another_revision_is_looked_at_again_soon() {
    let story = states::confirming();
    let seen_at = story.now;
    let story = story.then(up("shop-web", 9, seen_at));
    assert_eq!(times(&story).0, story.now + LOOK_SOON);
}

/// Only a service that was stable has more time when its looks are lost.
#[test]
fn a_service_that_was_not_stable_is_not_waited_for_beyond_the_deadline() {
    let story = states::confirming();
    let event = underway("shop-web", 2, story.now);
    let mut story = story.then(event);
    let (_, deadline) = times(&story);
    while story.now < deadline + GRACE + MINUTE {
        if story.state() == "confirming" {
            let seen_at = story.now;
            story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
        }
        story = story.later(MINUTE);
    }
    assert_eq!(story.state(), "rolling back", "{}", story.timeline());
}
