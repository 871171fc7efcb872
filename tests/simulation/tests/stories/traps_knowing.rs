//! Traps C.1: knowing how it ended. Items as in `tests/conformance.md`.
//!
//! Left to the adapter: the calls that ask ten services or a hundred tasks at a time (7), one
//! `UpdateService` per update (3; here: it is asked for once), and blue/green weights (17).

use super::telling::*;
use expect_test::expect;
use pipeline::observation::Progress;
use pipeline::time::Span;
use simulation::behaviour::Behaviour;
use simulation::cloud::{Breaker, Caller};
use simulation::days::DAYS;

const FIRST: &str = "3f2a9c1";

#[test]
fn trap_01_completed_is_no_success_while_it_is_about_the_old_revision() {
    let mut story = story("scr");
    story.push(FIRST).until("staging", "Updating scr-api").wait(Span::seconds(5));
    let old = shown(&story, "scr-api", &[("scr-api:1", Progress::Completed, 2)]);
    tell_of(&mut story, "staging", old);
    assert_eq!(waits_for(&story, "staging"), "scr-api: waiting for ECS to show the update");
    story.rest();
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
fn trap_02_superseded_rolled_back_and_gone_are_three_answers() {
    let verdicts = ["outside-update", "breaker-returns"].map(|name| {
        let day = DAYS.iter().find(|day| day.name == name).expect("it is in the list");
        let mut story = story("scr");
        (day.play)(&mut story);
        story.sim.deployments(&story.place("staging"))[0].verdict().map(ToString::to_string)
    });
    let mut story = story("scr");
    story.push(FIRST).until("staging", "Watching");
    let place = story.place("staging");
    let address = story.sim.address(&place, &"scr-web".into()).expect("it is in the spec");
    let now = story.sim.now;
    story.sim.cloud.delete(&address, Caller::Outsider, now);
    story.sim.cloud.services.remove(&address);
    story.rest();
    let gone = story.sim.deployments(&place)[0].verdict().map(ToString::to_string);
    expect![[r#"
        [
            Some(
                "superseded: scr-api was updated to scr-api:3 outside Slipway",
            ),
            Some(
                "rolled back: ECS rolled scr-api back: ECS deployment circuit breaker: task failed to start.",
            ),
            Some(
                "superseded: scr-web was deleted outside Slipway",
            ),
        ]
    "#]].assert_debug_eq(&[&verdicts[..], &[gone]].concat());
}

#[test]
fn trap_03_one_update_makes_one_rollout_however_often_it_is_asked_for() {
    let odds = simulation::faults::Odds { duplicate: 1000, ..Default::default() };
    let mut story = rude_story("wwhd", odds);
    story.retag("monday", "latest").rest();
    assert_eq!(story.sim.cloud.calls.len(), 1);
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
fn trap_04_a_hang_sends_nothing_and_ends_at_our_own_deadline() {
    let mut story = story("wwhd");
    story.behaves("backend", "monday", Behaviour::Hangs).retag("monday", "latest").rest();
    check_timeline(
        &story,
        "production",
        &expect![[r#"
            +00:01 Deploying latest@backend-mond, requested by push of latest.
            +00:02 Prepared: wwhd-service wwhd-service:1 -> wwhd-service:2.
            +00:02 Updating wwhd-service.
            +10:04 Rolling back: wwhd-service was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
            +10:04 Rolling wwhd-service back to wwhd-service:1.
            +10:45 wwhd-service is rolled back.
            +12:36 Ended: rolled back: wwhd-service was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
        "#]],
    );
}

#[test]
fn trap_04_a_later_completed_may_be_the_rollbacks_and_is_no_success() {
    // The rollback by ECS has no event; the next observation finds the old revision completed.
    let mut story = rude_story("wwhd", DEAF);
    story.breaker(Breaker::RollBack).behaves("backend", "monday", Behaviour::CrashesAtStart);
    story.retag("monday", "latest").rest();
    check_timeline(
        &story,
        "production",
        &expect![[r#"
            +00:01 Deploying latest@backend-mond, requested by push of latest.
            +00:02 Prepared: wwhd-service wwhd-service:1 -> wwhd-service:2.
            +00:02 Updating wwhd-service.
            +02:05 ECS is rolling wwhd-service back: ECS deployment circuit breaker: task failed to start.
            +02:05 Rolling back: ECS rolled wwhd-service back: ECS deployment circuit breaker: task failed to start.
            +04:07 wwhd-service is rolled back.
            +04:37 Ended: rolled back: ECS rolled wwhd-service back: ECS deployment circuit breaker: task failed to start.
        "#]],
    );
}

#[test]
fn trap_05_old_tasks_that_still_run_are_not_done() {
    let mut story = story("scr");
    story.push(FIRST).until("staging", "Updating scr-api").wait(Span::seconds(30));
    let both = [("scr-api:2", Progress::Completed, 2), ("scr-api:1", Progress::Completed, 1)];
    let event = shown(&story, "scr-api", &both);
    tell_of(&mut story, "staging", event);
    assert_eq!(
        waits_for(&story, "staging"),
        "scr-api: 2 of 2 new tasks running, 1 old tasks still running"
    );
    story.rest();
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
fn trap_06_a_hint_at_a_random_moment_is_a_reason_to_look_and_no_verdict() {
    let mut story = story("wwhd");
    story.behaves("backend", "monday", Behaviour::Hangs).retag("monday", "latest");
    for _ in 0..20 {
        story.wait(Span::seconds(17)).hint("production", "wwhd-service");
    }
    assert_eq!(
        waits_for(&story, "production"),
        "wwhd-service: 0 of 2 new tasks running, 2 old tasks still running"
    );
    story.rest();
    check(
        &story,
        "production",
        &expect![[r#"
            latest@backend-mond rolled back: wwhd-service was not stable in time: 0 of 2 new tasks running, 2 old tasks still running
            runs wwhd-service = wwhd-service:1 (first-wwhd-b)
            hold by slipway: latest@backend-mond was rolled back: wwhd-service was not stable in time: 0 of 2 new tasks running, 2 old tasks still running
        "#]],
    );
}

#[test]
fn trap_07_what_is_shown_late_after_an_update_is_no_takeover() {
    let mut story = story("scr");
    story.lag(Span::seconds(30)).push(FIRST);
    for _ in 0..60 {
        story.wait(Span::seconds(5)).hint("staging", "scr-api").hint("staging", "scr-web");
    }
    story.rest();
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
