//! The meaning of commands and reports, without a host.

mod answers;
mod believing;
mod ends;
mod marks;
mod readings;
mod sending;

use super::answer::{Container, Report, What};
use pipeline::names::{DeploymentId, Place, ServiceName};

fn id() -> DeploymentId {
    let place = Place { application: "faceplate".into(), environment: "prod".into() };
    DeploymentId { place, number: 17 }
}

fn service() -> ServiceName {
    "faceplate".into()
}

/// A container of ours, of this revision.
fn ours(revision: &str) -> Container {
    Container {
        what: What::Revision(format!("hosts/faceplate:{revision}")),
        status: "running".to_owned(),
        code: 0,
        fleeting: false,
        is_ours: true,
    }
}

/// A container that was started outside Slipway.
fn foreign(id: &str) -> Container {
    Container { what: What::Container(id.to_owned()), is_ours: false, ..ours("none") }
}

fn report(container: Option<Container>) -> Report {
    let containers = [(service(), container)].into();
    Report { is_whole: true, containers, ..Report::default() }
}
