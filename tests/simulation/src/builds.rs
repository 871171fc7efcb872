//! Builds: what is pushed in a random history, with all the noise that a build makes.

use crate::behaviour::Behaviour;
use crate::happening::Happening;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use fastrand::Rng;
use pipeline::names::{Digest, ImageName, Place, Tag, Version};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::spec::TagPattern;
use pipeline::time::{Span, Time};
use std::collections::BTreeMap;

/// One release that the builds of a history push.
pub(crate) struct Build {
    pub(crate) digests: BTreeMap<ImageName, Digest>,
    pub(crate) first_at: Time,
    pub(crate) tag: Tag,
    dates: Dates,
}

impl Build {
    /// These images of it as a release, as a person deploys it who asks at `known_at` at the earliest.
    pub(crate) fn release(&self, images: BTreeMap<ImageName, Digest>, known_at: Time) -> Release {
        let images_built_at = self.dates.built_at.filter(|built_at| *built_at <= known_at);
        let version = Version::new(self.tag.as_str());
        let release = Release::new(version, images_built_at.unwrap_or(known_at), images);
        Release { images_built_at, ..release }
    }
}

/// What the registry says of a build's images.
#[derive(Clone, Debug)]
struct Dates {
    /// Whether the images say when they were built, and the registry when they came.
    built_at: Option<Time>,
    pushed_at: BTreeMap<ImageName, Time>,
}

impl Dates {
    /// Some builds take so long that a newer one is pushed before them.
    fn pick(rng: &mut Rng, ends: Time) -> Self {
        let takes = rng.u64(0..1500) * 1000;
        let built_at = Time::from_millis(ends.millis().saturating_sub(takes));
        let says = rng.u8(0..4) != 0;
        Self { built_at: says.then_some(built_at), pushed_at: BTreeMap::new() }
    }

    fn details(&mut self, image: &ImageName, pushed_at: Time) -> Details {
        let first = *self.pushed_at.entry(image.clone()).or_insert(pushed_at);
        let image_pushed_at = self.built_at.map(|_| first);
        Details { image_pushed_at, built_at: self.built_at, ..Details::default() }
    }
}

/// What builds do in some histories.
struct Habits {
    rng: Rng,
    /// Older lines are fixed, and a version may be wrong.
    has_lines: bool,
    /// One image is not built anew.
    is_partial: bool,
}

impl Habits {
    fn pick(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed.rotate_left(41) ^ 0xb17d);
        let (has_lines, is_partial) = (rng.u8(0..3) == 0, rng.u8(0..4) == 0);
        Self { rng, has_lines, is_partial }
    }

    fn version(&mut self, number: u32) -> [u32; 3] {
        match self.rng.u8(0..6) {
            0 | 1 if self.has_lines => [1, 0, number],
            2 if self.has_lines => [1, 99, number],
            _ if self.has_lines => [1, 1, number],
            _ => [1, 0, number],
        }
    }

    fn keep_an_image(
        &mut self,
        digests: &mut BTreeMap<ImageName, Digest>,
        before: &BTreeMap<ImageName, Digest>,
    ) {
        let kept = before.iter().nth(self.rng.usize(0..before.len()));
        let kept = kept.filter(|_| self.is_partial && before.len() > 1);
        digests.extend(kept.map(|(image, digest)| (image.clone(), digest.clone())));
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

pub(crate) fn schedule_builds<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    seed: u64,
    system: &System,
    expected: &mut Vec<(Place, Version)>,
) -> Vec<Build> {
    let mut builds: Vec<Build> = Vec::new();
    // Chance of its own, so that every other history is what it was.
    let mut habits = Habits::pick(seed);
    let mut time = Span::seconds(rng.u64(1..60));
    let application = system.spec.application.clone();
    for number in 1..=rng.u32(1..6) {
        let again = builds.last().filter(|_| rng.u8(0..8) == 0).map(|build| build.digests.clone());
        let is_again = again.is_some();
        let mut digests = again.unwrap_or_else(|| {
            let images = system.spec.images.keys();
            images
                .map(|image| {
                    (image.clone(), Digest::new(format!("sha256:{application}-{image}-{number}")))
                })
                .collect()
        });
        if let Some(before) = builds.last().filter(|_| !is_again) {
            habits.keep_an_image(&mut digests, &before.digests);
        }
        let behaviour = pick_behaviour(rng, system);
        if let Some(digest) = digests.values().nth(rng.usize(0..digests.len())) {
            sim.behaves(digest, behaviour);
        }
        let mut dates = match builds.last() {
            Some(build) if build.digests == digests => build.dates.clone(),
            _ => Dates::pick(rng, START + time),
        };
        for digest in digests.values() {
            let built_at = dates.built_at.filter(|built_at| *built_at <= START + time);
            sim.invariants.releases.was_built(digest, built_at.filter(|_| !is_again));
        }
        for tag in tags_for(system, number, habits.version(number)) {
            let first_at = START + time;
            // Some builds take long for their last image, so a newer one overtakes them.
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
                    details: dates.details(image, START + span),
                };
                push_with_noise(sim, rng, span, &push);
            }
            note_expected(system, &tag, &digests, expected);
            let (digests, dates) = (digests.clone(), dates.clone());
            builds.push(Build { digests, first_at, tag, dates });
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

fn tags_for(system: &System, number: u32, version: [u32; 3]) -> Vec<Tag> {
    let [major, minor, patch] = version;
    let hex = format!("{:07x}", 0x00a1_b2c3 + number * 7919);
    let mut tags = Vec::new();
    for environment in system.spec.environments.values() {
        for pattern in environment.deploy_on.iter().flat_map(|deploy_on| &deploy_on.tags) {
            let tag = match pattern {
                TagPattern::Moving(tag) => tag.clone(),
                TagPattern::Semver(_) | TagPattern::SemverPre(_) => {
                    let version = Tag::new(format!("v{major}.{minor}.{patch}"));
                    match pattern.matches(&version) {
                        true => version,
                        false => Tag::new(format!("v1.0.{number}")),
                    }
                }
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
