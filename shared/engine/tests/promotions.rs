//! Promotions: what succeeds in one environment is handed to those that follow it, and to no other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]

use engine::memory::Memory;
use engine::{Engine, Key, Message, Pipeline, Sender};
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::environment::{Head, Input};
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::names::{Digest, Place};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::{Span, Time};
use pollster::block_on;

const NOW: Time = Time::from_millis(1_767_700_800_000);
const SPEC: &str = "
application: shop
images: {api: shop-api}
environments:
  a: {cluster: shop-a, deploy_on: {tags: ['b*']}, services: [shop-api]}
  b: {cluster: shop-b, deploy_on: {promoted_from: a}, services: [shop-api]}
  c: {cluster: shop-c, deploy_on: {promoted_from: b}, services: [shop-api]}
";

fn place(environment: &str) -> Place {
    Place { application: "shop".into(), environment: environment.into() }
}

fn request(version: &str) -> Input {
    let digest = Digest::new(format!("sha256:{version:0<64}"));
    Input::Requested(Box::new(Request {
        id: format!("push {version}").as_str().into(),
        kind: Kind::Deploy,
        release: Release::new(version.into(), NOW, [("api".into(), digest)].into()),
        asked_by: RequestedBy::Push { tag: version.into() },
        asked_at: NOW,
        confirm: None,
        overrides: Default::default(),
        fresh: false,
        skip_migration: None,
    }))
}

/// The service runs the new revision and nothing else.
fn is_up(seen_at: Time) -> Event {
    let rollout = Rollout {
        id: "ecs-svc/2".into(),
        revision: "td/shop-api:2".into(),
        primary: true,
        progress: Progress::Completed,
        reason: String::new(),
        desired: 1,
        running: 1,
        failed: 0,
    };
    let found = Some(Found { rollouts: vec![rollout], ..Found::default() });
    Event::Observed { services: vec![Observation { service: "shop-api".into(), seen_at, found }] }
}

/// Deploys `b1` to `a`, where it succeeds, and returns what was sent last.
fn succeed_in_a(world: &Memory) -> Vec<Message> {
    let engine = Engine::new(world, &Pipeline);
    let asked = |name: &str| {
        let mut sent = world.take_sent().into_iter();
        sent.find(|message| message.effect.name() == name).unwrap()
    };
    block_on(engine.tell(&place("a"), request("b1"))).unwrap();
    let prepared = PreparedService {
        name: "shop-api".into(),
        before: Some("td/shop-api:1".into()),
        after: "td/shop-api:2".into(),
    };
    let prepared = Preparation { services: vec![prepared], ..Preparation::default() };
    block_on(engine.answer(&asked("prepare"), Event::Prepared(prepared))).unwrap();
    let started = Event::RolloutStarted { service: "shop-api".into(), rollout: "ecs-svc/2".into() };
    block_on(engine.answer(&asked("roll out"), started)).unwrap();
    for minutes in [2, 3] {
        world.set_now(NOW + Span::minutes(minutes));
        let event = Input::Happened(is_up(NOW + Span::minutes(minutes)));
        block_on(engine.tell(&place("a"), event)).unwrap();
    }
    world.take_sent()
}

#[test]
fn a_success_starts_the_release_in_the_environment_that_follows() {
    let world = Memory::default();
    world.set_now(NOW);
    let engine = Engine::new(&world, &Pipeline);
    block_on(engine.configure(SPEC)).unwrap();
    let sent = succeed_in_a(&world);
    let promoted: Vec<_> = sent
        .iter()
        .filter_map(|message| match &message.effect {
            Effect::Promote { environment, release } => {
                Some((&message.from, environment.as_str(), release.version.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(promoted, [(&Sender::Head(place("a")), "b", "b1")]);

    let promotion = sent.iter().find(|message| message.effect.name() == "promote").unwrap();
    let said = block_on(engine.relay(promotion)).unwrap();
    assert_eq!(said, Some(Reply::Accepted("deployment 1 of b1 has started".into())));
    let head = Head::try_from(world.read(&Key::Head(place("b"))).unwrap()).unwrap();
    assert_eq!(head.active, Some(1));
    // It is answered, and not sent again.
    assert!(block_on(engine.permits(promotion)).unwrap().is_none());
}
