//! What is said of a release that is in place and that nothing proves.

use crate::names::ServiceName;
use crate::waits::WaitsFor;
use serde::{Deserialize, Serialize};

/// Why a service that is at the release proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It is to run no task, so that none of the release was started.
    NoTask,
    /// This release does not change it, and its own rollout has failed.
    Failed { reason: String },
    /// This release does not change it, and it was not at rest in time.
    NotAtRest { waiting: WaitsFor },
}

impl Doubt {
    pub fn of(&self, service: &ServiceName) -> String {
        match self {
            Self::NoTask => format!("{service} ran no task: its desired count is 0"),
            Self::Failed { reason } => {
                format!("{service}, which this release does not change, failed: {reason}")
            }
            Self::NotAtRest { waiting } => {
                format!("{service}, which this release does not change, is not stable: {waiting}")
            }
        }
    }
}
