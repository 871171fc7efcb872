//! Services are updated, created and deleted outside Slipway during a deployment.

use crate::{STAGING, check, ended, scr, sound};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use sandbox::faults::{Calls, Fault, When};
use scenarios::Team;
use serde_json::{Value, json};

const PRODUCTION: &str = "omen-epr/production";

/// A service of staging is updated to a revision outside Slipway.
fn update_outside_slipway(team: &Team, service: &str, revision: &str) {
    let update = json!({"cluster": "scr-staging", "service": service, "taskDefinition": revision});
    team.person("ecs", "UpdateService", update).unwrap();
}

#[tokio::test]
async fn an_earlier_update_outside_slipway_is_not_overwritten() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "migrating").await.unwrap();
    update_outside_slipway(&team, "scr-web", "scr-web:1");
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task c91a36a0544af534ae37e7098e630288.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                1:43 No service is rolled back: scr-api, scr-ai-gateway stay as they are.
                1:43 Ended: superseded: scr-web was updated to scr-web:1 outside Slipway.
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

#[tokio::test]
async fn a_service_of_a_later_wave_deleted_outside_slipway_is_no_failure() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    let deletion = json!({"cluster": "scr-staging", "service": "scr-web", "force": true});
    team.person("ecs", "DeleteService", deletion).unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            superseded: scr-web was deleted outside Slipway
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: 
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 was superseded
        "#]],
    );
}

#[tokio::test]
async fn a_fix_outside_slipway_during_the_rollback_stays() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-ai-gateway"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_state(STAGING, 2, "rolling back").await.unwrap();
    update_outside_slipway(&team, "scr-api", "scr-api:1");
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
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
                2:24 scr-api was updated to scr-api:1 outside Slipway.
                4:19 Ended: superseded: scr-api was updated to scr-api:1 outside Slipway.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before, scr-api:before
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was superseded
        "#]],
    );
}

#[tokio::test]
async fn an_update_by_hand_to_the_old_revision_is_not_taken_for_a_rollback_by_ecs() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    team.sandbox.run_for(5).await.unwrap();
    update_outside_slipway(&team, "scr-api", "scr-api:2");
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
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
                2:33 Ended: superseded: scr-api was updated to scr-api:2 outside Slipway.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 was superseded
        "#]],
    );
}

/// The first deployment of a service that does not exist, whose worker is killed before its check.
async fn unborn() -> Team {
    let mut team = Team::start("omen-epr").await.unwrap();
    let text = team.system.text.replace("    bake: 3m", "    first_deploy: remove\n    bake: 3m");
    team.respecify(&text).await.unwrap();
    let looking = Calls { caller: Some("Rollout".into()), ..Calls::to("ecs", "DescribeServices") };
    team.sandbox.faults(|faults| faults.on_calls(looking, When::Nth(2), Fault::KillBefore));
    team.push_all("20261121090000", "first").unwrap();
    team.until_state(PRODUCTION, 1, "rolling out").await.unwrap();
    team.sandbox.run_for(5).await.unwrap();
    team
}

/// The service is created outside Slipway from another task definition.
fn create_outside_slipway(team: &Team) {
    let own = json!({
        "family": "theirs", "networkMode": "bridge", "requiresCompatibilities": ["EC2"],
        "containerDefinitions": [{"name": "x", "image": "public.ecr.aws/x:1", "memory": 64}],
    });
    let registered = team.person("ecs", "RegisterTaskDefinition", own).unwrap();
    let definition = registered["taskDefinition"]["taskDefinitionArn"].clone();
    let create = json!({
        "cluster": "omen-production", "serviceName": "omen-epr-service", "taskDefinition": definition,
        "desiredCount": 1,
    });
    team.person("ecs", "CreateService", create).unwrap();
}

#[tokio::test]
async fn a_service_created_outside_slipway_meanwhile_is_neither_updated_nor_deleted() {
    let mut team = unborn().await;
    create_outside_slipway(&team);
    team.until_ended(PRODUCTION, 1).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            omen-epr/production/1 20261121090000
                0:00 Deploying 20261121090000, requested by push of 20261121090000.
                0:00 Prepared: omen-epr-service (new) -> omen-epr:1.
                0:00 Updating omen-epr-service.
                0:30 Ended: superseded: omen-epr-service was updated to theirs:1 outside Slipway.
            runs
              omen-epr-service: x:1
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 was superseded
        "#]],
    );
    let asked = json!({"cluster": "omen-production", "services": ["omen-epr-service"]});
    let described = team.person("ecs", "DescribeServices", asked).unwrap();
    assert_eq!(described["services"][0]["status"], "ACTIVE");
}

#[tokio::test]
async fn a_rollback_by_a_person_meanwhile_does_not_delete_what_others_created() {
    let mut team = unborn().await;
    create_outside_slipway(&team);
    let payload = json!({"application": "omen-epr", "environment": "production", "by": "ann"});
    let answer: Value = team.ask("rollback", payload).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            omen-epr/production/1 20261121090000
                0:00 Deploying 20261121090000, requested by push of 20261121090000.
                0:00 Prepared: omen-epr-service (new) -> omen-epr:1.
                0:00 Updating omen-epr-service.
                0:05 Rollback requested by ann: no reason given.
                0:05 Rolling back: requested by ann: no reason given.
                0:05 Deleting omen-epr-service: it did not exist before this deployment.
                0:05 omen-epr-service was updated to theirs:1 outside Slipway.
                0:05 Ended: superseded: omen-epr-service was updated to theirs:1 outside Slipway.
            runs
              omen-epr-service: x:1
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: rolling back 20261121090000
              omen-epr/production: 20261121090000 was superseded
        "#]],
    );
}
