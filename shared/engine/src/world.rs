//! The port: all that the loop needs from outside.

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

    /// Sends effects to the queues of their workers, and sets timers. A lost timer costs only the
    /// time until the next sweep.
    fn send(
        &self,
        messages: Vec<Message>,
        timers: Vec<Timer>,
    ) -> impl Future<Output = Result<(), WorldError>>;

    /// Returns all records that are due now.
    fn due(&self, now: Time) -> impl Future<Output = Result<Vec<Due>, WorldError>>;

    /// Waits before a decision is made again after a conflicting write: longer after each attempt,
    /// and never exactly as long as the other writers.
    fn pause(&self, tries: usize) -> impl Future<Output = ()>;

    /// Does one of many pieces of work; `None`: it took too long, or no time is left to start it.
    fn within_limits<T>(&self, work: impl Future<Output = T>) -> impl Future<Output = Option<T>>;

    /// Which specs name this repository, service or alarm.
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

/// A record and when to wake it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub key: Key,
    pub at: Time,
}
