//! Releases: a set of image digests under one version, and which of two is newer.
//!
//! The order, for automation. A person may deploy any release.
//!
//! - Of two releases that both have a semantic version, the higher version is newer. If the
//!   version is the same, the later one is.
//! - Of all others, the later one is newer.
//! - The time of a release is the build date of its images. If one of them has none, it is
//!   the time of the first push. If its tag was put on images that had been in the registry for
//!   long, a person wants exactly these images now: it is the time of the tag.
//!
//! Versions and times do not form one order: `v1.1.0` may be older than a commit, the commit older
//! than `v1.0.9`, and `v1.0.9` is older than `v1.1.0`. So an environment remembers the newest
//! release with a version and the newest without, and nothing starts automatically that is older
//! than either of them.

use crate::names::{Digest, ImageName, Tag, Version};
use crate::spec::version_of;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub version: Version,
    /// Its time in the order of releases.
    pub built_at: Time,
    pub images: BTreeMap<ImageName, Digest>,
    /// The build date of its images. `built_at` may be the time of a tag or a push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images_built_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The build information of one of its images could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

/// What an image was built from, according to its labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The URL of the source repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The place of a release in the order of releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseOrder {
    pub version: Version,
    pub built_at: Time,
}

/// The newest releases of an environment: one with a version, and one without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newest {
    pub version: Version,
    pub built_at: Time,
    /// The newest of the other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<ReleaseOrder>,
}

/// The minimum length of a commit or a digest, and of a prefix of it.
const COMMIT_MIN: usize = 7;
const TYPED_MIN: usize = 4;

impl Version {
    /// Whether a person's input names this version. Only a commit or a digest may be abbreviated:
    /// `7b41` is `7b41d0e`. A prefix of anything else is the name of another release, or of the
    /// same tag when it pointed to another digest: `v1.4.1` is neither `v1.4.10` nor `v1.4.1#2`,
    /// and `latest` is none of `latest@…`.
    pub fn is_meant_by(&self, typed: &str) -> bool {
        let version = self.as_str();
        let (name, digits) = version.split_at(version.rfind(['@', '-']).map_or(0, |at| at + 1));
        // A text without a letter is a date or a number, and starts like the one of yesterday.
        let is_commit = digits.len() >= COMMIT_MIN
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && digits.bytes().any(|byte| byte.is_ascii_alphabetic())
            && version_of(&Tag::new(version)).is_none();
        let begins = |some: &str| some.len() >= TYPED_MIN && digits.starts_with(some);
        typed == version || (is_commit && typed.strip_prefix(name).is_some_and(begins))
    }
}

/// What a typed version names among the known ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant<T> {
    One(T),
    /// It is the prefix of several versions.
    Several(Vec<Version>),
    Nothing,
}

/// Finds the version that `typed` names: exactly that version, or the only one with this prefix. Of
/// two with the same version it is the first.
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
    /// A release of which nothing else is known.
    pub fn new(version: Version, built_at: Time, images: BTreeMap<ImageName, Digest>) -> Self {
        let origin = Origin::default();
        Self { version, built_at, images, images_built_at: None, origin, unread: false }
    }

    pub fn order(&self) -> ReleaseOrder {
        ReleaseOrder { version: self.version.clone(), built_at: self.built_at }
    }

    /// The message that its build date could not be read.
    pub(crate) fn not_read(&self) -> Option<String> {
        self.unread.then(|| {
            format!(
                "The build time of its images could not be read; using the time of the push, {}.",
                self.built_at
            )
        })
    }

    /// The message that it was built before `other`, although it counts as newer.
    pub(crate) fn built_before(&self, other: &Release) -> Option<String> {
        let (own, others) = (self.images_built_at?, other.images_built_at?);
        let because = match (self.order().semver(), other.order().semver()) {
            (Some(own), Some(others)) if own > others => "its version is higher",
            _ => "its tag was pushed later",
        };
        (own < others).then(|| {
            format!(
                "The images of {self} were built at {own}, before those of {other} ({others}); it counts as newer because {because}."
            )
        })
    }

    /// Whether both have the same images, under whatever version.
    pub fn same_images(&self, other: &Release) -> bool {
        same_images(&self.images, &other.images)
    }
}

impl Origin {
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The common value of all that have one.
    pub(crate) fn common<'a>(origins: impl Iterator<Item = &'a Origin> + Clone) -> Self {
        fn agreed<'a>(mut said: impl Iterator<Item = &'a String>) -> Option<String> {
            let first = said.next()?;
            said.all(|other| other == first).then(|| first.clone())
        }
        Self {
            revision: agreed(origins.clone().filter_map(|origin| origin.revision.as_ref())),
            source: agreed(origins.filter_map(|origin| origin.source.as_ref())),
        }
    }

    /// Its fields by name, for programs.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let facts = [("revision", self.revision.as_deref()), ("source", self.source.as_deref())];
        facts.into_iter().filter_map(|(name, said)| Some((name, said?)))
    }

    /// For people: `commit 3f2a9c1d4e5f of https://github.com/acme/scr`.
    pub fn text(&self) -> Option<String> {
        match (self.short_revision(), self.source.as_deref()) {
            (None, None) => None,
            (None, Some(source)) => Some(source.to_owned()),
            (Some(revision), None) => Some(format!("commit {revision}")),
            (Some(revision), Some(source)) => Some(match self.page() {
                Some(page) => format!("commit {revision} ({page})"),
                None => format!("commit {revision} of {source}"),
            }),
        }
    }

    /// The abbreviated commit: twelve digits of it, if it is one.
    pub fn short_revision(&self) -> Option<&str> {
        let revision = self.revision.as_deref()?;
        Some(if is_commit(revision) { revision.get(..12).unwrap_or(revision) } else { revision })
    }

    /// The web page of the commit, for the hosts whose URLs are known.
    fn page(&self) -> Option<String> {
        let revision = self.revision.as_deref().filter(|revision| is_commit(revision))?;
        let source = self.source.as_deref()?.trim_end_matches('/').trim_end_matches(".git");
        let (host, repository) = source.strip_prefix("https://")?.split_once('/')?;
        let path = match host {
            "github.com" => "commit",
            "gitlab.com" => "-/commit",
            _ => return None,
        };
        let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
        let is_plain = repository.contains('/') && repository.bytes().all(is_path);
        is_plain.then(|| format!("{source}/{path}/{revision}"))
    }
}

/// A full Git commit, by SHA-1 or SHA-256.
fn is_commit(revision: &str) -> bool {
    [40, 64].contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl ReleaseOrder {
    /// Whether `self` comes strictly before `other`.
    pub fn older_than(&self, other: &ReleaseOrder) -> bool {
        let by_version = match (self.semver(), other.semver()) {
            (Some(own), Some(others)) => own.cmp(&others),
            _ => Ordering::Equal,
        };
        by_version.then(self.built_at.cmp(&other.built_at)).is_lt()
    }

    /// The version of the tag, whichever time it was pushed (`v1.2.3#2`).
    fn semver(&self) -> Option<semver::Version> {
        let tag = self.version.as_str().split('#').next().unwrap_or_default();
        version_of(&Tag::new(tag))
    }

    /// The later time of both under the higher version, or under the later name if there is none.
    fn joined(self, other: ReleaseOrder) -> ReleaseOrder {
        let built_at = self.built_at.max(other.built_at);
        let newer = if self.older_than(&other) { other } else { self };
        ReleaseOrder { built_at, ..newer }
    }
}

impl From<ReleaseOrder> for Newest {
    fn from(mark: ReleaseOrder) -> Self {
        Self { version: mark.version, built_at: mark.built_at, other: None }
    }
}

impl Newest {
    /// One of these that `mark` is older than; `None`: it is older than neither.
    pub fn beyond(&self, mark: &ReleaseOrder) -> Option<ReleaseOrder> {
        self.marks().find(|known| mark.older_than(known))
    }

    /// Whether `mark` is newer than neither of these.
    pub fn covers(&self, mark: &ReleaseOrder) -> bool {
        self.marks().any(|known| !known.older_than(mark))
    }

    /// Whether these already include `mark`, so that it would change nothing.
    pub(crate) fn knows(&self, mark: &ReleaseOrder) -> bool {
        let mut with = self.clone().with(mark.clone()).marks();
        with.all(|mark| self.marks().any(|known| known == mark))
    }

    /// The same with another release, which was seen last.
    #[must_use]
    pub fn with(self, mark: ReleaseOrder) -> Self {
        let (own, other) = (self.order(), self.other);
        let alike = own.semver().is_some() == mark.semver().is_some();
        let (joined, other) = match (alike, other) {
            (true, other) => (own.joined(mark), other),
            (false, Some(known)) => (known.joined(mark), Some(own)),
            (false, None) => (mark, Some(own)),
        };
        Self { version: joined.version, built_at: joined.built_at, other }
    }

    /// The same without versions: the next release has to be later, whatever its version is.
    #[must_use]
    pub fn by_time(&self) -> Self {
        let marks = self.marks().map(|mark| match mark.semver() {
            // No tag has this form, so it is compared by time.
            Some(_) => {
                ReleaseOrder { version: Version::new(format!("{} by time", mark.version)), ..mark }
            }
            None => mark,
        });
        marks.reduce(ReleaseOrder::joined).map_or_else(|| self.clone(), Self::from)
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = ReleaseOrder> + use<> {
        [Some(self.order()), self.other.clone()].into_iter().flatten()
    }

    fn order(&self) -> ReleaseOrder {
        ReleaseOrder { version: self.version.clone(), built_at: self.built_at }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version.fmt(f)
    }
}

/// Whether both are the same images. Under other names the digests count: a spec may rename an image
/// whose digest is live, or marked as failed.
pub(crate) fn same_images(
    own: &BTreeMap<ImageName, Digest>,
    other: &BTreeMap<ImageName, Digest>,
) -> bool {
    fn digests(images: &BTreeMap<ImageName, Digest>) -> Vec<&Digest> {
        let mut digests: Vec<_> = images.values().collect();
        digests.sort();
        digests
    }
    match own.keys().eq(other.keys()) {
        true => own == other,
        false => digests(own) == digests(other),
    }
}
