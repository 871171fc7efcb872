//! What blocks releases for a while: holds, pauses, freezes, and what a person may override.

use super::events::report;
use super::fixtures::{digest, release, request};
use super::scene::{Scene, at};
use super::schema::{ends, migrating, starts};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, Input};
use pipeline::event::Event;
use pipeline::request::Override;

#[test]
fn a_hold_keeps_what_is_known_out_and_a_newer_release_lifts_it() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.fail();
    expect!["by ann: b2 was rolled back: requested by ann: it looks odd"].assert_eq(&scene.hold());
    let mut rebuilt = release("b2", at(2));
    rebuilt.version = "b2#2".into();
    rebuilt.images.insert("api".into(), digest("api-rebuilt"));
    rebuilt.images.insert("web".into(), digest("web-rebuilt"));
    expect!["no: on hold: b2 was rolled back: requested by ann: it looks odd; only a newer release lifts that"].assert_eq(&scene.push_release(rebuilt));
    expect!["yes: deployment 3 of b3 has started"].assert_eq(&scene.push("b3", 3));
    assert_eq!(scene.hold(), "none");
    scene.succeed();
    assert_eq!(scene.live(), "b3");
}

#[test]
fn a_firm_hold_makes_releases_wait_until_a_person_lifts_it() {
    let mut scene = Scene::new(&[]);
    expect!["yes: on hold"].assert_eq(&scene.control(Control::Hold { firm: true }));
    expect!["yes: queued: on hold by ann: a holiday"].assert_eq(&scene.push("b1", 1));
    expect!["yes: the hold is lifted"].assert_eq(&scene.control(Control::Unhold));
    expect![[r#"
        1 b1: under way
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["yes: it was not on hold"].assert_eq(&scene.control(Control::Unhold));
}

#[test]
fn a_hold_by_hand_is_lifted_by_what_is_built_after_it() {
    let mut scene = Scene::new(&[]);
    scene.control(Control::Hold { firm: false });
    expect!["no: on hold: a holiday; only a newer release lifts that"]
        .assert_eq(&scene.push("b1", 59));
    expect!["yes: deployment 1 of b2 has started"].assert_eq(&scene.push("b2", 61));
}

#[test]
fn nothing_starts_while_it_is_paused_and_a_deployment_in_progress_continues() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    expect!["yes: paused; no deployment starts here until you resume it"]
        .assert_eq(&scene.control(Control::Pause));
    scene.push("b2", 2);
    scene.succeed();
    assert_eq!(scene.live(), "b1");
    expect![[r#"
        b2: paused by ann: a holiday
    "#]]
    .assert_eq(&scene.queue());
    expect!["no: paused by ann: a holiday; resume it first"].assert_eq(&scene.deploy("b3", 3, &[]));
    expect!["yes: resumed"].assert_eq(&scene.control(Control::Resume));
    expect![[r#"
        1 b1: succeeded
        2 b2: under way
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["yes: it was not paused"].assert_eq(&scene.control(Control::Resume));
}

#[test]
fn a_push_in_a_freeze_starts_when_the_freeze_is_over() {
    let mut scene = Scene::new(&[("freeze", FREEZE)]);
    expect!["yes: queued: frozen until 2026-01-01T03:00:00Z"].assert_eq(&scene.push("b1", 1));
    assert_eq!(scene.head.queue[0].until, Some(at(180)));
    scene.now = at(179);
    scene.tell(Input::Woken);
    assert_eq!(scene.head.active, None);
    scene.now = at(180);
    scene.tell(Input::Woken);
    assert_eq!(scene.head.active, Some(1));
}

const FREEZE: &str = "[{from: 2026-01-01T00:00, to: 2026-01-01T03:00, time_zone: UTC}]";

#[test]
fn trap_51_a_refusal_names_every_reason_and_its_override() {
    let changes = [
        ("freeze", FREEZE),
        ("confirm", "DEPLOY"),
        ("deploy_on", "{tags: [\"v*\"], promoted_from: dev}"),
    ];
    let mut scene = Scene::new_promoted(&changes);
    scene.control(Control::Hold { firm: false });
    scene.control(Control::MarkBad { digest: digest("api-b1-"), version: None });
    expect![[r#"no: a manual deploy to this environment needs "confirm": "DEPLOY""#]]
        .assert_eq(&scene.deploy("b1", 1, &[]));
    expect![[r#"no: a manual deploy to this environment needs "confirm": "DEPLOY""#]]
        .assert_eq(&scene.deploy_with("b1", 1, &[], Some("deploy")));
    let mut overrides = Vec::new();
    let mut told = String::new();
    for next in [Override::Bad, Override::Hold, Override::Promotion, Override::Freeze] {
        told += &scene.deploy_with("b1", 1, &overrides, Some("DEPLOY"));
        told.push('\n');
        overrides.push(next);
    }
    told += &scene.deploy_with("b1", 1, &overrides, Some("DEPLOY"));
    expect![[r#"
        no: image api-b1-00000 of this release is marked bad (marked by ann: a holiday); the environment is on hold by ann (a holiday); these images have not succeeded in dev; the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["bad", "hold", "promotion", "freeze"]
        no: the environment is on hold by ann (a holiday); these images have not succeeded in dev; the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["bad", "hold", "promotion", "freeze"]
        no: these images have not succeeded in dev; the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["bad", "hold", "promotion", "freeze"]
        no: the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["bad", "hold", "promotion", "freeze"]
        yes: deployment 1 of b1 has started"#]].assert_eq(&told);
}

#[test]
fn automation_overrules_nothing() {
    let mut scene = Scene::new(&[]);
    scene.control(Control::MarkBad { digest: digest("api-b1-"), version: None });
    let mut request = request("b1", at(1));
    request.overrides = [Override::Bad, Override::Hold].into();
    let said = scene.tell(Input::Requested(Box::new(request)));
    expect!["no: image api-b1-00000 of this release is marked bad: marked by ann: a holiday"]
        .assert_eq(&said);
}

#[test]
fn a_hold_by_hand_stays_when_the_deployment_in_progress_is_rolled_back() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.push("b3", 3);
    scene.control(Control::Hold { firm: false });
    scene.fail();
    // b3 is newer than b2, and was built before ann's hold.
    assert_eq!(scene.head.active, None);
    expect!["by ann: a holiday"].assert_eq(&scene.hold());
    expect![[r#"
        b3: on hold: a holiday; only a newer release lifts that
    "#]]
    .assert_eq(&scene.declined());
}

#[test]
fn a_fix_of_one_image_may_start_though_the_other_was_rolled_back_with_it() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.fail();
    let went_back = release("b2", at(2));
    let mut again = went_back.clone();
    (again.version, again.built_at) = ("b3".into(), at(3));
    expect!["no: image api-b2-00000 of this release is marked bad: requested by ann: it looks odd"]
        .assert_eq(&scene.push_release(again.clone()));
    again.version = "b4".into();
    again.images.insert("api".into(), digest("api-mended"));
    expect!["yes: deployment 3 of b4 has started"].assert_eq(&scene.push_release(again));
}

#[test]
fn a_digest_that_a_person_marked_keeps_out_every_release_that_has_it() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    let mut marked = release("b2", at(2));
    scene.control(Control::MarkBad { digest: digest("web-b2-"), version: None });
    marked.images.insert("api".into(), digest("api-mended"));
    expect!["no: image web-b2-00000 of this release is marked bad: marked by ann: a holiday"]
        .assert_eq(&scene.push_release(marked));
}

#[test]
fn a_person_who_unmarks_one_digest_leaves_the_others_marked() {
    let mut scene = Scene::new(&[]);
    for digest in [digest("api-b1-"), digest("api-b2-")] {
        scene.control(Control::MarkBad { digest, version: None });
    }
    scene.control(Control::UnmarkBad { digest: digest("api-b1-") });
    expect!["no: image api-b2-00000 of this release is marked bad: marked by ann: a holiday"]
        .assert_eq(&scene.push("b2", 2));
    expect!["yes: deployment 1 of b1 has started"].assert_eq(&scene.push("b1", 1));
}

#[test]
fn what_waits_behind_another_deployment_is_not_due_when_the_freeze_ends() {
    let freeze = "[{from: 2026-01-01T00:30, to: 2026-01-01T03:00, time_zone: UTC}]";
    let mut scene = Scene::new(&[("approval", "{expires: 24h}"), ("freeze", freeze)]);
    let waits = scene.push("b2", 2);
    assert!(waits.contains("frozen"), "{waits}");
    // Ann deploys a newer one despite the freeze; it is not approved today.
    let said = scene.deploy("b3", 3, &[Override::Freeze]);
    assert!(said.contains("has started"), "{said}");
    scene.now = at(60 * 5);
    scene.tell(Input::Woken);
    let due = scene.head.queue.iter().filter_map(|waits| waits.until).min();
    assert!(
        due.is_none_or(|due| due > scene.now),
        "due {} at {}\n{}",
        due.unwrap(),
        scene.now,
        scene.queue()
    );
}

#[test]
fn what_failed_and_stays_under_a_manual_policy_lets_no_release_in_before_a_person_decides() {
    let mut scene = migrating(&[("rollback", "manual")]);
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 0);
    for task in ["task/1", "task/2"] {
        scene.answer(Event::TaskReported(report("shop-api", task, 102, scene.now)));
    }
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited; still on the new revision: shop-api, shop-worker
    "#]].assert_eq(&scene.verdicts());
    expect!["yes: queued: on hold by slipway: b2 failed and was not rolled back: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited"].assert_eq(&scene.push("b3", 3));
}
