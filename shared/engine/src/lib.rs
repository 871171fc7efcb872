//! The loop: load, advance, save, act.
//!
//! Everything that happens to Slipway is processed here: it becomes an input of the core, the core
//! decides, the new records and the effects are saved in one conditional write, and only then are
//! the effects sent. This crate does not depend on AWS: the world is a port, and its in-memory twin
//! is in this crate.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod configure;
mod decide;
mod environments;
mod errors;
mod keys;
pub mod memory;
mod pushes;
mod records;
mod rehearse;
mod relay;
mod saving;
mod sweep;
mod turn;
mod world;

pub use configure::Configured;
pub use decide::{Decide, Pipeline};
pub use environments::Permit;
pub use errors::{EngineError, SaveError, WorldError};
pub use keys::{Key, Lookup, Sender};
pub use records::{Record, Stored, StoredError, Write};
pub use rehearse::Rehearsal;
pub use sweep::Swept;
pub use world::{Due, Message, Timer, World};

/// The loop, over one world and one way to decide.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a, W, D = Pipeline> {
    world: &'a W,
    decide: &'a D,
}

/// After a conflicting write the decision is made again, at most this often; then the event returns
/// to its source and is delivered again.
const CONFLICTS_MAX: usize = 10;

impl<'a, W: World, D: Decide> Engine<'a, W, D> {
    pub fn new(world: &'a W, decide: &'a D) -> Self {
        Self { world, decide }
    }

    /// Writers that conflict must not all retry at the same moment.
    async fn pause_after(&self, tries: usize) {
        if tries > 0 {
            self.world.pause(tries).await;
        }
    }
}
