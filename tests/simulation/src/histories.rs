//! Random histories: what a seed makes happen, run to its end and judged.

use crate::builds::schedule_builds;
use crate::cloud::Breaker;
use crate::faults::{Odds, Plan};
use crate::happening::Happening;
use crate::invariants::Violation;
use crate::outside_faults::schedule_outside_faults;
use crate::people::{schedule_people, schedule_troubles};
use crate::rare_faults::schedule_rare_faults;
use crate::sim::Sim;
use crate::specs::SpecChange;
use crate::systems::{self, System};
use engine::Decide;
use fastrand::Rng;
use pipeline::names::{Place, Version};
use pipeline::time::Span;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::wide;

/// What the five systems do not use, in one application.
static LAB: LazyLock<Result<System, String>> =
    LazyLock::new(|| System::read(include_str!("lab.yaml")));

/// One with very large records.
static WIDE: LazyLock<Result<System, String>> = LazyLock::new(wide::system);

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
    let systems = match Rng::with_seed(seed.rotate_left(7) ^ 0x3d1e).u16(0..400) {
        0 => vec![WIDE.clone().expect("it is valid: a test plays it")],
        _ => pick_systems(&mut rng),
    };
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
        if system.spec.application.as_str() == wide::NAME {
            wide::schedule(&mut sim, &mut rng, system);
            continue;
        }
        let builds = schedule_builds(&mut sim, &mut rng, seed, system, &mut expected);
        schedule_people(&mut sim, &mut rng, system, &builds);
        schedule_troubles(&mut sim, &mut rng, system);
        schedule_outside_faults(&mut sim, seed, system, &builds);
        schedule_rare_faults(&mut sim, seed, system, &builds);
    }
    schedule_leaving(&mut sim, seed);
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

/// Judges what is left when everything is stable.
pub fn judge<D: Decide>(sim: &mut Sim<D>, expected: &[(Place, Version)]) {
    for place in places(&sim.systems) {
        let deployments = sim.deployments(&place);
        let Some(head) = sim.head(&place) else { continue };
        sim.invariants.at_the_end(&place, &head, &deployments, &sim.told);
        sim.invariants.verdicts_are_true(&place, &deployments, &sim.cloud);
        sim.judge_the_records(&place);
    }
    sim.judge_the_tags();
    if let Some(due) = sim.memory.next_due() {
        sim.invariants.violated("nothing_is_due_at_the_end", due.to_string());
    }
    let expected = expected.iter().filter(|(place, _)| !sim.invariants.has_left(place));
    let expected: Vec<_> = expected
        .filter(|(place, _)| !sim.invariants.releases.has_changed(&place.application))
        .collect();
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

/// In some histories an environment leaves the spec that none is promoted from.
fn schedule_leaving<D: Decide>(sim: &mut Sim<D>, seed: u64) {
    // Chance of its own, so that every other history is what it was.
    let mut rng = Rng::with_seed(!seed);
    if rng.u8(0..8) != 0 {
        return;
    }
    let system = &sim.systems[rng.usize(0..sim.systems.len())].spec;
    let environments = system.environments.values();
    let sources = environments.filter_map(|rules| rules.deploy_on.as_ref()?.promoted_from.clone());
    let sources: Vec<_> = sources.collect();
    let last = system.environments.keys().rfind(|name| !sources.contains(name));
    if let Some(environment) = last.cloned() {
        let place = Place { application: system.application.clone(), environment };
        let change = Happening::ChangeSpec(place.application.clone(), SpecChange::Leave(place));
        sim.after(Span::seconds(rng.u64(60..6000)), change);
    }
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
