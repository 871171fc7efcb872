//! What pre-flight has found: what each service would run, and what prevents it.

use aws::definitions::definition::Definition;
use aws::keep_tags::Read;
use pipeline::event::AlarmReading;
use pipeline::names::{Revision, ServiceName};
use serde_json::Value;

/// Which references of task definitions to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Everything,
    /// Skips what a service already uses, where a wrong guess is harmless.
    WhatIsNew,
}

/// How many services are checked and registered in parallel.
pub(crate) const SIDE_BY_SIDE: usize = 8;

/// All findings; nothing is created.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) services: Vec<Planned>,
    pub(crate) images: Read,
    /// The AWS account, if any of the images or task definitions names it.
    pub(crate) account: Option<String>,
    pub(crate) alarms: Vec<AlarmReading>,
    pub(crate) warnings: Vec<String>,
    /// If there is any, nothing is created.
    pub(crate) faults: Vec<String>,
}

pub(crate) struct Planned {
    pub(crate) name: ServiceName,
    pub(crate) before: Option<Revision>,
    pub(crate) described: Option<Definition>,
    pub(crate) after: After,
}

pub(crate) enum After {
    Use(Definition),
    Register(Value),
}

impl After {
    pub(crate) fn json(&self) -> &Value {
        match self {
            Self::Use(definition) => &definition.json,
            Self::Register(json) => json,
        }
    }
}
