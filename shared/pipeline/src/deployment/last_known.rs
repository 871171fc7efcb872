//! What the last successful deployment left running, to be compared with what runs now.

use crate::names::{Revision, ServiceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastKnown {
    /// Its number.
    pub number: u64,
    pub revisions: BTreeMap<ServiceName, Revision>,
}

impl LastKnown {
    /// The message for a service that runs something else now.
    pub fn drift(&self, service: &ServiceName, runs: Option<&Revision>) -> Option<String> {
        let left = self.revisions.get(service)?;
        let runs = runs.filter(|runs| *runs != left)?;
        let (runs, left, number) = (runs.short(), left.short(), self.number);
        Some(format!("{service} runs {runs}, but deployment {number} left it on {left}"))
    }
}
