//! What a deployment would find and change, without changing anything.

use pipeline::names::{Revision, ServiceName};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// What it would fail for, as far as it can be seen from here.
    pub faults: Vec<String>,
    pub warnings: Vec<String>,
    /// What services run now, where that was asked.
    pub found: BTreeMap<ServiceName, Option<Revision>>,
    pub services: Vec<Outlook>,
}

/// What one service would run instead of what it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub service: ServiceName,
    /// From one revision to another, and then what changes.
    pub lines: Vec<String>,
}
