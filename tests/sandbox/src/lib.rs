//! A small AWS to run in: it loads the template, runs the functions' own binaries behind Lambda's
//! Runtime API, and answers the SDK on one port of this machine, in a time of its own.
//!
//! It knows nothing of what Slipway decides: the functions are strangers to it, and the only thing
//! that it has from this repository is the template.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod account;
mod agenda;
pub mod balancers;
pub mod binaries;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ecr;
pub mod ecs;
mod error;
pub mod events;
pub mod faults;
pub mod iam;
mod lambda;
pub mod logs;
pub mod place;
pub mod roles;
mod sandbox;
pub mod secrets;
pub mod service;
pub mod services;
pub mod sites;
pub mod slack;
pub mod sns;
pub mod sqs;
pub mod ssm;
pub mod template;
pub mod trace;
mod wire;

pub use account::Account;
pub use error::Error;
pub use lambda::Answer;
pub use sandbox::{Clock, Options, Sandbox, Step};

/// A caller without a process: one with a key that no function has.
pub const PERSON: &str = "person";
