//! Releases that too few histories would see by chance: by hand, of two lines, in one second, too many.

use crate::builds::Build;
use crate::happening::Happening;
use crate::histories::places;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use fastrand::Rng;
use pipeline::environment::{Control, Input};
use pipeline::names::{Digest, ImageName, RequestId, Tag, Version};
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Override, Request, RequestedBy};
use pipeline::spec::TagPattern;
use pipeline::time::Span;
use std::collections::BTreeMap;

/// How often the registry is asked which digest each tag points to.
const ASKED_EVERY_MINUTES: u64 = 15;
const ALL: [Override; 4] = [Override::Freeze, Override::Hold, Override::Promotion, Override::Bad];

/// People deploy by hand what is being deployed, or what is newer.
pub(crate) fn schedule_hands<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    system: &System,
    builds: &[Build],
) {
    for place in places(std::slice::from_ref(system)) {
        let rules = &system.spec.environments[&place.environment];
        for (nth, build) in builds.iter().enumerate() {
            if rng.bool() {
                continue;
            }
            let at = build.first_at + Span::seconds(rng.u64(30..400));
            // A release newer than the one in progress, or the very same.
            let newer = builds.get(nth + 1).filter(|_| rng.bool());
            let built_at = if newer.is_some() { at } else { build.first_at };
            let build = newer.unwrap_or(build);
            let wanted = rules.deploy_on.iter().flat_map(|deploy_on| &deploy_on.images);
            let images =
                wanted.filter_map(|image| Some((image.clone(), build.digests.get(image)?)));
            let images = images.map(|(image, digest)| (image, digest.clone())).collect();
            let overrides = if rng.bool() { ALL.into() } else { [].into() };
            let request = Request {
                id: RequestId::new(format!("at once {place} {nth}")),
                kind: Kind::Deploy,
                release: build.release(images, built_at),
                asked_by: RequestedBy::Person { name: "grace".into(), why: String::new() },
                asked_at: at,
                confirm: rules.confirm.clone(),
                overrides,
                fresh: false,
                skip_migration: Some(false),
            };
            let input = Input::Requested(Box::new(request));
            sim.after(at.since(START), Happening::Person { place: place.clone(), input });
        }
    }
}

/// For version tags: a version, a commit by hand, and then a lower version: an older line is fixed.
pub(crate) fn schedule_lines<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
    let is_semver = |pattern: &TagPattern| matches!(pattern, TagPattern::Semver(_));
    for place in places(std::slice::from_ref(system)) {
        let rules = &system.spec.environments[&place.environment];
        let Some(deploy_on) = rules.deploy_on.as_ref() else { continue };
        if !deploy_on.tags.iter().any(is_semver) {
            continue;
        }
        let digests = |commit: &str| -> BTreeMap<ImageName, Digest> {
            let images = deploy_on.images.iter();
            images
                .map(|image| (image.clone(), Digest::new(format!("sha256:{image}-{commit}"))))
                .collect()
        };
        for (at, tags) in [
            (100, ["0aaaaa1", "v3.1.0"].as_slice()),
            (3600, ["0bbbbb2"].as_slice()),
            (7000, ["0ccccc3", "v3.0.9"].as_slice()),
        ] {
            let at = Span::seconds(at + rng.u64(0..300));
            for (image, digest) in digests(tags[0]) {
                for tag in tags {
                    let push = Push {
                        repository: system.spec.images[&image].clone(),
                        digest: digest.clone(),
                        tag: Some(Tag::new(*tag)),
                        artifact_media_type: None,
                        pushed_at: START + at,
                        details: Details::default(),
                    };
                    sim.after(at, Happening::Push { push, tries: 1 });
                }
            }
        }
        let at = START + Span::seconds(6300 + rng.u64(0..300));
        let release =
            Release::new(Version::new("0bbbbb2"), START + Span::seconds(4000), digests("0bbbbb2"));
        let request = Request {
            id: RequestId::new(format!("commit {place}")),
            kind: Kind::Deploy,
            release,
            asked_by: RequestedBy::Person { name: "grace".into(), why: String::new() },
            asked_at: at,
            confirm: rules.confirm.clone(),
            overrides: ALL.into(),
            fresh: false,
            skip_migration: Some(false),
        };
        let input = Input::Requested(Box::new(request));
        sim.after(at.since(START), Happening::Person { place, input });
    }
}

/// A tag is put on another digest in the second in which it was pushed. The events come the wrong way
/// round; the registry is asked later.
pub(crate) fn schedule_two_pushes_at_once<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    system: &System,
    builds: &[Build],
) {
    let build = &builds[rng.usize(0..builds.len())];
    let environments = system.spec.environments.values();
    let patterns = environments.flat_map(|rules| rules.deploy_on.iter().flat_map(|on| &on.tags));
    let mut fitting = patterns.filter(|pattern| pattern.matches(&build.tag)).peekable();
    if fitting.peek().is_none() || fitting.any(|pattern| matches!(pattern, TagPattern::Moving(_))) {
        return;
    }
    let images: Vec<_> = system.spec.images.iter().collect();
    let (image, repository) = images[rng.usize(0..images.len())];
    // Slow builds of the same tag are over by then.
    let pushed_at = build.first_at + Span::seconds(1600 + rng.u64(0..600));
    let digest = |which| Digest::new(format!("sha256:{image}-{}-{which}", build.tag));
    let push = |which, details| Push {
        repository: repository.clone(),
        digest: digest(which),
        tag: Some(build.tag.clone()),
        artifact_media_type: None,
        pushed_at,
        details,
    };
    let at = pushed_at.since(START);
    let events = [(Span::seconds(1), "last"), (Span::seconds(5), "first")];
    let events = events.map(|(late, which)| (late, push(which, Details::default())));
    // An event that is taken in at last, after many tries, is put right by the next answer.
    let asks = (1..=8).map(|nth| {
        let late = Span::minutes(ASKED_EVERY_MINUTES * nth);
        let asked_at = Some(pushed_at + late);
        (late, push("last", Details { asked_at, ..Details::default() }))
    });
    for (late, push) in events.into_iter().chain(asks) {
        sim.after(at + late, Happening::Push { push, tries: 1 });
    }
    let application = system.spec.application.clone();
    sim.invariants.tags.push((application, build.tag.clone(), image.clone(), digest("last")));
}

/// More releases than may wait, while the environment is on hold.
pub(crate) fn schedule_flood<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
    let environments = system.spec.environments.values();
    let every = environments.filter(|rules| rules.queue == pipeline::spec::Queue::Every);
    let Some(deploy_on) = every.filter_map(|rules| rules.deploy_on.as_ref()).next() else { return };
    for place in places(std::slice::from_ref(system)) {
        for (at, control) in [(1, Control::Hold { firm: true }), (4000, Control::Unhold)] {
            let (by, why) = ("ada".to_owned(), "nobody is there".to_owned());
            let input = Input::Controlled { by, why, control };
            sim.after(Span::seconds(at), Happening::Person { place: place.clone(), input });
        }
    }
    for number in 0..24 {
        let at = Span::seconds(60 + number * 90 + rng.u64(0..60));
        for image in &deploy_on.images {
            let push = Push {
                repository: system.spec.images[image].clone(),
                digest: Digest::new(format!("sha256:{image}-flood-{number}")),
                tag: Some(Tag::new(format!("r-flood-{number}"))),
                artifact_media_type: None,
                pushed_at: START + at,
                details: Details::default(),
            };
            sim.after(at, Happening::Push { push, tries: 1 });
        }
    }
}
