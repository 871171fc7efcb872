//! Good days.

use crate::{STAGING, check};
use expect_test::expect;
use scenarios::Team;
use serde_json::json;

#[tokio::test]
async fn scr_staging_deploys_what_is_pushed() {
    let mut team = Team::start("scr").await.unwrap();
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    check(
        &team,
        STAGING,
        1,
        &expect![[r#"
            scr/staging/1 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
                0:00 The migration runs as task bf3ee1a3f2918cc542844ca6b11a4c95.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:2.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:2.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:2.
                2:19 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 5m.
                7:19 Ended: succeeded.
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn scr_production_takes_the_same_digests_by_a_semantic_version() {
    let mut team = Team::start("scr").await.unwrap();
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    team.push_all("v1.4.0", "first").unwrap();
    team.until_ended("scr/production", 1).await.unwrap();
    check(
        &team,
        "scr/production",
        1,
        &expect![[r#"
            scr/production/1 v1.4.0
                0:00 Deploying v1.4.0, requested by push of v1.4.0.
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
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
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.4.0=production-latest, scr-ai-gateway:3f2a9c1=v1.4.0=production-latest
              scr-api-production: scr-api:3f2a9c1=v1.4.0=production-latest, scr-api:3f2a9c1=v1.4.0=production-latest
              scr-web-production: scr-web:3f2a9c1=v1.4.0=production-latest, scr-web:3f2a9c1=v1.4.0=production-latest
            told
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying v1.4.0
              scr/production: v1.4.0 is live
        "#]],
    );
}

#[tokio::test]
async fn power_pto_waits_for_all_three_images() {
    let mut team = Team::start("power-pto").await.unwrap();
    team.push("power-pto/api", "3f2a9c1", "first").unwrap();
    team.push("power-pto/worker", "3f2a9c1", "first").unwrap();
    team.sandbox.run_for(120).await.unwrap();
    assert!(team.deployments().is_empty());
    team.push("power-pto/frontend", "3f2a9c1", "first").unwrap();
    team.until_ended("power-pto/production", 1).await.unwrap();
    check(
        &team,
        "power-pto/production",
        1,
        &expect![[r#"
            power-pto/production/1 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: api api:1 -> api:2, worker worker:1 -> worker:2, frontend frontend:1 -> frontend:2.
                0:00 The migration runs as task 6196082d01cc52d2a46721ad09dfde68.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                1:08 api is stable on api:2.
                1:08 worker is stable on worker:2.
                1:08 frontend is stable on frontend:2.
                1:08 https://pto.example.com/api/health answers as expected (attempt 1).
                1:08 https://pto.example.com/ answers as expected (attempt 1).
                1:08 Watching alarms and tasks for 10m.
               11:08 Ended: succeeded.
            runs
              api: power-pto/api:3f2a9c1, power-pto/api:3f2a9c1
              frontend: power-pto/frontend:3f2a9c1, power-pto/frontend:3f2a9c1
              worker: power-pto/worker:3f2a9c1, power-pto/worker:3f2a9c1
            told
              power-pto/production: deploying 3f2a9c1
              power-pto/production: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn wwhd_deploys_the_digest_of_a_tag_that_moves() {
    let mut team = Team::start("wwhd").await.unwrap();
    team.push_all("latest", "first").unwrap();
    team.until_ended("wwhd/production", 1).await.unwrap();
    team.push_all("latest", "second").unwrap();
    team.until_ended("wwhd/production", 2).await.unwrap();
    check(
        &team,
        "wwhd/production",
        1,
        &expect![[r#"
            wwhd/production/1 latest@4840381c775c
                0:00 Deploying latest@4840381c775c, requested by push of latest.
                0:00 Prepared: wwhd-service wwhd-service:1 -> wwhd-service:2.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:2.
                0:35 Watching alarms and tasks for 5m.
                5:35 Ended: succeeded.
            wwhd/production/2 latest@86a66aa1d12d
                0:00 Deploying latest@86a66aa1d12d, requested by push of latest.
                0:00 Prepared: wwhd-service wwhd-service:2 -> wwhd-service:3.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:3.
                0:35 Watching alarms and tasks for 5m.
                5:35 Ended: succeeded.
            runs
              wwhd-service: wwhd-backend:latest, wwhd-backend:latest
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
              wwhd/production: deploying latest@86a66aa1d12d
              wwhd/production: latest@86a66aa1d12d is live
        "#]],
    );
}

#[tokio::test]
async fn the_same_push_three_times_is_one_deployment() {
    let mut team = Team::start("scr").await.unwrap();
    team.push_all("3f2a9c1", "first").unwrap();
    for event in 0..3 {
        let payload = json!({"repository": "scr-api", "tag": "3f2a9c1", "digest": team.digest("scr-api", "3f2a9c1")});
        let answer = team.invoke("image-pushed", payload).await.unwrap();
        assert_eq!(answer.error, None, "{event}: {}", answer.payload);
    }
    team.until_ended(STAGING, 1).await.unwrap();
    team.sandbox.run_for(600).await.unwrap();
    assert_eq!(team.deployments().len(), 1);
}

#[tokio::test]
async fn of_two_releases_that_wait_only_the_newest_goes_next() {
    let mut team = Team::start("scr").await.unwrap();
    for (tag, content) in [("aaaaaa1", "first"), ("aaaaaa2", "second"), ("aaaaaa3", "third")] {
        team.push_all(tag, content).unwrap();
        team.sandbox.run_for(30).await.unwrap();
    }
    team.until_ended(STAGING, 2).await.unwrap();
    let versions: Vec<String> =
        team.deployments().iter().map(|d| d.request.release.version.to_string()).collect();
    assert_eq!(versions, ["aaaaaa1", "aaaaaa3"]);
}
