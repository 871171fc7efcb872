//! Audits: which release may follow which, as environments count it.

use super::audit::{DAMAGES, KEPT, audit, good, one, verdict, words};
use super::fixtures::place;
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::audit::{Audit, Rule};
use pipeline::deployment::{Schema, ServiceState, State};
use pipeline::environment::Control;
use pipeline::request::{Override, RequestedBy};
use pipeline::verdict::{Cause, Verdict};

fn versions() -> Scene {
    let mut scene = Scene::new(&[("deploy_on", "{tags: [\"v*\"]}")]);
    scene.push("v1.4.0", 1);
    scene.succeed();
    scene.push("v11.4.0", 2);
    scene
}

/// The next push starts, and no rule is violated by that.
fn goes_on_soundly(mut scene: Scene, version: &str, minutes: u64) -> Scene {
    assert!(scene.push(version, minutes).starts_with("yes"), "{version} is let in");
    scene.succeed();
    assert_eq!(words(&audit(&scene)), "");
    scene
}

#[test]
fn what_was_rolled_back_is_not_the_newest() {
    let mut scene = versions();
    scene.fail();
    scene.control(Control::Unhold);
    goes_on_soundly(scene, "v1.4.1", 3);
}

#[test]
fn what_a_person_rolled_back_to_is_the_newest() {
    let mut scene = versions();
    scene.succeed();
    scene.roll_back(None);
    scene.succeed();
    assert_eq!(words(&audit(&scene)), "");
    scene.control(Control::Unhold);
    let mut scene = goes_on_soundly(scene, "v1.4.1", 3);
    one(&mut scene, 4).request.release.built_at = at(0);
    one(&mut scene, 4).request.release.version = "v1.3.9".into();
    expect![[r#"
        deployment 4: it deployed v1.3.9 after v1.4.0 (deployment 3) (the rule: no push and no promotion deploys a release that is older than the newest one before it, unless that was rolled back or a person has let older ones in since)
    "#]].assert_eq(&words(&audit(&scene)));
}

#[test]
fn what_a_person_put_in_its_place_is_the_newest_once_the_hold_is_lifted() {
    let mut scene = versions();
    scene.succeed();
    scene.deploy("v1.4.1", 3, &[Override::Hold]);
    scene.succeed();
    assert_eq!(words(&audit(&scene)), "");
    scene.control(Control::Unhold);
    goes_on_soundly(scene, "v1.4.2", 4);
}

#[test]
fn what_a_person_forgot_is_no_measure() {
    for is_under_way in [true, false] {
        let mut scene = versions();
        if is_under_way {
            scene.control(Control::ForgetNewest);
        }
        scene.succeed();
        scene.control(Control::ForgetNewest);
        assert_eq!(words(&audit(&scene)), "");
        let mut scene = goes_on_soundly(scene, "v1.14.2", 4);
        // From then on it is.
        scene.push("v1.14.3", 5);
        scene.succeed();
        one(&mut scene, 4).request.release.version = "v1.14.1".into();
        assert!(words(&audit(&scene)).contains("it deployed v1.14.1 after v1.14.2 (deployment 3)"));
        scene.head.lowered_after = (3..23).collect();
        assert!(!words(&audit(&scene)).contains("it deployed"), "there may have been more of them");
    }
}

#[test]
fn a_version_and_a_commit_are_both_remembered() {
    let mut scene = versions();
    scene.succeed();
    scene.deploy("7b41d0e", 20, &[]);
    scene.succeed();
    assert_eq!(words(&audit(&scene)), "");
    scene.head.high_water.as_mut().unwrap().other = None;
    expect![[r#"
        the environment: it says that 7b41d0e is the newest, but v11.4.0 was deployed (the rule: the environment knows the newest release that was deployed and not rolled back)
    "#]].assert_eq(&words(&audit(&scene)));
}

#[test]
fn a_tag_that_was_pushed_again_is_not_older() {
    let mut scene = versions();
    scene.succeed();
    let scene = goes_on_soundly(scene, "v11.4.0#2", 3);
    goes_on_soundly(scene, "v11.4.1", 3);
}

#[test]
fn a_migration_that_a_person_allowed_again_is_no_fault() {
    let mut scene = good();
    let (_, damage) = DAMAGES.iter().find(|(rule, _)| *rule == Rule::MigratesOnce).unwrap();
    damage(&mut scene);
    assert!(words(&audit(&scene)).contains("it ran the migration of b3"));
    scene.head.let_in_after = vec![2];
    assert!(!words(&audit(&scene)).contains("it ran the migration of b3"));
}

/// The damage of the rule, and a third deployment of the same images that runs the migration.
fn migrates_three_times() -> Scene {
    let mut scene = good();
    let (_, damage) = DAMAGES.iter().find(|(rule, _)| *rule == Rule::MigratesOnce).unwrap();
    damage(&mut scene);
    let images = one(&mut scene, 2).request.release.images.clone();
    one(&mut scene, 4).request.release.images = images;
    one(&mut scene, 4).schema = Schema::Migrated;
    scene
}

#[test]
fn a_migration_that_ran_well_since_it_failed_is_no_failed_one() {
    let mut scene = migrates_three_times();
    one(&mut scene, 3).request.asked_by =
        RequestedBy::Person { name: "ann".into(), why: "again".into() };
    assert!(!words(&audit(&scene)).contains("it ran the migration of"));
    // If it had not succeeded in between, the last one would be a fault.
    let cause = Cause::MigrationFailed { how: "exit code 1".into() };
    verdict(&mut scene, 3, Verdict::Failed { cause, left: vec![] });
    one(&mut scene, 3).services.clear();
    assert!(words(&audit(&scene)).contains("it ran the migration of b4"));
}

#[test]
fn a_rollback_by_hand_that_failed_leaves_the_newest_as_it_was() {
    let mut scene = versions();
    scene.succeed();
    scene.roll_back(None);
    scene.succeed();
    let cause = Cause::Person { by: "ann".into(), why: "a test".into() };
    verdict(&mut scene, 3, Verdict::Failed { cause, left: vec![] });
    assert!(scene.push("v11.4.1", 4).starts_with("yes"));
    scene.succeed();
    one(&mut scene, 4).request.release.version = "v1.5.0".into();
    assert!(words(&audit(&scene)).contains("it deployed v1.5.0 after v11.4.0"));
}

#[test]
fn a_failed_release_that_a_person_allowed_again_is_no_fault() {
    let mut scene = good();
    let (_, damage) = DAMAGES.iter().find(|(rule, _)| *rule == Rule::FailsOnce).unwrap();
    damage(&mut scene);
    let found = "3: it deployed b3, whose images failed as b2 in deployment 2";
    assert!(words(&audit(&scene)).contains(found), "{}", words(&audit(&scene)));
    scene.head.let_in_after = vec![2];
    assert!(!words(&audit(&scene)).contains("it deployed b3"));
    // Later is too late, and so is earlier, however often people let something in.
    for let_in_after in [vec![3], [1].into_iter().chain(3..22).collect()] {
        scene.head.let_in_after = let_in_after;
        assert!(words(&audit(&scene)).contains(found), "{}", words(&audit(&scene)));
    }
    // Of those before the last twenty it is unknown.
    scene.head.let_in_after = (3..23).collect();
    assert!(!words(&audit(&scene)).contains("it deployed b3"));
}

#[test]
fn automation_does_not_choose_what_a_person_rolled_back_from() {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("b1", 1), ("b2", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene.roll_back(None);
    scene.succeed();
    scene.push("b3", 3);
    scene.succeed();
    assert_eq!(words(&audit(&scene)), "");
    let left = one(&mut scene, 2).request.release.images.clone();
    one(&mut scene, 4).request.release.images = left;
    let found = "4: it deployed b3, whose images deployment 3 went back from";
    assert!(words(&audit(&scene)).contains(found), "{}", words(&audit(&scene)));
}

/// As if the first deployment fails: nothing is rolled back.
#[test]
fn a_migration_that_ran_before_services_failed_is_not_automations_to_repeat() {
    let mut scene = good();
    let (_, damage) = DAMAGES.iter().find(|(rule, _)| *rule == Rule::MigratesOnce).unwrap();
    damage(&mut scene);
    let failed = one(&mut scene, 2);
    failed.schema = Schema::Migrated;
    failed.services[0].state = ServiceState::Kept;
    let cause = Cause::CheckFailed { url: "https://shop".into(), reason: "500".into() };
    let State::Ended { at, .. } = failed.state else { unreachable!("it has ended") };
    let verdict = Verdict::Failed { cause, left: vec![failed.services[0].name.clone()] };
    failed.state = State::Ended { verdict, at };
    assert!(words(&audit(&scene)).contains("3: it ran the migration of b3"));
}

#[test]
fn an_unreadable_record_may_have_lowered_the_newest() {
    let mut scene = versions();
    scene.succeed();
    scene.roll_back(None);
    scene.succeed();
    scene.control(Control::Unhold);
    let scene = goes_on_soundly(scene, "v1.4.1", 3);
    let mut audit = Audit::new(place(), scene.now, KEPT);
    for number in [1, 2, 4] {
        audit.deployment(number, &scene.deployments[&number], None);
    }
    audit.unreadable(3, "it is cut off");
    let report = audit.finish(&scene.head, scene.head.due());
    let rules: Vec<Rule> = report.findings.iter().map(|finding| finding.rule).collect();
    assert!(!rules.contains(&Rule::NewerOnly) && !rules.contains(&Rule::Newest), "{rules:?}");
}
