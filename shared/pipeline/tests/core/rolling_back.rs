//! Rolling back: what starts a rollback, how far it goes, and what is left if it fails.

use super::events::*;
use super::fixtures::{Story, TIMEOUT};
use super::states::{self, MINUTE, died_twice, roll_back_both_waves, verify_rollback};
use expect_test::expect;
use pipeline::deployment::{ServiceState, advance};
use pipeline::effect::Purpose;
use pipeline::event::Refusal;
use pipeline::time::Span;

fn web_keeps_dying(changes: &[(&str, &str)]) -> Story {
    let story = states::second_wave_with(changes);
    let deaths = died_twice(&story, "shop-web");
    story.all(deaths)
}

#[test]
fn trap_49_a_rollback_reads_as_a_story_and_takes_the_waves_in_reverse() {
    let story = verify_rollback(roll_back_both_waves(web_keeps_dying(&[])));
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
        4m30s shop-web is rolled back.
        4m30s Rolling shop-api back to shop-api:1.
        4m30s Rolling shop-worker back to shop-worker:1.
           6m shop-api is rolled back.
           6m shop-worker is rolled back.
           8m Ended: rolled back: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited.
    "#]].assert_eq(&story.timeline());
}

#[test]
fn trap_48_with_auto_the_services_are_rolled_back_and_the_schema_stays() {
    let story = web_keeps_dying(&[("rollback", "auto")]);
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&story.asks());
}

#[test]
fn trap_48_with_after_undo_the_migration_is_undone_before_any_service_is_rolled_back() {
    let story = web_keeps_dying(&[("rollback", "after_undo")]);
    expect!["undo #1"].assert_eq(&story.asks());
    let story = story.all([claimed(Purpose::Undo, 1), started(Purpose::Undo)]);
    let story = story.then(ended(Purpose::Undo, exit(0)));
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&story.asks());
    let story = verify_rollback(roll_back_both_waves(story));
    expect!["rolled back: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited"].assert_eq(&story.outcome());
}

#[test]
fn an_undo_that_fails_leaves_everything_and_shouts() {
    let story = web_keeps_dying(&[("rollback", "after_undo")]);
    let story = story.all([claimed(Purpose::Undo, 1), started(Purpose::Undo)]);
    let story = story.then(ended(Purpose::Undo, exit(2)));
    expect!["stuck: undoing the migration failed (exit code 2, Essential container in task exited), and the previous release cannot run on the new schema (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
    assert_eq!(story.asks(), "");
}

#[test]
fn trap_48_with_manual_everything_stays_for_a_person_to_decide() {
    let story = web_keeps_dying(&[("rollback", "manual")]);
    expect!["failed: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited; still on the new revision: shop-api, shop-worker, shop-web"].assert_eq(&story.outcome());
    assert_eq!(story.asks(), "");
}

#[test]
fn with_manual_a_person_may_still_send_everything_back() {
    let story = states::second_wave_with(&[("rollback", "manual")]).then(start_rollback(false));
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&story.asks());
}

#[test]
fn with_manual_and_no_migration_automation_rolls_back() {
    let story = Story::begin(&[("migration", ""), ("rollback", "manual"), ("approval", "")])
        .then(prepared());
    let deaths = died_twice(&story, "shop-api");
    let story = story.then(rollout_started("shop-api")).all(deaths);
    assert_eq!(story.state(), "rolling back");
}

#[test]
fn a_person_may_request_the_undo_of_the_migration_under_any_policy() {
    let story = states::second_wave().then(start_rollback(true));
    expect!["undo #1"].assert_eq(&story.asks());
    let mut no_undo = states::second_wave_with(&[(
        "migration",
        "{service: shop-api, container: api, command: [migrate, up]}",
    )]);
    expect![[r#"
        Refused(
            "the spec has no migration.undo; roll back without \"undo\"",
        )
    "#]]
    .assert_debug_eq(&no_undo.tell(start_rollback(true)));
}

#[test]
fn a_wish_to_undo_that_comes_too_late_is_refused_and_not_forgotten_silently() {
    let mut story = states::rolling_back();
    expect![[r#"
        Refused(
            "already rolling back, without undoing the migration",
        )
    "#]]
    .assert_debug_eq(&story.tell(start_rollback(true)));
    expect![[r#"
        Accepted(
            "already rolling back",
        )
    "#]]
    .assert_debug_eq(&story.tell(start_rollback(false)));
}

#[test]
fn trap_48_a_rollback_while_the_migration_runs_lets_it_end_first() {
    let story = states::migration_runs().then(start_rollback(false));
    expect!["waiting for the migration: running, until 2026-01-01T00:15:00Z at the latest"]
        .assert_eq(&story.outcome());
    let failed = story.clone().then(ended(Purpose::Migrate, exit(1)));
    expect!["failed: the migration failed: exit code 1, Essential container in task exited"]
        .assert_eq(&failed.outcome());
    let story = story.then(ended(Purpose::Migrate, exit(0)));
    expect!["failed: requested by ann: it looks odd"].assert_eq(&story.outcome());
}

#[test]
fn an_undo_that_a_person_asks_for_while_the_migration_runs_follows_it() {
    let story = states::migration_runs().all([start_rollback(false), start_rollback(true)]);
    let story = story.then(ended(Purpose::Migrate, exit(0)));
    expect!["undo #1"].assert_eq(&story.asks());
    let story = story.all([
        claimed(Purpose::Undo, 1),
        started(Purpose::Undo),
        ended(Purpose::Undo, exit(0)),
    ]);
    expect!["rolled back: requested by ann: it looks odd"].assert_eq(&story.outcome());
}

#[test]
fn trap_02_a_rollback_by_ecs_is_not_overwritten() {
    let story = states::rolling_out();
    let seen_at = story.now;
    let story = story.then(returned("shop-api", seen_at));
    expect![[r#"roll back shop-worker (StopRollout(RolloutId("ecs-svc/shop-worker-2")))"#]]
        .assert_eq(&story.asks());
    let story = story.then(rollback_started("shop-worker")).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    expect!["rolled back: ECS rolled shop-api back: ECS deployment circuit breaker: tasks failed to start."].assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn a_rollback_by_ecs_has_its_full_time_after_a_long_undo() {
    let story = states::rolling_out_with(&[("rollback", "after_undo")]);
    let seen_at = story.now;
    let story = story.then(returned("shop-api", seen_at));
    let story = story
        .all([claimed(Purpose::Undo, 1), started(Purpose::Undo)])
        .quietly(TIMEOUT + Span::minutes(4));
    let story = story.then(ended(Purpose::Undo, exit(0))).later(Span::minutes(2));
    expect!["shop-api: waiting for ECS to finish its own rollback; shop-worker: waiting for AWS to accept the update"].assert_eq(&story.outcome());
    expect![[r#"roll back shop-worker (StopRollout(RolloutId("ecs-svc/shop-worker-2"))), observe shop-api+shop-worker"#]].assert_eq(&story.asks());
}

#[test]
fn ecs_returns_past_a_revision_whose_rollout_it_had_not_finished() {
    // Pre-flight has warned that the deployment cuts another rollout short.
    let story = states::rolling_out();
    let seen_at = story.now;
    let story = story.then(asked("shop-api", 8, true, seen_at));
    expect![[r#"roll back shop-worker (StopRollout(RolloutId("ecs-svc/shop-worker-2")))"#]]
        .assert_eq(&story.asks());
    expect!["shop-api: waiting for ECS to finish its own rollback; shop-worker: waiting for AWS to accept the update"].assert_eq(&story.outcome());
    let story = story.then(rollback_started("shop-worker")).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 8, seen_at), up("shop-worker", 1, seen_at)]);
    let story = story.later(MINUTE + MINUTE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 8, seen_at), up("shop-worker", 1, seen_at)]);
    expect!["rolled back: ECS rolled shop-api back: the breaker opened"]
        .assert_eq(&story.outcome());
    expect![[r#"
           0s Deploying b1, requested by push of b1.
           0s Waiting for approval until 2026-01-01T02:00:00Z.
           0s Approved by ann.
           0s Prepared: shop-api shop-api:1 -> shop-api:2, shop-worker shop-worker:1 -> shop-worker:2, shop-web shop-web:1 -> shop-web:2.
           0s The migration runs as task 0abc.
           0s The migration succeeded (exit code 0).
           0s Updating shop-api, shop-worker.
        1m30s ECS is rolling shop-api back to shop-api:8 (not to shop-api:1, which had not become stable): the breaker opened.
        1m30s Rolling back: ECS rolled shop-api back: the breaker opened.
        1m30s The migration is not undone: the previous release runs on the new schema.
        1m30s Rolling shop-worker back to shop-worker:1.
           3m shop-api is rolled back.
           3m shop-worker is rolled back.
           5m Ended: rolled back: ECS rolled shop-api back: the breaker opened.
    "#]].assert_eq(&story.timeline());
}

#[test]
fn a_rollout_that_can_no_longer_be_stopped_is_rolled_back_by_an_update() {
    let story = states::rolling_back();
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&story.asks());
    let story = story.then(rollback_refused("shop-web", Refusal::RolloutIsOver));
    expect!["roll back shop-web (Update)"].assert_eq(&story.asks());
    // The same answer once more, from a second worker that had the same message.
    let again = rollback_refused("shop-web", Refusal::RolloutIsOver);
    let (after, _) = advance(story.deployment.clone(), again, story.now);
    assert_eq!(after, story.deployment);
}

#[test]
fn a_service_that_cannot_be_rolled_back_is_named_and_the_others_go_back_all_the_same() {
    let story = states::rolling_back().then(rollback_refused("shop-web", Refusal::Final));
    expect!["observe shop-web"].assert_eq(&story.asks());
    let seen_at = story.now;
    let story = story.then(up("shop-web", 2, seen_at));
    expect!["roll back shop-api (Update), roll back shop-worker (Update)"].assert_eq(&story.asks());
    let story =
        story.all([rollback_started("shop-api"), rollback_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    let story = story.later(MINUTE + MINUTE);
    let seen_at = story.now;
    let story = story.all(
        [("shop-api", 1), ("shop-worker", 1), ("shop-web", 2)].map(|(s, n)| up(s, n, seen_at)),
    );
    expect!["stuck: not rolled back: shop-web (access denied) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}

#[test]
fn trap_31_a_rollback_without_answers_ends_stuck() {
    let mut story = states::rolling_back();
    for _ in 0..40 {
        story = story.later(MINUTE);
    }
    expect!["stuck: not rolled back: shop-api (its state could not be read in time), shop-worker (its state could not be read in time), shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}

/// `shop-web` was not observed in time; the others are rolled back, and the verification is in
/// progress.
fn verifying_without_web() -> Story {
    let mut story = states::rolling_back().then(rollback_started("shop-web"));
    while !matches!(story.deployment.services[2].state, ServiceState::NotRolledBack { .. }) {
        story = story.later(MINUTE);
    }
    let story = story.all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    let story = story.quietly(VISIBLE);
    let seen_at = story.now;
    story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)])
}

#[test]
fn a_service_that_was_given_up_and_is_rolled_back_nevertheless_counts_as_rolled_back() {
    let story = verifying_without_web();
    assert_eq!(story.state(), "verifying rollback");
    assert!(verify_rollback(story.clone()).outcome().starts_with("rolled back: "));

    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    assert_eq!(story.state(), "verifying rollback", "the one that was given up is looked at, too");
    let found_so = story.clone().then(up("shop-web", 1, seen_at));
    assert!(found_so.outcome().starts_with("rolled back: "), "{}", found_so.outcome());
    assert!(found_so.timeline().contains("shop-web is rolled back after all."));
    expect!["stuck: not rolled back: shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"]
        .assert_eq(&story.then(up("shop-web", 2, seen_at)).outcome());
}

#[test]
fn a_service_that_was_given_up_and_cannot_be_looked_at_either_keeps_its_reason() {
    let mut story = verifying_without_web();
    let seen_at = story.now;
    story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    for _ in 0..30 {
        story = story.later(MINUTE);
    }
    expect!["stuck: not rolled back: shop-api (its state could not be read in time), shop-worker (its state could not be read in time), shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"]
        .assert_eq(&story.outcome());
}

#[test]
fn a_lost_final_observation_is_requested_again_before_anything_is_stuck() {
    let mut story = roll_back_both_waves(web_keeps_dying(&[("timeout", "1m")]));
    assert_eq!(story.state(), "verifying rollback");
    for _ in 0..10 {
        story = story.later(MINUTE);
    }
    assert_eq!(story.state(), "verifying rollback", "{}", story.outcome());
    let seen_at = story.now;
    let seen = story.clone().all(all_up(1, seen_at));
    assert!(seen.outcome().starts_with("rolled back: "), "{}", seen.outcome());
    for _ in 0..10 {
        story = story.later(MINUTE);
    }
    expect!["stuck: not rolled back: shop-api (its state could not be read in time), shop-worker (its state could not be read in time), shop-web (its state could not be read in time) (after: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited)"].assert_eq(&story.outcome());
}

#[test]
fn repeated_updates_to_the_new_revision_do_not_block_the_rollback_endlessly() {
    let mut story = states::rolling_back();
    for _ in 0..20 {
        story = story.then(rollback_started("shop-web")).quietly(VISIBLE);
        let seen_at = story.now;
        story = story.then(up("shop-web", 2, seen_at));
    }
    assert!(matches!(story.deployment.services[2].state, ServiceState::NotRolledBack { .. }));
}

#[test]
fn trap_02_an_update_outside_slipway_during_the_rollback_is_not_overwritten() {
    let story = states::rolling_back();
    let seen_at = story.now;
    // It might be ours, until the worker says that it left the service unchanged.
    let story = story.then(up("shop-web", 9, seen_at));
    expect![[r#"roll back shop-web (StopRollout(RolloutId("ecs-svc/shop-web-2")))"#]]
        .assert_eq(&story.asks());
    let story = story.then(left_alone("shop-web", 9, seen_at));
    let story = story.then(asked("shop-web", 9, false, seen_at));
    let story =
        story.all([rollback_started("shop-api"), rollback_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn trap_02_an_update_outside_slipway_is_superseded_and_neither_success_nor_failure() {
    let story = states::baking();
    let seen_at = story.now;
    // ECS may have rolled it back to that revision, and is asked.
    let updated = story.clone().then(up("shop-api", 9, seen_at));
    expect!["read alarms, observe shop-api and whether ECS returned"].assert_eq(&updated.asks());
    expect!["superseded: shop-api was updated to shop-api:9 outside Slipway"]
        .assert_eq(&updated.then(asked("shop-api", 9, false, seen_at)).outcome());
    expect!["superseded: shop-api was deleted outside Slipway"]
        .assert_eq(&story.then(gone("shop-api", seen_at)).outcome());
}
