//! Pushes that no event reported: ECR's events are best effort.
//!
//! Each repository is scanned in an invocation of its own, so a large one, or one that ECR refuses,
//! does not affect the others.

use aws::metrics::{Metric, count, measure};
use aws::{Aws, Failure, pushes::read_build, sweep};
use engine::{Key, Lookup, Record, World};
use pipeline::deployment::Reply;
use pipeline::names::{ApplicationName, Repository};
use pipeline::push::Push;
use pipeline::spec::Application;
use pipeline::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use tracing::{info, warn};

/// The scans start one after another, so that they do not all call ECR at the same moment.
const APART: Span = Span::seconds(2);
/// Time reserved to send the remaining work and to answer.
const RESERVE: Duration = Duration::from_secs(15);

/// A scan for pushes that no event reported. Wake sends it to itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Look {
    pub(crate) look: Where,
    /// Where the scan before this one stopped reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Where {
    /// Into every repository of every application: one message for each of them.
    Everywhere,
    Into(Repository),
}

/// Scans. What fails is found by the next scan, in a quarter of an hour: it is counted, and not
/// delivered again.
pub(crate) async fn look(aws: &Aws, look: Look) -> Result<(), Failure> {
    let Look { look, after } = look;
    match look {
        Where::Everywhere => look_everywhere(aws).await,
        Where::Into(repository) => {
            let looked = aws.leaving(RESERVE, look_into(aws, &repository, after)).await;
            if let Err(failure) = looked {
                warn!(error_type = failure.name(), "cannot scan {repository}: {failure}");
                count(&failure);
            }
            Ok(())
        }
    }
}

async fn look_everywhere(aws: &Aws) -> Result<(), Failure> {
    let applications = aws.applications().await?;
    let (specs, _) = specs(aws, &applications).await;
    let repositories: BTreeSet<Repository> =
        specs.into_iter().flat_map(|spec| spec.images.into_values()).collect();
    let mut looks = Vec::new();
    let mut delay = Span::default();
    for repository in repositories {
        looks.push((Look { look: Where::Into(repository), after: None }, delay));
        delay = delay + APART;
    }
    info!("scanning {} repositories", looks.len());
    aws.send_to_wake(&looks).await
}

/// Reads the specs of these applications, and returns whether all could be read. One that cannot be
/// read does not hide the others.
async fn specs(aws: &Aws, applications: &[ApplicationName]) -> (Vec<Application>, bool) {
    let mut specs = Vec::new();
    let mut all_read = true;
    for application in applications {
        let key = Key::Spec(application.clone());
        match aws.load(&[key]).await {
            Ok(stored) => {
                let stored = stored.into_iter().next().flatten().map(|stored| stored.record);
                if let Some(Record::Spec(spec)) = stored {
                    specs.push(spec);
                }
            }
            Err(error) => {
                all_read = false;
                let failure = Failure::from(error);
                warn!(
                    error_type = failure.name(),
                    "the spec of {application} cannot be read: {failure}"
                );
                count(&failure);
            }
        }
    }
    (specs, all_read)
}

async fn look_into(
    aws: &Aws,
    repository: &Repository,
    after: Option<String>,
) -> Result<(), Failure> {
    let applications = aws.find(&Lookup::Repository(repository.clone())).await?;
    let (specs, all_read) = specs(aws, &applications).await;
    let mut found = sweep::look(aws, repository, after).await?;
    // Sent first: even if these pushes fail, the rest is scanned.
    if let Some(next) = found.next.take() {
        let rest = Look { look: Where::Into(repository.clone()), after: Some(next) };
        aws.send_to_wake(&[(rest, APART)]).await?;
    }
    let news = aws.engine().news_among(&specs, found.pushes.clone()).await;
    let mut lost = 0;
    let mut not_taken_in = Vec::new();
    for push in news {
        match take_in(aws, &push).await {
            Ok(is_news) => lost += u64::from(is_news),
            Err(failure) => {
                let tag = push.tag.as_ref().map_or("no tag", |tag| tag.as_str());
                warn!(error_type = failure.name(), repository = %push.repository, "push of {tag} was not recorded: {failure}");
                count(&failure);
                not_taken_in.push(push);
            }
        }
    }
    measure(&[(Metric::LostPushes, lost)]);
    // Remembered last: the next scan, in a quarter of an hour, finds again what was not recorded.
    if all_read { found.remember(aws, &not_taken_in).await } else { Ok(()) }
}

/// Feeds one push to the engine, with the build information of its image; returns whether it was
/// new.
async fn take_in(aws: &Aws, push: &Push) -> Result<bool, Failure> {
    let read = async |push| read_build(aws, push).await;
    let heard = aws.engine().pushed_and_read(push, read).await?;
    let is_news = heard.iter().any(|(_, said)| *said == Reply::Done);
    if is_news {
        let tag = push.tag.as_ref().map_or("no tag", |tag| tag.as_str());
        info!(repository = %push.repository, "found a push of {tag} that no event reported");
    }
    Ok(is_news)
}
