//! Effects against canned answers of AWS, through the real clients and a real socket.

mod account;
mod canned;
mod observing;
mod preparing;
mod preparing_badly;
mod putting_back;
mod rolling_out;
mod tasks;

use pipeline::names::{DeploymentId, Place, Revision};
use pipeline::spec::Target;

fn id() -> DeploymentId {
    let place = Place { application: "scr".into(), environment: "staging".into() };
    DeploymentId { place, number: 17 }
}

fn target() -> Target {
    Target::Cluster("scr-staging".into())
}

fn arn(revision: &str) -> String {
    format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{revision}")
}

fn revision(short: &str) -> Revision {
    Revision::new(arn(short))
}
