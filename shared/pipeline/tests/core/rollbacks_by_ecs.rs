//! Rollouts that ECS rolls back, and rollouts and answers of slow workers, while services roll back.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::deployment::ServiceState;
use pipeline::event::Event;
use pipeline::observation::Progress;
use pipeline::time::Span;

const SECOND: Span = Span::seconds(1);

/// Its rollout had failed before the deployment came. The worker that was to update it is slow.
#[test]
fn what_had_failed_long_ago_is_not_given_up_before_a_slow_worker_has_updated_it() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND).then(start_rollback(false));
    let story = story.then(rollback_started("shop-api")).quietly(SECOND);
    let failed = rollout("shop-api", 1, true, Progress::Failed, 0);
    let seen = observed(observation("shop-api", story.now, vec![failed.clone()]));
    let story = story.then(seen).quietly(VISIBLE);
    let story = look(story, "shop-api", 2);
    assert!(story.asks().contains("roll back shop-api"), "{}", story.timeline());
    // Once no worker can be active, it is given up.
    let story = story.then(rollback_started("shop-api")).quietly(Span::minutes(3));
    let seen = observed(observation("shop-api", story.now, vec![failed]));
    let standing = &story.then(seen).deployment.services[0].state;
    assert!(matches!(standing, ServiceState::NotRolledBack { .. }), "{standing:?}");
}

#[test]
fn a_rollout_that_failed_before_the_rollback_says_nothing_about_a_slow_workers_update() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND).then(start_rollback(false));
    // It runs its old revision, so there is nothing to update.
    let (service, before) = ("shop-api".into(), revision("shop-api", 1));
    let story = story.then(Event::RollbackStarted { service, revision: before, rollout: None });
    let ours = rollout("shop-api", 2, true, Progress::InProgress, 0);
    let failed = rollout("shop-api", 1, false, Progress::Failed, 2);
    let story = story.quietly(Span::minutes(4));
    let seen = observed(observation("shop-api", story.now, vec![ours, failed]));
    let story = story.then(seen);
    assert!(story.asks().contains("roll back shop-api"), "{}", story.timeline());
}

#[test]
fn the_rollout_that_put_it_back_and_failed_is_why_it_is_given_up() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND).then(start_rollback(false));
    let story = story.then(rollback_started("shop-api"));
    let ours = rollout("shop-api", 2, true, Progress::Completed, 2);
    let mut failed = rollout("shop-api", 1, false, Progress::Failed, 0);
    failed.id = rollout_id("shop-api", 3).as_str().into();
    let story = story.quietly(Span::minutes(4));
    let seen = observed(observation("shop-api", story.now, vec![ours, failed]));
    let standing = &story.then(seen).deployment.services[0].state;
    assert!(matches!(standing, ServiceState::NotRolledBack { .. }), "{standing:?}");
}

#[test]
fn a_service_whose_looks_are_lost_is_given_time_to_be_seen() {
    // The service runs the release by now, and no observation has shown it.
    let changes = [&PLAIN[..], &[("timeout", "2m")]].concat();
    let story = Story::begin(&changes).then(prepared()).quietly(SECOND).then(start_rollback(false));
    let story = look(story, "shop-api", 1).then(rollback_started("shop-api"));
    let story = (0..9).fold(story, |story, _| story.later(MINUTE));
    let story = look(story, "shop-api", 2);
    assert!(story.asks().contains("roll back shop-api"), "{}", story.timeline());
}

#[test]
fn what_ecs_rolls_back_while_our_rollback_starts_is_not_an_update_outside_slipway() {
    let story = states::rolling_back();
    // ECS has returned to the last revision that had come up, which is not the one before.
    let seen_at = story.now;
    let rollouts = vec![
        rollout("shop-web", 9, true, Progress::InProgress, 2),
        rollout("shop-web", 2, false, Progress::Failed, 0),
    ];
    let mut seen = observation("shop-web", seen_at, rollouts);
    if let Some(found) = &mut seen.found {
        found.returned_from = Some(rollout_id("shop-web", 2).as_str().into());
    }
    let story = story.then(Event::LeftAlone { seen }).quietly(VISIBLE);
    let story = look(story, "shop-web", 9);
    expect![[r#"
           0s Deploying b1, requested by push of b1.
           0s Waiting for approval until 2026-01-01T02:00:00Z.
           0s Approved by ann.
           0s Prepared: shop-api shop-api:1 -> shop-api:2, shop-worker shop-worker:1 -> shop-worker:2, shop-web shop-web:1 -> shop-web:2.
           0s The migration runs as task 0abc.
           0s The migration succeeded (exit code 0).
           0s Updating shop-api, shop-worker.
        1m30s shop-api is stable on shop-api:2.
        1m30s shop-worker is stable on shop-worker:2.
        1m30s Updating shop-web.
           3m Task of shop-web failed (1 of 2 allowed failures): container api exited with 1, Essential container in task exited.
           3m Task of shop-web failed (2 of 2 allowed failures): container api exited with 1, Essential container in task exited.
           3m Rolling back: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited.
           3m The migration is not undone: the previous release runs on the new schema.
           3m Rolling shop-web back to shop-web:1.
           3m ECS is rolling shop-web back to shop-web:9 (not to shop-web:1, which had not become stable): ECS deployment circuit breaker: tasks failed to start.
        4m30s shop-web is rolled back.
        4m30s Rolling shop-api back to shop-api:1.
        4m30s Rolling shop-worker back to shop-worker:1.
    "#]].assert_eq(&story.timeline());
    assert!(story.asks().contains("roll back shop-api"), "{}", story.timeline());
}

#[test]
fn what_ecs_rolled_back_to_an_older_revision_is_not_an_update_outside_slipway() {
    let story = states::rolling_out();
    // The failed rollout has drained, and `shop-api:1` had never come up.
    let seen_at = story.now;
    let story = story.then(up("shop-api", 9, seen_at));
    expect!["observe shop-api and whether ECS returned"].assert_eq(&story.asks());
    let story = story.then(asked("shop-api", 9, true, seen_at));
    expect!["1m30s Rolling shop-worker back to shop-worker:1."]
        .assert_eq(story.timeline().lines().last().unwrap_or_default());
}

#[test]
fn what_ecs_returns_to_from_the_rollout_that_rolled_it_back_is_not_the_way_to_go() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND).then(start_rollback(false));
    let story = story.then(rollback_started("shop-api"));
    let older = rollout("shop-api", 9, true, Progress::Completed, 2);
    let mut failed = rollout("shop-api", 1, false, Progress::Failed, 0);
    failed.id = rollout_id("shop-api", 3).as_str().into();
    let story = story.quietly(Span::minutes(4));
    let mut seen = observation("shop-api", story.now, vec![older, failed]);
    if let Some(found) = &mut seen.found {
        found.returned_from = Some(rollout_id("shop-api", 3).as_str().into());
    }
    let state = &story.then(observed(seen)).deployment.services[0].state;
    assert!(matches!(state, ServiceState::NotRolledBack { .. }), "{state:?}");
}

/// Where the circuit breaker only stops, the failed rollout stays PRIMARY.
#[test]
fn a_failed_rollout_that_stays_primary_does_not_end_the_rollback_that_it_caused() {
    let story = states::rolling_back();
    let stopped = rollout("shop-web", 2, true, Progress::Failed, 0);
    let seen = observed(observation("shop-web", story.now, vec![stopped]));
    let story = story.then(seen);
    let state = &story.deployment.services[2].state;
    assert!(matches!(state, ServiceState::RollingBack { .. }), "{state:?}");
}

/// The worker that is to delete it never answers, and every look is answered.
#[test]
fn a_service_whose_deletion_is_never_answered_is_given_up() {
    let mut story = super::before::first_deploy_fails("remove");
    expect!["remove shop-web"].assert_eq(&story.asks());
    story = look(story.later(MINUTE), "shop-web", 2);
    assert!(matches!(story.deployment.services[2].state, ServiceState::Deleting { .. }));
    for _ in 0..180 {
        story = look(story.later(MINUTE), "shop-web", 2);
    }
    let state = &story.deployment.services[2].state;
    let others = story.timeline().contains("Rolling shop-api back");
    assert!(others, "{state:?} after three hours; {}; asks {}", story.state(), story.asks());
}

#[test]
fn what_ecs_rolled_back_is_not_still_on_the_new_revision() {
    let story = states::second_wave_with(&[("rollback", "manual")]);
    let seen_at = story.now;
    let story = story.then(returned("shop-web", seen_at));
    let outcome = story.outcome();
    assert!(!outcome.contains("revision: shop-api, shop-worker, shop-web"), "{outcome}");
}
