//! Which of two releases is newer, and what an environment remembers of it.

use super::fixtures::release;
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::environment::Control;
use pipeline::release::{Newest, Release, ReleaseOrder};
use pipeline::request::Override;

const VERSIONS: (&str, &str) = ("deploy_on", "{tags: [\"v*\"]}");

/// A release with a version and one without, by turns.
fn mixed() -> Scene {
    let mut scene = Scene::new(&[VERSIONS]);
    scene.push("v1.1.0", 10);
    scene.succeed();
    expect!["yes: deployment 2 of 7b41d0e has started"].assert_eq(&scene.deploy(
        "7b41d0e",
        20,
        &[],
    ));
    scene.succeed();
    scene
}

#[test]
fn a_release_without_a_version_in_between_lets_no_lower_version_in() {
    let mut scene = mixed();
    expect!["no: it is older than v1.1.0; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.0.9", 30));
    expect!["yes: deployment 3 of v1.1.1 has started"].assert_eq(&scene.push("v1.1.1", 30));
}

#[test]
fn a_higher_version_that_was_built_before_what_a_person_deployed_does_not_undo_that() {
    let mut scene = mixed();
    expect!["no: it is older than 7b41d0e; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.1.1", 15));
}

#[test]
fn a_commit_is_older_than_a_version_by_time_alone() {
    let mut scene = mixed();
    expect!["no: it is older than 7b41d0e; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("0a1b2c3", 19));
    expect!["yes: deployment 3 of 3f2a9c1 has started"].assert_eq(&scene.push("3f2a9c1", 21));
}

#[test]
fn a_wrong_version_that_was_rolled_back_is_no_measure_once_the_hold_is_lifted() {
    let mut scene = Scene::new(&[VERSIONS]);
    scene.push("v1.4.0", 1);
    scene.succeed();
    scene.push("v11.4.0", 2);
    scene.fail();
    expect!["no: on hold: v11.4.0 was rolled back: requested by ann: it looks odd; only a newer release lifts that"]
        .assert_eq(&scene.push("v1.4.1", 3));
    expect!["yes: the hold is lifted"].assert_eq(&scene.control(Control::Unhold));
    expect!["yes: deployment 3 of v1.4.2 has started"].assert_eq(&scene.push("v1.4.2", 4));
}

#[test]
fn a_wrong_version_that_a_person_rolled_back_from_blocks_nothing_once_the_hold_is_lifted() {
    let mut scene = Scene::new(&[VERSIONS]);
    for (version, minutes) in [("v1.4.0", 1), ("v11.4.0", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene.roll_back(None);
    scene.succeed();
    assert_eq!(scene.live(), "v1.4.0");
    scene.control(Control::Unhold);
    expect!["yes: deployment 4 of v1.4.1 has started"].assert_eq(&scene.push("v1.4.1", 3));
}

#[test]
fn what_a_person_put_in_the_place_of_a_wrong_version_is_the_measure_once_the_hold_is_lifted() {
    let mut scene = Scene::new(&[VERSIONS]);
    for (version, minutes) in [("v1.4.0", 1), ("v11.4.0", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene.deploy("v1.4.1", 3, &[Override::Hold]);
    scene.succeed();
    expect!["by ann (a test): v1.4.1 was deployed although v11.4.0 is newer"]
        .assert_eq(&scene.hold());
    expect!["yes: the hold is lifted; releases newer than v1.4.1 deploy from now on, although v11.4.0 was deployed before"]
        .assert_eq(&scene.control(Control::Unhold));
    assert_eq!(
        (scene.head.lowered_after.as_slice(), scene.head.let_in_after.as_slice()),
        (&[3][..], &[3][..])
    );
    expect!["no: it is older than v1.4.1; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.3.9", 4));
    expect!["yes: deployment 4 of v1.4.2 has started"].assert_eq(&scene.push("v1.4.2", 4));
}

#[test]
fn an_effective_unmark_by_a_person_is_remembered_and_an_ineffective_one_is_not() {
    let mut scene = Scene::new(&[VERSIONS]);
    scene.control(Control::ForgetNewest);
    scene.control(Control::Unhold);
    for number in 1..=25 {
        scene.push(&format!("v1.{number}.0"), number);
        scene.fail();
        let bad = scene.head.bad[0].digest.clone();
        scene.control(Control::UnmarkBad { digest: bad.clone() });
        scene.control(Control::UnmarkBad { digest: bad });
        scene.control(Control::Unhold);
    }
    let last: Vec<u64> = (6..=25).collect();
    assert_eq!(scene.head.let_in_after, last);
    assert_eq!(scene.head.lowered_after, [0; 0], "a rollback has lowered it, which is recorded");
}

#[test]
fn a_wrong_version_that_stays_is_forgotten_when_a_person_says_so() {
    let mut scene = Scene::new(&[VERSIONS]);
    expect!["yes: nothing was deployed here yet"].assert_eq(&scene.control(Control::ForgetNewest));
    scene.push("v11.4.0", 2);
    scene.succeed();
    expect!["no: it is older than v11.4.0; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.14.1", 3));
    expect!["yes: forgotten; from now on any version deploys that was built later than v11.4.0"]
        .assert_eq(&scene.control(Control::ForgetNewest));
    expect!["yes: no version was deployed here; releases are ordered by build time"]
        .assert_eq(&scene.control(Control::ForgetNewest));
    assert_eq!(scene.head.lowered_after, [1]);
    expect!["no: it is older than v11.4.0 by time; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.13.0", 1));
    expect!["yes: deployment 2 of v1.14.2 has started"].assert_eq(&scene.push("v1.14.2", 4));
    scene.succeed();
    expect!["no: it is older than v1.14.2; deploy it by hand if you want it anyway"]
        .assert_eq(&scene.push("v1.14.0", 5));
}

#[test]
fn what_is_forgotten_during_a_deployment_stays_forgotten_at_its_end() {
    let mut scene = Scene::new(&[VERSIONS]);
    scene.push("v11.4.0", 1);
    scene.succeed();
    scene.push("v11.5.0", 2);
    scene.control(Control::ForgetNewest);
    scene.fail();
    scene.control(Control::Unhold);
    expect!["yes: deployment 3 of v1.14.1 has started"].assert_eq(&scene.push("v1.14.1", 4));
}

/// The first line after the one that says what is deployed.
fn mentioned(scene: &Scene) -> String {
    let entries = scene.active().timeline.entries();
    entries
        .iter()
        .find(|entry| entry.text.contains("built at"))
        .map_or("nothing".into(), |entry| entry.text.clone())
}

#[test]
fn a_higher_version_of_older_images_is_deployed_and_said_to_be_older() {
    let mut scene = Scene::new(&[VERSIONS]);
    for (version, minutes, built) in [("v1.4.0", 1, 50), ("v999.0.0", 2, 40)] {
        let mut release = release(version, at(minutes));
        release.images_built_at = Some(at(built));
        scene.push_release(release);
        if version == "v1.4.0" {
            assert_eq!(mentioned(&scene), "nothing");
            scene.succeed();
        }
    }
    expect!["The images of v999.0.0 were built at 2026-01-01T00:40:00Z, before those of v1.4.0 (2026-01-01T00:50:00Z); it counts as newer because its version is higher."]
        .assert_eq(&mentioned(&scene));
}

#[test]
fn a_later_tag_on_older_images_is_deployed_and_said_to_be_older() {
    let said_of = |version: &str, built: u64| {
        let mut scene = Scene::new(&[VERSIONS]);
        for (version, minutes, built) in [("v1.4.0", 1, 50), (version, 2, built)] {
            let images_built_at = Some(at(built));
            scene.push_release(Release { images_built_at, ..release(version, at(minutes)) });
            if minutes == 1 {
                scene.succeed();
            }
        }
        mentioned(&scene)
    };
    let later = "it counts as newer because its tag was pushed later.";
    assert!(said_of("v1.4.0#2", 40).ends_with(later), "{}", said_of("v1.4.0#2", 40));
    assert!(said_of("7b41d0e", 40).ends_with(later), "{}", said_of("7b41d0e", 40));
    assert_eq!(said_of("v1.4.1", 50), "nothing");
    assert_eq!(said_of("v1.4.1", 60), "nothing");
}

#[test]
fn a_release_whose_build_could_not_be_read_is_said_to_count_from_its_push() {
    let said = |unread| {
        let mut scene = Scene::new(&[VERSIONS]);
        scene.push_release(Release { unread, ..release("v1.4.0", at(1)) });
        let entries = scene.active().timeline.entries();
        entries
            .iter()
            .any(|entry| entry.text.ends_with("using the time of the push, 2026-01-01T00:01:00Z."))
    };
    assert!(said(true));
    assert!(!said(false));
}

#[test]
fn what_older_slipways_remembered_is_read() {
    let written = r#"{"version":"v1.4.0","built_at":1767225660000}"#;
    let newest: Newest = serde_json::from_str(written).unwrap();
    assert_eq!(serde_json::to_string(&newest).unwrap(), written);
    let older = ReleaseOrder { version: "v1.3.9".into(), built_at: at(60) };
    assert_eq!(newest.beyond(&older).map(|mark| mark.version), Some("v1.4.0".into()));
}
