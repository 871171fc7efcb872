//! Bad days: what is rolled back, why, and the messages.

use crate::{STAGING, check, scr};
use expect_test::expect;
use sandbox::ecs::{Behaviour, Ending};
use serde_json::json;

#[tokio::test]
async fn a_migration_that_exits_1_touches_no_service() {
    let mut team = scr().await;
    team.one_off("", "alembic", Ending::Exits { code: 1, seconds: 15 });
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:40 Ended: failed: the migration failed: exit code 1, Essential container in task exited.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn a_migration_that_cannot_start_touches_no_service() {
    let mut team = scr().await;
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth";
    team.one_off("", "alembic", Ending::CannotStart { reason: reason.into() });
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:25 Ended: failed: the migration could not start: ResourceInitializationError: unable to pull secrets or registry auth.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn an_image_that_crashes_at_start_is_rolled_back() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-ai-gateway"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:33 Task of scr-ai-gateway failed (1 of 3 allowed failures): container gateway exited with 1, Essential container in task exited.
                1:33 Task of scr-ai-gateway failed (2 of 3 allowed failures): container gateway exited with 1, Essential container in task exited.
                1:48 Rolling back: scr-ai-gateway failed: ECS deployment circuit breaker: tasks failed to start.
                1:48 The migration is not undone: the previous release runs on the new schema.
                1:48 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                1:48 The rollout of scr-ai-gateway has already ended; updating the service instead.
                1:48 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                2:24 scr-ai-gateway is rolled back.
                2:24 Rolling scr-api back to scr-api:2.
                2:59 scr-api is rolled back.
                4:19 Ended: rolled back: scr-ai-gateway failed: ECS deployment circuit breaker: tasks failed to start.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_image_that_hangs_is_rolled_back_at_its_deadline() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-api"], Behaviour::Hangs);
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
               10:33 Rolling back: scr-api was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
               10:33 The migration is not undone: the previous release runs on the new schema.
               10:33 Rolling scr-api back to scr-api:2.
               10:48 scr-api is rolled back.
               13:03 Ended: rolled back: scr-api was not stable in time: 0 of 2 new tasks running, 2 old tasks still running.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_check_that_fails_puts_all_three_services_back() {
    let mut team = scr().await;
    team.web.answers("https://api.staging.scr-platform.com/health", &[500]);
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:3.
                2:19 https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 5).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:59 https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500 (attempt 5 of 5).
                2:59 Rolling back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
                2:59 The migration is not undone: the previous release runs on the new schema.
                2:59 Rolling scr-web back to scr-web:2.
                3:34 scr-web is rolled back.
                3:34 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                4:09 scr-ai-gateway is rolled back.
                4:09 Rolling scr-api back to scr-api:2.
                4:45 scr-api is rolled back.
                5:30 Ended: rolled back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_alarm_during_the_rollout_is_rolled_back() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed: 3 datapoints");
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                0:33 Alarm scr-staging-5xx is in ALARM.
                0:33 Rolling back: alarm scr-staging-5xx: Threshold Crossed: 3 datapoints.
                0:33 The migration is not undone: the previous release runs on the new schema.
                0:33 Rolling scr-api back to scr-api:2.
                0:48 scr-api is rolled back.
                3:03 Ended: rolled back: alarm scr-staging-5xx: Threshold Crossed: 3 datapoints.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_alarm_in_the_bake_is_rolled_back() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    team.alarm("scr-staging-p99", "ALARM", "Threshold Crossed: 3 datapoints");
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:3.
                2:19 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 5m.
                2:19 Alarm scr-staging-p99 is in ALARM.
                2:19 Rolling back: alarm scr-staging-p99: Threshold Crossed: 3 datapoints.
                2:19 The migration is not undone: the previous release runs on the new schema.
                2:19 Rolling scr-web back to scr-web:2.
                2:54 scr-web is rolled back.
                2:54 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                3:29 scr-ai-gateway is rolled back.
                3:29 Rolling scr-api back to scr-api:2.
                4:05 scr-api is rolled back.
                4:50 Ended: rolled back: alarm scr-staging-p99: Threshold Crossed: 3 datapoints.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_alarm_that_is_already_on_blocks_the_start() {
    let mut team = scr().await;
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed: 3 datapoints");
    team.sandbox.run_for(60).await.unwrap();
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 Ended: failed: already in ALARM before the deployment: scr-staging-5xx.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 failed; no service was changed
        "#]],
    );
}

/// Terraform deregisters what it has replaced. The rollback registers it again, under another
/// number.
#[tokio::test]
async fn a_revision_that_was_registered_again_is_no_update_outside_slipway() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-web"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    for family in ["scr-api", "scr-ai-gateway", "scr-web"] {
        let definition = json!({ "taskDefinition": format!("{family}:2") });
        team.person("ecs", "DeregisterTaskDefinition", definition).unwrap();
    }
    team.until_ended(STAGING, 2).await.unwrap();
    team.push_all("7b41d0e", "good").unwrap();
    team.until_ended(STAGING, 3).await.unwrap();
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                2:09 Task of scr-web failed (1 of 3 allowed failures): container web exited with 1, Essential container in task exited.
                2:09 Task of scr-web failed (2 of 3 allowed failures): container web exited with 1, Essential container in task exited.
                2:24 Rolling back: scr-web failed: ECS deployment circuit breaker: tasks failed to start.
                2:24 The migration is not undone: the previous release runs on the new schema.
                2:24 Rolling scr-web back to scr-web:2.
                2:24 The rollout of scr-web has already ended; updating the service instead.
                2:24 Rolling scr-web back to scr-web:2.
                2:24 scr-web:2 was deregistered; it is registered again as scr-web:4.
                2:59 scr-web is rolled back.
                2:59 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                2:59 scr-ai-gateway:2 was deregistered; it is registered again as scr-ai-gateway:4.
                3:34 scr-ai-gateway is rolled back.
                3:34 Rolling scr-api back to scr-api:2.
                3:34 scr-api:2 was deregistered; it is registered again as scr-api:4.
                4:10 scr-api is rolled back.
                4:55 Ended: rolled back: scr-web failed: ECS deployment circuit breaker: tasks failed to start.
            scr/staging/3 7b41d0e
                0:00 Deploying 7b41d0e, requested by push of 7b41d0e.
                0:00 Prepared: scr-api scr-api:4 -> scr-api:5, scr-ai-gateway scr-ai-gateway:4 -> scr-ai-gateway:5, scr-web scr-web:4 -> scr-web:5.
                0:00 The migration runs as task 50adda52e73c328b32fa0951d3b3ef4a.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:5.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:5.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:5.
                2:19 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 5m.
                7:19 Ended: succeeded.
            runs
              scr-ai-gateway: scr-ai-gateway:7b41d0e, scr-ai-gateway:7b41d0e
              scr-api: scr-api:7b41d0e, scr-api:7b41d0e
              scr-web: scr-web:7b41d0e, scr-web:7b41d0e
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
              scr/staging: deploying 7b41d0e
              scr/staging: 7b41d0e is live
        "#]],
    );
}
