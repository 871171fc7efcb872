//! What an earlier deployment left running, to be compared with what runs.

use crate::names::{Revision, ServiceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The deployment.
    pub number: u64,
    pub revisions: BTreeMap<ServiceName, Revision>,
}

impl Left {
    /// Says that a service runs something else by now; whoever changed it, it was not a deployment.
    pub fn drift(&self, service: &ServiceName, runs: Option<&Revision>) -> Option<String> {
        let left = self.revisions.get(service).filter(|left| Some(*left) != runs)?;
        let runs =
            runs.map_or("does not exist".to_owned(), |runs| format!("runs {}", runs.short()));
        Some(format!(
            "{service} {runs}, and deployment {} left {} there",
            self.number,
            left.short()
        ))
    }
}
