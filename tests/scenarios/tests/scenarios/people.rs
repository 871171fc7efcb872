//! What a person does from the console, and other people behind Slipway's back.

use crate::{STAGING, check, scr};
use expect_test::expect;
use serde_json::json;

#[tokio::test]
async fn a_rollback_during_the_rollout_takes_effect() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    let payload =
        json!({"application": "scr", "environment": "staging", "by": "ann", "why": "wrong colour"});
    let answer = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
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
                0:33 Rollback requested by ann: wrong colour.
                0:33 Rolling back: requested by ann: wrong colour.
                0:33 The migration is not undone: the previous release runs on the new schema.
                0:33 Rolling scr-api back to scr-api:2.
                2:33 scr-api is rolled back.
                3:03 Ended: rolled back: requested by ann: wrong colour.
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
async fn a_rollback_after_success_restores_the_last_good_release() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let payload =
        json!({"application": "scr", "environment": "staging", "by": "ann", "why": "slow"});
    let answer = team.invoke("rollback", payload.clone()).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    let again = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(again.error, None, "{}", again.payload);
    team.until_ended(STAGING, 3).await.unwrap();
    assert_eq!(team.deployments().len(), 3, "the second click is the same request");
    check(
        &team,
        STAGING,
        3,
        &expect![[r#"
            scr/staging/3 0a1b2c3
                0:00 Rolling back from 3f2a9c1 to 0a1b2c3, requested by ann (slow).
                0:00 The database schema stays as it is.
                0:00 Prepared: scr-api scr-api:3 -> scr-api:2, scr-ai-gateway scr-ai-gateway:3 -> scr-ai-gateway:2, scr-web scr-web:3 -> scr-web:2.
                0:00 Updating scr-web.
                0:35 scr-web is stable on scr-web:2.
                0:35 Updating scr-ai-gateway.
                1:10 scr-ai-gateway is stable on scr-ai-gateway:2.
                1:10 Updating scr-api.
                1:45 scr-api is stable on scr-api:2.
                1:45 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                1:45 https://staging.scr-platform.com/ answers as expected (attempt 1).
                1:45 Watching alarms and tasks for 5m.
                6:45 Ended: succeeded.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/staging: rolling back from 3f2a9c1 to 0a1b2c3
              scr/staging: rolled back to 0a1b2c3
        "#]],
    );
}

#[tokio::test]
async fn an_update_outside_slipway_ends_superseded() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    team.person(
        "ecs",
        "UpdateService",
        json!({"cluster": "scr-staging", "service": "scr-web", "taskDefinition": "scr-web:1"}),
    )
    .unwrap();
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
                2:54 No service is rolled back: scr-api, scr-ai-gateway stay as they are.
                2:54 Ended: superseded: scr-web was updated to scr-web:1 outside Slipway.
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:before, scr-web:before
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 was superseded
        "#]],
    );
}
