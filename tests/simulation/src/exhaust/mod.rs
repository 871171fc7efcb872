//! Every history within bounds, one after another, by the model checker `stateright`.
//!
//! A history follows what comes next, as in `Sim::run`: that is the fair course, in which every
//! message arrives and nothing crashes. At any moment it may depart from it: something overtakes
//! something else, is lost, is delivered twice or late, the process crashes before or after it has
//! saved, a person acts in or outside Slipway, AWS answers otherwise. The bound is the number of
//! departures. Since a history without departures left continues fairly to its end, and is judged
//! there, every state that is reached has its fair finish.

mod fingerprint;
mod progress;
mod starts;
mod step;

pub use starts::{STARTS, Start};
pub use step::Step;

use self::progress::Progress;
use crate::happening::describe;
use crate::histories::judge;
use crate::invariants::Violation;
use crate::sim::Sim;
use engine::Decide;
use stateright::{Checker, Model, Property};
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a deployment may take at the most, in happenings: more go round in circles.
const HAPPENINGS_MAX: usize = 2_000;
const PROPERTY: &str = "every invariant holds";

/// How far to search.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How often a history may depart from the fair course.
    pub departures: u8,
    /// How many releases are pushed.
    pub releases: u8,
    /// How many of the starts are tried.
    pub starts: Vec<Start>,
    /// The search ends after this many transitions.
    pub transitions: usize,
}

/// What was searched, and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    pub bounds: Bounds,
    /// Distinct states of the world; and with the departures that are left in them.
    pub worlds: usize,
    pub states: usize,
    pub transitions: usize,
    pub depth: usize,
    pub took: Duration,
    /// Whether everything within the bounds was seen.
    pub complete: bool,
    pub broken: Option<Broken>,
}

/// A history that breaks an invariant.
#[derive(Clone, Debug)]
pub struct Broken {
    pub violation: Violation,
    pub departures: Vec<String>,
    pub log: Vec<String>,
}

struct Exhaust<D> {
    bounds: Bounds,
    decide: D,
    worlds: Mutex<HashSet<u64>>,
}

/// One moment of one history: the whole world, and how often it may still depart.
struct Moment<D> {
    fingerprint: u64,
    sim: Mutex<Sim<D>>,
    departures: u8,
    violated: bool,
}

/// Searches everything within the bounds, with all processors.
pub fn search<D>(bounds: Bounds, decide: D) -> Report
where
    D: Decide + Clone + Send + Sync + 'static,
{
    search_and_tell(bounds, decide, |_| ())
}

/// The same, and prints its progress once a minute.
pub fn search_and_tell<D>(bounds: Bounds, decide: D, tell: impl FnMut(&str)) -> Report
where
    D: Decide + Clone + Send + Sync + 'static,
{
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let model = Exhaust { bounds: bounds.clone(), decide, worlds: Mutex::default() };
    let checker = model.checker().threads(threads).target_state_count(bounds.transitions);
    let checker = checker.spawn_dfs().report(&mut Progress::new(tell)).join();
    let broken = checker.discovery(PROPERTY).and_then(|path| {
        let last = path.last_state();
        let violation = last.sim().invariants.violations.first().cloned()?;
        let start = path.clone().into_states().into_iter().next();
        let (departures, log) = retell(start.as_ref()?, path.into_actions());
        Some(Broken { violation, departures, log })
    });
    let worlds = checker.model().worlds.lock().unwrap_or_else(PoisonError::into_inner).len();
    Report {
        worlds,
        states: checker.unique_state_count(),
        transitions: checker.state_count(),
        depth: checker.max_depth(),
        took: started.elapsed(),
        complete: broken.is_none() && checker.state_count() < bounds.transitions,
        bounds,
        broken,
    }
}

/// Plays a history once more and writes it down.
fn retell<D: Decide + Clone>(start: &Moment<D>, steps: Vec<Step>) -> (Vec<String>, Vec<String>) {
    let mut sim = start.sim().fork();
    sim.log = Some(Vec::new());
    let mut departures = Vec::new();
    for step in steps {
        if step != Step::Next {
            let next = sim.coming().next().map(|(_, happening)| describe(happening));
            departures.push(format!("{} {step:?}: {}", sim.now, next.unwrap_or_default()));
            if let Some(log) = &mut sim.log {
                log.push(format!("{} -- {step:?}", sim.now));
            }
        }
        step.take_in(&mut sim);
    }
    (departures, sim.log.unwrap_or_default())
}

impl<D: Decide + Clone + Send + Sync + 'static> Model for Exhaust<D> {
    type State = Moment<D>;
    type Action = Step;

    fn init_states(&self) -> Vec<Moment<D>> {
        let starts = self.bounds.starts.iter();
        let sims = starts.map(|start| start.world(self.decide.clone(), self.bounds.releases));
        sims.map(|sim| self.moment(sim, self.bounds.departures)).collect()
    }

    fn actions(&self, moment: &Moment<D>, steps: &mut Vec<Step>) {
        let sim = moment.sim();
        if moment.violated || sim.coming().next().is_none() {
            return;
        }
        // The last one is tried first: departures are searched from the end of a history back to its
        // beginning.
        if moment.departures > 0 {
            Step::departures(&sim, steps);
        }
        steps.push(Step::Next);
    }

    fn next_state(&self, moment: &Moment<D>, step: Step) -> Option<Moment<D>> {
        let mut sim = moment.sim().fork();
        let cost = u8::from(step != Step::Next);
        step.take_in(&mut sim);
        if sim.happenings > HAPPENINGS_MAX {
            let what = "the history goes round in circles".to_owned();
            sim.invariants.violated("every_deployment_ends", what);
        } else if sim.coming().next().is_none() {
            judge(&mut sim, &[]);
        }
        Some(self.moment(sim, moment.departures.saturating_sub(cost)))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(PROPERTY, |_, moment: &Moment<D>| !moment.violated)]
    }
}

impl<D: Decide + Clone> Exhaust<D> {
    fn moment(&self, sim: Sim<D>, departures: u8) -> Moment<D> {
        let world = fingerprint::of(&sim);
        self.worlds.lock().unwrap_or_else(PoisonError::into_inner).insert(world);
        let violated = !sim.invariants.violations.is_empty();
        // The world's own number, moved apart for each number of departures that are left.
        let fingerprint = world ^ u64::from(departures).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Moment { fingerprint, sim: Mutex::new(sim), departures, violated }
    }
}

impl<D> Moment<D> {
    fn sim(&self) -> MutexGuard<'_, Sim<D>> {
        self.sim.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<D: Clone> Clone for Moment<D> {
    fn clone(&self) -> Self {
        Self {
            fingerprint: self.fingerprint,
            sim: Mutex::new(self.sim().fork()),
            departures: self.departures,
            violated: self.violated,
        }
    }
}

impl<D> Hash for Moment<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl<D> PartialEq for Moment<D> {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl<D> fmt::Debug for Moment<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}, {} departures left", self.fingerprint, self.departures)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds { departures, releases, starts, .. } = &self.bounds;
        writeln!(
            f,
            "one environment, two services in two waves, a migration; {releases} releases, {} ways \
             that the last one behaves; at most {departures} departures from the fair course",
            starts.len()
        )?;
        writeln!(
            f,
            "{} distinct worlds, {} states, {} transitions, depth {}, {:.0?}",
            self.worlds, self.states, self.transitions, self.depth, self.took
        )?;
        match (&self.broken, self.complete) {
            (None, true) => writeln!(f, "everything within these bounds was seen, and holds"),
            (None, false) => writeln!(f, "the search was ended early; what was seen holds"),
            (Some(Broken { violation, departures, log }), _) => {
                log.iter().try_for_each(|line| writeln!(f, "{line}"))?;
                departures.iter().try_for_each(|line| writeln!(f, "departure: {line}"))?;
                writeln!(f, "{} does not hold: {}", violation.invariant, violation.what)
            }
        }
    }
}

/// The small instance, which every run of the tests searches whole.
pub fn small() -> Bounds {
    let starts = STARTS.iter().copied().take(1).collect();
    Bounds { departures: 1, releases: 1, starts, transitions: usize::MAX }
}

/// A larger one, on request.
pub fn large(departures: u8, releases: u8) -> Bounds {
    Bounds { departures, releases, starts: STARTS.to_vec(), transitions: usize::MAX }
}
