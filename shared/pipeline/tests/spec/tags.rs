//! Which tags start a deployment.

use crate::names::{answers, with};
use expect_test::expect;
use pipeline::names::Tag;
use pipeline::spec::{TagPattern, parse, version_of};

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

#[test]
fn patterns_that_no_tag_could_match_are_refused() {
    let spec = |pattern: &str| with(&format!("deploy_on: {{tags: ['{pattern}']}}"));
    let long = format!("{}*", "a".repeat(127));
    let patterns = [
        "latest",
        "-latest",
        "v*",
        "v{1,2}.*",
        "v{1,{2,3}}",
        "main-???????",
        "[!a-f]*",
        "[^a-f]*",
        "!v*",
        "v*/x",
        "v *",
        "größe*",
        "v*}",
        "v{1}}",
        "{v}1}*",
        "v{1",
        "v[1",
        "v{1}[",
        &"{".repeat(20),
        &format!("{}a{}", "{a,".repeat(12), "}".repeat(12)),
        &long,
        &format!("a{long}"),
        "semver:*",
        "semver:>=1.2, <2",
        "semver:1.x",
        "semver:",
        "semver:v1",
        "semver-pre:>=1.2",
        "semver-pre:one",
    ];
    expect![[r#"
        latest: read
        -latest: "-latest" is not an image tag; write at most 128 letters, digits, -, _ and .
        v*: read
        v{1,2}.*: read
        v{1,{2,3}}: read
        main-???????: read
        [!a-f]*: read
        [^a-f]*: read
        !v*: "!v*" is negated, which is not supported; write patterns of the tags to deploy
        v*/x: "v*/x" has characters that no tag has; write a pattern such as v* or [0-9a-f]*
        v *: "v *" has characters that no tag has; write a pattern such as v* or [0-9a-f]*
        größe*: "größe*" has characters that no tag has; write a pattern such as v* or [0-9a-f]*
        v*}: "v*}" has a } that was never opened; write a pattern such as v{1,2}.* or [0-9a-f]*
        v{1}}: "v{1}}" has a } that was never opened; write a pattern such as v{1,2}.* or [0-9a-f]*
        {v}1}*: "{v}1}*" has a } that was never opened; write a pattern such as v{1,2}.* or [0-9a-f]*
        v{1: "v{1" has a { that is never closed; write a pattern such as v{1,2}.* or [0-9a-f]*
        v[1: "v[1" has a [ that is never closed; write a pattern such as v{1,2}.* or [0-9a-f]*
        v{1}[: "v{1}[" has a [ that is never closed; write a pattern such as v{1,2}.* or [0-9a-f]*
        {{{{{{{{{{{{{{{{{{{{: "{{{{{{{{{{{{{{{{{{{{" has too many braces; write a pattern such as v{1,2}.* or [0-9a-f]*
        {a,{a,{a,{a,{a,{a,{a,{a,{a,{a,{a,{a,a}}}}}}}}}}}}: "{a,{a,{a,{a,{a,{a,{a,{a,{a,{a,{a,{a,a}}}}}}}}}}}}" has too many braces; write a pattern such as v{1,2}.* or [0-9a-f]*
        128 letters: read
        129 letters: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" is too long; a pattern has at most 128 characters
        semver:*: read
        semver:>=1.2, <2: read
        semver:1.x: read
        semver:: "semver:" is not a range of versions (unexpected end of input while parsing major version number); write semver:>=1.2, <2
        semver:v1: "semver:v1" is not a range of versions (unexpected character 'v' while parsing major version number); write semver:>=1.2, <2
        semver-pre:>=1.2: read
        semver-pre:one: "semver-pre:one" is not a range of versions (unexpected character 'o' while parsing major version number); write semver-pre:>=1.2, <2
    "#]].assert_eq(&answers(spec, &patterns));
}

#[test]
fn a_range_is_kept_without_the_blanks_around_it() {
    let spec = with("deploy_on: {tags: ['semver: >=1.2 ', 'semver-pre: <2 ']}");
    let application = parse(&spec).unwrap();
    let deploy_on = application.environments[&"b".into()].deploy_on.clone().unwrap();
    assert_eq!(
        deploy_on.tags,
        [TagPattern::Semver(">=1.2".into()), TagPattern::SemverPre("<2".into())]
    );
}
