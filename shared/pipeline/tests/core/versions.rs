//! Which version a person means: one rule for all requests.

use super::fixtures::{PLAIN, Story};
use expect_test::expect;
use pipeline::names::Version;
use pipeline::release::{Meant, meant};
use pipeline::spec::{Base, render};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn only_the_digits_of_a_commit_or_a_digest_may_be_cut_short() {
    for (typed, version) in [
        ("7b41", "7b41d0e"),
        ("sha-7b41", "sha-7b41d0e"),
        ("main-7b41d0", "main-7b41d0ea91"),
        ("latest@4421", "latest@4421833041ed"),
        ("v1.4.1#2", "v1.4.1#2"),
        ("20261121090000", "20261121090000"),
    ] {
        assert!(Version::new(version).is_meant_by(typed), "{typed} for {version}");
    }
    for (typed, version) in [
        ("7b4", "7b41d0e"),
        ("", "7b41d0e"),
        ("latest", "latest@4421833041ed"),
        ("latest@442", "latest@4421833041ed"),
        ("7b41", "sha-7b41d0e"),
        ("main-beef", "main-beef1"),
        ("v1.4.1", "v1.4.10"),
        ("v1.4.1", "v1.4.1#2"),
        ("v1.4", "v1.4.1"),
        ("v1.4.1-beef", "v1.4.1-beef123"),
        ("7b41d0e", "7b41d0e#2"),
        ("2026", "20261121090000"),
    ] {
        assert!(!Version::new(version).is_meant_by(typed), "{typed} for {version}");
    }
}

#[test]
fn an_exact_version_takes_precedence_over_a_prefix() {
    let known = ["3f2a9c1d", "3f2a9c1", "0a1b2c3", "0a1b9d9", "3f2a9c1"].map(Version::new);
    let means = |typed: &str| match meant(typed, known.iter().zip(1..)) {
        Meant::One(number) => format!("{typed}: number {number}\n"),
        Meant::Several(versions) => format!("{typed}: any of {versions:?}\n"),
        Meant::Nothing => format!("{typed}: nothing\n"),
    };
    let told = ["3f2a9c1", "3f2a9c1d", "0a1b2", "0a1b", "3f2a", "b"].map(means).concat();
    expect![[r#"
        3f2a9c1: number 2
        3f2a9c1d: number 1
        0a1b2: number 3
        0a1b: any of [Version("0a1b2c3"), Version("0a1b9d9")]
        3f2a: any of [Version("3f2a9c1d"), Version("3f2a9c1")]
        b: nothing
    "#]]
    .assert_eq(&told);
}

/// What a service is made from, if the spec has these parameters.
fn rendered(parameters: &[(&str, &str)]) -> String {
    let mut story = Story::begin(&PLAIN);
    let entries = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    story.deployment.rules.waves[0][0].base = Base::Template {
        definition: json!({"name": "RELEASE", "value": "shop ${version}"}),
        parameters: entries.collect::<BTreeMap<_, _>>(),
    };
    match &story.deployment.preparation().services[0].spec.base {
        Base::Template { definition, parameters } => {
            render(definition, parameters).unwrap().to_string()
        }
        _ => "no template".into(),
    }
}

#[test]
fn a_template_may_name_the_version_of_the_release() {
    expect![[r#"{"name":"RELEASE","value":"shop b1"}"#]].assert_eq(&rendered(&[]));
    expect![[r#"{"name":"RELEASE","value":"shop of the team"}"#]]
        .assert_eq(&rendered(&[("version", "of the team")]));
}

#[test]
fn pre_flight_is_given_every_image_of_the_release_by_its_repository() {
    let images = Story::begin(&PLAIN).deployment.preparation().images;
    let images =
        images.iter().map(|(repository, digest)| format!("{repository} {}", digest.short()));
    expect!["shop-api api-b1-00000, shop-web web-b1-00000"]
        .assert_eq(&images.collect::<Vec<_>>().join(", "));
}
