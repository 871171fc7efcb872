//! Failed combinations: automation never starts exactly these images again.

use super::events::{SERVICES, preparation, report, revision, up};
use super::fixtures::{digest, mixed, release, request};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::environment::{Control, Input};
use pipeline::event::Event;
use pipeline::release::Release;
use pipeline::request::{Override, Request, RequestedBy};
use pipeline::time::Span;

/// The active deployment rolls its services back.
fn roll_back_services(scene: &mut Scene, number: u32) {
    for service in SERVICES {
        let revision = revision(service, number);
        scene.answer(Event::RollbackStarted { service: service.into(), revision, rollout: None });
    }
    for _ in 0..3 {
        scene.now = scene.now + Span::minutes(2);
        for service in SERVICES {
            if scene.head.active.is_some() {
                scene.answer(up(service, number, scene.now));
            }
        }
    }
}

/// b4 was rolled back because its tasks failed, and each of its images is good in another release.
fn good_apart() -> Scene {
    let mut scene = Scene::new(&[]);
    for (minutes, version) in [(1, "b1"), (2, "b2")] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene.push_release(mixed("b3", "b2", "b1", 3));
    scene.succeed();
    scene.push_release(mixed("b4", "b1", "b2", 4));
    scene.begin_rolling_out();
    scene.bring_up(1);
    for task in ["task/1", "task/2"] {
        let report = report("shop-api", task, 104, scene.now);
        scene.answer(Event::TaskReported(report));
    }
    roll_back_services(&mut scene, 103);
    assert!(scene.verdicts().contains("4 b4: rolled back"), "{}", scene.verdicts());
    scene
}

fn api(version: &str) -> Control {
    Control::UnmarkBad { digest: release(version, at(1)).images[&"api".into()].clone() }
}

#[test]
fn a_rolled_back_release_of_images_that_are_good_apart_is_not_deployed_again() {
    let mut scene = good_apart();
    expect!["no: exactly these images failed here, as b4 in deployment 4: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited"].assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    assert_eq!(scene.head.bad.len(), 0);
}

/// The same release, pushed under the new name.
fn renamed(mut release: Release) -> Release {
    let digest = release.images.remove(&"api".into()).unwrap();
    release.images.insert("http-api".into(), digest);
    release
}

#[test]
fn a_release_that_failed_does_not_start_again_after_one_of_its_images_is_renamed() {
    let mut scene = good_apart();
    scene.rename_image("api", "http-api");
    expect!["no: exactly these images failed here, as b4 in deployment 4: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited"].assert_eq(&scene.push_release(renamed(mixed("b5", "b1", "b2", 5))));
}

#[test]
fn a_live_release_does_not_start_again_after_one_of_its_images_is_renamed() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.rename_image("api", "http-api");
    let again = renamed(Release { version: "b1-again".into(), ..release("b1", at(2)) });
    expect!["no: these images are already live"].assert_eq(&scene.push_release(again));
}

#[test]
fn a_live_release_starts_again_for_one_more_image_with_the_same_digest() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    let repository = scene.spec.images[&"api".into()].clone();
    scene.spec.images.insert("worker".into(), repository);
    let mut wider = Release { version: "b1-again".into(), ..release("b1", at(2)) };
    let digest = wider.images[&"api".into()].clone();
    wider.images.insert("worker".into(), digest);
    expect!["yes: deployment 2 of b1-again has started"].assert_eq(&scene.push_release(wider));
}

#[test]
fn a_first_release_that_failed_and_was_left_does_not_start_again_automatically() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    let mut prepared = preparation(&SERVICES);
    for service in &mut prepared.services {
        service.before = None;
    }
    scene.answer(Event::Prepared(prepared));
    for task in ["task/1", "task/2"] {
        let report = report("shop-api", task, 2, scene.now);
        scene.answer(Event::TaskReported(report));
    }
    let verdicts = scene.verdicts();
    let again = Release { version: "b1-again".into(), ..release("b1", at(3)) };
    let again = scene.push_release(again);
    assert!(again.starts_with("no: "), "{verdicts}{again}\n{}", scene.hold());
}

/// Three releases that change one image each; ann rolls back over two of them.
#[test]
fn what_a_person_rolled_back_from_is_not_deployed_again_under_another_tag() {
    let mut scene = Scene::new(&[]);
    for (version, api, web, minutes) in
        [("r1", "a1", "w1", 1), ("r2", "a2", "w1", 2), ("r3", "a2", "w2", 3)]
    {
        scene.push_release(mixed(version, api, web, minutes));
        scene.succeed();
    }
    scene.roll_back(Some("r1"));
    scene.succeed();
    assert_eq!(scene.live(), "r1");
    let again = scene.push_release(mixed("r3-again", "a2", "w2", 9));
    let bad: Vec<_> = scene.head.bad.iter().map(|bad| bad.digest.short().to_owned()).collect();
    assert!(!again.contains("has started"), "{}{again}\nbad {bad:?}", scene.verdicts());
}

/// `api` did not change in the release that failed. When another release is live, it looks like a
/// change.
#[test]
fn what_was_rolled_back_does_not_return_once_something_else_runs() {
    let mut scene = Scene::new(&[]);
    scene.push_release(mixed("r1", "a1", "w1", 1));
    scene.succeed();
    scene.push_release(mixed("r2", "a1", "w2", 2));
    scene.fail();
    assert_eq!(scene.live(), "r1");
    let at_first = scene.push_release(mixed("r2-again", "a1", "w2", 3));
    assert!(at_first.starts_with("no: "), "{at_first}");
    scene.push_release(mixed("r3", "a3", "w3", 4));
    scene.succeed();
    let again = scene.push_release(mixed("r2-once-more", "a1", "w2", 9));
    assert!(again.starts_with("no: "), "{}{again}", scene.verdicts());
}

#[test]
fn a_person_starts_it_with_the_word_for_it_and_its_success_lets_automation_in_again() {
    let mut scene = good_apart();
    let deploy = |scene: &mut Scene, overrides: &[Override]| {
        let request = Request {
            id: scene.next_id(),
            asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
            overrides: overrides.iter().copied().collect(),
            release: mixed("b5", "b1", "b2", 5),
            ..request("b5", at(5))
        };
        scene.tell(Input::Requested(Box::new(request)))
    };
    expect![[r#"no: exactly these images failed here, as b4 in deployment 4 (2 tasks of shop-api failed: container api exited with 1, Essential container in task exited); to deploy anyway, add "override": ["bad", "hold"]"#]].assert_eq(&deploy(&mut scene, &[Override::Hold]));
    expect!["yes: deployment 5 of b5 has started"]
        .assert_eq(&deploy(&mut scene, &[Override::Hold, Override::Bad]));
    scene.succeed();
    assert_eq!(scene.head.failed, []);
    scene.push("b6", 6);
    scene.succeed();
    expect!["yes: deployment 7 of b7 has started"]
        .assert_eq(&scene.push_release(mixed("b7", "b1", "b2", 7)));
}

#[test]
fn who_unmarks_one_of_its_digests_lets_it_in_and_who_lifts_the_hold_does_not() {
    let mut scene = good_apart();
    scene.control(Control::Unhold);
    expect!["no: exactly these images failed here, as b4 in deployment 4: 2 tasks of shop-api failed: container api exited with 1, Essential container in task exited"].assert_eq(&scene.push_release(mixed("b5", "b1", "b2", 5)));
    scene.control(api("b2"));
    assert_eq!((scene.head.failed.len(), scene.head.let_in_after.as_slice()), (1, &[4][..]));
    scene.push("b6", 6);
    scene.succeed();
    scene.control(api("b1"));
    assert_eq!((scene.head.failed.len(), scene.head.let_in_after.as_slice()), (0, &[4, 5][..]));
    expect!["yes: deployment 6 of b7 has started"]
        .assert_eq(&scene.push_release(mixed("b7", "b1", "b2", 7)));
}

/// Ann requests new tasks of the live release, and cancels it.
#[test]
fn what_runs_before_and_after_has_not_failed() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.deploy("b1", 1, &[]);
    scene.fail();
    assert!(scene.verdicts().contains("2 b1: rolled back"), "{}", scene.verdicts());
    assert_eq!(scene.head.failed, []);
}

#[test]
fn what_lacked_a_role_has_not_failed() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    scene.bring_up(1);
    let reason = "not authorized to perform: iam:PassRole".to_owned();
    scene.answer(Event::RolloutRefused { service: "shop-worker".into(), reason });
    roll_back_services(&mut scene, 101);
    assert!(scene.verdicts().contains("2 b2: rolled back"), "{}", scene.verdicts());
    assert_eq!(scene.head.failed, []);
}

#[test]
fn what_failed_in_the_environment_before_is_not_promoted() {
    let rules = [("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")];
    for is_left in [false, true] {
        let mut scene = Scene::new_promoted(&rules);
        scene.dev_succeeded("v1.0.0", 1);
        if is_left {
            let mut dev = Scene::new(&[]);
            for (version, minutes) in [("v0.9.0", 0), ("v1.0.0", 1)] {
                dev.push(version, minutes);
                dev.succeed();
            }
            dev.roll_back(None);
            dev.succeed();
            dev.head.bad.clear();
            scene.source.as_mut().unwrap().failed = dev.head.failed;
        }
        let said = scene.push("v1.0.0", 1);
        assert_eq!(said.contains("it has not succeeded in dev yet"), is_left, "{said}");
    }
}

#[test]
fn the_last_fifty_that_failed_are_remembered() {
    let mut scene = Scene::new(&[]);
    scene.push("b0", 0);
    scene.succeed();
    for number in 1..=55 {
        scene.push(&format!("b{number}"), number);
        scene.fail();
    }
    let versions = scene.head.failed.iter().map(|failed| failed.version.as_str());
    assert_eq!((scene.head.failed.len(), versions.clone().next()), (50, Some("b6")));
    // The last one counts from when it failed last.
    scene.deploy("b6", 6, &[Override::Hold, Override::Bad]);
    scene.fail();
    let versions: Vec<_> = scene.head.failed.iter().map(|failed| failed.version.as_str()).collect();
    assert_eq!((versions.len(), versions[0], versions[49]), (50, "b7", "b6"));
}

/// CI pushes each build to both repositories, and two images change places.
#[test]
fn the_same_digests_for_other_images_are_another_release() {
    let mut scene = Scene::new(&[]);
    let with = |version: &str, api: &str, web: &str, minutes: u64| {
        let images = [("api".into(), digest(api)), ("web".into(), digest(web))];
        Release::new(version.into(), at(minutes), images.into_iter().collect())
    };
    // CI pushes each build to both repositories.
    scene.push_release(with("b1", "build-2", "build-1", 1));
    scene.succeed();
    let said = scene.push_release(with("b2", "build-1", "build-2", 2));
    assert!(said.contains("has started"), "{said}");
}
