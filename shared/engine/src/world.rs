//! The port: all that the loop needs of the world.

use crate::errors::{SaveError, WorldError};
use crate::keys::{Key, Lookup, Sender};
use crate::records::{Stored, Write};
use pipeline::effect::Effect;
use pipeline::names::ApplicationName;
use pipeline::time::Time;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// The records of one table, and the queues of the workers.
pub trait World {
    fn now(&self) -> Time;

    /// Reads several records in one call, each as it was last written.
    fn load(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Stored>>, WorldError>>;

    /// Writes all records or none, each only if it still has the version that was read.
    fn save(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), SaveError>>;

    /// Hands effects to the queues of the workers that perform them, and sets timers. A timer that
    /// is lost costs no more than the time until the next sweep.
    fn send(
        &self,
        messages: Vec<Message>,
        timers: Vec<Timer>,
    ) -> impl Future<Output = Result<(), WorldError>>;

    /// Returns all records that want to be woken by now.
    fn due(&self, now: Time) -> impl Future<Output = Result<Vec<Due>, WorldError>>;

    /// Waits a moment before a decision is made anew because of a conflicting write: longer after
    /// each try, and never exactly as long as the others wait.
    fn pause(&self, tries: usize) -> impl Future<Output = ()>;

    /// Does one piece of work of many; `None`: it took too long, or no time is left to begin it.
    fn within_limits<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Option<T>>;

    /// Which specs speak of this repository, service or alarm.
    fn find(
        &self,
        lookup: &Lookup,
    ) -> impl Future<Output = Result<Vec<ApplicationName>, WorldError>>;
}

/// A record that wants to be woken, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub key: Key,
    pub since: Time,
}

/// An effect on its way to the worker that performs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub from: Sender,
    /// Its number in the sender's outbox.
    pub number: u64,
    pub effect: Effect,
}

/// A record that wants to be woken at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub key: Key,
    pub at: Time,
}
