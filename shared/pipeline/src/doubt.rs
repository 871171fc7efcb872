//! The doubts about a release that is rolled out and not proven.

use crate::names::ServiceName;
use crate::waits::WaitsFor;
use serde::{Deserialize, Serialize};

/// Why a service on the release proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Its desired count is 0, so nothing of the release was started.
    NoTask,
    /// This release does not change it, and its own rollout has failed.
    Failed { reason: String },
    /// This release does not change it, and it was not stable in time.
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
