//! Absurd input: every way in which a time may be wrong, or a text too long.

use super::events::*;
use super::fixtures::{START, digest, release, request};
use pipeline::environment::{Control, Input, Request};
use pipeline::event::{AlarmState, Event, Preparation};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::time::{Span, Time};

fn is_absurd(input: Input) -> bool {
    input.absurdity(START).is_some()
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
        assert!(!is_absurd(Input::Happened(event.clone())), "{event:?}");
    }
    for event in events(START + Span::seconds(301)) {
        assert!(is_absurd(Input::Happened(event.clone())), "{event:?}");
        assert!(is_absurd(Input::HappenedTo { deployment: 1, event: event.clone() }));
        assert!(is_absurd(Input::Answered { deployment: 1, effect: 1, event }));
    }
}

#[test]
fn nothing_that_is_asked_for_comes_from_the_future() {
    let later = START + Span::hours(1);
    let asked = |asked_at, built_at| {
        is_absurd(Input::Requested(Box::new(Request { asked_at, ..request("b1", built_at) })))
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
        assert!(!is_absurd(input));
    }
    for input in inputs(8193) {
        assert!(is_absurd(input.clone()), "{input:.100?}");
    }
}

#[test]
fn no_push_is_absurd_in_time_or_text() {
    let absurdity = |tag: &str, pushed_at| {
        let push = Push {
            repository: "shop-api".into(),
            digest: digest("a1"),
            tag: Some(tag.into()),
            artifact_media_type: None,
            pushed_at,
            details: Details::default(),
        };
        push.absurdity(START)
    };
    assert_eq!(absurdity("b1", START), None);
    assert!(absurdity("b1", START + Span::hours(1)).is_some());
    assert!(absurdity(&"b".repeat(8193), START).is_some());
}
