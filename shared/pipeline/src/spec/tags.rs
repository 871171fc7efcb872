//! Which tags are releases.

use super::model::TagPattern;
use crate::names::Tag;
use fast_glob::ErrorKind;
use semver::{Version, VersionReq};

const GLOB_CHARACTERS: [char; 4] = ['*', '?', '[', '{'];

impl TagPattern {
    /// Reads an entry of `deploy_on.tags`; the error is the rest of a sentence about it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(range) = text.strip_prefix("semver-pre:") {
            return check_range(range, "semver-pre").map(Self::SemverPre);
        }
        if let Some(range) = text.strip_prefix("semver:") {
            return check_range(range, "semver").map(Self::Semver);
        }
        if !text.contains(GLOB_CHARACTERS) {
            return super::syntax::tag(text).map(|()| Self::Moving(text.into()));
        }
        check_glob(text).map(|()| Self::Glob(text.to_owned()))
    }

    /// Returns whether a push of `tag` matches.
    pub fn matches(&self, tag: &Tag) -> bool {
        match self {
            Self::Moving(moving) => moving == tag,
            Self::Glob(glob) => fast_glob::glob_match(glob, tag.as_str()),
            Self::Semver(range) => match (VersionReq::parse(range), version_of(tag)) {
                (Ok(range), Some(version)) => range.matches(&version),
                _ => false,
            },
            Self::SemverPre(range) => match (VersionReq::parse(range), version_of(tag)) {
                (Ok(range), Some(version)) => matches_with_pre_releases(&range, &version),
                _ => false,
            },
        }
    }
}

/// A pre-release matches if the version that it leads to is in the range. A range that names a
/// pre-release of that very version itself sets the first one.
fn matches_with_pre_releases(range: &VersionReq, version: &Version) -> bool {
    let leads_to = Version::new(version.major, version.minor, version.patch);
    let is_named = range.comparators.iter().any(|comparator| {
        let (minor, patch) = (comparator.minor, comparator.patch);
        let named = (comparator.major, minor.unwrap_or(0), patch.unwrap_or(0));
        !comparator.pre.is_empty() && named == (version.major, version.minor, version.patch)
    });
    range.matches(version) || (!is_named && range.matches(&leads_to))
}

/// Returns the semantic version that a tag is; one leading `v` is allowed.
pub fn version_of(tag: &Tag) -> Option<Version> {
    let text = tag.as_str();
    Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

fn check_range(range: &str, kind: &str) -> Result<String, String> {
    let range = range.trim();
    match VersionReq::parse(range) {
        Ok(_) => Ok(range.to_owned()),
        Err(error) => Err(format!("is not a range of versions ({error}); write {kind}:>=1.2, <2")),
    }
}

fn check_glob(text: &str) -> Result<(), String> {
    const MOST: usize = 128;
    if text.len() > MOST {
        return Err(format!("is too long; a pattern has at most {MOST} characters"));
    }
    if text.starts_with('!') {
        return Err(
            "is negated, which is not supported; write patterns of the tags to deploy".to_owned()
        );
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.*?[]{},!^".contains(c);
    if !text.chars().all(allowed) {
        return Err(
            "has characters that no tag has; write a pattern such as v* or [0-9a-f]*".to_owned()
        );
    }
    let unopened = text.matches('}').count() > text.matches('{').count();
    let wrong = match fast_glob::validate(text).map_err(|error| error.kind) {
        Ok(()) if !unopened => return Ok(()),
        Ok(()) => "has a } that was never opened",
        Err(ErrorKind::UnclosedBrace) => "has a { that is never closed",
        Err(ErrorKind::UnclosedBracket) => "has a [ that is never closed",
        Err(_) => "has too many braces",
    };
    Err(format!("{wrong}; write a pattern such as v{{1,2}}.* or [0-9a-f]*"))
}
