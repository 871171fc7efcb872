//! Releases: a set of image digests under one version, and which of two is the older.

use crate::names::{Digest, ImageName, Tag, Version};
use crate::spec::version_of;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub version: Version,
    /// When it was built, as far as anybody knows: the images' own word, or the first push.
    pub built_at: Time,
    pub images: BTreeMap<ImageName, Digest>,
}

/// Where a release stands in the order of releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub version: Version,
    pub built_at: Time,
}

impl Version {
    /// Whether a person who typed this much may mean it. A semantic version is whole, and begins no
    /// other one: `v1.4.1` is not `v1.4.10`.
    pub fn may_be(&self, typed: &str) -> bool {
        let is_whole = version_of(&Tag::new(typed)).is_some();
        self.as_str() == typed || (!is_whole && self.as_str().starts_with(typed))
    }
}

impl Release {
    pub fn mark(&self) -> Mark {
        Mark { version: self.version.clone(), built_at: self.built_at }
    }

    /// Whether both put the same bytes everywhere, whatever they are called.
    pub fn same_images(&self, other: &Release) -> bool {
        self.images == other.images
    }
}

impl Mark {
    /// Whether `self` comes strictly before `other`: by semantic version where both have one, and
    /// by the time of building otherwise.
    pub fn older_than(&self, other: &Mark) -> bool {
        match (self.semver(), other.semver()) {
            (Some(own), Some(others)) if own != others => own < others,
            _ => self.built_at < other.built_at,
        }
    }

    /// The version of the tag, whichever time it was pushed (`v1.2.3#2`).
    fn semver(&self) -> Option<semver::Version> {
        let tag = self.version.as_str().split('#').next().unwrap_or_default();
        version_of(&Tag::new(tag))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version.fmt(f)
    }
}
