//! Power PTO: three services of one release. Either all of them succeed, or all are rolled back.

use crate::{check, lines};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use scenarios::Team;
use serde_json::{Value, json};

const PRODUCTION: &str = "power-pto/production";

async fn one_good() -> Team {
    let mut team = Team::start("power-pto").await.unwrap();
    team.push_all("0a1b2c3", "before").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

#[tokio::test]
async fn one_of_three_fails_and_all_of_them_are_rolled_back() {
    let mut team = one_good().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["power-pto/frontend"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            power-pto/production/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: api api:2 -> api:3, worker worker:2 -> worker:3, frontend frontend:2 -> frontend:3.
                0:00 The migration runs as task 35a341143cafb5dccab428d03fa4c3e7.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                0:58 Task of frontend failed (1 of 3 allowed failures): container frontend exited with 1, Essential container in task exited.
                0:58 Task of frontend failed (2 of 3 allowed failures): container frontend exited with 1, Essential container in task exited.
                1:08 api is stable on api:3.
                1:08 worker is stable on worker:3.
                1:13 Rolling back: frontend failed: ECS deployment circuit breaker: tasks failed to start.
                1:13 The migration is not undone: the previous release runs on the new schema.
                1:13 Rolling api back to api:2.
                1:13 Rolling worker back to worker:2.
                1:13 Rolling frontend back to frontend:2.
                1:13 The rollout of frontend has already ended; updating the service instead.
                1:13 Rolling frontend back to frontend:2.
                1:48 api is rolled back.
                1:48 worker is rolled back.
                1:48 frontend is rolled back.
                3:43 Ended: rolled back: frontend failed: ECS deployment circuit breaker: tasks failed to start.
            runs
              api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
              frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
              worker: power-pto/worker:before=0a1b2c3, power-pto/worker:before=0a1b2c3
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: rolling back 3f2a9c1
              power-pto/production: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_worker_that_starts_and_dies_later_counts() {
    let mut team = one_good().await;
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    let crashes = Behaviour::CrashesAfter { seconds: 90, exit_code: 137 };
    team.behave(&digests["power-pto/worker"], crashes);
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            power-pto/production/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: api api:2 -> api:3, worker worker:2 -> worker:3, frontend frontend:2 -> frontend:3.
                0:00 The migration runs as task 35a341143cafb5dccab428d03fa4c3e7.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                1:08 api is stable on api:3.
                1:08 worker is stable on worker:3.
                1:08 frontend is stable on frontend:3.
                1:08 https://pto.example.com/api/health answers as expected (attempt 1).
                1:08 https://pto.example.com/ answers as expected (attempt 1).
                1:08 Watching alarms and tasks for 10m.
                2:28 Task of worker failed (1 of 3 allowed failures): container worker exited with 137, Essential container in task exited.
                2:28 Task of worker failed (2 of 3 allowed failures): container worker exited with 137, Essential container in task exited.
                4:18 Task of worker failed (3 of 3 allowed failures): container worker exited with 137, Essential container in task exited.
                4:18 Rolling back: 3 tasks of worker failed: container worker exited with 137, Essential container in task exited.
                4:18 The migration is not undone: the previous release runs on the new schema.
                4:18 Rolling api back to api:2.
                4:18 Rolling worker back to worker:2.
                4:18 Rolling frontend back to frontend:2.
                4:43 worker is rolled back.
                4:53 api is rolled back.
                4:53 frontend is rolled back.
                6:48 Ended: rolled back: 3 tasks of worker failed: container worker exited with 137, Essential container in task exited.
            runs
              api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
              frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
              worker: power-pto/worker:before=0a1b2c3, power-pto/worker:before=0a1b2c3
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: rolling back 3f2a9c1
              power-pto/production: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_accrual_job_that_fails_in_the_bake_puts_all_three_back() {
    let mut team = one_good().await;
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_state(PRODUCTION, 2, "baking").await.unwrap();
    team.sandbox.run_for(240).await.unwrap();
    team.alarm("power-pto-accrual-failures", "ALARM", "Threshold Crossed: 1 failure");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            power-pto/production/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: api api:2 -> api:3, worker worker:2 -> worker:3, frontend frontend:2 -> frontend:3.
                0:00 The migration runs as task 35a341143cafb5dccab428d03fa4c3e7.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                1:08 api is stable on api:3.
                1:08 worker is stable on worker:3.
                1:08 frontend is stable on frontend:3.
                1:08 https://pto.example.com/api/health answers as expected (attempt 1).
                1:08 https://pto.example.com/ answers as expected (attempt 1).
                1:08 Watching alarms and tasks for 10m.
                5:08 Alarm power-pto-accrual-failures is in ALARM.
                5:08 Rolling back: alarm power-pto-accrual-failures: Threshold Crossed: 1 failure.
                5:08 The migration is not undone: the previous release runs on the new schema.
                5:08 Rolling api back to api:2.
                5:08 Rolling worker back to worker:2.
                5:08 Rolling frontend back to frontend:2.
                5:44 api is rolled back.
                5:44 worker is rolled back.
                5:44 frontend is rolled back.
                7:39 Ended: rolled back: alarm power-pto-accrual-failures: Threshold Crossed: 1 failure.
            runs
              api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
              frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
              worker: power-pto/worker:before=0a1b2c3, power-pto/worker:before=0a1b2c3
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: rolling back 3f2a9c1
              power-pto/production: 3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_release_without_one_of_its_images_says_which() {
    let mut team = one_good().await;
    team.push("power-pto/api", "3f2a9c1", "new").unwrap();
    team.push("power-pto/frontend", "3f2a9c1", "new").unwrap();
    team.sandbox.run_for(5 * 60).await.unwrap();
    let status = json!({
        "application": "power-pto", "environment": "production", "format": "text", "releases": true,
    });
    let waits = team.invoke("status", status).await.unwrap();
    expect![[r#"
        power-pto/production runs 0a1b2c3 since 2026-11-21T09:16:08Z (deployment 1)
          requested by: push of 0a1b2c3
          incomplete: 3f2a9c1, last pushed at 2026-11-21T09:16:08Z, still missing worker
          good: 0a1b2c3 (deployment 1, 2026-11-21T09:16:08Z)
          ended: 1 of 0a1b2c3: succeeded
        power-pto 3f2a9c1, pushed at 2026-11-21T09:16:08Z, without worker
        power-pto 0a1b2c3, pushed at 2026-11-21T09:05:00Z
    "#]]
    .assert_eq(&lines(&waits.payload));
    team.sandbox.run_for(20 * 60).await.unwrap();
    assert_eq!(team.deployments().len(), 1, "nothing starts without all three");
    let mail = team.sandbox.account().services.sns.published.last().cloned().unwrap();
    let mail: Value = serde_json::from_str(&mail.message).unwrap();
    expect![[r#"
        power-pto/production: 3f2a9c1 is still incomplete
        Why: not pushed under this tag: worker
        Started by push of 3f2a9c1."#]]
    .assert_eq(mail["email"].as_str().unwrap());
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
        runs
          api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
          frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
          worker: power-pto/worker:before=0a1b2c3, power-pto/worker:before=0a1b2c3
        told
          power-pto/production: deploying 0a1b2c3
          power-pto/production: 0a1b2c3 is live
          power-pto/production: 3f2a9c1 is still incomplete
    "#]],
    );
}
