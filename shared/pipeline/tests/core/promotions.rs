//! Promotion: what succeeded in one environment is deployed to the next, by a tag or automatically.

use super::fixtures::{effect_text, release};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::environment::{Control, Input};
use pipeline::release::Release;
use pipeline::time::Span;

/// Staging takes semantic versions of what succeeded in dev, where `b1` did.
fn promoted(tags: &str) -> Scene {
    let deploy_on = format!("{{{tags}promoted_from: dev}}");
    let mut scene = Scene::new_promoted(&[("deploy_on", &deploy_on)]);
    scene.dev_succeeded("b1", 1);
    scene
}

#[test]
fn the_digests_that_succeeded_elsewhere_are_promoted_under_another_tag() {
    let mut scene = promoted("tags: [\"v*\"], ");
    let mut tagged = release("b1", at(9));
    tagged.version = "v1.0.0".into();
    expect!["yes: deployment 1 of v1.0.0 has started"].assert_eq(&scene.push_release(tagged));
}

#[test]
fn a_release_waits_until_it_has_succeeded_where_it_is_promoted_from() {
    let mut scene = promoted("tags: [\"v*\"], ");
    let mut tagged = release("b2", at(9));
    tagged.version = "v1.0.0".into();
    expect!["yes: queued: it has not succeeded in dev yet"]
        .assert_eq(&scene.push_release(tagged.clone()));
    // One that cannot start yet blocks no other.
    let mut other = release("b1", at(1));
    other.version = "v0.9.0".into();
    expect!["yes: deployment 1 of v0.9.0 has started"].assert_eq(&scene.push_release(other));
    scene.succeed();
    scene.dev_succeeded("b2", 2);
    expect!["done"].assert_eq(&scene.promote("b2", 2));
    expect![[r#"
        1 v0.9.0: succeeded
        2 v1.0.0: under way
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn without_tags_every_release_that_succeeds_there_is_promoted() {
    let mut scene = promoted("");
    expect!["yes: deployment 1 of b1 has started"].assert_eq(&scene.promote("b1", 1));
    expect!["yes: duplicate request: it started deployment 1"].assert_eq(&scene.promote("b1", 1));
    scene.succeed();
    let from_elsewhere = Input::Promotable { from: "qa".into(), release: release("b2", at(2)) };
    assert_eq!(scene.tell(from_elsewhere), "done");
    assert_eq!(scene.deployments.len(), 1);
}

#[test]
fn a_success_is_reported_to_the_environments_that_promote_from_here() {
    let mut scene = Scene::new(&[]);
    scene.promotes_to = vec!["production".into()];
    scene.push("b1", 1);
    scene.succeed();
    let effects: Vec<_> =
        scene.head.outbox.entries().iter().map(|e| effect_text(&e.effect)).collect();
    assert_eq!(effects, ["promote b1 to production"]);
}

#[test]
fn a_release_that_succeeds_once_more_is_promoted_once_more() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{promoted_from: dev, images: all}")]);
    scene.dev_succeeded("b1", 1);
    let first = scene.promote("b1", 1);
    assert!(first.starts_with("yes"), "{first}");
    scene.fail();
    scene.control(Control::Unhold);
    let bad: Vec<_> = scene.head.bad.iter().map(|bad| bad.digest.clone()).collect();
    for digest in bad {
        scene.control(Control::UnmarkBad { digest });
    }
    // The message is delivered again, and that is no second success.
    scene.promote("b1", 1);
    assert_eq!(scene.head.active, None);
    scene.dev_succeeded("b1", 2);
    let second = scene.promote("b1", 1);
    assert!(scene.head.active.is_some(), "{second}");
}

/// An unreadable head of `dev` does not mean "it has not succeeded there".
#[test]
fn what_cannot_be_read_of_the_environment_before_declines_nothing() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")]);
    scene.dev_succeeded("v1.0.0", 1);
    scene.control(Control::Hold { firm: true });
    scene.push("v1.0.0", 1);
    assert_eq!(scene.head.queue.len(), 1);
    scene.now = scene.now + Span::hours(24 * 10);
    // The engine continues without it for a person who lifts a hold.
    (scene.source, scene.is_source_unreadable) = (None, true);
    scene.control(Control::Unhold);
    assert_eq!(scene.head.queue.len(), 1, "{}", scene.declined());
}

fn renamed(mut release: Release) -> Release {
    let digest = release.images.remove(&"api".into()).unwrap();
    release.images.insert("http-api".into(), digest);
    release
}

#[test]
fn what_succeeded_in_the_environment_before_is_promoted_after_one_of_its_images_is_renamed() {
    let changes = [("deploy_on", "{tags: [\"[0-9a-f]*\"], images: all, promoted_from: dev}")];
    let mut scene = Scene::new_promoted(&changes);
    scene.dev_succeeded("b1", 1);
    scene.rename_image("api", "http-api");
    let said = scene.push_release(renamed(release("b1", at(1))));
    assert!(said.contains("has started"), "{said}");
}

#[test]
fn another_image_under_the_new_name_has_not_succeeded() {
    let changes = [("deploy_on", "{tags: [\"[0-9a-f]*\"], images: all, promoted_from: dev}")];
    let mut scene = Scene::new_promoted(&changes);
    scene.dev_succeeded("b1", 1);
    scene.rename_image("api", "http-api");
    let mut other = renamed(release("b1", at(1)));
    other.images.extend(renamed(release("b2", at(1))).images);
    other
        .images
        .extend(release("b1", at(1)).images.into_iter().filter(|(name, _)| name.as_str() == "web"));
    let said = scene.push_release(other);
    assert_eq!(said, "yes: queued: it has not succeeded in dev yet");
}
