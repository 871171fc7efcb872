//! Power PTO's worker: a loop of which there may be one, through everything that a deployment does.

use crate::{check, ended, sound};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use scenarios::Team;
use serde_json::json;

const PRODUCTION: &str = "power-pto/production";
const CLUSTER: &str = "power-pto";
const WORKER: &str = "worker";

/// With a release that succeeded, and a worker that stops before the next one starts.
async fn one_worker() -> Team {
    let mut team = Team::start("power-pto").await.unwrap();
    let alone = json!({
        "cluster": CLUSTER, "service": WORKER, "desiredCount": 1,
        "deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 100},
    });
    team.person("ecs", "UpdateService", alone).unwrap();
    // The second one of those that ran before goes.
    team.sandbox.run_for(300).await.unwrap();
    team.push_all("0a1b2c3", "before").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

/// How many containers of the worker ran since `since`, and the maximum at one time. One that was
/// asked to stop runs until it is gone.
fn workers(team: &Team, since: u64) -> (usize, usize) {
    let now = team.sandbox.now();
    let account = team.sandbox.account();
    let lives = account.services.ecs.lives(CLUSTER, WORKER);
    let lives: Vec<(u64, u64)> = lives
        .into_iter()
        .map(|life| (life.from.max(since), life.to.unwrap_or(now)))
        .filter(|(from, to)| from < to)
        .collect();
    let at = |moment: u64| lives.iter().filter(|(from, to)| (*from..*to).contains(&moment)).count();
    (lives.len(), lives.iter().map(|(from, _)| at(*from)).max().unwrap_or(0))
}

#[tokio::test]
async fn it_is_never_there_twice() {
    let mut team = one_worker().await;
    let since = team.sandbox.now();
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    assert_eq!(workers(&team, since), (2, 1), "the old one and the new one, never both");
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            power-pto/production/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: api api:2 -> api:3, worker worker:2 -> worker:3, frontend frontend:2 -> frontend:3.
                0:00 The migration runs as task bf3ee1a3f2918cc542844ca6b11a4c95.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                1:05 worker is stable on worker:3.
                1:08 api is stable on api:3.
                1:08 frontend is stable on frontend:3.
                1:08 https://pto.example.com/api/health answers as expected (attempt 1).
                1:08 https://pto.example.com/ answers as expected (attempt 1).
                1:08 Watching alarms and tasks for 10m.
               11:08 Ended: succeeded.
            runs
              api: power-pto/api:3f2a9c1, power-pto/api:3f2a9c1
              frontend: power-pto/frontend:3f2a9c1, power-pto/frontend:3f2a9c1
              worker: power-pto/worker:3f2a9c1
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn it_never_runs_twice_during_the_rollback_of_another_service() {
    let mut team = one_worker().await;
    let since = team.sandbox.now();
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["power-pto/api"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(PRODUCTION, 2).await.unwrap();
    assert_eq!(workers(&team, since), (3, 1), "the old one, the new one, and the old one again");
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            rolled back: api failed: ECS deployment circuit breaker: tasks failed to start
            runs
              api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
              frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
              worker: power-pto/worker:before=0a1b2c3
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
async fn it_is_never_there_twice_though_it_dies_again_and_again() {
    let mut team = one_worker().await;
    let since = team.sandbox.now();
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    let dies = Behaviour::CrashesAfter { seconds: 60, exit_code: 1 };
    team.behave(&digests["power-pto/worker"], dies);
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let (ran, most) = workers(&team, since);
    assert_eq!(most, 1);
    assert!(ran >= 5, "the old one, three that died, and the old one again: {ran}");
    ended(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            rolled back: 3 tasks of worker failed: container worker exited with 1, Essential container in task exited
            runs
              api: power-pto/api:before=0a1b2c3, power-pto/api:before=0a1b2c3
              frontend: power-pto/frontend:before=0a1b2c3, power-pto/frontend:before=0a1b2c3
              worker: power-pto/worker:before=0a1b2c3
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: rolling back 3f2a9c1
              power-pto/production: 3f2a9c1 was rolled back
        "#]],
    );
}

/// A person rolls back while the old one is still stopping.
#[tokio::test]
async fn it_never_runs_twice_when_a_person_rolls_back_at_once() {
    let mut team = one_worker().await;
    let since = team.sandbox.now();
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(PRODUCTION, 2, "rolling out").await.unwrap();
    team.sandbox.run_for(5).await.unwrap();
    let back = json!({"application": "power-pto", "environment": "production", "by": "ann"});
    team.ask("rollback", back).await.unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let (_, most) = workers(&team, since);
    assert_eq!(most, 1);
    assert_eq!(team.running("production")[WORKER].len(), 1);
    sound(&team);
}
