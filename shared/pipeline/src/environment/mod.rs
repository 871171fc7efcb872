//! An environment: what is live there, what is in progress, and what may start.

mod admission;
mod advance;
mod conclude;
mod context;
mod control;
mod failed;
mod head;
mod hold;
mod manual_rollback;
mod queue;
mod schema;
mod size;

pub use admission::{Admission, QueuedFor};
pub use advance::{Environment, Input, Step, advance};
pub use context::Context;
pub use control::Control;
pub use failed::Failed;
pub(crate) use failed::{migration_failed, went_wrong};
pub(crate) use head::CHANGES_MAX;
pub use head::{Bad, Good, Head, Live, Pause, QueuedRequest, RequestOutcome, UnfinishedTask};
pub use hold::{Hold, HoldUntil, Holder};
pub(crate) use schema::MIGRATIONS_MAX;
pub use schema::{Migration, MigrationState};
