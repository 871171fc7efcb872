//! Traps C.3: images, tags and digests. Items as in `tests/conformance.md`.
//!
//! Left to the adapter: how ECS resolves a tag (18: we pin digests), whether an image is still
//! there or archived (20), reading a replica's event (23: it becomes the same push), what ECR
//! answers to the same tag again (24: here only that our own tags start nothing), and the
//! platform of an image (26).

use super::telling::*;
use expect_test::expect;
use pipeline::names::{Digest, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Span;
use simulation::behaviour::Behaviour;
use simulation::story::Story;

const FIRST: &str = "3f2a9c1";
const SECOND: &str = "7b41d0e";

fn push(story: &Story, repository: &str, digest: &str, tag: Option<&str>) -> Push {
    Push {
        repository: repository.into(),
        digest: Digest::new(format!("sha256:{digest}")),
        tag: tag.map(Tag::new),
        artifact_media_type: None,
        pushed_at: story.sim.now,
        details: Details::default(),
    }
}

#[test]
fn trap_19_rolling_back_from_a_moving_tag_goes_to_the_revision_that_was_recorded() {
    let mut story = story("wwhd");
    story.retag("monday", "latest").rest();
    story.behaves("backend", "tuesday", Behaviour::CrashesAfter(Span::minutes(1)));
    story.retag("tuesday", "latest").rest();
    check(
        &story,
        "production",
        &expect![[r#"
            latest@backend-mond succeeded
            latest@backend-tues rolled back: 3 tasks of wwhd-service failed: container app exited with 1, Essential container in task exited
            runs wwhd-service = wwhd-service:2 (backend-mond)
            hold by slipway: latest@backend-tues was rolled back: 3 tasks of wwhd-service failed: container app exited with 1, Essential container in task exited
        "#]],
    );
}

#[test]
fn trap_21_and_22_children_attestations_and_signatures_are_no_releases() {
    let mut story = story("scr");
    let signature = format!("sha256-{}.sig", "7".repeat(64));
    for repository in ["scr-api", "scr-ai-gateway", "scr-web"] {
        let child = push(&story, repository, "child", None);
        let empty = push(&story, repository, "attestation", Some(""));
        let signed = push(&story, repository, "signature", Some(&signature));
        let mut chart = push(&story, repository, "chart", Some("abc123"));
        chart.artifact_media_type = Some("application/vnd.cncf.helm.config.v1+json".into());
        story.push_event(child).push_event(empty).push_event(signed).push_event(chart);
    }
    story.rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        runs scr-api = scr-api:1 (first-scr-ap)
        runs scr-ai-gateway = scr-ai-gateway:1 (first-scr-ai)
        runs scr-web = scr-web:1 (first-scr-we)
    "#]],
    );
}

#[test]
fn trap_22_several_tags_on_one_digest_are_one_release_in_each_environment() {
    let mut story = story("scr");
    story.push(FIRST).retag(FIRST, "staging-latest").retag(FIRST, FIRST).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 succeeded
        runs scr-api = scr-api:2 (api-3f2a9c1)
        runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
        runs scr-web = scr-web:2 (web-3f2a9c1)
    "#]],
    );
}

#[test]
fn trap_22_a_second_commit_with_the_same_bytes_changes_nothing() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.retag(FIRST, SECOND).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
        3f2a9c1 succeeded
        runs scr-api = scr-api:2 (api-3f2a9c1)
        runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
        runs scr-web = scr-web:2 (web-3f2a9c1)
    "#]],
    );
}

#[test]
fn trap_24_our_own_tags_start_nothing() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.retag(FIRST, "v1.4.0").rest();
    story.retag(FIRST, "production-latest").retag(FIRST, "slipway-keep-scr-production-1").rest();
    check(
        &story,
        "production",
        &expect![[r#"
        v1.4.0 succeeded
        runs scr-api-production = scr-api-production:2 (api-3f2a9c1)
        runs scr-ai-gateway-production = scr-ai-gateway-production:2 (gateway-3f2a)
        runs scr-web-production = scr-web-production:2 (web-3f2a9c1)
    "#]],
    );
}

#[test]
fn trap_25_an_older_build_that_comes_last_does_not_downgrade() {
    let mut story = story("scr");
    // The api of the first commit is there; its web takes long, and a younger one overtakes it.
    story.push_image("api", FIRST, FIRST).push_image("gateway", FIRST, FIRST);
    story.wait(Span::minutes(2)).push(SECOND).wait(Span::minutes(20));
    story.push_image("web", FIRST, FIRST).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            7b41d0e succeeded
            told +22:01: 3f2a9c1 is not deployed: it is older than 7b41d0e; deploy it by hand if you want it anyway
            runs scr-api = scr-api:2 (api-7b41d0e)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-7b41)
            runs scr-web = scr-web:2 (web-7b41d0e)
        "#]],
    );
}

#[test]
fn trap_25_a_person_may_want_the_older_build_and_it_stays() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.deploy("staging", FIRST, |request| request.skip_migration = Some(true)).rest();
    story.push(SECOND).rest();
    check(
        &story,
        "staging",
        &expect![[r#"
            3f2a9c1 succeeded
            7b41d0e succeeded
            3f2a9c1 succeeded
            answered +61:00 accepted: deployment 3 of 3f2a9c1 has started
            runs scr-api = scr-api:2 (api-3f2a9c1)
            runs scr-ai-gateway = scr-ai-gateway:2 (gateway-3f2a)
            runs scr-web = scr-web:2 (web-3f2a9c1)
            hold by ada: 3f2a9c1 was deployed although 7b41d0e is newer
        "#]],
    );
}

#[test]
fn trap_25_a_lower_version_that_is_pushed_later_does_not_downgrade() {
    let mut story = story("scr");
    story.push(FIRST).rest();
    story.push(SECOND).rest();
    story.retag(SECOND, "v1.10.0").rest();
    story.retag(FIRST, "v1.9.0").rest();
    check(
        &story,
        "production",
        &expect![[r#"
            v1.10.0 succeeded
            told +91:02: v1.9.0 is not deployed: it is older than v1.10.0; deploy it by hand if you want it anyway
            runs scr-api-production = scr-api-production:2 (api-7b41d0e)
            runs scr-ai-gateway-production = scr-ai-gateway-production:2 (gateway-7b41)
            runs scr-web-production = scr-web-production:2 (web-7b41d0e)
        "#]],
    );
}
