//! The queue: what gives way in it, what stays, and what people are told of it.

use super::fixtures::release;
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::effect::Effect;
use pipeline::environment::Control;
use pipeline::notice::News;
use pipeline::release::Release;

#[test]
fn what_is_live_already_leaves_the_queue_and_the_next_one_starts() {
    let mut scene = Scene::new(&[("queue", "every")]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.push_release(Release { version: "b1-again".into(), ..release("b1", at(3)) });
    scene.push("b4", 4);
    scene.control(Control::Cancel);
    expect![[r#"
        1 b1: succeeded
        2 b2: cancelled by ann: a holiday
        3 b4: under way
    "#]]
    .assert_eq(&scene.verdicts());
    assert_eq!((scene.queue().as_str(), scene.declined().as_str()), ("", ""));
}

#[test]
fn what_a_person_asked_for_replaces_nothing_in_the_queue_and_is_not_replaced() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.push("b3", 3);
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.deploy("b2", 2, &[]));
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.deploy("b4", 4, &[]));
    expect![[r#"
        b3: deployment 1 is in progress
        b2: deployment 1 is in progress
        b4: deployment 1 is in progress
    "#]]
    .assert_eq(&scene.queue());
    // Automation replaces its own, and nothing else.
    scene.push("b5", 5);
    expect![[r#"
        b2: deployment 1 is in progress
        b4: deployment 1 is in progress
        b5: deployment 1 is in progress
    "#]]
    .assert_eq(&scene.queue());
    expect![[r#"
        b3: replaced in the queue by the newer b5
    "#]]
    .assert_eq(&scene.declined());
}

/// Of which releases people were told that they wait.
fn told_to_wait(scene: &Scene) -> Vec<&str> {
    let entries = scene.head.outbox.entries().iter();
    let told = entries.filter_map(|entry| match &entry.effect {
        Effect::Announce(notice) if matches!(notice.news, News::Waits { .. }) => {
            Some(notice.version.as_str())
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn people_are_told_of_a_release_that_waits_for_them_and_not_of_one_that_waits_its_turn() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.push("b2", 2);
    scene.deploy("b3", 3, &[]);
    assert_eq!((scene.head.queue.len(), told_to_wait(&scene).len()), (2, 0));
    let mut scene = Scene::new(&[]);
    scene.control(Control::Pause);
    scene.push("b4", 4);
    assert_eq!(told_to_wait(&scene), ["b4"]);
    // Behind another deployment that is no news yet.
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.control(Control::Pause);
    scene.push("b2", 2);
    assert_eq!(told_to_wait(&scene).len(), 0);
    // A success elsewhere may never come, whatever is in progress here.
    let deploy_on = "{tags: [\"v*\"], promoted_from: dev}";
    let mut scene = Scene::new_promoted(&[("deploy_on", deploy_on)]);
    scene.dev_succeeded("v1.0.0", 1);
    scene.push("v1.0.0", 1);
    scene.push("v1.1.0", 2);
    assert_eq!((scene.head.active, told_to_wait(&scene)), (Some(1), vec!["v1.1.0"]));
}

/// What a worker answers is taken in without the environment that this one is promoted from.
#[test]
fn an_answer_of_a_worker_leaves_the_queue_as_it_is() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{promoted_from: dev}")]);
    for (version, minutes) in [("b1", 1), ("b2", 2)] {
        scene.dev_succeeded(version, minutes);
        scene.promote(version, minutes);
    }
    let queue = "b2: deployment 1 is in progress\n";
    assert_eq!(scene.queue(), queue);
    let source = scene.source.take();
    scene.begin_rolling_out();
    assert_eq!(scene.queue(), queue);
    scene.source = source;
    scene.finish_rolling_out();
    assert_eq!(scene.active().request.release.version.as_str(), "b2");
}
