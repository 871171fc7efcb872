//! The clock: the system's, or the one that the deadline of the invocation implies.
//!
//! The sandbox runs these very functions in simulated time, which jumps from one event to the next.
//! All that it can pass to an unmodified function is the deadline that the Runtime API sends with
//! every invocation; the deadline minus the time-out is the time of the invocation.

use crate::settings::{CLOCK_FROM_DEADLINE, Settings};
use pipeline::time::Time;
use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The longest time-out of a Lambda function.
const LONGEST: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub struct Clock {
    /// The time-out in milliseconds, if the clock is derived from the deadline.
    timeout: Option<u64>,
    invoked_at: Cell<u64>,
    /// When Lambda ends the process; `None`: nothing was invoked yet.
    ends: Cell<Option<Instant>>,
}

impl Clock {
    pub fn new(settings: &Settings) -> Self {
        let seconds = settings.optional(CLOCK_FROM_DEADLINE);
        let timeout = seconds.and_then(|seconds| seconds.parse::<u64>().ok());
        Self {
            timeout: timeout.map(|seconds| seconds * 1000),
            invoked_at: Cell::new(0),
            ends: Cell::new(None),
        }
    }

    /// Starts an invocation that may last until `deadline` (milliseconds since 1970).
    pub fn invoked(&self, deadline: u64) {
        self.invoked_at.set(deadline.saturating_sub(self.timeout.unwrap_or_default()));
        let lasts = self.timeout.unwrap_or_else(|| deadline.saturating_sub(system_millis()));
        self.ends.set(Instant::now().checked_add(Duration::from_millis(lasts).min(LONGEST)));
    }

    /// How much real time the invocation has left. With a stopped clock, always its full time-out.
    pub fn left(&self) -> Duration {
        if let Some(timeout) = self.timeout {
            return Duration::from_millis(timeout);
        }
        let left = |ends: Instant| ends.saturating_duration_since(Instant::now());
        self.ends.get().map_or(LONGEST, left)
    }

    pub fn now(&self) -> Time {
        if self.timeout.is_some() {
            return Time::from_millis(self.invoked_at.get());
        }
        Time::from_millis(system_millis())
    }

    /// Completes the work if it takes no longer than the limit. With a stopped clock no limit is
    /// ever reached, however slow the machine is.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        match self.stands_still() {
            true => Some(work.await),
            false => tokio::time::timeout(limit, work).await.ok(),
        }
    }

    /// Whether the clock is derived from the deadline, so that it stops during an invocation.
    pub(crate) fn stands_still(&self) -> bool {
        self.timeout.is_some()
    }

    /// Waits, and returns whether time has passed: a clock that is derived from the deadline stops
    /// during the invocation, so waiting has no effect.
    pub async fn pause(&self, duration: Duration) -> bool {
        if self.timeout.is_some() {
            return false;
        }
        tokio::time::sleep(duration).await;
        true
    }
}

fn system_millis() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
