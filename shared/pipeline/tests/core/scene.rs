//! One environment of the shop with its head, and all people and workers around it.

use super::events::{SERVICES, preparation, revision, runs_tasks, up};
use super::fixtures::{PLAIN, START, place, release, request, spec};
use pipeline::deployment::{Deployment, Reply};
use pipeline::effect::{Effect, Purpose};
use pipeline::environment::{Context, Control, Environment, Good, Head, Input, Step, advance};
use pipeline::event::Event;
use pipeline::names::{EnvironmentName, Place, RequestId, ServiceName, Version};
use pipeline::notice::News;
use pipeline::release::Release;
use pipeline::request::{Override, Request, RequestedBy};
use pipeline::spec::Application;
use pipeline::time::{Span, Time};
use pipeline::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Scene {
    pub(crate) spec: Application,
    pub(crate) head: Head,
    /// What staging is promoted from.
    pub(crate) source: Option<Head>,
    pub(crate) is_source_unreadable: bool,
    pub(crate) promotes_to: Vec<EnvironmentName>,
    pub(crate) deployments: BTreeMap<u64, Deployment>,
    pub(crate) now: Time,
    /// How many tasks each service runs.
    pub(crate) tasks: u32,
    requests: u32,
}

/// The time this many minutes after the start.
pub(crate) fn at(minutes: u64) -> Time {
    START + Span::minutes(minutes)
}

impl Scene {
    /// Plain services, and what is changed of that.
    pub(crate) fn new(changes: &[(&str, &str)]) -> Self {
        let changes: Vec<_> = PLAIN.iter().chain(changes).copied().collect();
        Self {
            spec: spec(&changes),
            head: Head::new(place()),
            source: None,
            is_source_unreadable: false,
            promotes_to: Vec::new(),
            deployments: BTreeMap::new(),
            now: at(60),
            tasks: 2,
            requests: 0,
        }
    }

    /// As `new`, with an environment `dev` beside it to be promoted from.
    pub(crate) fn new_promoted(changes: &[(&str, &str)]) -> Self {
        let mut scene = Self::new(changes);
        scene.source = Some(Head::new(Place { environment: "dev".into(), ..place() }));
        scene
    }

    /// A release succeeded in `dev`, and was not promoted yet.
    pub(crate) fn dev_succeeded(&mut self, version: &str, minutes: u64) {
        let good = Good {
            release: release(version, at(minutes)),
            number: minutes,
            at: self.now,
            revisions: BTreeMap::new(),
            needs: None,
        };
        self.source.as_mut().unwrap().good.push(good);
    }

    pub(crate) fn promote(&mut self, version: &str, minutes: u64) -> String {
        self.tell(Input::Promotable { from: "dev".into(), release: release(version, at(minutes)) })
    }

    /// The environment is taken out of the spec.
    pub(crate) fn leave_the_spec(&mut self) {
        self.spec.environments.remove(&place().environment).unwrap();
    }

    /// The spec calls an image by another name from now on.
    pub(crate) fn rename_image(&mut self, from: &str, to: &str) {
        let repository = self.spec.images.remove(&from.into()).unwrap();
        self.spec.images.insert(to.into(), repository);
        let rules = self.spec.environments.get_mut(&place().environment).unwrap();
        let wanted = rules.deploy_on.iter_mut().flat_map(|deploy_on| &mut deploy_on.images);
        wanted.filter(|image| image.as_str() == from).for_each(|image| *image = to.into());
    }

    pub(crate) fn tell(&mut self, input: Input) -> String {
        let context = Context {
            rules: self.spec.environments.get(&place().environment),
            repositories: &self.spec.images,
            promotes_to: &self.promotes_to,
            promoted_from: self.source.as_ref(),
            is_source_unreadable: self.is_source_unreadable,
        };
        let number = match &input {
            Input::Answered { deployment, .. } | Input::HappenedTo { deployment, .. } => {
                Some(*deployment)
            }
            _ => self.head.active,
        };
        let deployment = number.and_then(|number| self.deployments.get(&number).cloned());
        let environment = Environment { head: self.head.clone(), deployment };
        let Step { head, deployments, said } = advance(environment, input, &context, self.now);
        self.head = head;
        self.deployments
            .extend(deployments.into_iter().map(|deployment| (deployment.id.number, deployment)));
        words(said)
    }

    /// A release is complete. Its version says which images it has, `minutes` when it was built.
    pub(crate) fn push(&mut self, version: &str, minutes: u64) -> String {
        self.push_release(release(version, at(minutes)))
    }

    pub(crate) fn push_release(&mut self, release: Release) -> String {
        let version = release.version.to_string();
        self.tell(Input::Requested(Box::new(Request { release, ..request(&version, self.now) })))
    }

    /// Ann deploys a version by hand.
    pub(crate) fn deploy(&mut self, version: &str, minutes: u64, overrides: &[Override]) -> String {
        self.deploy_with(version, minutes, overrides, None)
    }

    pub(crate) fn deploy_with(
        &mut self,
        version: &str,
        minutes: u64,
        overrides: &[Override],
        confirm: Option<&str>,
    ) -> String {
        let request = Request {
            id: self.next_id(),
            asked_by: RequestedBy::Person { name: "ann".into(), why: "a test".into() },
            confirm: confirm.map(ToOwned::to_owned),
            overrides: overrides.iter().copied().collect::<BTreeSet<_>>(),
            ..request(version, at(minutes))
        };
        self.tell(Input::Requested(Box::new(request)))
    }

    /// Ann requests a rollback, with or without a target.
    pub(crate) fn roll_back(&mut self, to: Option<&str>) -> String {
        let id = self.next_id();
        self.roll_back_as(id, to, false)
    }

    pub(crate) fn roll_back_as(&mut self, id: RequestId, to: Option<&str>, undo: bool) -> String {
        let (by, why) = ("ann".to_owned(), "it looks odd".to_owned());
        self.tell(Input::RollbackRequested { id, by, why, to: to.map(Version::from), undo })
    }

    pub(crate) fn next_id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::new(format!("click {}", self.requests))
    }

    pub(crate) fn control(&mut self, control: Control) -> String {
        let (by, why) = ("ann".to_owned(), "a holiday".to_owned());
        self.tell(Input::Controlled { by, why, control })
    }

    pub(crate) fn active(&self) -> &Deployment {
        &self.deployments[&self.head.active.unwrap()]
    }

    /// A worker of the active deployment answers.
    pub(crate) fn answer(&mut self, event: Event) -> String {
        let deployment = self.head.active.unwrap();
        let open = self.deployments[&deployment].outbox.entries();
        let effect = open.iter().find(|entry| super::fixtures::answers(&event, &entry.effect));
        let effect = effect.map_or(0, |entry| entry.number);
        self.tell(Input::Answered { deployment, effect, event })
    }

    fn prepare(&mut self) {
        let number = self.head.active.unwrap();
        let (before, after) = (self.live_revision(), u32::try_from(number).unwrap() + 100);
        let mut prepared = preparation(&SERVICES);
        let kind = self.active().request.kind.clone();
        for service in &mut prepared.services {
            let name = service.name.as_str().to_owned();
            service.before = Some(revision(&name, before));
            let recorded = kind.recorded(&service.name).cloned();
            service.after = recorded.unwrap_or_else(|| revision(&name, after));
        }
        self.answer(Event::Prepared(prepared));
    }

    /// The revision of the services: that of the deployment that updated them.
    fn live_revision(&self) -> u32 {
        let live = self
            .head
            .good
            .last()
            .map(|good| good.revisions[&ServiceName::from("shop-api")].clone());
        live.map_or(1, |revision| revision.short().rsplit(':').next().unwrap().parse().unwrap())
    }

    /// The active deployment is prepared, and its first services are being updated.
    pub(crate) fn begin_rolling_out(&mut self) {
        self.prepare();
    }

    /// The active deployment succeeds.
    pub(crate) fn succeed(&mut self) {
        self.prepare();
        self.finish_rolling_out();
    }

    /// What `begin_rolling_out` started succeeds.
    pub(crate) fn finish_rolling_out(&mut self) {
        self.bring_up(SERVICES.len());
        self.now = self.now + Span::seconds(1);
        for service in SERVICES {
            let after = self.after(service);
            self.answer(runs_tasks(service, after, self.tasks, self.now));
        }
    }

    /// This many services are updated and become stable.
    pub(crate) fn bring_up(&mut self, count: usize) {
        // A manual rollback goes through the waves from the last to the first.
        let order: Vec<&str> = match self.active().request.kind {
            pipeline::request::Kind::Deploy => SERVICES.to_vec(),
            pipeline::request::Kind::ManualRollback(_) => SERVICES.into_iter().rev().collect(),
        };
        for service in order.into_iter().take(count) {
            let rollout = format!("ecs-svc/{service}-{}", self.head.last_number).as_str().into();
            self.answer(Event::RolloutStarted { service: service.into(), rollout });
            self.now = self.now + super::events::VISIBLE;
            let after = self.after(service);
            self.answer(runs_tasks(service, after, self.tasks, self.now));
        }
    }

    fn after(&self, service: &str) -> u32 {
        let services = &self.active().services;
        let after = &services.iter().find(|s| s.name.as_str() == service).unwrap().after;
        after.short().rsplit(':').next().unwrap().parse().unwrap()
    }

    /// The first service becomes stable, then ann requests a rollback, and it is rolled back.
    pub(crate) fn fail(&mut self) {
        self.prepare();
        self.bring_up(1);
        let before = self.live_revision();
        self.roll_back(None);
        for service in SERVICES {
            self.answer(Event::RollbackStarted {
                service: service.into(),
                revision: revision(service, before),
                rollout: None,
            });
        }
        for _ in 0..2 {
            self.now = self.now + Span::minutes(2);
            for service in SERVICES {
                if self.head.active.is_some() {
                    self.answer(up(service, before, self.now));
                }
            }
        }
    }

    /// The migration of the active deployment is started, and ECS forgets it.
    pub(crate) fn stick(&mut self) {
        self.prepare();
        self.answer(super::events::started(Purpose::Migrate));
        self.answer(Event::OneOffLost { purpose: Purpose::Migrate, attempt: 1 });
    }

    /// How every deployment ended so far.
    pub(crate) fn verdicts(&self) -> String {
        let lines = self.deployments.values().map(|deployment| {
            let version = &deployment.request.release.version;
            let verdict = deployment.verdict().map_or("under way".to_owned(), Verdict::to_string);
            format!("{} {version}: {verdict}\n", deployment.id.number)
        });
        lines.collect()
    }

    /// Notices of the head: releases that automation declined.
    pub(crate) fn declined(&self) -> String {
        let entries = self.head.outbox.entries().iter();
        let lines = entries.filter_map(|entry| match &entry.effect {
            Effect::Announce(notice) => match &notice.news {
                News::Declined { why } => Some(format!("{}: {why}\n", notice.version)),
                _ => None,
            },
            _ => None,
        });
        lines.collect()
    }

    /// The queue, with the reasons.
    pub(crate) fn queue(&self) -> String {
        let lines =
            self.head.queue.iter().map(|w| format!("{}: {}\n", w.request.release.version, w.why));
        lines.collect()
    }

    pub(crate) fn live(&self) -> &str {
        self.head.live.as_ref().map_or("nobody knows", |live| live.release.version.as_str())
    }

    pub(crate) fn hold(&self) -> String {
        let hold = self.head.hold.as_ref();
        hold.map_or("none".to_owned(), |hold| format!("by {}: {}", hold.by, hold.why))
    }
}

fn words(said: Reply) -> String {
    match said {
        Reply::Done => "done".into(),
        Reply::Granted => "granted".into(),
        Reply::Accepted(text) => format!("yes: {text}"),
        Reply::Denied(text) | Reply::Refused(text) => format!("no: {text}"),
        Reply::Ignored(text) => format!("ignored: {text}"),
    }
}
