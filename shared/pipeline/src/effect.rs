//! Effects: what a worker does in AWS, with all the data that it needs.

use crate::names::{
    AlarmName, ApplicationName, ContainerName, Digest, EnvironmentName, Repository, Revision,
    RolloutId, ServiceName, Tag, TaskId,
};
use crate::notice::Notice;
use crate::release::Release;
use crate::request::Request;
use crate::spec::{Check, Create, HostContainer, Service, Target};
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to do. Each effect is safe to perform twice, and each has an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Pre-flight: check everything, register every new revision, protect the digests.
    Prepare(Box<Prepare>),
    /// Run a one-off task, once it is claimed.
    RunOneOff(Box<OneOff>),
    /// Read the state of a one-off task.
    LookAtOneOff {
        target: Target,
        purpose: Purpose,
        attempt: u32,
        task: TaskId,
        container: ContainerName,
    },
    /// Stop a one-off task that timed out.
    StopOneOff { target: Target, purpose: Purpose, attempt: u32, task: TaskId, reason: String },
    /// Update one service to a revision.
    RollOut(Box<RollOut>),
    /// Describe services, and report what they run.
    Observe {
        target: Target,
        services: Vec<ServiceName>,
        /// Also ask which rollout ECS rolled back, which takes one more call for each service.
        #[serde(default, skip_serializing_if = "is_false")]
        returns: bool,
    },
    /// Request one URL, after a pause.
    Check { check: usize, attempt: u32, pause: Span, spec: Check },
    ReadAlarms {
        names: Vec<AlarmName>,
        /// Their state changes since this time are wanted too, not only their current state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Time>,
    },
    /// Roll one service back to its previous revision.
    #[serde(rename = "put_back")]
    RollBack(Box<RollBack>),
    /// Delete a service, if this deployment created it and it still runs `revision`.
    Remove {
        target: Target,
        service: ServiceName,
        /// `None`: an older version asked for it, which did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<Revision>,
    },
    /// Send a notice.
    Announce(Box<Notice>),
    /// Offer a complete release to an environment.
    Offer { environment: EnvironmentName, request: Box<Request> },
    /// Report to an environment that a release succeeded in the one that it is promoted from.
    Promote { environment: EnvironmentName, release: Release },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepare {
    pub application: ApplicationName,
    pub target: Target,
    /// Empty in an outbox: the deployment has them in its rules, and adds them for the worker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<PrepareService>,
    /// Every image of the release, by repository: containers are matched by it.
    pub images: BTreeMap<Repository, Digest>,
    pub alarms: Vec<AlarmName>,
    /// The service and container that the migration runs in, which are checked too.
    pub migration: Option<(ServiceName, ContainerName)>,
    /// Put on every digest, so that no lifecycle rule deletes a release that may be needed again.
    pub keep_tag: Tag,
    /// Put on every digest because the spec says so.
    pub tag: Option<Tag>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareService {
    pub spec: Service,
    /// A manual rollback uses this recorded revision; nothing new is registered.
    pub recorded: Option<Revision>,
    /// For hosts: the repository of the container's image. Task definitions name it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
}

/// What a one-off task is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Migrate,
    Undo,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOff {
    pub target: Target,
    pub purpose: Purpose,
    pub attempt: u32,
    /// The service whose network, platform and capacity settings it uses.
    pub service: ServiceName,
    pub revision: Revision,
    /// Its network settings while that service does not exist yet.
    pub create: Option<Create>,
    pub container: ContainerName,
    /// For hosts: how the container is run.
    pub host_container: Option<HostContainer>,
    pub command: Vec<String>,
    pub on_host: bool,
    pub timeout: Span,
    /// The same for every try of this attempt, so that AWS starts only one task.
    pub client_token: String,
    /// Wait before trying, because capacity was unavailable.
    pub pause: Span,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollOut {
    pub target: Target,
    pub service: ServiceName,
    /// What it ran when it was prepared. If it runs something else now, it was updated outside
    /// Slipway and is left unchanged. `None`: it did not exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Revision>,
    pub revision: Revision,
    /// If the service does not exist yet, it is created with this.
    pub create: Option<Create>,
    /// Start new tasks although the service already runs this revision.
    pub fresh: bool,
    /// For hosts: how the container is run.
    pub container: Option<HostContainer>,
}

impl RollOut {
    /// Whether it says what the service must run before. Older versions did not.
    pub fn knows_before(&self) -> bool {
        self.before.is_some() || self.create.is_some()
    }

    /// Whether it starts new tasks of the running revision, and changes nothing else.
    pub fn restarts(&self) -> bool {
        let is_same = self.before.as_ref().is_none_or(|before| *before == self.revision);
        self.fresh && is_same && self.create.is_none()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollBack {
    pub target: Target,
    pub service: ServiceName,
    /// Our revision. If the service runs neither this nor `to`, it was updated outside Slipway and
    /// is left unchanged. `None`: an older version asked for it, which did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Revision>,
    pub to: Revision,
    pub way: Way,
    /// For hosts: how the container is run.
    pub container: Option<HostContainer>,
}

/// How a service is rolled back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Our rollout is still in progress: stop it, so that ECS rolls back to the previous revision.
    StopRollout(RolloutId),
    /// It has ended, or its state is unknown: update the service.
    Update,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Effect {
    /// How long to wait for its answer before it is sent again.
    pub fn patience(&self) -> Span {
        match self {
            Self::Prepare(_) => Span::minutes(3),
            Self::Check { pause, spec, .. } => *pause + spec.timeout + Span::minutes(1),
            Self::RunOneOff(one_off) => one_off.pause + Span::minutes(2),
            Self::Announce(_) => Span::minutes(5),
            _ => Span::minutes(1),
        }
    }

    /// Whether its worker changes what a service runs.
    pub(crate) fn changes_a_service(&self) -> bool {
        matches!(self, Self::RollOut(_) | Self::RollBack(_) | Self::Remove { .. })
    }

    /// Its name for logs, metrics and tests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Prepare(_) => "prepare",
            Self::RunOneOff(one_off) if one_off.purpose == Purpose::Undo => "undo",
            Self::RunOneOff(_) => "migrate",
            Self::LookAtOneOff { .. } => "look at task",
            Self::StopOneOff { .. } => "stop task",
            Self::RollOut(_) => "roll out",
            Self::Observe { .. } => "observe",
            Self::Check { .. } => "check",
            Self::ReadAlarms { .. } => "read alarms",
            Self::RollBack(_) => "roll back",
            Self::Remove { .. } => "remove",
            Self::Announce(_) => "announce",
            Self::Offer { .. } => "offer",
            Self::Promote { .. } => "promote",
        }
    }
}
