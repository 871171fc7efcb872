//! Traps of ECS and ECR that no system's own story covers.

use crate::{STAGING, ended, scr, sound};
use expect_test::expect;
use sandbox::faults::{EventFault, When};
use scenarios::Team;
use serde_json::json;

#[tokio::test]
async fn a_push_that_no_event_reported_is_found_and_deployed() {
    let mut team = Team::start("scr").await.unwrap();
    team.sandbox.faults(|faults| {
        faults.on_events(Some("ECR Image Action"), When::Always, EventFault::Drop);
    });
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        1,
        &expect![[r#"
        succeeded
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

/// ECS may show for a while what was before an update: that is no takeover, and no success.
#[tokio::test]
async fn what_ecs_shows_late_is_waited_for() {
    let mut team = scr().await;
    team.sandbox.account().services.ecs.lag(30);
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
          scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
          scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
    "#]],
    );
}

#[tokio::test]
async fn an_image_that_was_archived_meanwhile_blocks_the_start() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "new").unwrap();
    team.sandbox.at_desk("ecr", |services, desk| {
        assert!(services.ecr.archive("scr-web", &digests["scr-web"], true, desk));
    });
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        failed: pre-flight: scr-web@sha256:c7023768fdd5a3ed5068c8138a5d0979440ada417b4bf0f9192f1f3bdd090572 is archived; restore it in ECR and deploy again
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

/// Neither ECS's history of rollouts nor our own history of deployments is guaranteed.
#[tokio::test]
async fn a_good_release_is_a_rollback_target_though_its_history_has_expired() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    assert!(team.sandbox.expire_items(1000).unwrap() > 0);
    assert!(team.deployment(STAGING, 1).is_none() && team.deployment(STAGING, 2).is_none());
    let answer = team.ask("rollback", json!({"environment": "staging", "by": "ann"})).await;
    assert_eq!(answer.unwrap()["accepted"], true);
    team.until_ended(STAGING, 3).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
            succeeded
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
