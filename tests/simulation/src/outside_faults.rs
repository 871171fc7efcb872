//! Faults from outside of a deployment: alarms that flap, calls that are denied, services that others
//! delete, create or scale, tasks that find no room or do not stop, and people in a hurry.

use crate::behaviour::Behaviour;
use crate::builds::Build;
use crate::cloud::{Address, Disturbance, Returns, target_name};
use crate::happening::Happening;
use crate::histories::places;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use fastrand::Rng;
use pipeline::environment::{Control, Input};
use pipeline::event::AlarmState;
use pipeline::names::{Digest, RequestId};
use pipeline::notice::{News, Notice};
use pipeline::spec;
use pipeline::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Schedules some of them in every second history. Chance of its own leaves the others what they
/// were.
pub(crate) fn schedule_outside_faults<D: Decide>(
    sim: &mut Sim<D>,
    seed: u64,
    system: &System,
    builds: &[Build],
) {
    let mut rng = Rng::with_seed(seed.rotate_left(17) ^ 0x5eed);
    if rng.bool() {
        return;
    }
    let rng = &mut rng;
    if one_in(rng, 4) {
        sim.cloud.no_room_for = [1, 3, 200][rng.usize(0..3)];
    }
    sim.cloud.stops_in_vain = one_in(rng, 4);
    sim.cloud.returns = [Returns::Well, Returns::Hang, Returns::Fail][rng.usize(0..3)];
    sim.cloud.drains = Span::seconds([0, 90, 1500][rng.usize(0..3)]);
    sim.approves_late = one_in(rng, 3);
    let alarms_flap = one_in(rng, 3);
    let services_are_disturbed = one_in(rng, 3);
    let calls_are_denied = one_in(rng, 4);
    let people_hurry = one_in(rng, 2);
    for rules in system.spec.environments.values() {
        for build in builds {
            if alarms_flap {
                schedule_flapping(sim, rng, rules, build);
            }
            for address in addresses(rules) {
                if services_are_disturbed && one_in(rng, 5) {
                    schedule_disturbance(sim, rng, address.clone(), build);
                }
                if calls_are_denied && one_in(rng, 3) {
                    let span = Span::seconds(rng.u64(30..2000));
                    let refused = Happening::Disturb(address, Disturbance::Refuse(span));
                    sim.after(soon_after(rng, build), refused);
                }
            }
        }
    }
    if people_hurry {
        schedule_hurry(sim, rng, system, builds);
    }
    if sim.cloud.stops_in_vain {
        schedule_endless(sim, rng, system, builds);
    }
}

/// A migration that neither ends nor can be stopped, and a person who continues nevertheless.
fn schedule_endless<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System, builds: &[Build]) {
    let build = &builds[rng.usize(0..builds.len())];
    for digest in build.digests.values() {
        sim.behaves(digest, Behaviour::MigrationNeverEnds);
    }
    for place in places(std::slice::from_ref(system)) {
        let (by, why) = ("grace".to_owned(), "it takes too long".to_owned());
        let id = RequestId::new(format!("undo {place}"));
        let inputs = [
            Input::Controlled { by: by.clone(), why: why.clone(), control: Control::Unhold },
            Input::RollbackRequested { id, by, why, to: None, undo: true },
        ];
        for input in inputs {
            let at = soon_after(rng, build) + Span::minutes(rng.u64(10..60));
            sim.after(at, Happening::Person { place: place.clone(), input });
        }
    }
}

impl<D: Decide> Sim<D> {
    /// The approval is given after its deadline, or shortly before.
    pub(crate) fn approve_late(&mut self, notice: &Notice) {
        let News::ApprovalWanted { until } = notice.news else { return };
        if self.approves_late && self.now < until {
            let (version, overrides) = (notice.version.clone(), BTreeSet::new());
            let control = Control::Approve { version, overrides };
            let (by, why) = ("grace".to_owned(), "it was still lying there".to_owned());
            let input = Input::Controlled { by, why, control };
            let left = until.since(self.now).as_seconds().saturating_sub(10);
            let span = Span::seconds(left + self.plan.below(60));
            self.after(span, Happening::Person { place: notice.place.clone(), input });
        }
    }
}

fn one_in(rng: &mut Rng, count: u8) -> bool {
    rng.u8(0..count) == 0
}

/// Some time in the deployment that a build may lead to.
fn soon_after(rng: &mut Rng, build: &Build) -> Span {
    build.first_at.since(START) + Span::seconds(rng.u64(10..900))
}

fn addresses(rules: &spec::Environment) -> Vec<Address> {
    let target = target_name(&rules.target);
    rules.services().map(|(_, service)| (target.clone(), service.name.clone())).collect()
}

/// On and quiet again, with or without data in between, muted or not.
fn schedule_flapping<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    rules: &spec::Environment,
    build: &Build,
) {
    for name in &rules.alarms.names {
        if one_in(rng, 2) {
            continue;
        }
        let mut at = soon_after(rng, build);
        let is_muted = one_in(rng, 3);
        if is_muted {
            sim.after(at, Happening::Mute(name.clone(), true));
            at = at + Span::seconds(1);
        }
        for _ in 0..rng.u8(1..4) {
            for state in [AlarmState::On, AlarmState::NoData, AlarmState::Quiet] {
                if state != AlarmState::NoData || one_in(rng, 3) {
                    sim.after(at, Happening::Alarm(name.clone(), state));
                    at = at + Span::seconds(rng.u64(2..150));
                }
            }
        }
        if is_muted {
            sim.after(at, Happening::Mute(name.clone(), false));
        }
    }
}

fn schedule_disturbance<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    address: Address,
    build: &Build,
) {
    let at = soon_after(rng, build);
    let outside = Digest::new(format!("sha256:outside-{}", rng.u32(..)));
    let images = BTreeMap::from([("somebody-else".into(), outside)]);
    match rng.u8(0..5) {
        0 => sim.after(at, Happening::Disturb(address, Disturbance::Delete)),
        1 => {
            let back = at + Span::seconds(rng.u64(5..1800));
            let revision = sim.cloud.register(address.1.as_str(), images);
            sim.after(at, Happening::Disturb(address.clone(), Disturbance::Delete));
            sim.after(back, Happening::Disturb(address, Disturbance::Create(revision)));
        }
        2 => {
            let revision = sim.cloud.register(address.1.as_str(), images);
            sim.after(at, Happening::Disturb(address, Disturbance::Create(revision)));
        }
        3 => {
            let back = at + Span::seconds(rng.u64(60..3000));
            sim.after(Span::default(), Happening::Disturb(address.clone(), Disturbance::Scale(0)));
            sim.after(back, Happening::Disturb(address, Disturbance::Scale(2)));
        }
        _ => {
            let desired = rng.u32(1..5);
            sim.after(at, Happening::Disturb(address, Disturbance::Scale(desired)));
        }
    }
}

/// People click twice, mark and unmark by hand, and wait no longer for a task.
fn schedule_hurry<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System, builds: &[Build]) {
    for place in places(std::slice::from_ref(system)) {
        for click in 0..rng.u32(0..5) {
            let build = &builds[rng.usize(0..builds.len())];
            let (by, why) = ("grace".to_owned(), "in a hurry".to_owned());
            let digests: Vec<&Digest> = build.digests.values().collect();
            let digest = digests[rng.usize(0..digests.len())].clone();
            let control = match rng.u8(0..8) {
                0 => Some(Control::MarkBad { digest, version: None }),
                1 => Some(Control::UnmarkBad { digest }),
                2 => Some(Control::ForgetTask),
                3 => Some(Control::Hold { firm: rng.bool() }),
                _ => None,
            };
            let at = soon_after(rng, build);
            let undo = rng.bool();
            for again in 0..rng.u32(1..4) {
                let (by, why) = (by.clone(), why.clone());
                let input = match control.clone() {
                    Some(control) => Input::Controlled { by, why, control },
                    None => {
                        let id = RequestId::new(format!("hurry {place} {click} {again}"));
                        Input::RollbackRequested { id, by, why, to: None, undo }
                    }
                };
                let at = at + Span::seconds(u64::from(again) * rng.u64(1..300));
                sim.after(at, Happening::Person { place: place.clone(), input });
            }
        }
    }
}
