//! Alarms whose events arrive late, twice, in another order, or not at all.

use super::events::*;
use super::fixtures::Story;
use super::states::{self, MINUTE};
use expect_test::expect;
use pipeline::effect::Effect;
use pipeline::event::{AlarmReading, AlarmState, Event, Preparation};
use pipeline::time::{Span, Time};

const SECOND: Span = Span::seconds(1);

fn changed(state: AlarmState, since: Time, was: AlarmState) -> Event {
    Event::AlarmChanged(AlarmReading { was: Some(was), ..reading("shop-5xx", state, since) })
}

/// It goes to ALARM in the bake, and back to OK: both times.
fn rings(story: &Story) -> (Time, Time) {
    (story.now, story.now + SECOND + SECOND)
}

fn read(read_at: Time, readings: Vec<AlarmReading>) -> Event {
    Event::AlarmsRead { read_at, readings }
}

#[test]
fn an_alarm_that_rang_counts_in_whichever_order_its_events_come() {
    let story = states::baking().quietly(MINUTE);
    let (on, off) = rings(&story);
    let events = [alarm("shop-5xx", AlarmState::On, on), alarm("shop-5xx", AlarmState::Quiet, off)];
    let story = story.quietly(MINUTE);
    for order in [[0, 1], [1, 0]] {
        let story = story.clone().all(order.map(|index| events[index].clone()));
        assert_eq!(story.state(), "rolling back", "{order:?}");
    }
}

#[test]
fn an_alarm_that_is_quiet_again_shows_that_it_was_on() {
    let story = states::baking().quietly(MINUTE);
    let quiet_again = changed(AlarmState::Quiet, story.now, AlarmState::On);
    assert_eq!(story.clone().then(quiet_again).state(), "rolling back");
    // There was no data for a while.
    let without_data = changed(AlarmState::Quiet, story.now, AlarmState::NoData);
    assert_eq!(story.then(without_data).state(), "baking");
}

#[test]
fn an_alarm_in_the_bake_is_found_in_the_verification_though_no_event_reported_it() {
    let (on, off) = rings(&states::baking().quietly(MINUTE));
    let story = states::confirming();
    let asked = story.deployment.outbox.entries().iter().find_map(|entry| match &entry.effect {
        Effect::ReadAlarms { since, .. } => *since,
        _ => None,
    });
    // Pre-flight read it a little before its answer was processed.
    let started_at = story.deployment.started_at;
    assert_eq!(asked, Some(started_at), "what they did since pre-flight looked is wanted");
    let read_at = story.now;
    let mut readings = readings(AlarmState::Quiet, super::fixtures::START);
    readings[0].since = off;
    // This alone proves nothing: it may have been without data before.
    let quiet = story.clone().then(read(read_at, readings.clone()));
    assert_eq!(quiet.state(), "confirming");
    readings.insert(0, reading("shop-5xx", AlarmState::On, on));
    assert_eq!(story.then(read(read_at, readings)).state(), "rolling back");
}

#[test]
fn what_an_alarm_did_before_the_deployment_is_not_held_against_it() {
    let story = states::baking().quietly(MINUTE);
    let before = super::fixtures::START;
    let before = Time::from_millis(before.millis() - 60_000);
    assert_eq!(story.then(alarm("shop-5xx", AlarmState::On, before)).state(), "baking");
}

/// `shop-5xx` is on when the deployment starts, and that is only a warning.
fn on_at_start() -> Story {
    let start = super::fixtures::START;
    let alarms = vec![
        reading("shop-5xx", AlarmState::On, start),
        reading("shop-p99", AlarmState::Quiet, start),
    ];
    let preparation = Preparation { alarms, ..preparation(&SERVICES) };
    let policy = "{names: [shop-5xx, shop-p99], at_start: warn}";
    let story = Story::begin(&[("approval", ""), ("migration", ""), ("alarms", policy)]);
    story.then(Event::Prepared(preparation)).quietly(MINUTE)
}

#[test]
fn an_alarm_that_was_on_before_counts_again_in_any_order() {
    let story = on_at_start();
    let (off, on) = (story.now, story.now + SECOND);
    let story = story.quietly(MINUTE);
    let again = alarm("shop-5xx", AlarmState::On, on);
    let quiet = alarm("shop-5xx", AlarmState::Quiet, off);
    assert_eq!(story.clone().then(again.clone()).state(), "rolling out");
    assert_eq!(story.clone().all([again.clone(), quiet.clone()]).state(), "rolling back");
    assert_eq!(story.clone().all([quiet.clone(), again]).state(), "rolling back");
    // What was in ALARM before the deployment ends, and nothing more.
    let ends = changed(AlarmState::Quiet, off, AlarmState::On);
    assert_eq!(story.clone().then(ends).state(), "rolling out");
    assert_eq!(story.then(changed(AlarmState::On, on, AlarmState::Quiet)).state(), "rolling back");
}

fn in_last_look() -> Story {
    let story = states::confirming();
    let read_at = story.now;
    story.then(alarms_read(read_at))
}

#[test]
fn alarms_are_read_again_if_the_services_become_stable_much_later() {
    let mut story = in_last_look();
    for _ in 0..8 {
        story = story.quietly(MINUTE);
        let event = underway("shop-api", 2, story.now);
        story = story.then(event);
    }
    let seen_at = story.now;
    let story = story.all(all_up(2, seen_at));
    expect!["final check of the alarms"].assert_eq(&story.outcome());
    expect!["read alarms"].assert_eq(&story.asks());
    let rang = read(seen_at, readings(AlarmState::On, seen_at));
    assert_eq!(story.clone().then(rang).state(), "rolling back");
    assert_eq!(story.then(alarms_read(seen_at)).outcome(), "succeeded");
}

#[test]
fn alarms_that_are_answered_at_the_last_moment_are_not_called_unreadable() {
    let mut story = states::confirming();
    for _ in 0..14 {
        story = story.later(MINUTE);
        if story.asks().contains("read alarms") {
            let read_at = story.now;
            story = story.then(alarms_read(read_at));
        }
        let event = match story.state() {
            "confirming" => underway("shop-api", 2, story.now),
            _ => break,
        };
        let seen_at = story.now;
        story = story.all([up("shop-worker", 2, seen_at), up("shop-web", 2, seen_at), event]);
    }
    expect!["Rolling back: shop-api did not stay stable: 1 of 2 new tasks running, 2 old tasks still running."].assert_eq(
        story
            .deployment
            .timeline
            .entries()
            .iter()
            .rev()
            .find(|e| e.text.starts_with("Rolling back"))
            .map_or("", |e| &e.text),
    );
}

#[test]
fn a_reading_that_knows_nothing_of_muting_does_not_overrule_an_event_that_does() {
    let story = states::baking().quietly(MINUTE);
    let on = story.now;
    let muted = AlarmReading { muted: Some(true), ..reading("shop-5xx", AlarmState::On, on) };
    let unknown = AlarmReading { muted: None, ..muted.clone() };
    let story = story.then(Event::AlarmChanged(muted.clone()));
    assert_eq!(story.clone().then(read(on, vec![unknown.clone()])).state(), "baking");
    // Nor does the history of it.
    let off = reading("shop-5xx", AlarmState::Quiet, on + SECOND);
    assert_eq!(story.clone().then(read(on, vec![unknown, off])).state(), "baking");
    // The rule's window ends, and it is still on.
    let no_longer = AlarmReading { muted: Some(false), ..muted };
    assert_eq!(story.then(read(on, vec![no_longer])).state(), "rolling back");
}

#[test]
fn a_manual_rollback_mentions_an_alarm_once_however_often_it_is_reported() {
    let mut story = in_last_look();
    story.deployment.request.kind =
        pipeline::request::Kind::ManualRollback(pipeline::request::ManualRollback {
            from: "b2".into(),
            revisions: std::collections::BTreeMap::new(),
            undo: false,
            undoes: None,
        });
    let on = story.now;
    let told = read(on, vec![reading("shop-5xx", AlarmState::On, on)]);
    let story = story.all([told.clone(), told.clone(), told]);
    assert_eq!(story.timeline().matches("Alarm shop-5xx is in ALARM").count(), 1);
}

#[test]
fn an_alarm_that_pre_flight_did_not_report_counts_if_it_is_on_and_not_muted() {
    let preparation = Preparation { alarms: vec![], ..preparation(&SERVICES) };
    let story = Story::begin(&[("approval", ""), ("migration", "")]);
    let story = story.then(Event::Prepared(preparation)).quietly(MINUTE);
    let first = |state, muted| {
        let told = AlarmReading { muted, ..reading("shop-5xx", state, story.now) };
        story.clone().then(Event::AlarmChanged(told)).state()
    };
    assert_eq!(first(AlarmState::Quiet, Some(false)), "rolling out");
    assert_eq!(first(AlarmState::On, Some(true)), "rolling out");
    assert_eq!(first(AlarmState::On, Some(false)), "rolling back");
}
