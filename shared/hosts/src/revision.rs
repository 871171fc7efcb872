//! Revisions on hosts: how a container is run, or which containers were started outside Slipway.

use super::answer::{Container, What};
use aws::clients::Aws;
use aws::definitions::archived;
use aws::failure::Failure;
use aws::hex::hex;
use pipeline::names::{Revision, ServiceName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The content of a revision, as the table keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Definition {
    /// A revision of Slipway, which can be run on any host at any time.
    Run(Run),
    /// The containers of each host that were started outside Slipway, or that differ between hosts.
    /// They can only be restored.
    Found(BTreeMap<String, String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    /// With registry and digest.
    pub(super) image: String,
    pub(super) ports: Vec<String>,
    pub(super) env_file: Option<String>,
}

const FAMILY: &str = "hosts/";

impl Definition {
    /// Its name: `hosts/faceplate:3f2a9c1d04b7-5e1f22aa`. People read what follows the slash.
    pub(super) fn revision(&self, service: &ServiceName) -> Revision {
        let json = serde_json::to_string(self).unwrap_or_default();
        let hash = Sha256::digest(json.as_bytes());
        let hash = hex(&hash[..4]);
        let what = match self {
            Self::Run(run) => {
                let (_, digest) = run.image.rsplit_once(':').unwrap_or(("", &run.image));
                digest.get(..12).unwrap_or(digest).to_owned()
            }
            Self::Found(_) => "as-found".to_owned(),
        };
        Revision::new(format!("{FAMILY}{service}:{what}-{hash}"))
    }

    pub(super) async fn keep(&self, aws: &Aws, revision: &Revision) -> Result<(), Failure> {
        let json = serde_json::to_value(self).unwrap_or_default();
        archived::keep(aws, revision, &json).await
    }

    pub(super) async fn find(aws: &Aws, revision: &Revision) -> Result<Option<Self>, Failure> {
        let kept = archived::kept(aws, revision).await?;
        Ok(kept.and_then(|json| serde_json::from_value(json).ok()))
    }

    pub(super) fn run(self) -> Option<Run> {
        match self {
            Self::Run(run) => Some(run),
            Self::Found(_) => None,
        }
    }
}

/// What hosts run, by host; one that runs nothing is included.
pub(super) type Containers<'a> = BTreeMap<&'a str, Option<&'a Container>>;

/// The revision of a service on all of these hosts together, and its content if it is not one of
/// Slipway's. `None`: no host has a container of this name.
pub(super) fn of_hosts(
    service: &ServiceName,
    containers: &Containers<'_>,
) -> Option<(Revision, Option<Definition>)> {
    let running: Vec<&Container> = containers.values().flatten().copied().collect();
    let first = running.first()?;
    let same = running.iter().all(|container| container.what == first.what);
    if let What::Revision(revision) = &first.what
        && same
        && running.len() == containers.len()
    {
        return Some((Revision::new(revision), None));
    }
    let found = containers.iter().filter_map(|(host, container)| {
        container.map(|container| ((*host).to_owned(), container.what.as_str().to_owned()))
    });
    let definition = Definition::Found(found.collect());
    Some((definition.revision(service), Some(definition)))
}
