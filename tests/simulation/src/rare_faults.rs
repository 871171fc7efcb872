//! Faults that too few histories would meet by chance, each in some of them.

use crate::builds::Build;
use crate::cloud::{Address, Disturbance, target_name};
use crate::happening::Happening;
use crate::histories::places;
use crate::rare_releases::{
    schedule_flood, schedule_hands, schedule_lines, schedule_two_pushes_at_once,
};
use crate::sim::{START, Sim};
use crate::specs::schedule_spec_changes;
use crate::systems::System;
use engine::{Decide, Message, Sender};
use fastrand::Rng;
use pipeline::effect::Effect;
use pipeline::environment::Input;
use pipeline::names::{Digest, Place, RequestId, Version};
use pipeline::notice::{News, Notice};
use pipeline::time::Span;

pub(crate) fn schedule_rare_faults<D: Decide>(
    sim: &mut Sim<D>,
    seed: u64,
    system: &System,
    builds: &[Build],
) {
    // Chance of its own, so that every other history is what it was.
    let rng = &mut Rng::with_seed(seed.rotate_left(29) ^ 0x7a7e);
    let mut one_in = |count: u8| rng.u8(0..count) == 0;
    let changes_spec = one_in(5);
    let undoes_again = one_in(4);
    let fails_long_ago = one_in(5);
    let tags_twice = one_in(6);
    let floods = one_in(30);
    let deploys_by_hand = one_in(4);
    let has_lines = one_in(5);
    sim.hasty |= one_in(6);
    sim.restless_on_the_way_back |= one_in(5);
    sim.cloud.reasons_are_long |= one_in(10);
    if changes_spec {
        schedule_spec_changes(sim, rng, system);
    }
    if undoes_again {
        schedule_undoing(sim, rng, system, builds);
    }
    if fails_long_ago {
        schedule_failures(sim, rng, system, builds);
    }
    if tags_twice {
        schedule_two_pushes_at_once(sim, rng, system, builds);
    }
    if deploys_by_hand {
        schedule_hands(sim, rng, system, builds);
    }
    if has_lines {
        schedule_lines(sim, rng, system);
    }
    if floods {
        schedule_flood(sim, rng, system);
    }
}

/// People who want a migration undone click until it is, and once more.
fn schedule_undoing<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System, builds: &[Build]) {
    for place in places(std::slice::from_ref(system)) {
        let migration = &system.spec.environments[&place.environment].migration;
        if migration.as_ref().is_none_or(|migration| migration.undo.is_none()) {
            continue;
        }
        let to = &builds[rng.usize(0..builds.len())];
        let last = builds.iter().map(|build| build.first_at).max().unwrap_or(START);
        let mut at = last.since(START) + Span::seconds(rng.u64(600..6000));
        for click in 0..4 {
            let (by, why) = ("grace".to_owned(), "the schema is wrong".to_owned());
            let id = RequestId::new(format!("undo {place} {click}"));
            let to = Some(Version::new(to.tag.as_str()));
            let input = Input::RollbackRequested { id, by, why, to, undo: true };
            sim.after(at, Happening::Person { place: place.clone(), input });
            at = at + Span::seconds(rng.u64(200..1500));
        }
    }
}

/// The running revision has failed, and runs nevertheless.
fn schedule_failures<D: Decide>(
    sim: &mut Sim<D>,
    rng: &mut Rng,
    system: &System,
    builds: &[Build],
) {
    for address in addresses(system) {
        for build in builds.iter().filter(|_| rng.bool()) {
            // Just before the next release comes.
            let at = build.first_at.since(START).as_seconds().saturating_sub(5);
            let fail = Happening::Disturb(address.clone(), Disturbance::Fail);
            sim.after(Span::seconds(at), fail);
        }
    }
}

fn addresses(system: &System) -> Vec<Address> {
    let environments = system.spec.environments.values();
    let addresses = environments.flat_map(|rules| {
        let target = target_name(&rules.target);
        rules.services().map(move |(_, service)| (target.clone(), service.name.clone()))
    });
    addresses.collect()
}

impl<D: Decide> Sim<D> {
    /// While a worker is about to update a service, it is created outside Slipway, or a person
    /// rolls back, and it is observed. Returns how much longer the worker takes.
    pub(crate) fn meanwhile(&mut self, message: &Message) -> Span {
        let Effect::RollOut(roll_out) = &message.effect else { return Span::default() };
        let Sender::Deployment(id) = &message.from else { return Span::default() };
        if !self.hasty || self.plan.below(3) > 0 {
            return Span::default();
        }
        let address = (target_name(&roll_out.target), roll_out.service.clone());
        if roll_out.create.is_some() {
            let outside = Digest::new(format!("sha256:outside-{}", self.cloud.revisions.len()));
            let images = [("somebody-else".into(), outside)].into();
            let revision = self.cloud.register(address.1.as_str(), images);
            let create = Disturbance::Create(revision);
            self.after(Span::seconds(1), Happening::Disturb(address.clone(), create));
        }
        let (by, why) = ("grace".to_owned(), "in a hurry".to_owned());
        let request = RequestId::new(format!("hasty {id} {}", message.number));
        let input = Input::RollbackRequested { id: request, by, why, to: None, undo: false };
        let wait = Span::seconds(self.plan.below(20));
        self.after(wait, Happening::Person { place: id.place.clone(), input });
        self.after(wait + Span::seconds(2), Happening::Look { address, tries: 1 });
        Span::seconds(self.plan.below(45))
    }

    /// During a rollback, some services lose their tasks for a while.
    pub(crate) fn instability_during_the_rollback(&mut self, notice: &Notice) {
        let goes_back = matches!(notice.news, News::RollingBack { .. });
        if !goes_back || !self.restless_on_the_way_back {
            return;
        }
        for address in self.addresses_of(&notice.place) {
            // Those that are unstable first are stable before the others.
            let (after, span) = match self.plan.below(3) {
                0 => (40 + self.plan.below(100), 200 + self.plan.below(300)),
                1 => (150 + self.plan.below(200), 300 + self.plan.below(600)),
                _ => continue,
            };
            let lose = Disturbance::Lose(Span::seconds(span));
            self.after(Span::seconds(after), Happening::Disturb(address, lose));
        }
    }

    fn addresses_of(&self, place: &Place) -> Vec<Address> {
        let system = self.systems.iter().find(|s| s.spec.application == place.application);
        let rules = system.and_then(|s| s.spec.environments.get(&place.environment));
        let Some(rules) = rules else { return vec![] };
        let target = target_name(&rules.target);
        rules.services().map(|(_, service)| (target.clone(), service.name.clone())).collect()
    }
}
