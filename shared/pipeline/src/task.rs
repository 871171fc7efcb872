//! Tasks that stop, and whose fault it was.

use crate::names::{ContainerName, Revision, ServiceName, TaskId};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;

/// ECS's report about one task of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    pub service: ServiceName,
    pub task: TaskId,
    pub revision: Revision,
    pub seen_at: Time,
    /// `None`: the task runs, though one of its containers may not.
    pub stop: Option<Stop>,
    pub containers: Vec<ContainerReport>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// `EssentialContainerExited`, `TaskFailedToStart`, … ; ECS adds new ones.
    pub code: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerReport {
    pub name: ContainerName,
    pub essential: bool,
    /// `None`: it runs, or it never started. That is not 0.
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

/// Exit codes of containers that were killed, or asked to stop.
const TOLD_TO_STOP: [i32; 2] = [137, 143];

/// Whether a container failed, and not because ECS stopped it after another one. ECS does not
/// report that; only a container that is killed for its memory has a reason.
pub fn failed_by_itself(exit_code: Option<i32>, reason: Option<&str>) -> bool {
    exit_code.is_some_and(|code| code != 0 && !(TOLD_TO_STOP.contains(&code) && reason.is_none()))
}

/// A failed container: its last output may say why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedContainer {
    pub revision: Revision,
    pub container: ContainerName,
    pub task: TaskId,
}

impl TaskReport {
    /// The container that caused the end of the task. ECS stops the others once an essential one
    /// has exited, so a container that was stopped ranks below one that failed first.
    pub fn failed_container(&self) -> Option<FailedContainer> {
        let rank = |container: &ContainerReport| match container.exit_code {
            code if failed_by_itself(code, container.reason.as_deref()) => 0,
            Some(0) => 2,
            _ => 1,
        };
        let ended = self.containers.iter().filter(|container| container.exit_code.is_some());
        let container = ended.min_by_key(|c| (rank(c), !c.essential))?.name.clone();
        Some(FailedContainer {
            revision: self.revision.clone(),
            container,
            task: self.task.clone(),
        })
    }
}

/// Why a task stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The program exited, crashed, ran out of memory or failed its health check.
    Code,
    /// The task failed to start as defined: image, secret, role, log group, network.
    Configuration,
    /// Capacity was unavailable.
    Capacity,
    /// AWS stopped it.
    Platform,
    /// A person, or the service itself, stopped it on purpose.
    Meant,
}

impl Fault {
    /// Whether the release is the cause, so that the next task would fail as well.
    pub fn of_the_release(self) -> bool {
        matches!(self, Self::Code | Self::Configuration)
    }
}

/// What happened to such a task, after "a task of scr-api".
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "failed",
            Self::Configuration => "could not start",
            Self::Capacity => "could not be placed",
            Self::Platform => "was stopped by AWS",
            Self::Meant => "was stopped on purpose",
        })
    }
}

/// Phrases of an error that passes once there is capacity: of a cluster, a subnet or a quota.
/// "You've reached the limit on the number of vCPUs you can run concurrently" passes when other
/// tasks end.
const NO_ROOM: [&str; 6] = [
    "capacity is unavailable",
    "resource:",
    "insufficient",
    "no container instance",
    "you can run concurrently",
    "networkinterfacelimitexceeded",
];
/// Phrases for failures of AWS itself before a container was started.
const FAULTS_OF_AWS: [&str; 7] = [
    "internalerror",
    "internal error",
    "spot",
    "network interface provision",
    "ephemeralstorage provision",
    "failed to configure eni",
    "request limit exceeded",
];

/// Returns whose fault a stop was. An unknown one counts as the release's: an unnecessary rollback
/// is better than a release whose tasks keep failing.
pub fn classify(stop: &Stop) -> Fault {
    let reason = stop.reason.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    // `AGENT` is all that RunTask says of a host whose agent is not connected at the moment.
    if says(&NO_ROOM) || reason.trim() == "agent" {
        return Fault::Capacity;
    }
    match stop.code.as_deref() {
        Some("SpotInterruption" | "TerminationNotice" | "InfrastructureHealth") => Fault::Platform,
        Some("UserInitiated") => Fault::Meant,
        Some("ServiceSchedulerInitiated") if says(&["health check", "unhealthy"]) => Fault::Code,
        Some("ServiceSchedulerInitiated") => Fault::Meant,
        Some("EssentialContainerExited") => Fault::Code,
        _ if says(&FAULTS_OF_AWS) => Fault::Platform,
        _ if says(&["outofmemory", "health check", "essential container"]) => Fault::Code,
        _ => Fault::Configuration,
    }
}

/// How a one-off task ended, for the container that did the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOffEnd {
    pub exit_code: Option<i32>,
    pub stop: Stop,
    /// The container's own reason, if ECS reports one.
    pub reason: Option<String>,
    /// How an essential container beside it failed. ECS then stops the others, so an exit code of 0
    /// may be that of a program that was stopped half-way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<String>,
}

impl OneOffEnd {
    /// Whether the work was done. A missing exit code is not 0, and 0 does not count when ECS
    /// stopped the task for another reason, ran out of memory, or may have stopped the container.
    pub fn succeeded(&self) -> bool {
        let mut reasons = self.reason.iter().chain([&self.stop.reason]);
        let out_of_memory = reasons.any(|reason| reason.contains("OutOfMemory"));
        let by_itself = self.stop.code.as_deref() == Some("EssentialContainerExited");
        self.exit_code == Some(0) && by_itself && !out_of_memory && self.beside.is_none()
    }

    /// Whether the program certainly never ran, so that another attempt cannot do the work twice.
    pub fn never_ran(&self) -> bool {
        self.exit_code.is_none() && self.stop.code.as_deref() == Some("TaskFailedToStart")
    }

    /// Whether another attempt may succeed.
    pub fn is_passing(&self) -> bool {
        matches!(classify(&self.stop), Fault::Capacity | Fault::Platform)
    }
}

impl fmt::Display for OneOffEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit_code {
            Some(code) => write!(f, "exit code {code}")?,
            None => write!(f, "no exit code")?,
        }
        let reason = self.reason.as_deref().unwrap_or(&self.stop.reason);
        if !reason.is_empty() {
            write!(f, ", {reason}")?;
        }
        match &self.beside {
            Some(beside) if self.exit_code == Some(0) => write!(
                f,
                "; but {beside}, and ECS may have stopped this one because of it: make that \
                 container non-essential, or let it exit with 0 when ECS stops it"
            ),
            _ => Ok(()),
        }
    }
}
