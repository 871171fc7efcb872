//! Traps C.6: one-off tasks. Items as in `tests/conformance.md`.
//!
//! Left to the adapter: what `RunTask` takes over from the service (47), and reading the answer
//! of `RunTask` itself (42: here its classified outcome).

use super::telling::*;
use expect_test::{Expect, expect};
use pipeline::task::{OneOffEnd, Stop};
use pipeline::time::Span;
use simulation::behaviour::Behaviour;
use simulation::faults::Odds;

const FIRST: &str = "3f2a9c1";
const SERVICES: &str = "    services: [scr-api, scr-ai-gateway, scr-web]";

/// A migration that ends just so, and what comes of it.
fn ends(exit_code: Option<i32>, code: &str, why: &str, reason: Option<&str>, expected: &Expect) {
    let stop = Stop { code: Some(code.into()), reason: why.into() };
    let end = OneOffEnd { exit_code, stop, reason: reason.map(Into::into), beside: None };
    let mut story = story("scr");
    story.push_bad(FIRST, "api", Behaviour::MigrationEnds(end)).rest();
    let deployments = story.sim.deployments(&story.place("staging"));
    let verdict = deployments[0].verdict().expect("it has ended");
    let touched = deployments[0].services.iter().any(|service| service.touched());
    expected.assert_eq(&format!("{verdict}\n"));
    assert_eq!(touched, verdict.name() == "succeeded");
}

#[test]
fn trap_42_a_migration_without_capacity_is_tried_again() {
    let mut story = story("scr");
    story.no_room_for_tasks(3).push(FIRST).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:03 The task could not start and will be retried: RESOURCE:MEMORY.
            +01:36 The migration runs as task 00000007 (attempt 4).
            +02:07 The migration succeeded (exit code 0).
            +02:07 Updating scr-api.
            +02:48 scr-api is stable on scr-api:2.
            +02:48 Updating scr-ai-gateway.
            +03:29 scr-ai-gateway is stable on scr-ai-gateway:2.
            +03:29 Updating scr-web.
            +04:10 scr-web is stable on scr-web:2.
            +04:11 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
            +04:11 https://staging.scr-platform.com/ answers as expected (attempt 1).
            +04:11 Watching alarms and tasks for 5m.
            +09:13 Ended: succeeded.
        "#]],
    );
}

#[test]
fn trap_42_a_migration_without_capacity_is_not_tried_endlessly() {
    let mut story = story("scr");
    story.no_room_for_tasks(1000).push(FIRST).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:03 The task could not start and will be retried: RESOURCE:MEMORY.
            +20:03 Ended: failed: the migration could not start: AWS had no capacity for it in 40 attempts.
        "#]],
    );
}

#[test]
fn trap_43_the_same_attempt_twice_is_one_task() {
    let mut story = rude_story("scr", Odds { duplicate: 1000, ..Odds::default() });
    story.push(FIRST).rest();
    assert_eq!(story.sim.cloud.tasks.len(), 1);
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 succeeded
        runs scr-api = scr-api:2 (api-3f2a9c1)
        runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
        runs scr-web = scr-web:2 (web-3f2a9c1)
    "#]],
    );
}

#[test]
fn trap_44_no_exit_code_is_not_zero() {
    let reason = "Essential container in task exited";
    ends(
        None,
        "EssentialContainerExited",
        reason,
        None,
        &expect![[r#"
        failed: the migration failed: no exit code, Essential container in task exited
    "#]],
    );
}

#[test]
fn trap_44_zero_of_a_task_that_ran_out_of_memory_is_no_success() {
    let memory = Some("OutOfMemoryError: Container killed due to memory usage");
    let reason = "Essential container in task exited";
    ends(
        Some(0),
        "EssentialContainerExited",
        reason,
        memory,
        &expect![[r#"
        failed: the migration failed: exit code 0, OutOfMemoryError: Container killed due to memory usage
    "#]],
    );
}

#[test]
fn trap_44_exit_code_0_of_a_stopped_task_is_no_success() {
    ends(
        Some(0),
        "UserInitiated",
        "Task stopped by bob",
        None,
        &expect![[r#"
        failed: the migration failed: exit code 0, Task stopped by bob
    "#]],
    );
}

#[test]
fn trap_45_what_aws_takes_away_in_the_middle_is_not_run_again() {
    let reason = "Your Spot Task was interrupted.";
    ends(
        Some(143),
        "SpotInterruption",
        reason,
        None,
        &expect![[r#"
        failed: the migration failed: exit code 143, Your Spot Task was interrupted.
    "#]],
    );
}

#[test]
fn trap_45_what_never_started_for_want_of_room_is_tried_again_until_the_deadline() {
    let reason = "Capacity is unavailable at this time. Please try again later";
    ends(
        None,
        "TaskFailedToStart",
        reason,
        None,
        &expect![[r#"
            failed: the migration could not start: Capacity is unavailable at this time. Please try again later (attempt 20)
        "#]],
    );
}

#[test]
fn trap_46_a_task_that_ecs_has_forgotten_is_no_success() {
    let mut story = story("scr");
    story.push_bad(FIRST, "api", Behaviour::MigrationNeverEnds);
    story.until("staging", "The migration runs");
    story.sim.cloud.tasks.clear();
    story.rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 stuck: it is unknown how the task ended; check the database before you deploy anything else (after: it is unknown whether the migration ran)
            runs scr-api = scr-api:1 (first-scr-ap)
            runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
            runs scr-web = scr-web:1 (first-scr-we)
            hold by slipway: 3f2a9c1 is stuck: it is unknown how the task ended; check the database before you deploy anything else
        "#]],
    );
}

#[test]
fn trap_48_an_unclear_start_does_not_run_the_migration_twice() {
    for seed in 0..40 {
        let odds = Odds { crash: 150, duplicate: 300, delay_seconds_max: 120, ..Odds::default() };
        let mut story = seeded_story("scr", seed, odds);
        story.push(FIRST).rest();
        assert!(story.sim.cloud.tasks.len() <= 1, "seed {seed}");
        assert_sound(&story);
    }
}

#[test]
fn trap_48_a_schema_that_old_code_does_not_support_is_undone_first() {
    let policy = format!("    rollback: after_undo\n{SERVICES}");
    let mut story = changed_story("scr", SERVICES, &policy);
    let alarm = Behaviour::RaisesAlarm("scr-staging-5xx".into(), Span::minutes(2));
    story.push_bad(FIRST, "api", alarm).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:03 The migration runs as task 00000007.
            +00:34 The migration succeeded (exit code 0).
            +00:34 Updating scr-api.
            +01:15 scr-api is stable on scr-api:2.
            +01:15 Updating scr-ai-gateway.
            +01:56 scr-ai-gateway is stable on scr-ai-gateway:2.
            +01:56 Updating scr-web.
            +02:35 Alarm scr-staging-5xx is in ALARM.
            +02:35 Undoing the migration.
            +02:36 The undo runs as task 00000011.
            +03:07 The migration is undone.
            +03:07 Rolling back: alarm scr-staging-5xx: threshold crossed.
            +03:07 Rolling scr-web back to scr-web:1.
            +03:08 The rollout of scr-web has already ended; updating the service instead.
            +03:08 Rolling scr-web back to scr-web:1.
            +03:49 scr-web is rolled back.
            +03:49 Rolling scr-ai-gateway back to scr-ai-gateway:1.
            +04:30 scr-ai-gateway is rolled back.
            +04:30 Rolling scr-api back to scr-api:1.
            +05:11 scr-api is rolled back.
            +05:13 Ended: rolled back: alarm scr-staging-5xx: threshold crossed.
        "#]],
    );
}

#[test]
fn trap_48_a_schema_that_cannot_be_undone_stops_everything_for_a_person() {
    let policy = format!("    rollback: after_undo\n{SERVICES}");
    let mut story = changed_story("scr", SERVICES, &policy);
    story.behaves("web", FIRST, Behaviour::CrashesAtStart);
    story.push_bad(FIRST, "api", Behaviour::UndoFails).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 stuck: undoing the migration failed (exit code 1, Essential container in task exited), and the previous release cannot run on the new schema (after: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited)
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by slipway: 3f2a9c1 is stuck: undoing the migration failed (exit code 1, Essential container in task exited), and the previous release cannot run on the new schema
        "#]],
    );
}

#[test]
fn trap_48_with_manual_nothing_is_rolled_back_automatically_but_a_person_may() {
    let policy = format!("    rollback: manual\n{SERVICES}");
    let mut story = changed_story("scr", SERVICES, &policy);
    story.push(FIRST).rest();
    story.push_bad("7b41d0e", "web", Behaviour::CrashesAtStart).rest();
    story.roll_back("staging", None, false).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e failed: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited; still on the new revision: scr-api, scr-ai-gateway, scr-web
            3f2a9c1 succeeded
            answered +61:00 accepted: deployment 3 of 3f2a9c1 has started
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by ada (customers complain): rolled back from the live release to 3f2a9c1
        "#]],
    );
}
