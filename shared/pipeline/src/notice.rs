//! Notices: what people are told.

use crate::names::{ImageName, Place, Version};
use crate::release::Origin;
use crate::task::FailedContainer;
use crate::time::{Span, Time};
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// One thing to tell, with everything that a message about it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub place: Place,
    /// The deployment that it is about, if there is one.
    pub deployment: Option<u64>,
    pub version: Version,
    /// What the images of this version say that they were built from.
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// Who or what started it.
    pub asked_by: String,
    pub at: Time,
    pub news: News,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Started,
    /// A person has to say yes before this time.
    ApprovalWanted {
        until: Time,
    },
    /// It goes back, and why.
    #[serde(rename = "going_back")]
    RollingBack {
        cause: String,
    },
    Ended {
        verdict: Verdict,
        took: Span,
        last_words: Vec<String>,
        /// Whose last output may say more.
        #[serde(rename = "witness", default, skip_serializing_if = "Option::is_none")]
        failed_container: Option<FailedContainer>,
    },
    /// A release that automation does not deploy, and why.
    Declined {
        why: String,
    },
    /// A release that waits for something other than its turn.
    Waits {
        why: String,
    },
    /// A release that waits too long for its other images.
    Incomplete {
        missing: Vec<ImageName>,
    },
}

impl News {
    /// How things stand for now: of no interest once there is later news of the deployment.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Started | Self::ApprovalWanted { .. } | Self::RollingBack { .. })
    }
}
