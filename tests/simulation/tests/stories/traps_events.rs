//! Traps C.4: events and their delivery. Items as in `tests/conformance.md`.
//!
//! Left to the adapter and the template: comparing ECR with what was seen (27: here a push that is
//! found late), `detail.version` (28: ECS is asked again instead), queues for what fails (29).

use super::telling::*;
use expect_test::expect;
use pipeline::time::Span;
use simulation::behaviour::Behaviour;
use simulation::faults::Odds;

const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";

#[test]
fn trap_27_a_push_that_is_found_an_hour_late_is_deployed_unless_a_newer_one_was() {
    let mut story = story("scr");
    story.push_image("api", FIRST, FIRST).push_image("gateway", FIRST, FIRST);
    story.wait(Span::hours(1)).push_image("web", FIRST, FIRST).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 succeeded
        told +30:00: 3f2a9c1 is incomplete, missing web
        runs scr-api = scr-api:2 (api-3f2a9c1)
        runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
        runs scr-web = scr-web:2 (web-3f2a9c1)
    "#]],
    );
}

#[test]
fn trap_28_events_that_come_twice_late_and_in_any_order_change_nothing() {
    let mut story =
        rude_story("scr", Odds { duplicate: 1000, delay_seconds_max: 90, ..Odds::default() });
    story.push(FIRST).rest();
    story.push_bad(SECOND, "web", Behaviour::CrashesAtStart).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e rolled back: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by slipway: 7b41d0e was rolled back: 3 tasks of scr-web failed: container app exited with 1, Essential container in task exited
        "#]],
    );
}

#[test]
fn trap_29_calls_that_fail_often_are_retried() {
    let mut story =
        rude_story("scr", Odds { crash: 60, throttle: 100, conflict: 100, ..Odds::default() });
    story.push(FIRST).rest();
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
fn trap_30_an_event_before_our_own_record_is_harmless() {
    let mut story = story("scr");
    story.push(FIRST).until("staging", "Updating scr-api");
    // ECS's event about the rollout arrives before the worker has answered that it requested it.
    story.hint("staging", "scr-api").wait(Span::seconds(1)).hint("staging", "scr-api").rest();
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
fn trap_31_a_good_day_needs_no_event_but_the_push() {
    let mut story = rude_story("scr", DEAF);
    story.push(FIRST).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:03 The migration runs as task 00000007.
            +02:04 The migration succeeded (exit code 0).
            +02:04 Updating scr-api.
            +04:06 scr-api is stable on scr-api:2.
            +04:06 Updating scr-ai-gateway.
            +06:08 scr-ai-gateway is stable on scr-ai-gateway:2.
            +06:08 Updating scr-web.
            +08:10 scr-web is stable on scr-web:2.
            +08:11 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
            +08:11 https://staging.scr-platform.com/ answers as expected (attempt 1).
            +08:11 Watching alarms and tasks for 5m.
            +13:13 Ended: succeeded.
        "#]],
    );
}

#[test]
fn trap_31_a_bad_day_needs_no_event_but_the_push() {
    let mut story = rude_story("scr", DEAF);
    story.push_bad(FIRST, "web", Behaviour::CrashesAtStart).rest();
    check_timeline(
        &story,
        "staging",
        &expect![[r#"
            +00:01 Deploying 3f2a9c1, requested by push of 3f2a9c1.
            +00:02 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
            +00:03 The migration runs as task 00000007.
            +02:04 The migration succeeded (exit code 0).
            +02:04 Updating scr-api.
            +04:06 scr-api is stable on scr-api:2.
            +04:06 Updating scr-ai-gateway.
            +06:08 scr-ai-gateway is stable on scr-ai-gateway:2.
            +06:08 Updating scr-web.
            +16:10 Rolling back: scr-web was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
            +16:10 The migration is not undone: the previous release runs on the new schema.
            +16:10 Rolling scr-web back to scr-web:1.
            +18:12 scr-web is rolled back.
            +18:12 Rolling scr-ai-gateway back to scr-ai-gateway:1.
            +20:14 scr-ai-gateway is rolled back.
            +20:14 Rolling scr-api back to scr-api:1.
            +22:16 scr-api is rolled back.
            +22:18 Ended: rolled back: scr-web was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
        "#]],
    );
}

#[test]
fn trap_31_an_alarm_that_no_event_reported_is_seen_in_the_final_verification() {
    let mut story = rude_story("scr", DEAF);
    let alarm = Behaviour::RaisesAlarm("scr-staging-5xx".into(), Span::minutes(5));
    story.push_bad(FIRST, "api", alarm).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 rolled back: alarm scr-staging-5xx: threshold crossed
        runs scr-api = scr-api:1 (first-scr-ap)
        runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
        runs scr-web = scr-web:1 (first-scr-we)
        hold by slipway: 3f2a9c1 was rolled back: alarm scr-staging-5xx: threshold crossed
    "#]],
    );
}

#[test]
fn trap_31_every_wait_ends() {
    let behaviours = [
        ("api", Behaviour::MigrationNeverEnds),
        ("api", Behaviour::Hangs),
        ("gateway", Behaviour::FindsNoRoom),
        ("web", Behaviour::FailsChecks),
        ("web", Behaviour::CrashesAtStart),
    ];
    let ends = behaviours.map(|(image, behaviour)| {
        let what = format!("{behaviour:?}");
        let mut story = rude_story("scr", DEAF);
        story.push_bad(FIRST, image, behaviour).rest();
        let deployment = &story.sim.deployments(&story.place("staging"))[0];
        let verdict = deployment.verdict().expect("it has ended");
        format!("{what} of {image}: {verdict}")
    });
    expect![[r#"
        [
            "MigrationNeverEnds of api: failed: the migration timed out after 15m",
            "Hangs of api: rolled back: scr-api was not stable in time: 0 of 2 new tasks running, 2 old tasks still running",
            "FindsNoRoom of gateway: rolled back: scr-ai-gateway was not stable in time: ECS: unable to place a task: RESOURCE:MEMORY",
            "FailsChecks of web: rolled back: https://api.staging.scr-platform.com/health: answered 502",
            "CrashesAtStart of web: rolled back: scr-web was not stable in time: 0 of 2 new tasks running, 2 old tasks still running",
        ]
    "#]].assert_debug_eq(&ends);
}
