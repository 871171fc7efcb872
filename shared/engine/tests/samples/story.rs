//! A story that creates every kind of record: one release is rolled out, the next is undone and
//! rolled back, and people intervene.

use engine::memory::Memory;
use engine::{Engine, Key, Message, Pipeline, Record, World};
use pipeline::deployment::Reply;
use pipeline::effect::{Effect, Purpose};
use pipeline::environment::{Control, Input};
use pipeline::event::{AlarmReading, AlarmState, Event, Outcome, Preparation, PreparedService};
use pipeline::names::{DeploymentId, Place, Revision, ServiceName, TaskId, Version};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::push::{Details, Push};
use pipeline::task::{OneOffEnd, Stop, TaskReport};
use pipeline::time::{Span, Time};
use pollster::block_on;
use std::collections::BTreeMap;

const SPEC: &str = r#"
application: shop
images: {api: shop-api, web: shop-web}
environments:
  staging:
    cluster: shop-staging
    deploy_on: {tags: ["[0-9a-f]*", "semver:>=1.2"], images: all}
    approval: {expires: 2h}
    confirm: DEPLOY
    tag: staging-latest
    migration: {service: shop-api, container: api, command: [migrate, up], undo: [migrate, down]}
    services:
      - shop-api
      - - shop-worker
        - name: shop-web
          base:
            template: {family: shop-web, containerDefinitions: [{name: web, image: shop-web, environment: [{name: COLOUR, value: "${colour}"}]}]}
            parameters: {colour: blue}
          create: {desired_count: 2, subnets: [subnet-0a1b2c3d4e5f60001], security_groups: [sg-0a1b2c3d4e5f60003]}
    checks: [{url: "https://shop.example/health", expect: [200, 307]}]
    alarms: {names: [shop-5xx], at_start: warn}
    bake: 5m
    rollback: after_undo
    first_deploy: remove
    freeze: [{from: "fri 18:00", to: "mon 08:00", time_zone: Europe/Berlin}]
  production:
    hosts: {tags: {Component: shop}}
    deploy_on: {promoted_from: staging}
    services: [{name: shop, container: {image: api, ports: ["8000:8000"], env_file: /etc/shop.env}}]
"#;

/// 2026-01-06T12:00:00Z, a Tuesday.
const START: Time = Time::from_millis(1_767_700_800_000);
const SERVICES: [&str; 3] = ["shop-api", "shop-worker", "shop-web"];

struct Shop {
    world: Memory,
    sent: Vec<Message>,
    samples: BTreeMap<String, String>,
}

/// Returns every sample by its name.
pub(crate) fn tell() -> BTreeMap<String, String> {
    let mut shop = Shop { world: Memory::default(), sent: Vec::new(), samples: BTreeMap::new() };
    shop.world.set_now(START);
    block_on(shop.engine().configure(SPEC)).unwrap();
    shop.sample("spec", &Key::Spec("shop".into()));
    shop.push("api", "b1", "a1");
    shop.sample("candidate-incomplete", &candidate("b1"));
    shop.push("web", "b1", "w1");
    shop.sample("candidate-offered", &candidate("b1"));
    shop.release_goes_out(1);
    shop.push("api", "b2", "a2");
    shop.push("web", "b2", "w2");
    shop.release_is_rolled_back(2);
    shop.people_have_their_say();
    shop.samples
}

fn place() -> Place {
    Place { application: "shop".into(), environment: "staging".into() }
}

fn candidate(version: &str) -> Key {
    Key::Candidate { application: "shop".into(), version: Version::from(version) }
}

fn revision(service: &str, number: u64) -> Revision {
    Revision::new(format!(
        "arn:aws:ecs:eu-central-1:123456789012:task-definition/{service}:{number}"
    ))
}

impl Shop {
    fn engine(&self) -> Engine<'_, Memory> {
        Engine::new(&self.world, &Pipeline)
    }

    fn sample(&mut self, name: &str, key: &Key) {
        let text = self.world.read(key).unwrap().write().unwrap();
        self.samples.entry(name.to_owned()).or_insert(text);
    }

    fn later(&self, span: Span) {
        self.world.set_now(self.world.now() + span);
    }

    fn push(&mut self, image: &str, tag: &str, digest: &str) {
        self.later(Span::minutes(1));
        let push = Push {
            repository: format!("shop-{image}").as_str().into(),
            digest: format!("sha256:{digest:0<64}").as_str().into(),
            tag: Some(tag.into()),
            artifact_media_type: None,
            pushed_at: self.world.now(),
            details: Details::default(),
        };
        block_on(self.engine().pushed(&push)).unwrap();
        self.pump();
    }

    /// Relays effects between records and keeps those for workers.
    fn pump(&mut self) {
        loop {
            let sent = self.world.take_sent();
            if sent.is_empty() {
                break;
            }
            for message in sent {
                if block_on(self.engine().relay(&message)).unwrap().is_none() {
                    self.sent.push(message);
                }
            }
        }
    }

    fn tell(&mut self, input: Input) -> Reply {
        let said = block_on(self.engine().tell(&place(), input)).unwrap();
        self.pump();
        said
    }

    fn control(&mut self, control: Control) {
        let (by, why) = ("ann".to_owned(), "a sample".to_owned());
        self.tell(Input::Controlled { by, why, control });
    }

    /// A worker answers the newest effect of this name.
    fn answer(&mut self, effect: &str, event: Event) {
        self.later(Span::seconds(90));
        let message = self.sent.iter().rev().find(|message| message.effect.name() == effect);
        let message = message.unwrap_or_else(|| panic!("nobody asked to {effect}")).clone();
        block_on(self.engine().answer(&message, event)).unwrap();
        self.pump();
    }

    fn sample_state(&mut self, number: u64) {
        let key = Key::Deployment(DeploymentId { place: place(), number });
        let Some(Record::Deployment(deployment)) = self.world.read(&key) else {
            panic!("no deployment")
        };
        let state = deployment.verdict().map_or(deployment.state.name(), |verdict| verdict.name());
        self.sample(&format!("deployment-{}", state.replace(' ', "-")), &key);
    }

    fn begin(&mut self, number: u64) {
        self.sample_state(number);
        let version = Version::new(format!("b{number}"));
        self.control(Control::Approve { version, overrides: Default::default() });
        self.sample_state(number);
        self.answer("prepare", Event::Prepared(preparation(number, self.world.now())));
        self.sample_state(number);
        let purpose = Purpose::Migrate;
        self.answer("migrate", Event::OneOffClaimed { purpose, attempt: 1 });
        self.answer(
            "migrate",
            Event::OneOffStarted { purpose, attempt: 1, task: "task/m1".into() },
        );
        self.happened_to(number, purpose);
        self.sample_state(number);
    }

    fn happened_to(&mut self, deployment: u64, purpose: Purpose) {
        let stop = Stop { code: Some("EssentialContainerExited".into()), reason: "done".into() };
        let end = Some(OneOffEnd { exit_code: Some(0), stop, reason: None, beside: None });
        let (attempt, task) = (1, TaskId::from("task/m1"));
        let (told, asked) = (end.clone(), task.clone());
        let event = Event::OneOffReported { purpose, attempt, task, end: told };
        self.tell(Input::HappenedTo { deployment, event });
        self.answer("look at task", Event::OneOffSeen { purpose, attempt, task: asked, end });
    }

    fn rolls_out(&mut self, service: &str, number: u64) {
        let rollout = format!("ecs-svc/{service}-{number}").as_str().into();
        self.answer("roll out", Event::RolloutStarted { service: service.into(), rollout });
    }

    fn seen(&mut self, number: u64) {
        self.later(Span::seconds(90));
        for service in SERVICES {
            let rollout = Rollout {
                id: format!("ecs-svc/{service}-{number}").as_str().into(),
                revision: revision(service, number),
                primary: true,
                progress: Progress::Completed,
                reason: String::new(),
                desired: 2,
                running: 2,
                failed: 0,
            };
            let found = Found { rollouts: vec![rollout], ..Found::default() };
            let seen_at = self.world.now();
            let observation = Observation { service: service.into(), seen_at, found: Some(found) };
            self.tell(Input::Happened(Event::Observed { services: vec![observation] }));
        }
    }

    fn release_goes_out(&mut self, number: u64) {
        self.begin(number);
        self.rolls_out("shop-api", number);
        self.seen(number);
        self.rolls_out("shop-web", number);
        self.seen(number);
        self.sample_state(number);
        self.answer("check", Event::Checked { check: 0, attempt: 1, outcome: Outcome::Passed });
        self.sample_state(number);
        self.later(Span::minutes(5));
        self.tell(Input::Woken);
        self.sample_state(number);
        let read_at = self.world.now() + Span::seconds(90);
        self.answer("read alarms", Event::AlarmsRead { read_at, readings: alarms(read_at) });
        self.seen(number);
        self.sample_state(number);
        self.sample("head-good", &Key::Head(place()));
    }

    fn release_is_rolled_back(&mut self, number: u64) {
        self.begin(number);
        self.rolls_out("shop-api", number);
        for task in ["task/1", "task/2", "task/3"] {
            let report = TaskReport {
                service: "shop-api".into(),
                task: task.into(),
                revision: revision("shop-api", number),
                seen_at: self.world.now(),
                stop: Some(Stop {
                    code: Some("EssentialContainerExited".into()),
                    reason: "bad".into(),
                }),
                containers: vec![],
            };
            self.tell(Input::Happened(Event::TaskReported(report)));
        }
        self.sample_state(number);
        let purpose = Purpose::Undo;
        self.answer("undo", Event::OneOffStarted { purpose, attempt: 1, task: "task/m1".into() });
        self.happened_to(number, purpose);
        self.sample_state(number);
        let (service, before) = (ServiceName::from("shop-api"), revision("shop-api", number - 1));
        self.answer(
            "roll back",
            Event::RollbackStarted { service, revision: before, rollout: None },
        );
        self.seen(number - 1);
        self.sample_state(number);
        self.later(Span::minutes(2));
        self.tell(Input::Woken);
        self.seen(number - 1);
        self.sample_state(number);
    }

    fn people_have_their_say(&mut self) {
        self.control(Control::Pause);
        self.control(Control::MarkBad { digest: "sha256:bad".into(), version: None });
        self.push("api", "b3", "a3");
        self.push("web", "b3", "w3");
        self.push("api", "b3", "a3-again");
        self.sample("candidate-rebuilt", &candidate("b3"));
        self.sample("head-busy", &Key::Head(place()));
        let announced =
            self.sent.iter().any(|message| matches!(message.effect, Effect::Announce(_)));
        assert!(announced, "people were told");
    }
}

fn preparation(number: u64, now: Time) -> Preparation {
    let services = SERVICES.map(|name| PreparedService {
        name: name.into(),
        before: (name != "shop-web" || number > 1).then(|| revision(name, number - 1)),
        after: revision(name, number),
    });
    let warnings = vec!["the repository shop-api has a lifecycle rule".to_owned()];
    Preparation { services: services.to_vec(), alarms: alarms(now), warnings }
}

fn alarms(since: Time) -> Vec<AlarmReading> {
    let (state, reason) = (AlarmState::Quiet, "no datapoints over 10".to_owned());
    vec![AlarmReading {
        alarm: "shop-5xx".into(),
        state,
        since,
        reason,
        muted: Some(false),
        was: None,
    }]
}
