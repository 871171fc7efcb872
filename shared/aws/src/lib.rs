//! Slipway on AWS: the only crate that depends on it.
//!
//! It implements the engine's world (a table and the queues of the workers), performs each effect
//! through the SDK, and turns AWS's payloads into our own types. The core decides what happens
//! next; nothing here makes a choice that a deployment depends on.

mod alarms;
mod check;
mod clients;
mod clock;
pub mod ecs;
mod failure;
mod hex;
pub mod hosts;
mod http;
mod image_config;
mod images;
mod invoke;
mod known_tags;
mod log;
pub mod metrics;
mod notify;
pub mod payload;
pub mod people;
mod preview;
pub mod pushes;
mod run;
pub mod settings;
pub mod sweep;
pub mod target;
mod worker;
mod world;

pub use alarms::answer_alarms;
pub use check::check;
pub use clients::Aws;
pub use failure::{Failure, failure};
pub use notify::Notifier;
pub use run::run;
pub use settings::Settings;
pub use worker::{each_message, read_body, work};
pub use world::Received;
