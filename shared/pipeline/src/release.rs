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

/// A commit or a digest has so many digits at least, and of these so many have to be typed.
const COMMIT_MIN: usize = 7;
const TYPED_MIN: usize = 4;

impl Version {
    /// Whether a person who typed this means it. Only a commit or a digest may be cut short:
    /// `7b41` is `7b41d0e`. The beginning of anything else is the name of another release, or of
    /// the same tag when it pointed elsewhere: `v1.4.1` is neither `v1.4.10` nor `v1.4.1#2`, and
    /// `latest` is none of `latest@…`.
    pub fn is_meant_by(&self, typed: &str) -> bool {
        let version = self.as_str();
        let (name, digits) = version.split_at(version.rfind(['@', '-']).map_or(0, |at| at + 1));
        // What has no letter in it is a date or a number, and begins as the one of yesterday does.
        let is_commit = digits.len() >= COMMIT_MIN
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && digits.bytes().any(|byte| byte.is_ascii_alphabetic())
            && version_of(&Tag::new(version)).is_none();
        let begins = |some: &str| some.len() >= TYPED_MIN && digits.starts_with(some);
        typed == version || (is_commit && typed.strip_prefix(name).is_some_and(begins))
    }
}

/// What a person means who typed a version, of all that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant<T> {
    One(T),
    /// Of several versions it is the beginning.
    Several(Vec<Version>),
    Nothing,
}

/// Finds what is meant by `typed`: exactly that version, or the only one that it is the beginning
/// of. Of two with the same version it is the first.
pub fn meant<'a, T>(typed: &str, known: impl IntoIterator<Item = (&'a Version, T)>) -> Meant<T> {
    let mut fitting: Vec<(&Version, T)> = Vec::new();
    for (version, release) in known {
        if version.as_str() == typed {
            return Meant::One(release);
        }
        if version.is_meant_by(typed) && fitting.iter().all(|(other, _)| *other != version) {
            fitting.push((version, release));
        }
    }
    match fitting.pop() {
        None => Meant::Nothing,
        Some((_, only)) if fitting.is_empty() => Meant::One(only),
        Some(last) => {
            fitting.push(last);
            Meant::Several(fitting.into_iter().map(|(version, _)| version.clone()).collect())
        }
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
