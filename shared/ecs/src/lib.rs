//! ECS: what each effect means there, and what it shows when it is asked.
//!
//! Every function performs one effect and returns the core's answer to it. A throttle or a lost
//! connection is a `Failure`, so that the effect is delivered again; a final refusal by AWS is an
//! answer, in AWS's own words.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod observe;
mod one_off;
mod prepare;
mod roll_back;
mod roll_out;

mod definitions;
pub mod preflight;
mod preview;

mod diff;

mod create;
mod history;
mod look;
mod once;
mod service_events;
pub mod services;
mod way_back;

#[cfg(test)]
pub(crate) mod tests;

pub use look::{look_at_one_off, stop_one_off};
pub use observe::{observations, observe};
pub use one_off::{run_one_off, started_by};
pub use prepare::prepare;
pub use preview::preview;
pub use roll_back::{remove, roll_back};
pub use roll_out::roll_out;
pub use way_back::preview_way_back;

use pipeline::spec::Target;

/// For a target that came to the wrong place: `target` separates them before.
const HOSTS: &str = "the environment runs on hosts, not in a cluster";

fn cluster_of(target: &Target) -> Result<&str, aws::step_error::StepError> {
    match target {
        Target::Cluster(cluster) => Ok(cluster),
        Target::Hosts(_) => Err(aws::step_error::StepError::Fault(HOSTS.to_owned())),
    }
}
