//! What ECS itself does during a rollout, or does not do.

use crate::{STAGING, check, ended, lines, scr, sound};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use sandbox::faults::{EventFault, When};
use scenarios::Team;
use serde_json::{Value, json};

/// SCR with a release that succeeded, and services with such a circuit breaker.
async fn with_breaker(breaker: Value) -> Team {
    let team = scr().await;
    for service in ["scr-api", "scr-ai-gateway", "scr-web"] {
        let configuration = json!({ "deploymentCircuitBreaker": breaker });
        let input = json!({"cluster": "scr-staging", "service": service, "deploymentConfiguration": configuration});
        team.person("ecs", "UpdateService", input).unwrap();
    }
    team
}

fn fill(team: &Team, reason: Option<&str>) {
    team.sandbox.account().services.ecs.fill("scr-staging", reason);
}

const NO_ROOM: &str = "Capacity is unavailable at this time. Please try again later or in a different availability zone";

#[tokio::test]
async fn without_a_circuit_breaker_dead_tasks_are_counted() {
    let mut team = with_breaker(json!({"enable": false, "rollback": false})).await;
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
                1:53 Task of scr-ai-gateway failed (3 of 3 allowed failures): container gateway exited with 1, Essential container in task exited.
                1:53 Rolling back: 3 tasks of scr-ai-gateway failed: container gateway exited with 1, Essential container in task exited.
                1:53 The migration is not undone: the previous release runs on the new schema.
                1:53 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                2:09 scr-ai-gateway is rolled back.
                2:09 Rolling scr-api back to scr-api:2.
                2:44 scr-api is rolled back.
                4:24 Ended: rolled back: 3 tasks of scr-ai-gateway failed: container gateway exited with 1, Essential container in task exited.
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
async fn what_ecs_rolled_back_itself_is_not_fought_over() {
    let mut team = with_breaker(json!({"enable": true, "rollback": true})).await;
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
                1:48 ECS is rolling scr-ai-gateway back: ECS deployment circuit breaker: tasks failed to start.
                1:48 Rolling back: ECS rolled scr-ai-gateway back: ECS deployment circuit breaker: tasks failed to start.
                1:48 The migration is not undone: the previous release runs on the new schema.
                2:03 scr-ai-gateway is rolled back.
                2:03 Rolling scr-api back to scr-api:2.
                2:39 scr-api is rolled back.
                4:19 Ended: rolled back: ECS rolled scr-ai-gateway back: ECS deployment circuit breaker: tasks failed to start.
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

/// The rollout that ECS rolled back has drained before it is observed, and only its service
/// deployment shows what happened to it.
#[tokio::test]
async fn what_ecs_rolled_back_unheard_is_asked_for() {
    let mut team = with_breaker(json!({"enable": true, "rollback": true})).await;
    for kind in ["ECS Task State Change", "ECS Deployment State Change", "ECS Service Action"] {
        team.sandbox.faults(|f| f.on_events(Some(kind), When::Always, EventFault::Drop));
    }
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-api"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: ECS rolled scr-api back: Service deployment rolled back because the circuit breaker threshold was exceeded
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
async fn an_image_that_cannot_be_pulled_is_rolled_back() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-web"], Behaviour::CannotPull);
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: scr-web failed: ECS deployment circuit breaker: tasks failed to start
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
async fn tasks_that_run_out_of_memory_during_the_bake_are_rolled_back() {
    let mut team = scr().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["scr-web"], Behaviour::OutOfMemory { seconds: 90 });
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: 3 tasks of scr-web failed: container web exited with 137, OutOfMemoryError: Container killed due to memory usage
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
async fn tasks_that_spot_interrupts_count_against_no_release() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "good").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    for _ in 0..4 {
        team.sandbox.at_desk("ecs", |services, desk| {
            services.ecs.take_task_away("scr-staging", "scr-api", desk);
        });
        team.sandbox.run_for(50).await.unwrap();
    }
    team.until_ended(STAGING, 2).await.unwrap();
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
async fn a_cluster_without_room_is_waited_for() {
    let mut team = with_breaker(json!({"enable": false, "rollback": false})).await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    fill(&team, Some(NO_ROOM));
    team.sandbox.run_for(150).await.unwrap();
    let status = json!({"environment": "staging", "format": "text"});
    let answer = team.ask("status", status).await.unwrap();
    expect![[r#"
        scr/staging runs 0a1b2c3 since 2026-11-21T09:12:19Z (deployment 1)
          requested by: push of 0a1b2c3
          in progress: 2 of 3f2a9c1 is rolling out, scr-api: ECS: was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone
            2026-11-21T09:12:19Z Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
            2026-11-21T09:12:19Z The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
            2026-11-21T09:12:53Z The migration succeeded (exit code 0).
            2026-11-21T09:12:53Z Updating scr-api.
            2026-11-21T09:12:53Z scr-api: ECS: was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.
          good: 0a1b2c3 (deployment 1, 2026-11-21T09:12:19Z)
          ended: 1 of 0a1b2c3: succeeded
    "#]].assert_eq(&lines(&answer));
    fill(&team, None);
    team.until_ended(STAGING, 2).await.unwrap();
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
async fn a_cluster_that_stays_full_is_rolled_back_at_the_deadline() {
    let mut team = with_breaker(json!({"enable": false, "rollback": false})).await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    fill(&team, Some(NO_ROOM));
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: scr-api was not stable in time: ECS: was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone
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
