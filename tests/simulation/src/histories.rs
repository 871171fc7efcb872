//! Random histories: what a seed makes happen, run to its end and judged.

use crate::behaviour::Behaviour;
use crate::cloud::{Breaker, target_name};
use crate::faults::{Odds, Plan};
use crate::invariants::Violation;
use crate::sim::{Happening, START, Sim};
use crate::systems::{self, System};
use engine::Decide;
use fastrand::Rng;
use pipeline::environment::{Asker, Control, Input, Kind, Override, Request};
use pipeline::event::AlarmState;
use pipeline::names::{Digest, EnvironmentName, ImageName, Place, RequestId, Tag, Version};
use pipeline::push::Push;
use pipeline::release::Release;
use pipeline::spec::TagPattern;
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What the five systems do not use, in one application.
static LAB: LazyLock<Result<System, String>> =
    LazyLock::new(|| System::read(include_str!("lab.yaml")));

/// What became of one history.
#[derive(Clone, Debug)]
pub struct History {
    pub seed: u64,
    pub violations: Vec<Violation>,
    pub deployments: usize,
    pub happenings: usize,
    pub verdicts: BTreeMap<&'static str, usize>,
    pub log: Vec<String>,
}

/// One release that the builds of a history push.
struct Build {
    digests: BTreeMap<ImageName, Digest>,
    first_at: Time,
    tag: Tag,
}

/// Plays the history of `seed` from its first push to its rest.
pub fn play<D: Decide>(seed: u64, decide: D, with_log: bool) -> History {
    play_with(seed, decide, with_log, |_| {})
}

/// Plays it in surroundings that were changed before anything happens.
pub fn play_with<D: Decide>(
    seed: u64,
    decide: D,
    with_log: bool,
    change: impl Fn(&mut Sim<D>),
) -> History {
    let mut rng = Rng::with_seed(seed);
    let systems = pick_systems(&mut rng);
    let plan = Plan::new(rng.u64(..), pick_odds(&mut rng));
    let mut sim = Sim::new(systems.clone(), decide, plan);
    change(&mut sim);
    if rng.u8(0..8) == 0 {
        sim.memory.keep_as_text();
    }
    sim.timers_ring = rng.bool();
    sim.log = with_log.then(Vec::new);
    for service in sim.cloud.services.values_mut() {
        service.breaker = [Breaker::Off, Breaker::Stop, Breaker::RollBack][rng.usize(0..3)];
    }
    let mut expected = Vec::new();
    for system in &systems {
        let builds = schedule_builds(&mut sim, &mut rng, system, &mut expected);
        schedule_people(&mut sim, &mut rng, system, &builds);
        schedule_troubles(&mut sim, &mut rng, system);
    }
    sim.run();
    judge(&mut sim, &expected);
    let mut verdicts = BTreeMap::new();
    let mut deployments = 0;
    for place in places(&sim.systems) {
        for deployment in sim.deployments(&place) {
            deployments += 1;
            let name = deployment.verdict().map_or("none", |verdict| verdict.name());
            *verdicts.entry(name).or_default() += 1;
        }
    }
    let violations = std::mem::take(&mut sim.invariants.violations);
    let log = sim.log.take().unwrap_or_default();
    History { seed, violations, deployments, happenings: sim.happenings, verdicts, log }
}

/// Judges what is left when everything has come to rest.
pub fn judge<D: Decide>(sim: &mut Sim<D>, expected: &[(Place, Version)]) {
    for place in places(&sim.systems) {
        let deployments = sim.deployments(&place);
        let Some(head) = sim.head(&place) else { continue };
        sim.invariants.at_rest(&place, &head, &deployments, &sim.told);
        sim.invariants.verdicts_are_true(&place, &deployments, &sim.cloud);
    }
    for (place, version) in expected {
        match sim.head(place) {
            Some(head) => sim.invariants.remembered(place, &head, version),
            None => {
                let what = format!("{version} never reached {place}");
                sim.invariants.violated("no_eligible_push_is_forgotten", what);
            }
        }
    }
}

pub fn places(systems: &[System]) -> Vec<Place> {
    let places = systems.iter().flat_map(|system| {
        let application = system.spec.application.clone();
        let environments = system.spec.environments.keys();
        environments
            .map(move |name| Place { application: application.clone(), environment: name.clone() })
    });
    places.collect()
}

fn pick_systems(rng: &mut Rng) -> Vec<System> {
    let names: Vec<_> = systems::names().collect();
    let lab = LAB.clone();
    let example = |name| System::example(name);
    let picked = match rng.u8(0..4) {
        0 => vec![lab],
        1 => vec![lab, example(names[rng.usize(0..names.len())])],
        _ => vec![example(names[rng.usize(0..names.len())])],
    };
    picked
        .into_iter()
        .map(|system| system.expect("the examples are valid: a test of the spec says so"))
        .collect()
}

fn pick_odds(rng: &mut Rng) -> Odds {
    match rng.u8(0..6) {
        0 => Odds::default(),
        1 => Odds { lose_every_event: true, delay_seconds_max: 30, ..Odds::default() },
        _ => Odds {
            crash: rng.u32(0..60),
            conflict: rng.u32(0..100),
            throttle: rng.u32(0..60),
            duplicate: rng.u32(0..300),
            drop: rng.u32(0..400),
            delay_seconds_max: rng.u64(0..180),
            lose_every_event: rng.u8(0..5) == 0,
        },
    }
}

fn pick_behaviour(rng: &mut Rng, system: &System) -> Behaviour {
    let alarms = system.spec.environments.values().flat_map(|e| e.alarms.names.clone());
    let alarms: Vec<_> = alarms.collect();
    match rng.u8(0..30) {
        0 | 1 => Behaviour::CrashesAtStart,
        2 => Behaviour::CrashesAfter(Span::seconds(rng.u64(1..400))),
        3 => Behaviour::Hangs,
        4 => Behaviour::FindsNoRoom,
        5 => Behaviour::FailsChecks,
        6 => Behaviour::PassesCheckAt(rng.u32(2..12)),
        7 | 8 if !alarms.is_empty() => Behaviour::RaisesAlarm(
            alarms[rng.usize(0..alarms.len())].clone(),
            Span::seconds(rng.u64(5..400)),
        ),
        9 => Behaviour::LosesSidecar,
        10 => Behaviour::MigrationExits(Some(1)),
        11 => Behaviour::MigrationExits(None),
        12 => Behaviour::MigrationTakes(Span::seconds(rng.u64(30..1200))),
        13 => Behaviour::MigrationNeverEnds,
        14 => Behaviour::CannotPull,
        15 => Behaviour::UndoFails,
        _ => Behaviour::Good,
    }
}

fn schedule_builds<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    system: &System,
    expected: &mut Vec<(Place, Version)>,
) -> Vec<Build> {
    let mut builds: Vec<Build> = Vec::new();
    let mut time = Span::seconds(rng.u64(1..60));
    let application = system.spec.application.clone();
    for number in 1..=rng.u32(1..6) {
        let again = builds.last().filter(|_| rng.u8(0..8) == 0).map(|build| build.digests.clone());
        let digests = again.unwrap_or_else(|| {
            let images = system.spec.images.keys();
            images
                .map(|image| {
                    (image.clone(), Digest::new(format!("sha256:{application}-{image}-{number}")))
                })
                .collect()
        });
        let behaviour = pick_behaviour(rng, system);
        if let Some(digest) = digests.values().nth(rng.usize(0..digests.len())) {
            sim.behaves(digest, behaviour);
        }
        for tag in tags_for(system, number) {
            let first_at = START + time;
            // Some builds take long over their last image, so that a younger one overtakes them.
            let slow = rng.u8(0..6) == 0;
            for (image, digest) in &digests {
                let span =
                    time + Span::seconds(if slow { rng.u64(0..1500) } else { rng.u64(0..90) });
                let push = Push {
                    repository: system.spec.images[image].clone(),
                    digest: digest.clone(),
                    tag: Some(tag.clone()),
                    artifact_media_type: None,
                    pushed_at: START + span,
                    built_at: None,
                };
                push_with_noise(sim, rng, span, &push);
            }
            note_expected(system, &tag, &digests, expected);
            builds.push(Build { digests: digests.clone(), first_at, tag });
            time = time + Span::seconds(rng.u64(1..120));
        }
        time = time + Span::seconds(rng.u64(1..2400));
    }
    builds
}

/// One build is many events: children of an index, signatures, our own tags, and repeats.
fn push_with_noise<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, span: Span, push: &Push) {
    let noise = [
        None,
        Some(Tag::new("")),
        Some(Tag::new(format!("sha256-{:064}.sig", 7))),
        Some(Tag::new("slipway-keep-x-1")),
    ];
    if rng.u8(0..3) == 0 {
        let tag = noise[rng.usize(0..noise.len())].clone();
        let digest = Digest::new(format!("{}-child", push.digest));
        let child = Push { tag, digest, ..push.clone() };
        sim.after(span, Happening::Push { push: child, tries: 1 });
    }
    for _ in 0..if rng.u8(0..5) == 0 { 2 } else { 1 } {
        let late = span + Span::seconds(rng.u64(0..20));
        sim.after(late, Happening::Push { push: push.clone(), tries: 1 });
    }
}

fn tags_for(system: &System, number: u32) -> Vec<Tag> {
    let hex = format!("{:07x}", 0x00a1_b2c3 + number * 7919);
    let mut tags = Vec::new();
    for environment in system.spec.environments.values() {
        for pattern in environment.deploy_on.iter().flat_map(|deploy_on| &deploy_on.tags) {
            let tag = match pattern {
                TagPattern::Moving(tag) => tag.clone(),
                TagPattern::Semver(_) => Tag::new(format!("v1.0.{number}")),
                TagPattern::Glob(glob) if glob.starts_with('[') => Tag::new(&hex),
                TagPattern::Glob(glob) if glob.starts_with("20") => {
                    Tag::new(format!("2026112110{number:02}"))
                }
                TagPattern::Glob(glob) => Tag::new(glob.replace('*', &hex)),
            };
            if pattern.matches(&tag) && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    tags.sort_by_key(|tag| tag.as_str().starts_with('v'));
    tags
}

fn note_expected(
    system: &System,
    tag: &Tag,
    digests: &BTreeMap<ImageName, Digest>,
    expected: &mut Vec<(Place, Version)>,
) {
    for (environment, rules) in &system.spec.environments {
        let Some(deploy_on) = &rules.deploy_on else { continue };
        for pattern in deploy_on.tags.iter().filter(|pattern| pattern.matches(tag)) {
            let first = deploy_on.images.first().and_then(|image| digests.get(image));
            let version = match (pattern, first) {
                (TagPattern::Moving(_), Some(digest)) => {
                    Version::new(format!("{tag}@{}", digest.short()))
                }
                _ => Version::new(tag.as_str()),
            };
            let place = Place {
                application: system.spec.application.clone(),
                environment: environment.clone(),
            };
            expected.push((place, version));
        }
    }
}

fn schedule_people<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System, builds: &[Build]) {
    for place in places(std::slice::from_ref(system)) {
        for deed in 0..rng.u32(0..4) {
            let span = Span::seconds(rng.u64(30..9000));
            let input = pick_deed(rng, system, &place.environment, builds, deed);
            sim.after(span, Happening::Person { place: place.clone(), input });
        }
        let wants_approval = system.spec.environments[&place.environment].approval.is_some();
        for build in builds.iter().filter(|_| wants_approval) {
            let version = Version::new(build.tag.as_str());
            let span = build.first_at.since(START) + Span::seconds(rng.u64(60..4000));
            let control = Control::Approve { version };
            let input = Input::Controlled { by: "ada".into(), why: "looks good".into(), control };
            sim.after(span, Happening::Person { place: place.clone(), input });
        }
    }
}

fn pick_deed(
    rng: &mut Rng,
    system: &System,
    environment: &EnvironmentName,
    builds: &[Build],
    deed: u32,
) -> Input {
    let (by, why) = ("ada".to_owned(), "because".to_owned());
    let control = match rng.u8(0..12) {
        0 => Control::Pause,
        1 => Control::Resume,
        2 => Control::Hold { firm: rng.bool() },
        3 => Control::Unhold,
        4 => Control::Cancel,
        5 => Control::Reject,
        6..=8 => {
            let id = RequestId::new(format!("rollback {environment} {deed}"));
            return Input::RollbackRequested { id, by, why, to: None, undo: rng.u8(0..4) == 0 };
        }
        _ => return by_hand(rng, system, environment, builds, deed),
    };
    Input::Controlled { by, why, control }
}

fn by_hand(
    rng: &mut Rng,
    system: &System,
    environment: &EnvironmentName,
    builds: &[Build],
    deed: u32,
) -> Input {
    let build = &builds[rng.usize(0..builds.len())];
    let rules = &system.spec.environments[environment];
    let all = [Override::Freeze, Override::Hold, Override::Promotion, Override::Bad];
    let overrides: BTreeSet<_> = all.into_iter().filter(|_| rng.bool()).collect();
    let wanted =
        rules.deploy_on.as_ref().map(|deploy_on| deploy_on.images.clone()).unwrap_or_default();
    let images = build.digests.iter().filter(|(image, _)| wanted.contains(image));
    let images: BTreeMap<_, _> =
        images.map(|(image, digest)| (image.clone(), digest.clone())).collect();
    Input::Requested(Box::new(Request {
        id: RequestId::new(format!("by hand {environment} {deed}")),
        kind: Kind::Deploy,
        release: Release {
            version: Version::new(build.tag.as_str()),
            built_at: build.first_at,
            images,
        },
        asked_by: Asker::Person { name: "ada".into(), why: String::new() },
        asked_at: build.first_at,
        confirm: rules.confirm.clone(),
        overrides,
        fresh: rng.u8(0..4) == 0,
    }))
}

fn schedule_troubles<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
    for rules in system.spec.environments.values() {
        let target = target_name(&rules.target);
        let services: Vec<_> = rules.services().map(|(_, service)| service.name.clone()).collect();
        if rng.u8(0..8) == 0 {
            let service = services[rng.usize(0..services.len())].clone();
            let span = Span::seconds(rng.u64(60..6000));
            sim.after(span, Happening::Outsider((target, service)));
        }
        for name in &rules.alarms.names {
            if rng.u8(0..10) != 0 {
                continue;
            }
            let state = if rng.bool() { AlarmState::On } else { AlarmState::NoData };
            sim.set_alarm(name.as_str(), state);
        }
    }
}
