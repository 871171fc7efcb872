//! What must hold whatever happens, in whichever order and how often.

use super::arbitrary::{any_event, likely};
use super::events::*;
use super::fixtures::Story;
use super::states;
use pipeline::deployment::{Deployment, ServiceState, State, Timeline, advance};
use pipeline::effect::Effect;
use pipeline::event::{AlarmState, Event};
use pipeline::names::Version;
use pipeline::release::{Newest, ReleaseOrder};
use pipeline::time::{Span, Time};
use pipeline::waits::WaitsFor;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<(&str, Story)>> = LazyLock::new(states::every);

fn sample() -> impl Strategy<Value = Story> {
    (0..SAMPLES.len()).prop_map(|index| SAMPLES[index].1.clone())
}

/// Shows the differences line by line: two whole deployments are unreadable.
fn same<T: Debug + PartialEq>(left: &T, right: &T) -> Result<(), TestCaseError> {
    if left == right {
        return Ok(());
    }
    let (left, right) = (format!("{left:#?}"), format!("{right:#?}"));
    let lines = left.lines().zip(right.lines()).filter(|(left, right)| left != right);
    let differences: Vec<_> =
        lines.take(12).map(|(left, right)| format!("{left} | {right}")).collect();
    Err(TestCaseError::fail(differences.join("\n")))
}

/// Feeds everything, a little later each time.
fn tell_all(mut story: Story, events: Vec<Event>) -> Story {
    for event in events {
        story = story.quietly(Span::seconds(20)).then(event);
    }
    story
}

/// The essential part of a deployment: without its timeline and the failed container, which is the
/// first one reported; and its open effects without their numbers.
fn essence(deployment: &Deployment) -> (Deployment, Vec<Effect>) {
    let mut asked: Vec<Effect> =
        deployment.outbox.entries().iter().map(|entry| entry.effect.clone()).collect();
    asked.retain(|effect| !matches!(effect, Effect::Announce(_)));
    asked.sort_by_key(|effect| format!("{effect:?}"));
    let mut rest = deployment.clone();
    (rest.timeline, rest.outbox) = (Timeline::default(), Default::default());
    rest.failed_container = None;
    (rest, asked)
}

/// An observation ends before it is processed.
fn seen_before(mut event: Event, now: Time) -> Event {
    let seen = match &mut event {
        Event::Observed { services } => services.iter_mut().collect(),
        Event::LeftAlone { seen } => vec![seen],
        _ => vec![],
    };
    for observation in seen {
        observation.seen_at = observation.seen_at.min(Time::from_millis(now.millis() - 1));
    }
    event
}

/// Such an event may be noted twice, and has no other effect: a task that AWS stopped is not
/// counted, so it is not remembered.
fn only_noted(event: &Event) -> bool {
    matches!(event, Event::TaskReported(_))
}

/// The observation that started the rollback is read again when it is repeated, against what is
/// wanted then. The waiting text may differ.
fn without_waiting(mut deployment: Deployment) -> Deployment {
    for service in &mut deployment.services {
        if let ServiceState::Updating { waiting, .. } | ServiceState::RollingBack { waiting, .. } =
            &mut service.state
        {
            *waiting = WaitsFor::Look;
        }
    }
    deployment
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn telling_a_fact_twice_is_telling_it_once(story in sample(), before in vec(likely(), 0..6), event in likely()) {
        let mut once = tell_all(story, before);
        let event = seen_before(event, once.now);
        once.tell(event.clone());
        let (twice, _) = advance(once.deployment.clone(), event.clone(), once.now);
        if only_noted(&event) {
            same(&essence(&twice), &essence(&once.deployment))?;
        } else {
            let (twice, once) = (without_waiting(twice), without_waiting(once.deployment));
            same(&twice, &once)?;
        }
    }

    #[test]
    fn an_ended_deployment_keeps_its_verdict(events in vec(any_event(), 1..20), back in any::<bool>()) {
        let story = if back { states::rolled_back() } else { states::succeeded() };
        let after = tell_all(story.clone(), events);
        same(&after.deployment, &story.deployment)?;
    }

    #[test]
    fn nothing_makes_it_panic_or_unreadable(story in sample(), events in vec(any_event(), 1..40)) {
        let after = tell_all(story, events).later(Span::hours(200_000));
        let text = serde_json::to_string(&after.deployment).unwrap();
        let again: Deployment = serde_json::from_str(&text).unwrap();
        same(&again, &after.deployment)?;
        prop_assert!(!after.outcome().is_empty());
        // An ended deployment is never due, and every other one is due at some time.
        prop_assert_eq!(after.deployment.verdict().is_none(), state_is_due(&after));
    }

    #[test]
    fn an_older_look_at_a_service_changes_nothing(
        story in sample(),
        before in vec(likely(), 0..4),
        service in prop::sample::select(SERVICES.to_vec()),
        number in 1..=3_u32,
        age in 1..1_000_000_u64,
    ) {
        let story = tell_all(story, before);
        let seen_at = story.deployment.services.iter().find(|s| s.name.as_str() == service).map(|s| s.seen_at);
        // If it was never seen, nothing is older.
        let Some(older) = seen_at.and_then(|seen_at| seen_at.millis().checked_sub(age)) else { return Ok(()) };
        let older = Time::from_millis(older);
        for event in [up(service, number, older), returned(service, older), gone(service, older)] {
            let (after, _) = advance(story.deployment.clone(), event, story.now);
            same(&after, &story.deployment)?;
        }
    }

    #[test]
    fn facts_about_different_things_may_come_in_either_order(
        story in sample(),
        before in vec(likely(), 0..3),
        (first, second) in independent(),
    ) {
        let story = tell_all(story, before);
        let tell = |events: [&Event; 2]| {
            events.into_iter().fold(story.deployment.clone(), |d, event| advance(d, event.clone(), story.now).0)
        };
        // If one of them alone changes the state, the other is about another time.
        let moves = |event: &Event| {
            stage(&advance(story.deployment.clone(), event.clone(), story.now).0) != stage(&story.deployment)
        };
        if moves(&first) || moves(&second) {
            return Ok(());
        }
        same(&essence(&tell([&first, &second])), &essence(&tell([&second, &first])))?;
    }

    #[test]
    fn older_than_never_holds_both_ways(own in mark(), other in mark()) {
        prop_assert!(!own.older_than(&own));
        prop_assert!(!(own.older_than(&other) && other.older_than(&own)));
    }

    #[test]
    fn an_admitted_release_is_never_older_than_an_admitted_one_before(marks in vec(mark(), 1..8)) {
        let mut seen: Vec<ReleaseOrder> = Vec::new();
        let mut newest: Option<Newest> = None;
        for mark in marks {
            if newest.as_ref().and_then(|newest| newest.beyond(&mark)).is_none() {
                prop_assert!(seen.iter().all(|known| !mark.older_than(known)), "{mark:?} after {seen:?}");
                newest = Some(newest.map_or_else(|| mark.clone().into(), |known| known.with(mark.clone())));
                seen.push(mark);
            }
        }
    }

    #[test]
    fn among_versions_of_one_kind_older_than_is_an_order(marks in [sha(), sha(), sha()], tags in [tag(), tag(), tag()]) {
        for [a, b, c] in [marks, tags] {
            prop_assert!(!(a.older_than(&b) && b.older_than(&c)) || a.older_than(&c));
        }
    }
}

fn state_is_due(story: &Story) -> bool {
    let mut alone = story.deployment.clone();
    alone.outbox = Default::default();
    alone.due().is_some()
}

fn stage(deployment: &Deployment) -> (&'static str, Option<usize>) {
    match &deployment.state {
        State::RollingOut { wave, .. } | State::RollingBack { wave, .. } => {
            (deployment.state.name(), Some(*wave))
        }
        state => (state.name(), None),
    }
}

/// Two facts about different services, checks or alarms, or about things of different kinds.
fn independent() -> impl Strategy<Value = (Event, Event)> {
    let now = states::second_wave().now;
    let of_service = move |service: &'static str| {
        vec![
            rollout_started(service),
            up(service, 1, now),
            up(service, 2, now),
            underway(service, 2, now),
            died(service, "task/1", now),
            rollback_started(service),
            Event::Removed { service: service.into() },
        ]
    };
    let alarm_of = move |name: &'static str| {
        vec![alarm(name, AlarmState::Quiet, now), alarm(name, AlarmState::NoData, now)]
    };
    let check = |check: usize| vec![passed(check, 1), check_failed(check, 1)];
    let groups = [
        of_service("shop-api"),
        of_service("shop-worker"),
        of_service("shop-web"),
        alarm_of("shop-5xx"),
        alarm_of("shop-p99"),
        check(0),
        check(1),
    ];
    let pairs: Vec<_> = (0..groups.len())
        .flat_map(|a| (0..groups.len()).map(move |b| (a, b)))
        .filter(|(a, b)| a < b)
        .collect();
    prop::sample::select(pairs).prop_flat_map(move |(a, b)| {
        (prop::sample::select(groups[a].clone()), prop::sample::select(groups[b].clone()))
    })
}

fn sha() -> impl Strategy<Value = ReleaseOrder> {
    ("[0-9a-f]{7}", 0..4_u64).prop_map(|(version, at)| ReleaseOrder {
        version: Version::new(version),
        built_at: Time::from_millis(at),
    })
}

fn tag() -> impl Strategy<Value = ReleaseOrder> {
    ("v?[0-2]\\.[0-2]\\.[0-2](-rc\\.[12])?(#2)?", 0..4_u64).prop_map(|(version, at)| ReleaseOrder {
        version: Version::new(version),
        built_at: Time::from_millis(at),
    })
}

fn mark() -> impl Strategy<Value = ReleaseOrder> {
    prop_oneof![sha(), tag()]
}
