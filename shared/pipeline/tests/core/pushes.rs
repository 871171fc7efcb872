//! Pushes, and the one offer that they make up.

use super::fixtures::{START, digest, spec};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::names::{ImageName, Tag};
use pipeline::notice::News;
use pipeline::push::{Candidate, Details, KEEP_PREFIX, Push};
use pipeline::spec::Application;
use pipeline::time::{Span, Time};
use proptest::prelude::*;

pub(super) const MOVING: (&str, &str) = ("deploy_on", "{tags: [latest], images: [api]}");

pub(super) fn shop(changes: &[(&str, &str)]) -> Application {
    let mut spec = spec(changes);
    // Only staging deploys automatically here.
    spec.environments.remove(&"dev".into());
    spec
}

pub(super) fn push(image: &str, tag: &str, digest_text: &str, pushed_at: Time) -> Push {
    Push {
        repository: format!("shop-{image}").as_str().into(),
        digest: digest(digest_text),
        tag: (!tag.is_empty()).then(|| Tag::from(tag)),
        artifact_media_type: Some("application/vnd.docker.container.image.v1+json".into()),
        pushed_at,
        details: Details::default(),
    }
}

/// Takes in pushes as they come, each into the candidate that it belongs to.
pub(super) fn take_in(spec: &Application, pushes: &[Push]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for push in pushes {
        for belongs in push.belongs(spec).unwrap_or_default() {
            if candidates.iter().all(|candidate| candidate.version != belongs.version) {
                candidates.push(Candidate::new(spec.application.clone(), &belongs, push));
            }
            let candidate = candidates.iter_mut().find(|c| c.version == belongs.version).unwrap();
            candidate.pushed(&belongs.image, push, spec, push.pushed_at);
        }
    }
    candidates
}

/// What was offered, and what was reported.
pub(super) fn heard(candidate: &Candidate) -> String {
    let lines = candidate.outbox.entries().iter().map(|entry| match &entry.effect {
        Effect::Offer { environment, request } => {
            let images = request.release.images.iter();
            let images: Vec<_> =
                images.map(|(image, digest)| format!("{image}={}", digest.short())).collect();
            format!(
                "{environment}: {} ({}), built {}\n",
                request.release.version,
                images.join(" "),
                request.release.built_at
            )
        }
        Effect::Announce(notice) => match &notice.news {
            News::Incomplete { missing } => {
                format!("{}: still without {missing:?}\n", notice.place)
            }
            news => format!("{news:?}\n"),
        },
        effect => format!("{effect:?}\n"),
    });
    lines.collect()
}

#[test]
fn a_release_is_offered_when_its_last_image_is_there() {
    let spec = shop(&[]);
    let [candidate] = &take_in(&spec, &[push("api", "b1", "a1", at(1))])[..] else {
        panic!("one release")
    };
    assert_eq!(heard(candidate), "");
    let both = [push("api", "b1", "a1", at(1)), push("web", "b1", "w1", at(3))];
    expect![[r#"
        staging: b1 (api=a10000000000 web=w10000000000), built 2026-01-01T00:01:00Z
    "#]]
    .assert_eq(&heard(&take_in(&spec, &both)[0]));
}

#[test]
fn trap_22_noise_belongs_to_no_release() {
    let spec = shop(&[]);
    let signature = format!("sha256-{}.sig", "a".repeat(64));
    let chart = Push {
        artifact_media_type: Some("application/vnd.cncf.helm.config.v1+json".into()),
        ..push("api", "b1", "c1", at(1))
    };
    let cases = [
        ("a child of an index", push("api", "", "c1", at(1))),
        ("an empty tag", Push { tag: Some("".into()), ..push("api", "b1", "c1", at(1)) }),
        ("a signature", push("api", &signature, "c1", at(1))),
        ("a chart", chart),
        ("trap 24: our own tag", push("api", &format!("{KEEP_PREFIX}shop-staging-7"), "c1", at(1))),
        ("another tag", push("api", "release-1", "c1", at(1))),
        (
            "another repository",
            Push { repository: "cron".into(), ..push("api", "b1", "c1", at(1)) },
        ),
    ];
    let lines = cases.map(|(name, push)| format!("{name}: {}\n", push.belongs(&spec).unwrap_err()));
    expect![[r#"
        a child of an index: no tag: part of an index, or an attestation
        an empty tag: no tag: part of an index, or an attestation
        a signature: not a container image: a signature, a chart or the like
        a chart: not a container image: a signature, a chart or the like
        trap 24: our own tag: Slipway's own tag
        another tag: no environment deploys on tag release-1
        another repository: no environment deploys on tag b1
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn an_image_that_an_environment_does_not_wait_for_belongs_to_no_release_of_it() {
    let spec = shop(&[("deploy_on", "{tags: [\"b*\"], images: [api]}")]);
    assert!(push("api", "b1", "a1", at(1)).belongs(&spec).is_ok());
    let said = push("web", "b1", "w1", at(1)).belongs(&spec);
    assert_eq!(said, Err("no environment deploys on tag b1".into()));
}

#[test]
fn an_attachment_of_an_image_is_recognized_by_its_tag() {
    let spec = shop(&[("deploy_on", "{tags: [\"*\"], images: [api]}")]);
    let is_release = |tag: &str| push("api", tag, "a1", at(1)).belongs(&spec).is_ok();
    let (hex, other) = ("0aF".repeat(21) + "0", "g".repeat(64));
    for attached in [format!("sha256-{hex}"), format!("sha256-{hex}.att.1")] {
        assert!(!is_release(&attached), "{attached}");
    }
    for tag in
        [&hex, &format!("sha256-{other}"), &format!("sha256-{hex}0"), "sha256-", "sha256-.sig"]
    {
        assert!(is_release(tag), "{tag}");
    }
}

#[test]
fn the_registrys_media_type_distinguishes_an_image_from_a_chart() {
    let spec = shop(&[]);
    let is_release = |media_type: Option<&str>| {
        let artifact_media_type = media_type.map(str::to_owned);
        Push { artifact_media_type, ..push("api", "b1", "a1", at(1)) }.belongs(&spec).is_ok()
    };
    assert!(is_release(None) && is_release(Some("")));
    assert!(is_release(Some("application/vnd.oci.image.config.v1+json")));
    assert!(is_release(Some("application/vnd.docker.container.image.v1+json")));
    assert!(!is_release(Some("application/vnd.dev.cosign.simplesigning.v1+json")));
}

/// A tag may move for one environment and be a release of its own for another.
#[test]
fn each_environment_is_offered_what_its_own_pattern_means() {
    let spec = spec(&[("deploy_on", "{tags: [beta], images: [api]}")]);
    let mut candidates = take_in(&spec, &[push("api", "beta", "a1", at(1))]);
    let told: Vec<_> = candidates.iter().map(|one| (one.version.as_str(), heard(one))).collect();
    expect![[r#"
        [
            (
                "beta",
                "",
            ),
            (
                "beta@a10000000000",
                "staging: beta@a10000000000 (api=a10000000000), built 2026-01-01T00:01:00Z\n",
            ),
        ]"#]]
    .assert_eq(&format!("{told:#?}"));
    candidates.iter_mut().for_each(|candidate| candidate.outbox.keep(|_| false));
    let due: Vec<_> = candidates.iter().map(|candidate| candidate.due(&spec)).collect();
    assert_eq!(due, [Some(at(31)), None]);
}

/// Events have no more than seconds and come in any order, each perhaps twice.
#[test]
fn a_push_of_the_same_second_that_was_replaced_is_not_taken_again() {
    let spec = shop(&[]);
    let pushes = ["a1", "a2", "a3"].map(|digest| push("api", "b1", digest, at(1)));
    let mut candidate = take_in(&spec, &pushes).remove(0);
    for again in &pushes[..2] {
        let said = candidate.pushed(&"api".into(), again, &spec, at(1));
        assert_eq!(said, Reply::Ignored("the tag has moved".into()));
        assert!(!candidate.has(&"api".into(), &again.digest));
    }
    assert!(candidate.has(&"api".into(), &digest("a3")));
}

#[test]
fn a_moving_tag_is_a_release_for_every_digest() {
    let spec = shop(&[MOVING]);
    let pushes = [
        push("api", "latest", "a1", at(1)),
        push("api", "latest", "a2", at(2)),
        push("api", "latest", "a1", at(1)),
    ];
    let heard: String = take_in(&spec, &pushes).iter().map(heard).collect();
    expect![[r#"
        staging: latest@a10000000000 (api=a10000000000), built 2026-01-01T00:01:00Z
        staging: latest@a20000000000 (api=a20000000000), built 2026-01-01T00:02:00Z
    "#]]
    .assert_eq(&heard);
}

#[test]
fn a_tag_that_was_complete_and_is_pushed_again_is_whole_when_every_image_is_new() {
    let spec = shop(&[]);
    let first = [push("api", "b1", "a1", at(1)), push("web", "b1", "w1", at(1))];
    let again = [push("api", "b1", "a2", at(9)), push("web", "b1", "w2", at(9))];
    let all: Vec<Push> = first.into_iter().chain(again).collect();
    expect![[r#"
        staging: b1 (api=a10000000000 web=w10000000000), built 2026-01-01T00:01:00Z
        staging: b1#2 (api=a20000000000 web=w20000000000), built 2026-01-01T00:01:00Z
    "#]]
    .assert_eq(&heard(&take_in(&spec, &all)[0]));
}

#[test]
fn a_tag_of_which_one_image_is_pushed_again_is_whole_when_it_has_settled() {
    let spec = shop(&[]);
    let pushes = [
        push("api", "b1", "a1", at(1)),
        push("web", "b1", "w1", at(1)),
        push("api", "b1", "a2", at(9)),
    ];
    let mut candidate = take_in(&spec, &pushes).remove(0);
    assert_eq!(heard(&candidate).lines().count(), 1);
    candidate.outbox.keep(|_| false);
    assert_eq!(candidate.due(&spec), Some(at(11)));
    candidate.woken(&spec, at(10));
    assert_eq!(heard(&candidate), "");
    candidate.woken(&spec, at(11));
    expect![[r#"
        staging: b1#2 (api=a20000000000 web=w10000000000), built 2026-01-01T00:01:00Z
    "#]]
    .assert_eq(&heard(&candidate));
    candidate.outbox.keep(|_| false);
    assert_eq!(candidate.due(&spec), None);
}

#[test]
fn an_incomplete_release_is_reported_once_with_what_is_missing_and_offered_later() {
    let spec = shop(&[("deploy_on", "{tags: [\"[0-9a-f]*\"], images: all, patience: 30m}")]);
    let mut candidate = take_in(&spec, &[push("api", "b1", "a1", at(1))]).remove(0);
    assert_eq!(candidate.due(&spec), Some(at(31)));
    candidate.woken(&spec, at(30));
    assert_eq!(heard(&candidate), "");
    candidate.woken(&spec, at(31));
    candidate.woken(&spec, at(32));
    expect![[r#"
        shop/staging: still without [ImageName("web")]
    "#]]
    .assert_eq(&heard(&candidate));
    candidate.outbox.keep(|_| false);
    assert_eq!(candidate.due(&spec), None);
    candidate.pushed(&"web".into(), &push("web", "b1", "w1", at(60)), &spec, at(60));
    expect![[r#"
        staging: b1 (api=a10000000000 web=w10000000000), built 2026-01-01T00:01:00Z
    "#]]
    .assert_eq(&heard(&candidate));
}

#[test]
fn an_environment_waits_for_the_images_of_what_is_newer_than_all_it_has_seen() {
    let mut scene = Scene::new(&[]);
    let candidate = take_in(&scene.spec, &[push("api", "b2", "a1", at(2))]).remove(0);
    let waits = |scene: &Scene, candidate: &Candidate| candidate.awaited(&scene.spec, &scene.head);
    assert_eq!(waits(&scene, &candidate), Some(vec!["web".into()]));
    scene.push("b1", 1);
    assert_eq!(waits(&scene, &candidate), Some(vec!["web".into()]));
    scene.succeed();
    scene.push("b3", 3);
    assert_eq!(waits(&scene, &candidate), None);
    let both = [push("api", "b4", "a1", at(4)), push("web", "b4", "w1", at(4))];
    assert_eq!(waits(&scene, &take_in(&scene.spec, &both)[0]), None);
    let candidate = take_in(&scene.spec, &[push("api", "b4", "a1", at(4))]).remove(0);
    assert_eq!(waits(&scene, &candidate), Some(vec!["web".into()]));
    scene.leave_the_spec();
    assert_eq!(waits(&scene, &candidate), None);
}

#[test]
fn the_same_push_twice_is_one_push() {
    let spec = shop(&[]);
    let first = push("api", "b1", "a1", at(1));
    let mut candidate = take_in(&spec, std::slice::from_ref(&first)).remove(0);
    let before = candidate.clone();
    let said = candidate.pushed(&ImageName::from("api"), &first, &spec, at(2));
    assert_eq!(said, Reply::Ignored("duplicate push".into()));
    assert_eq!(candidate, before);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trap_22_pushes_in_any_order_and_number_make_one_offer(
        order in Just((0..9_usize).collect::<Vec<_>>()).prop_shuffle(),
        copies in 9..18_usize,
    ) {
        let spec = shop(&[]);
        let signature = format!("sha256-{}.sig", "a".repeat(64));
        let of_one_build = [
            push("api", "b1", "a1", at(3)),
            push("web", "b1", "w1", at(5)),
            push("api", "", "a1-amd64", at(1)),
            push("api", "", "a1-arm64", at(1)),
            push("api", "", "a1-attestation", at(2)),
            push("web", "", "w1-amd64", at(4)),
            push("api", &signature, "a1-signature", at(6)),
            push("web", "run-77", "w1", at(5)),
            push("api", &format!("{KEEP_PREFIX}shop-staging-1"), "a1", at(9)),
        ];
        let pushes: Vec<Push> = order.iter().cycle().take(copies).map(|index| of_one_build[*index].clone()).collect();
        let candidates = take_in(&spec, &pushes);
        prop_assert_eq!(candidates.len(), 1);
        let mut candidate = candidates[0].clone();
        candidate.woken(&spec, at(600));
        let expected = format!("staging: b1 (api={} web={}), built {}\n", digest("a1").short(), digest("w1").short(), at(3));
        prop_assert_eq!(heard(&candidate), expected);
        prop_assert!(START + Span::minutes(3) == at(3));
    }
}
