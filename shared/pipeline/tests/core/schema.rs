//! The database schema across deployments: no migration is undone twice.

use super::events::{SERVICES, TASK, alarms_read, exit, up};
use super::fixtures::request;
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::audit::Rule;
use pipeline::deployment::ServiceState;
use pipeline::effect::Purpose;
use pipeline::environment::{Head, Input};
use pipeline::event::{Event, Refusal};
use pipeline::names::TaskId;
use pipeline::request::{Override, Request, RequestedBy};
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
pub(crate) fn starts(scene: &mut Scene, purpose: Purpose) {
    scene.answer(Event::OneOffClaimed { purpose, attempt: 1 });
    scene.answer(Event::OneOffStarted { purpose, attempt: 1, task: TaskId::from(TASK) });
}

/// The active deployment migrates, and that fails.
pub(crate) fn fail_to_migrate(scene: &mut Scene) {
    scene.begin_rolling_out();
    starts(scene, Purpose::Migrate);
    ends(scene, Purpose::Migrate, 1);
}

pub(crate) fn ends(scene: &mut Scene, purpose: Purpose, code: i32) {
    let end = Some(exit(code));
    scene.answer(Event::OneOffSeen { purpose, attempt: 1, task: TASK.into(), end });
}

/// The active deployment migrates and succeeds.
pub(crate) fn succeed(scene: &mut Scene) {
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

pub(crate) fn good(versions: &[&str]) -> Scene {
    let mut scene = scene();
    for (minutes, version) in (1..).zip(versions) {
        scene.push(version, minutes);
        succeed(&mut scene);
    }
    scene
}

/// The active deployment, a manual rollback, undoes the migration.
pub(crate) fn undo(scene: &mut Scene, code: i32) {
    scene.begin_rolling_out();
    assert_eq!(scene.active().state.name(), "undoing migration");
    starts(scene, Purpose::Undo);
    ends(scene, Purpose::Undo, code);
}

pub(crate) fn migrating(changes: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new(&[&[MIGRATION], changes].concat());
    scene.push("b1", 1);
    succeed(&mut scene);
    scene.push("b2", 2);
    scene.begin_rolling_out();
    scene
}

pub(crate) fn start_rollback(scene: &mut Scene, to: &str, undo: bool) -> String {
    let id = scene.next_id();
    scene.roll_back_as(id, Some(to), undo)
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
fn one_migration_is_not_undone_twice() {
    let mut scene = good(&["b1", "b2", "b3"]);
    expect!["yes: deployment 4 of b2 has started"]
        .assert_eq(&start_rollback(&mut scene, "b2", true));
    undo(&mut scene, 0);
    let reason = "the service is draining".to_owned();
    scene.answer(Event::RolloutRefused { service: "shop-web".into(), reason });
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: succeeded
        4 b2: stuck: the rollback failed; check shop-web (after: shop-web could not be updated: the service is draining)
    "#]].assert_eq(&scene.verdicts());
    // The same click once more.
    expect!["yes: deployment 5 of b2 has started; there is no migration to undo"]
        .assert_eq(&start_rollback(&mut scene, "b2", true));
    scene.begin_rolling_out();
    assert_ne!(scene.active().state.name(), "undoing migration");
    expect![[r#"
        1 of b1: Done
        2 of b2: Done
        3 of b3: Undone
    "#]]
    .assert_eq(&undone(&scene));
}

#[test]
fn a_release_that_needs_an_undone_migration_is_no_rollback_target() {
    let mut scene = good(&["b1", "b2"]);
    start_rollback(&mut scene, "b1", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    assert_eq!(scene.live(), "b1");
    for undo in [false, true] {
        expect![[r#"no: the migration that b2 needs was undone, and a rollback to b2 does not run it again; deploy b2 instead, with "skip_migration": true if it runs without that migration"#]].assert_eq(&start_rollback(&mut scene, "b2", undo));
    }
    // Deployed, it has its migration again, and can be a rollback target again.
    let overrides = [Override::Bad, Override::Hold];
    expect!["yes: deployment 4 of b2 has started"].assert_eq(&scene.deploy("b2", 2, &overrides));
    succeed(&mut scene);
    start_rollback(&mut scene, "b1", false);
    scene.succeed();
    expect!["yes: deployment 6 of b2 has started"]
        .assert_eq(&start_rollback(&mut scene, "b2", false));
}

#[test]
fn what_does_without_its_undone_migration_needs_the_one_that_is_there() {
    let mut scene = good(&["b1", "b2"]);
    start_rollback(&mut scene, "b1", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    scene.push("b3", 3);
    succeed(&mut scene);
    let id = scene.next_id();
    let request = Request {
        id,
        asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
        overrides: [Override::Bad, Override::Hold].into(),
        skip_migration: Some(true),
        ..request("b2", at(2))
    };
    expect!["yes: deployment 5 of b2 has started"]
        .assert_eq(&scene.tell(Input::Requested(Box::new(request))));
    scene.succeed();
    start_rollback(&mut scene, "b1", false);
    scene.succeed();
    expect!["yes: deployment 7 of b2 has started"]
        .assert_eq(&start_rollback(&mut scene, "b2", false));
}

#[test]
fn undo_undoes_one_migration_and_says_so_if_there_are_more() {
    let mut scene = good(&["b1", "b2", "b3"]);
    expect!["no: undo undoes one migration, that of b3, but b1 is also older than the migration of b2; roll back to b2 first, or roll back without undo"].assert_eq(&start_rollback(&mut scene, "b1", true));
    start_rollback(&mut scene, "b2", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    start_rollback(&mut scene, "b1", true);
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

/// `migrate up` of b4 ran on what b3 had left half done: it has done both, and `migrate down`
/// undoes one of them.
#[test]
fn undo_takes_nothing_back_where_a_migration_in_between_failed() {
    let mut scene = good(&["b1", "b2"]);
    scene.push("b3", 3);
    fail_to_migrate(&mut scene);
    scene.push("b4", 4);
    succeed(&mut scene);
    assert_eq!(scene.live(), "b4");
    let refusal = expect![[r#"
        no: the migration of b3 (deployment 3) may have left the database partially migrated, so undoing a migration may do harm; check the database, and roll back without undo"#]];
    for to in ["b2", "b1"] {
        refusal.assert_eq(&start_rollback(&mut scene, to, true));
    }
    // From the next release, one step rolls back to it.
    scene.push("b5", 5);
    succeed(&mut scene);
    expect!["yes: deployment 6 of b4 has started"]
        .assert_eq(&start_rollback(&mut scene, "b4", true));
}

/// A release that ran with its schema was rolled back with the services alone.
#[test]
fn a_migration_is_undone_with_the_revision_that_ran_it() {
    let mut scene = good(&["b1", "b2"]);
    start_rollback(&mut scene, "b1", false);
    scene.succeed();
    expect!["yes: deployment 4 of b1 has started"]
        .assert_eq(&start_rollback(&mut scene, "b1", true));
    scene.begin_rolling_out();
    let asked = serde_json::to_value(scene.active().outbox.entries()).unwrap();
    let runs =
        asked.as_array().unwrap().iter().find_map(|entry| entry["effect"].get("run_one_off"));
    // The live revision is shop-api:101 of b1, which does not contain it.
    assert!(runs.unwrap()["revision"].as_str().unwrap().ends_with("shop-api:102"));
}

#[test]
fn heads_of_before_are_taken_at_the_word_of_their_good_releases() {
    let mut scene = good(&["b1", "b2", "b3"]);
    scene.head.migrations.clear();
    scene.head.good.iter_mut().for_each(|good| good.needs = None);
    expect!["no: undo undoes one migration, that of b3, but b1 is also older than the migration of b2; roll back to b2 first, or roll back without undo"].assert_eq(&start_rollback(&mut scene, "b1", true));
    expect!["yes: deployment 4 of b2 has started"]
        .assert_eq(&start_rollback(&mut scene, "b2", true));
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    expect![[r#"no: the migration that b3 needs was undone, and a rollback to b3 does not run it again; deploy b3 instead, with "skip_migration": true if it runs without that migration"#]].assert_eq(&start_rollback(&mut scene, "b3", false));
    expect!["yes: deployment 5 of b2 has started; there is no migration to undo"]
        .assert_eq(&start_rollback(&mut scene, "b2", true));
}

#[test]
fn an_older_release_by_hand_runs_its_migration_only_where_a_person_says_so() {
    let mut scene = good(&["b1", "b2"]);
    expect![[r#"no: b1 is older than b2, whose migration ran here, so its own migration may not fit the schema; pass "skip_migration": true to leave the database as it is, or false to run the migration of b1 anyway"#]].assert_eq(&scene.deploy("b1", 1, &[]));
    let mut with = |skip: bool| {
        let id = scene.next_id();
        let request = Request {
            id,
            asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
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
    expect![[r#"no: b1 is older than b2, whose migration ran here, so its own migration may not fit the schema; pass "skip_migration": true to leave the database as it is, or false to run the migration of b1 anyway"#]].assert_eq(&scene.deploy("b1", 1, &[]));
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
    scene.answer(Event::RollbackRefused { service, refusal, reason: long() });
    let standing = &scene.active().services[0].state;
    let refused = matches!(standing, ServiceState::RollingBack { refused: Some(_), .. });
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
    expect!["no: undo undoes one migration, that of b30, but b11 is also older than the migration of b29; roll back to b29 first, or roll back without undo"].assert_eq(&start_rollback(&mut scene, "b11", true));
}

/// However many failed since then.
#[test]
fn that_a_migration_was_undone_is_remembered_as_long_as_a_good_release_needs_it() {
    let mut scene = good(&["b1", "b2"]);
    start_rollback(&mut scene, "b1", true);
    undo(&mut scene, 0);
    scene.finish_rolling_out();
    assert_eq!(scene.live(), "b1");
    for number in 10..40 {
        scene.push(&format!("b{number}"), number);
        fail_to_migrate(&mut scene);
    }
    expect![[r#"no: the migration that b2 needs was undone, and a rollback to b2 does not run it again; deploy b2 instead, with "skip_migration": true if it runs without that migration"#]].assert_eq(&start_rollback(&mut scene, "b2", false));
    let numbers: Vec<u64> = scene.head.migrations.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [&[1, 2][..], &(14..=33).collect::<Vec<_>>()].concat());
    let found = super::audit::audit(&scene).findings;
    let of_migrations = found.iter().filter(|found| found.rule == Rule::Schema);
    assert_eq!(of_migrations.count(), 0, "the audit knows what is forgotten");
    // With the release that needs it, it is forgotten.
    for number in 40..61 {
        scene.push(&format!("b{number}"), number);
        succeed(&mut scene);
    }
    assert_eq!(scene.head.migrations.first().map(|one| one.number), Some(35));
}
