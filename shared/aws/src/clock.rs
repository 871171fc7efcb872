//! The clock: the system's, or the one that the deadline of the invocation implies.
//!
//! The sandbox runs these very functions in a time of its own, which jumps from one happening to
//! the next. All that it can tell an unmodified function is the deadline that the Runtime API sends
//! with every invocation; the deadline less the time-out is the moment of the invocation.

use crate::settings::{CLOCK_FROM_DEADLINE, Settings};
use pipeline::time::Time;
use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub(crate) struct Clock {
    /// The time-out in milliseconds, where the deadline says what time it is.
    timeout: Option<u64>,
    invoked_at: Cell<u64>,
}

impl Clock {
    pub(crate) fn new(settings: &Settings) -> Self {
        let seconds = settings.optional(CLOCK_FROM_DEADLINE);
        let timeout = seconds.and_then(|seconds| seconds.parse::<u64>().ok());
        Self { timeout: timeout.map(|seconds| seconds * 1000), invoked_at: Cell::new(0) }
    }

    /// An invocation begins that may last until `deadline` (milliseconds since 1970).
    pub(crate) fn invoked(&self, deadline: u64) {
        self.invoked_at.set(deadline.saturating_sub(self.timeout.unwrap_or_default()));
    }

    pub(crate) fn now(&self) -> Time {
        if self.timeout.is_some() {
            return Time::from_millis(self.invoked_at.get());
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    /// Waits, and says whether time has passed: where the deadline says what time it is, it stands
    /// still as long as the invocation lasts, and nothing is to be had by waiting.
    pub(crate) async fn pause(&self, duration: Duration) -> bool {
        if self.timeout.is_some() {
            return false;
        }
        tokio::time::sleep(duration).await;
        true
    }
}
