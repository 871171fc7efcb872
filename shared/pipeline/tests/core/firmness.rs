//! How firm a hold is, what it blocks, and which overrides a person needs.

use super::events::{asked, claimed, ended, exit, started};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, Input};
use pipeline::event::Event;
use pipeline::request::Override;
use pipeline::time::Span;
use std::collections::BTreeSet;

const SOFT: Control = Control::Hold { firm: false };
const FIRM: Control = Control::Hold { firm: true };
const APPROVAL: [(&str, &str); 1] = [("approval", "{expires: 2h}")];

fn approve(scene: &mut Scene, version: &str, overrides: &[Override]) -> String {
    let overrides: BTreeSet<_> = overrides.iter().copied().collect();
    scene.control(Control::Approve { version: version.into(), overrides })
}

#[test]
fn a_hold_blocks_queued_releases_of_any_name() {
    for [first, second] in [["b1", "b2"], ["v1.4.0", "v1.4.1"]] {
        let mut scene = Scene::new(&[]);
        scene.push(first, 1);
        scene.push(second, 2);
        scene.control(SOFT);
        scene.succeed();
        assert_eq!(scene.head.active, None, "{second}");
        assert_eq!(scene.hold(), "by ann: a holiday");
    }
}

#[test]
fn a_version_that_comes_after_the_hold_lifts_it() {
    let mut scene = Scene::new(&[]);
    scene.push("v1.4.0", 1);
    scene.push("v1.4.1", 2);
    scene.control(SOFT);
    scene.succeed();
    expect!["yes: deployment 2 of v1.4.2 has started"].assert_eq(&scene.push("v1.4.2", 3));
}

#[test]
fn a_hold_never_replaces_a_firmer_one() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    scene.stick();
    let stuck = scene.hold();
    expect!["yes: already on a firm hold by slipway: b1 is stuck: it is unknown how the task ended; check the database before you deploy anything else; that hold stays"].assert_eq(&scene.control(SOFT));
    assert_eq!(scene.hold(), stuck);
    // A person's own is firmer than Slipway's, which a rollback lifts.
    expect!["yes: on hold"].assert_eq(&scene.control(FIRM));
    assert_eq!(scene.hold(), "by ann: a holiday");
    expect!["yes: already on a firm hold by ann: a holiday; that hold stays"]
        .assert_eq(&scene.control(SOFT));
    assert_eq!(scene.hold(), "by ann: a holiday");
    scene.push("b2", 2);
    assert_eq!(scene.head.active, None);
}

#[test]
fn a_person_called_slipway_is_a_person() {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("b1", 1), ("b2", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    let (by, why) = ("slipway".to_owned(), "a holiday".to_owned());
    scene.tell(Input::Controlled { by, why, control: FIRM });
    let stored = serde_json::to_string(&scene.head).unwrap();
    scene.head = serde_json::from_str(&stored).unwrap();
    scene.roll_back(Some("b1"));
    scene.succeed();
    assert_eq!(scene.hold(), "by slipway: a holiday");
    assert_eq!(scene.push("b3", 3), "yes: queued: on hold by slipway: a holiday");
}

#[test]
fn an_approval_goes_through_nothing_that_keeps_the_environment_closed() {
    let freeze = "[{from: 2026-01-01T01:30, to: 2026-01-01T03:00, time_zone: UTC}]";
    let mut scene = Scene::new(&[("approval", "{expires: 24h}"), ("freeze", freeze)]);
    scene.push("b1", 1);
    scene.now = at(100);
    scene.control(FIRM);
    scene.control(Control::Pause);
    expect!["no: paused by ann: a holiday; resume it first"].assert_eq(&approve(
        &mut scene,
        "b1",
        &[],
    ));
    scene.control(Control::Resume);
    expect![[r#"no: the environment is on hold by ann (a holiday); the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["hold", "freeze"]"#]].assert_eq(&approve(&mut scene, "b1", &[]));
    expect![[r#"no: the environment is frozen until 2026-01-01T03:00:00Z; to deploy anyway, add "override": ["hold", "freeze"]"#]].assert_eq(&approve(&mut scene, "b1", &[Override::Hold]));
    assert_eq!(scene.active().state.name(), "awaiting approval");
    expect!["yes: approved; the deployment starts"].assert_eq(&approve(
        &mut scene,
        "b1",
        &[Override::Hold, Override::Freeze],
    ));
    assert_eq!(scene.active().state.name(), "preparing");
    expect!["Approved by ann, overriding freeze, hold."]
        .assert_eq(&scene.active().timeline.last(1).join(""));
}

#[test]
fn what_a_person_overruled_need_not_be_overruled_again_to_approve_it() {
    let freeze = "[{from: 2026-01-01T00:00, to: 2026-01-01T03:00, time_zone: UTC}]";
    let mut scene = Scene::new(&[("approval", "{expires: 24h}"), ("freeze", freeze)]);
    scene.deploy("b1", 1, &[Override::Freeze]);
    expect!["yes: approved; the deployment starts"].assert_eq(&approve(&mut scene, "b1", &[]));
}

#[test]
fn trap_52_an_approval_that_comes_too_late_is_none() {
    let mut scene = Scene::new(&APPROVAL);
    scene.push("b1", 1);
    scene.push("b2", 2);
    scene.now = scene.now + Span::hours(2);
    expect!["no: the approval expired at 2026-01-01T03:00:00Z; deploy it again"]
        .assert_eq(&approve(&mut scene, "b2", &[]));
    expect![[r#"
        1 b1: superseded: b2 is newer
        2 b2: rejected by timeout: not approved in time; deploy it again to request approval again
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn lifting_a_hold_does_not_forget_a_migration_that_may_still_run() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    scene.stick();
    scene.push("b2", 2);
    expect![[r#"yes: the hold is lifted; the migration task of deployment 1 (task/shop-staging/0abc) may still run, so automation waits until that task ends; add "override": ["unfinished"] if you know that it has ended"#]].assert_eq(&scene.control(Control::Unhold));
    assert_eq!(scene.head.active, None);
    expect![[r#"
        b2: the migration task of deployment 1 (task/shop-staging/0abc) may still run
    "#]]
    .assert_eq(&scene.queue());
    expect!["yes: the migration task of deployment 1 (task/shop-staging/0abc) may still run; Slipway no longer waits for it"].assert_eq(&scene.control(Control::ForgetTask));
    assert_eq!(scene.head.active, Some(2));
    expect!["yes: no migration task is unfinished"].assert_eq(&scene.control(Control::ForgetTask));
}

#[test]
fn a_migration_that_may_still_run_is_not_undone() {
    let migration =
        "{service: shop-api, container: api, command: [up], undo: [down], timeout: 15m}";
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    let changes: Vec<_> =
        super::fixtures::PLAIN.iter().copied().chain([("migration", migration)]).collect();
    scene.spec = super::fixtures::spec(&changes);
    scene.push("b2", 2);
    scene.stick();
    let id = scene.next_id();
    expect![[r#"no: the migration task of deployment 2 (task/shop-staging/0abc) may still run, and cannot be undone before it ends; roll back without undo, or run control with "unhold" with "override": ["unfinished"] if you know that it has ended"#]].assert_eq(&scene.roll_back_as(id, Some("b1"), true));
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(Some("b1")));
}

#[test]
fn a_deployment_that_touched_nothing_leaves_the_hold_that_it_went_past() {
    let mut scene = Scene::new(&[]);
    scene.control(FIRM);
    scene.push("b1", 1);
    scene.deploy("b2", 2, &[Override::Hold]);
    assert_eq!(scene.head.active, Some(1));
    scene.answer(Event::PreparationFailed { faults: vec!["no such image".into()] });
    assert_eq!(scene.hold(), "by ann: a holiday");
    assert_eq!(scene.head.active, None);
    expect![[r#"
        b1: on hold by ann: a holiday
    "#]]
    .assert_eq(&scene.queue());
}

#[test]
fn a_deployment_that_touched_nothing_leaves_the_migration_that_may_still_run() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    scene.stick();
    scene.deploy("b2", 2, &[Override::Hold, Override::Unfinished]);
    assert_eq!(scene.head.active, Some(2));
    scene.answer(Event::PreparationFailed { faults: vec!["no such image".into()] });
    assert!(scene.head.unfinished.is_some());
    assert!(scene.head.hold.is_some());
}

#[test]
fn a_deployment_that_left_a_trace_clears_the_unfinished_migration_and_a_rollback_does_not() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    for by_deploy in [true, false] {
        let mut scene = Scene::new(&[("migration", migration)]);
        scene.push("b1", 1);
        scene.begin_rolling_out();
        scene.answer(claimed(Purpose::Migrate, 1));
        scene.answer(started(Purpose::Migrate));
        scene.answer(ended(Purpose::Migrate, exit(0)));
        scene.finish_rolling_out();
        scene.push("b2", 2);
        scene.stick();
        assert!(scene.head.unfinished.is_some());
        if by_deploy {
            scene.deploy("b3", 3, &[Override::Hold, Override::Unfinished]);
            scene.begin_rolling_out();
            scene.answer(claimed(Purpose::Migrate, 1));
            scene.answer(started(Purpose::Migrate));
            scene.answer(ended(Purpose::Migrate, exit(1)));
        } else {
            scene.roll_back(Some("b1"));
            scene.succeed();
        }
        assert_eq!((scene.head.last_number, scene.head.active), (3, None));
        assert_eq!(scene.head.unfinished.is_none(), by_deploy);
    }
}

#[test]
fn a_failed_migration_leaves_the_firm_hold_that_its_deployment_went_past() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.control(FIRM);
    scene.deploy("b2", 2, &[Override::Hold]);
    scene.begin_rolling_out();
    scene.answer(claimed(Purpose::Migrate, 1));
    scene.answer(started(Purpose::Migrate));
    scene.answer(ended(Purpose::Migrate, exit(1)));
    assert_eq!(scene.head.active, None);
    assert_eq!(scene.hold(), "by ann: a holiday");
    expect!["yes: queued: on hold by ann: a holiday"].assert_eq(&scene.push("b3", 3));
}

#[test]
fn a_firm_hold_is_there_again_after_what_went_past_it_is_rolled_back() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.control(FIRM);
    scene.deploy("b2", 2, &[Override::Hold]);
    scene.fail();
    assert_eq!(scene.hold(), "by ann: a holiday");
    expect!["yes: queued: on hold by ann: a holiday"].assert_eq(&scene.push("b3", 3));
    // A release that a person deploys despite it ends it.
    scene.deploy("b4", 4, &[Override::Hold]);
    scene.succeed();
    assert_eq!(scene.hold(), "none");
}

/// The live release is unknown then, which is no reason to start anything.
#[test]
fn a_firm_hold_is_restored_after_a_request_replaced_the_one_that_overrode_it() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.control(FIRM);
    scene.deploy("b2", 2, &[Override::Hold]);
    scene.begin_rolling_out();
    scene.bring_up(1);
    for _ in 0..2 {
        scene.now = scene.now + Span::minutes(2);
        if scene.head.active.is_some() {
            scene.answer(asked("shop-api", 77, false, scene.now));
        }
    }
    assert!(scene.verdicts().contains("2 b2: superseded"), "{}", scene.verdicts());
    assert_eq!(scene.hold(), "by ann: a holiday");
}

/// A newer release has lifted a weaker one, which blocks nothing that is newer still.
#[test]
fn a_weaker_hold_gives_way_to_the_one_of_what_lifted_it_and_was_rolled_back() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.control(SOFT);
    scene.now = at(90);
    scene.push("b2", 80);
    scene.fail();
    expect!["by ann: b2 was rolled back: requested by ann: it looks odd"].assert_eq(&scene.hold());
    expect!["yes: deployment 3 of b3 has started"].assert_eq(&scene.push("b3", 81));
}
