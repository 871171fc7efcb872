//! The outbox: what waits for an answer, when it is sent again, and what is dropped.

use super::fixtures::{START, place, release};
use pipeline::effect::{Effect, OneOff, Prepare, Purpose};
use pipeline::notice::{News, Notice};
use pipeline::outbox::Outbox;
use pipeline::release::Origin;
use pipeline::spec::{Check, Target};
use pipeline::time::Span;
use std::collections::BTreeMap;

fn announce(version: usize) -> Effect {
    Effect::Announce(Box::new(Notice {
        place: place(),
        deployment: None,
        version: format!("v{version}").as_str().into(),
        origin: Origin::default(),
        rolls_back_from: None,
        asked_by: "ann".into(),
        at: START,
        news: News::Started,
    }))
}

fn read_alarms() -> Effect {
    Effect::ReadAlarms { names: vec![], since: None }
}

fn target() -> Target {
    Target::Cluster("shop".into())
}

fn one_off(purpose: Purpose) -> Effect {
    Effect::RunOneOff(Box::new(OneOff {
        target: target(),
        purpose,
        attempt: 1,
        service: "shop-api".into(),
        revision: "shop-api:2".into(),
        create: None,
        container: "api".into(),
        host_container: None,
        command: vec![],
        on_host: false,
        timeout: Span::minutes(15),
        client_token: String::new(),
        pause: Span::seconds(30),
    }))
}

fn check() -> Effect {
    let (attempts, every, timeout) = (3, Span::seconds(10), Span::seconds(5));
    let spec =
        Check { url: "https://shop.example".into(), expect: vec![200], attempts, every, timeout };
    Effect::Check { check: 0, attempt: 1, pause: Span::seconds(10), spec }
}

fn prepare() -> Effect {
    Effect::Prepare(Box::new(Prepare {
        application: "shop".into(),
        target: target(),
        services: vec![],
        images: BTreeMap::new(),
        alarms: vec![],
        migration: None,
        keep_tag: "keep".into(),
        tag: None,
    }))
}

#[test]
fn an_effect_is_sent_until_it_is_answered() {
    let mut outbox = Outbox::default();
    assert!(outbox.is_empty());
    assert_eq!(outbox.due(), None);
    outbox.add(read_alarms(), START);
    assert_eq!((outbox.is_empty(), outbox.due()), (false, Some(START)));
    assert_eq!(outbox.send(START), [(1, read_alarms())]);
    let again = START + Span::minutes(1);
    assert_eq!(outbox.due(), Some(again));
    assert_eq!(outbox.send(START + Span::seconds(59)), []);
    assert_eq!(outbox.send(again), [(1, read_alarms())]);
    assert!(outbox.answered(2).is_none());
    assert!(outbox.answered(1).is_some());
    assert!(outbox.answered(1).is_none());
    outbox.add(check(), START);
    assert_eq!((outbox.get(1), outbox.get(2)), (None, Some(&check())));
    assert!(outbox.waits_for(|effect| *effect == check()));
    assert!(!outbox.waits_for(|effect| *effect == read_alarms()));
}

#[test]
fn the_oldest_announcements_give_way_and_nothing_else_does() {
    let mut outbox = Outbox::default();
    outbox.add(read_alarms(), START);
    for version in 1..=50 {
        outbox.add(announce(version), START);
    }
    assert_eq!(outbox.entries().len(), 51);
    for version in 51..=60 {
        outbox.add(announce(version), START);
    }
    for _ in 0..60 {
        outbox.add(read_alarms(), START);
    }
    let kept: Vec<_> = outbox.entries().iter().map(|entry| entry.effect.clone()).collect();
    let mut wanted = vec![read_alarms()];
    wanted.extend((11..=60).map(announce));
    wanted.extend(vec![read_alarms(); 60]);
    assert_eq!(kept, wanted);
}

#[test]
fn an_answer_is_waited_for_as_long_as_it_takes() {
    let offered = Effect::Promote { environment: "live".into(), release: release("b1", START) };
    for (effect, name, patience) in [
        (prepare(), "prepare", "3m"),
        (one_off(Purpose::Migrate), "migrate", "2m30s"),
        (one_off(Purpose::Undo), "undo", "2m30s"),
        (check(), "check", "1m15s"),
        (announce(1), "announce", "5m"),
        (read_alarms(), "read alarms", "1m"),
        (offered, "promote", "1m"),
    ] {
        assert_eq!((effect.name(), effect.patience().to_string().as_str()), (name, patience));
    }
}

#[test]
fn whether_ecs_returned_is_asked_by_whoever_reads_the_outbox_again() {
    let mut outbox = Outbox::default();
    for returns in [false, true] {
        let services = vec!["shop-api".into()];
        outbox.add(Effect::Observe { target: target(), services, returns }, START);
    }
    let stored = serde_json::to_string(&outbox).unwrap();
    assert_eq!(serde_json::from_str::<Outbox>(&stored).unwrap(), outbox);
    // Older Slipways know no such question, and read all the others.
    assert_eq!(stored.matches("returns").count(), 1);
}

#[test]
fn how_often_an_effect_was_sent_is_stored() {
    let mut outbox = Outbox::default();
    outbox.add(announce(1), START);
    outbox.send(START);
    outbox.send(START + Span::minutes(9));
    let stored = serde_json::to_string(&outbox).unwrap();
    let mut read = serde_json::from_str::<Outbox>(&stored).unwrap();
    assert_eq!(read, outbox);
    assert_eq!(read.answered(1).unwrap().sends, 2);
}
