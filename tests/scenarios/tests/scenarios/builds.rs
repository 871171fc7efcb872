//! Which of two builds is the newer, as their images say, and what people read of them.

use crate::{STAGING, ended, lines, sound};
use expect_test::expect;
use sandbox::ecr::Image;
use sandbox::faults::{Calls, EventFault, Fault, When};
use sandbox::service::Refusal;
use scenarios::Team;
use serde_json::json;
use std::collections::BTreeSet;

const PRODUCTION: &str = "scr/production";
const REPOSITORIES: [&str; 3] = ["scr-api", "scr-web", "scr-ai-gateway"];

const OLDER: &str = "3f2a9c1d4e5f60718293a4b5c6d7e8f901234567";
const NEWER: &str = "7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234";
const NEWEST: &str = "c90ffee2c3d4e5f60718293a4b5c6d7e8f901234";
const MORNING: &str = "2026-11-20T11:00:00+01:00";
const NOON: &str = "2026-11-20T13:00:00+01:00";
const EVENING: &str = "2026-11-20T17:00:00+01:00";

/// CI pushes the images of a commit, with the labels that README.md gives them.
fn push_commit(team: &mut Team, commit: &str, committed_at: &str) {
    for repository in REPOSITORIES {
        let image = Image::buildx(&format!("{repository} {commit}"), &["linux/amd64"])
            .labelled("org.opencontainers.image.created", committed_at)
            .labelled("org.opencontainers.image.revision", commit)
            .labelled("org.opencontainers.image.source", "https://github.com/acme/scr");
        team.push_image(repository, &commit[..7], &image).unwrap();
    }
}

/// A tag is put on an existing image by hand.
fn tag(team: &Team, repository: &str, image: &str, tag: &str) {
    let by = json!({"repositoryName": repository, "imageIds": [{"imageTag": image}]});
    let found = team.person("ecr", "BatchGetImage", by).unwrap();
    let manifest = &found["images"][0]["imageManifest"];
    let put = json!({"repositoryName": repository, "imageManifest": manifest, "imageTag": tag});
    team.person("ecr", "PutImage", put).unwrap();
}

fn tag_all(team: &Team, commit: &str, version: &str) {
    REPOSITORIES.iter().for_each(|repository| tag(team, repository, &commit[..7], version));
}

#[tokio::test]
async fn an_older_commit_whose_build_takes_longer_is_not_deployed() {
    let mut team = Team::start("scr").await.unwrap();
    push_commit(&mut team, NEWER, NOON);
    team.until_ended(STAGING, 1).await.unwrap();
    push_commit(&mut team, OLDER, MORNING);
    team.sandbox.run_for(3600).await.unwrap();
    sound(&team);
    assert_eq!(team.deployment(STAGING, 2), None);
    ended(
        &team,
        STAGING,
        1,
        &expect![[r#"
            succeeded
            runs
              scr-ai-gateway: scr-ai-gateway:7b41d0e, scr-ai-gateway:7b41d0e
              scr-api: scr-api:7b41d0e, scr-api:7b41d0e
              scr-web: scr-web:7b41d0e, scr-web:7b41d0e
            told
              scr/staging: deploying 7b41d0e
              scr/staging: 7b41d0e is live
              scr/staging: 3f2a9c1 will not be deployed
        "#]],
    );
}

#[tokio::test]
async fn people_read_which_commit_it_is() {
    let mut team = Team::start("scr").await.unwrap();
    push_commit(&mut team, NEWER, NOON);
    team.until_ended(STAGING, 1).await.unwrap();
    sound(&team);
    let last = team.sandbox.account().services.sns.published.last().cloned().unwrap();
    let told: serde_json::Value = serde_json::from_str(&last.message).unwrap();
    expect![[r#"
        scr/staging: 7b41d0e is live
        Deployment 1 of scr/staging. Started by push of 7b41d0e. Built from commit 7b41d0e2c3d4 (https://github.com/acme/scr/commit/7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234). It took 7m19s.
        Last events:
          Updating scr-web.
          scr-web is stable on scr-web:2.
          https://api.staging.scr-platform.com/health answers as expected (attempt 1).
          https://staging.scr-platform.com/ answers as expected (attempt 1).
          Watching alarms and tasks for 5m.
          Ended: succeeded.
        To roll back, invoke the function slipway-rollback with {"application": "scr", "environment": "staging", "why": "…", "by": "…"}"#]].assert_eq(told["email"].as_str().unwrap());
    let facts: serde_json::Value = serde_json::from_str(told["sqs"].as_str().unwrap()).unwrap();
    assert_eq!(facts["revision"], NEWER);
    assert_eq!(facts["source"], "https://github.com/acme/scr");
    let asked = json!({"environment": "scr/staging", "format": "text"});
    expect![[r#"
        scr/staging runs 7b41d0e since 2026-11-21T09:12:19Z (deployment 1)
          built from: commit 7b41d0e2c3d4 (https://github.com/acme/scr/commit/7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234)
          requested by: push of 7b41d0e
          good: 7b41d0e (deployment 1, 2026-11-21T09:12:19Z)
          ended: 1 of 7b41d0e: succeeded
    "#]].assert_eq(&lines(&team.ask("status", asked).await.unwrap()));
}

#[tokio::test]
async fn dates_of_builds_that_can_be_repeated_say_nothing() {
    let mut team = Team::start("scr").await.unwrap();
    let builds = [
        ("aaaaaa1", "1980-01-01T00:00:01Z"),
        ("aaaaaa2", "1970-01-01T00:00:00Z"),
        ("aaaaaa3", "1970-01-01T00:00:01Z"),
    ];
    for (number, (tag, created)) in (1..).zip(builds) {
        for repository in REPOSITORIES {
            let content = format!("{repository} {tag}");
            let image = Image::buildx(&content, &["linux/amd64"]).created(created);
            team.push_image(repository, tag, &image).unwrap();
        }
        team.until_ended(STAGING, number).await.unwrap();
    }
    sound(&team);
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:aaaaaa3, scr-ai-gateway:aaaaaa3
          scr-api: scr-api:aaaaaa3, scr-api:aaaaaa3
          scr-web: scr-web:aaaaaa3, scr-web:aaaaaa3
        told
          scr/staging: deploying aaaaaa1
          scr/staging: aaaaaa1 is live
          scr/staging: deploying aaaaaa2
          scr/staging: aaaaaa2 is live
          scr/staging: deploying aaaaaa3
          scr/staging: aaaaaa3 is live
    "#]],
    );
}

/// Two builds have succeeded in staging, and the newer one has a version in production.
async fn with_a_version() -> Team {
    let mut team = Team::start("scr").await.unwrap();
    push_commit(&mut team, OLDER, MORNING);
    team.until_ended(STAGING, 1).await.unwrap();
    push_commit(&mut team, NEWER, NOON);
    team.until_ended(STAGING, 2).await.unwrap();
    team.sandbox.run_for(2 * 3600).await.unwrap();
    tag_all(&team, NEWER, "v1.4.0");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

#[tokio::test]
async fn a_higher_version_on_older_images_is_deployed_and_said_to_be_older() {
    let mut team = with_a_version().await;
    tag_all(&team, OLDER, "v1.4.1");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    sound(&team);
    let story = team.story_from(PRODUCTION, 2);
    let (first_lines, _) = story.split_once("Prepared").unwrap();
    expect![[r#"
        scr/production/2 v1.4.1
            0:00 Deploying v1.4.1, requested by push of v1.4.1.
            0:00 The images of v1.4.1 were built at 2026-11-20T10:00:00Z, before those of v1.4.0 (2026-11-20T12:00:00Z); it counts as newer because its version is higher.
            0:00 "#]].assert_eq(first_lines);
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.4.1=production-latest, scr-ai-gateway:3f2a9c1=v1.4.1=production-latest
          scr-api-production: scr-api:3f2a9c1=v1.4.1=production-latest, scr-api:3f2a9c1=v1.4.1=production-latest
          scr-web-production: scr-web:3f2a9c1=v1.4.1=production-latest, scr-web:3f2a9c1=v1.4.1=production-latest
        told
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
          scr/staging: deploying 7b41d0e
          scr/staging: 7b41d0e is live
          scr/production: deploying v1.4.0
          scr/production: v1.4.0 is live
          scr/production: deploying v1.4.1
          scr/production: v1.4.1 is live
    "#]],
    );
}

#[tokio::test]
async fn a_promotion_by_hand_keeps_its_meaning() {
    let mut team = with_a_version().await;
    let back = json!({
        "application": "scr", "environment": "production", "from": "staging", "version": &OLDER[..7],
        "skip_migration": true, "confirm": "DEPLOY", "by": "ann", "why": "the newer one is too slow",
    });
    let answer = team.ask("deploy", back).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=production-latest, scr-ai-gateway:3f2a9c1=production-latest
          scr-api-production: scr-api:3f2a9c1=production-latest, scr-api:3f2a9c1=production-latest
          scr-web-production: scr-web:3f2a9c1=production-latest, scr-web:3f2a9c1=production-latest
        told
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
          scr/staging: deploying 7b41d0e
          scr/staging: 7b41d0e is live
          scr/production: deploying v1.4.0
          scr/production: v1.4.0 is live
          scr/production: deploying 3f2a9c1
          scr/production: 3f2a9c1 is live
    "#]],
    );
}

#[tokio::test]
async fn a_wrong_version_that_was_rolled_back_ends_nothing() {
    let mut team = with_a_version().await;
    tag_all(&team, OLDER, "v11.5.0");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let production =
        json!({"application": "scr", "environment": "production", "by": "ann", "why": "v11"});
    let answer = team.ask("rollback", production.clone()).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 3).await.unwrap();
    let mut unhold = production;
    unhold["action"] = "unhold".into();
    let answer = team.ask("control", unhold).await.unwrap();
    expect!["the hold is lifted"]
        .assert_eq(answer["answer"].as_str().unwrap_or(&answer.to_string()));
    deploy_the_next_version(&mut team, 4).await;
}

#[tokio::test]
async fn a_wrong_version_that_stays_is_forgotten_when_a_person_says_so() {
    let mut team = with_a_version().await;
    tag_all(&team, OLDER, "v11.5.0");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let forget = json!({"application": "scr", "environment": "production", "action": "forget_newest", "by": "ann", "why": "v11"});
    let answer = team.ask("control", forget).await.unwrap();
    expect!["forgotten; from now on any version deploys that was built later than v11.5.0"]
        .assert_eq(answer["answer"].as_str().unwrap_or(&answer.to_string()));
    deploy_the_next_version(&mut team, 3).await;
}

async fn deploy_the_next_version(team: &mut Team, number: u64) {
    let in_staging = 3;
    push_commit(team, NEWEST, EVENING);
    team.until_ended(STAGING, in_staging).await.unwrap();
    team.sandbox.run_for(2 * 3600).await.unwrap();
    tag_all(team, NEWEST, "v1.5.0");
    let next = team.until_ended(PRODUCTION, number).await.unwrap();
    assert_eq!(next.request.release.version.as_str(), "v1.5.0");
    assert_eq!(next.verdict().unwrap().to_string(), "succeeded");
    sound(team);
}

/// Its event is lost, too: what a tag is on is compared with what it was on.
#[tokio::test]
async fn a_tag_that_is_moved_back_is_deployed_though_no_event_reports_it() {
    let place = "wwhd/production";
    let mut team = Team::start("wwhd").await.unwrap();
    let repository = team.system.spec.images.values().next().unwrap().to_string();
    for (number, (commit, created)) in (1..).zip([(OLDER, MORNING), (NEWER, NOON)]) {
        let image = Image::single(commit).labelled("org.opencontainers.image.created", created);
        team.push_image(&repository, commit, &image).unwrap();
        tag(&team, &repository, commit, "latest");
        team.until_ended(place, number).await.unwrap();
    }
    team.sandbox.run_for(2 * 3600).await.unwrap();
    let pushes = Some("ECR Image Action");
    team.sandbox.faults(|faults| faults.on_events(pushes, When::Always, EventFault::Drop));
    tag(&team, &repository, OLDER, "latest");
    team.until_ended(place, 3).await.unwrap();
    sound(&team);
    ended(
        &team,
        place,
        3,
        &expect![[r#"
        succeeded
        runs
          wwhd-service: wwhd-backend:3f2a9c1d4e5f60718293a4b5c6d7e8f901234567=latest, wwhd-backend:3f2a9c1d4e5f60718293a4b5c6d7e8f901234567=latest
        told
          wwhd/production: deploying latest@0a99a71d4853
          wwhd/production: latest@0a99a71d4853 is live
          wwhd/production: deploying latest@d8478d4712ca
          wwhd/production: latest@d8478d4712ca is live
          wwhd/production: deploying latest@0a99a71d4853#2
          wwhd/production: latest@0a99a71d4853#2 is live
    "#]],
    );
}

/// Deploys images whose build cannot be read; returns what the timeline says of it.
async fn deploy_unread(team: &mut Team, image: impl Fn(&str) -> Image) -> String {
    for repository in REPOSITORIES {
        team.push_image(repository, "3f2a9c1", &image(repository)).unwrap();
    }
    let deployment = team.until_ended(STAGING, 1).await.unwrap();
    assert_eq!(deployment.verdict().unwrap().to_string(), "succeeded");
    sound(team);
    let entries = deployment.timeline.entries().iter();
    let said = entries.filter(|entry| entry.text.contains("could not be read"));
    said.map(|entry| format!("{}\n", entry.text)).collect()
}

#[tokio::test]
async fn images_that_say_nothing_readable_are_deployed_as_built_when_they_were_pushed() {
    let usual = |repository: &str| Image::buildx(repository, &["linux/amd64"]);
    let strange = |config: String| move |repository: &str| usual(repository).configured(&config);
    let mut said = BTreeSet::new();
    let mut team = Team::start("scr").await.unwrap();
    said.insert(deploy_unread(&mut team, strange("no JSON {".into())).await);
    let mut team = Team::start("scr").await.unwrap();
    let too_large = "x".repeat(4 * 1024 * 1024 + 1);
    said.insert(deploy_unread(&mut team, strange(too_large)).await);
    for (service, operation) in [("ecr", "GetDownloadUrlForLayer"), ("s3", "GetObject")] {
        let mut team = Team::start("scr").await.unwrap();
        let refusal = Refusal { status: 403, ..Refusal::new("AccessDenied", "Access Denied") };
        let calls = Calls::to(service, operation);
        team.sandbox.faults(|faults| faults.on_calls(calls, When::Always, Fault::Refuse(refusal)));
        said.insert(deploy_unread(&mut team, usual).await);
    }
    expect![[r#"
        The build time of its images could not be read; using the time of the push, 2026-11-21T09:05:00Z.
    "#]].assert_eq(&said.into_iter().collect::<String>());
}
