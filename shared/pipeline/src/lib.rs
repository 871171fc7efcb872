//! What should happen next: every decision that Slipway makes, as data in and data out.
//!
//! This crate knows no AWS, no network, no clock and no chance. Time and ids are told to it, facts
//! come in as events, and what follows goes out as a new state and effects. Whoever calls it
//! stores the state first and performs the effects then.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

pub mod names;
pub mod time;

pub mod spec;

mod candidate;
pub mod push;
pub mod release;
pub mod size;

pub mod audit;
mod brief;
pub mod deployment;
pub mod doubt;
pub mod effect;
pub mod environment;
pub mod event;
pub mod notice;
pub mod observation;
pub mod outbox;
mod plausibility;
pub mod request;
pub mod task;
mod text;
pub mod verdict;
pub mod waits;
