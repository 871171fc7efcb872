//! What people do by hand: approve, roll back, promote.

use super::events::{TASK, alarm, alarms_read, approved, exit, reported, up};
use super::scene::Scene;
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, Input};
use pipeline::event::{AlarmState, Event};
use pipeline::request::Override;
use pipeline::time::Span;

fn approve(scene: &mut Scene, version: &str) -> String {
    scene.control(Control::Approve { version: version.into(), overrides: Default::default() })
}

#[test]
fn trap_52_an_approval_is_for_one_version_and_no_other() {
    let mut scene = Scene::new(&[("approval", "true")]);
    expect!["no: no deployment is waiting for approval"].assert_eq(&approve(&mut scene, "b1"));
    scene.push("b1", 1);
    expect!["no: b1 is waiting for approval, not b2"].assert_eq(&approve(&mut scene, "b2"));
    expect!["yes: approved; the deployment starts"].assert_eq(&approve(&mut scene, "b1"));
    expect!["no: no deployment is waiting for approval: it is preparing"]
        .assert_eq(&approve(&mut scene, "b1"));
    scene.succeed();
    assert_eq!(scene.live(), "b1");
}

#[test]
fn trap_52_a_missing_approval_expires() {
    let mut scene = Scene::new(&[("approval", "{expires: 2h}")]);
    scene.push("b1", 1);
    scene.now = scene.now + Span::hours(2);
    scene.tell(Input::Woken);
    expect![[r#"
        1 b1: rejected by timeout: not approved in time; deploy it again to request approval again
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["no: no deployment is waiting for approval"].assert_eq(&approve(&mut scene, "b1"));
}

#[test]
fn an_approval_is_not_a_fact_that_a_listener_may_tell() {
    let mut scene = Scene::new(&[("approval", "true")]);
    scene.push("b1", 1);
    expect!["ignored: approved is not an event of an environment"]
        .assert_eq(&scene.tell(Input::Happened(approved())));
    assert_eq!(scene.active().state.name(), "awaiting approval");
}

#[test]
fn a_newer_release_replaces_one_that_is_not_approved() {
    let mut scene = Scene::new(&[("approval", "true")]);
    scene.push("b1", 1);
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.push("b2", 2));
    expect![[r#"
        1 b1: superseded: b2 is newer
        2 b2: under way
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["no: b2 is waiting for approval, not b1"].assert_eq(&approve(&mut scene, "b1"));
    expect!["yes: rejected; no service was changed"].assert_eq(&scene.control(Control::Reject));
    expect!["no: no deployment is in progress"].assert_eq(&scene.control(Control::Cancel));
    expect![[r#"
        1 b1: superseded: b2 is newer
        2 b2: rejected by ann: a holiday
    "#]]
    .assert_eq(&scene.verdicts());
}

/// `b1` and `b2` succeeded, one after the other.
fn two_good() -> Scene {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("b1", 1), ("b2", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene
}

#[test]
fn trap_53_an_empty_request_rolls_back_to_the_previous_good_release() {
    let mut scene = two_good();
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(None));
    scene.succeed();
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b1: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
    assert_eq!(scene.live(), "b1");
    expect!["by ann (it looks odd): rolled back from b2 to b1"].assert_eq(&scene.hold());
    let services = &scene.deployments[&3].services;
    let revisions: Vec<_> = services.iter().map(|s| s.after.short().to_owned()).collect();
    assert_eq!(revisions, ["shop-api:101", "shop-worker:101", "shop-web:101"]);
}

#[test]
fn trap_53_a_second_click_changes_nothing_during_the_rollback() {
    let mut scene = two_good();
    scene.roll_back(None);
    expect!["yes: already rolling back to b1"].assert_eq(&scene.roll_back(None));
    let id = scene.next_id();
    expect!["no: already rolling back to b1, without undoing the migration"]
        .assert_eq(&scene.roll_back_as(id, None, true));
    scene.succeed();
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b1: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn trap_53_a_second_click_does_not_go_further_back() {
    let mut scene = two_good();
    scene.roll_back(None);
    scene.succeed();
    expect![[
        r#"no: already on b1 (hold: rolled back from b2 to b1); pass "to" with one of: b1, b2"#
    ]]
    .assert_eq(&scene.roll_back(None));
    assert_eq!(scene.head.active, None);
}

#[test]
fn trap_53_the_same_click_delivered_twice_is_one_rollback() {
    let mut scene = two_good();
    let id = scene.next_id();
    scene.roll_back_as(id.clone(), None, false);
    expect!["yes: duplicate request: it started deployment 3"].assert_eq(&scene.roll_back_as(
        id.clone(),
        None,
        false,
    ));
    scene.succeed();
    expect!["yes: duplicate request: it started deployment 3"]
        .assert_eq(&scene.roll_back_as(id, None, false));
    assert_eq!(scene.deployments.len(), 3);
}

#[test]
fn a_click_that_turned_a_deployment_round_does_not_start_a_rollback_when_it_comes_again() {
    let mut scene = two_good();
    scene.push("b3", 3);
    let id = scene.next_id();
    expect!["yes: cancelled; no service was changed"].assert_eq(&scene.roll_back_as(
        id.clone(),
        None,
        false,
    ));
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: cancelled by ann: it looks odd
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["yes: duplicate request: it started deployment 3"]
        .assert_eq(&scene.roll_back_as(id, None, false));
    assert_eq!(scene.head.active, None);
}

/// A person who types a whole version never means a later one with this prefix.
#[test]
fn a_semantic_version_begins_no_other_one() {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("v1.4.10", 1), ("v1.5.0", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    expect!["no: v1.4.1 never succeeded here; these did: v1.5.0, v1.4.10"]
        .assert_eq(&scene.roll_back(Some("v1.4.1")));
    expect!["no: v1.4 never succeeded here; these did: v1.5.0, v1.4.10"]
        .assert_eq(&scene.roll_back(Some("v1.4")));
    expect!["yes: deployment 3 of v1.4.10 has started"]
        .assert_eq(&scene.roll_back(Some("v1.4.10")));
}

#[test]
fn a_rollback_goes_to_a_version_or_to_a_commit_that_is_cut_short() {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("abcdef1", 1), ("abcdef2", 2), ("bcdef03", 3), ("cdef004", 4)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    expect!["no: abcdef matches several: abcdef2, abcdef1"]
        .assert_eq(&scene.roll_back(Some("abcdef")));
    expect!["no: f00d never succeeded here; these did: cdef004, bcdef03, abcdef2, abcdef1"]
        .assert_eq(&scene.roll_back(Some("f00d")));
    expect!["yes: deployment 5 of bcdef03 has started"].assert_eq(&scene.roll_back(Some("bcde")));
    scene.begin_rolling_out();
    expect!["no: deployment 5 is in progress; wait until it ends"]
        .assert_eq(&scene.roll_back(Some("abcdef1")));
    scene.finish_rolling_out();
    // Further back than the last good one, and from a held environment: it was explicit.
    expect!["yes: deployment 6 of abcdef1 has started"]
        .assert_eq(&scene.roll_back(Some("abcdef1")));
    scene.succeed();
    assert_eq!(scene.live(), "abcdef1");
}

#[test]
fn a_rollback_to_a_version_calls_off_what_has_touched_nothing() {
    let mut scene = two_good();
    scene.push("b3", 3);
    expect!["no: f00 never succeeded here; these did: b2, b1"]
        .assert_eq(&scene.roll_back(Some("f00")));
    let id = scene.next_id();
    expect!["yes: deployment 3 is cancelled; deployment 4 of b1 has started"]
        .assert_eq(&scene.roll_back_as(id.clone(), Some("b1"), false));
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: cancelled by ann: it looks odd
        4 b1: under way
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["yes: duplicate request: it started deployment 4"].assert_eq(&scene.roll_back_as(
        id,
        Some("b1"),
        false,
    ));
    // Another click with other words is the same request, and the next one is something else.
    expect!["yes: already rolling back to b1"].assert_eq(&scene.roll_back(Some("b1")));
    expect!["yes: deployment 4 is cancelled; deployment 5 of b2 has started"]
        .assert_eq(&scene.roll_back(Some("b2")));
    scene.begin_rolling_out();
    expect!["yes: already rolling back to b2"].assert_eq(&scene.roll_back(Some("b2")));
    scene.finish_rolling_out();
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: cancelled by ann: it looks odd
        4 b1: cancelled by ann: it looks odd
        5 b2: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
    // It was cancelled without a trace, and is not older than itself.
    expect!["yes: deployment 6 of b3 has started"].assert_eq(&scene.deploy(
        "b3",
        3,
        &[Override::Hold],
    ));
}

#[test]
fn a_rollback_to_a_version_does_not_wait_for_an_approval() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.spec = super::fixtures::spec(&[("migration", ""), ("checks", ""), ("alarms", "")]);
    scene.push("b2", 2);
    assert_eq!(scene.active().state.name(), "awaiting approval");
    expect!["yes: deployment 2 is cancelled; deployment 3 of b1 has started"]
        .assert_eq(&scene.roll_back(Some("b1")));
    expect![[r#"
        1 b1: succeeded
        2 b2: cancelled by ann: it looks odd
        3 b1: under way
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn at_first_there_is_no_rollback_target() {
    let mut scene = Scene::new(&[]);
    expect!["no: no release has succeeded here yet, so there is nothing to roll back to"]
        .assert_eq(&scene.roll_back(None));
    expect!["no: no release has succeeded here yet, so there is nothing to roll back to"]
        .assert_eq(&scene.roll_back(Some("b1")));
    scene.push("b1", 1);
    scene.succeed();
    expect!["no: b1 is the only release that succeeded here"].assert_eq(&scene.roll_back(None));
    let id = scene.next_id();
    expect![[r#"no: the spec has no migration.undo; roll back without "undo""#]]
        .assert_eq(&scene.roll_back_as(id, Some("b1"), true));
}

#[test]
fn trap_50_the_button_never_chooses_a_release_that_was_left_for_a_reason() {
    let mut scene = two_good();
    scene.roll_back(None);
    scene.succeed();
    scene.control(Control::Unhold);
    // b2 succeeded once, and was rolled back by hand.
    expect![[
        r#"no: every other release is marked bad or failed here; to use one anyway, pass "to" with one of: b1, b2"#
    ]]
    .assert_eq(&scene.roll_back(None));
    expect!["yes: deployment 4 of b2 has started"].assert_eq(&scene.roll_back(Some("b2")));
}

#[test]
fn a_rollback_is_possible_while_it_is_paused_and_frozen() {
    let mut scene = two_good();
    scene.control(Control::Pause);
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(None));
}

#[test]
fn after_a_rollback_by_hand_a_newer_release_goes_out_again() {
    let mut scene = two_good();
    scene.roll_back(None);
    scene.succeed();
    expect!["yes: duplicate request: it started deployment 2"].assert_eq(&scene.push("b2", 2));
    expect!["yes: deployment 4 of b3 has started"].assert_eq(&scene.push("b3", 3));
    scene.succeed();
    assert_eq!(scene.live(), "b3");
}

#[test]
fn an_unclear_migration_keeps_automation_out_until_its_task_is_seen_to_end() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    scene.stick();
    expect!["by slipway: b1 is stuck: it is unknown how the task ended; check the database before you deploy anything else"].assert_eq(&scene.hold());
    expect!["yes: queued: on hold by slipway: b1 is stuck: it is unknown how the task ended; check the database before you deploy anything else"].assert_eq(&scene.push("b2", 2));
    expect![[r#"no: the migration task of deployment 1 (task/shop-staging/0abc) may still run; to deploy anyway, add "override": ["hold", "unfinished"]"#]].assert_eq(&scene.deploy("b3", 3, &[Override::Hold]));
    let other = reported(Purpose::Migrate, "task/shop-staging/9fff", Some(exit(0)));
    scene.tell(Input::HappenedTo { deployment: 1, event: other });
    assert!(scene.head.unfinished.is_some());
    let event = reported(Purpose::Migrate, TASK, Some(exit(0)));
    scene.tell(Input::HappenedTo { deployment: 1, event });
    assert_eq!(scene.head.unfinished, None);
    assert_eq!(scene.head.queue.len(), 1);
    expect!["yes: the hold is lifted"].assert_eq(&scene.control(Control::Unhold));
    assert_eq!(scene.head.active, Some(2));
}

#[test]
fn what_one_deployments_command_did_is_no_news_of_another() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.begin_rolling_out();
    let seen = |scene: &mut Scene, deployment| {
        let event = up("shop-api", 2, scene.now);
        scene.tell(Input::HappenedTo { deployment, event })
    };
    expect!["ignored: deployment 9 is not in progress"].assert_eq(&seen(&mut scene, 9));
    expect!["done"].assert_eq(&seen(&mut scene, 1));
    let woken = Input::HappenedTo { deployment: 1, event: Event::Woken };
    expect!["ignored: woken is not an event of a deployment"].assert_eq(&scene.tell(woken));
}

#[test]
fn an_alarm_does_not_stop_a_rollback_by_hand_half_way() {
    let mut scene = Scene::new(&[("alarms", "[shop-5xx]"), ("bake", "0s")]);
    for version in ["b1", "b2"] {
        scene.push(version, 1);
        scene.succeed();
        scene.answer(alarms_read(scene.now));
    }
    scene.roll_back(None);
    scene.begin_rolling_out();
    scene.tell(Input::Happened(alarm("shop-5xx", AlarmState::On, scene.now)));
    let said = scene.active().timeline.last(1).join("");
    expect!["Alarm shop-5xx is in ALARM; the rollback continues anyway."].assert_eq(&said);
    assert_eq!(scene.active().state.name(), "rolling out");
}

#[test]
fn a_second_try_after_a_stuck_rollback_never_goes_to_what_was_left() {
    let mut scene = two_good();
    scene.roll_back(None);
    scene.begin_rolling_out();
    let reason = "ClientException".to_owned();
    scene.answer(Event::RolloutRefused { service: "shop-web".into(), reason });
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b1: stuck: the rollback failed; check shop-web (after: shop-web could not be updated: ClientException)
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["yes: deployment 4 of b1 has started"].assert_eq(&scene.roll_back(None));
}

#[test]
fn a_tag_pushed_by_mistake_and_rejected_does_not_keep_out_what_follows() {
    let mut scene = Scene::new(&[("approval", "true")]);
    scene.push("v20.1.0", 1);
    scene.control(Control::Reject);
    expect!["yes: deployment 2 of v2.0.1 has started"].assert_eq(&scene.push("v2.0.1", 2));
}
