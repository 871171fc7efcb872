//! The admission of an environment: who may start what, and the refusals.

use super::fixtures::{digest, release};
use super::scene::{Scene, at};
use expect_test::expect;

#[test]
fn a_push_starts_a_deployment_if_none_is_in_progress() {
    let mut scene = Scene::new(&[]);
    expect!["yes: deployment 1 of b1 has started"].assert_eq(&scene.push("b1", 1));
    scene.succeed();
    assert_eq!(scene.live(), "b1");
    expect![[r#"
        1 b1: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn the_same_request_twice_is_one_deployment() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    expect!["yes: duplicate request: it started deployment 1"].assert_eq(&scene.push("b1", 1));
    scene.succeed();
    expect!["yes: duplicate request: it started deployment 1"].assert_eq(&scene.push("b1", 1));
    assert_eq!(scene.deployments.len(), 1);
}

#[test]
fn one_deployment_is_in_progress_and_the_newest_release_is_queued() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.push("b2", 2));
    expect!["yes: duplicate request: it is already queued"].assert_eq(&scene.push("b2", 2));
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.push("b4", 4));
    expect!["no: the newer b4 is already queued"].assert_eq(&scene.push("b3", 3));
    expect![[r#"
        b4: deployment 1 is in progress
    "#]]
    .assert_eq(&scene.queue());
    scene.succeed();
    scene.succeed();
    expect![[r#"
        1 b1: succeeded
        2 b4: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
    expect![[r#"
        b2: replaced in the queue by the newer b4
        b3: the newer b4 is already queued
    "#]]
    .assert_eq(&scene.declined());
}

#[test]
fn every_release_has_its_turn_where_the_queue_says_so() {
    let mut scene = Scene::new(&[("queue", "every")]);
    scene.push("b1", 1);
    scene.push("b2", 2);
    scene.push("b3", 3);
    expect![[r#"
        b2: deployment 1 is in progress
        b3: deployment 1 is in progress
    "#]]
    .assert_eq(&scene.queue());
    for _ in 0..3 {
        scene.succeed();
    }
    expect![[r#"
        1 b1: succeeded
        2 b2: succeeded
        3 b3: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn trap_25_a_commit_that_was_built_earlier_is_declined_however_late_it_is_pushed() {
    let mut scene = Scene::new(&[]);
    scene.push("b2", 2);
    scene.succeed();
    expect!["no: it is older than b2; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("b1", 1));
    expect![[r#"
        b1: it is older than b2; deploy it by hand if you want it anyway
    "#]]
    .assert_eq(&scene.declined());
    // The first answer is remembered.
    expect!["no: it is older than b2; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("b1", 1));
    assert_eq!(scene.declined().lines().count(), 1);
}

#[test]
fn trap_25_a_lower_version_is_declined_though_it_was_built_later() {
    let mut scene = Scene::new(&[]);
    scene.push("v1.10.0", 1);
    scene.succeed();
    expect!["no: it is older than v1.10.0; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.9.1", 30));
    expect!["yes: deployment 2 of v1.10.1-rc.1 has started"]
        .assert_eq(&scene.push("v1.10.1-rc.1", 0));
}

#[test]
fn exactly_what_runs_is_not_deployed_again_by_a_push() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    let mut again = release("b1", at(5));
    again.version = "b2".into();
    expect!["no: these images are already live"].assert_eq(&scene.push_release(again));
}

#[test]
fn a_revert_to_what_runs_is_not_lost_while_another_release_goes_out() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    // The commit is reverted, and the build makes the very images that still run.
    let mut revert = release("b1", at(3));
    revert.version = "b3".into();
    expect!["yes: queued: deployment 2 is in progress"].assert_eq(&scene.push_release(revert));
    scene.succeed();
    scene.succeed();
    assert_eq!(scene.live(), "b3");
}

#[test]
fn digests_that_were_rolled_back_are_declined_under_a_new_tag() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.fail();
    expect![[r#"
        1 b1: succeeded
        2 b2: rolled back: requested by ann: it looks odd
    "#]]
    .assert_eq(&scene.verdicts());
    let mut again = release("b2", at(5));
    again.version = "b3".into();
    expect!["no: image api-b2-00000 of this release is marked bad: requested by ann: it looks odd"]
        .assert_eq(&scene.push_release(again));
}

#[test]
fn a_digest_that_good_releases_share_is_never_marked_bad() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    // A service is deleted outside Slipway in between: the live release is unknown.
    scene.head.live = None;
    let mut second = release("b2", at(2));
    second.images.insert("web".into(), release("b1", at(1)).images[&"web".into()].clone());
    scene.push_release(second);
    scene.fail();
    let bad: Vec<_> = scene.head.bad.iter().map(|bad| bad.digest.short().to_owned()).collect();
    assert_eq!(bad, ["api-b2-00000"]);
}

#[test]
fn a_persons_deploy_waits_for_the_one_in_progress_and_is_not_dropped_by_pushes() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.deploy("b0", 0, &[]));
    scene.push("b2", 2);
    expect![[r#"
        b0: deployment 1 is in progress
        b2: deployment 1 is in progress
    "#]]
    .assert_eq(&scene.queue());
    scene.succeed();
    scene.succeed();
    expect![[r#"
        1 b1: succeeded
        2 b0: succeeded
        3 b2: under way
    "#]]
    .assert_eq(&scene.verdicts());
    expect!["none"].assert_eq(&scene.hold());
}

#[test]
fn a_release_with_an_image_that_the_spec_does_not_know_is_refused() {
    let mut scene = Scene::new(&[]);
    let mut strange = release("b1", at(1));
    strange.images.insert("cron".into(), digest("c"));
    expect!["no: the spec has no image called cron; deploy it by hand"]
        .assert_eq(&scene.push_release(strange));
}

#[test]
fn too_many_waiting_requests_are_turned_away() {
    let mut scene = Scene::new(&[]);
    scene.push("b0", 0);
    for number in 1..=20 {
        scene.deploy(&format!("b{number}"), number, &[]);
    }
    expect!["no: the queue is full"].assert_eq(&scene.deploy("b21", 21, &[]));
    expect!["no: the queue is full, and this is its oldest release"]
        .assert_eq(&scene.push("b22", 22));
    assert_eq!(scene.head.queue.len(), 20);
}
