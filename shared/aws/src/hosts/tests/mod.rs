//! What commands and looks mean, without a host.

mod answers;
mod readings;

use super::answer::{Container, Report};
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
        id: format!("id-of-{revision}"),
        status: "running".to_owned(),
        code: 0,
        fleeting: false,
        revision: format!("hosts/faceplate:{revision}"),
        mark: "slipway/faceplate/prod/17".to_owned(),
    }
}

/// A container that somebody started by hand.
fn foreign(id: &str) -> Container {
    let none = String::new();
    Container { id: id.to_owned(), revision: none.clone(), mark: none, ..ours("none") }
}

fn report(container: Option<Container>) -> Report {
    Report { containers: [(service(), container)].into(), ..Report::default() }
}
