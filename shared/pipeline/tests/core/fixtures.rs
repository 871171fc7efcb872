//! The shop: a small application with every feature, and a way to feed it events.

use pipeline::deployment::{Deployment, Reply, advance};
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::names::{
    DeploymentId, Digest, EnvironmentName, ImageName, Place, RequestId, Version,
};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::spec::{Application, parse};
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// 2026-01-01T00:00:00Z, a Thursday.
pub(crate) const START: Time = Time::from_millis(1_767_225_600_000);
/// The timeout of every service of the shop.
pub(crate) const TIMEOUT: Span = Span::minutes(10);

const USUAL: [(&str, &str); 11] = [
    ("cluster", "shop-staging"),
    ("deploy_on", "{tags: [\"[0-9a-f]*\"], images: all}"),
    ("approval", "{expires: 2h}"),
    (
        "migration",
        "{service: shop-api, container: api, command: [migrate, up], undo: [migrate, down], timeout: 15m}",
    ),
    ("services", "[[shop-api, shop-worker], shop-web]"),
    ("timeout", "10m"),
    (
        "checks",
        "[{url: \"https://shop.example/health\", attempts: 3}, {url: \"https://shop.example/\"}]",
    ),
    ("alarms", "[shop-5xx, shop-p99]"),
    ("bake", "5m"),
    ("failures", "{tasks: 2, sidecars: warn}"),
    ("rollback", "auto"),
];

/// No approval, migration, checks, alarms or bake: nothing but three services.
pub(crate) const PLAIN: [(&str, &str); 5] =
    [("approval", ""), ("migration", ""), ("checks", ""), ("alarms", ""), ("bake", "")];

/// The shop's spec with some entries of its environment changed; an empty one is taken out.
pub(crate) fn spec(changes: &[(&str, &str)]) -> Application {
    let mut entries: BTreeMap<&str, &str> = USUAL.into_iter().collect();
    entries.extend(changes.iter().copied());
    let written = entries.iter().filter(|(_, value)| !value.is_empty());
    let lines: String = written.map(|(key, value)| format!("    {key}: {value}\n")).collect();
    let head = "application: shop\nimages: {api: shop-api, web: shop-web}\nenvironments:\n";
    // Where staging can be promoted from, if a test wants that.
    let dev =
        "  dev: {cluster: shop-dev, services: [shop-api], deploy_on: {tags: [\"[0-9a-f]*\"]}}\n";
    parse(&format!("{head}{dev}  staging:\n{lines}")).unwrap()
}

pub(crate) fn place() -> Place {
    Place { application: "shop".into(), environment: EnvironmentName::from("staging") }
}

/// A digest that reads well: `sha256:` and the text, filled up with zeroes.
pub(crate) fn digest(text: &str) -> Digest {
    Digest::new(format!("sha256:{text:0<64}"))
}

/// A release whose images are all its own.
pub(crate) fn release(version: &str, built_at: Time) -> Release {
    let images = ["api", "web"]
        .map(|image| (ImageName::from(image), digest(&format!("{image}-{version}-"))));
    Release::new(Version::from(version), built_at, images.into_iter().collect())
}

pub(crate) fn request(version: &str, built_at: Time) -> Request {
    Request {
        id: RequestId::new(format!("push {version}")),
        kind: Kind::Deploy,
        release: release(version, built_at),
        asked_by: RequestedBy::Push { tag: version.into() },
        asked_at: built_at,
        confirm: None,
        overrides: BTreeSet::new(),
        fresh: false,
        skip_migration: None,
    }
}

/// One deployment of the shop, and the clock beside it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) deployment: Deployment,
    pub(crate) now: Time,
}

impl Story {
    pub(crate) fn begin(changes: &[(&str, &str)]) -> Self {
        Self::begin_with(changes, request("b1", START))
    }

    pub(crate) fn begin_with(changes: &[(&str, &str)], request: Request) -> Self {
        let spec = spec(changes);
        let rules = spec.environments[&place().environment].clone();
        let id = DeploymentId { place: place(), number: 7 };
        Self { deployment: Deployment::start(id, request, rules, spec.images, START), now: START }
    }

    /// Feeds it one event and returns its reply.
    pub(crate) fn tell(&mut self, event: Event) -> Reply {
        let open = self.deployment.outbox.entries().iter();
        let answered =
            open.filter(|entry| answers(&event, &entry.effect)).map(|entry| entry.number);
        for number in answered.collect::<Vec<_>>() {
            self.deployment.outbox.answered(number);
        }
        let (deployment, said) = advance(self.deployment.clone(), event, self.now);
        self.deployment = deployment;
        said
    }

    #[must_use]
    pub(crate) fn then(mut self, event: Event) -> Self {
        self.tell(event);
        self
    }

    #[must_use]
    pub(crate) fn all(self, events: impl IntoIterator<Item = Event>) -> Self {
        events.into_iter().fold(self, Self::then)
    }

    /// Lets time pass, and wakes it.
    #[must_use]
    pub(crate) fn later(mut self, span: Span) -> Self {
        self.now = self.now + span;
        self.then(Event::Woken)
    }

    /// Lets time pass without waking it.
    #[must_use]
    pub(crate) fn quietly(mut self, span: Span) -> Self {
        self.now = self.now + span;
        self
    }

    pub(crate) fn state(&self) -> &'static str {
        self.deployment.state.name()
    }

    /// How it ended, or what it waits for, in the words that a person reads.
    pub(crate) fn outcome(&self) -> String {
        match self.deployment.verdict() {
            Some(verdict) => verdict.to_string(),
            None => self.deployment.waiting().to_string(),
        }
    }

    /// What is asked of workers and not answered, in one line.
    pub(crate) fn asks(&self) -> String {
        let entries = self.deployment.outbox.entries().iter();
        let texts = entries
            .filter(|e| !matches!(e.effect, Effect::Announce(_)))
            .map(|e| effect_text(&e.effect));
        texts.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn timeline(&self) -> String {
        let entries = self.deployment.timeline.entries().iter();
        let lines = entries
            .map(|entry| format!("{:>5} {}\n", entry.at.since(START).to_string(), entry.text));
        lines.collect()
    }
}

/// As a failing property shows it.
impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{}", self.deployment.state, self.timeline())
    }
}

/// Whether a worker that performed `effect` would answer with `event`.
pub(crate) fn answers(event: &Event, effect: &Effect) -> bool {
    match (effect, event) {
        (Effect::Prepare(_), Event::Prepared(_) | Event::PreparationFailed { .. })
        | (Effect::LookAtOneOff { .. }, Event::OneOffSeen { .. } | Event::OneOffLost { .. })
        | (Effect::StopOneOff { .. }, Event::OneOffStopAsked { .. })
        | (Effect::Observe { .. }, Event::Observed { .. })
        | (Effect::ReadAlarms { .. }, Event::AlarmsRead { .. }) => true,
        (
            Effect::RunOneOff(one_off),
            Event::OneOffStarted { purpose, attempt, .. }
            | Event::OneOffNotStarted { purpose, attempt, .. },
        ) => (one_off.purpose, one_off.attempt) == (*purpose, *attempt),
        (
            Effect::RollOut(out),
            Event::RolloutStarted { service, .. } | Event::RolloutRefused { service, .. },
        ) => out.service == *service,
        (Effect::RollOut(out), Event::LeftAlone { seen }) => out.service == seen.service,
        (Effect::RollBack(back), Event::LeftAlone { seen }) => back.service == seen.service,
        (Effect::Remove { service, .. }, Event::LeftAlone { seen }) => *service == seen.service,
        (
            Effect::RollBack(back),
            Event::RollbackStarted { service, .. } | Event::RollbackRefused { service, .. },
        ) => back.service == *service,
        (
            Effect::Remove { service, .. },
            Event::Removed { service: removed } | Event::RollbackRefused { service: removed, .. },
        ) => service == removed,
        (
            Effect::Check { check, attempt, .. },
            Event::Checked { check: answered, attempt: of, .. },
        ) => check == answered && attempt == of,
        _ => false,
    }
}

/// An effect with what matters of it.
pub(crate) fn effect_text(effect: &Effect) -> String {
    let name = effect.name();
    match effect {
        Effect::RunOneOff(one_off) if one_off.pause > Span::default() => {
            format!("{name} #{} after {}", one_off.attempt, one_off.pause)
        }
        Effect::RunOneOff(one_off) => format!("{name} #{}", one_off.attempt),
        Effect::RollOut(out) => format!("{name} {}", out.service),
        Effect::Observe { services, returns, .. } => {
            let names: Vec<_> = services.iter().map(ToString::to_string).collect();
            let why = if *returns { " and whether ECS returned" } else { "" };
            format!("{name} {}{why}", names.join("+"))
        }
        Effect::Check { check, attempt, .. } => format!("{name} {check} #{attempt}"),
        Effect::RollBack(back) => format!("{name} {} ({:?})", back.service, back.way),
        Effect::Remove { service, .. } => format!("{name} {service}"),
        Effect::Announce(notice) => {
            let news = format!("{:?}", notice.news);
            let word: String = news.chars().take_while(char::is_ascii_alphanumeric).collect();
            format!("{name} {word}")
        }
        Effect::Promote { environment, release } => format!("{name} {release} to {environment}"),
        _ => name.to_owned(),
    }
}

/// The API of one release and the web of another, as a third one.
pub(crate) fn mixed(version: &str, api: &str, web: &str, minutes: u64) -> Release {
    let (mut mixed, web) = (
        release(api, START + Span::minutes(minutes)),
        release(web, START + Span::minutes(minutes)),
    );
    mixed.images.extend(web.images.into_iter().filter(|(image, _)| image.as_str() == "web"));
    Release { version: version.into(), ..mixed }
}
