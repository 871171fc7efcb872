//! Which tags start a deployment.

use pipeline::names::Tag;
use pipeline::spec::{TagPattern, version_of};

fn check(pattern: &TagPattern, meant: &[&str], not_meant: &[&str]) {
    for tag in meant {
        assert!(pattern.matches(&Tag::from(*tag)), "{pattern:?} means {tag}");
    }
    for tag in not_meant {
        assert!(!pattern.matches(&Tag::from(*tag)), "{pattern:?} does not mean {tag}");
    }
}

#[test]
fn a_moving_tag_is_only_itself() {
    check(&TagPattern::Moving("latest".into()), &["latest"], &["latest-2", "staging-latest", ""]);
}

#[test]
fn a_glob_is_matched_whole() {
    let sha = TagPattern::Glob("[0-9a-f]*".into());
    check(&sha, &["3f2a9c1", "0"], &["v1.2.3", "staging-latest", "production-latest", ""]);
    check(&TagPattern::Glob("v{1,2}.*".into()), &["v1.0", "v2."], &["v3.0", "xv1.0"]);
    check(&TagPattern::Glob("main-???????".into()), &["main-3f2a9c1"], &["main-3f", "dev-3f2a9c1"]);
}

#[test]
fn a_range_means_versions_with_or_without_v() {
    let range = TagPattern::Semver(">=1.2, <2".into());
    check(&range, &["1.2.0", "v1.9.3"], &["2.0.0", "v1.3.0-rc.1", "1.2", "vv1.2.0", "3f2a9c1"]);
}

#[test]
fn a_range_with_pre_releases_means_those_of_its_versions() {
    let range = TagPattern::SemverPre(">=1.2, <2".into());
    check(
        &range,
        &["1.2.0", "v1.2.0-rc.1", "v1.3.0-rc.1", "1.9.3-alpha.2"],
        &["2.0.0", "v2.0.0-rc.1", "v1.1.9-rc.1", "1.2", "3f2a9c1"],
    );
    let from_rc_2 = TagPattern::SemverPre(">=1.2.0-rc.2".into());
    check(&from_rc_2, &["v1.2.0-rc.2", "v1.2.0", "v1.2.1-rc.1"], &["v1.2.0-rc.1", "v1.1.0"]);
    check(&TagPattern::SemverPre("*".into()), &["v0.1.0-dev", "7.0.0"], &["latest"]);
}

#[test]
fn a_version_is_read_from_its_tag() {
    let version = |tag: &str| version_of(&Tag::from(tag)).map(|version| version.to_string());
    assert_eq!(version("v1.4.2"), Some("1.4.2".into()));
    assert_eq!(version("1.4.2-rc.1"), Some("1.4.2-rc.1".into()));
    assert_eq!(version("latest"), None);
    assert_eq!(version("v"), None);
}
