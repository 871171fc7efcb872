//! Faults: what goes wrong, by chance or at one chosen point.

use engine::memory::{Fault, Point};
use fastrand::Rng;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How often each fault happens, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    pub crash: u32,
    pub conflict: u32,
    pub throttle: u32,
    pub duplicate: u32,
    pub drop: u32,
    /// How late an event or a message may be, at most.
    pub delay_seconds_max: u64,
    /// Every event after the push is lost; only messages and the sweep remain.
    pub lose_every_event: bool,
}

/// Decides at every point whether something goes wrong there.
#[derive(Clone)]
pub struct Plan(Arc<Mutex<State>>);

struct State {
    rng: Rng,
    odds: Odds,
    points: u64,
    crash_at: Option<u64>,
}

impl Plan {
    pub fn new(seed: u64, odds: Odds) -> Self {
        let rng = Rng::with_seed(seed);
        Self(Arc::new(Mutex::new(State { rng, odds, points: 0, crash_at: None })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Crashes at the point with this number, and nowhere else.
    pub fn crash_at(point: u64) -> Self {
        let plan = Self::new(0, Odds::default());
        plan.state().crash_at = Some(point);
        plan
    }

    /// How many points were passed so far.
    pub fn points(&self) -> u64 {
        self.state().points
    }

    pub fn odds(&self) -> Odds {
        self.state().odds
    }

    pub fn fault(&self, point: Point) -> Fault {
        let state = &mut *self.state();
        state.points += 1;
        if state.crash_at == Some(state.points) {
            return Fault::Crash;
        }
        let odds = state.odds;
        let roll = state.rng.u32(0..1000);
        if roll < odds.crash {
            Fault::Crash
        } else if roll < odds.crash + odds.throttle {
            Fault::Throttle
        } else if point == Point::BeforeSave && state.rng.u32(0..1000) < odds.conflict {
            Fault::Conflict
        } else {
            Fault::None
        }
    }

    /// Whether a worker is killed here, before or after it has acted.
    pub fn worker_dies(&self) -> bool {
        self.fault(Point::Load) == Fault::Crash
    }

    pub fn chance(&self, thousandths: u32) -> bool {
        thousandths > 0 && self.state().rng.u32(0..1000) < thousandths
    }

    pub fn below(&self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.state().rng.u64(0..limit) }
    }
}
