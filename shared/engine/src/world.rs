//! The port: all that the loop needs from outside.

use crate::errors::{SaveError, WorldError};
use crate::records::Record;
use pipeline::effect::Effect;
use pipeline::names::{
    AlarmName, ApplicationName, DeploymentId, Place, Repository, ServiceName, Version,
};
use pipeline::spec::Target;
use pipeline::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;
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

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    Spec(ApplicationName),
    Candidate { application: ApplicationName, version: Version },
    Head(Place),
    Deployment(DeploymentId),
}

/// What an event names, by which the specs that name it are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    Repository(Repository),
    Service { cluster: String, service: ServiceName },
    Alarm(AlarmName),
}

/// A stored record. The world keeps it as the text that `Record::write` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub version: u64,
    /// Its stored due time.
    pub due: Option<Time>,
    pub record: Record,
}

/// A record that is due, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub key: Key,
    pub since: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub key: Key,
    /// The version that was read; `None`: there was no such record.
    pub read_version: Option<u64>,
    pub record: Record,
    /// When the record is due; `None`: never.
    pub due: Option<Time>,
    /// The look-ups that find it.
    pub lookups: Vec<Lookup>,
}

/// An effect in the queue of its worker.
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

/// The owner of an outbox.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    Candidate { application: ApplicationName, version: Version },
    Head(Place),
    Deployment(DeploymentId),
}

impl Lookup {
    /// The look-up of a service in a target. Containers on hosts send no events of their own.
    pub fn service(target: &Target, service: &ServiceName) -> Option<Self> {
        match target {
            Target::Cluster(cluster) => {
                Some(Self::Service { cluster: cluster.clone(), service: service.clone() })
            }
            Target::Hosts(_) => None,
        }
    }
}

impl From<&Sender> for Key {
    fn from(sender: &Sender) -> Self {
        match sender.clone() {
            Sender::Candidate { application, version } => Self::Candidate { application, version },
            Sender::Head(place) => Self::Head(place),
            Sender::Deployment(id) => Self::Deployment(id),
        }
    }
}

/// The partition and sort key in the table.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec(application) => write!(f, "app#{application} / spec"),
            Self::Candidate { application, version } => {
                write!(f, "app#{application} / release#{version}")
            }
            Self::Head(place) => write!(f, "env#{place} / head"),
            Self::Deployment(id) => write!(f, "env#{} / deployment#{:08}", id.place, id.number),
        }
    }
}
