//! The final outcome of a deployment, and why.

use crate::doubt::Doubt;
use crate::names::{AlarmName, ContainerName, Revision, ServiceName, Version};
use crate::spec;
use crate::task::Fault;
use crate::waits::WaitsFor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every service runs exactly the release, the checks passed, no alarm fired.
    Succeeded,
    /// Every service is on the release, but nothing shows that the release works.
    Unproven { doubts: BTreeMap<ServiceName, Doubt> },
    /// Every changed service runs its previous revision.
    RolledBack { cause: Cause },
    /// It failed, and nothing was rolled back: nothing was changed, or `left` says what was.
    Failed { cause: Cause, left: Vec<ServiceName> },
    /// A service was updated outside Slipway, or a newer release replaced it.
    Superseded { by: SupersededBy },
    /// A person rejected it, or it was not approved in time.
    Rejected { by: String, why: String },
    /// A person cancelled it before anything was changed.
    Cancelled { by: String, why: String },
    /// It can neither continue nor roll back: a person has to act.
    Stuck { cause: Cause, because: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SupersededBy {
    /// This service was updated to another revision, or deleted (`None`), outside Slipway.
    #[serde(rename = "somebody")]
    OutsideUpdate {
        service: ServiceName,
        revision: Option<Revision>,
    },
    NewerRelease {
        version: Version,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Preflight {
        faults: Vec<String>,
    },
    PreparationTimedOut,
    AlarmAlreadyOn {
        alarms: Vec<AlarmName>,
    },
    MigrationFailed {
        how: String,
    },
    MigrationNotStarted {
        reason: String,
    },
    MigrationTimedOut {
        after: String,
    },
    MigrationUnclear,
    RolloutRefused {
        service: ServiceName,
        reason: String,
    },
    RolloutFailed {
        service: ServiceName,
        reason: String,
        /// Whose fault it is, as far as failed tasks and ECS show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    ReturnedByEcs {
        service: ServiceName,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    RolloutTimedOut {
        service: ServiceName,
        waiting: WaitsFor,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    TasksFailed {
        service: ServiceName,
        count: u32,
        fault: Fault,
        reason: String,
    },
    SidecarFailed {
        service: ServiceName,
        container: ContainerName,
        reason: String,
    },
    CheckFailed {
        url: String,
        reason: String,
    },
    ChecksTimedOut,
    Alarm {
        alarm: AlarmName,
        reason: String,
    },
    NoData {
        alarm: AlarmName,
    },
    AlarmsUnreadable,
    #[serde(rename = "did_not_settle")]
    NotStable {
        service: ServiceName,
        waiting: WaitsFor,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
    },
    UndoFailed {
        how: String,
    },
    Person {
        by: String,
        why: String,
    },
}

impl Cause {
    /// Whether a task may know more about it.
    pub fn is_known_to_a_task(&self) -> bool {
        matches!(
            self,
            Self::MigrationFailed { .. }
                | Self::MigrationTimedOut { .. }
                | Self::UndoFailed { .. }
                | Self::RolloutFailed { .. }
                | Self::ReturnedByEcs { .. }
                | Self::RolloutTimedOut { .. }
                | Self::TasksFailed { .. }
                | Self::SidecarFailed { .. }
                | Self::CheckFailed { .. }
                | Self::NotStable { .. }
        )
    }

    /// Whether it counts against the images, so that automation must never choose them again.
    pub fn speaks_against_the_release(&self) -> bool {
        match self {
            // A missing role or secret may exist for the same images tomorrow.
            Self::TasksFailed { fault, .. } => *fault == Fault::Code,
            // ECS fails a rollout for any reason, and usually the program is the cause.
            Self::RolloutFailed { fault, .. } | Self::ReturnedByEcs { fault, .. } => {
                fault.is_none_or(|fault| fault == Fault::Code)
            }
            // Tasks that hang have no reported cause.
            Self::RolloutTimedOut { waiting, fault, .. } => match fault {
                Some(fault) => *fault == Fault::Code,
                None => waiting.lacks_tasks(),
            },
            // It had been up.
            Self::NotStable { fault, .. } => *fault == Some(Fault::Code),
            Self::MigrationFailed { .. }
            | Self::SidecarFailed { .. }
            | Self::CheckFailed { .. }
            | Self::Alarm { .. }
            | Self::Person { .. } => true,
            Self::Preflight { .. }
            | Self::PreparationTimedOut
            | Self::AlarmAlreadyOn { .. }
            | Self::MigrationNotStarted { .. }
            | Self::MigrationTimedOut { .. }
            | Self::MigrationUnclear
            | Self::RolloutRefused { .. }
            | Self::ChecksTimedOut
            | Self::NoData { .. }
            | Self::AlarmsUnreadable
            | Self::UndoFailed { .. } => false,
        }
    }
}

impl Verdict {
    /// Why it did not succeed, if something went wrong.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::RolledBack { cause } | Self::Failed { cause, .. } | Self::Stuck { cause, .. } => {
                Some(cause)
            }
            _ => None,
        }
    }

    /// Whether the release is live from then on.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Unproven { .. })
    }

    /// One or two words, for lists and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Unproven { .. } => "unproven",
            Self::RolledBack { .. } => "rolled back",
            Self::Failed { .. } => "failed",
            Self::Superseded { .. } => "superseded",
            Self::Rejected { .. } => "rejected",
            Self::Cancelled { .. } => "cancelled",
            Self::Stuck { .. } => "stuck",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Succeeded => Ok(()),
            Self::Unproven { doubts } => {
                write!(f, ": {}", list(doubts.iter().map(|(service, doubt)| doubt.of(service))))
            }
            Self::RolledBack { cause } => write!(f, ": {cause}"),
            Self::Failed { cause, left } if left.is_empty() => write!(f, ": {cause}"),
            Self::Failed { cause, left } => {
                write!(f, ": {cause}; still on the new revision: {}", list(left))
            }
            Self::Superseded { by } => write!(f, ": {by}"),
            Self::Rejected { by, why } | Self::Cancelled { by, why } => {
                write!(f, " by {by}: {why}")
            }
            Self::Stuck { cause, because } => write!(f, ": {because} (after: {cause})"),
        }
    }
}

impl fmt::Display for SupersededBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideUpdate { service, revision: Some(revision) } => {
                write!(f, "{service} was updated to {} outside Slipway", revision.short())
            }
            Self::OutsideUpdate { service, revision: None } => {
                write!(f, "{service} was deleted outside Slipway")
            }
            Self::NewerRelease { version } => write!(f, "{version} is newer"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preflight { faults } => write!(f, "pre-flight: {}", faults.join("; ")),
            Self::PreparationTimedOut => f.write_str("pre-flight timed out"),
            Self::AlarmAlreadyOn { alarms } => {
                write!(f, "already in ALARM before the deployment: {}", list(alarms))
            }
            Self::MigrationFailed { how } => write!(f, "the migration failed: {how}"),
            Self::MigrationNotStarted { reason } => {
                write!(f, "the migration could not start: {reason}")
            }
            Self::MigrationTimedOut { after } => write!(f, "the migration timed out after {after}"),
            Self::MigrationUnclear => f.write_str("it is unknown whether the migration ran"),
            Self::RolloutRefused { service, reason } => {
                write!(f, "{service} could not be updated: {reason}")
            }
            Self::RolloutFailed { service, reason, .. } => write!(f, "{service} failed: {reason}"),
            Self::ReturnedByEcs { service, reason, .. } => {
                write!(f, "ECS rolled {service} back: {reason}")
            }
            Self::RolloutTimedOut { service, waiting, .. } => {
                write!(f, "{service} was not stable in time: {waiting}")
            }
            Self::TasksFailed { service, count, fault, reason } => {
                let of_many = match fault {
                    Fault::Configuration => "could not start",
                    _ => "failed",
                };
                match count {
                    1 => write!(f, "a task of {service} {fault}: {reason}"),
                    _ => write!(f, "{count} tasks of {service} {of_many}: {reason}"),
                }
            }
            Self::SidecarFailed { service, container, reason } => {
                write!(f, "container {container} of {service} stopped: {reason}")
            }
            Self::CheckFailed { url, reason } => {
                write!(f, "{}: {reason}", spec::without_query(url))
            }
            Self::ChecksTimedOut => f.write_str("the checks timed out"),
            Self::Alarm { alarm, reason } if reason.is_empty() => write!(f, "alarm {alarm}"),
            Self::Alarm { alarm, reason } => write!(f, "alarm {alarm}: {reason}"),
            Self::NoData { alarm } => write!(f, "alarm {alarm} has no data"),
            Self::AlarmsUnreadable => f.write_str("the alarms could not be read in time"),
            Self::NotStable { service, waiting, .. } => {
                write!(f, "{service} did not stay stable: {waiting}")
            }
            Self::UndoFailed { how } => write!(f, "undoing the migration failed: {how}"),
            Self::Person { by, why } => write!(f, "requested by {by}: {why}"),
        }
    }
}

/// Joins names with commas.
pub(crate) fn list<T: fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    names.join(", ")
}
