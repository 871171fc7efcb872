//! What a migration that went wrong keeps out, until somebody has looked at the database.

use super::events::alarm;
use super::fixtures::release;
use super::scene::{Scene, at};
use super::schema::{ends, fail_to_migrate, go_back, good, migrating, starts, succeed, undo};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::{HoldUntil, Input};
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
        hold by slipway: b2 failed, and may have left the database half changed: the migration failed: exit code 1, Essential container in task exited
        bad api-b2-00000: the migration failed: exit code 1, Essential container in task exited
        bad web-b2-00000: the migration failed: exit code 1, Essential container in task exited
        b2 again: no: api-b2-00000 in it is marked bad: the migration failed: exit code 1, Essential container in task exited
        b3: yes: deployment 3 of b3 has started
    "#]].assert_eq(&after(&mut scene));
    // Half a migration is taken back by nobody who has not looked at it.
    succeed(&mut scene);
    scene.push("b4", 5);
    scene.begin_rolling_out();
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 1);
    expect!["no: the migration of b4 (deployment 4) may have left the database half changed, so that taking one back may do harm; look at the database, and ask without undo"].assert_eq(&go_back(&mut scene, "b1", true));
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
        2 b2: failed: the migration took over 15m
        hold by slipway: b2 failed, and may have left the database half changed: the migration took over 15m
        bad api-b2-00000: the migration took over 15m
        bad web-b2-00000: the migration took over 15m
        b2 again: no: api-b2-00000 in it is marked bad: the migration took over 15m
        b3: yes: deployment 3 of b3 has started
    "#]].assert_eq(&after(&mut scene));
}

/// The API of one release and the web of another, as a third one.
fn mixed(version: &str, api: &str, web: &str, minutes: u64) -> Release {
    let (mut mixed, web) = (release(api, at(minutes)), release(web, at(minutes)));
    mixed.images.extend(web.images.into_iter().filter(|(image, _)| image.as_str() == "web"));
    Release { version: version.into(), ..mixed }
}

#[test]
fn a_migration_that_failed_with_images_that_are_good_apart_is_not_run_again_by_automation() {
    let mut scene = good(&["b1", "b2"]);
    scene.push_release(mixed("b3", "b2", "b1", 3));
    succeed(&mut scene);
    scene.push_release(mixed("b4", "b1", "b2", 4));
    fail_to_migrate(&mut scene);
    expect!["yes: it waits: on hold by slipway: b4 failed, and may have left the database half changed: the migration failed: exit code 1, Essential container in task exited"].assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    expect!["by slipway: b4 failed, and may have left the database half changed: the migration failed: exit code 1, Essential container in task exited"].assert_eq(&scene.hold());
}

#[test]
fn a_migration_that_a_person_turned_round_is_not_run_again_by_automation() {
    // With `manual`, a person has decided already.
    for changes in [&[][..], &[("rollback", "manual")]] {
        let mut scene = migrating(changes);
        starts(&mut scene, Purpose::Migrate);
        scene.roll_back(None);
        ends(&mut scene, Purpose::Migrate, 0);
        expect![[r#"
            1 b1: succeeded
            2 b2: failed: asked for by ann: it looks odd
            hold by ann: b2 changed the database and failed: asked for by ann: it looks odd
            bad api-b2-00000: asked for by ann: it looks odd
            bad web-b2-00000: asked for by ann: it looks odd
            b2 again: no: api-b2-00000 in it is marked bad: asked for by ann: it looks odd
            b3: yes: deployment 3 of b3 has started
        "#]]
        .assert_eq(&after(&mut scene));
    }
}

#[test]
fn a_migration_that_an_alarm_turned_round_is_not_run_again_by_automation() {
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
        b2 again: no: api-b2-00000 in it is marked bad: alarm shop-5xx: threshold crossed
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
        b2 again: no: api-b2-00000 in it is marked bad: alarm shop-5xx: threshold crossed
        b3: yes: it waits: on hold by slipway: b2 changed the database and failed: alarm shop-5xx: threshold crossed
    "#]].assert_eq(&after(&mut scene));
}

#[test]
fn an_undo_that_failed_is_held_and_not_tried_again() {
    let mut scene = good(&["b1", "b2"]);
    go_back(&mut scene, "b1", true);
    undo(&mut scene, 3);
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b1: failed: undoing the migration failed: exit code 3, Essential container in task exited
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["by slipway: the way back to b1 may have left the database half changed: undoing the migration failed: exit code 3, Essential container in task exited"].assert_eq(&scene.hold());
    expect!["no: the migration of b2 (deployment 2) may have left the database half changed, so that taking one back may do harm; look at the database, and ask without undo"].assert_eq(&go_back(&mut scene, "b1", true));
    expect!["yes: deployment 4 of b1 has started"].assert_eq(&go_back(&mut scene, "b1", false));
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
        2 b2: failed: the migration could not be started: AWS refused to run the task: iam:PassRole
        hold none
        b2 again: yes: deployment 3 of b2-again has started
        b3: yes: it waits: deployment 3 is under way
    "#]]
    .assert_eq(&after(&mut scene));
}

#[test]
fn an_undo_that_failed_before_any_service_was_touched_speaks_of_its_own_release() {
    let mut scene = migrating(&[("alarms", "[shop-5xx]"), ("rollback", "after_undo")]);
    starts(&mut scene, Purpose::Migrate);
    scene.tell(Input::Happened(alarm("shop-5xx", AlarmState::On, scene.now)));
    ends(&mut scene, Purpose::Migrate, 0);
    assert_eq!(scene.active().state.name(), "undoing");
    starts(&mut scene, Purpose::Undo);
    ends(&mut scene, Purpose::Undo, 3);
    expect![[r#"
        1 b1: succeeded
        2 b2: stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the old code cannot live with the new schema (after: alarm shop-5xx: threshold crossed)
        hold by slipway: b2 is stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the old code cannot live with the new schema
        b2 again: yes: it waits: on hold by slipway: b2 is stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the old code cannot live with the new schema
        b3: yes: it waits: on hold by slipway: b2 is stuck: undoing the migration failed (exit code 3, Essential container in task exited), and the old code cannot live with the new schema
    "#]].assert_eq(&after(&mut scene));
}
