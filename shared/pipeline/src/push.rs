//! Pushes, and the candidates for a release that they form.
//!
//! One build causes many events: for every platform's manifest, for attestations and signatures,
//! for every tag of the same digest, for replicas, for Slipway's own tags, and each perhaps twice.
//! A candidate collects the images of one tag and is offered to an environment once every image
//! that the environment needs has arrived.

use crate::names::{ApplicationName, Digest, EnvironmentName, ImageName, Repository, Tag, Version};
use crate::outbox::Outbox;
use crate::release::Origin;
use crate::spec::{Application, TagPattern};
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The prefix of the tags that protect Slipway's digests; they start nothing.
pub const KEEP_PREFIX: &str = "slipway-keep-";

/// One image that arrived in a repository: by a push, as a replica, or found by the sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    pub repository: Repository,
    pub digest: Digest,
    /// Absent or empty for the children of an index, and for attestations.
    pub tag: Option<Tag>,
    pub artifact_media_type: Option<String>,
    pub pushed_at: Time,
    pub details: Details,
}

/// What the registry says about a push. The event does not contain this, and the registry may not
/// answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// When it was read; the tag pointed to this digest then.
    pub asked_at: Option<Time>,
    /// When the image was pushed to the repository, perhaps long before this tag was put on it.
    pub image_pushed_at: Option<Time>,
    /// The build date of the image.
    pub built_at: Option<Time>,
    pub origin: Origin,
    /// The build information could not be read.
    pub unread: bool,
}

/// The images of one tag, or of one digest of a moving tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub application: ApplicationName,
    pub version: Version,
    pub tag: Tag,
    pub moving: bool,
    pub first_pushed_at: Time,
    pub last_pushed_at: Time,
    pub images: BTreeMap<ImageName, Arrived>,
    /// Digests that the tag pointed to before.
    pub replaced: BTreeSet<Digest>,
    pub offers: BTreeMap<EnvironmentName, Offered>,
    /// Where it was reported as incomplete.
    pub reported: BTreeSet<EnvironmentName>,
    pub outbox: Outbox,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    pub digest: Digest,
    pub pushed_at: Time,
    pub built_at: Option<Time>,
    /// When the registry confirmed that the tag points to this digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_pushed_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The build information could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    pub times: u32,
    pub images: BTreeMap<ImageName, Digest>,
}

/// The candidate that a push belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Belongs {
    pub image: ImageName,
    pub tag: Tag,
    pub version: Version,
    pub moving: bool,
}

/// A tag that is put on an image after this time is not from the image's build.
const TAGGED_LATER: Span = Span::hours(1);
/// How far the clocks of builders may be ahead.
const SKEW: Span = Span::minutes(5);
/// Docker is not older than this. Reproducible builds say 1970 or 1980.
const YEAR_2014: Time = Time::from_millis(1_388_534_400_000);

impl Arrived {
    pub(crate) fn new(push: &Push) -> Self {
        let details = &push.details;
        Self {
            digest: push.digest.clone(),
            pushed_at: push.pushed_at,
            built_at: details.built_at,
            asked_at: details.asked_at,
            image_pushed_at: details.image_pushed_at,
            origin: details.origin.clone(),
            unread: details.unread,
        }
    }

    /// The last time at which the tag is known to have pointed here.
    pub(crate) fn known_at(&self) -> Time {
        self.asked_at.map_or(self.pushed_at, |asked_at| asked_at.max(self.pushed_at))
    }

    /// The build date of the image, if it is plausible.
    pub(crate) fn credible_built_at(&self) -> Option<Time> {
        let told = self.built_at.filter(|at| *at >= YEAR_2014 && *at <= self.pushed_at + SKEW)?;
        Some(told.min(self.pushed_at))
    }

    /// Whether the tag was put on an image that existed long before.
    pub(crate) fn is_tagged_later(&self) -> bool {
        self.image_pushed_at.is_some_and(|at| at + TAGGED_LATER < self.pushed_at)
    }
}

impl Push {
    /// Returns which candidates of `application` this push belongs to, or why to none.
    pub fn belongs(&self, application: &Application) -> Result<BTreeSet<Belongs>, String> {
        let Some(tag) = self.tag.as_ref().filter(|tag| !tag.as_str().is_empty()) else {
            return Err("no tag: part of an index, or an attestation".into());
        };
        if tag.as_str().starts_with(KEEP_PREFIX) {
            return Err("Slipway's own tag".into());
        }
        if is_attachment(tag.as_str()) || !self.is_container_image() {
            return Err("not a container image: a signature, a chart or the like".into());
        }
        let images =
            application.images.iter().filter(|(_, repository)| **repository == self.repository);
        let mut found = BTreeSet::new();
        for (image, _) in images {
            for deploy_on in application.environments.values().filter_map(|e| e.deploy_on.as_ref())
            {
                let wanted = deploy_on.images.contains(image);
                for pattern in deploy_on.tags.iter().filter(|p| wanted && p.matches(tag)) {
                    found.insert(self.belongs_by(pattern, image, tag));
                }
            }
        }
        if found.is_empty() {
            Err(format!("no environment deploys on tag {tag}"))
        } else {
            Ok(found)
        }
    }

    fn belongs_by(&self, pattern: &TagPattern, image: &ImageName, tag: &Tag) -> Belongs {
        let moving = matches!(pattern, TagPattern::Moving(_));
        let version = match moving {
            true => Version::new(format!("{tag}@{}", self.digest.short())),
            false => Version::new(tag.as_str()),
        };
        Belongs { image: image.clone(), tag: tag.clone(), version, moving }
    }

    fn is_container_image(&self) -> bool {
        self.artifact_media_type.as_deref().is_none_or(|media_type| {
            media_type.is_empty()
                || media_type.starts_with("application/vnd.oci.image.config.")
                || media_type.starts_with("application/vnd.docker.container.image.")
        })
    }
}

/// Cosign and similar tools tag their artifacts with the image's digest.
fn is_attachment(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_some_and(|rest| {
        let hex = rest.split('.').next().unwrap_or_default();
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
