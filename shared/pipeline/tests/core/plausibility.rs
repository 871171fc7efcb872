//! Implausible input: every way in which a time may be wrong, or a text too long.

use super::events::*;
use super::fixtures::{START, digest, release, request};
use super::scene::Scene;
use pipeline::effect::Purpose;
use pipeline::environment::{Control, Input};
use pipeline::event::{AlarmReading, AlarmState, Event, Outcome, Preparation, Refusal};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::request::Request;
use pipeline::task::{ContainerReport, Fault, OneOffEnd, Stop, TaskReport};
use pipeline::time::{Span, Time};

fn is_implausible(input: &Input) -> bool {
    input.implausible(START).is_some()
}

#[test]
fn nothing_that_happened_comes_from_the_future() {
    let events = |time: Time| {
        let alarms = readings(AlarmState::Quiet, time);
        [
            gone("shop-api", time),
            left_nothing_alone("shop-api", time),
            died("shop-api", "t1", time),
            alarm("shop-5xx", AlarmState::On, time),
            Event::AlarmsRead { read_at: time, readings: vec![] },
            Event::AlarmsRead { read_at: START, readings: alarms.clone() },
            Event::Prepared(Preparation { alarms, ..preparation(&SERVICES) }),
        ]
    };
    for event in events(START + Span::minutes(5)) {
        assert!(!is_implausible(&Input::Happened(event.clone())), "{event:?}");
    }
    for event in events(START + Span::seconds(301)) {
        assert!(is_implausible(&Input::Happened(event.clone())), "{event:?}");
        assert!(is_implausible(&Input::HappenedTo { deployment: 1, event: event.clone() }));
        assert!(is_implausible(&Input::Answered { deployment: 1, effect: 1, event }));
    }
}

#[test]
fn nothing_that_is_asked_for_comes_from_the_future() {
    let later = START + Span::hours(1);
    let asked = |asked_at, built_at| {
        is_implausible(&Input::Requested(Box::new(Request { asked_at, ..request("b1", built_at) })))
    };
    assert!(!asked(START, START));
    assert!(asked(later, START));
    assert!(asked(START, later));
}

#[test]
fn no_text_is_longer_than_anybody_writes() {
    let inputs = |bytes: usize| {
        let text = || "x".repeat(bytes);
        let release = Release { version: text().as_str().into(), ..release("b1", START) };
        let asked = Request { release: release.clone(), ..request("b1", START) };
        [
            Input::Happened(Event::Rejected { by: "ann".into(), why: text() }),
            Input::Requested(Box::new(asked)),
            Input::RollbackRequested {
                id: "1".into(),
                by: "ann".into(),
                why: text(),
                to: None,
                undo: false,
            },
            Input::Controlled { by: "ann".into(), why: text(), control: Control::Pause },
            Input::Promotable { from: "dev".into(), release },
        ]
    };
    for input in inputs(8192) {
        assert!(!is_implausible(&input));
    }
    for input in inputs(8193) {
        assert!(is_implausible(&input), "{input:.100?}");
    }
}

/// The answer of a worker is cut, because it is needed.
#[test]
fn an_answer_is_taken_in_however_long_its_texts_are() {
    let long = || "é".repeat(20_000);
    let stop = Stop { code: Some(long()), reason: long() };
    let end = OneOffEnd {
        exit_code: Some(1),
        stop: stop.clone(),
        reason: Some(long()),
        beside: Some(long()),
    };
    let one_off = |end| ended(Purpose::Migrate, end);
    let rollouts = vec![rollout("shop-api", 2, true, Progress::Completed, 2)];
    let seen =
        |found| Observation { service: "shop-api".into(), seen_at: START, found: Some(found) };
    let found = || Found { rollouts: rollouts.clone(), ..Found::default() };
    let failed = rollouts.iter().cloned().map(|rollout| Rollout { reason: long(), ..rollout });
    let reading = AlarmReading { reason: long(), ..reading("shop-5xx", AlarmState::Quiet, START) };
    let alarms = vec![reading.clone()];
    let report = report("shop-api", "t1", 2, START);
    let containers = vec![ContainerReport { reason: Some(long()), ..container("api", true, None) }];
    let purpose = Purpose::Migrate;
    let (fault, service) = (Fault::Code, || "shop-api".into());
    for event in [
        Event::PreparationFailed { faults: vec![long(); 20] },
        Event::Prepared(Preparation { warnings: vec![long(); 20], ..preparation(&SERVICES) }),
        Event::Prepared(Preparation { alarms: alarms.clone(), ..preparation(&SERVICES) }),
        Event::OneOffNotStarted { purpose, attempt: 1, fault, reason: long() },
        one_off(OneOffEnd { stop, ..exit(1) }),
        one_off(OneOffEnd { reason: Some(long()), ..exit(1) }),
        one_off(OneOffEnd { beside: Some(long()), ..exit(1) }),
        reported(purpose, "t1", Some(end)),
        Event::RolloutRefused { service: service(), reason: long() },
        Event::RollbackRefused { service: service(), refusal: Refusal::Final, reason: long() },
        Event::Checked { check: 0, attempt: 1, outcome: Outcome::Failed { reason: long() } },
        observed(seen(Found { rollouts: failed.collect(), ..Found::default() })),
        observed(seen(Found { trouble: Some(trouble(&long(), None)), ..found() })),
        observed(seen(Found { return_reason: Some(long()), ..found() })),
        Event::LeftAlone { seen: seen(Found { return_reason: Some(long()), ..found() }) },
        Event::AlarmsRead { read_at: START, readings: alarms },
        Event::AlarmChanged(reading),
        Event::TaskReported(TaskReport { containers, ..report.clone() }),
        Event::TaskReported(TaskReport {
            stop: Some(Stop { code: None, reason: long() }),
            ..report
        }),
    ] {
        let mut scene = Scene::new(&[]);
        scene.push("b1", 1);
        let said = scene.answer(event.clone());
        assert!(!said.contains("rejected: "), "{said}: {event:.200?}");
        assert!(is_implausible(&Input::Happened(event)));
    }
}

#[test]
fn a_list_of_reasons_is_cut_where_it_is_too_long_to_be_stored() {
    let told = |count: usize| {
        let mut scene = Scene::new(&[]);
        scene.push("b1", 1);
        scene.answer(Event::PreparationFailed { faults: vec!["x".repeat(2048); count] });
        scene.verdicts()
    };
    assert!(!told(8).contains("and"), "{}", told(8));
    assert!(told(9).trim_end().ends_with("x; and 1 more"), "{}", told(9));
}

#[test]
fn no_push_is_absurd_in_time_or_text() {
    let implausible = |tag: &str, pushed_at| {
        let push = Push {
            repository: "shop-api".into(),
            digest: digest("a1"),
            tag: Some(tag.into()),
            artifact_media_type: None,
            pushed_at,
            details: Details::default(),
        };
        push.implausible(START)
    };
    assert_eq!(implausible("b1", START), None);
    assert!(implausible("b1", START + Span::hours(1)).is_some());
    assert!(implausible(&"b".repeat(8193), START).is_some());
}
