//! Omen EPR grows: the spec alone takes the worker out, gives it a service of its own, or gives both
//! more room.

use crate::{check, ended};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use scenarios::grown::around_the_worker;
use scenarios::{System, Team};
use serde_json::{Value, json};

const PRODUCTION: &str = "omen-epr/production";
const FIRST: &str = "20261121090000";
const SECOND: &str = "20261122090000";

async fn one_good() -> Team {
    let mut team = Team::start("omen-epr").await.unwrap();
    team.push_all(FIRST, "first").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

fn without_worker() -> String {
    let text = System::example("omen-epr").unwrap().text;
    let [before, _, after] = around_the_worker(&text).unwrap();
    format!("{before}{after}")
}

fn apart() -> String {
    System::example("omen-epr").unwrap().grown().unwrap()
}

/// Deploys the first image once more, for what the spec says by now.
async fn again(team: &mut Team) {
    let payload = json!({
        "application": "omen-epr", "environment": "production", "version": FIRST,
        "by": "ann", "why": "the spec has changed", "fresh": true,
    });
    let answer = team.ask("deploy", payload).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 2).await.unwrap();
}

/// What a service's task definition has in it.
fn definition(team: &Team, service: &str) -> Value {
    let input = json!({"cluster": "omen-production", "services": [service]});
    let described = team.person("ecs", "DescribeServices", input).unwrap();
    let revision = &described["services"][0]["taskDefinition"];
    let input = json!({ "taskDefinition": revision });
    team.person("ecs", "DescribeTaskDefinition", input).unwrap()["taskDefinition"].clone()
}

#[tokio::test]
async fn the_worker_gets_a_service_of_its_own() {
    let mut team = one_good().await;
    team.respecify(&apart()).await.unwrap();
    again(&mut team).await;
    team.push_all(SECOND, "second").unwrap();
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261121090000
                0:00 Deploying 20261121090000, requested by ann (the spec has changed).
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:2, omen-epr-audit-worker (new) -> omen-epr-worker:1.
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:2.
                0:45 Updating omen-epr-audit-worker.
                1:10 omen-epr-audit-worker is stable on omen-epr-worker:1.
                1:10 https://epr.example.com/healthz answers as expected (attempt 1).
                1:10 Watching tasks for 3m.
                4:10 Ended: succeeded.
            omen-epr/production/3 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Prepared: omen-epr-service omen-epr:2 -> omen-epr:3, omen-epr-audit-worker omen-epr-worker:1 -> omen-epr-worker:2.
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:3.
                0:45 Updating omen-epr-audit-worker.
                1:20 omen-epr-audit-worker is stable on omen-epr-worker:2.
                1:20 https://epr.example.com/healthz answers as expected (attempt 1).
                1:20 Watching tasks for 3m.
                4:20 Ended: succeeded.
            runs
              omen-epr-audit-worker: omen-epr:20261122090000
              omen-epr-service: omen-epr:20261122090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: 20261122090000 is live
        "#]],
    );
    let worker = definition(&team, "omen-epr-audit-worker");
    assert_eq!(worker["containerDefinitions"].as_array().unwrap().len(), 1);
    assert_eq!(worker["containerDefinitions"][0]["name"], "audit-worker");
}

/// The worker's first release of its own has no previous revision; the API has one.
#[tokio::test]
async fn the_new_service_fails_and_the_old_one_is_restored() {
    let mut team = one_good().await;
    team.respecify(&apart().replace("    bake: 3m", "    first_deploy: remove\n    bake: 3m"))
        .await
        .unwrap();
    let digests = team.push_all(SECOND, "second").unwrap();
    // The image does well as an API, and only then is it the worker's turn.
    let workers_turn = |team: &mut Team| {
        let entries = team.deployment(PRODUCTION, 2).map(|d| d.timeline.entries().to_vec());
        let last = entries.unwrap_or_default().pop();
        last.is_some_and(|last| last.text == "Updating omen-epr-audit-worker.")
    };
    team.until(600, workers_turn).await.unwrap();
    let dies = Behaviour::CrashesAfter { seconds: 30, exit_code: 1 };
    team.behave(&digests["omen-epr"], dies);
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:2, omen-epr-audit-worker (new) -> omen-epr-worker:1.
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:2.
                0:45 Updating omen-epr-audit-worker.
                1:10 omen-epr-audit-worker is stable on omen-epr-worker:1.
                1:10 https://epr.example.com/healthz answers as expected (attempt 1).
                1:10 Watching tasks for 3m.
                1:40 Task of omen-epr-audit-worker failed (1 of 3 allowed failures): container audit-worker exited with 1, Essential container in task exited.
                2:30 Task of omen-epr-audit-worker failed (2 of 3 allowed failures): container audit-worker exited with 1, Essential container in task exited.
                3:20 Task of omen-epr-audit-worker failed (3 of 3 allowed failures): container audit-worker exited with 1, Essential container in task exited.
                3:20 Rolling back: 3 tasks of omen-epr-audit-worker failed: container audit-worker exited with 1, Essential container in task exited.
                3:20 Deleting omen-epr-audit-worker: it did not exist before this deployment.
                3:20 omen-epr-audit-worker is deleted.
                3:20 Rolling omen-epr-service back to omen-epr:1.
                4:05 omen-epr-service is rolled back.
                5:50 Ended: rolled back: 3 tasks of omen-epr-audit-worker failed: container audit-worker exited with 1, Essential container in task exited.
            runs
              omen-epr-audit-worker: 
              omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: rolling back 20261122090000
              omen-epr/production: 20261122090000 was rolled back
        "#]],
    );
    let old = definition(&team, "omen-epr-service");
    assert_eq!(old["containerDefinitions"].as_array().unwrap().len(), 2, "with its worker in it");
}

#[tokio::test]
async fn without_the_worker_only_the_api_runs() {
    let mut team = one_good().await;
    team.respecify(&without_worker()).await.unwrap();
    again(&mut team).await;
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
        succeeded
        runs
          omen-epr-service: omen-epr:20261121090000
        told
          omen-epr/production: deploying 20261121090000
          omen-epr/production: 20261121090000 is live
          omen-epr/production: deploying 20261121090000
          omen-epr/production: 20261121090000 is live
    "#]],
    );
}

/// And the three tasks of a manual scaling stay three.
#[tokio::test]
async fn more_room_is_a_new_revision_of_the_same_image() {
    let mut team = one_good().await;
    let three =
        json!({"cluster": "omen-production", "service": "omen-epr-service", "desiredCount": 3});
    team.person("ecs", "UpdateService", three).unwrap();
    team.sandbox.run_for(120).await.unwrap();
    let text = team.system.text.replace("cpu: \"512\"", "cpu: \"1024\"");
    team.respecify(&text.replace("memory: \"1024\"", "memory: \"2048\"")).await.unwrap();
    again(&mut team).await;
    let runs = definition(&team, "omen-epr-service");
    assert_eq!((&runs["cpu"], &runs["memory"]), (&json!("1024"), &json!("2048")));
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
        succeeded
        runs
          omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000, omen-epr:20261121090000, omen-epr:20261121090000, omen-epr:20261121090000, omen-epr:20261121090000
        told
          omen-epr/production: deploying 20261121090000
          omen-epr/production: 20261121090000 is live
          omen-epr/production: deploying 20261121090000
          omen-epr/production: 20261121090000 is live
    "#]],
    );
}
