//! What a success proves: services without a task, and such as the release does not change.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use super::scene::Scene;
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::observation::Progress;
use pipeline::time::Span;

/// Everything succeeds, with this many tasks of each service.
fn with_tasks(tasks: [u32; 3]) -> Story {
    let story = Story::begin(&PLAIN).then(prepared());
    let story =
        story.all([rollout_started("shop-api"), rollout_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([
        runs_tasks("shop-api", 2, tasks[0], seen_at),
        runs_tasks("shop-worker", 2, tasks[1], seen_at),
    ]);
    let story = story.then(rollout_started("shop-web")).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.then(runs_tasks("shop-web", 2, tasks[2], seen_at));
    let seen_at = story.now;
    let events =
        SERVICES.iter().zip(tasks).map(|(service, tasks)| runs_tasks(service, 2, tasks, seen_at));
    story.all(events.collect::<Vec<_>>())
}

#[test]
fn a_release_of_which_no_task_was_started_is_unproven() {
    expect!["unproven: shop-api ran no task: its desired count is 0, shop-web ran no task: its desired count is 0, shop-worker ran no task: its desired count is 0"].assert_eq(&with_tasks([0, 0, 0]).outcome());
}

#[test]
fn one_service_without_a_task_is_mentioned_and_keeps_no_release_from_success() {
    let story = with_tasks([2, 0, 2]);
    assert_eq!(story.outcome(), "succeeded");
    expect![[r#"
        [
            "Warning: shop-worker ran no task: its desired count is 0.",
            "Ended: succeeded.",
        ]
    "#]]
    .assert_debug_eq(&story.deployment.timeline.last(2));
}

/// `shop-web` stays at the revision that it runs.
fn without_web() -> Story {
    let mut preparation = preparation(&SERVICES);
    preparation.services[2].after = revision("shop-web", 1);
    let story = Story::begin(&PLAIN).then(Event::Prepared(preparation));
    let story =
        story.all([rollout_started("shop-api"), rollout_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    assert_eq!(story.state(), "confirming");
    story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)])
}

#[test]
fn a_service_that_is_not_changed_and_failed_long_ago_sends_nothing_back() {
    let story = without_web();
    let failed = vec![
        rollout("shop-web", 1, true, Progress::Failed, 0),
        rollout("shop-web", 9, false, Progress::Completed, 2),
    ];
    let seen_at = story.now;
    let story = story.then(observed(observation("shop-web", seen_at, failed)));
    expect!["unproven: shop-web, which this release does not change, failed: ECS deployment circuit breaker: tasks failed to start."].assert_eq(&story.outcome());
}

#[test]
fn a_service_that_is_not_changed_and_finds_no_rest_sends_nothing_back() {
    let mut story = without_web();
    let half = |seen_at| {
        let half = rollout("shop-web", 1, true, Progress::Completed, 1);
        observed(observation("shop-web", seen_at, vec![half]))
    };
    for _ in 0..12 {
        if story.state() == "confirming" {
            let seen_at = story.now;
            story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
            story = story.then(half(seen_at)).later(MINUTE);
        }
    }
    expect!["unproven: shop-web, which this release does not change, is not stable: 1 of 2 tasks running"].assert_eq(&story.outcome());
    // A service whose state is unknown is another case of that.
    let mut story = without_web();
    for _ in 0..40 {
        if story.state() == "confirming" {
            let seen_at = story.now;
            story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
            story = story.later(MINUTE);
        }
    }
    expect!["unproven: shop-web, which this release does not change, is not stable: waiting for ECS to report its state"].assert_eq(&story.outcome());
}

#[test]
fn a_changed_service_that_does_not_come_to_rest_goes_back_whatever_others_do() {
    let story = without_web();
    let event = underway("shop-api", 2, story.now);
    let mut story = story.then(event);
    // No look is answered any more, which says nothing against the other two for a while.
    for _ in 0..40 {
        story = if story.state() == "confirming" { story.later(MINUTE) } else { story };
    }
    assert_eq!(story.state(), "rolling back");
    assert!(story.timeline().contains("Rolling back: shop-api did not stay stable"));
}

/// Nothing was heard for long: what was seen before has to be seen again, and nothing else is wrong.
#[test]
fn a_last_look_that_is_over_asks_once_more_for_what_was_seen_long_ago() {
    let mut story = without_web();
    for _ in 0..40 {
        story = if story.outcome().contains("shop-web") { story.later(MINUTE) } else { story };
    }
    assert_eq!(story.state(), "confirming", "{}", story.timeline());
    expect!["final check of shop-api, shop-worker"].assert_eq(&story.outcome());
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    expect!["unproven: shop-web, which this release does not change, is not stable: waiting for ECS to report its state"].assert_eq(&story.outcome());
}

/// The active deployment goes well, and no service is to run a task.
fn end_without_tasks(scene: &mut Scene) {
    scene.tasks = 0;
    scene.succeed();
    scene.tasks = 2;
}

/// What was promoted to the next environment.
fn promotions(scene: &Scene) -> String {
    let entries = scene.head.outbox.entries().iter();
    let lines = entries.filter_map(|entry| match &entry.effect {
        Effect::Promote { release, .. } => Some(format!("{}\n", release.version)),
        _ => None,
    });
    lines.collect()
}

#[test]
fn what_is_unproven_is_live_and_neither_good_nor_bad_nor_promoted() {
    let mut scene = Scene::new(&[]);
    scene.promotes_to = vec!["production".into()];
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    end_without_tasks(&mut scene);
    expect![[r#"
        1 b1: succeeded
        2 b2: unproven: shop-api ran no task: its desired count is 0, shop-web ran no task: its desired count is 0, shop-worker ran no task: its desired count is 0
    "#]]
    .assert_eq(&scene.verdicts());
    assert_eq!((scene.live(), scene.hold().as_str()), ("b2", "none"));
    assert!(scene.head.bad.is_empty());
    let good: Vec<_> = scene.head.good.iter().map(|good| good.release.version.as_str()).collect();
    assert_eq!(good, ["b1"]);
    assert_eq!(promotions(&scene), "b1\n");
    // In the morning a person deploys it again, and it is proven.
    scene.deploy("b2", 2, &[]);
    scene.succeed();
    assert_eq!(promotions(&scene), "b1\nb2\n");
    assert_eq!(scene.live(), "b2");
}

#[test]
fn an_unproven_release_is_rolled_back_to_the_last_good_one() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    end_without_tasks(&mut scene);
    expect!["yes: deployment 3 of b1 has started"].assert_eq(&scene.roll_back(None));
    // At night that starts no task either, and it was proven before.
    end_without_tasks(&mut scene);
    expect![[r#"
        1 b1: succeeded
        2 b2: unproven: shop-api ran no task: its desired count is 0, shop-web ran no task: its desired count is 0, shop-worker ran no task: its desired count is 0
        3 b1: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn a_release_that_changes_nothing_succeeds_where_its_tasks_run() {
    let mut same = preparation(&SERVICES);
    same.services.iter_mut().for_each(|service| service.before = Some(service.after.clone()));
    let mut story = Story::begin(&PLAIN).then(Event::Prepared(same));
    for _ in 0..10 {
        let seen_at = story.now;
        story = story.all(all_up(2, seen_at)).then(alarms_read(seen_at)).later(MINUTE);
    }
    assert_eq!(story.outcome(), "succeeded");
}

#[test]
fn what_was_not_changed_is_not_named_among_what_stays_changed() {
    let story = without_web();
    let seen_at = story.now;
    let story = story.then(asked("shop-api", 9, false, seen_at));
    expect!["1m30s No service is rolled back: shop-worker stay as they are."]
        .assert_eq(story.timeline().lines().rev().nth(1).unwrap_or_default().trim());
}

#[test]
fn a_release_is_not_rolled_back_for_answers_that_were_lost_for_two_minutes() {
    let story = states::confirming();
    let read_at = story.now;
    let story = story.then(alarms_read(read_at));
    let mut story = story;
    for minute in 1..=9 {
        story = story.quietly(MINUTE);
        let seen_at = story.now;
        let half = rollout("shop-web", 2, true, Progress::Completed, 1);
        story = story.then(observed(observation("shop-web", seen_at, vec![half])));
        if minute <= 8 {
            story = look(look(story, "shop-api", 2), "shop-worker", 2);
        }
        story = story.then(Event::Woken);
        let read_at = story.now;
        story = story.then(alarms_read(read_at));
    }
    // All three were seen stable within two minutes, and all alarms are quiet.
    let story = look(story.quietly(Span::seconds(40)), "shop-web", 2);
    expect!["final check of shop-api, shop-worker"].assert_eq(&story.outcome());
    let story = story.later(Span::seconds(20)).later(MINUTE).later(MINUTE);
    assert_eq!(story.state(), "confirming", "{}", story.timeline());
}
