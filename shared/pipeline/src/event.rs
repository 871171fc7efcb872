//! Events: what happened to a deployment, from a worker, a listener or a person.

use crate::effect::Purpose;
use crate::names::{AlarmName, Revision, RolloutId, ServiceName, TaskId};
use crate::observation::Observation;
use crate::task::{Fault, OneOffEnd, TaskReport};
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A person approved exactly this deployment's digests.
    Approved {
        by: String,
    },
    Rejected {
        by: String,
        why: String,
    },
    CancelRequested {
        by: String,
        why: String,
    },
    RollbackRequested {
        by: String,
        why: String,
        undo: bool,
    },
    Prepared(Preparation),
    /// Nothing was changed; all faults at once.
    PreparationFailed {
        faults: Vec<String>,
    },
    /// A worker is about to run the task, and needs permission.
    OneOffClaimed {
        purpose: Purpose,
        attempt: u32,
    },
    OneOffStarted {
        purpose: Purpose,
        attempt: u32,
        task: TaskId,
    },
    /// Certainly nothing was started.
    OneOffNotStarted {
        purpose: Purpose,
        attempt: u32,
        fault: Fault,
        reason: String,
    },
    /// AWS's answer about the task; `end` is `None` while it has not ended.
    OneOffSeen {
        purpose: Purpose,
        attempt: u32,
        task: TaskId,
        end: Option<OneOffEnd>,
    },
    /// An event reports that the task has ended, and perhaps how. AWS is asked before anything
    /// follows from it.
    OneOffReported {
        purpose: Purpose,
        attempt: u32,
        task: TaskId,
        end: Option<OneOffEnd>,
    },
    /// Its outcome was not seen, and AWS no longer knows it.
    OneOffLost {
        purpose: Purpose,
        attempt: u32,
    },
    OneOffStopAsked {
        purpose: Purpose,
        attempt: u32,
    },
    RolloutStarted {
        service: ServiceName,
        rollout: RolloutId,
    },
    RolloutRefused {
        service: ServiceName,
        reason: String,
    },
    /// A worker checked a service before its update, and left it unchanged: it runs neither its
    /// previous revision nor ours, or it does not exist.
    LeftAlone {
        seen: Observation,
    },
    /// What services run, as ECS describes them.
    Observed {
        services: Vec<Observation>,
    },
    TaskReported(TaskReport),
    Checked {
        check: usize,
        attempt: u32,
        outcome: Outcome,
    },
    AlarmChanged(AlarmReading),
    AlarmsRead {
        read_at: Time,
        readings: Vec<AlarmReading>,
    },
    /// The rollback of the service has started. The revision differs from the requested one if that
    /// one had been deregistered and was registered again; the rollout is the one that this
    /// started, if any.
    #[serde(rename = "put_back_started")]
    RollbackStarted {
        service: ServiceName,
        revision: Revision,
        rollout: Option<RolloutId>,
    },
    #[serde(rename = "put_back_refused")]
    RollbackRefused {
        service: ServiceName,
        refusal: Refusal,
        reason: String,
    },
    Removed {
        service: ServiceName,
    },
    Announced,
    /// Time passed.
    Woken,
}

/// What pre-flight found and registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    pub services: Vec<PreparedService>,
    pub alarms: Vec<AlarmReading>,
    /// No reason to stop: drift, lifecycle rules, an alarm without data.
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedService {
    pub name: ServiceName,
    /// `None`: the service does not exist.
    pub before: Option<Revision>,
    pub after: Revision,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed { reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReading {
    pub alarm: AlarmName,
    pub state: AlarmState,
    /// When it changed to this state.
    pub since: Time,
    pub reason: String,
    /// A mute rule silences it; its state does not count. `None`: the source does not say.
    #[serde(default)]
    pub muted: Option<bool>,
    /// Its previous state, if the source says it.
    #[serde(default)]
    pub was: Option<AlarmState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    Quiet,
    On,
    /// INSUFFICIENT_DATA, which is neither good nor bad.
    NoData,
}

/// As CloudWatch calls it.
impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quiet => "OK",
            Self::On => "ALARM",
            Self::NoData => "INSUFFICIENT_DATA",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The rollout to be stopped has already ended; update the service instead.
    RolloutIsOver,
    /// This deployment did not create the service, and does not delete it.
    NotCreated,
    Final,
}

impl Event {
    /// Its name for logs, metrics and tests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::CancelRequested { .. } => "cancel requested",
            Self::RollbackRequested { .. } => "rollback requested",
            Self::Prepared(_) => "prepared",
            Self::PreparationFailed { .. } => "preparation failed",
            Self::OneOffClaimed { .. } => "one-off claimed",
            Self::OneOffStarted { .. } => "one-off started",
            Self::OneOffNotStarted { .. } => "one-off not started",
            Self::OneOffSeen { .. } => "one-off seen",
            Self::OneOffReported { .. } => "one-off reported",
            Self::OneOffLost { .. } => "one-off lost",
            Self::OneOffStopAsked { .. } => "one-off stop asked",
            Self::RolloutStarted { .. } => "rollout started",
            Self::RolloutRefused { .. } => "rollout refused",
            Self::LeftAlone { .. } => "left alone",
            Self::Observed { .. } => "observed",
            Self::TaskReported(_) => "task reported",
            Self::Checked { .. } => "checked",
            Self::AlarmChanged(_) => "alarm changed",
            Self::AlarmsRead { .. } => "alarms read",
            Self::RollbackStarted { .. } => "rollback started",
            Self::RollbackRefused { .. } => "rollback refused",
            Self::Removed { .. } => "removed",
            Self::Announced => "announced",
            Self::Woken => "woken",
        }
    }
}
