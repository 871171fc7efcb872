//! Turns: what is read and written, conflicts with other writers, and whom news concerns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]

use engine::memory::Memory;
use engine::{
    Due, Engine, EngineError, Key, Lookup, Message, Pipeline, SaveError, Sender, Stored, Timer,
    World, WorldError, Write,
};
use expect_test::expect;
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::environment::{Control, Head, Input};
use pipeline::event::{AlarmReading, AlarmState, Event};
use pipeline::names::{ApplicationName, Digest, Place};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::spec::parse;
use pipeline::time::Time;
use pollster::block_on;
use std::cell::{Cell, RefCell};

const NOW: Time = Time::from_millis(1_767_700_800_000);
const SPEC: &str = "
application: shop
images: {api: shop-api}
environments:
  a: {cluster: shop-a, deploy_on: {tags: ['b*']}, services: [shop-api], alarms: [shop-a-5xx]}
  b: {cluster: shop-b, deploy_on: {promoted_from: a}, services: [shop-api], alarms: [shop-b-5xx]}
  c: {hosts: {tags: {Name: shop}}, services: [{name: shop-api, container: {image: api}}]}
";

/// A table with one unreadable record, whose first writes conflict with another writer's.
#[derive(Default)]
struct Odd {
    memory: Memory,
    damaged: RefCell<Option<Key>>,
    conflicts: Cell<usize>,
    pauses: RefCell<Vec<usize>>,
    reads: Cell<usize>,
}

impl World for Odd {
    fn now(&self) -> Time {
        self.memory.now()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        self.reads.set(self.reads.get() + keys.len());
        let spec = Key::Spec("shop".into());
        let mut found = self.memory.load(keys).await?;
        for (stored, _) in found
            .iter_mut()
            .zip(keys)
            .filter(|(_, key)| self.damaged.borrow().as_ref() == Some(key))
        {
            *stored = self.memory.load(std::slice::from_ref(&spec)).await?.remove(0);
        }
        Ok(found)
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        if let Some(left) = self.conflicts.get().checked_sub(1) {
            self.conflicts.set(left);
            return Err(SaveError::Conflict);
        }
        self.memory.save(writes).await
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        self.memory.send(messages, timers).await
    }

    async fn due(&self, now: Time) -> Result<Vec<Due>, WorldError> {
        self.memory.due(now).await
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        self.memory.find(lookup).await
    }

    async fn pause(&self, tries: usize) {
        self.pauses.borrow_mut().push(tries);
    }

    async fn within_limits<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        Some(work.await)
    }
}

impl Odd {
    fn new() -> Self {
        let world = Self::default();
        world.memory.set_now(NOW);
        block_on(world.engine().configure(SPEC)).unwrap();
        world
    }

    fn engine(&self) -> Engine<'_, Self> {
        Engine::new(self, &Pipeline)
    }

    fn tell(&self, environment: &str, input: Input) -> Result<Reply, EngineError> {
        block_on(self.engine().tell(&place(environment), input))
    }

    fn head(&self, environment: &str) -> Head {
        Head::try_from(self.memory.read(&Key::Head(place(environment))).unwrap()).unwrap()
    }

    fn deploy(&self, environment: &str, version: &str) -> Reply {
        self.tell(environment, request(version)).unwrap()
    }

    /// What the sender has asked for since.
    fn asked(&self, from: &Sender) -> Vec<Message> {
        let sent = self.memory.take_sent().into_iter();
        sent.filter(|message| message.from == *from).collect()
    }
}

fn place(environment: &str) -> Place {
    Place { application: "shop".into(), environment: environment.into() }
}

fn deployment(environment: &str, number: u64) -> Sender {
    Sender::Deployment(pipeline::names::DeploymentId { place: place(environment), number })
}

fn digest(version: &str) -> Digest {
    Digest::new(format!("sha256:{version:0<64}"))
}

fn request(version: &str) -> Input {
    Input::Requested(Box::new(Request {
        id: format!("by hand {version}").as_str().into(),
        kind: Kind::Deploy,
        release: Release::new(version.into(), NOW, [("api".into(), digest(version))].into()),
        asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
        asked_at: NOW,
        confirm: None,
        overrides: [pipeline::request::Override::Promotion].into(),
        fresh: false,
        skip_migration: None,
    }))
}

fn push(tag: &str) -> Push {
    Push {
        repository: "shop-api".into(),
        digest: digest(tag),
        tag: Some(tag.into()),
        artifact_media_type: None,
        pushed_at: NOW,
        details: Details::default(),
    }
}

fn control(control: Control) -> Input {
    Input::Controlled { by: "ann".into(), why: "a test".into(), control }
}

fn roll_back() -> Input {
    let (id, by, why) = ("click".into(), "ann".to_owned(), "a test".to_owned());
    Input::RollbackRequested { id, by, why, to: None, undo: false }
}

#[test]
fn a_rollback_or_a_hold_needs_no_record_of_the_source_environment() {
    let world = Odd::new();
    world.deploy("a", "b1");
    world.deploy("b", "b1");
    // The release that it rolls back from has to be read.
    *world.damaged.borrow_mut() = Some(Key::from(&deployment("b", 1)));
    assert!(world.tell("b", roll_back()).is_err());
    *world.damaged.borrow_mut() = Some(Key::Head(place("a")));
    assert!(world.tell("b", request("b2")).is_err());
    assert!(world.tell("b", control(Control::Hold { firm: true })).is_ok());
    assert!(world.tell("b", roll_back()).is_ok());
}

#[test]
fn after_each_conflict_a_writer_waits_longer() {
    let world = Odd::new();
    world.conflicts.set(3);
    world.deploy("a", "b1");
    assert_eq!(*world.pauses.borrow(), [1, 2, 3]);
    assert_eq!(world.head("a").last_number, 1);
}

#[test]
fn what_changes_nothing_is_not_written() {
    let world = Odd::new();
    world.deploy("a", "b1");
    world.memory.take_changed();
    world.deploy("a", "b1");
    assert_eq!(world.memory.take_changed(), []);
}

#[test]
fn a_message_is_no_longer_wanted_after_its_answer() {
    let world = Odd::new();
    world.deploy("a", "b1");
    let sender = deployment("a", 1);
    let asked = world.asked(&sender);
    let prepare = asked.iter().find(|m| !matches!(m.effect, Effect::Announce(_))).unwrap();
    let permit = block_on(world.engine().permits(prepare)).unwrap().unwrap();
    let keys: Vec<Key> = permit.read().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [Key::Head(place("a")), Key::from(&sender)]);
    let event = Event::PreparationFailed { faults: vec!["no such image".into()] };
    block_on(world.engine().answer(prepare, event)).unwrap();
    assert!(block_on(world.engine().permits(prepare)).unwrap().is_none());
}

/// No deployment is in progress, and a request is queued: the spec and the other environments have
/// to be read.
#[test]
fn an_answer_is_for_the_deployment_that_asked() {
    let world = Odd::new();
    world.deploy("a", "b1");
    let asked = world.asked(&deployment("a", 1));
    let prepare = asked.iter().find(|m| !matches!(m.effect, Effect::Announce(_))).unwrap();
    let event = Event::PreparationFailed { faults: vec!["no such image".into()] };
    block_on(world.engine().answer(prepare, event)).unwrap();
    let asked = world.asked(&deployment("a", 1));
    world.tell("a", control(Control::Pause)).unwrap();
    block_on(world.engine().pushed(&push("b2"))).unwrap();
    for message in world.memory.take_sent() {
        if matches!(message.effect, Effect::Offer { .. }) {
            block_on(world.engine().relay(&message)).unwrap();
        }
    }
    assert_eq!((world.head("a").active, world.head("a").queue.len()), (None, 1));
    let told = asked.iter().find(|m| matches!(m.effect, Effect::Announce(_))).unwrap();
    assert!(block_on(world.engine().permits(told)).unwrap().is_some());
    block_on(world.engine().answer(told, Event::Announced)).unwrap();
    assert!(block_on(world.engine().permits(told)).unwrap().is_none());
}

fn rings(alarm: &str) -> Event {
    Event::AlarmChanged(AlarmReading {
        alarm: alarm.into(),
        state: AlarmState::On,
        since: NOW,
        reason: "threshold crossed".into(),
        muted: None,
        was: None,
    })
}

#[test]
fn an_alarm_concerns_the_environments_that_name_it() {
    let world = Odd::new();
    world.deploy("a", "b1");
    world.deploy("b", "b1");
    let told = block_on(
        world.engine().happened(&Lookup::Alarm("shop-b-5xx".into()), &rings("shop-b-5xx")),
    )
    .unwrap();
    assert_eq!(told.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), [place("b")]);
}

#[test]
fn an_event_of_a_service_concerns_the_environment_that_runs_it() {
    let world = Odd::new();
    let spec = parse(SPEC).unwrap();
    let lookup = |environment: &str| {
        let target = &spec.environments[&place(environment).environment].target;
        Lookup::service(target, &"shop-api".into())
    };
    assert_eq!(lookup("c"), None, "hosts send no events");
    let event = Event::Woken;
    let told = block_on(world.engine().happened(&lookup("b").unwrap(), &event)).unwrap();
    assert_eq!(told.into_iter().map(|(place, _)| place).collect::<Vec<_>>(), [place("b")]);
}

#[test]
fn an_event_read_beside_another_deployment_is_fed_to_the_one_in_progress() {
    let world = Odd::new();
    world.deploy("a", "b1");
    world.tell("a", control(Control::Cancel)).unwrap();
    world.deploy("a", "b2");
    assert_eq!(world.head("a").active, Some(2));
    let said = block_on(world.engine().tell_active(&place("a"), 1, rings("shop-a-5xx"))).unwrap();
    assert_eq!(said, Reply::Done);
}

#[test]
fn the_registry_is_asked_about_what_no_candidate_knows() {
    let world = Odd::new();
    let push = push("b1");
    let asked = Cell::new(0);
    for _ in 0..2 {
        let read = async |push| {
            asked.set(asked.get() + 1);
            push
        };
        block_on(world.engine().pushed_and_read(&push, read)).unwrap();
    }
    assert_eq!(asked.get(), 1);
}

#[test]
fn an_answer_to_a_deployment_in_progress_needs_two_records_whatever_is_queued() {
    let world = Odd::new();
    world.deploy("a", "b1");
    world.deploy("a", "b2");
    assert_eq!(world.head("a").queue.len(), 1);
    let asked = world.asked(&deployment("a", 1));
    world.reads.set(0);
    block_on(world.engine().answer(&asked[0], Event::Announced)).unwrap();
    assert_eq!(world.reads.get(), 2);
}

#[test]
fn a_key_reads_as_it_stands_in_the_table() {
    let candidate = Key::Candidate { application: "shop".into(), version: "b1".into() };
    let keys = [
        Key::Spec("shop".into()),
        candidate,
        Key::Head(place("a")),
        Key::from(&deployment("a", 7)),
    ];
    expect![[r#"
        app#shop / spec
        app#shop / release#b1
        env#shop/a / head
        env#shop/a / deployment#00000007"#]]
    .assert_eq(&keys.map(|key| key.to_string()).join("\n"));
}
