//! The engine's world on AWS: one table, and one queue for each kind of worker.

pub mod history;
mod keys;
mod own_write;
pub mod pushed;
mod queues;
mod refusals;
pub mod table;

pub use queues::Received;

use crate::clients::Aws;
use engine::{Due, Key, Lookup, Message, SaveError, Stored, Timer, World, WorldError, Write};
use pipeline::names::ApplicationName;
use pipeline::time::Time;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest first pause after a conflict; each further one is up to twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(40);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Waking one record takes a few calls of the table and of the queues. One that takes longer is
/// left to a later sweep, and the other records are woken.
const WAKE_MAX: Duration = Duration::from_secs(10);
/// The sweep starts nothing when only this is left of its invocation.
const SWEEP_RESERVE: Duration = Duration::from_secs(10);

impl World for Aws {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        self.read_records(keys).await
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        self.write_records(writes).await
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        Ok(self.send_all(messages, timers).await?)
    }

    async fn due(&self, now: Time) -> Result<Vec<Due>, WorldError> {
        Ok(self.due_records(now).await?)
    }

    async fn pause(&self, tries: usize) {
        tokio::time::sleep(up_to(pause_max(tries))).await;
    }

    async fn within_limits<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let limit = self.clock.left().saturating_sub(SWEEP_RESERVE).min(WAKE_MAX);
        if limit.is_zero() {
            return None;
        }
        self.clock.within(limit, work).await
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        Ok(self.applications_found_by(lookup).await?)
    }
}

fn pause_max(tries: usize) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (PAUSE_MIN * 2_u32.pow(doublings)).min(PAUSE_MAX)
}

/// A random duration.
fn up_to(longest: Duration) -> Duration {
    let chance = RandomState::new().hash_one(0) % 1000;
    longest * u32::try_from(chance).unwrap_or_default() / 1000
}
