//! Keys: the key of each record, what a spec is looked up by, and the owner of an outbox.

use pipeline::names::{
    AlarmName, ApplicationName, DeploymentId, Place, Repository, ServiceName, Version,
};
use pipeline::spec::Target;
use serde::{Deserialize, Serialize};
use std::fmt;

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
