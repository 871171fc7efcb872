//! What is planned, in order of time: the sandbox's clock jumps from one entry to the next.

use crate::service::Emission;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// Something that will happen.
#[derive(Debug)]
pub(crate) enum Planned {
    /// An event reaches the rules, in the envelope that it was given when it happened.
    Event { emission: Emission, envelope: Value },
    /// A service wanted to be reminded.
    Bell { service: &'static str, what: Value },
    /// A schedule's rule fires.
    Tick { rule: String },
    /// A function gets an event.
    Invoke(Asynchronous),
    /// A person outside of the scenario waits for an answer.
    Ask { function: String, payload: Value, reply: oneshot::Sender<crate::Answer> },
}

/// An event in Lambda's own queue.
#[derive(Clone, Debug)]
pub(crate) struct Asynchronous {
    pub(crate) function: String,
    pub(crate) payload: Value,
    pub(crate) since: u64,
    /// How often it failed already.
    pub(crate) failed: u64,
    pub(crate) scheduled: bool,
}

/// Everything that is planned.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(u64, u64), Planned>,
    made: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: u64, planned: Planned) {
        self.made += 1;
        self.entries.insert((at, self.made), planned);
    }

    /// When the next thing is planned.
    pub(crate) fn next(&self) -> Option<u64> {
        self.entries.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn take(&mut self) -> Option<Planned> {
        self.entries.pop_first().map(|(_, planned)| planned)
    }

    /// Whether anything is planned besides the schedules.
    pub(crate) fn is_busy(&self) -> bool {
        self.entries.values().any(|planned| match planned {
            Planned::Tick { .. } => false,
            Planned::Invoke(invocation) => !invocation.scheduled,
            _ => true,
        })
    }
}
