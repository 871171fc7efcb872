//! Updates outside Slipway before, while and after Slipway updates a service.

use super::events::*;
use super::fixtures::{PLAIN, START, Story, TIMEOUT, request};
use super::scene::Scene;
use super::states::{self, MINUTE, verify_rollback};
use expect_test::expect;
use pipeline::deployment::{Reply, ServiceState, advance};
use pipeline::effect::Effect;
use pipeline::event::{Event, Refusal};
use pipeline::observation::Progress;
use pipeline::time::{Span, Time};

/// Nothing but services, the first wave of which goes out.
fn plain() -> Story {
    Story::begin(&PLAIN).then(prepared())
}

#[test]
fn the_update_and_the_rollback_name_the_expected_revision() {
    let story = states::rolling_back();
    let story = story.then(rollback_refused("shop-web", Refusal::RolloutIsOver));
    let seen: Vec<_> = plain().deployment.outbox.entries().to_vec();
    let updates = seen.iter().filter_map(|entry| match &entry.effect {
        Effect::RollOut(out) => Some((out.service.to_string(), out.before.clone())),
        _ => None,
    });
    let expected = ["shop-api", "shop-worker"].map(|s| (s.to_owned(), Some(revision(s, 1))));
    assert_eq!(updates.collect::<Vec<_>>(), expected);
    let back = story.deployment.outbox.entries().iter().find_map(|entry| match &entry.effect {
        Effect::RollBack(back) => Some((back.from.clone(), back.to.clone())),
        _ => None,
    });
    assert_eq!(back, Some((Some(revision("shop-web", 2)), revision("shop-web", 1))));
}

#[test]
fn an_update_outside_slipway_after_the_preparation_supersedes() {
    let story = plain();
    let seen_at = story.now;
    let story = story.then(left_alone("shop-api", 9, seen_at));
    expect!["superseded: shop-api was updated to shop-api:9 outside Slipway"]
        .assert_eq(&story.outcome());
    assert_eq!(story.asks(), "");
    let story = plain();
    let seen_at = story.now;
    expect!["superseded: shop-api was deleted outside Slipway"]
        .assert_eq(&story.then(left_nothing_alone("shop-api", seen_at)).outcome());
}

#[test]
fn a_takeover_of_a_later_wave_is_noticed_before_we_get_there() {
    let story = states::rolling_out();
    let seen_at = story.now;
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&story.clone().then(up("shop-web", 9, seen_at)).outcome());
    expect!["superseded: shop-web was deleted outside Slipway"]
        .assert_eq(&story.clone().then(gone("shop-web", seen_at)).outcome());
    // What it ran, and what it will run.
    for number in [1, 2] {
        let mut story = story.clone();
        let said = story.tell(up("shop-web", number, seen_at));
        assert_eq!(said, Reply::Ignored("shop-web is not updated yet".into()));
    }
}

#[test]
fn what_ecs_shows_late_of_an_untouched_service_is_no_takeover() {
    let story = plain();
    let seen_at = story.now + Span::seconds(30);
    let story = story.quietly(MINUTE).then(up("shop-web", 9, seen_at));
    assert_eq!(story.state(), "rolling out");
}

#[test]
fn a_new_service_belongs_to_the_one_that_created_it_first() {
    let mut preparation = preparation(&SERVICES);
    preparation.services[2].before = None;
    let story = Story::begin(&PLAIN).then(Event::Prepared(preparation));
    let story = story.all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let story = story.quietly(VISIBLE);
    let seen_at = story.now;
    let nothing = story.clone().then(gone("shop-web", seen_at));
    assert_eq!(nothing.state(), "rolling out");
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&story.then(up("shop-web", 9, seen_at)).outcome());
}

#[test]
fn what_was_left_alone_for_a_moment_only_is_asked_for_again() {
    let story = plain().then(rollout_started("shop-worker")).quietly(MINUTE);
    let (long_ago, seen_at) = (START, story.now);
    // An event triggered an observation, and what a worker saw before that no longer counts.
    let story = story.then(up("shop-api", 1, seen_at)).quietly(Span::seconds(5));
    let story = story.then(left_alone("shop-api", 9, long_ago));
    assert_eq!(story.asks(), "");
    let story = story.later(MINUTE);
    assert_eq!(story.state(), "rolling out");
    expect!["observe shop-api+shop-worker, roll out shop-api"].assert_eq(&story.asks());
    // It ends at some time.
    let mut story = story;
    for _ in 0..20 {
        story = story.then(left_alone("shop-api", 9, long_ago)).later(MINUTE);
    }
    expect!["rolling back"].assert_eq(story.state());
}

#[test]
fn an_update_outside_slipway_during_the_rollback_is_not_overwritten() {
    let story = states::rolling_back();
    let seen_at = story.now;
    let story = story.then(left_alone("shop-web", 9, seen_at));
    // ECS may have rolled it back.
    expect!["observe shop-web and whether ECS returned"].assert_eq(&story.asks());
    let story = story.then(asked("shop-web", 9, false, seen_at));
    let story =
        story.all([rollback_started("shop-api"), rollback_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&verify_rollback(story).outcome());
}

#[test]
fn a_service_deleted_outside_slipway_during_the_rollback_is_left_unchanged() {
    let story = states::rolling_back();
    let seen_at = story.now;
    let story = story.then(left_nothing_alone("shop-web", seen_at));
    assert_eq!(story.deployment.services[2].state, ServiceState::UpdatedOutside { revision: None });
}

/// The service `shop-web` is created, fails and is to be deleted again.
fn removing() -> Story {
    let changes: Vec<_> = PLAIN.iter().copied().chain([("first_deploy", "remove")]).collect();
    let mut preparation = preparation(&SERVICES);
    preparation.services.iter_mut().for_each(|service| service.before = None);
    let story = Story::begin(&changes).then(Event::Prepared(preparation));
    let story = story.all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    story.then(rollout_started("shop-web")).then(start_rollback(false))
}

#[test]
fn what_this_deployment_did_not_create_is_not_deleted_and_named() {
    let story = removing();
    expect!["remove shop-web"].assert_eq(&story.asks());
    let story = story.then(rollback_refused("shop-web", Refusal::NotCreated));
    expect!["remove shop-api, remove shop-worker"].assert_eq(&story.asks());
    let removed = ["shop-api", "shop-worker"].map(|s| Event::Removed { service: s.into() });
    let story = settle_removed(story.all(removed));
    expect!["failed: requested by ann: it looks odd; still on the new revision: shop-web"]
        .assert_eq(&story.outcome());
}

#[test]
fn a_created_service_that_was_updated_outside_slipway_is_not_deleted() {
    let story = removing();
    let seen_at = story.now;
    let story = story.then(left_alone("shop-web", 9, seen_at));
    let removed = ["shop-api", "shop-worker"].map(|s| Event::Removed { service: s.into() });
    let story = settle_removed(story.all(removed));
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&story.outcome());
}

#[test]
fn a_foreign_service_in_place_of_a_deleted_one_is_left_unchanged() {
    let removed = SERVICES.map(|s| Event::Removed { service: s.into() });
    let story = removing().all(removed.into_iter().rev());
    assert_eq!(story.state(), "verifying rollback");
    let story = story.quietly(MINUTE).later(MINUTE + MINUTE);
    let seen_at = story.now;
    let story = story.then(up("shop-web", 9, seen_at));
    assert_eq!(story.state(), "verifying rollback");
    let story = story.all(["shop-api", "shop-worker"].map(|s| gone(s, seen_at)));
    expect!["superseded: shop-web was updated to shop-web:9 outside Slipway"]
        .assert_eq(&story.outcome());
}

fn settle_removed(story: Story) -> Story {
    let story = story.quietly(MINUTE).later(MINUTE + MINUTE);
    let seen_at = story.now;
    story.all(["shop-api", "shop-worker"].map(|service| gone(service, seen_at)))
}

#[test]
fn ecs_is_asked_whether_it_or_a_person_restored_the_old_revision() {
    let story = states::second_wave();
    let seen_at = story.now;
    let story = story.then(up("shop-web", 1, seen_at));
    expect!["observe shop-web and whether ECS returned"].assert_eq(&story.asks());
    expect!["shop-web: waiting for ECS to say whether it rolled the service back"]
        .assert_eq(&story.outcome());
    // An event reports the same again, while the effect is open.
    let (again, _) = advance(story.deployment.clone(), up("shop-web", 1, seen_at), seen_at);
    assert_eq!(again.outbox, story.deployment.outbox);
    let seen_at = story.now;
    let returned = story.clone().then(asked("shop-web", 1, true, seen_at));
    expect!["shop-web: waiting for ECS to finish its own rollback"].assert_eq(&returned.outcome());
    expect!["superseded: shop-web was updated to shop-web:1 outside Slipway"]
        .assert_eq(&story.then(asked("shop-web", 1, false, seen_at)).outcome());
}

#[test]
fn ecs_is_asked_again_in_the_verification_and_nothing_succeeds_before_its_answer() {
    let story = states::confirming();
    let seen_at = story.now;
    let story = story.all(all_up(2, seen_at)).then(up("shop-web", 1, seen_at + Span::seconds(1)));
    let story = story.quietly(Span::seconds(2)).then(alarms_read(seen_at));
    assert_eq!(story.state(), "confirming");
    expect!["observe shop-web and whether ECS returned"].assert_eq(&story.asks());
}

#[test]
fn two_answers_about_fresh_tasks_are_both_ours_in_any_order() {
    let mut request = request("b1", START);
    request.fresh = true;
    let mut same = preparation(&SERVICES);
    same.services.iter_mut().for_each(|service| service.after = revision(service.name.as_str(), 1));
    let story = Story::begin_with(&PLAIN, request).then(Event::Prepared(same));
    let answer = |number| Event::RolloutStarted {
        service: "shop-api".into(),
        rollout: rollout_id("shop-api", number).as_str().into(),
    };
    for order in [[3, 4], [4, 3]] {
        let story = story.clone().all(order.map(answer)).quietly(VISIBLE);
        let seen_at = story.now;
        for primary in order {
            let mut rollout = rollout("shop-api", 1, true, Progress::Completed, 2);
            rollout.id = rollout_id("shop-api", primary).as_str().into();
            let seen = observed(observation("shop-api", seen_at, vec![rollout]));
            let story = story.clone().then(seen);
            assert_eq!(story.deployment.services[0].state, ServiceState::Updated, "{order:?}");
        }
    }
}

#[test]
fn a_service_without_an_answer_is_rolled_back_at_its_deadline() {
    let story = plain().quietly(TIMEOUT).later(MINUTE).later(MINUTE + MINUTE);
    assert_eq!(story.state(), "rolling back");
}

fn alone() -> Story {
    let changes: Vec<_> = PLAIN.iter().chain(&[("services", "[shop-api]")]).copied().collect();
    let story = Story::begin(&changes).then(Event::Prepared(preparation(&["shop-api"])));
    story.then(rollout_started("shop-api")).quietly(VISIBLE)
}

fn underway_from(service: &str, number: u32, seen_at: Time) -> Event {
    let rollouts = vec![
        rollout(service, number, true, Progress::InProgress, 1),
        rollout(service, 2, false, Progress::Completed, 1),
    ];
    observed(observation(service, seen_at, rollouts))
}

#[test]
fn what_was_registered_again_is_ours_though_it_is_seen_before_the_worker_answers() {
    let story = alone();
    let story = story.clone().all(states::died_twice(&story, "shop-api"));
    // The worker has registered shop-api:3 from the deregistered :1, has updated, and is slow to say so.
    let seen_at = story.now;
    let story = story.then(underway_from("shop-api", 3, seen_at));
    let story = story.then(Event::RollbackStarted {
        service: "shop-api".into(),
        revision: revision("shop-api", 3),
        rollout: None,
    });
    let story = story.quietly(VISIBLE);
    let seen_at = story.now;
    let mut story = story.then(up("shop-api", 3, seen_at));
    for _ in 0..3 {
        story = story.later(MINUTE + MINUTE);
        let seen_at = story.now;
        story = story.then(up("shop-api", 3, seen_at));
    }
    assert!(story.outcome().starts_with("rolled back"), "{}", story.timeline());
}

#[test]
fn a_worker_that_died_before_it_could_say_what_it_registered_is_asked_again() {
    // Two services, so that the deployment continues meanwhile: the copy of the message would
    // answer.
    let story = states::rolling_back();
    let seen_at = story.now;
    let story = story.then(underway_from("shop-web", 3, seen_at));
    // The message of shop-web is no longer wanted, so it is never answered.
    assert!(
        story.asks().contains("roll back shop-web"),
        "{}\nasks {}",
        story.timeline(),
        story.asks()
    );
}

#[test]
fn what_ecs_returns_to_is_not_what_was_good_here() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    let rollout = "ecs-svc/shop-api-2".into();
    scene.answer(Event::RolloutStarted { service: "shop-api".into(), rollout });
    scene.now = scene.now + VISIBLE;
    // A rollout of :101 outside Slipway had not finished; ECS rolls back to :8, which was there
    // before it.
    scene.answer(asked("shop-api", 8, true, scene.now));
    for service in ["shop-worker", "shop-web"] {
        let revision = revision(service, 101);
        scene.answer(Event::RollbackStarted { service: service.into(), revision, rollout: None });
    }
    for _ in 0..3 {
        scene.now = scene.now + Span::minutes(2);
        for (service, number) in [("shop-api", 8), ("shop-worker", 101), ("shop-web", 101)] {
            if scene.head.active.is_some() {
                scene.answer(up(service, number, scene.now));
            }
        }
    }
    assert_eq!(scene.head.good[0].revisions[&"shop-api".into()], revision("shop-api", 101));
}

/// An event came so late that the previous deployment had updated the service to another revision.
#[test]
fn an_observation_from_before_the_deployment_is_no_update_outside_slipway() {
    let mut story = plain();
    let before = Time::from_millis(START.millis() - 60_000);
    story.tell(up("shop-api", 9, before));
    assert_eq!(story.state(), "rolling out", "{}", story.timeline());
    let now = story.now;
    story.tell(up("shop-api", 9, now));
    assert!(story.outcome().starts_with("superseded"), "{}", story.timeline());
}
