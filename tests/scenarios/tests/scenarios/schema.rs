//! The database has changed, and the old code does not live with it: what automation does then.

use crate::{STAGING, check, pretty, scr};
use expect_test::expect;
use sandbox::ecs::{Behaviour, Ending};
use scenarios::Team;
use serde_json::json;

const HEALTH: &str = "https://api.staging.scr-platform.com/health";

async fn undoing_first() -> Team {
    let mut team = scr().await;
    let text =
        team.system.text.replacen("    bake: 5m", "    rollback: after_undo\n    bake: 5m", 1);
    team.respecify(&text).await.unwrap();
    team.web.answers(HEALTH, &[500]);
    team
}

#[tokio::test]
async fn the_migration_is_undone_before_any_service_is_rolled_back() {
    let mut team = undoing_first().await;
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
                2:59 Undoing the migration.
                2:59 The undo runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
                3:32 The migration is undone.
                3:32 Rolling back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
                3:32 Rolling scr-web back to scr-web:2.
                4:07 scr-web is rolled back.
                4:07 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                4:43 scr-ai-gateway is rolled back.
                4:43 Rolling scr-api back to scr-api:2.
                5:18 scr-api is rolled back.
                5:29 Ended: rolled back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
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

/// Half a rollback would be worse than none.
#[tokio::test]
async fn where_it_cannot_be_undone_everything_stays() {
    let mut team = undoing_first().await;
    team.one_off("", "downgrade", Ending::Exits { code: 1, seconds: 5 });
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
                2:59 Undoing the migration.
                2:59 The undo runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
                3:29 Ended: stuck: undoing the migration failed (exit code 1, Essential container in task exited), and the previous release cannot run on the new schema (after: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500).
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 is stuck; a person must act
        "#]],
    );
}

/// Power PTO's document: for irreversible migrations, deploy a forward-fix.
#[tokio::test]
async fn after_a_migration_of_no_return_a_person_lets_the_next_release_mend_it() {
    let production = "power-pto/production";
    let mut team = Team::start("power-pto").await.unwrap();
    team.push_all("0a1b2c3", "before").unwrap();
    team.until_ended(production, 1).await.unwrap();
    let text = team.system.text.replacen("    bake: 10m", "    rollback: manual\n    bake: 10m", 1);
    team.respecify(&text).await.unwrap();
    let digests = team.push_all("3f2a9c1", "bad").unwrap();
    team.behave(&digests["power-pto/frontend"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(production, 2).await.unwrap();
    let undo = json!({"application": "power-pto", "environment": "production", "undo": true});
    let refused = team.ask("rollback", undo).await.unwrap();
    expect![[r#"
        "the spec has no migration.undo; roll back without \"undo\""
    "#]]
    .assert_eq(&pretty(&refused["because"]));
    team.push_all("4b5c6d7", "mended").unwrap();
    team.sandbox.run_for(600).await.unwrap();
    assert!(team.deployment(production, 3).is_none(), "a person has to look first");
    let unhold = json!({
        "application": "power-pto", "environment": "production", "action": "unhold", "by": "ann",
    });
    team.ask("control", unhold).await.unwrap();
    team.until_ended(production, 3).await.unwrap();
    check(
        &team,
        production,
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
                1:13 The rollback policy is manual: nothing is rolled back until a person decides.
                1:13 Ended: failed: frontend failed: ECS deployment circuit breaker: tasks failed to start; still on the new revision: api, worker, frontend.
            power-pto/production/3 4b5c6d7
                0:00 Deploying 4b5c6d7, requested by push of 4b5c6d7.
                0:00 Prepared: api api:3 -> api:4, worker worker:3 -> worker:4, frontend frontend:3 -> frontend:4.
                0:00 Warning: frontend runs a revision whose rollout failed, and a rollback would restore that revision: ECS deployment circuit breaker: tasks failed to start.
                0:00 The migration runs as task 8f5a4c5186f7bf399674a6c858b7ffa5.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating api, worker, frontend.
                1:08 api is stable on api:4.
                1:08 worker is stable on worker:4.
                1:08 frontend is stable on frontend:4.
                1:08 https://pto.example.com/api/health answers as expected (attempt 1).
                1:08 https://pto.example.com/ answers as expected (attempt 1).
                1:08 Watching alarms and tasks for 10m.
               11:08 Ended: succeeded.
            runs
              api: power-pto/api:4b5c6d7, power-pto/api:4b5c6d7
              frontend: power-pto/frontend:4b5c6d7, power-pto/frontend:4b5c6d7
              worker: power-pto/worker:4b5c6d7, power-pto/worker:4b5c6d7
            told
              power-pto/production: deploying 0a1b2c3
              power-pto/production: 0a1b2c3 is live
              power-pto/production: deploying 3f2a9c1
              power-pto/production: 3f2a9c1 is partially deployed
              power-pto/production: 4b5c6d7 is waiting
              power-pto/production: deploying 4b5c6d7
              power-pto/production: 4b5c6d7 is live
        "#]],
    );
}
