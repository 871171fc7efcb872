//! Who updated a service that runs another revision: ECS, which rolled it back, a slow worker of ours,
//! or somebody outside Slipway.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use super::states::{self, MINUTE};
use pipeline::deployment::ServiceState;
use pipeline::event::{Event, Refusal};
use pipeline::observation::Progress;
use pipeline::time::Span;

const SECOND: Span = Span::seconds(1);

/// ECS rolled the rollout of revision 2 back to revision 9; the failed rollout still drains.
fn returned_past(service: &str, story: &Story) -> Event {
    let rollouts = vec![
        rollout(service, 9, true, Progress::InProgress, 2),
        rollout(service, 2, false, Progress::Failed, 0),
    ];
    let mut seen = observation(service, story.now, rollouts);
    if let Some(found) = &mut seen.found {
        found.returned_from = Some(rollout_id(service, 2).as_str().into());
    }
    observed(seen)
}

fn underway_from(service: &str, number: u32, from: u32, seen_at: pipeline::time::Time) -> Event {
    let rollouts = vec![
        rollout(service, number, true, Progress::InProgress, 1),
        rollout(service, from, false, Progress::Completed, 1),
    ];
    observed(observation(service, seen_at, rollouts))
}

/// The rollout that was to be stopped has ended, because ECS rolled it back.
#[test]
fn what_ecs_rolled_back_before_its_rollout_could_be_stopped_is_no_update_outside_slipway() {
    let story = states::rolling_back();
    assert!(story.asks().contains("roll back shop-web (StopRollout"), "{}", story.asks());
    let story = story.then(rollback_refused("shop-web", Refusal::RolloutIsOver));
    let seen = match returned_past("shop-web", &story) {
        Event::Observed { mut services } => services.remove(0),
        _ => unreachable!(),
    };
    let story = story.then(Event::LeftAlone { seen });
    let state = &story.deployment.services[2].state;
    assert!(matches!(state, ServiceState::RollingBack { by_ecs: true, .. }), "{state:?}");
}

/// The same, and the failed rollout has drained: only ECS can say what happened.
#[test]
fn ecs_is_asked_during_our_rollback_too_who_updated_a_service() {
    let story = states::rolling_back();
    let seen_at = story.now;
    let story = story.then(left_alone("shop-web", 9, seen_at)).quietly(SECOND);
    // What ECS would answer.
    let seen_at = story.now;
    let story = story.then(asked("shop-web", 9, true, seen_at)).quietly(VISIBLE);
    let story = look(story, "shop-web", 9);
    let story = story.all([rollback_started("shop-api"), rollback_started("shop-worker")]);
    let story = look(look(story.quietly(VISIBLE), "shop-api", 1), "shop-worker", 1);
    let story = story.later(MINUTE + MINUTE);
    let story = look(look(look(story, "shop-api", 1), "shop-worker", 1), "shop-web", 9);
    assert!(story.outcome().starts_with("rolled back"), "{}", story.outcome());
}

/// ECS rolled back the rollout that had rolled the service back, and that has drained.
#[test]
fn ecs_is_asked_who_updated_a_service_that_was_being_rolled_back() {
    let story = Story::begin(&PLAIN).then(prepared()).quietly(SECOND).then(start_rollback(false));
    let story = story.then(rollback_started("shop-api")).quietly(Span::minutes(4));
    let story = look(story, "shop-api", 9).quietly(SECOND);
    let mut seen = observation(
        "shop-api",
        story.now,
        vec![rollout("shop-api", 9, true, Progress::Completed, 2)],
    );
    if let Some(found) = &mut seen.found {
        found.returns_asked = true;
        found.returned_from = Some(rollout_id("shop-api", 3).as_str().into());
    }
    let state = &story.then(observed(seen)).deployment.services[0].state;
    assert!(matches!(state, ServiceState::NotRolledBack { .. }), "{state:?}");
}

/// Our worker had checked the service before ECS rolled it back, and updates it now.
#[test]
fn our_own_slow_rollback_after_that_of_ecs_is_no_update_outside_slipway() {
    let story = states::rolling_back();
    let event = returned_past("shop-web", &story);
    let story = story.then(event).quietly(SECOND);
    let seen_at = story.now;
    let story = story.then(underway_from("shop-web", 1, 9, seen_at));
    let state = &story.deployment.services[2].state;
    assert!(!matches!(state, ServiceState::UpdatedOutside { .. }), "{state:?}");
}

#[test]
fn nothing_was_deregistered_where_our_own_rollback_followed_that_of_ecs() {
    let story = states::rolling_back();
    let event = returned_past("shop-web", &story);
    let story = story.then(event).quietly(SECOND).then(rollback_started("shop-web"));
    assert!(!story.timeline().contains("was deregistered"), "{}", story.timeline());
}

/// What was observed after the start, and before the preparation read the service.
#[test]
fn an_observation_from_before_the_preparation_is_no_update_outside_slipway() {
    let story = Story::begin(&PLAIN).quietly(SECOND);
    let seen_at = story.now;
    let story = story.quietly(MINUTE).then(prepared());
    let story = story.then(up("shop-api", 9, seen_at));
    assert_eq!(story.state(), "rolling out", "{}", story.timeline());
}

/// The observation at the deadline is the first that shows it. ECS still has to be asked.
#[test]
fn an_update_outside_slipway_first_seen_at_the_deadline_rolls_nothing_back() {
    let story = states::second_wave();
    let story = underway_until_the_deadline(story, "shop-web");
    assert_eq!(story.state(), "rolling out");
    let story = look(story, "shop-web", 9);
    assert_eq!(story.state(), "rolling out", "{}", story.timeline());
}

fn underway_until_the_deadline(mut story: Story, service: &str) -> Story {
    for _ in 0..9 {
        let seen_at = story.now;
        story = story.then(underway(service, 2, seen_at)).later(MINUTE);
    }
    story
}

/// ECS sends events, and the answer whether it rolled the service back is lost.
fn last_look_without_an_answer(policy: &str) -> Story {
    let mut story = states::confirming_with(&[("rollback", policy)]);
    for _ in 0..13 {
        if story.state() == "confirming" {
            let seen_at = story.now;
            story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
            // An event of ECS, not the answer to the question.
            let (deployment, _) = pipeline::deployment::advance(
                story.deployment.clone(),
                up("shop-web", 9, story.now),
                story.now,
            );
            story.deployment = deployment;
            story = story.later(MINUTE);
        }
    }
    story
}

#[test]
fn an_update_outside_slipway_in_the_last_look_undoes_no_migration() {
    let story = last_look_without_an_answer("after_undo");
    assert!(!story.asks().contains("undo"), "asks {}\n{}", story.asks(), story.timeline());
}

#[test]
fn an_update_outside_slipway_in_the_last_look_is_not_still_on_the_new_revision() {
    let story = last_look_without_an_answer("manual");
    assert!(!story.outcome().contains("still on the new revision"), "{}", story.outcome());
}

#[test]
fn an_update_outside_slipway_in_the_last_look_rolls_nothing_back() {
    let story = last_look_without_an_answer("auto");
    assert!(!story.asks().contains("roll back"), "asks {}\n{}", story.asks(), story.timeline());
}

#[test]
fn without_an_answer_in_time_it_counts_as_updated_outside_slipway() {
    let story = states::rolling_back();
    let seen_at = story.now;
    let mut story = story.then(left_alone("shop-web", 9, seen_at));
    let is_open = |story: &Story| {
        matches!(story.deployment.services[2].state, ServiceState::RollingBack { .. })
    };
    for _ in 0..60 {
        story = if is_open(&story) { look(story.later(MINUTE), "shop-web", 9) } else { story };
    }
    let state = &story.deployment.services[2].state;
    assert!(matches!(state, ServiceState::UpdatedOutside { .. }), "{state:?}");
}

/// It is rolled back already; the others follow, whether or not ECS answers.
#[test]
fn a_service_on_its_previous_revision_at_the_deadline_starts_the_rollback() {
    let story = underway_until_the_deadline(states::second_wave(), "shop-web");
    assert_eq!(look(story, "shop-web", 1).state(), "rolling back");
}

/// A second worker performed the same message, and is late.
#[test]
fn a_late_answer_that_the_rollout_is_over_changes_nothing() {
    let story = states::rolling_back();
    let story = story.then(rollback_refused("shop-web", Refusal::RolloutIsOver));
    let story = story.then(rollback_started("shop-web")).quietly(SECOND);
    let story = story.then(rollback_refused("shop-web", Refusal::RolloutIsOver));
    assert!(!story.asks().contains("roll back"), "{}", story.asks());
}

#[test]
fn a_rollout_that_is_over_is_updated_while_another_service_is_rolled_back_by_an_update() {
    let story = Story::begin(&PLAIN).then(prepared());
    let story = story.all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let story = look(story.quietly(VISIBLE), "shop-worker", 2);
    let story = story.then(start_rollback(false));
    let asks = story.asks();
    assert!(asks.contains("shop-worker (Update)") && asks.contains("shop-api (Stop"), "{asks}");
    let story = story.then(rollback_refused("shop-api", Refusal::RolloutIsOver));
    assert!(story.asks().contains("roll back shop-api (Update)"), "{}", story.asks());
}
