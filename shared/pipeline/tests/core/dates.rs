//! What is known of images besides their push: the build date of a release, and the digest of a
//! tag.

use super::fixtures::digest;
use super::pushes::{MOVING, heard, push, shop, take_in};
use super::scene::at;
use expect_test::expect;
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::push::{Candidate, Details, Push};
use pipeline::release::{Origin, Release};
use pipeline::time::Time;

fn built(image: &str, tag: &str, digest: &str, pushed_at: Time, details: Details) -> Push {
    Push { details, ..push(image, tag, digest, pushed_at) }
}

fn said(built_at: u64, image_pushed_at: u64) -> Details {
    let (built_at, image_pushed_at) = (Some(at(built_at)), Some(at(image_pushed_at)));
    Details { built_at, image_pushed_at, ..Details::default() }
}

/// What was offered last.
fn offered(candidate: &Candidate) -> &Release {
    let offers = candidate.outbox.entries().iter().rev().find_map(|entry| match &entry.effect {
        Effect::Offer { request, .. } => Some(&request.release),
        _ => None,
    });
    offers.unwrap()
}

#[test]
fn trap_25_a_release_is_as_old_as_its_images_say_if_that_can_be_true() {
    let spec = shop(&[]);
    let built_at = |told: [Option<Time>; 2]| {
        let pushes = [("api", "a1"), ("web", "w1")].into_iter().zip(told);
        let pushes = pushes.map(|((image, digest), built_at)| {
            built(image, "b1", digest, at(60), Details { built_at, ..Details::default() })
        });
        offered(&take_in(&spec, &pushes.collect::<Vec<_>>())[0]).built_at
    };
    assert_eq!(built_at([Some(at(5)), Some(at(7))]), at(7));
    // A reproducible build says 1970 or 1980, another clock says tomorrow, one says nothing.
    assert_eq!(built_at([Some(Time::default()), Some(at(7))]), at(60));
    assert_eq!(built_at([Some(Time::from_millis(315_532_800_000)), Some(at(7))]), at(60));
    assert_eq!(built_at([Some(at(24 * 60)), Some(at(7))]), at(60));
    assert_eq!(built_at([None, Some(at(7))]), at(60));
    // A clock that is slightly ahead still counts.
    assert_eq!(built_at([Some(at(61)), Some(at(7))]), at(60));
}

#[test]
fn what_an_image_says_of_its_build_is_believed_if_it_can_be_true() {
    let spec = shop(&[MOVING]);
    let year_2014 = 1_388_534_400_000;
    let pushed_at = at(60);
    let told = |millis: u64| {
        let details = Details { built_at: Some(Time::from_millis(millis)), ..Details::default() };
        offered(&take_in(&spec, &[built("api", "latest", "a1", pushed_at, details)])[0])
            .images_built_at
    };
    assert_eq!(told(year_2014 - 1), None);
    assert_eq!(told(year_2014), Some(Time::from_millis(year_2014)));
    assert_eq!(told(pushed_at.millis()), Some(pushed_at));
    assert_eq!(told(pushed_at.millis() + 300_000), Some(pushed_at));
    assert_eq!(told(pushed_at.millis() + 300_001), None);
}

#[test]
fn a_tag_on_images_that_were_there_long_before_is_a_wish_of_its_own() {
    let spec = shop(&[]);
    let release = |api: Details, web: Details| {
        let pushes =
            [built("api", "b1", "a1", at(600), api), built("web", "b1", "w1", at(601), web)];
        offered(&take_in(&spec, &pushes)[0]).clone()
    };
    let tagged = release(said(5, 10), said(6, 10));
    assert_eq!((tagged.built_at, tagged.images_built_at), (at(600), Some(at(6))));
    // Tests took half an hour before the build's own tag was put on the images.
    assert_eq!(release(said(565, 570), said(566, 571)).built_at, at(566));
    // An hour is not long.
    assert_eq!(release(said(535, 540), said(536, 541)).built_at, at(536));
    assert_eq!(release(said(535, 539), said(536, 540)).built_at, at(600));
    // One image did not change, so the build put its tag on the old one.
    assert_eq!(release(said(595, 600), said(6, 10)).built_at, at(595));
}

#[test]
fn a_tag_that_is_moved_back_is_as_late_as_its_move() {
    let spec = shop(&[MOVING]);
    let pushes = [
        built("api", "latest", "a1", at(10), said(9, 10)),
        built("api", "latest", "a2", at(200), said(199, 200)),
        built("api", "latest", "a1", at(300), said(9, 10)),
    ];
    let heard: String = take_in(&spec, &pushes).iter().map(heard).collect();
    expect![[r#"
        staging: latest@a10000000000 (api=a10000000000), built 2026-01-01T00:09:00Z
        staging: latest@a10000000000#2 (api=a10000000000), built 2026-01-01T05:00:00Z
        staging: latest@a20000000000 (api=a20000000000), built 2026-01-01T03:19:00Z
    "#]]
    .assert_eq(&heard);
}

#[test]
fn an_older_build_that_moves_the_tag_last_is_as_old_as_it_says() {
    let spec = shop(&[MOVING]);
    let pushes = [
        built("api", "latest", "a2", at(20), said(15, 20)),
        built("api", "latest", "a1", at(25), said(10, 25)),
    ];
    let heard: String = take_in(&spec, &pushes).iter().map(heard).collect();
    expect![[r#"
        staging: latest@a20000000000 (api=a20000000000), built 2026-01-01T00:15:00Z
        staging: latest@a10000000000 (api=a10000000000), built 2026-01-01T00:10:00Z
    "#]]
    .assert_eq(&heard);
}

/// Two pushes of one tag within a second, reported in the wrong order: ECR's events have only
/// seconds. The registry knows the current one.
#[test]
fn the_registry_says_which_of_two_pushes_in_one_second_was_the_last() {
    let spec = shop(&[]);
    let pushes = [
        push("web", "b1", "w1", at(1)),
        push("api", "b1", "a2", at(1)),
        push("api", "b1", "a1", at(1)),
    ];
    let mut candidate = take_in(&spec, &pushes).remove(0);
    assert_eq!(candidate.images[&"api".into()].digest, digest("a1"));
    let asked = |text: &str, minutes| {
        let details = Details { asked_at: Some(at(minutes)), ..Details::default() };
        built("api", "b1", text, at(1), details)
    };
    let now = at(20);
    assert_eq!(candidate.pushed(&"api".into(), &asked("a2", 16), &spec, now), Reply::Done);
    assert_eq!(candidate.images[&"api".into()].digest, digest("a2"));
    // What it said earlier, and what the late event says, is history.
    for late in [asked("a1", 15), push("api", "b1", "a1", at(1))] {
        let said = candidate.pushed(&"api".into(), &late, &spec, now);
        assert_eq!(said, Reply::Ignored("the tag has moved".into()));
    }
    // A push after that is news.
    let moved = push("api", "b1", "a3", at(17));
    assert_eq!(candidate.pushed(&"api".into(), &moved, &spec, now), Reply::Done);
}

#[test]
fn a_release_comes_from_the_commit_that_all_its_images_name() {
    let spec = shop(&[]);
    let origin = |revisions: [Option<&str>; 2]| {
        let pushes = [("api", "a1"), ("web", "w1")].into_iter().zip(revisions);
        let pushes = pushes.map(|((image, digest), revision)| {
            let source = Some("https://github.com/acme/shop".to_owned());
            let origin = Origin { revision: revision.map(str::to_owned), source };
            built(image, "b1", digest, at(60), Details { origin, ..Details::default() })
        });
        offered(&take_in(&spec, &pushes.collect::<Vec<_>>())[0]).origin.clone()
    };
    let commit = "3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    let both = origin([Some(commit), Some(commit)]);
    assert_eq!(both.revision.as_deref(), Some(commit));
    assert_eq!(both.short_revision(), Some("3f2a9c1d5e6f"));
    assert_eq!(both.source.as_deref(), Some("https://github.com/acme/shop"));
    assert_eq!(origin([Some(commit), None]).short_revision(), Some("3f2a9c1d5e6f"));
    let different = origin([Some(commit), Some("r4711")]);
    assert_eq!((different.revision, different.source.is_some()), (None, true));
    assert_eq!(origin([Some("r4711"), None]).short_revision(), Some("r4711"));
}

#[test]
fn the_source_of_a_release_is_shown_with_a_page_if_there_is_one() {
    let commit = "3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d";
    let text = |revision: Option<&str>, source: Option<&str>| {
        let [revision, source] = [revision, source].map(|said| said.map(str::to_owned));
        Origin { revision, source }.text().unwrap_or_default()
    };
    let mut told = format!("{}\n{}\n", text(None, None), text(None, Some("some place")));
    told += &format!("{}\n{}\n", text(Some("r4711"), None), text(Some(commit), None));
    for source in [
        "https://github.com/acme/shop",
        "https://github.com/acme/shop.git",
        "https://github.com/acme/shop/",
        "https://gitlab.com/acme/web/shop",
        "https://git.example/acme/shop",
        "http://github.com/acme/shop",
        "https://github.com/acme",
        "https://github.com/acme/a b",
        "https://github.com",
    ] {
        told += &format!("{}\n", text(Some(commit), Some(source)));
    }
    for revision in ["r4711", &commit[1..], &format!("{}g", &commit[1..]), &commit.repeat(2)[..64]]
    {
        told += &format!("{}\n", text(Some(revision), Some("https://github.com/acme/shop")));
    }
    let known = Origin { revision: Some("r4711".into()), source: Some("some place".into()) };
    assert!(known.facts().eq([("revision", "r4711"), ("source", "some place")]));
    assert!(Origin { revision: None, ..known }.facts().eq([("source", "some place")]));
    expect![[r#"

        some place
        commit r4711
        commit 3f2a9c1d5e6f
        commit 3f2a9c1d5e6f (https://github.com/acme/shop/commit/3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d)
        commit 3f2a9c1d5e6f (https://github.com/acme/shop/commit/3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d)
        commit 3f2a9c1d5e6f (https://github.com/acme/shop/commit/3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d)
        commit 3f2a9c1d5e6f (https://gitlab.com/acme/web/shop/-/commit/3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d)
        commit 3f2a9c1d5e6f of https://git.example/acme/shop
        commit 3f2a9c1d5e6f of http://github.com/acme/shop
        commit 3f2a9c1d5e6f of https://github.com/acme
        commit 3f2a9c1d5e6f of https://github.com/acme/a b
        commit 3f2a9c1d5e6f of https://github.com
        commit r4711 of https://github.com/acme/shop
        commit f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d of https://github.com/acme/shop
        commit f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4dg of https://github.com/acme/shop
        commit 3f2a9c1d5e6f (https://github.com/acme/shop/commit/3f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d3f2a9c1d5e6f708192a3b4c5)
    "#]].assert_eq(&told);
}

#[test]
fn of_one_version_that_is_pushed_again_the_later_is_newer() {
    let mark = |version: &str, minutes| pipeline::release::ReleaseOrder {
        version: version.into(),
        built_at: at(minutes),
    };
    let older = |one: (&str, u64), other: (&str, u64)| {
        mark(one.0, one.1).older_than(&mark(other.0, other.1))
    };
    assert!(older(("v1.2.3", 1), ("v1.2.3#2", 2)));
    assert!(!older(("v1.2.3#2", 2), ("v1.2.3", 1)));
    assert!(!older(("v1.2.3", 1), ("1.2.3", 1)));
    assert!(older(("v1.2.3", 2), ("v1.2.4", 1)));
    assert!(!older(("v1.2.4", 1), ("v1.2.3", 2)));
    assert!(older(("v1.2.3", 1), ("b1", 2)));
    assert!(!older(("b1", 2), ("v1.2.3", 2)));
}

#[test]
fn what_images_say_of_themselves_and_what_could_not_be_read_is_stored() {
    let spec = shop(&[]);
    let origin = Origin { revision: Some("r4711".into()), source: None };
    let api = Details { origin, ..said(5, 60) };
    for unread in [false, true] {
        let web = Details { unread, ..Details::default() };
        let pushes =
            [built("api", "b1", "a1", at(60), api.clone()), built("web", "b1", "w1", at(60), web)];
        let candidate = take_in(&spec, &pushes).remove(0);
        let stored = serde_json::to_string(&candidate).unwrap();
        assert_eq!(serde_json::from_str::<Candidate>(&stored).unwrap(), candidate);
        let release = offered(&candidate);
        assert_eq!((release.unread, release.images_built_at), (unread, None));
        assert_eq!(release.origin.revision.as_deref(), Some("r4711"));
        assert!(!release.origin.is_unknown() && Origin::default().is_unknown());
    }
}
