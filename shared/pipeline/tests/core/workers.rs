//! Workers: which of them may start a task, and which may still update a service when their
//! deployment has ended.

use super::events::{VISIBLE, claimed, up};
use super::scene::Scene;
use super::schema::migrating;
use expect_test::expect;
use pipeline::deployment::{VISIBLE_AFTER, WORKER_LIFE};
use pipeline::effect::{Effect, Purpose};
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::request::Override;
use pipeline::time::Span;

/// `shop-web` is updated outside Slipway while workers have been asked to update the two before it.
fn superseded_while_workers_update() -> Scene {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    scene.answer(up("shop-web", 9, scene.now + VISIBLE));
    expect![[r#"
        1 b1: succeeded
        2 b2: superseded: shop-web was updated to shop-web:9 outside Slipway
    "#]]
    .assert_eq(&scene.verdicts());
    scene
}

#[test]
fn the_next_deployment_starts_when_no_worker_of_the_last_one_can_update_a_service() {
    let mut scene = superseded_while_workers_update();
    expect!["yes: queued: deployment 2 may still update a service until 2026-01-01T01:07:01Z"]
        .assert_eq(&scene.push("b3", 3));
    // No notice: it starts in a moment.
    assert!(scene.head.outbox.is_empty());
    let until = scene.head.due().unwrap();
    assert_eq!(until, scene.now + WORKER_LIFE + VISIBLE_AFTER);
    scene.now = until;
    scene.tell(Input::Woken);
    assert_eq!(scene.active().request.release.version.as_str(), "b3");
}

#[test]
fn a_person_who_deploys_waits_for_those_workers_and_one_who_rolls_back_does_not() {
    let mut scene = superseded_while_workers_update();
    expect!["yes: queued: deployment 2 may still update a service until 2026-01-01T01:07:01Z"]
        .assert_eq(&scene.deploy("b3", 3, &[Override::Hold]));
    assert_eq!(scene.head.active, None);
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(Some("b1")));
}

#[test]
fn what_ended_with_every_update_answered_is_followed_at_once() {
    let mut scene = superseded_while_workers_update();
    scene.now = scene.now + Span::minutes(10);
    scene.push("b3", 3);
    scene.succeed();
    scene.push("b4", 4);
    assert_eq!(scene.active().request.release.version.as_str(), "b4");
}

#[test]
fn a_worker_may_start_the_task_that_is_asked_for_and_no_other() {
    let mut scene = migrating(&[]);
    let asked = scene.active().outbox.entries().iter();
    let mut asked = asked.filter(|entry| matches!(entry.effect, Effect::RunOneOff(_)));
    let effect = asked.next().unwrap().number;
    let mut claim = |effect: u64| {
        let event = claimed(Purpose::Migrate, 1);
        scene.tell(Input::Answered { deployment: 2, effect, event })
    };
    expect!["no: the task is no longer needed"].assert_eq(&claim(effect + 1));
    expect!["granted"].assert_eq(&claim(effect));
    expect!["no: another worker has claimed it"].assert_eq(&claim(effect));
}

#[test]
fn a_manual_rollback_that_ends_at_once_does_not_forget_the_workers_of_the_one_before() {
    let mut scene = superseded_while_workers_update();
    let until = scene.head.workers_until;
    assert!(until.is_some());
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(Some("b1")));
    scene.now = scene.now + Span::seconds(1);
    scene.answer(Event::PreparationFailed { faults: vec!["ECR does not answer".into()] });
    assert_eq!(scene.head.active, None);
    assert_eq!(scene.head.workers_until, until);
    let said = scene.push("b3", 3);
    assert!(said.starts_with("yes: queued"), "{said}");
}

#[test]
fn a_slow_worker_of_the_deployment_before_does_not_supersede_a_manual_rollback() {
    let mut scene = superseded_while_workers_update();
    let until = scene.head.workers_until.unwrap();
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(Some("b1")));
    // It reads what runs once those workers are done.
    let number = scene.head.active.unwrap();
    let mut send = |now| {
        let sent = scene.deployments.get_mut(&number).unwrap().outbox.send(now);
        let names: Vec<_> = sent.iter().map(|(_, effect)| effect.name()).collect();
        names.join(", ")
    };
    assert_eq!(send(scene.now), "announce");
    assert_eq!(send(until), "prepare");
}

#[test]
fn a_worker_whose_copy_has_answered_may_still_update_a_service() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    // The message is sent, a worker is permitted and slow; it is sent again after a minute.
    let number = scene.head.active.unwrap();
    let sent = scene.deployments.get_mut(&number).unwrap().outbox.send(scene.now);
    assert_eq!(sent.iter().filter(|(_, effect)| effect.name() == "roll out").count(), 2);
    scene.now = scene.now + Span::seconds(61);
    let sent = scene.deployments.get_mut(&number).unwrap().outbox.send(scene.now);
    assert_eq!(sent.iter().filter(|(_, effect)| effect.name() == "roll out").count(), 2);
    // The copies answer at once, and the deployment ends.
    for service in ["shop-api", "shop-worker"] {
        let rollout = format!("ecs-svc/{service}-2").as_str().into();
        scene.answer(Event::RolloutStarted { service: service.into(), rollout });
    }
    scene.answer(up("shop-web", 9, scene.now));
    assert_eq!(scene.head.active, None, "{}", scene.verdicts());
    let said = scene.push("b3", 3);
    assert!(said.starts_with("yes: queued"), "{said}");
}
