//! What a service waits for until it runs a revision.

use crate::task::Fault;
use crate::text::shorten;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// The worker's answer that AWS accepted the update.
    Update,
    /// The same, for a service that already runs its rollback target.
    UpdateThoughBack,
    /// The update to be visible in DescribeServices.
    Visibility,
    /// The service to be created.
    Creation,
    /// The service to be deleted.
    Deletion,
    /// ECS to name a primary deployment.
    Primary,
    /// ECS to start tasks.
    FirstTasks,
    /// More tasks to run, or those of other rollouts to stop.
    Tasks { running: u32, desired: u32, others: u64 },
    /// Trouble to pass.
    Trouble(Trouble),
    /// ECS to finish its own rollback.
    RollbackByEcs,
    /// ECS to say whether it rolled the service back.
    ReturnReason,
    /// An observation: its state is unknown.
    Look,
    /// As an older version stored it, as text.
    #[serde(untagged)]
    Words(String),
}

/// Why tasks cannot be placed or started now, in the words of the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub told_by: Teller,
    pub text: String,
    /// Whose fault it is, if the text says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teller {
    Ecs,
    RunCommand,
}

impl WaitsFor {
    /// Cut to the length that a record may hold, so that comparisons use the stored form.
    #[must_use]
    pub fn shortened(self) -> Self {
        match self {
            Self::Trouble(trouble) => {
                Self::Trouble(Trouble { text: shorten(trouble.text), ..trouble })
            }
            Self::Words(text) => Self::Words(shorten(text)),
            other => other,
        }
    }

    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Trouble(trouble) => Some(trouble),
            _ => None,
        }
    }

    /// Whether wanted tasks are not running.
    pub fn lacks_tasks(&self) -> bool {
        matches!(self, Self::Tasks { running, desired, .. } if running < desired)
    }
}

/// A phrase: what it waits for, or what is missing.
impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update => f.write_str("waiting for AWS to accept the update"),
            Self::UpdateThoughBack => f.write_str(
                "waiting for AWS to accept the update, although it is on the previous revision",
            ),
            Self::Visibility => f.write_str("waiting for ECS to show the update"),
            Self::Creation => f.write_str("being created"),
            Self::Deletion => f.write_str("being deleted"),
            Self::Primary => f.write_str("waiting for ECS to report a PRIMARY deployment"),
            Self::FirstTasks => f.write_str("waiting for ECS to start tasks"),
            Self::Tasks { running, desired, others: 0 } => {
                write!(f, "{running} of {desired} tasks running")
            }
            Self::Tasks { running, desired, others } => {
                write!(
                    f,
                    "{running} of {desired} new tasks running, {others} old tasks still running"
                )
            }
            Self::Trouble(trouble) => trouble.fmt(f),
            Self::RollbackByEcs => f.write_str("waiting for ECS to finish its own rollback"),
            Self::ReturnReason => {
                f.write_str("waiting for ECS to say whether it rolled the service back")
            }
            Self::Look => f.write_str("waiting for ECS to report its state"),
            Self::Words(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told_by = match self.told_by {
            Teller::Ecs => "ECS",
            Teller::RunCommand => "Run Command",
        };
        write!(f, "{told_by}: {}", self.text)
    }
}
