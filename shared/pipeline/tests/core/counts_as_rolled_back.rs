//! When a service counts as rolled back: what an observation may show while workers are still
//! active, and what AWS rejected.

use super::events::*;
use super::fixtures::{PLAIN, Story, TIMEOUT};
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::deployment::{ServiceState, WORKER_LIFE, advance};
use pipeline::event::{Event, Refusal};
use pipeline::observation::{Found, Observation, Progress};
use pipeline::time::Span;

const SECOND: Span = Span::seconds(1);

/// `shop-api` and `shop-worker` are updated, and AWS rejects the second one.
fn refused_at_once() -> Story {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND);
    story.then(rollout_refused("shop-worker")).quietly(SECOND)
}

/// Every service is seen rolled back, when no worker can interfere.
fn verify_rollback(story: Story) -> Story {
    states::verify_rollback(story.quietly(MINUTE))
}

#[test]
fn a_service_seen_at_its_old_revision_before_its_rollback_is_still_rolled_back() {
    let story = look(refused_at_once(), "shop-api", 1);
    expect!["roll back shop-api (Update), roll back shop-worker (Update)"].assert_eq(&story.asks());
    expect!["shop-api: waiting for AWS to accept the update, although it is on the previous revision; shop-worker: waiting for AWS to accept the update"].assert_eq(&story.outcome());
    // The slow worker has updated it meanwhile, and so has the one that rolls it back.
    let story = story.quietly(SECOND).then(rollback_started("shop-api"));
    expect!["roll back shop-worker (Update), observe shop-api"].assert_eq(&story.asks());
    let story = look(story.quietly(SECOND), "shop-api", 1);
    let story = look(story.then(rollback_started("shop-worker")), "shop-worker", 1);
    assert_eq!(story.state(), "verifying rollback");
    expect!["rolled back: shop-worker could not be updated: the service is draining"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn a_worker_that_never_answers_does_not_prevent_the_verdict_rolled_back() {
    // A worker that was permitted before can do no more harm by then, and would be seen.
    let late = WORKER_LIFE + MINUTE + SECOND;
    let story = refused_at_once().quietly(late);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    assert_eq!(story.asks(), "");
    expect!["rolled back: shop-worker could not be updated: the service is draining"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn a_service_that_a_slow_worker_updates_after_its_rollback_is_rolled_back_again() {
    let story =
        refused_at_once().all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    let story = look(look(story.quietly(SECOND), "shop-api", 1), "shop-worker", 1);
    assert_eq!(story.state(), "verifying rollback");
    let story = look(story.later(Span::minutes(3)), "shop-api", 2);
    assert_eq!(story.state(), "rolling back");
    expect!["roll back shop-api (Update)"].assert_eq(
        &story
            .asks()
            .replace(", observe shop-api+shop-worker", "")
            .replace("observe shop-api+shop-worker, ", ""),
    );
    let story = story.then(rollback_started("shop-api")).quietly(VISIBLE);
    let story = verify_rollback(look(story, "shop-api", 1));
    assert!(story.outcome().starts_with("rolled back"), "{}", story.timeline());
}

#[test]
fn nothing_is_called_back_before_ecs_must_show_what_the_last_worker_did() {
    let story =
        refused_at_once().all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    let story = look(look(story.quietly(SECOND), "shop-api", 1), "shop-worker", 1);
    // The worker is dead by now, and DescribeServices may be a minute late.
    let story = story.later(WORKER_LIFE);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    assert_eq!(story.state(), "verifying rollback");
    let story = story.later(MINUTE + SECOND);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    assert_eq!(story.state(), "ended");
}

#[test]
fn a_service_that_is_no_longer_stable_is_observed_again() {
    let story = states::verifying_rollback().later(MINUTE + MINUTE);
    let story = look(story, "shop-api", 1);
    let seen_at = story.now;
    let half = rollout("shop-api", 1, true, pipeline::observation::Progress::Completed, 0);
    let story = story.then(observed(observation("shop-api", seen_at, vec![half])));
    let story = look(look(story, "shop-worker", 1), "shop-web", 1);
    expect!["final check of shop-api"].assert_eq(&story.outcome());
    assert!(look(story, "shop-api", 1).outcome().starts_with("rolled back"));
}

#[test]
fn services_seen_rolled_back_long_ago_are_observed_once_more() {
    let story = states::verifying_rollback().later(MINUTE + MINUTE);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1).quietly(MINUTE + MINUTE);
    let story = look(story, "shop-web", 1);
    expect!["final check of shop-api, shop-worker"].assert_eq(&story.outcome());
    expect!["observe shop-api+shop-worker"].assert_eq(&story.asks());
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    assert!(story.outcome().starts_with("rolled back"));
}

#[test]
fn a_service_seen_rolled_back_long_before_the_deadline_is_observed_again_before_the_verdict() {
    let story = states::verifying_rollback().later(MINUTE + MINUTE);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1).quietly(TIMEOUT);
    let story = look(story, "shop-web", 1);
    expect!["observe shop-api+shop-worker"].assert_eq(&story.asks());
    // No answer arrives, and the deadline passes.
    let story = story.later(MINUTE).later(MINUTE).later(MINUTE);
    expect!["final check of shop-api, shop-web, shop-worker"].assert_eq(&story.outcome());
    let back = ["shop-api", "shop-worker", "shop-web"].into_iter();
    let back = back.fold(story.clone(), |story, service| look(story, service, 1));
    assert!(back.outcome().starts_with("rolled back"), "{}", back.outcome());
    let story = (0..15).fold(story, |story, _| story.later(MINUTE));
    expect!["stuck: not rolled back: shop-api (its state could not be read in time), shop-worker (its state could not be read in time), shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}

#[test]
fn a_service_that_was_restless_before_looks_were_lost_is_given_time_to_be_seen() {
    let story = states::verifying_rollback().later(MINUTE + MINUTE);
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    let seen_at = story.now;
    let half = rollout("shop-web", 1, true, Progress::Completed, 0);
    let story = story.then(observed(observation("shop-web", seen_at, vec![half])));
    let minutes = TIMEOUT.as_seconds() / 60 + 5;
    let story = (0..minutes).fold(story, |story, _| story.later(MINUTE));
    expect!["final check of shop-api, shop-web, shop-worker"].assert_eq(&story.outcome());
    let back = ["shop-api", "shop-worker", "shop-web"].into_iter();
    let back = back.fold(story.clone(), |story, service| look(story, service, 1));
    assert!(back.outcome().starts_with("rolled back"), "{}", back.outcome());
    let story = (0..12).fold(story, |story, _| story.later(MINUTE));
    expect!["stuck: not rolled back: shop-api (its state could not be read in time), shop-worker (its state could not be read in time), shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}

#[test]
fn a_rejected_update_and_a_rejected_rollback_leave_the_service_unchanged() {
    let story = Story::begin(&PLAIN).then(prepared()).then(rollout_refused("shop-api"));
    let story = story.then(rollback_started("shop-worker"));
    let story = story.then(rollback_refused("shop-api", Refusal::Final));
    expect!["observe shop-api"].assert_eq(&story.asks());
    let story = look(look(story.quietly(SECOND), "shop-api", 1), "shop-worker", 1);
    expect!["rolled back: shop-api could not be updated: the service is draining"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn a_service_deleted_outside_slipway_before_its_wave_is_superseded() {
    let story = states::second_wave().then(rollout_refused("shop-web"));
    let story = story.then(rollback_refused("shop-web", Refusal::Final));
    let seen_at = story.now;
    let story = story.then(gone("shop-web", seen_at));
    let story = story.all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    let story = look(look(story.quietly(VISIBLE), "shop-api", 1), "shop-worker", 1);
    expect!["superseded: shop-web was deleted outside Slipway"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn what_aws_refuses_and_no_look_explains_is_stuck_with_the_reason() {
    let story = Story::begin(&PLAIN).then(prepared()).then(rollout_refused("shop-api"));
    let story = story.then(rollback_started("shop-worker"));
    let mut story = story.then(rollback_refused("shop-api", Refusal::Final));
    for _ in 0..30 {
        story = story.later(MINUTE);
    }
    expect!["stuck: not rolled back: shop-api (access denied), shop-worker (its state could not be read in time) (after: shop-api could not be updated: the service is draining)"].assert_eq(&story.outcome());
}

/// `shop-web` is new, fails, and is deleted again.
fn removed() -> Story {
    let story = super::before::first_deploy_fails("remove");
    expect!["remove shop-web"].assert_eq(&story.asks());
    let story = story.then(Event::Removed { service: "shop-web".into() });
    let story = story.all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    look(look(story.quietly(VISIBLE), "shop-api", 1), "shop-worker", 1)
}

fn draining(story: &Story) -> Event {
    let found = Found {
        rollouts: vec![rollout("shop-web", 2, true, pipeline::observation::Progress::Completed, 1)],
        draining: true,
        ..Found::default()
    };
    observed(Observation { service: "shop-web".into(), seen_at: story.now, found: Some(found) })
}

#[test]
fn a_service_that_is_being_deleted_is_deleted_once_and_waited_for() {
    let mut story = removed().later(MINUTE + MINUTE);
    for _ in 0..3 {
        let event = draining(&story);
        story = look(look(story.then(event), "shop-api", 1), "shop-worker", 1);
        expect!["final check of shop-web"].assert_eq(&story.outcome());
        assert!(!story.asks().contains("remove"), "{}", story.asks());
        story = story.later(MINUTE);
    }
    let seen_at = story.now;
    let story = story.then(gone("shop-web", seen_at));
    let story = look(look(story, "shop-api", 1), "shop-worker", 1);
    assert!(story.outcome().starts_with("rolled back"), "{}", story.outcome());
}

#[test]
fn a_service_that_ecs_takes_very_long_to_delete_is_as_good_as_deleted() {
    let mut story = removed().later(MINUTE + MINUTE);
    for _ in 0..15 {
        let event = draining(&story);
        story = look(look(story.then(event), "shop-api", 1), "shop-worker", 1).later(MINUTE);
        assert!(!story.asks().contains("remove"), "{}", story.asks());
    }
    assert!(story.outcome().starts_with("rolled back"), "{}", story.outcome());
    assert_eq!(story.timeline().matches("did not exist before").count(), 1);
}

#[test]
fn what_drains_is_waited_for_until_it_should_have_been_back() {
    let mut story = removed().later(MINUTE + MINUTE);
    let back_by = story.deployment.services[2].back_by.unwrap();
    while story.state() == "verifying rollback" {
        assert!(story.now < back_by + MINUTE, "{}", story.timeline());
        let event = draining(&story);
        story = look(look(story.then(event), "shop-api", 1), "shop-worker", 1).quietly(MINUTE);
    }
    assert!(story.now >= back_by, "{}", story.timeline());
}

#[test]
fn what_is_gone_counts_as_deleted_once_no_worker_can_create_it_again() {
    let is_removed = |story: &Story| story.deployment.services[2].state == ServiceState::Deleted;
    let story = super::before::first_deploy_fails("remove");
    let seen_at = story.now;
    let story = story.then(gone("shop-web", seen_at));
    assert!(!is_removed(&story));
    let story = story.quietly(WORKER_LIFE + MINUTE + SECOND);
    let seen_at = story.now;
    assert!(is_removed(&story.then(gone("shop-web", seen_at))));
}

/// The final observation was requested, and no answer has arrived yet.
#[test]
fn a_service_that_was_seen_to_be_deleted_is_not_given_up_for_a_look_that_is_late() {
    let mut story = removed().later(MINUTE + MINUTE);
    let event = draining(&story);
    story = story.then(event);
    for _ in 0..30 {
        if story.state() == "verifying rollback" {
            story = look(look(story, "shop-api", 1), "shop-worker", 1).later(MINUTE);
        }
    }
    assert!(story.outcome().starts_with("rolled back"), "{}", story.outcome());
}

#[test]
fn a_service_that_reappears_after_its_deletion_does_not_block_the_rollback_endlessly() {
    let mut story = removed();
    for _ in 0..20 {
        story = look(story.later(MINUTE), "shop-web", 2);
        story = story.then(Event::Removed { service: "shop-web".into() }).quietly(MINUTE);
    }
    assert!(matches!(story.deployment.services[2].state, ServiceState::NotRolledBack { .. }));
    let asked = story.timeline().matches("did not exist before").count();
    // Half an hour at most, and one observation in two minutes.
    assert!((2..=15).contains(&asked), "{asked} times");
}

#[test]
fn a_service_deleted_outside_slipway_that_still_drains_is_superseded() {
    let story = states::baking();
    let found = Found {
        rollouts: vec![rollout("shop-web", 2, true, pipeline::observation::Progress::Completed, 0)],
        draining: true,
        ..Found::default()
    };
    let seen_at = story.now;
    let event = observed(Observation { service: "shop-web".into(), seen_at, found: Some(found) });
    expect!["superseded: shop-web was deleted outside Slipway"]
        .assert_eq(&story.then(event).outcome());
}

#[test]
fn the_rollback_of_one_service_has_one_deadline_however_often_it_is_rolled_back() {
    let mut story = states::rolling_back();
    let began = story.now;
    let is_given_up = |story: &Story| {
        matches!(story.deployment.services[2].state, ServiceState::NotRolledBack { .. })
    };
    while !is_given_up(&story) && story.now < began + Span::hours(2) {
        story = story.then(rollback_started("shop-web")).quietly(VISIBLE);
        story = look(story, "shop-web", 1);
        story = look(story.quietly(VISIBLE), "shop-web", 2);
    }
    let back_by = story.deployment.services[2].back_by.unwrap();
    // The delay of its workers is added once.
    assert!(back_by <= began + TIMEOUT + Span::minutes(18), "{back_by}");
    assert!(story.now < began + Span::minutes(40), "{}", story.timeline());
}

#[test]
fn what_aws_refuses_after_it_had_taken_it_is_judged_by_what_runs() {
    let story = states::rolling_back().then(rollback_started("shop-web"));
    let story = story.then(rollback_refused("shop-web", Refusal::Final)).quietly(VISIBLE);
    let standing = |story: Story| story.deployment.services[2].state.clone();
    let why = "access denied".to_owned();
    assert_eq!(standing(look(story.clone(), "shop-web", 2)), ServiceState::NotRolledBack { why });
    let others = Some(revision("shop-web", 9));
    let seen_at = story.now;
    assert_eq!(
        standing(story.then(asked("shop-web", 9, false, seen_at))),
        ServiceState::UpdatedOutside { revision: others }
    );
}

/// Answers of copies of a message, which are no longer in the outbox.
#[test]
fn what_is_asked_for_already_is_not_asked_for_once_more() {
    let late = |mut story: Story, event: Event| {
        (story.deployment, _) = advance(story.deployment, event, story.now);
        story
    };
    let story = late(states::rolling_back(), rollback_started("shop-web")).quietly(VISIBLE);
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&look(story, "shop-web", 2).asks());

    let story = super::before::first_deploy_fails("remove").quietly(VISIBLE);
    let answer = left_alone("shop-web", 2, story.now);
    let story = late(late(story, answer.clone()), answer);
    expect!["remove shop-web"].assert_eq(&story.asks());
}

#[test]
fn what_finds_no_rest_until_its_deadline_is_stuck() {
    let mut story = states::verifying_rollback().later(MINUTE + MINUTE);
    for _ in 0..20 {
        let seen_at = story.now;
        let half = rollout("shop-api", 1, true, pipeline::observation::Progress::Completed, 1);
        story = story.then(observed(observation("shop-api", seen_at, vec![half])));
        story = look(look(story, "shop-worker", 1), "shop-web", 1).later(MINUTE);
    }
    expect!["stuck: not rolled back: shop-api (it was not stable in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}
