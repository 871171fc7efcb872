//! An environment: what runs there, what is going on, and what is let in.

mod advance;
mod conclude;
mod context;
mod control;
mod door;
mod failed;
mod head;
mod hold;
mod queue;
mod request;
mod restore;
mod schema;
mod size;

pub use advance::{Environment, Input, Step, advance};
pub use context::Context;
pub use control::Control;
pub use door::{Door, WaitsFor};
pub use failed::Failed;
pub(crate) use failed::{migration_failed, went_wrong};
pub(crate) use head::CHANGES_MAX;
pub use head::{Bad, Fate, Good, Head, Live, Pause, Unfinished, Waits};
pub use hold::{Hold, HoldUntil, Holder};
pub use request::{Asker, Kind, Override, Request, Restore, Undoes};
pub(crate) use schema::MIGRATIONS_MAX;
pub use schema::{Migration, MigrationState};
