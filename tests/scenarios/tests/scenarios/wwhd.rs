//! WWHD: one service that follows a tag that moves, and whose tasks autoscaling counts.

use crate::{check, sound};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use scenarios::Team;
use serde_json::json;
use std::collections::BTreeSet;

const PRODUCTION: &str = "wwhd/production";
const CLUSTER: &str = "wwhd-cluster";
const SERVICE: &str = "wwhd-service";

async fn two_releases() -> Team {
    let mut team = Team::start("wwhd").await.unwrap();
    for (number, content) in [(1, "first"), (2, "second")] {
        team.push_all("latest", content).unwrap();
        team.until_ended(PRODUCTION, number).await.unwrap();
    }
    team
}

#[tokio::test]
async fn the_number_of_tasks_stays_with_autoscaling() {
    let mut team = Team::start("wwhd").await.unwrap();
    let scale = |team: &mut Team, desired| {
        team.sandbox.at_desk("ecs", |services, desk| {
            services.ecs.scale(CLUSTER, SERVICE, desired, desk);
        });
    };
    scale(&mut team, 7);
    team.sandbox.run_for(120).await.unwrap();
    team.push_all("latest", "first").unwrap();
    team.until_state(PRODUCTION, 1, "rolling out").await.unwrap();
    team.sandbox.run_for(10).await.unwrap();
    scale(&mut team, 4);
    let described = json!({"cluster": CLUSTER, "services": [SERVICE]});
    let mut wanted = BTreeSet::new();
    team.until(3600, |team| {
        let answer = team.person("ecs", "DescribeServices", described.clone()).unwrap();
        wanted.insert(answer["services"][0]["desiredCount"].as_u64());
        team.deployment(PRODUCTION, 1).is_some_and(|d| d.verdict().is_some())
    })
    .await
    .unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    assert_eq!(wanted, BTreeSet::from([Some(4)]), "nobody else has a say in it");
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            wwhd/production/1 latest@4840381c775c
                0:00 Deploying latest@4840381c775c, requested by push of latest.
                0:00 Prepared: wwhd-service wwhd-service:1 -> wwhd-service:2.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:2.
                0:35 Watching alarms and tasks for 5m.
                5:35 Ended: succeeded.
            runs
              wwhd-service: wwhd-backend:latest, wwhd-backend:latest, wwhd-backend:latest, wwhd-backend:latest
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
        "#]],
    );
}

#[tokio::test]
async fn the_number_of_tasks_is_left_to_autoscaling_during_a_rollback_as_well() {
    let mut team = two_releases().await;
    let digests = team.push_all("latest", "third").unwrap();
    team.behave(&digests["wwhd-backend"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_state(PRODUCTION, 3, "rolling out").await.unwrap();
    team.sandbox.at_desk("ecs", |services, desk| {
        services.ecs.scale(CLUSTER, SERVICE, 5, desk);
    });
    team.until_ended(PRODUCTION, 3).await.unwrap();
    let verdict = team.deployment(PRODUCTION, 3).unwrap();
    assert_eq!(verdict.verdict().unwrap().name(), "rolled back");
    assert_eq!(team.running("production")[SERVICE].len(), 5);
    sound(&team);
}

#[tokio::test]
async fn the_digest_that_runs_is_not_deployed_again_unless_a_person_wants_new_tasks() {
    let mut team = Team::start("wwhd").await.unwrap();
    team.push_all("latest", "first").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    // ECR knows the image and the tag, and some builds push it nevertheless.
    let digest = team.digest("wwhd-backend", "latest");
    let pushed = json!({"repository": "wwhd-backend", "tag": "latest", "digest": digest});
    let answer = team.invoke("image-pushed", pushed).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.sandbox.run_for(600).await.unwrap();
    assert_eq!(team.deployments().len(), 1, "the digest runs already");

    let version = team.deployments()[0].request.release.version.to_string();
    let again = json!({
        "application": "wwhd", "environment": "production", "version": version,
        "by": "ann", "why": "the settings changed", "fresh": true,
    });
    let answer = team.invoke("deploy", again).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            wwhd/production/2 latest@4840381c775c
                0:00 Deploying latest@4840381c775c, requested by ann (the settings changed).
                0:00 Prepared: wwhd-service wwhd-service:2 -> wwhd-service:2.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:2.
                0:35 Watching alarms and tasks for 5m.
                5:35 Ended: succeeded.
            runs
              wwhd-service: wwhd-backend:latest, wwhd-backend:latest
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
        "#]],
    );
}

#[tokio::test]
async fn a_rollback_restores_the_digest_that_ran_though_the_tag_has_moved() {
    let mut team = two_releases().await;
    let first = team.deployments()[0].request.release.images.values().next().cloned().unwrap();
    let payload =
        json!({"application": "wwhd", "environment": "production", "by": "ann", "why": "slow"});
    let answer = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(PRODUCTION, 3).await.unwrap();
    let runs = &team.running("production")[SERVICE];
    assert!(runs.iter().all(|image| image.ends_with(first.as_str())), "{runs:?}");
    assert_ne!(team.digest("wwhd-backend", "latest").unwrap(), first.as_str());
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            wwhd/production/3 latest@4840381c775c
                0:00 Rolling back from latest@86a66aa1d12d to latest@4840381c775c, requested by ann (slow).
                0:00 Prepared: wwhd-service wwhd-service:3 -> wwhd-service:2.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:2.
                0:35 Watching alarms and tasks for 5m.
                5:35 Ended: succeeded.
            runs
              wwhd-service: wwhd-backend@4840381c775c, wwhd-backend@4840381c775c
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
              wwhd/production: deploying latest@86a66aa1d12d
              wwhd/production: latest@86a66aa1d12d is live
              wwhd/production: rolling back from latest@86a66aa1d12d to latest@4840381c775c
              wwhd/production: rolled back to latest@4840381c775c
        "#]],
    );
}

#[tokio::test]
async fn slow_answers_during_the_bake_are_rolled_back() {
    let mut team = two_releases().await;
    team.push_all("latest", "third").unwrap();
    team.until_state(PRODUCTION, 3, "baking").await.unwrap();
    team.sandbox.run_for(60).await.unwrap();
    team.alarm("HighLatency", "ALARM", "Threshold Crossed: p95 over 2 s");
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            wwhd/production/3 latest@5fbd36d72e9f
                0:00 Deploying latest@5fbd36d72e9f, requested by push of latest.
                0:00 Prepared: wwhd-service wwhd-service:3 -> wwhd-service:4.
                0:00 Updating wwhd-service.
                0:35 wwhd-service is stable on wwhd-service:4.
                0:35 Watching alarms and tasks for 5m.
                1:35 Alarm HighLatency is in ALARM.
                1:35 Rolling back: alarm HighLatency: Threshold Crossed: p95 over 2 s.
                1:35 Rolling wwhd-service back to wwhd-service:3.
                2:10 wwhd-service is rolled back.
                4:05 Ended: rolled back: alarm HighLatency: Threshold Crossed: p95 over 2 s.
            runs
              wwhd-service: wwhd-backend@86a66aa1d12d, wwhd-backend@86a66aa1d12d
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
              wwhd/production: deploying latest@86a66aa1d12d
              wwhd/production: latest@86a66aa1d12d is live
              wwhd/production: deploying latest@5fbd36d72e9f
              wwhd/production: rolling back latest@5fbd36d72e9f
              wwhd/production: latest@5fbd36d72e9f was rolled back
        "#]],
    );
}

#[tokio::test]
async fn tasks_that_never_get_healthy_are_rolled_back_at_the_deadline() {
    let mut team = two_releases().await;
    let digests = team.push_all("latest", "third").unwrap();
    team.behave(&digests["wwhd-backend"], Behaviour::NeverHealthy);
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            wwhd/production/3 latest@5fbd36d72e9f
                0:00 Deploying latest@5fbd36d72e9f, requested by push of latest.
                0:00 Prepared: wwhd-service wwhd-service:3 -> wwhd-service:4.
                0:00 Updating wwhd-service.
                1:30 Task of wwhd-service failed (1 of 3 allowed failures): Task failed container health checks.
                1:30 Task of wwhd-service failed (2 of 3 allowed failures): Task failed container health checks.
                2:40 Rolling back: wwhd-service failed: ECS deployment circuit breaker: tasks failed to start.
                2:40 Rolling wwhd-service back to wwhd-service:3.
                2:40 The rollout of wwhd-service has already ended; updating the service instead.
                2:40 Rolling wwhd-service back to wwhd-service:3.
                3:15 wwhd-service is rolled back.
                5:10 Ended: rolled back: wwhd-service failed: ECS deployment circuit breaker: tasks failed to start.
            runs
              wwhd-service: wwhd-backend@86a66aa1d12d, wwhd-backend@86a66aa1d12d
            told
              wwhd/production: deploying latest@4840381c775c
              wwhd/production: latest@4840381c775c is live
              wwhd/production: deploying latest@86a66aa1d12d
              wwhd/production: latest@86a66aa1d12d is live
              wwhd/production: deploying latest@5fbd36d72e9f
              wwhd/production: rolling back latest@5fbd36d72e9f
              wwhd/production: latest@5fbd36d72e9f was rolled back
        "#]],
    );
}
