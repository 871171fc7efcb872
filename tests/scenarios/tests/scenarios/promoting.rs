//! SCR from staging to production and back: the very same bytes, under any name.

use crate::{STAGING, check, pretty, scr};
use expect_test::expect;
use sandbox::ecr::{Ecr, Image};
use scenarios::Team;
use serde_json::{Value, json};

const PRODUCTION: &str = "scr/production";
const REPOSITORIES: [&str; 3] = ["scr-api", "scr-web", "scr-ai-gateway"];

/// A build for two platforms: an index over four manifests in each repository.
fn push_for_two_platforms(team: &mut Team, tag: &str) {
    for repository in REPOSITORIES {
        let image = Image::buildx(&format!("{repository} both"), &["linux/amd64", "linux/arm64"]);
        team.sandbox.at_desk("ecr", |services, desk| {
            let digest = services.ecr.push(repository, tag, &image, desk).unwrap();
            services.ecs.point(&format!("{}:{tag}", Ecr::uri(repository)), &digest);
        });
    }
}

/// What ECR hands out under a tag: the manifest byte for byte, its type and its digest.
fn manifest(team: &Team, repository: &str, by: &Value) -> (String, String, String) {
    let input = json!({"repositoryName": repository, "imageIds": [by]});
    let answer = team.person("ecr", "BatchGetImage", input).unwrap();
    let image = &answer["images"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&image["imageManifest"]),
        text(&image["imageManifestMediaType"]),
        text(&image["imageId"]["imageDigest"]),
    )
}

#[tokio::test]
async fn an_index_for_two_platforms_is_promoted_byte_for_byte() {
    let mut team = scr().await;
    push_for_two_platforms(&mut team, "3f2a9c1");
    team.until_ended(STAGING, 2).await.unwrap();
    let built = REPOSITORIES.map(|name| manifest(&team, name, &json!({"imageTag": "3f2a9c1"})));
    let payload = json!({
        "application": "scr", "environment": "production", "from": "staging",
        "confirm": "DEPLOY", "by": "ann", "why": "release day",
    });
    let answer = team.ask("deploy", payload).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    let tag = json!({"imageTag": "production-latest"});
    let promoted = REPOSITORIES.map(|name| manifest(&team, name, &tag));
    assert_eq!(promoted, built);
    for (repository, (index, media_type, digest)) in REPOSITORIES.iter().zip(&promoted) {
        assert_eq!(media_type, "application/vnd.oci.image.index.v1+json");
        let index: Value = serde_json::from_str(index).unwrap();
        let listed = index["manifests"].as_array().unwrap();
        assert_eq!(listed.len(), 4, "two platforms, each with its attestation");
        for child in listed {
            let by = json!({"imageDigest": child["digest"]});
            assert_eq!(manifest(&team, repository, &by).2, child["digest"].as_str().unwrap());
        }
        // Production runs that index and none of its children.
        let service = format!("{repository}-production");
        let runs = &team.running("production")[&service];
        assert!(runs.iter().all(|image| image.ends_with(digest.as_str())), "{runs:?}");
    }
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by ann (release day).
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api-production.
                1:08 scr-api-production is stable on scr-api-production:2.
                1:08 Updating scr-ai-gateway-production.
                1:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                1:43 Updating scr-web-production.
                2:19 scr-web-production is stable on scr-web-production:2.
                2:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 10m.
               12:19 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=production-latest, scr-ai-gateway:3f2a9c1=production-latest
              scr-api-production: scr-api:3f2a9c1=production-latest, scr-api:3f2a9c1=production-latest
              scr-web-production: scr-web:3f2a9c1=production-latest, scr-web:3f2a9c1=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying 3f2a9c1
              scr/production: 3f2a9c1 is live
        "#]],
    );
}

/// Production runs v1.6.0, and ran v1.5.0.
async fn two_versions() -> Team {
    let mut team = scr().await;
    for (number, commit, version) in [(2, "3f2a9c1", "v1.5.0"), (3, "4b5c6d7", "v1.6.0")] {
        team.push_all(commit, commit).unwrap();
        team.until_ended(STAGING, number).await.unwrap();
        team.push_all(version, commit).unwrap();
        team.until_ended(PRODUCTION, number - 1).await.unwrap();
    }
    team
}

/// As the team did it before: `image_tag` and `confirm`, and no build.
#[tokio::test]
async fn an_earlier_commit_is_deployed_to_production_by_hand() {
    let mut team = two_versions().await;
    let payload = json!({
        "application": "scr", "environment": "production", "image_tag": "3f2a9c1",
        "by": "ann", "why": "loses uploads",
    });
    let refused = team.ask("deploy", payload).await.unwrap();
    expect![[r#"
        {
          "accepted": false,
          "because": "a manual deploy to this environment needs \"confirm\": \"DEPLOY\"",
          "to_do_it_all_the_same": {
            "application": "scr",
            "by": "ann",
            "confirm": "DEPLOY",
            "environment": "production",
            "skip_migration": true,
            "version": "3f2a9c1",
            "why": "loses uploads"
          }
        }
    "#]]
    .assert_eq(&pretty(&refused));
    let answer = team.ask("deploy", refused["to_do_it_all_the_same"].clone()).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 3).await.unwrap();
    for repository in REPOSITORIES {
        let tagged = team.digest(repository, "production-latest");
        assert_eq!(tagged, team.digest(repository, "3f2a9c1"), "the tag goes back as well");
    }
    // The release that was left is not deployed again, though its push is reported again.
    for repository in REPOSITORIES {
        let digest = team.digest(repository, "v1.6.0");
        let pushed = json!({"repository": repository, "tag": "v1.6.0", "digest": digest});
        team.ask("image-pushed", pushed).await.unwrap();
    }
    team.sandbox.run_for(1800).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            scr/production/3 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by ann (loses uploads).
                0:00 Skipping the migration, as requested.
                0:00 Prepared: scr-api-production scr-api-production:3 -> scr-api-production:4, scr-ai-gateway-production scr-ai-gateway-production:3 -> scr-ai-gateway-production:4, scr-web-production scr-web-production:3 -> scr-web-production:4.
                0:00 Updating scr-api-production.
                0:35 scr-api-production is stable on scr-api-production:4.
                0:35 Updating scr-ai-gateway-production.
                1:10 scr-ai-gateway-production is stable on scr-ai-gateway-production:4.
                1:10 Updating scr-web-production.
                1:45 scr-web-production is stable on scr-web-production:4.
                1:45 https://api.scr-platform.com/health answers as expected (attempt 1).
                1:45 https://scr-platform.com/ answers as expected (attempt 1).
                1:45 Watching alarms and tasks for 10m.
               11:45 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.5.0=production-latest, scr-ai-gateway:3f2a9c1=v1.5.0=production-latest
              scr-api-production: scr-api:3f2a9c1=v1.5.0=production-latest, scr-api:3f2a9c1=v1.5.0=production-latest
              scr-web-production: scr-web:3f2a9c1=v1.5.0=production-latest, scr-web:3f2a9c1=v1.5.0=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying v1.5.0
              scr/production: v1.5.0 is live
              scr/staging: deploying 4b5c6d7
              scr/staging: 4b5c6d7 is live
              scr/production: deploying v1.6.0
              scr/production: v1.6.0 is live
              scr/production: deploying 3f2a9c1
              scr/production: 3f2a9c1 is live
        "#]],
    );
}

/// Staging knows it by its commit and production by its version: it is the same release.
#[tokio::test]
async fn a_rollback_in_production_may_name_the_commit() {
    let mut team = two_versions().await;
    let back = json!({
        "application": "scr", "environment": "production", "to": "3f2a9c1",
        "by": "ann", "why": "loses uploads",
    });
    let answer = team.ask("rollback", back).await.unwrap();
    expect![[r#"
        "deployment 3 of v1.5.0 has started"
    "#]]
    .assert_eq(&pretty(&answer["answer"]));
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            scr/production/3 v1.5.0
                0:00 Rolling back from v1.6.0 to v1.5.0, requested by ann (loses uploads).
                0:00 The database schema stays as it is.
                0:00 Prepared: scr-api-production scr-api-production:3 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:3 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:3 -> scr-web-production:2.
                0:00 Updating scr-web-production.
                0:35 scr-web-production is stable on scr-web-production:2.
                0:35 Updating scr-ai-gateway-production.
                1:10 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                1:10 Updating scr-api-production.
                1:45 scr-api-production is stable on scr-api-production:2.
                1:45 https://api.scr-platform.com/health answers as expected (attempt 1).
                1:45 https://scr-platform.com/ answers as expected (attempt 1).
                1:45 Watching alarms and tasks for 10m.
               11:45 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.5.0=production-latest, scr-ai-gateway:3f2a9c1=v1.5.0=production-latest
              scr-api-production: scr-api:3f2a9c1=v1.5.0=production-latest, scr-api:3f2a9c1=v1.5.0=production-latest
              scr-web-production: scr-web:3f2a9c1=v1.5.0=production-latest, scr-web:3f2a9c1=v1.5.0=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying v1.5.0
              scr/production: v1.5.0 is live
              scr/staging: deploying 4b5c6d7
              scr/staging: 4b5c6d7 is live
              scr/production: deploying v1.6.0
              scr/production: v1.6.0 is live
              scr/production: rolling back from v1.6.0 to v1.5.0
              scr/production: rolled back to v1.5.0
        "#]],
    );
}
