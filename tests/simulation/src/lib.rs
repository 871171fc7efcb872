//! A model of the world that Slipway runs in, and thousands of random histories in it.
//!
//! The engine and the core are the real ones. The world around them is a model: ECS, ECR, one-off
//! tasks, alarms and people, under a clock that jumps. It must not know what the core would decide:
//! it only performs its calls, late, twice or not at all, and the invariants watch.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod actions;
mod admissions;
mod at_the_end;
pub mod behaviour;
mod blame;
mod builds;
mod calls;
pub mod cloud;
mod collecting;
pub mod days;
mod delivery;
mod emission;
pub mod exhaust;
mod failures;
pub mod faults;
pub mod happening;
pub mod histories;
pub mod incidents;
mod installing;
pub mod invariants;
pub mod large;
mod outside_faults;
mod people;
mod rare_faults;
mod rare_releases;
mod recorded;
mod releases;
pub mod sabotage;
pub mod sim;
pub mod specs;
pub mod story;
mod stuck;
pub mod surroundings;
pub mod systems;
mod verdicts;
mod wide;
mod workers;
