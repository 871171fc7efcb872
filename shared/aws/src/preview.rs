//! What a deployment would find and change, without changing anything.

use pipeline::names::{Revision, ServiceName};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Why it would fail, as far as can be checked from here.
    pub faults: Vec<String>,
    pub warnings: Vec<String>,
    /// The current revisions of services, if they were read.
    pub found: BTreeMap<ServiceName, Option<Revision>>,
    pub services: Vec<Outlook>,
}

/// The new revision of one service compared with the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub service: ServiceName,
    /// From one revision to another, and then what changes.
    pub lines: Vec<String>,
}
