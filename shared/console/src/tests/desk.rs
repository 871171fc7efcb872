//! A small installation in memory, and a person at the console.

use crate::account::Facts;
use crate::answer::Caller;
use crate::catalog::Records;
use crate::registry::{Found, Image, Registry};
use crate::{configure, control, deploy, rollback, status};
use aws::failure::Failure;
use aws::preview::Preview;
use aws::world::history::{Page, Recorded};
use engine::memory::Memory;
use engine::{Engine, Key, Message, Pipeline, Record, Sender, World, Write};
use expect_test::Expect;
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::environment::{Good, Head, Input, Live};
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::names::{
    ApplicationName, Digest, ImageName, Place, Repository, Revision, ServiceName, Version,
};
use pipeline::push::{Candidate, Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::{Span, Time};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const SCR: &str = include_str!("../../../../infra/examples/scr.yaml");
pub(super) const WWHD: &str = include_str!("../../../../infra/examples/wwhd.yaml");

/// 2026-01-06T12:00:00Z, a Tuesday.
const START: Time = Time::from_millis(1_767_700_800_000);
pub(super) const REPOSITORIES: [(&str, &str); 3] =
    [("api", "scr-api"), ("gateway", "scr-ai-gateway"), ("web", "scr-web")];
const SERVICES: [&str; 3] = ["scr-api", "scr-ai-gateway", "scr-web"];

pub(super) struct Desk {
    pub(super) world: Memory,
    pub(super) facts: Facts,
    /// The preview of a deployment.
    pub(super) preview: Preview,
    images: BTreeMap<(Repository, String), Image>,
}

impl Desk {
    pub(super) fn new(specs: &[&str]) -> Self {
        let world = Memory::default();
        world.set_now(START);
        for spec in specs {
            block_on(Engine::new(&world, &Pipeline).configure(spec)).unwrap();
        }
        let (facts, preview) = (Facts::default(), Preview::default());
        Self { world, facts, preview, images: BTreeMap::new() }
    }

    /// SCR, where two releases have succeeded in staging, one after the other.
    pub(super) fn with_two_good() -> Self {
        let desk = Self::new(&[SCR]);
        desk.succeeded("staging", "3f2a9c1", 1);
        desk.succeeded("staging", "7b41d0e", 2);
        desk
    }

    pub(super) fn wait(&self, span: Span) {
        self.world.set_now(self.world.now() + span);
    }

    /// A release was deployed and succeeded.
    pub(super) fn succeeded(&self, environment: &str, version: &str, number: u64) {
        let mut head = self.head(environment);
        let (release, at) = (release(version), self.world.now());
        let revisions = SERVICES.map(|name| {
            let number = 10 + number;
            let name = match environment {
                "staging" => name.to_owned(),
                other => format!("{name}-{other}"),
            };
            (ServiceName::new(name.as_str()), revision(&name, number))
        });
        let revisions = revisions.into_iter().collect();
        head.good.push(Good { release: release.clone(), number, at, revisions, needs: None });
        head.high_water = Some(release.order().into());
        head.live = Some(Live { release, number, since: at });
        head.last_number = number;
        self.put(head.into());
        self.wait(Span::hours(1));
    }

    pub(super) fn head(&self, environment: &str) -> Head {
        let place = place(environment);
        let found = self.world.read(&Key::Head(place.clone()));
        found.map_or_else(|| Head::new(place), |record| Head::try_from(record).unwrap())
    }

    pub(super) fn put(&self, record: Record) {
        let key = match &record {
            Record::Head(head) => Key::Head(head.place.clone()),
            _ => unreachable!("only heads are put down by hand"),
        };
        let stored = block_on(self.world.load(std::slice::from_ref(&key))).unwrap().pop().unwrap();
        let read_version = stored.map(|stored| stored.version);
        let write = Write { key, read_version, record, due: None, lookups: vec![] };
        block_on(self.world.save(vec![write])).unwrap();
    }

    /// Every image of a version is pushed.
    pub(super) fn push(&self, environment: &str, version: &str) -> Reply {
        let request = Request {
            id: format!("push {version}").as_str().into(),
            kind: Kind::Deploy,
            release: release(version),
            asked_by: RequestedBy::Push { tag: version.into() },
            asked_at: self.world.now(),
            confirm: None,
            overrides: Default::default(),
            fresh: false,
            skip_migration: None,
        };
        self.tell(environment, Input::Requested(Box::new(request)))
    }

    pub(super) fn tell(&self, environment: &str, input: Input) -> Reply {
        block_on(Engine::new(&self.world, &Pipeline).tell(&place(environment), input)).unwrap()
    }

    /// An image arrives under a tag.
    pub(super) fn pushed(&self, repository: &str, tag: &str, digest: &Digest) {
        let push = Push {
            repository: repository.into(),
            digest: digest.clone(),
            tag: Some(tag.into()),
            artifact_media_type: None,
            pushed_at: self.world.now(),
            details: Details::default(),
        };
        block_on(Engine::new(&self.world, &Pipeline).pushed(&push)).unwrap();
    }

    /// The registry has an image under a tag.
    pub(super) fn has(&mut self, repository: &str, tag: &str, digest: &Digest) {
        let image = Image { digest: digest.clone(), pushed_at: Some(self.world.now()) };
        self.images.insert((repository.into(), digest.to_string()), image.clone());
        self.images.insert((repository.into(), tag.to_owned()), image);
    }

    /// The deployment in progress is prepared: with the migration, or without.
    pub(super) fn prepare(&self, environment: &str) {
        let services = SERVICES.map(|name| PreparedService {
            name: name.into(),
            before: Some(revision(name, 12)),
            after: revision(name, 13),
        });
        let preparation = Preparation { services: services.into(), ..Preparation::default() };
        let is_it = |effect: &Effect| matches!(effect, Effect::Prepare(_));
        self.answer(environment, is_it, Event::Prepared(preparation));
    }

    /// A worker answers that kind of effect.
    pub(super) fn answer(&self, environment: &str, is_it: impl Fn(&Effect) -> bool, event: Event) {
        let place = place(environment);
        let number = self.head(environment).active.unwrap();
        let id = pipeline::names::DeploymentId { place, number };
        let Some(Record::Deployment(active)) = self.world.read(&Key::Deployment(id.clone())) else {
            unreachable!("the head knows it")
        };
        let entries = active.outbox.entries().iter();
        let entry = entries.rev().find(|entry| is_it(&entry.effect)).unwrap();
        let (number, effect) = (entry.number, entry.effect.clone());
        let message = Message { from: Sender::Deployment(id), number, effect };
        block_on(Engine::new(&self.world, &Pipeline).answer(&message, event)).unwrap();
    }

    /// What a function answers to a payload.
    pub(super) fn ask(&self, function: &'static str, payload: &Value) -> Result<Value, Failure> {
        let caller = Caller::new(Some(format!("slipway-{function}")), function);
        let look = async |_: &_| Ok(self.facts.clone());
        let foresee = async |_: &_, _: &_| Ok(self.preview.clone());
        match function {
            "rollback" => {
                let look = async |_: &_, _: &_| self.preview.clone();
                block_on(rollback::roll_back(&self.world, look, &caller, payload))
            }
            "deploy" => block_on(deploy::deploy(&self.world, self, foresee, &caller, payload)),
            "control" => block_on(control::control(&self.world, &caller, payload)),
            "status" => block_on(status::status(&self.world, &caller, payload)),
            "configure" => block_on(configure::take(&self.world, look, &caller, payload)),
            _ => unreachable!("nobody talks to it"),
        }
    }

    pub(super) fn roll_back(&self, payload: &str, expected: &Expect) {
        check(self.ask("rollback", &json(payload)), expected);
    }

    pub(super) fn deploy(&self, payload: &str, expected: &Expect) {
        check(self.ask("deploy", &json(payload)), expected);
    }

    pub(super) fn control(&self, payload: &str, expected: &Expect) {
        check(self.ask("control", &json(payload)), expected);
    }

    pub(super) fn status(&self, payload: &str, expected: &Expect) {
        check(self.ask("status", &json(payload)), expected);
    }

    pub(super) fn configure(&self, payload: &Value, expected: &Expect) {
        check(self.ask("configure", payload), expected);
    }
}

impl Records for Memory {
    async fn applications(&self) -> Result<Vec<ApplicationName>, Failure> {
        let names = self.keys().into_iter().filter_map(|key| match key {
            Key::Spec(name) => Some(name),
            _ => None,
        });
        Ok(names.collect())
    }

    async fn candidates(
        &self,
        application: &ApplicationName,
        prefix: &str,
    ) -> Result<Vec<Candidate>, Failure> {
        let records = self.keys().into_iter().filter_map(|key| self.read(&key));
        let candidates = records.filter_map(|record| Candidate::try_from(record).ok());
        let of_it = candidates.filter(|candidate| candidate.application == *application);
        Ok(of_it.filter(|candidate| candidate.version.as_str().starts_with(prefix)).collect())
    }

    async fn newest(&self, application: &ApplicationName) -> Result<Vec<Candidate>, Failure> {
        let mut newest = self.candidates(application, "").await?;
        newest.sort_by_key(|candidate| std::cmp::Reverse(candidate.last_pushed_at));
        Ok(newest)
    }

    /// Two at once.
    async fn recorded(&self, place: &Place, before: Option<u64>) -> Result<Page, Failure> {
        let mut records = Vec::new();
        self.visit(|key, stored| {
            let Key::Deployment(id) = key else { return };
            if id.place == *place && before.is_none_or(|before| id.number < before) {
                let read = match &stored.record {
                    Record::Deployment(deployment) => Ok(Box::new(deployment.clone())),
                    _ => Err("it holds another kind of record".to_owned()),
                };
                records.push(Recorded { number: id.number, woken_at: stored.due, read });
            }
        });
        records.reverse();
        let next = records.get(1).map(|last| last.number).filter(|_| records.len() > 2);
        records.truncate(2);
        Ok(Page { records, odd: vec![], next })
    }
}

impl Registry for Desk {
    async fn image(&self, repository: &Repository, name: &str) -> Result<Found, Failure> {
        let found = self.images.get(&(repository.clone(), name.to_owned()));
        Ok(found.map_or(Found::NoImage, |image| Found::Image(image.clone())))
    }
}

pub(super) fn place(environment: &str) -> Place {
    Place { application: "scr".into(), environment: environment.into() }
}

pub(super) fn digest(image: &str, version: &str) -> Digest {
    let image = match image {
        "api" => "a1",
        "gateway" => "9a",
        _ => "eb",
    };
    Digest::new(format!("sha256:{:0<64}", format!("{version}{image}")))
}

/// A release whose images are all its own.
pub(super) fn release(version: &str) -> Release {
    let images =
        ["api", "gateway", "web"].map(|image| (ImageName::from(image), digest(image, version)));
    // The first letter says which is the older one.
    let seconds = version.bytes().next().map_or(0, u64::from);
    let built_at = START + Span::seconds(seconds);
    Release::new(Version::new(version), built_at, images.into_iter().collect())
}

fn revision(service: &str, number: u64) -> Revision {
    let family = "arn:aws:ecs:eu-central-1:123456789012:task-definition";
    Revision::new(format!("{family}/{service}:{number}"))
}

fn json(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap()
}

fn check(answer: Result<Value, Failure>, expected: &Expect) {
    let text = match answer {
        Ok(answer) => serde_json::to_string_pretty(&answer).unwrap(),
        Err(failure) => format!("failed with {}: {failure}", failure.name()),
    };
    expected.assert_eq(&text);
}

pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}
