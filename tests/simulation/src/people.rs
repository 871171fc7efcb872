//! People and troubles in a random history.

use crate::cloud::target_name;
use crate::happening::Happening;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use fastrand::Rng;
use pipeline::environment::{Control, Input};
use pipeline::event::AlarmState;
use pipeline::names::{EnvironmentName, RequestId, Version};
use pipeline::request::{Kind, Override, Request, RequestedBy};
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

use crate::builds::Build;
use crate::histories::places;

pub(crate) fn schedule_people<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    system: &System,
    builds: &[Build],
) {
    for place in places(std::slice::from_ref(system)) {
        for deed in 0..rng.u32(0..4) {
            let span = Span::seconds(rng.u64(30..9000));
            let input = pick_deed(rng, system, &place.environment, builds, deed, START + span);
            sim.after(span, Happening::Person { place: place.clone(), input });
        }
        let wants_approval = system.spec.environments[&place.environment].approval.is_some();
        for build in builds.iter().filter(|_| wants_approval) {
            let version = Version::new(build.tag.as_str());
            let span = build.first_at.since(START) + Span::seconds(rng.u64(60..4000));
            let control = Control::Approve { version, overrides: BTreeSet::new() };
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
    at: Time,
) -> Input {
    let (by, why) = ("ada".to_owned(), "because".to_owned());
    let control = match rng.u8(0..12) {
        0 => Control::Pause,
        1 => Control::Resume,
        2 => Control::Hold { firm: rng.bool() },
        3 => Control::Unhold,
        4 => Control::Cancel,
        5 => Control::Reject,
        6 if deed.is_multiple_of(3) => Control::ForgetNewest,
        6..=8 => {
            let id = RequestId::new(format!("rollback {environment} {deed}"));
            let undo = rng.u8(0..4) == 0;
            let build = &builds[rng.usize(0..builds.len())];
            let to = (rng.u8(0..3) == 0).then(|| Version::new(build.tag.as_str()));
            return Input::RollbackRequested { id, by, why, to, undo };
        }
        _ => return by_hand(rng, system, environment, builds, deed, at),
    };
    Input::Controlled { by, why, control }
}

fn by_hand(
    rng: &mut Rng,
    system: &System,
    environment: &EnvironmentName,
    builds: &[Build],
    deed: u32,
    at: Time,
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
        release: build.release(images, build.first_at),
        asked_by: RequestedBy::Person { name: "ada".into(), why: String::new() },
        asked_at: at,
        confirm: rules.confirm.clone(),
        overrides,
        fresh: rng.u8(0..4) == 0,
        // Its migration runs, however old it is.
        skip_migration: Some(false),
    }))
}

pub(crate) fn schedule_troubles<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
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
