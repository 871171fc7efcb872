//! ECS: how each effect is performed there, and how its state is read.
//!
//! Every function performs one effect and returns the answer for the core. A throttle or a lost
//! connection is a `Failure`, so the effect is delivered again; a final rejection by AWS is an
//! answer, in AWS's own words.

mod observe;
mod one_off;
mod prepare;
mod roll_back;
mod roll_out;

mod base_revision;
mod consistency;
pub(crate) mod keep_tags;
mod load_balancers;
pub(crate) mod plan;
pub(crate) mod preflight;
mod preview;
mod references;
mod registry;
mod render;
mod roles;

pub(crate) mod archived_definitions;
mod compare;
mod definition;
mod diff;
pub(crate) mod idempotency;
mod registrations;
mod wire;

mod create;
mod history;
mod look;
mod once;
mod service_events;
pub(crate) mod services;
pub(crate) mod step_error;
mod way_back;

#[cfg(test)]
pub(crate) mod tests;

pub use look::{look_at_one_off, stop_one_off};
pub use observe::{observations, observe};
pub use one_off::{run_one_off, started_by};
pub use prepare::prepare;
pub(crate) use preview::preview;
pub use roll_back::{remove, roll_back};
pub use roll_out::roll_out;
pub(crate) use way_back::preview_way_back;

use crate::failure::Failure;
use engine::{Message, Sender};
use pipeline::effect::Effect;
use pipeline::names::DeploymentId;
use pipeline::spec::Target;

/// The deployment that the effect belongs to.
pub fn deployment_of(message: &Message) -> Result<&DeploymentId, Failure> {
    match &message.from {
        Sender::Deployment(id) => Ok(id),
        _ => Err(Failure::Unreadable(format!(
            "unexpected message: only a deployment sends \"{}\"; send this one to another queue",
            message.effect.name()
        ))),
    }
}

/// An effect that was sent to the wrong worker.
pub fn misdirected(effect: &Effect) -> Failure {
    Failure::Unreadable(format!(
        "this function does not handle \"{}\"; compare its queue with infra/template.yaml",
        effect.name()
    ))
}

/// For an unsupported target: `target` dispatches before.
const HOSTS: &str = "the environment runs on hosts, not in a cluster";

fn cluster_of(target: &Target) -> Result<&str, step_error::StepError> {
    match target {
        Target::Cluster(cluster) => Ok(cluster),
        Target::Hosts(_) => Err(step_error::StepError::Fault(HOSTS.to_owned())),
    }
}
