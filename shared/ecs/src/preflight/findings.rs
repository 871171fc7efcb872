//! What pre-flight has found: what each service would run, and what prevents it.

use aws::definitions::definition::Definition;
use aws::keep_tags::Read;
use pipeline::event::AlarmReading;
use pipeline::names::{Revision, ServiceName};
use serde_json::Value;

/// How far to look for what task definitions refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Everything,
    /// What a service uses already is taken as there, where that is cheap to be wrong about.
    WhatIsNew,
}

/// How many services are checked and registered at the same time.
pub(crate) const SIDE_BY_SIDE: usize = 8;

/// Everything that was found; nothing is created.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) services: Vec<Planned>,
    pub(crate) images: Read,
    /// Where all this is, as far as anything of it says so.
    pub(crate) account: Option<String>,
    pub(crate) alarms: Vec<AlarmReading>,
    pub(crate) warnings: Vec<String>,
    /// With only one of these, nothing is created.
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
