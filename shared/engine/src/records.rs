//! Records as they are stored: a format number, a kind, and the body.
//!
//! Newer code reads old records. A change that breaks reading gets a new format number, and code
//! here that migrates the old text.

use crate::keys::{Key, Lookup, Sender};
use pipeline::deployment::Deployment;
use pipeline::environment::Head;
use pipeline::outbox::Outbox;
use pipeline::push::Candidate;
use pipeline::spec::Application;
use pipeline::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "body", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "there are never more than a few of them")]
pub enum Record {
    Spec(Application),
    Candidate(Candidate),
    Head(Head),
    Deployment(Deployment),
}

/// A stored record. The world keeps it as the text that `Record::write` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub version: u64,
    /// Its stored due time.
    pub due: Option<Time>,
    pub record: Record,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub key: Key,
    /// The version that was read; `None`: there was no such record.
    pub read_version: Option<u64>,
    pub record: Record,
    /// When the record is due; `None`: never.
    pub due: Option<Time>,
    /// The look-ups that find it.
    pub lookups: Vec<Lookup>,
}

#[derive(Debug, Error)]
pub enum StoredError {
    #[error(
        "it was written by a newer Slipway (format {found}, this one reads up to {FORMAT}); update this function"
    )]
    TooNew { found: u32 },
    #[error("it is not a Slipway record")]
    Unreadable(#[from] serde_json::Error),
    #[error("it holds another kind of record")]
    OtherKind,
}

#[derive(Deserialize)]
struct Envelope {
    format: u32,
}

/// A record whose body has not been read. A derived deserializer of `Record` would buffer each body
/// before it knows the kind, and would double the binary size of reading records.
#[derive(Deserialize)]
struct Closed {
    kind: String,
    body: Value,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    format: u32,
    #[serde(flatten)]
    record: &'a Record,
}

const KINDS: [&str; 4] = ["spec", "candidate", "head", "deployment"];

/// The kind and the body of a record, if it has exactly the form that `Record::write` writes.
// #[gamma::skip(fn_value.none, reason = "the other way to read it gives the same, and is slower")]
fn written(text: &str) -> Option<(&str, &str)> {
    let (kind, rest) = text.strip_prefix(r#"{"format":1,"kind":""#)?.split_once('"')?;
    Some((kind, rest.strip_prefix(r#","body":"#)?.strip_suffix('}')?))
}

impl Record {
    pub fn read(text: &str) -> Result<Self, StoredError> {
        // A record that Slipway wrote has its body at a known place, and is read without a copy.
        if let Some((kind, body)) = written(text) {
            return Ok(Self::open(kind, body)?);
        }
        let Envelope { format } = serde_json::from_str(text)?;
        match format {
            1 => {
                let Closed { kind, body } = serde_json::from_str(text)?;
                Ok(Self::open(&kind, &body.to_string())?)
            }
            found => Err(StoredError::TooNew { found }),
        }
    }

    fn open(kind: &str, body: &str) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            "spec" => Self::Spec(serde_json::from_str(body)?),
            "candidate" => Self::Candidate(serde_json::from_str(body)?),
            "head" => Self::Head(serde_json::from_str(body)?),
            "deployment" => Self::Deployment(serde_json::from_str(body)?),
            other => return Err(serde::de::Error::unknown_variant(other, &KINDS)),
        })
    }

    pub fn write(&self) -> Result<String, StoredError> {
        Ok(serde_json::to_string(&Outgoing { format: FORMAT, record: self })?)
    }

    pub(crate) fn outbox(&mut self) -> Option<(Sender, &mut Outbox)> {
        match self {
            Self::Spec(_) => None,
            Self::Candidate(candidate) => {
                let (application, version) =
                    (candidate.application.clone(), candidate.version.clone());
                Some((Sender::Candidate { application, version }, &mut candidate.outbox))
            }
            Self::Head(head) => Some((Sender::Head(head.place.clone()), &mut head.outbox)),
            Self::Deployment(deployment) => {
                Some((Sender::Deployment(deployment.id.clone()), &mut deployment.outbox))
            }
        }
    }

    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Spec(spec) => Key::Spec(spec.application.clone()),
            Self::Candidate(candidate) => Key::Candidate {
                application: candidate.application.clone(),
                version: candidate.version.clone(),
            },
            Self::Head(head) => Key::Head(head.place.clone()),
            Self::Deployment(deployment) => Key::Deployment(deployment.id.clone()),
        }
    }

    /// Its due time. `spec` says how long a candidate waits for its images.
    pub(crate) fn due(&self, spec: Option<&Application>) -> Option<Time> {
        match self {
            Self::Spec(_) => None,
            Self::Candidate(candidate) => {
                spec.map_or_else(|| candidate.outbox.due(), |spec| candidate.due(spec))
            }
            Self::Head(head) => head.due(),
            Self::Deployment(deployment) => deployment.due(),
        }
    }

    /// When a timer is to wake it. Answers usually come in time, so no timer is set while one is
    /// pending: the sweep, which runs every minute, sends unanswered effects again.
    pub(crate) fn rings_at(&self, spec: Option<&Application>) -> Option<Time> {
        let mut answered = self.clone();
        if let Some((_, outbox)) = answered.outbox() {
            outbox.keep(|_| false);
        }
        answered.due(spec).filter(|due| self.due(spec) == Some(*due))
    }

    fn lookups(&self) -> Vec<Lookup> {
        let Self::Spec(spec) = self else { return Vec::new() };
        let mut lookups: Vec<Lookup> =
            spec.images.values().cloned().map(Lookup::Repository).collect();
        for environment in spec.environments.values() {
            let services = environment.services().map(|(_, service)| &service.name);
            lookups.extend(services.filter_map(|name| Lookup::service(&environment.target, name)));
            lookups.extend(environment.alarms.names.iter().cloned().map(Lookup::Alarm));
        }
        lookups.sort();
        lookups.dedup();
        lookups
    }

    pub(crate) fn into_write(self, read_version: Option<u64>, spec: Option<&Application>) -> Write {
        Write {
            key: self.key(),
            read_version,
            due: self.due(spec),
            lookups: self.lookups(),
            record: self,
        }
    }
}

macro_rules! record_kinds {
    ($($kind:ident($body:ty)),*) => {$(
        impl TryFrom<Record> for $body {
            type Error = StoredError;

            fn try_from(record: Record) -> Result<Self, StoredError> {
                match record {
                    Record::$kind(body) => Ok(body),
                    _ => Err(StoredError::OtherKind),
                }
            }
        }

        impl From<$body> for Record {
            fn from(body: $body) -> Self {
                Record::$kind(body)
            }
        }
    )*};
}

record_kinds!(Spec(Application), Candidate(Candidate), Head(Head), Deployment(Deployment));
