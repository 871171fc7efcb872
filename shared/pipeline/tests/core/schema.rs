//! The schema of the database beyond one deployment: what a migration that went wrong keeps out, and
//! that none is taken back twice.

use super::events::{SERVICES, TASK, alarm, alarms_read, exit, up};
use super::fixtures::{release, request};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::deployment::Standing;
use pipeline::effect::Purpose;
use pipeline::environment::{Asker, Head, HoldUntil, Input, Override, Request};
use pipeline::event::{AlarmState, Event, Refusal};
use pipeline::names::TaskId;
use pipeline::release::Release;
use pipeline::task::Fault;
use pipeline::time::Span;

const MIGRATION: (&str, &str) = (
    "migration",
    "{service: shop-api, container: api, command: [migrate, up], undo: [migrate, down], timeout: 15m}",
);

fn scene() -> Scene {
    Scene::new(&[MIGRATION])
}

/// The one-off task of the active deployment starts.
fn starts(scene: &mut Scene, purpose: Purpose) {
    scene.answer(Event::OneOffClaimed { purpose, attempt: 1 });
    scene.answer(Event::OneOffStarted { purpose, attempt: 1, task: TaskId::from(TASK) });
}

/// The active deployment migrates, and that fails.
fn fail_to_migrate(scene: &mut Scene) {
    scene.begin_rolling_out();
    starts(scene, Purpose::Migrate);
    ends(scene, Purpose::Migrate, 1);
}

fn ends(scene: &mut Scene, purpose: Purpose, code: i32) {
    let end = Some(exit(code));
    scene.answer(Event::OneOffSeen { purpose, attempt: 1, task: TASK.into(), end });
}

/// The active deployment migrates, and goes well to its end.
fn succeed(scene: &mut Scene) {
    scene.begin_rolling_out();
    starts(scene, Purpose::Migrate);
    ends(scene, Purpose::Migrate, 0);
    scene.finish_rolling_out();
    if scene.head.active.is_some() {
        scene.answer(alarms_read(scene.now));
        scene.now = scene.now + Span::minutes(10);
        scene.tell(Input::Woken);
        for service in SERVICES {
            let number = u32::try_from(scene.head.last_number).unwrap() + 100;
            scene.answer(up(service, number, scene.now));
        }
        scene.answer(alarms_read(scene.now));
    }
}

fn good(versions: &[&str]) -> Scene {
    let mut scene = scene();
    for (minutes, version) in (1..).zip(versions) {
        scene.push(version, minutes);
        succeed(&mut scene);
    }
    scene
}

/// The active deployment, a rollback by hand, takes the migration back.
fn undo(scene: &mut Scene, code: i32) {
    scene.begin_rolling_out();
    assert_eq!(scene.active().state.name(), "undoing");
    starts(scene, Purpose::Undo);
    ends(scene, Purpose::Undo, code);
}

fn go_back(scene: &mut Scene, to: &str, undo: bool) -> String {
    let id = scene.next_id();
    scene.roll_back_as(id, Some(to), undo)
}

/// The images of `version`, pushed once more under another tag, later.
fn retagged(version: &str, minutes: u64) -> Release {
    let again = release(version, at(minutes));
    Release { version: format!("{version}-again").as_str().into(), ..again }
}

fn undone(scene: &Scene) -> String {
    let lines = scene
        .head
        .migrations
        .iter()
        .map(|one| format!("{} of {}: {:?}\n", one.number, one.mark.version, one.state));
    lines.collect()
}

#[test]
fn one_migration_is_not_taken_back_twice() {
    let mut scene = good(&["b1", "b2", "b3"]);
    expect!["yes: deployment 4 of b2 has started"].assert_eq(&go_back(&mut scene, "b2", true));
    undo(&mut scene, 0);
    let reason = "the service is draining".to_owned();
    scene.answer(Event::RolloutRefused { service: "shop-web".into(), reason });
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: succeeded
        4 b2: stuck: the rollback itself failed; look at shop-web (after: AWS refused to update shop-web: the service is draining)
    "#]].assert_eq(&scene.verdicts());
    // The same click once more.
    expect!["yes: deployment 5 of b2 has started; there is no migration left to take back on the way there"]
        .assert_eq(&go_back(&mut scene, "b2", true));
    scene.begin_rolling_out();
    assert_ne!(scene.active().state.name(), "undoing");
    expect![[r#"
        1 of b1: Done
        2 of b2: Done
        3 of b3: Undone
    "#]]
    .assert_eq(&undone(&scene));
}

#[test]
fn what_needs_a_migration_that_was_undone_is_not_gone_back_to_without_it() {
    let mut scene = good(&["b1", "b2"]);
    go_back(&mut scene, "b1", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    assert_eq!(scene.live(), "b1");
    for undo in [false, true] {
        expect![[r#"no: the migration that b2 needs was undone, and going back to b2 does not run it again; deploy b2 instead, which does, or with "skip_migration": true if its code can do without"#]].assert_eq(&go_back(&mut scene, "b2", undo));
    }
    // Deployed, it has its migration again, and can be left and come back to.
    let overrides = [Override::Bad, Override::Hold];
    expect!["yes: deployment 4 of b2 has started"].assert_eq(&scene.deploy("b2", 2, &overrides));
    succeed(&mut scene);
    go_back(&mut scene, "b1", false);
    scene.succeed();
    expect!["yes: deployment 6 of b2 has started"].assert_eq(&go_back(&mut scene, "b2", false));
}

#[test]
fn undo_goes_back_by_one_migration_and_says_so_where_there_are_more() {
    let mut scene = good(&["b1", "b2", "b3"]);
    expect!["no: undo takes back one migration, that of b3, and b1 ran before that of b2 as well; go back to b2 first, or ask without undo"].assert_eq(&go_back(&mut scene, "b1", true));
    go_back(&mut scene, "b2", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    go_back(&mut scene, "b1", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    assert_eq!(scene.live(), "b1");
    expect![[r#"
        1 of b1: Done
        2 of b2: Undone
        3 of b3: Undone
    "#]]
    .assert_eq(&undone(&scene));
}

/// What ran with the schema after it went back with the services alone.
#[test]
fn a_migration_is_taken_back_with_what_it_ran_with() {
    let mut scene = good(&["b1", "b2"]);
    go_back(&mut scene, "b1", false);
    scene.succeed();
    expect!["yes: deployment 4 of b1 has started"].assert_eq(&go_back(&mut scene, "b1", true));
    scene.begin_rolling_out();
    let asked = serde_json::to_value(scene.active().outbox.entries()).unwrap();
    let runs =
        asked.as_array().unwrap().iter().find_map(|entry| entry["effect"].get("run_one_off"));
    // What runs by now is shop-api:101 of b1, which knows nothing of it.
    assert!(runs.unwrap()["revision"].as_str().unwrap().ends_with("shop-api:102"));
}

#[test]
fn heads_of_before_are_taken_at_the_word_of_their_good_releases() {
    let mut scene = good(&["b1", "b2", "b3"]);
    scene.head.migrations.clear();
    scene.head.good.iter_mut().for_each(|good| good.needs = None);
    expect!["no: undo takes back one migration, that of b3, and b1 ran before that of b2 as well; go back to b2 first, or ask without undo"].assert_eq(&go_back(&mut scene, "b1", true));
    expect!["yes: deployment 4 of b2 has started"].assert_eq(&go_back(&mut scene, "b2", true));
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    expect!["no: the migration that b3 needs was undone, and going back to b3 does not run it again; deploy b3 instead, which does, or with \"skip_migration\": true if its code can do without"].assert_eq(&go_back(&mut scene, "b3", false));
    expect!["yes: deployment 5 of b2 has started; there is no migration left to take back on the way there"].assert_eq(&go_back(&mut scene, "b2", true));
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

fn migrating(changes: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new(&[&[MIGRATION], changes].concat());
    scene.push("b1", 1);
    succeed(&mut scene);
    scene.push("b2", 2);
    scene.begin_rolling_out();
    scene
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
    let mut scene = migrating(&[]);
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
fn an_older_release_by_hand_runs_its_migration_only_where_a_person_says_so() {
    let mut scene = good(&["b1", "b2"]);
    expect![[r#"no: b1 is older than b2, whose migration ran here, so that its own may meet a schema that it does not know; say "skip_migration": true to leave the database as it is, or false to run the migration of b1 all the same"#]].assert_eq(&scene.deploy("b1", 1, &[]));
    let mut with = |skip: bool| {
        let id = scene.next_id();
        let request = Request {
            id,
            asked_by: Asker::Person { name: "ann".into(), why: "a test".into() },
            skip_migration: Some(skip),
            ..request("b1", at(1))
        };
        let mut other = scene.head.clone();
        std::mem::swap(&mut scene.head, &mut other);
        let said = scene.tell(Input::Requested(Box::new(request)));
        scene.begin_rolling_out();
        let state = scene.active().state.name();
        std::mem::swap(&mut scene.head, &mut other);
        format!("{said}, and is {state}")
    };
    expect!["yes: deployment 3 of b1 has started, and is rolling out"].assert_eq(&with(true));
    expect!["yes: deployment 3 of b1 has started, and is migrating"].assert_eq(&with(false));
    // A newer one is not asked.
    expect!["yes: deployment 3 of b3 has started"].assert_eq(&scene.deploy("b3", 3, &[]));
}

#[test]
fn an_older_release_is_known_while_the_newer_one_is_still_migrating() {
    let mut scene = migrating(&[]);
    expect![[r#"no: b1 is older than b2, whose migration ran here, so that its own may meet a schema that it does not know; say "skip_migration": true to leave the database as it is, or false to run the migration of b1 all the same"#]].assert_eq(&scene.deploy("b1", 1, &[]));
}

#[test]
fn an_answer_counts_however_long_its_reasons_are() {
    let mut scene = scene();
    scene.push("b1", 1);
    let faults = vec!["x".repeat(9000), "the second".into(), "ß".repeat(70_000)];
    let faults: Vec<String> = faults.into_iter().chain(vec!["y".repeat(3000); 50]).collect();
    scene.answer(Event::PreparationFailed { faults });
    let verdict = scene.verdicts();
    assert!(verdict.starts_with("1 b1: failed: pre-flight: xxx"), "{verdict}");
    assert!(verdict.contains("; the second; ßß") && verdict.len() < 20_000, "{}", verdict.len());
    assert!(verdict.trim_end().ends_with("; and 45 more"), "{verdict}");
}

#[test]
fn every_answer_counts_however_long_its_reason_is() {
    let long = || "é".repeat(20_000);
    let mut scene = migrating(&[]);
    let purpose = Purpose::Migrate;
    scene.answer(Event::OneOffClaimed { purpose, attempt: 1 });
    let (fault, reason) = (Fault::Configuration, long());
    scene.answer(Event::OneOffNotStarted { purpose, attempt: 1, fault, reason });
    scene.push("b3", 3);
    succeed(&mut scene);
    scene.push("b4", 4);
    scene.begin_rolling_out();
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 0);
    scene.answer(Event::RolloutRefused { service: "shop-api".into(), reason: long() });
    let refusal = Refusal::Final;
    let service = "shop-api".into();
    scene.answer(Event::PutBackRefused { service, refusal, reason: long() });
    let standing = &scene.active().services[0].standing;
    let refused = matches!(standing, Standing::PuttingBack { refused: Some(_), .. });
    assert!(refused, "{standing:?}");
}

/// Nothing grows: a head with twenty migrations forgets the oldest.
#[test]
fn the_last_twenty_migrations_are_remembered() {
    let mut scene = scene();
    for number in 1..=30 {
        scene.push(&format!("b{number:02}"), number);
        succeed(&mut scene);
    }
    let Head { migrations, .. } = &scene.head;
    assert_eq!(migrations.len(), 20);
    assert_eq!(migrations[0].number, 11);
    expect!["no: undo takes back one migration, that of b30, and b11 ran before that of b29 as well; go back to b29 first, or ask without undo"].assert_eq(&go_back(&mut scene, "b11", true));
}
