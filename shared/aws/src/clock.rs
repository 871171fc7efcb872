//! The clock: the system's, or the one that the deadline of the invocation implies.
//!
//! The sandbox runs these very functions in a time of its own, which jumps from one happening to
//! the next. All that it can pass to an unmodified function is the deadline that the Runtime API
//! sends with every invocation; the deadline less the time-out is the moment of the invocation.

use crate::settings::{CLOCK_FROM_DEADLINE, Settings};
use pipeline::time::Time;
use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// No invocation lasts longer.
const LONGEST: Duration = Duration::from_secs(15 * 60);

#[derive(Debug)]
pub struct Clock {
    /// The time-out in milliseconds, where the deadline says what time it is.
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

    /// An invocation begins that may last until `deadline` (milliseconds since 1970).
    pub fn invoked(&self, deadline: u64) {
        self.invoked_at.set(deadline.saturating_sub(self.timeout.unwrap_or_default()));
        let lasts = self.timeout.unwrap_or_else(|| deadline.saturating_sub(system_millis()));
        self.ends.set(Instant::now().checked_add(Duration::from_millis(lasts).min(LONGEST)));
    }

    /// How long the invocation may still last, in the system's time. Where the clock stands still, as
    /// long as it might at its beginning.
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

    /// Does the work if it is done within the limit. Where the clock stands still no limit is ever
    /// reached, however slow the machine is.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        match self.stands_still() {
            true => Some(work.await),
            false => tokio::time::timeout(limit, work).await.ok(),
        }
    }

    /// Whether the deadline says what time it is, so that none passes while an invocation lasts.
    pub fn stands_still(&self) -> bool {
        self.timeout.is_some()
    }

    /// Waits, and says whether time has passed: where the deadline says what time it is, it stands
    /// still as long as the invocation lasts, and nothing is to be had by waiting.
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
