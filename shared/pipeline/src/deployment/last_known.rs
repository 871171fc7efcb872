//! What the last good deployment left running, to be compared with what runs.

use crate::names::{Revision, ServiceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastKnown {
    /// The deployment.
    pub number: u64,
    pub revisions: BTreeMap<ServiceName, Revision>,
}

impl LastKnown {
    /// Says that a service runs something else by now.
    pub fn drift(&self, service: &ServiceName, runs: Option<&Revision>) -> Option<String> {
        let left = self.revisions.get(service)?;
        let runs = runs.filter(|runs| *runs != left)?;
        let (runs, left, number) = (runs.short(), left.short(), self.number);
        Some(format!("{service} runs {runs}, but deployment {number} left it on {left}"))
    }
}
