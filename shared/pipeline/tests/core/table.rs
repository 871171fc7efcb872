//! The table of states and events, as a file: a changed cell shows in review.

use super::events::*;
use super::fixtures::{Story, effect_text};
use super::states;
use expect_test::expect_file;
use pipeline::deployment::Reply;
use pipeline::effect::Purpose;
use pipeline::event::{AlarmState, Event, Refusal};
use pipeline::names::TaskId;
use pipeline::task::Fault;
use pipeline::time::Span;
use std::fmt::Write as _;

#[test]
fn every_state_answers_every_event() {
    let mut text = String::from(
        "Each line: the event, the state after it, what it said, what it asks of workers, and what\n\
         it does not want from them any more. \"=\": nothing is different; \"~\": the same state with\n\
         other data in it. What is ignored is listed at the end of its state.\n",
    );
    for (name, story) in states::every() {
        writeln!(text, "\n== {name}").unwrap();
        let late = story.clone().quietly(Span::hours(1));
        let cells =
            events(&story).into_iter().map(|(event_name, event)| (event_name, cell(&story, event)));
        let cells = cells.chain([("woken after an hour", cell(&late, Event::Woken))]);
        let mut ignored = Vec::new();
        for (event_name, cell) in cells {
            if cell.starts_with("=") && cell.contains(" ignored: ") {
                ignored.push(event_name);
            } else {
                writeln!(text, "{event_name:<34} {cell}").unwrap();
            }
        }
        writeln!(text, "changes nothing: {}", ignored.join("; ")).unwrap();
    }
    expect_file!["table.txt"].assert_eq(&text);
}

#[test]
fn the_sample_of_each_state_is_in_that_state() {
    for (name, story) in states::every() {
        let state = name.split(',').next().unwrap();
        assert_eq!(story.state(), state, "{}", story.timeline());
    }
}

fn events(story: &Story) -> Vec<(&'static str, Event)> {
    let now = story.now;
    let (migrate, undo) = (Purpose::Migrate, Purpose::Undo);
    let faults = vec!["there is no service shop-web".to_owned()];
    vec![
        ("approved", approved()),
        ("rejected", Event::Rejected { by: "ann".into(), why: "not today".into() }),
        ("cancel requested", Event::CancelRequested { by: "ann".into(), why: "not today".into() }),
        ("rollback requested", start_rollback(false)),
        ("rollback requested with undo", start_rollback(true)),
        ("prepared", prepared()),
        ("preparation failed", Event::PreparationFailed { faults }),
        ("migration claimed", claimed(migrate, 1)),
        ("migration claimed, attempt 2", claimed(migrate, 2)),
        ("migration started", started(migrate)),
        ("migration not started, capacity", not_started(migrate, 1, Fault::Capacity)),
        ("migration not started, refused", not_started(migrate, 1, Fault::Configuration)),
        ("migration seen running", runs(migrate)),
        ("migration ended with 0", ended(migrate, exit(0))),
        ("migration ended with 1", ended(migrate, exit(1))),
        ("migration reported ended", reported(migrate, TASK, Some(exit(0)))),
        ("migration reported, another task", reported(migrate, "task/other", Some(exit(0)))),
        ("migration lost", Event::OneOffLost { purpose: migrate, attempt: 1 }),
        ("migration stop asked", Event::OneOffStopAsked { purpose: migrate, attempt: 1 }),
        ("undo claimed", claimed(undo, 1)),
        ("undo ended with 0", ended(undo, exit(0))),
        ("undo ended with 1", ended(undo, exit(1))),
        ("undo lost", Event::OneOffLost { purpose: undo, attempt: 1 }),
        ("undo seen, another task", another_attempt(undo)),
        ("rollout of api started", rollout_started("shop-api")),
        ("rollout of api refused", rollout_refused("shop-api")),
        ("rollout of web started", rollout_started("shop-web")),
        ("api left alone, updated outside", left_alone("shop-api", 9, now)),
        ("web left alone, updated outside", left_alone("shop-web", 9, now)),
        ("web left alone, gone", left_nothing_alone("shop-web", now)),
        ("api observed up, new", up("shop-api", 2, now)),
        ("api observed up, old", up("shop-api", 1, now)),
        ("api observed returned by ECS", returned("shop-api", now)),
        ("api observed, updated outside", up("shop-api", 9, now)),
        ("api observed gone", gone("shop-api", now)),
        ("web observed up, new", up("shop-web", 2, now)),
        ("web observed up, old", up("shop-web", 1, now)),
        ("web observed, updated outside", up("shop-web", 9, now)),
        ("web asked about, ECS returned", asked("shop-web", 1, true, now)),
        ("web asked about, old", asked("shop-web", 1, false, now)),
        ("web observed under way", underway("shop-web", 2, now)),
        ("all observed up, new", all_observed(2, story)),
        ("all observed up, old", all_observed(1, story)),
        ("unknown service observed", up("shop-cron", 2, now)),
        ("task of api died", died("shop-api", "task/8", now)),
        (
            "task of api died, old revision",
            Event::TaskReported(report("shop-api", "task/8", 1, now)),
        ),
        ("check 0 passed", passed(0, 1)),
        ("check 0 failed, attempt 1", check_failed(0, 1)),
        ("check 0 failed, attempt 3", check_failed(0, 3)),
        ("check 9 passed", passed(9, 1)),
        ("alarm on", alarm("shop-5xx", AlarmState::On, now)),
        ("alarm quiet", alarm("shop-5xx", AlarmState::Quiet, now)),
        ("unknown alarm on", alarm("shop-cron", AlarmState::On, now)),
        ("alarms read, quiet", alarms_read(now)),
        ("alarms read, none there", Event::AlarmsRead { read_at: now, readings: vec![] }),
        ("put back of api started", rollback_started("shop-api")),
        ("put back of web started", rollback_started("shop-web")),
        ("put back of web refused, over", rollback_refused("shop-web", Refusal::RolloutIsOver)),
        ("put back of web refused, final", rollback_refused("shop-web", Refusal::Final)),
        ("web not created by us", rollback_refused("shop-web", Refusal::NotCreated)),
        ("web removed", Event::Removed { service: "shop-web".into() }),
        ("announced", Event::Announced),
        ("woken", Event::Woken),
    ]
}

fn all_observed(number: u32, story: &Story) -> Event {
    let observations = all_up(number, story.now).into_iter().flat_map(|event| match event {
        Event::Observed { services } => services,
        _ => vec![],
    });
    Event::Observed { services: observations.collect() }
}

fn another_attempt(purpose: Purpose) -> Event {
    Event::OneOffSeen { purpose, attempt: 2, task: TaskId::from("task/other"), end: Some(exit(0)) }
}

fn cell(before: &Story, event: Event) -> String {
    let mut after = before.clone();
    let said = said_text(after.tell(event));
    let (old, new) = (&before.deployment, &after.deployment);
    let state = match new.verdict() {
        Some(verdict) if old.verdict().is_none() => format!("ended, {}", verdict.name()),
        _ if old.state.name() != new.state.name() => new.state.name().to_owned(),
        _ if old.state == new.state && old.services == new.services && old.alarms == new.alarms => {
            "=".to_owned()
        }
        _ => "~".to_owned(),
    };
    let numbers = |story: &Story| story.deployment.outbox.entries().to_vec();
    let (old, new) = (numbers(before), numbers(&after));
    let missing_in = |list: &[pipeline::outbox::Entry], others: &[pipeline::outbox::Entry]| {
        let fresh =
            list.iter().filter(|entry| others.iter().all(|other| other.number != entry.number));
        fresh.map(|entry| effect_text(&entry.effect)).collect::<Vec<_>>().join(", ")
    };
    let (asks, drops) = (missing_in(&new, &old), missing_in(&old, &new));
    let mut text = format!("{state:<18} {said}");
    if !asks.is_empty() {
        write!(text, " | asks {asks}").unwrap();
    }
    if !drops.is_empty() {
        write!(text, " | takes back {drops}").unwrap();
    }
    text
}

fn said_text(said: Reply) -> String {
    match said {
        Reply::Done => "done".into(),
        Reply::Granted => "granted".into(),
        Reply::Accepted(text) => format!("accepted: {text}"),
        Reply::Denied(text) => format!("denied: {text}"),
        Reply::Refused(text) => format!("refused: {text}"),
        Reply::Ignored(text) => format!("ignored: {text}"),
    }
}
