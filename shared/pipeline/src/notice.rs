//! Notices: what people are notified of.

use crate::names::{ImageName, Place, Version};
use crate::release::Origin;
use crate::task::FailedContainer;
use crate::time::{Span, Time};
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// One notice, with all the data for its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub place: Place,
    /// Its deployment, if there is one.
    pub deployment: Option<u64>,
    pub version: Version,
    /// The commit and the source that the images of this version name.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The release that this manual rollback leaves; `None`: it deploys a release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back_from: Option<Version>,
    /// Who or what started it.
    pub asked_by: String,
    pub at: Time,
    pub news: News,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Started,
    /// A person has to approve before this time.
    ApprovalWanted {
        until: Time,
    },
    /// A rollback started, and why.
    #[serde(rename = "going_back")]
    RollingBack {
        cause: String,
    },
    Ended {
        verdict: Verdict,
        took: Span,
        last_words: Vec<String>,
        /// The container whose last output may say more.
        #[serde(rename = "witness", default, skip_serializing_if = "Option::is_none")]
        failed_container: Option<FailedContainer>,
    },
    /// A release that automation does not deploy, and why.
    Declined {
        why: String,
    },
    /// A release that waits for something other than its turn in the queue.
    Waits {
        why: String,
    },
    /// A release that has waited too long for its other images.
    Incomplete {
        missing: Vec<ImageName>,
    },
}

impl News {
    /// A progress notice: obsolete once there is later news of the deployment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Started | Self::ApprovalWanted { .. } | Self::RollingBack { .. })
    }
}
