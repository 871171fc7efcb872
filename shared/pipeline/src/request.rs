//! Requests: a person, or a push, wants an environment to run a release.

use crate::names::{EnvironmentName, RequestId, Revision, ServiceName, Tag, Version};
use crate::release::Release;
use crate::text::shorten;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The same request has the same id, however often it is made.
    pub id: RequestId,
    pub kind: Kind,
    pub release: Release,
    pub asked_by: RequestedBy,
    pub asked_at: Time,
    /// The word that a manual deploy must carry where the spec wants one.
    pub confirm: Option<String>,
    /// What a person explicitly overrides.
    pub overrides: BTreeSet<Override>,
    /// New tasks are wanted although the release is already live.
    pub fresh: bool,
    /// Whether the migration is skipped; `None`: the person did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_migration: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Deploy,
    /// A manual rollback to a good release, to the very revisions that it ran with.
    #[serde(rename = "restore")]
    ManualRollback(ManualRollback),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualRollback {
    /// The version that it rolls back from.
    pub from: Version,
    pub revisions: BTreeMap<ServiceName, Revision>,
    /// Undo the migration before the services are rolled back.
    pub undo: bool,
    /// Which migration that is; `None`: not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<Undoes>,
}

/// A migration to undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undoes {
    /// The deployment that ran it.
    pub number: u64,
    pub version: Version,
    /// The revision that ran it, which can undo it.
    pub revision: Option<Revision>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestedBy {
    Push { tag: Tag },
    Promotion { from: EnvironmentName },
    Person { name: String, why: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Override {
    /// A freeze window: this is an emergency.
    Freeze,
    Hold,
    /// It need not have succeeded in the environment that this one is promoted from.
    Promotion,
    /// A digest that was marked bad, or images that failed here together.
    Bad,
    /// A migration of an earlier deployment that may still run.
    Unfinished,
}

impl Request {
    /// The same with the person's texts cut to a length that a record can hold.
    pub(super) fn shortened(mut self) -> Self {
        if let RequestedBy::Person { name, why } = &mut self.asked_by {
            *name = shorten(std::mem::take(name));
            *why = shorten(std::mem::take(why));
        }
        self
    }

    pub fn is_by_person(&self) -> bool {
        matches!(self.asked_by, RequestedBy::Person { .. })
    }
}

impl Kind {
    /// The recorded revision that a manual rollback uses for this service.
    pub fn recorded(&self, service: &ServiceName) -> Option<&Revision> {
        match self {
            Self::Deploy => None,
            Self::ManualRollback(restore) => restore.revisions.get(service),
        }
    }
}

impl Override {
    /// The word for it in a payload.
    pub fn word(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
            Self::Hold => "hold",
            Self::Promotion => "promotion",
            Self::Bad => "bad",
            Self::Unfinished => "unfinished",
        }
    }
}

impl fmt::Display for RequestedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { tag } => write!(f, "push of {tag}"),
            Self::Promotion { from } => write!(f, "promotion from {from}"),
            Self::Person { name, why } if why.is_empty() => f.write_str(name),
            Self::Person { name, why } => write!(f, "{name} ({why})"),
        }
    }
}
