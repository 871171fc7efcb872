//! The errors, by what the caller should do.

use crate::keys::Key;
use crate::records::StoredError;
use pipeline::spec::Faults;
use thiserror::Error;

/// The world did not perform a request.
#[derive(Debug, Error)]
pub enum WorldError {
    /// Try again: a throttle, a time-out, a lost connection, or the end of this process.
    #[error("temporary failure: {0}")]
    Passing(String),
    /// Trying again will not help.
    #[error("{0}")]
    Final(String),
    /// Update this function, or repair the record.
    #[error("cannot read or write {key}")]
    Stored { key: Key, source: StoredError },
}

#[derive(Debug, Error)]
pub enum SaveError {
    /// Another invocation wrote first: load and decide again.
    #[error("conflicting write")]
    Conflict,
    #[error(transparent)]
    World(#[from] WorldError),
}

#[derive(Debug, Error)]
pub enum EngineError {
    #[error(transparent)]
    World(#[from] WorldError),
    /// Deliver the event again.
    #[error("too many conflicting writes to {0}; deliver the event again")]
    Busy(Key),
    /// Show it to the person.
    #[error("the spec has mistakes:\n{0}")]
    Spec(Faults),
}
