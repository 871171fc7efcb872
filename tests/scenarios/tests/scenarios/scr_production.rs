//! SCR in production: what may be deployed there, who decides, and how it is rolled back.

use crate::{STAGING, check, scr};
use expect_test::expect;
use scenarios::Team;
use serde_json::{Value, json};

const PRODUCTION: &str = "scr/production";

/// Version 1.4.0 is in production.
async fn live() -> Team {
    let mut team = scr().await;
    team.push_all("v1.4.0", "before").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

async fn deploy(team: &mut Team, version: &str, more: Value) -> Value {
    let mut payload = json!({
        "application": "scr", "environment": "production", "version": version,
        "by": "ann", "why": "release day",
    });
    if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
        payload.extend(more);
    }
    team.invoke("deploy", payload).await.unwrap().payload
}

#[tokio::test]
async fn production_wants_the_word_and_what_succeeded_in_staging() {
    let mut team = scr().await;
    let without_word = deploy(&mut team, "0a1b2c3", json!({})).await;
    team.push_all("v2.0.0", "never in staging").unwrap();
    team.sandbox.run_for(60).await.unwrap();
    let never_in_staging = deploy(&mut team, "v2.0.0", json!({"confirm": "DEPLOY"})).await;
    assert!(team.deployments().iter().all(|d| d.id.place.to_string() == STAGING));
    expect![[r#"
        {
          "accepted": false,
          "because": "a manual deploy to this environment needs \"confirm\": \"DEPLOY\"",
          "to_do_it_all_the_same": {
            "application": "scr",
            "by": "ann",
            "confirm": "DEPLOY",
            "environment": "production",
            "version": "0a1b2c3",
            "why": "release day"
          }
        }
        {
          "accepted": false,
          "because": "these images have not succeeded in staging; to deploy anyway, add \"override\": [\"promotion\"]",
          "to_do_it_all_the_same": {
            "application": "scr",
            "by": "ann",
            "confirm": "DEPLOY",
            "environment": "production",
            "override": [
              "promotion"
            ],
            "version": "v2.0.0",
            "why": "release day"
          }
        }"#]].assert_eq(&format!("{without_word:#}\n{never_in_staging:#}"));
}

#[tokio::test]
async fn a_person_promotes_what_staging_runs() {
    let mut team = scr().await;
    let answer = deploy(&mut team, "0a1b2c3", json!({"confirm": "DEPLOY"})).await;
    assert_eq!(answer["error"], Value::Null, "{answer}");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    for repository in ["scr-api", "scr-web", "scr-ai-gateway"] {
        let promoted = team.digest(repository, "production-latest");
        assert_eq!(promoted, team.digest(repository, "0a1b2c3"), "byte for byte");
    }
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 0a1b2c3
                0:00 Deploying 0a1b2c3, requested by ann (release day).
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api-production.
                1:08 scr-api-production is stable on scr-api-production:2.
                1:08 Updating scr-ai-gateway-production.
                1:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                1:43 Updating scr-web-production.
                2:19 scr-web-production is stable on scr-web-production:2.
                2:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 10m.
               12:19 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:before=0a1b2c3=production-latest, scr-ai-gateway:before=0a1b2c3=production-latest
              scr-api-production: scr-api:before=0a1b2c3=production-latest, scr-api:before=0a1b2c3=production-latest
              scr-web-production: scr-web:before=0a1b2c3=production-latest, scr-web:before=0a1b2c3=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/production: deploying 0a1b2c3
              scr/production: 0a1b2c3 is live
        "#]],
    );
}

#[tokio::test]
async fn a_migration_is_undone_when_a_person_asks_for_it() {
    let mut team = live().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    team.push_all("v1.5.0", "new").unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let payload = json!({
        "application": "scr", "environment": "production", "by": "ann", "why": "loses uploads",
        "undo": true,
    });
    let answer = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            scr/production/3 v1.4.0
                0:00 Rolling back from v1.5.0 to v1.4.0, requested by ann (loses uploads).
                0:00 Prepared: scr-api-production scr-api-production:3 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:3 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:3 -> scr-web-production:2.
                0:00 Undoing the migration of v1.5.0.
                0:00 The undo runs as task bbdb4a9c040cf545e590dd7e4700b7d6.
                0:33 The migration is undone.
                0:33 Updating scr-web-production.
                1:08 scr-web-production is stable on scr-web-production:2.
                1:08 Updating scr-ai-gateway-production.
                1:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                1:43 Updating scr-api-production.
                2:19 scr-api-production is stable on scr-api-production:2.
                2:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 10m.
               12:19 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:before=0a1b2c3=v1.4.0=production-latest, scr-ai-gateway:before=0a1b2c3=v1.4.0=production-latest
              scr-api-production: scr-api:before=0a1b2c3=v1.4.0=production-latest, scr-api:before=0a1b2c3=v1.4.0=production-latest
              scr-web-production: scr-web:before=0a1b2c3=v1.4.0=production-latest, scr-web:before=0a1b2c3=v1.4.0=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/production: deploying v1.4.0
              scr/production: v1.4.0 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying v1.5.0
              scr/production: v1.5.0 is live
              scr/production: rolling back from v1.5.0 to v1.4.0
              scr/production: rolled back to v1.4.0
        "#]],
    );
}

#[tokio::test]
async fn any_earlier_release_can_be_a_rollback_target() {
    let mut team = scr().await;
    for (number, tag) in [(2, "bbbbbb2"), (3, "ccccccc3")] {
        team.push_all(tag, tag).unwrap();
        team.until_ended(STAGING, number).await.unwrap();
    }
    let payload = json!({
        "application": "scr", "environment": "staging", "by": "ann", "why": "both are slow",
        "to": "0a1b2c3",
    });
    let answer = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(STAGING, 4).await.unwrap();
    check(
        &team,
        STAGING,
        4,
        &expect![[r#"
            scr/staging/4 0a1b2c3
                0:00 Rolling back from ccccccc3 to 0a1b2c3, requested by ann (both are slow).
                0:00 The database schema stays as it is.
                0:00 Prepared: scr-api scr-api:4 -> scr-api:2, scr-ai-gateway scr-ai-gateway:4 -> scr-ai-gateway:2, scr-web scr-web:4 -> scr-web:2.
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
              scr/staging: deploying bbbbbb2
              scr/staging: bbbbbb2 is live
              scr/staging: deploying ccccccc3
              scr/staging: ccccccc3 is live
              scr/staging: rolling back from ccccccc3 to 0a1b2c3
              scr/staging: rolled back to 0a1b2c3
        "#]],
    );
}

#[tokio::test]
async fn what_is_frozen_held_or_paused_says_so_and_waits() {
    let mut team = scr().await;
    let control = |action: &str| {
        json!({
            "application": "scr", "environment": "staging", "action": action,
            "by": "ann", "why": "the auditors are here",
        })
    };
    let paused = team.invoke("control", control("pause")).await.unwrap();
    assert_eq!(paused.error, None, "{}", paused.payload);
    team.push_all("3f2a9c1", "new").unwrap();
    team.sandbox.run_for(600).await.unwrap();
    assert_eq!(team.deployments().len(), 1, "a paused environment takes nothing");
    let resumed = team.invoke("control", control("resume")).await.unwrap();
    assert_eq!(resumed.error, None, "{}", resumed.payload);
    team.until_ended(STAGING, 2).await.unwrap();
    assert_eq!(team.deployments().len(), 2);
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
                7:19 Ended: succeeded.
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: 3f2a9c1 is waiting
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn an_approval_is_for_one_deployment_and_for_a_time() {
    let mut team = scr().await;
    let confirm = "    confirm: DEPLOY ";
    let approval = format!("    approval: {{expires: 30m}}\n{confirm}");
    let text = team.system.text.replacen(confirm, &approval, 1);
    team.respecify(&text).await.unwrap();
    team.push_all("v1.4.0", "before").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();

    team.push_all("v1.4.1", "before").unwrap();
    team.until_state(PRODUCTION, 2, "awaiting approval").await.unwrap();
    let approve = |version: &str| {
        json!({
            "application": "scr", "environment": "production", "action": "approve",
            "version": version, "by": "ann", "why": "tried it in staging",
        })
    };
    let too_late = team.invoke("control", approve("v1.4.0")).await.unwrap();
    expect![[r#"
        {
          "accepted": false,
          "because": "v1.4.1 is waiting for approval, not v1.4.0",
          "choices": [
            {
              "action": "approve",
              "application": "scr",
              "by": "ann",
              "environment": "production",
              "version": "v1.4.1",
              "why": "tried it in staging"
            }
          ],
          "environment": "scr/production",
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "environment": "production"
            }
          }
        }"#]]
    .assert_eq(&format!("{:#}", too_late.payload));
    let approved = team.invoke("control", approve("v1.4.1")).await.unwrap();
    assert_eq!(approved.error, None, "{}", approved.payload);
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 v1.4.0
                0:00 Deploying v1.4.0, requested by push of v1.4.0.
                0:00 Waiting for approval until 2026-11-21T09:42:19Z.
               30:00 Ended: rejected by timeout: not approved in time; deploy it again to request approval again.
            scr/production/2 v1.4.1
                0:00 Deploying v1.4.1, requested by push of v1.4.1.
                0:00 Waiting for approval until 2026-11-21T10:12:20Z.
                0:00 Approved by ann.
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api-production.
                1:08 scr-api-production is stable on scr-api-production:2.
                1:08 Updating scr-ai-gateway-production.
                1:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                1:43 Updating scr-web-production.
                2:19 scr-web-production is stable on scr-web-production:2.
                2:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 10m.
               12:19 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:before=0a1b2c3=v1.4.0=v1.4.1=production-latest, scr-ai-gateway:before=0a1b2c3=v1.4.0=v1.4.1=production-latest
              scr-api-production: scr-api:before=0a1b2c3=v1.4.0=v1.4.1=production-latest, scr-api:before=0a1b2c3=v1.4.0=v1.4.1=production-latest
              scr-web-production: scr-web:before=0a1b2c3=v1.4.0=v1.4.1=production-latest, scr-web:before=0a1b2c3=v1.4.0=v1.4.1=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/production: v1.4.0 is waiting for approval until 2026-11-21T09:42:19Z
              scr/production: v1.4.0 was rejected
              scr/production: deploying v1.4.1
              scr/production: v1.4.1 is live
        "#]],
    );
}
