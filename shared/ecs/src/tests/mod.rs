//! Effects against canned answers of AWS, through the real clients and a real socket.

mod account;
mod observing;
mod preparing;
mod preparing_badly;
mod rolling_back;
mod rolling_out;
mod tasks;

use pipeline::event::Event;
use pipeline::names::{DeploymentId, Place, Revision};
use pipeline::observation::Found;
use pipeline::spec::Target;

fn id() -> DeploymentId {
    let place = Place { application: "scr".into(), environment: "staging".into() };
    DeploymentId { place, number: 17 }
}

fn target() -> Target {
    Target::Cluster("scr-staging".into())
}

/// An answer without the time of the observation.
fn text_of(event: &Event) -> String {
    let Event::LeftAlone { seen } = event else { return format!("{event:?}") };
    let runs = seen.found.as_ref().and_then(Found::primary);
    let runs = runs.map_or("nothing", |primary| primary.revision.short());
    format!("{} is left alone: it runs {runs}", seen.service)
}

fn arn(revision: &str) -> String {
    format!("arn:aws:ecs:eu-central-1:123456789012:task-definition/{revision}")
}

fn revision(short: &str) -> Revision {
    Revision::new(arn(short))
}
