//! What is told and decided of a service while it is on its way back, or being deleted.

use super::before::first_deploy_fails;
use super::events::*;
use super::fixtures::{PLAIN, Story, TIMEOUT};
use super::scene::Scene;
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::deployment::{ServiceState, VISIBLE_AFTER, WORKER_LIFE, advance};
use pipeline::environment::Input;
use pipeline::event::{Event, Refusal};
use pipeline::time::Span;

/// ECS has taken the update that puts `shop-web` back.
fn web_goes_back() -> Story {
    states::rolling_back().then(rollback_started("shop-web")).quietly(VISIBLE)
}

#[test]
fn how_far_a_service_is_on_its_way_back_is_told() {
    let story = web_goes_back();
    expect!["shop-web: waiting for ECS to start tasks"].assert_eq(&story.outcome());
    let seen_at = story.now;
    let story = story.then(underway("shop-web", 1, seen_at));
    expect!["shop-web: 1 of 2 new tasks running, 2 old tasks still running"]
        .assert_eq(&story.outcome());
}

#[test]
fn a_service_that_is_not_back_at_its_deadline_is_given_up_with_what_it_waited_for() {
    let story = web_goes_back().quietly(TIMEOUT);
    let seen_at = story.now;
    let story = story.then(underway("shop-web", 1, seen_at));
    let ServiceState::NotRolledBack { why } = &story.deployment.services[2].state else {
        unreachable!("{}", story.timeline())
    };
    expect!["the rollback timed out: 1 of 2 new tasks running, 2 old tasks still running"]
        .assert_eq(why);
    // The others have their turn.
    expect!["roll back shop-api (Update), roll back shop-worker (Update)"].assert_eq(&story.asks());
}

#[test]
fn a_deleted_service_that_ecs_still_shows_for_a_moment_is_not_deleted_again() {
    let story = first_deploy_fails("remove");
    expect!["shop-web: being deleted"].assert_eq(&story.outcome());
    let story = story.then(Event::Removed { service: "shop-web".into() });
    let seen_at = story.now;
    let story = story.then(up("shop-web", 2, seen_at));
    assert_eq!(story.deployment.services[2].state, ServiceState::Deleted);
    expect!["roll back shop-api (Update), roll back shop-worker (Update)"].assert_eq(&story.asks());
    // Where it is there for longer, a slow worker has created it once more.
    let story = story.quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.then(up("shop-web", 2, seen_at));
    assert!(story.asks().contains("remove shop-web"), "{}", story.asks());
}

/// The good revision was deregistered, and the worker has registered it again.
#[test]
fn a_revision_that_was_registered_again_is_the_good_one_from_then_on() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    scene.roll_back(None);
    let runs = [("shop-api", 109), ("shop-worker", 101), ("shop-web", 101)];
    for (name, number) in runs {
        let revision = revision(name, number);
        scene.answer(Event::RollbackStarted { service: name.into(), revision, rollout: None });
    }
    while scene.head.active.is_some() {
        scene.now = scene.now + MINUTE;
        scene.tell(Input::Woken);
        for (name, number) in runs {
            if scene.head.active.is_some() {
                scene.answer(up(name, number, scene.now));
            }
        }
    }
    expect![[r#"
        1 b1: succeeded
        2 b2: rolled back: requested by ann: it looks odd
    "#]]
    .assert_eq(&scene.verdicts());
    let good = &scene.head.good[0].revisions;
    let good = runs.map(|(name, _)| good[&name.into()].short().to_owned());
    assert_eq!(good, ["shop-api:109", "shop-worker:101", "shop-web:101"]);
}

#[test]
fn a_service_that_is_given_up_is_not_asked_for_any_more_and_the_others_are() {
    let story = web_goes_back();
    let seen_at = story.now;
    let story = story.then(up("shop-web", 1, seen_at));
    expect!["roll back shop-api (Update), roll back shop-worker (Update)"].assert_eq(&story.asks());
    // A copy of the message has been refused, and the message itself is still there.
    let refused = rollback_refused("shop-api", Refusal::Final);
    let (deployment, _) = advance(story.deployment, refused, story.now);
    let story = Story { deployment, now: story.now }.then(up("shop-api", 2, seen_at));
    let why = "access denied".to_owned();
    assert_eq!(story.deployment.services[0].state, ServiceState::NotRolledBack { why });
    expect!["roll back shop-worker (Update)"].assert_eq(&story.asks());
}

#[test]
fn a_service_that_is_seen_to_be_deleted_is_not_asked_for_any_more_and_the_others_are() {
    let mut preparation = preparation(&SERVICES);
    preparation.services.iter_mut().for_each(|service| service.before = None);
    let changes = [&PLAIN[..], &[("first_deploy", "remove")]].concat();
    let story = Story::begin(&changes).then(Event::Prepared(preparation));
    let story = story.all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let story = story.then(start_rollback(false));
    expect!["remove shop-api, remove shop-worker"].assert_eq(&story.asks());
    let story = story.quietly(WORKER_LIFE + VISIBLE_AFTER);
    let seen_at = story.now;
    let story = story.then(gone("shop-api", seen_at));
    assert_eq!(story.deployment.services[0].state, ServiceState::Deleted);
    expect!["remove shop-worker"].assert_eq(&story.asks());
}

/// A slow worker brings the release to `shop-web` a quarter of an hour after it was rolled back.
#[test]
fn a_service_that_is_roll_back_again_has_a_deadline_of_its_own() {
    let story = web_goes_back();
    let seen_at = story.now;
    let story = story.then(up("shop-web", 1, seen_at)).quietly(Span::minutes(14));
    let seen_at = story.now;
    let story = story.then(up("shop-web", 2, seen_at));
    assert!(story.timeline().contains("shop-web runs the new revision again."));
    let service = &story.deployment.services[2];
    let ServiceState::RollingBack { deadline, .. } = service.state else {
        unreachable!("{}", story.timeline())
    };
    assert_eq!(Some(deadline), service.back_by);
    assert!(deadline < story.now + Span::minutes(15), "{}", deadline.since(story.now));
}

#[test]
fn what_a_late_worker_sees_in_the_last_look_counts_like_any_other_look() {
    let story = states::verifying_rollback().later(MINUTE + MINUTE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    assert_eq!(story.state(), "verifying rollback");
    let story = story.then(left_alone("shop-web", 1, seen_at));
    assert!(story.outcome().starts_with("rolled back: "), "{}", story.outcome());
}
