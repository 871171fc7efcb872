//! Slipway on AWS: the only crate that depends on it.
//!
//! It implements the engine's world (a table and the queues of the workers), performs each effect
//! through the SDK, and turns AWS's payloads into our own types. The core decides what happens
//! next; nothing here makes a choice that a deployment depends on.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

pub mod alarms;
mod check;
pub mod clients;
pub mod clock;
pub mod definitions;
pub mod failure;
pub mod hex;
pub mod http;
pub mod idempotency;
mod image_config;
pub mod images;
mod invoke;
pub mod keep_tags;
mod known_tags;
mod log;
pub mod metrics;
pub mod payload;
pub mod preview;
pub mod pushes;
mod run;
pub mod settings;
pub mod step_error;
pub mod sweep;
mod worker;
pub mod world;

pub use alarms::answer_alarms;
pub use check::{check, plain_words};
pub use clients::Aws;
pub use failure::{Failure, failure};
pub use run::run;
pub use settings::Settings;
pub use worker::{deployment_of, each_message, misdirected, read_body, work};
pub use world::Received;
