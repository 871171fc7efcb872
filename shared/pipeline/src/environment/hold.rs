//! Holds: the environment keeps its release, more or less firmly.

use super::Head;
use crate::release::ReleaseOrder;
use crate::text::shorten;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The environment keeps its release; automation deploys only newer releases, or none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub by: Holder,
    pub why: String,
    pub at: Time,
    pub until: HoldUntil,
}

/// Who holds an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Holder {
    /// Slipway, because of how a deployment ended. A successful manual rollback lifts it.
    Slipway,
    Person(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldUntil {
    /// Until a release newer than this one arrives, or a person lifts it.
    NewerThan(ReleaseOrder),
    /// Until a person lifts it.
    Person,
}

/// From the weakest to the firmest: what it takes to lift it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Firmness {
    /// A newer release.
    Newer,
    /// A person, or a successful manual rollback.
    Rollback,
    /// A person.
    Person,
}

impl Hold {
    pub(super) fn new(by: Holder, why: &str, until: HoldUntil, at: Time) -> Self {
        Self { by, why: shorten(why.to_owned()), at, until }
    }

    /// Whether a release with this place in the order lifts it.
    pub(super) fn lets_in(&self, mark: &ReleaseOrder) -> bool {
        matches!(&self.until, HoldUntil::NewerThan(held) if held.older_than(mark))
    }

    fn firmness(&self) -> Firmness {
        match (&self.until, &self.by) {
            (HoldUntil::NewerThan(_), _) => Firmness::Newer,
            (HoldUntil::Person, Holder::Slipway) => Firmness::Rollback,
            (HoldUntil::Person, Holder::Person(_)) => Firmness::Person,
        }
    }

    /// Whether it blocks more than `other`, or is harder to lift.
    fn is_firmer_than(&self, other: &Hold) -> bool {
        match (&self.until, &other.until) {
            (HoldUntil::NewerThan(own), HoldUntil::NewerThan(others)) => others.older_than(own),
            _ => self.firmness() > other.firmness(),
        }
    }
}

impl Head {
    /// Places a hold unless there is a firmer one, and returns whether it did.
    pub(super) fn hold(&mut self, hold: Hold) -> bool {
        let yields = self.hold.as_ref().is_none_or(|known| !known.is_firmer_than(&hold));
        if yields {
            self.hold = Some(hold);
        }
        yields
    }

    /// Restores the hold that the deployment in progress was admitted despite. Requests that were
    /// made meanwhile could not know of it: for them it starts now.
    pub(super) fn restore_hold(&mut self, now: Time) {
        if let Some(before) = self.hold_before.take() {
            self.hold(Hold { at: now, ..before });
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slipway => f.write_str(SLIPWAY),
            Self::Person(name) => f.write_str(name),
        }
    }
}

/// The stored form: a name, as before. A person whose name is that of Slipway needs more.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Name(String),
    Person { person: String },
}

const SLIPWAY: &str = "slipway";

impl From<Written> for Holder {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) if name == SLIPWAY => Self::Slipway,
            Written::Name(person) | Written::Person { person } => Self::Person(person),
        }
    }
}

impl From<Holder> for Written {
    fn from(holder: Holder) -> Self {
        match holder {
            Holder::Slipway => Self::Name(SLIPWAY.to_owned()),
            Holder::Person(person) if person == SLIPWAY => Self::Person { person },
            Holder::Person(name) => Self::Name(name),
        }
    }
}
