//! Hosts: what each effect means for containers on EC2 instances, reached by SSM Run Command.
//!
//! A service is the container of its name on every host that has the tags; a rollout is one
//! command, and its id is the command's. A revision describes how the container is run (image,
//! ports, environment file); it is archived in the table like a task definition, and stored in a
//! label of the container. Containers started outside Slipway have a revision as well: their ids.
//!
//! The table knows what Slipway did, and only the host knows what a person did there. So a
//! preparation and an observation send a short command to the hosts, and the function waits some
//! seconds for the answers, well within its time-out. While Slipway's own command is in progress,
//! its state is all there is to know, and no worker waits. SendCommand has no client token, so the
//! host itself prevents that something happens twice: by a lock, a note of the current step, and a
//! claim.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod heard;
mod observe;
mod one_off;
mod prepare;
mod preview;
mod roll_back;
mod roll_out;

mod command;
mod look;
mod outcome;
mod reading;
mod revision;

mod answer;
mod command_tag;
mod fleet;
mod script;
mod send;

#[cfg(test)]
mod tests;

pub use command_tag::CommandTag;
pub use fleet::{Seen, faults, hosts};
pub use heard::heard;
pub use observe::observe;
pub use one_off::{look_at_one_off, run_one_off, stop_one_off};
pub use prepare::prepare;
pub use preview::preview;
pub use roll_back::{remove, roll_back};
pub use roll_out::roll_out;

use std::collections::BTreeMap;

/// The tags of a target's hosts.
pub type Tags = BTreeMap<String, String>;

/// The tags as a person reads them: `Component=faceplate, Environment=prod`.
pub fn named(tags: &Tags) -> String {
    let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    tags.join(", ")
}
