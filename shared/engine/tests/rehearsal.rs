//! Rehearsals: they say what would follow, and leave no trace.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]

use engine::memory::Memory;
use engine::{Engine, Pipeline};
use expect_test::{Expect, expect};
use pipeline::environment::{Control, Input};
use pipeline::names::{Digest, Place};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::Time;
use pollster::block_on;

const SPEC: &str = "
application: shop
images: {api: shop-api}
environments:
  staging:
    cluster: shop-staging
    deploy_on: {tags: ['[0-9a-f]*']}
    approval: true
    services: [shop-api]
";
const NOW: Time = Time::from_millis(1_767_700_800_000);

fn shop() -> (Memory, Place) {
    let world = Memory::default();
    world.set_now(NOW);
    block_on(Engine::new(&world, &Pipeline).configure(SPEC)).unwrap();
    (world, Place { application: "shop".into(), environment: "staging".into() })
}

fn request(version: &str) -> Input {
    let digest = Digest::new(format!("sha256:{version:0<64}"));
    Input::Requested(Box::new(Request {
        id: format!("by hand {version}").as_str().into(),
        kind: Kind::Deploy,
        release: Release::new(version.into(), NOW, [("api".into(), digest)].into_iter().collect()),
        asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
        asked_at: NOW,
        confirm: None,
        overrides: Default::default(),
        fresh: false,
        skip_migration: None,
    }))
}

/// Rehearses an input, feeds the same one, and compares both replies.
fn check(world: &Memory, place: &Place, input: &Input, expected: &Expect) {
    let engine = Engine::new(world, &Pipeline);
    let before: Vec<_> = world.keys().iter().map(|key| world.read(key)).collect();
    drop((world.take_changed(), world.take_sent(), world.take_timers()));
    let rehearsal = block_on(engine.rehearse(place, input)).unwrap().unwrap();
    let after: Vec<_> = world.keys().iter().map(|key| world.read(key)).collect();
    assert_eq!(before, after);
    let traces = (world.take_changed(), world.take_sent(), world.take_timers());
    assert_eq!(traces, (vec![], vec![], vec![]));

    let state = |deployment: &pipeline::deployment::Deployment| {
        format!("{} {}", deployment.id.number, deployment.state.name())
    };
    let effects: Vec<_> = rehearsal.effects.iter().map(|effect| effect.name()).collect();
    expected.assert_eq(&format!(
        "{:?}\nunder way: {:?}, started: {:?}, effects: {effects:?}",
        rehearsal.said,
        rehearsal.deployment.as_ref().map(state),
        rehearsal.started.as_ref().map(state),
    ));
    assert_eq!(block_on(engine.tell(place, input.clone())).unwrap(), rehearsal.said);
    let sent: Vec<_> = world.take_sent().iter().map(|message| message.effect.name()).collect();
    assert_eq!(sent, effects);
}

#[test]
fn a_rehearsal_says_what_would_be_said_and_sent() {
    let (world, place) = shop();
    check(
        &world,
        &place,
        &request("b1"),
        &expect![[r#"
        Accepted("deployment 1 of b1 has started")
        under way: None, started: Some("1 awaiting approval"), effects: ["announce"]"#]],
    );
    check(
        &world,
        &place,
        &request("b2"),
        &expect![[r#"
            Accepted("queued: deployment 1 is in progress")
            under way: Some("1 awaiting approval"), started: None, effects: []"#]],
    );
    let approve = Control::Approve { version: "b1".into(), overrides: Default::default() };
    let approve = Input::Controlled { by: "ann".into(), why: String::new(), control: approve };
    check(
        &world,
        &place,
        &approve,
        &expect![[r#"
            Accepted("approved; the deployment starts")
            under way: Some("1 preparing"), started: None, effects: ["prepare", "announce"]"#]],
    );
    // It is cancelled, and the queued one is next.
    let cancel = Input::Controlled { by: "ann".into(), why: "no".into(), control: Control::Cancel };
    check(
        &world,
        &place,
        &cancel,
        &expect![[r#"
            Accepted("cancelled; no service was changed")
            under way: Some("1 ended"), started: Some("2 awaiting approval"), effects: ["announce", "announce"]"#]],
    );
    check(
        &world,
        &place,
        &request("b1"),
        &expect![[r#"
            Accepted("duplicate request: it started deployment 1")
            under way: Some("2 awaiting approval"), started: None, effects: []"#]],
    );
}

#[test]
fn there_is_no_rehearsal_where_there_is_no_environment() {
    let (world, place) = shop();
    let place = Place { environment: "moon".into(), ..place };
    let engine = Engine::new(&world, &Pipeline);
    assert!(block_on(engine.rehearse(&place, &request("b1"))).unwrap().is_none());
    assert_eq!(
        format!("{:?}", block_on(engine.tell(&place, request("b1"))).unwrap()),
        r#"Refused("there is no environment shop/moon in any spec")"#
    );
}
