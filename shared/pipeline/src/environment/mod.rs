//! An environment: what runs there, what is going on, and what is let in.

mod advance;
mod conclude;
mod control;
mod door;
mod head;
mod queue;
mod request;
mod restore;
mod schema;

pub use advance::{Context, Environment, Input, Step, advance};
pub use control::Control;
pub use door::Door;
pub use head::{Bad, Fate, Good, Head, Hold, HoldUntil, Live, Pause, Unfinished, Waits};
pub use request::{Asker, Kind, Override, Request, Restore, Undoes};
pub use schema::{Migration, MigrationState};
