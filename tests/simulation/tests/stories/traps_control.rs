//! Traps C.7: several services, control and people. Items as in `tests/conformance.md`.
//!
//! Left to the functions: reading a tired person's JSON and the dry run (53: here what the words
//! mean once they are read). What is kept for ninety days (50) is the table's affair.

use super::telling::*;
use expect_test::expect;
use pipeline::environment::{Control, Input};
use pipeline::names::{RequestId, Version};
use pipeline::request::Override;
use pipeline::time::Span;
use simulation::behaviour::Behaviour;

const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";
const THIRD: &str = "c90ffee";
const BAKE: &str = "    bake: 5m\n";
const APPROVAL: &str = "    bake: 5m\n    approval: {expires: 2h}\n";

fn approve(version: &str) -> Control {
    Control::Approve { version: Version::new(version), overrides: Default::default() }
}

#[test]
fn trap_49_changed_services_are_rolled_back_in_reverse_and_the_rest_is_unchanged() {
    let mut story = story("scr");
    story.push_bad(FIRST, "gateway", Behaviour::CrashesAtStart).rest();
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
            +01:36 Task of scr-ai-gateway failed (1 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +02:01 Task of scr-ai-gateway failed (2 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +02:26 Task of scr-ai-gateway failed (3 of 3 allowed failures): container app exited with 1, Essential container in task exited.
            +02:26 Rolling back: 3 tasks of scr-ai-gateway failed: container app exited with 1, Essential container in task exited.
            +02:26 The migration is not undone: the previous release runs on the new schema.
            +02:26 Rolling scr-ai-gateway back to scr-ai-gateway:1.
            +03:07 scr-ai-gateway is rolled back.
            +03:07 Rolling scr-api back to scr-api:1.
            +03:48 scr-api is rolled back.
            +04:58 Ended: rolled back: 3 tasks of scr-ai-gateway failed: container app exited with 1, Essential container in task exited.
        "#]],
    );
}

#[test]
fn trap_50_a_rollback_goes_to_the_last_good_release_and_not_to_the_revision_before() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push_bad(SECOND, "web", Behaviour::FailsChecks).rest();
    story.push(THIRD).rest();
    story.roll_back("staging", None, false).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e rolled back: https://api.staging.scr-platform.com/health: answered 502
            c90ffee succeeded
            3f2a9c1 succeeded
            answered +91:01 accepted: deployment 4 of 3f2a9c1 has started
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by ada (customers complain): rolled back from c90ffee to 3f2a9c1
        "#]],
    );
}

#[test]
fn trap_51_after_a_rollback_automation_keeps_off_and_a_person_may_insist() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    // It was the database, and it is well again: nothing is wrong with the build itself.
    story.push_bad(SECOND, "web", Behaviour::FailsChecks).rest();
    story.behaves("web", SECOND, Behaviour::Good);
    story.retag(SECOND, "7b41d0e0").rest();
    story.deploy("staging", SECOND, |_| {}).rest();
    story.deploy("staging", SECOND, |request| {
        request.overrides.insert(Override::Bad);
    });
    story.rest();
    story.deploy("staging", SECOND, |request| {
        request.overrides.extend([Override::Bad, Override::Hold]);
    });
    story.rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e rolled back: https://api.staging.scr-platform.com/health: answered 502
            7b41d0e succeeded
            told +61:01: 7b41d0e0 is not deployed: image api-7b41d0e of this release is marked bad: https://api.staging.scr-platform.com/health: answered 502
            answered +91:01 refused: image api-7b41d0e of this release is marked bad (https://api.staging.scr-platform.com/health: answered 502); the environment is on hold by slipway (7b41d0e was rolled back: https://api.staging.scr-platform.com/health: answered 502); to deploy anyway, add "override": ["bad", "hold"]
            answered +91:01 refused: the environment is on hold by slipway (7b41d0e was rolled back: https://api.staging.scr-platform.com/health: answered 502); to deploy anyway, add "override": ["bad", "hold"]
            answered +91:01 accepted: deployment 3 of 7b41d0e has started
            runs scr-api = scr-api:3 (api-7b41d0e)
            runs scr-ai-gateway = scr-ai-gateway:3 (gateway-7b41)
            runs scr-web = scr-web:3 (web-7b41d0e)
        "#]],
    );
}

#[test]
fn trap_51_a_newer_release_lifts_the_hold() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push_bad(SECOND, "web", Behaviour::FailsChecks).rest();
    story.push(THIRD).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 succeeded
        7b41d0e rolled back: https://api.staging.scr-platform.com/health: answered 502
        c90ffee succeeded
        runs scr-api = scr-api:4 (api-c90ffee)
        runs scr-ai-gateway = scr-ai-gateway:4 (gateway-c90f)
        runs scr-web = scr-web:4 (web-c90ffee)
    "#]],
    );
}

#[test]
fn trap_51_a_firm_hold_is_lifted_by_a_person_only_and_nothing_is_lost() {
    let mut story = story("scr");
    let hour = Span::hours(1);
    story.control("staging", Control::Hold { firm: true }).push(FIRST).wait(hour);
    story.push(SECOND).wait(hour);
    story.control("staging", Control::Unhold).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            7b41d0e succeeded
            told +60:01: 3f2a9c1 is not deployed: replaced in the queue by the newer 7b41d0e
            answered +00:00 accepted: on hold
            answered +120:00 accepted: the hold is lifted
            runs scr-api = scr-api:2 (api-7b41d0e)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-7b41)
            runs scr-web = scr-web:2 (web-7b41d0e)
        "#]],
    );
}

#[test]
fn trap_52_an_approval_is_for_what_the_person_saw() {
    let mut story = changed_story("scr", BAKE, APPROVAL);
    story.push(FIRST).wait(Span::minutes(10)).push(SECOND).wait(Span::minutes(1));
    story.control("staging", approve(FIRST));
    story.wait(Span::minutes(1));
    story.control("staging", approve(SECOND)).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 superseded: 7b41d0e is newer
            7b41d0e succeeded
            answered +11:00 refused: 7b41d0e is waiting for approval, not 3f2a9c1
            answered +12:00 accepted: approved; the deployment starts
            runs scr-api = scr-api:2 (api-7b41d0e)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-7b41)
            runs scr-web = scr-web:2 (web-7b41d0e)
        "#]],
    );
}

#[test]
fn trap_52_an_approval_expires_and_says_so() {
    let mut story = changed_story("scr", BAKE, APPROVAL);
    story.push(FIRST).wait(Span::hours(3));
    story.control("staging", approve(FIRST)).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 rejected by timeout: not approved in time; deploy it again to request approval again
            answered +180:00 refused: no deployment is waiting for approval
            runs scr-api = scr-api:1 (first-scr-ap)
            runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
            runs scr-web = scr-web:1 (first-scr-we)
        "#]],
    );
}

#[test]
fn trap_53_a_rollback_that_says_nothing_goes_to_what_ran_before() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push(SECOND).until("staging", "Updating scr-web");
    story.roll_back("staging", None, false).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e rolled back: requested by ada: customers complain
            answered +31:57 accepted: rolling back all services
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by ada: 7b41d0e was rolled back: requested by ada: customers complain
        "#]],
    );
}

#[test]
fn trap_53_the_same_request_twice_is_one_rollback_and_a_second_click_goes_no_further() {
    let mut story = story("scr");
    for version in [FIRST, SECOND, THIRD] {
        story.push(version).rest();
    }
    let click = Input::RollbackRequested {
        id: RequestId::new("one click"),
        by: "ada".into(),
        why: "customers complain".into(),
        to: None,
        undo: false,
    };
    story.person("staging", click.clone()).person("staging", click).rest();
    story.roll_back("staging", None, false).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e succeeded
            c90ffee succeeded
            7b41d0e succeeded
            answered +91:01 accepted: deployment 4 of 7b41d0e has started
            answered +91:01 accepted: duplicate request: it started deployment 4
            answered +99:00 refused: already on 7b41d0e (hold: rolled back from c90ffee to 7b41d0e); pass "to" with one of: 7b41d0e, c90ffee, 3f2a9c1
            runs scr-api = scr-api:3 (api-7b41d0e)
            runs scr-ai-gateway = scr-ai-gateway:3 (gateway-7b41)
            runs scr-web = scr-web:3 (web-7b41d0e)
            hold by ada (customers complain): rolled back from c90ffee to 7b41d0e
        "#]],
    );
}

#[test]
fn trap_53_a_mistake_gets_an_answer_that_says_what_to_type() {
    let mut story = story("power-pto");
    story.roll_back("production", None, false).rest();
    story.push("a41c77d").rest();
    story.roll_back("production", None, false).rest();
    story.push("b52d88e").rest();
    story.roll_back("production", Some("v1"), false).rest();
    story.roll_back("production", None, true).rest();
    story.push("c63e99f").wait(Span::minutes(1));
    story.roll_back("production", Some("a41c77d"), false).rest();
    check(
        &story,
        "production",
        &expect![[r#"
            a41c77d succeeded
            b52d88e succeeded
            c63e99f succeeded
            answered +00:00 refused: no release has succeeded here yet, so there is nothing to roll back to
            answered +20:01 refused: a41c77d is the only release that succeeded here
            answered +41:00 refused: v1 never succeeded here; these did: b52d88e, a41c77d
            answered +41:00 refused: the spec has no migration.undo; roll back without "undo"
            answered +42:00 refused: deployment 3 is in progress; remove "to" to roll it back
            runs api = api:4 (api-c63e99f)
            runs worker = worker:4 (worker-c63e9)
            runs frontend = frontend:4 (frontend-c63)
        "#]],
    );
}

#[test]
fn trap_53_pause_and_cancel_do_what_their_answers_say() {
    let mut story = story("scr");
    story.control("staging", Control::Cancel).control("staging", Control::Pause).push(FIRST);
    story.wait(Span::hours(1));
    story.control("staging", Control::Resume).until("staging", "Updating scr-api");
    story.control("staging", Control::Cancel).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            answered +00:00 refused: no deployment is in progress
            answered +00:00 accepted: paused; no deployment starts here until you resume it
            answered +60:00 accepted: resumed
            answered +60:33 refused: the deployment is in progress; use rollback to roll back its services
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
        "#]],
    );
}
