//! Pushes that no event told of: ECR's events are best effort.

use aws::{Aws, Failure, sweep::recent_pushes};
use engine::{Key, Record, World};
use pipeline::deployment::Said;
use pipeline::names::Repository;
use pipeline::push::Push;
use pipeline::spec::Application;
use std::collections::BTreeSet;
use tracing::{info, warn};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    /// Pushes that were news.
    pub(crate) pushes: u64,
    pub(crate) failed: u64,
}

/// Looks into every repository of every application, and feeds what lies there to the loop, which
/// knows again what it has heard of.
pub(crate) async fn look(aws: &Aws) -> Result<Found, Failure> {
    let specs = specs(aws).await?;
    let repositories: BTreeSet<&Repository> =
        specs.iter().flat_map(|spec| spec.images.values()).collect();
    let mut found = Found::default();
    for repository in repositories {
        match look_into(aws, repository, &specs).await {
            Ok(pushes) => found.pushes += pushes,
            Err(failure) => {
                found.failed += 1;
                warn!(error_type = failure.name(), "cannot look into {repository}: {failure}");
            }
        }
    }
    Ok(found)
}

async fn specs(aws: &Aws) -> Result<Vec<Application>, Failure> {
    let applications = aws.applications().await?;
    let mut specs = Vec::new();
    for application in applications {
        let stored = aws.load(&[Key::Spec(application)]).await?.into_iter().next().flatten();
        if let Some(Record::Spec(spec)) = stored.map(|stored| stored.record) {
            specs.push(spec);
        }
    }
    Ok(specs)
}

async fn look_into(
    aws: &Aws,
    repository: &Repository,
    specs: &[Application],
) -> Result<u64, Failure> {
    let is_wanted = |push: &Push| specs.iter().any(|spec| push.belongs(spec).is_ok());
    let mut lost = 0;
    for push in recent_pushes(aws, repository).await?.into_iter().filter(is_wanted) {
        let heard = aws.engine().pushed(&push).await?;
        if heard.iter().any(|(_, said)| *said == Said::Done) {
            lost += 1;
            let tag = push.tag.as_ref().map_or("no tag", |tag| tag.as_str());
            info!(repository = %repository, "found {tag}, which no event told of");
        }
    }
    Ok(lost)
}
