//! The core: every decision that Slipway makes, as data in and data out.
//!
//! This crate has no AWS, no network, no clock and no randomness. Time and ids are arguments, facts
//! are events, and the result is a new state and effects. The caller stores the state first and
//! then performs the effects.
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
