//! Traps C.2: the circuit breaker, alarms and health. Items as in `tests/conformance.md`.
//!
//! Left: the breaker's own arithmetic (8) and ECS's own alarms and their bake (13), which no
//! decision of ours depends on; and blue/green weights (17), which the adapter refuses.

use super::telling::*;
use expect_test::expect;
use pipeline::event::AlarmState;
use pipeline::time::Span;
use simulation::behaviour::Behaviour;
use simulation::cloud::Breaker;

const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";
const ALARMS: &str = "    alarms: [scr-staging-5xx, scr-staging-p99]\n";

#[test]
fn trap_09_tasks_that_get_healthy_and_die_then_are_counted_by_us() {
    let mut story = story("scr");
    story.breaker(Breaker::RollBack);
    story.push_bad(FIRST, "web", Behaviour::CrashesAfter(Span::minutes(1))).rest();
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
            +02:37 scr-web is stable on scr-web:2.
            +02:38 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
            +02:38 https://staging.scr-platform.com/ answers as expected (attempt 1).
            +02:38 Watching alarms and tasks for 5m.
            +03:37 Task of scr-web failed (1 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +04:02 Task of scr-web failed (2 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +04:27 Task of scr-web failed (3 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +04:27 Rolling back: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited.
            +04:27 The migration is not undone: the previous release runs on the new schema.
            +04:27 Rolling scr-web back to scr-web:1.
            +05:08 scr-web is rolled back.
            +05:08 Rolling scr-ai-gateway back to scr-ai-gateway:1.
            +05:49 scr-ai-gateway is rolled back.
            +05:49 Rolling scr-api back to scr-api:1.
            +06:30 scr-api is rolled back.
            +06:59 Ended: rolled back: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited.
        "#]],
    );
}

#[test]
fn trap_10_the_breaker_of_a_first_deploy_has_nothing_to_return_to() {
    let mut story = story("omen-epr");
    story.breaker(Breaker::RollBack);
    story.push_bad("20261121090000", "epr", Behaviour::CrashesAtStart).rest();
    check(
        &story,
        "production",
        &expect![[r#"
            20261121090000 failed: 3 tasks of omen-epr-service failed: container app exited with 1, Essential container in task exited; still on the new revision: omen-epr-service
            runs omen-epr-service = omen-epr-service:1 (epr-20261121)
            hold by slipway: 20261121090000 failed and was not rolled back: 3 tasks of omen-epr-service failed: container app exited with 1, Essential container in task exited
        "#]],
    );
}

#[test]
fn trap_11_tasks_without_room_wait_and_are_no_fault_of_the_code() {
    let mut story = story("wwhd");
    story.behaves("backend", "monday", Behaviour::FindsRoomAfter(Span::minutes(8)));
    story.retag("monday", "latest").wait(Span::minutes(4));
    assert_eq!(
        waits_for(&story, "production"),
        "wwhd-service: ECS: unable to place a task: RESOURCE:MEMORY"
    );
    story.rest();
    check(
        &story,
        "production",
        &expect![[r#"
        latest@backend-mond succeeded
        runs wwhd-service = wwhd-service:2 (backend-mond)
    "#]],
    );
}

#[test]
fn trap_11_tasks_that_aws_takes_away_are_no_fault_of_the_code() {
    let mut story = changed_story("wwhd", "bake: 5m", "bake: 5m\n    failures: {tasks: 1}");
    story.behaves("backend", "monday", Behaviour::TakenAway(Span::minutes(2)));
    story.retag("monday", "latest").rest();
    check_timeline(
        &story,
        "production",
        &expect![[r#"
            +00:01 Deploying latest@backend-mond, requested by push of latest.
            +00:02 Prepared: wwhd-service wwhd-service:1 -> wwhd-service:2.
            +00:02 Updating wwhd-service.
            +00:43 wwhd-service is stable on wwhd-service:2.
            +00:43 Watching alarms and tasks for 5m.
            +02:43 Task of wwhd-service was stopped by AWS: Your Spot Task was interrupted.
            +05:45 Ended: succeeded.
        "#]],
    );
}

#[test]
fn trap_11_a_place_that_never_comes_free_ends_at_the_deadline_and_is_named() {
    let mut story = story("wwhd");
    story.behaves("backend", "monday", Behaviour::FindsNoRoom).retag("monday", "latest").rest();
    check(
        &story,
        "production",
        &expect![[r#"
            latest@backend-mond rolled back: wwhd-service was not stable in time: ECS: unable to place a task: RESOURCE:MEMORY
            runs wwhd-service = wwhd-service:1 (first-wwhd-b)
            hold by slipway: latest@backend-mond was rolled back: wwhd-service was not stable in time: ECS: unable to place a task: RESOURCE:MEMORY
        "#]],
    );
}

#[test]
fn trap_12_an_alarm_that_is_on_already_blocks() {
    let mut story = story("scr");
    story.alarm("scr-staging-5xx", AlarmState::On).push(FIRST).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 failed: already in ALARM before the deployment: scr-staging-5xx
            runs scr-api = scr-api:1 (first-scr-ap)
            runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
            runs scr-web = scr-web:1 (first-scr-we)
        "#]],
    );
}

#[test]
fn trap_12_an_alarm_that_is_on_already_may_be_warned_of_and_counts_once_it_was_quiet() {
    let warn = "    alarms: {names: [scr-staging-5xx, scr-staging-p99], at_start: warn}\n";
    let mut story = changed_story("scr", ALARMS, warn);
    story.alarm("scr-staging-5xx", AlarmState::On).push(FIRST).until("staging", "Watching");
    story.alarm("scr-staging-5xx", AlarmState::Quiet).wait(Span::minutes(1));
    story.alarm("scr-staging-5xx", AlarmState::On).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:02 Warning: already in ALARM, ignored until it was OK once: scr-staging-5xx.
            +00:03 The migration runs as task 00000007.
            +00:34 The migration succeeded (exit code 0).
            +00:34 Updating scr-api.
            +01:15 scr-api is stable on scr-api:2.
            +01:15 Updating scr-ai-gateway.
            +01:56 scr-ai-gateway is stable on scr-ai-gateway:2.
            +01:56 Updating scr-web.
            +02:37 scr-web is stable on scr-web:2.
            +02:38 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
            +02:38 https://staging.scr-platform.com/ answers as expected (attempt 1).
            +02:38 Watching alarms and tasks for 5m.
            +03:38 Alarm scr-staging-5xx is in ALARM.
            +03:38 Rolling back: alarm scr-staging-5xx: threshold crossed.
            +03:38 The migration is not undone: the previous release runs on the new schema.
            +03:38 Rolling scr-web back to scr-web:1.
            +04:19 scr-web is rolled back.
            +04:19 Rolling scr-ai-gateway back to scr-ai-gateway:1.
            +05:00 scr-ai-gateway is rolled back.
            +05:00 Rolling scr-api back to scr-api:1.
            +05:41 scr-api is rolled back.
            +06:10 Ended: rolled back: alarm scr-staging-5xx: threshold crossed.
        "#]],
    );
}

#[test]
fn trap_12_an_alarm_that_is_on_already_may_be_ignored() {
    let ignore = "    alarms: {names: [scr-staging-5xx, scr-staging-p99], at_start: ignore}\n";
    let mut story = changed_story("scr", ALARMS, ignore);
    story.alarm("scr-staging-5xx", AlarmState::On).push(FIRST).rest();
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
fn trap_12_rolling_back_never_waits_for_an_alarm() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.alarm("scr-staging-5xx", AlarmState::On).roll_back("staging", None, false).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e succeeded
            3f2a9c1 succeeded
            answered +61:00 accepted: deployment 3 of 3f2a9c1 has started
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by ada (customers complain): rolled back from 7b41d0e to 3f2a9c1
        "#]],
    );
}

#[test]
fn trap_14_an_alarm_without_data_is_neither_good_nor_bad_and_is_mentioned() {
    let mut story = story("scr");
    story.alarm("scr-staging-p99", AlarmState::NoData).push(FIRST).rest();
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
            +02:37 scr-web is stable on scr-web:2.
            +02:38 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
            +02:38 https://staging.scr-platform.com/ answers as expected (attempt 1).
            +02:38 Watching alarms and tasks for 5m.
            +07:40 Alarm scr-staging-p99 has no data (INSUFFICIENT_DATA).
            +07:40 Ended: succeeded.
        "#]],
    );
}

#[test]
fn trap_14_a_spec_may_want_data() {
    let wanted = "    alarms: {names: [scr-staging-5xx, scr-staging-p99], no_data: fail}\n";
    let mut story = changed_story("scr", ALARMS, wanted);
    story.alarm("scr-staging-p99", AlarmState::NoData).push(FIRST).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 rolled back: alarm scr-staging-p99 has no data
        runs scr-api = scr-api:1 (first-scr-ap)
        runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
        runs scr-web = scr-web:1 (first-scr-we)
        hold by slipway: 3f2a9c1 was rolled back: alarm scr-staging-p99 has no data
    "#]],
    );
}

#[test]
fn trap_15_a_dead_container_that_is_not_essential_is_seen_though_its_task_is_healthy() {
    let mut story = story("omen-epr");
    story.push_bad("20261121090000", "epr", Behaviour::LosesSidecar).rest();
    check_timeline(
        &story,
        "production",
        &expect![[r#"
            +00:01 Deploying 20261121090000, requested by push of 20261121090000.
            +00:02 Prepared: omen-epr-service (new) -> omen-epr-service:1.
            +00:02 Updating omen-epr-service.
            +00:43 omen-epr-service is stable on omen-epr-service:1.
            +00:44 https://epr.example.com/healthz answers as expected (attempt 1).
            +00:44 Watching tasks for 3m.
            +00:48 Container audit-worker of omen-epr-service stopped: exit code 1; its task keeps running.
            +03:46 Ended: succeeded.
        "#]],
    );
}

#[test]
fn trap_16_a_healthy_deploy_may_take_as_long_as_its_spec_says() {
    let mut story = changed_story("wwhd", "timeout: 10m", "timeout: 24h");
    story.behaves("backend", "monday", Behaviour::FindsRoomAfter(Span::hours(20)));
    story.retag("monday", "latest").rest();
    check(
        &story,
        "production",
        &expect![[r#"
        latest@backend-mond succeeded
        runs wwhd-service = wwhd-service:2 (backend-mond)
    "#]],
    );
}
