//! Review 9: histories that still break it.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use super::scene::{Scene, at};
use super::states;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, Override};
use pipeline::event::{AlarmState, Event};
use pipeline::names::{Revision, TaskId};
use pipeline::observation::Progress;
use pipeline::task::{Fault, OneOffEnd, Stop};

fn no_capacity() -> OneOffEnd {
    let reason = "Capacity is unavailable at this time. Please try again later.".into();
    let stop = Stop { reason, ..stop("TaskFailedToStart") };
    OneOffEnd { exit_code: None, stop, reason: None, beside: None }
}

#[test]
fn e1_no_migration_is_started_once_a_person_has_turned_it_round() {
    let story = states::claimed_by_worker().then(go_back(false));
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

#[test]
fn e2_nor_where_the_task_found_no_room() {
    let story = states::migration_runs().then(go_back(false));
    let task = TaskId::from(TASK);
    let seen =
        Event::OneOffSeen { purpose: Purpose::Migrate, attempt: 1, task, end: Some(no_capacity()) };
    let story = story.then(seen);
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

#[test]
fn e3_nor_where_an_alarm_rang() {
    let story = states::claimed_by_worker();
    let now = story.now + pipeline::time::Span::seconds(1);
    let story = story.quietly(pipeline::time::Span::seconds(1));
    let story = story.then(alarm("shop-5xx", AlarmState::On, now));
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}\nasks {}", story.timeline(), story.asks());
}

fn alone() -> Story {
    let changes: Vec<_> = PLAIN.iter().chain(&[("services", "[shop-api]")]).copied().collect();
    let story = Story::begin(&changes).then(Event::Prepared(preparation(&["shop-api"])));
    story.then(rollout_started("shop-api")).quietly(VISIBLE)
}

#[test]
fn d1_what_was_registered_again_is_not_somebody_elses_though_it_is_seen_before_the_worker_answers()
{
    let story = alone();
    let story = story.clone().all(states::died_twice(&story, "shop-api"));
    // The worker has registered shop-api:3 from the deregistered :1, has updated, and is slow to say so.
    let seen_at = story.now;
    let story = story.then(underway_from("shop-api", 3, seen_at));
    let story = story.then(Event::PutBackStarted {
        service: "shop-api".into(),
        revision: revision("shop-api", 3),
        rollout: None,
    });
    let story = story.quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.then(up("shop-api", 3, seen_at));
    let mut story = story;
    for _ in 0..3 {
        story = story.later(states::MINUTE + states::MINUTE);
        let seen_at = story.now;
        story = story.then(up("shop-api", 3, seen_at));
    }
    assert!(story.outcome().starts_with("rolled back"), "{}", story.timeline());
}

fn underway_from(service: &str, number: u32, seen_at: pipeline::time::Time) -> Event {
    let rollouts = vec![
        rollout(service, number, true, Progress::InProgress, 1),
        rollout(service, 2, false, Progress::Completed, 1),
    ];
    observed(observation(service, seen_at, rollouts))
}

#[test]
fn d2_nor_where_that_worker_died_before_it_could_say_so() {
    // Two services, so that the deployment goes on meanwhile: the copy of the message would answer.
    let story = states::rolling_back();
    let seen_at = story.now;
    let story = story.then(underway_from("shop-web", 3, seen_at));
    // The message of shop-web is not wanted any more, so that nobody ever answers it.
    assert!(
        story.asks().contains("put back shop-web"),
        "{}\nasks {}",
        story.timeline(),
        story.asks()
    );
}

#[test]
fn p1_a_promotion_that_was_declined_once_is_not_lost_in_silence_when_it_succeeds_again() {
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
    let told = scene.head.outbox.entries().len();
    // Ann deploys it in dev once more, so that it is promoted.
    let second = scene.promote("b1", 1);
    assert!(
        scene.head.active.is_some() || scene.head.outbox.entries().len() > told,
        "{second}\n{}",
        scene.verdicts()
    );
}

#[test]
fn g1_what_ecs_chose_is_not_what_was_good() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.begin_rolling_out();
    let rollout = "ecs-svc/shop-api-2".into();
    scene.answer(Event::RolloutStarted { service: "shop-api".into(), rollout });
    scene.now = scene.now + VISIBLE;
    // Somebody's rollout of :101 had not finished; ECS returns to :8, which was there before it.
    scene.answer(asked("shop-api", 8, true, scene.now));
    for service in ["shop-worker", "shop-web"] {
        let revision = revision(service, 101);
        scene.answer(Event::PutBackStarted { service: service.into(), revision, rollout: None });
    }
    for _ in 0..3 {
        scene.now = scene.now + pipeline::time::Span::minutes(2);
        for (service, number) in [("shop-api", 8), ("shop-worker", 101), ("shop-web", 101)] {
            if scene.head.active.is_some() {
                scene.answer(up(service, number, scene.now));
            }
        }
    }
    let good: Vec<(String, Revision)> = scene.head.good[0]
        .revisions
        .iter()
        .map(|(name, revision)| (name.to_string(), revision.clone()))
        .collect();
    assert_eq!(
        scene.head.good[0].revisions[&"shop-api".into()],
        revision("shop-api", 101),
        "{}{good:?} live {}",
        scene.verdicts(),
        scene.live()
    );
}

#[test]
fn q1_nothing_stays_due_while_another_deployment_is_under_way() {
    let freeze = "[{from: 2026-01-01T00:30, to: 2026-01-01T03:00, time_zone: UTC}]";
    let mut scene = Scene::new(&[("approval", "{expires: 24h}"), ("freeze", freeze)]);
    let waits = scene.push("b2", 2);
    assert!(waits.contains("frozen"), "{waits}");
    // Ann wants what is newer, in spite of the freeze; nobody approves it today.
    let said = scene.deploy("b3", 3, &[Override::Freeze]);
    assert!(said.contains("has started"), "{said}");
    scene.now = at(60 * 5);
    scene.tell(pipeline::environment::Input::Woken);
    let due = scene.head.queue.iter().filter_map(|waits| waits.until).min();
    assert!(
        due.is_none_or(|due| due > scene.now),
        "due {} at {}\n{}",
        due.unwrap(),
        scene.now,
        scene.queue()
    );
}

#[test]
fn e4_nor_at_a_later_attempt() {
    // With several attempts: the person asks while the second one waits for a worker.
    let story = states::claimed_by_worker();
    let story = story.then(not_started(Purpose::Migrate, 1, Fault::Capacity));
    let story = story.then(claimed(Purpose::Migrate, 2)).then(go_back(true));
    let story = story.then(not_started(Purpose::Migrate, 2, Fault::Capacity));
    assert!(story.deployment.verdict().is_some(), "{}", story.timeline());
}

/// What of `dev` cannot be read is not "it has not succeeded there".
#[test]
fn u1_what_cannot_be_seen_of_the_environment_before_declines_nothing() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")]);
    scene.dev_succeeded("v1.0.0", 1);
    scene.control(Control::Hold { firm: true });
    scene.push("v1.0.0", 1);
    assert_eq!(scene.head.queue.len(), 1);
    scene.now = scene.now + pipeline::time::Span::hours(24 * 10);
    // The engine reads on without it for a person who lifts a hold.
    scene.source = None;
    scene.control(Control::Unhold);
    assert_eq!(scene.head.queue.len(), 1, "{}", scene.declined());
}

#[test]
fn v1_a_person_hears_that_there_is_no_migration_to_undo() {
    let mut request = super::fixtures::request("b1", super::fixtures::START);
    request.skip_migration = Some(true);
    let mut story = Story::begin_with(&[("approval", "")], request).then(prepared());
    assert_eq!(story.state(), "rolling out");
    let said = story.tell(go_back(true));
    assert!(format!("{said:?}").contains("migration"), "{said:?}");
}
