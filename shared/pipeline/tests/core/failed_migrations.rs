//! What a failed migration blocks, until a person has checked the database.

use super::events::{SERVICES, alarm, claimed, ended, exit, preparation, report, started};
use super::fixtures::{digest, mixed, release};
use super::scene::{Scene, at};
use super::schema::{
    ends, fail_to_migrate, good, migrating, start_rollback, starts, succeed, undo,
};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, HoldUntil, Input};
use pipeline::event::{AlarmState, Event};
use pipeline::release::Release;
use pipeline::task::Fault;
use pipeline::time::Span;

/// The images of `version`, pushed once more under another tag, later.
fn retagged(version: &str, minutes: u64) -> Release {
    let again = release(version, at(minutes));
    Release { version: format!("{version}-again").as_str().into(), ..again }
}

/// How an environment stands in which `b1` succeeded and the migration of `b2` did not go well.
fn after(scene: &mut Scene) -> String {
    let mut text = scene.verdicts();
    text += &format!("hold {}\n", scene.hold());
    for bad in &scene.head.bad {
        text += &format!("bad {}: {}\n", bad.digest.short(), bad.why);
    }
    let again = scene.push_release(retagged("b2", 3));
    text += &format!("b2 again: {again}\n");
    text += &format!("b3: {}\n", scene.push("b3", 4));
    text
}

#[test]
fn a_migration_that_failed_is_not_run_again_by_automation() {
    let mut scene = migrating(&[]);
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 1);
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: the migration failed: exit code 1, Essential container in task exited
        hold by slipway: b2 failed, and may have left the database partially migrated: the migration failed: exit code 1, Essential container in task exited
        bad api-b2-00000: the migration failed: exit code 1, Essential container in task exited
        bad web-b2-00000: the migration failed: exit code 1, Essential container in task exited
        b2 again: no: image api-b2-00000 of this release is marked bad: the migration failed: exit code 1, Essential container in task exited
        b3: yes: deployment 3 of b3 has started
    "#]].assert_eq(&after(&mut scene));
    // A half-finished migration is not undone unless a person has checked it.
    succeed(&mut scene);
    scene.push("b4", 5);
    scene.begin_rolling_out();
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 1);
    expect!["no: the migration of b4 (deployment 4) may have left the database partially migrated, so undoing a migration may do harm; check the database, and roll back without undo"].assert_eq(&start_rollback(&mut scene, "b1", true));
}

#[test]
fn a_migration_that_took_too_long_is_not_run_again_by_automation() {
    let mut scene = migrating(&[]);
    starts(&mut scene, Purpose::Migrate);
    scene.now = scene.now + Span::minutes(15);
    scene.tell(Input::Woken);
    ends(&mut scene, Purpose::Migrate, 137);
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: the migration timed out after 15m
        hold by slipway: b2 failed, and may have left the database partially migrated: the migration timed out after 15m
        bad api-b2-00000: the migration timed out after 15m
        bad web-b2-00000: the migration timed out after 15m
        b2 again: no: image api-b2-00000 of this release is marked bad: the migration timed out after 15m
        b3: yes: deployment 3 of b3 has started
    "#]].assert_eq(&after(&mut scene));
}

/// The migration of b4 failed, and each of its images is good in another release.
fn good_apart() -> Scene {
    let mut scene = good(&["b1", "b2"]);
    scene.push_release(mixed("b3", "b2", "b1", 3));
    succeed(&mut scene);
    scene.push_release(mixed("b4", "b1", "b2", 4));
    fail_to_migrate(&mut scene);
    scene
}

#[test]
fn a_migration_that_failed_with_images_that_are_good_apart_is_not_run_again_by_automation() {
    let mut scene = good_apart();
    expect!["no: exactly these images failed here, as b4 in deployment 4: the migration failed: exit code 1, Essential container in task exited"].assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    expect!["by slipway: b4 failed, and may have left the database partially migrated: the migration failed: exit code 1, Essential container in task exited"].assert_eq(&scene.hold());
}

#[test]
fn automation_does_not_repeat_a_migration_after_a_rollback_by_a_person() {
    // With `manual`, a person has decided already.
    for changes in [&[][..], &[("rollback", "manual")]] {
        let mut scene = migrating(changes);
        starts(&mut scene, Purpose::Migrate);
        scene.roll_back(None);
        ends(&mut scene, Purpose::Migrate, 0);
        expect![[r#"
            1 b1: succeeded
            2 b2: failed: requested by ann: it looks odd
            hold by ann: b2 changed the database and failed: requested by ann: it looks odd
            bad api-b2-00000: requested by ann: it looks odd
            bad web-b2-00000: requested by ann: it looks odd
            b2 again: no: image api-b2-00000 of this release is marked bad: requested by ann: it looks odd
            b3: yes: deployment 3 of b3 has started
        "#]]
        .assert_eq(&after(&mut scene));
    }
}

#[test]
fn automation_does_not_repeat_a_migration_after_a_rollback_by_an_alarm() {
    let mut scene = migrating(&[("alarms", "[shop-5xx]")]);
    starts(&mut scene, Purpose::Migrate);
    scene.tell(Input::Happened(alarm("shop-5xx", AlarmState::On, scene.now)));
    ends(&mut scene, Purpose::Migrate, 0);
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: alarm shop-5xx: threshold crossed
        hold by slipway: b2 changed the database and failed: alarm shop-5xx: threshold crossed
        bad api-b2-00000: alarm shop-5xx: threshold crossed
        bad web-b2-00000: alarm shop-5xx: threshold crossed
        b2 again: no: image api-b2-00000 of this release is marked bad: alarm shop-5xx: threshold crossed
        b3: yes: deployment 3 of b3 has started
    "#]]
    .assert_eq(&after(&mut scene));
}

#[test]
fn where_the_policy_is_manual_a_changed_database_is_held_until_a_person_decides() {
    let mut scene = migrating(&[("alarms", "[shop-5xx]"), ("rollback", "manual")]);
    starts(&mut scene, Purpose::Migrate);
    scene.tell(Input::Happened(alarm("shop-5xx", AlarmState::On, scene.now)));
    ends(&mut scene, Purpose::Migrate, 0);
    assert_eq!(scene.head.hold.as_ref().unwrap().until, HoldUntil::Person);
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: alarm shop-5xx: threshold crossed
        hold by slipway: b2 changed the database and failed: alarm shop-5xx: threshold crossed
        bad api-b2-00000: alarm shop-5xx: threshold crossed
        bad web-b2-00000: alarm shop-5xx: threshold crossed
        b2 again: no: image api-b2-00000 of this release is marked bad: alarm shop-5xx: threshold crossed
        b3: yes: queued: on hold by slipway: b2 changed the database and failed: alarm shop-5xx: threshold crossed
    "#]].assert_eq(&after(&mut scene));
}

#[test]
fn an_undo_that_failed_is_held_and_not_tried_again() {
    let mut scene = good(&["b1", "b2"]);
    start_rollback(&mut scene, "b1", true);
    undo(&mut scene, 3);
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b1: failed: undoing the migration failed: exit code 3, Essential container in task exited
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["by slipway: the rollback to b1 may have left the database partially migrated: undoing the migration failed: exit code 3, Essential container in task exited"].assert_eq(&scene.hold());
    expect!["no: the migration of b2 (deployment 2) may have left the database partially migrated, so undoing a migration may do harm; check the database, and roll back without undo"].assert_eq(&start_rollback(&mut scene, "b1", true));
    expect!["yes: deployment 4 of b1 has started"]
        .assert_eq(&start_rollback(&mut scene, "b1", false));
}

#[test]
fn a_migration_that_certainly_never_started_leaves_no_trace() {
    let mut scene = migrating(&[]);
    let purpose = Purpose::Migrate;
    let reason = "AWS refused to run the task: iam:PassRole".to_owned();
    scene.answer(Event::OneOffClaimed { purpose, attempt: 1 });
    let fault = Fault::Configuration;
    scene.answer(Event::OneOffNotStarted { purpose, attempt: 1, fault, reason });
    assert_eq!(scene.head.high_water.as_ref().unwrap().version.as_str(), "b1");
    expect![[r#"
        1 b1: succeeded
        2 b2: failed: the migration could not start: AWS refused to run the task: iam:PassRole
        hold none
        b2 again: yes: deployment 3 of b2-again has started
        b3: yes: queued: deployment 3 is in progress
    "#]]
    .assert_eq(&after(&mut scene));
}

#[test]
fn an_undo_that_failed_before_any_service_was_touched_speaks_of_its_own_release() {
    let mut scene = migrating(&[("alarms", "[shop-5xx]"), ("rollback", "after_undo")]);
    starts(&mut scene, Purpose::Migrate);
    scene.tell(Input::Happened(alarm("shop-5xx", AlarmState::On, scene.now)));
    ends(&mut scene, Purpose::Migrate, 0);
    assert_eq!(scene.active().state.name(), "undoing migration");
    starts(&mut scene, Purpose::Undo);
    ends(&mut scene, Purpose::Undo, 3);
    expect![[r#"
        1 b1: succeeded
        2 b2: stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the previous release cannot run on the new schema (after: alarm shop-5xx: threshold crossed)
        hold by slipway: b2 is stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the previous release cannot run on the new schema
        b2 again: no: exactly these images failed here, as b2 in deployment 2: alarm shop-5xx: threshold crossed
        b3: yes: queued: on hold by slipway: b2 is stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the previous release cannot run on the new schema
    "#]].assert_eq(&after(&mut scene));
}

#[test]
fn a_migration_that_failed_is_not_run_again_once_something_else_runs() {
    let mut scene = good(&[]);
    scene.push_release(mixed("r1", "a1", "w1", 1));
    succeed(&mut scene);
    scene.push_release(mixed("r2", "a1", "w2", 2));
    fail_to_migrate(&mut scene);
    scene.push_release(mixed("r3", "a3", "w3", 4));
    succeed(&mut scene);
    expect!["no: exactly these images failed here, as r2 in deployment 2: the migration failed: exit code 1, Essential container in task exited"].assert_eq(&scene.push_release(mixed("r2-once-more", "a1", "w2", 9)));
}

#[test]
fn a_first_release_that_failed_after_its_migration_is_not_migrated_again_by_automation() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    let mut prepared = preparation(&SERVICES);
    for service in &mut prepared.services {
        service.before = None;
    }
    scene.answer(Event::Prepared(prepared));
    scene.answer(claimed(Purpose::Migrate, 1));
    scene.answer(started(Purpose::Migrate));
    scene.answer(ended(Purpose::Migrate, exit(0)));
    for task in ["task/1", "task/2"] {
        let report = report("shop-api", task, 2, scene.now);
        scene.answer(Event::TaskReported(report));
    }
    let verdicts = scene.verdicts();
    let again = Release { version: "b1-again".into(), ..release("b1", at(3)) };
    let again = scene.push_release(again);
    assert!(again.starts_with("no: "), "{verdicts}{again}");
}

/// Nothing is marked there, so a person can only lift the hold.
#[test]
fn lifting_the_hold_of_a_failed_migration_allows_images_that_are_good_apart() {
    let mut scene = good_apart();
    // That other images are marked keeps nothing out.
    scene.control(Control::MarkBad { digest: digest("api-b0-"), version: None });
    expect!["yes: the hold is lifted; releases newer than b3 deploy from now on, although b4 was deployed before"].assert_eq(&scene.control(Control::Unhold));
    expect!["yes: deployment 5 of b5 has started"]
        .assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    fail_to_migrate(&mut scene);
    // A later hold is about something else.
    scene.push("b6", 6);
    succeed(&mut scene);
    scene.control(Control::Hold { firm: true });
    scene.control(Control::Unhold);
    let again = scene.push_release(mixed("b7", "b1", "b2", 7));
    assert!(again.starts_with("no: exactly these images failed here"), "{again}");
}

#[test]
fn who_lifts_the_hold_after_a_migration_that_a_person_turned_round_lets_its_images_in() {
    let mut scene = good(&["b1", "b2"]);
    scene.push_release(mixed("b3", "b2", "b1", 3));
    succeed(&mut scene);
    scene.push_release(mixed("b4", "b1", "b2", 4));
    scene.begin_rolling_out();
    starts(&mut scene, Purpose::Migrate);
    scene.roll_back(None);
    ends(&mut scene, Purpose::Migrate, 0);
    expect!["no: exactly these images failed here, as b4 in deployment 4: requested by ann: it looks odd"]
        .assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    scene.control(Control::Unhold);
    expect!["yes: deployment 5 of b6 has started"]
        .assert_eq(&scene.push_release(mixed("b6", "b1", "b2", 6)));
}

#[test]
fn lifting_the_hold_of_a_failed_migration_allows_no_marked_images() {
    let mut scene = good(&["b1"]);
    scene.push("b2", 2);
    fail_to_migrate(&mut scene);
    scene.control(Control::Unhold);
    scene.push("b3", 3);
    succeed(&mut scene);
    let again = scene.push_release(retagged("b2", 4));
    assert!(again.starts_with("no: image api-b2-00000 of this release is marked bad"), "{again}");
    assert_eq!(scene.head.failed.len(), 1);
}
