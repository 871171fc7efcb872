//! Stories: one system, one day, shown as a timeline.

use crate::behaviour::Behaviour;
use crate::cloud::Breaker;
use crate::faults::Plan;
use crate::happening::Happening;
use crate::histories::judge;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::{Decide, Pipeline};
use pipeline::environment::{Control, Input};
use pipeline::names::{Digest, ImageName, Place, RequestId, Tag, Version};
use pipeline::notice::{News, Notice};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A day of one system, as a list of what happens to it.
pub struct Story<D = Pipeline> {
    pub sim: Sim<D>,
    requests: u32,
    /// When each build was pushed first.
    built: BTreeMap<String, Time>,
}

impl Story<Pipeline> {
    pub fn of(system: &str) -> Result<Self, String> {
        Self::with_plan(system, Plan::new(0, Default::default()))
    }

    pub fn with_plan(system: &str, plan: Plan) -> Result<Self, String> {
        Self::new(System::example(system)?, Pipeline, plan)
    }

    pub fn of_text(text: &str) -> Result<Self, String> {
        Self::new(System::read(text)?, Pipeline, Plan::new(0, Default::default()))
    }
}

impl<D: Decide> Story<D> {
    pub fn new(system: System, decide: D, plan: Plan) -> Result<Self, String> {
        let sim = Sim::new(vec![system], decide, plan);
        sim.memory.keep_as_text();
        Ok(Self { sim, requests: 0, built: BTreeMap::new() })
    }

    /// Sets what ECS itself does when tasks of this environment fail to start.
    pub fn breaker(&mut self, breaker: Breaker) -> &mut Self {
        self.sim.cloud.services.values_mut().for_each(|service| service.breaker = breaker);
        self
    }

    /// Pushes one build of every image under `tag`.
    pub fn push(&mut self, tag: &str) -> &mut Self {
        let images: Vec<_> = self.images();
        for image in &images {
            self.push_image(image.as_str(), tag, tag);
        }
        self
    }

    /// Pushes every image; this one behaves badly.
    pub fn push_bad(&mut self, tag: &str, image: &str, behaviour: Behaviour) -> &mut Self {
        let digest = digest_of(&ImageName::new(image), tag);
        self.sim.behaves(&digest, behaviour);
        self.push(tag)
    }

    /// Puts another tag on the images of a build, as a build for production does.
    pub fn retag(&mut self, build: &str, tag: &str) -> &mut Self {
        for image in self.images() {
            self.push_image(image.as_str(), build, tag);
        }
        self
    }

    pub fn push_image(&mut self, image: &str, build: &str, tag: &str) -> &mut Self {
        self.built.entry(build.to_owned()).or_insert(self.sim.now);
        let image = ImageName::new(image);
        let repository = self.sim.systems[0].spec.images[&image].clone();
        let digest = digest_of(&image, build);
        let push = Push {
            repository,
            digest,
            tag: Some(Tag::new(tag)),
            artifact_media_type: None,
            pushed_at: self.sim.now,
            details: Details::default(),
        };
        self.push_event(push)
    }

    pub fn push_event(&mut self, push: Push) -> &mut Self {
        self.sim.after(Span::default(), Happening::Push { push, tries: 1 });
        self
    }

    pub fn outsider(&mut self, environment: &str, service: &str) -> &mut Self {
        let place = self.place(environment);
        if let Some(address) = self.sim.address(&place, &service.into()) {
            self.sim.after(Span::default(), Happening::Outsider(address));
        }
        self
    }

    pub fn roll_back(&mut self, environment: &str, to: Option<&str>, undo: bool) -> &mut Self {
        let id = self.request_id("rollback");
        let to = to.map(Version::new);
        let (by, why) = ("ada".to_owned(), "customers complain".to_owned());
        self.person(environment, Input::RollbackRequested { id, by, why, to, undo })
    }

    pub fn control(&mut self, environment: &str, control: Control) -> &mut Self {
        let (by, why) = ("ada".to_owned(), "because".to_owned());
        self.person(environment, Input::Controlled { by, why, control })
    }

    /// A person asks for a build, perhaps with the word that the spec wants.
    pub fn deploy(
        &mut self,
        environment: &str,
        build: &str,
        change: impl FnOnce(&mut Request),
    ) -> &mut Self {
        let images =
            self.images().into_iter().map(|image| (image.clone(), digest_of(&image, build)));
        let images: BTreeMap<_, _> = images.collect();
        let built_at = self.built.get(build).copied().unwrap_or(self.sim.now);
        let mut request = Request {
            id: self.request_id("deploy"),
            kind: Kind::Deploy,
            release: Release::new(Version::new(build), built_at, images),
            asked_by: RequestedBy::Person { name: "ada".into(), why: String::new() },
            asked_at: self.sim.now,
            confirm: None,
            overrides: BTreeSet::new(),
            fresh: false,
            skip_migration: None,
        };
        change(&mut request);
        self.person(environment, Input::Requested(Box::new(request)))
    }

    pub fn person(&mut self, environment: &str, input: Input) -> &mut Self {
        let place = self.place(environment);
        self.sim.after(Span::default(), Happening::Person { place, input });
        self
    }

    /// Advances time by this much.
    pub fn wait(&mut self, span: Span) -> &mut Self {
        let end = self.sim.now + span;
        self.sim.run_until(end);
        self.sim.now = end;
        self
    }

    /// Plays everything to its end.
    pub fn rest(&mut self) -> &mut Self {
        self.sim.run();
        judge(&mut self.sim, &[]);
        self
    }

    pub fn place(&self, environment: &str) -> Place {
        let application = self.sim.systems[0].spec.application.clone();
        Place { application, environment: environment.into() }
    }

    fn images(&self) -> Vec<ImageName> {
        self.sim.systems[0].spec.images.keys().cloned().collect()
    }

    fn request_id(&mut self, what: &str) -> RequestId {
        self.requests += 1;
        RequestId::new(format!("{what} {}", self.requests))
    }

    /// The timelines of an environment's deployments, the notices, and what runs.
    pub fn tell(&self, environment: &str) -> String {
        let place = self.place(environment);
        let mut text = String::new();
        for deployment in self.sim.deployments(&place) {
            let _ = writeln!(
                text,
                "deployment {} of {}",
                deployment.id.number, deployment.request.release
            );
            for entry in deployment.timeline.entries() {
                let _ = writeln!(text, "  {} {}", clock(entry.at), entry.text);
            }
        }
        for notice in self.sim.told.iter().filter(|notice| notice.place == place) {
            let _ = writeln!(text, "told {}", tell_notice(notice));
        }
        for (at, answer) in &self.sim.answers {
            let _ = writeln!(text, "answered {} {answer}", clock(*at));
        }
        let _ = write!(text, "{}", self.what_runs(environment));
        for violation in &self.sim.invariants.violations {
            let _ = writeln!(text, "VIOLATED {}: {}", violation.invariant, violation.what);
        }
        text
    }

    pub fn what_runs(&self, environment: &str) -> String {
        let place = self.place(environment);
        let mut text = String::new();
        let rules = self.sim.systems[0].spec.environments.get(&place.environment);
        for (_, service) in rules.into_iter().flat_map(|rules| rules.services()) {
            let address = self.sim.address(&place, &service.name);
            let primary = address.and_then(|address| self.sim.cloud.primary(&address).cloned());
            let _ = match primary {
                Some(rollout) => {
                    let images = self.sim.cloud.revisions.get(&rollout.revision);
                    let digest = images.and_then(|images| images.values().next());
                    let digest = digest.map(Digest::short).unwrap_or("nothing");
                    writeln!(
                        text,
                        "runs {} = {} ({digest})",
                        service.name,
                        rollout.revision.short()
                    )
                }
                None => writeln!(text, "runs {} = nothing", service.name),
            };
        }
        text
    }
}

/// What a build of an image is called in stories: short, and different for every build.
pub fn digest_of(image: &ImageName, build: &str) -> Digest {
    Digest::new(format!("sha256:{image}-{build}"))
}

fn tell_notice(notice: &Notice) -> String {
    let number =
        notice.deployment.map(|number| format!(" deployment {number}")).unwrap_or_default();
    let what = match &notice.news {
        News::Started => "started".to_owned(),
        News::ApprovalWanted { until } => format!("wants approval until {}", clock(*until)),
        News::RollingBack { cause } => format!("goes back: {cause}"),
        News::Ended { verdict, took, .. } => format!("{verdict} (took {took})"),
        News::Declined { why } => format!("is not deployed: {why}"),
        News::Waits { why } => format!("waits: {why}"),
        News::Incomplete { missing } => {
            let missing: Vec<_> = missing.iter().map(ImageName::as_str).collect();
            format!("is incomplete, missing {}", missing.join(", "))
        }
    };
    format!("{}{number}: {} {what}", clock(notice.at), notice.version)
}

/// Minutes and seconds since the story began.
pub fn clock(time: Time) -> String {
    let seconds = time.since(START).as_seconds();
    format!("+{:02}:{:02}", seconds / 60, seconds % 60)
}
