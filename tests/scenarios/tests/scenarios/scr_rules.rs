//! SCR in production: when a release may go there, and who has to agree to what.

use crate::{STAGING, check, pretty, scr, sound};
use expect_test::expect;
use scenarios::{FREEZE, Team};
use serde_json::{Value, json};

const PRODUCTION: &str = "scr/production";

/// Both releases succeeded in staging, and production takes what `rules` say.
async fn two_in_staging(rules: &str) -> Team {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let text = team.system.with_rule("production", rules).unwrap();
    team.respecify(&text).await.unwrap();
    team
}

async fn deploy(team: &mut Team, more: Value) -> Value {
    let mut payload = json!({
        "application": "scr", "environment": "production", "version": "3f2a9c1",
        "confirm": "DEPLOY", "by": "ann", "why": "customers cannot log in",
    });
    if let (Value::Object(payload), Value::Object(more)) = (&mut payload, more) {
        payload.extend(more);
    }
    team.ask("deploy", payload).await.unwrap()
}

async fn control(team: &mut Team, action: &str, version: &str) -> Value {
    let mut payload = json!({
        "application": "scr", "environment": "production", "action": action,
        "by": "ann", "why": "the auditors are here",
    });
    if !version.is_empty() {
        payload["version"] = version.into();
    }
    team.ask("control", payload).await.unwrap()
}

#[tokio::test]
async fn frozen_and_on_hold_it_takes_only_what_a_person_means() {
    let mut team =
        two_in_staging("freeze: [{from: 2026-11-21T08:00, to: 2026-11-23T08:00, time_zone: UTC}]")
            .await;
    control(&mut team, "hold", "").await;
    let refused = deploy(&mut team, json!({})).await;
    let half = deploy(&mut team, json!({"override": ["freeze"]})).await;
    assert!(team.deployment(PRODUCTION, 1).is_none(), "nothing has started");
    expect![[r#"
        {
          "accepted": false,
          "because": "the environment is on hold by ann (the auditors are here); the environment is frozen until 2026-11-23T08:00:00Z; to deploy anyway, add \"override\": [\"hold\", \"freeze\"]",
          "to_do_it_all_the_same": {
            "application": "scr",
            "by": "ann",
            "confirm": "DEPLOY",
            "environment": "production",
            "override": [
              "freeze",
              "hold"
            ],
            "version": "3f2a9c1",
            "why": "customers cannot log in"
          }
        }
        "the environment is on hold by ann (the auditors are here); to deploy anyway, add \"override\": [\"hold\", \"freeze\"]"
    "#]].assert_eq(&(pretty(&refused) + &pretty(&half["because"])));
    let meant = refused["to_do_it_all_the_same"].clone();
    let answer = team.ask("deploy", meant).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by ann (customers cannot log in).
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
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
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=production-latest, scr-ai-gateway:3f2a9c1=production-latest
              scr-api-production: scr-api:3f2a9c1=production-latest, scr-api:3f2a9c1=production-latest
              scr-web-production: scr-web:3f2a9c1=production-latest, scr-web:3f2a9c1=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: deploying 3f2a9c1
              scr/production: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn what_is_tagged_in_a_freeze_goes_when_it_ends() {
    let mut team = two_in_staging(FREEZE).await;
    team.push_all("v1.4.0", "new").unwrap();
    team.sandbox.run_for(10 * 60).await.unwrap();
    assert!(team.deployment(PRODUCTION, 1).is_none(), "it is frozen");
    team.until_ended(PRODUCTION, 1).await.unwrap();
    let started_at = team.deployment(PRODUCTION, 1).unwrap().started_at;
    assert_eq!(started_at.to_string(), "2026-11-21T10:00:00Z");
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 v1.4.0
                0:00 Deploying v1.4.0, requested by push of v1.4.0.
                0:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                0:00 The migration runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
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
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.4.0=production-latest, scr-ai-gateway:3f2a9c1=v1.4.0=production-latest
              scr-api-production: scr-api:3f2a9c1=v1.4.0=production-latest, scr-api:3f2a9c1=v1.4.0=production-latest
              scr-web-production: scr-web:3f2a9c1=v1.4.0=production-latest, scr-web:3f2a9c1=v1.4.0=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: v1.4.0 is waiting
              scr/production: deploying v1.4.0
              scr/production: v1.4.0 is live
        "#]],
    );
}

#[tokio::test]
async fn on_a_firm_hold_a_tag_waits_until_a_person_lifts_it() {
    let mut team = scr().await;
    let firm = json!({
        "application": "scr", "environment": "production", "action": "hold", "firm": true,
        "by": "ann", "why": "the auditors are here",
    });
    team.ask("control", firm).await.unwrap();
    team.push_all("v1.4.0", "before").unwrap();
    team.sandbox.run_for(3600).await.unwrap();
    assert!(team.deployment(PRODUCTION, 1).is_none(), "it is held");
    control(&mut team, "unhold", "").await;
    team.until_ended(PRODUCTION, 1).await.unwrap();
    sound(&team);
}

/// The same tag was pushed again with other images: a second click must not agree to those.
#[tokio::test]
async fn an_approval_is_for_the_images_that_the_person_saw() {
    let mut team = two_in_staging("approval: {expires: 2h}").await;
    team.push_all("v1.4.0", "before").unwrap();
    team.until_state(PRODUCTION, 1, "awaiting approval").await.unwrap();
    team.push_all("v1.4.0", "new").unwrap();
    team.sandbox.run_for(300).await.unwrap();
    let first = control(&mut team, "approve", "v1.4.0").await;
    assert_eq!(first["accepted"], true, "{first}");
    team.until_state(PRODUCTION, 2, "awaiting approval").await.unwrap();
    let second = control(&mut team, "approve", "v1.4.0").await;
    expect![[r#"
        {
          "accepted": false,
          "because": "v1.4.0#2 is waiting for approval, not v1.4.0",
          "choices": [
            {
              "action": "approve",
              "application": "scr",
              "by": "ann",
              "environment": "production",
              "version": "v1.4.0#2",
              "why": "the auditors are here"
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
        }
    "#]]
    .assert_eq(&pretty(&second));
    let meant = second["choices"][0].clone();
    let third = team.ask("control", meant).await.unwrap();
    assert_eq!(third["accepted"], true, "{third}");
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            scr/production/1 v1.4.0
                0:00 Deploying v1.4.0, requested by push of v1.4.0.
                0:00 Waiting for approval until 2026-11-21T11:19:39Z.
                5:00 Approved by ann.
                5:00 Prepared: scr-api-production scr-api-production:1 -> scr-api-production:2, scr-ai-gateway-production scr-ai-gateway-production:1 -> scr-ai-gateway-production:2, scr-web-production scr-web-production:1 -> scr-web-production:2.
                5:00 The migration runs as task c0c83ef5b7dc8b7c783b86bdd9518ffd.
                5:33 The migration succeeded (exit code 0).
                5:33 Updating scr-api-production.
                6:08 scr-api-production is stable on scr-api-production:2.
                6:08 Updating scr-ai-gateway-production.
                6:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:2.
                6:43 Updating scr-web-production.
                7:19 scr-web-production is stable on scr-web-production:2.
                7:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                7:19 https://scr-platform.com/ answers as expected (attempt 1).
                7:19 Watching alarms and tasks for 10m.
               17:19 Ended: succeeded.
            scr/production/2 v1.4.0#2
                0:00 Deploying v1.4.0#2, requested by push of v1.4.0.
                0:00 Waiting for approval until 2026-11-21T11:36:58Z.
                0:00 Approved by ann.
                0:00 Prepared: scr-api-production scr-api-production:2 -> scr-api-production:3, scr-ai-gateway-production scr-ai-gateway-production:2 -> scr-ai-gateway-production:3, scr-web-production scr-web-production:2 -> scr-web-production:3.
                0:00 The migration runs as task 67287f0e706ff2e0c9d68ceb72441292.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api-production.
                1:08 scr-api-production is stable on scr-api-production:3.
                1:08 Updating scr-ai-gateway-production.
                1:43 scr-ai-gateway-production is stable on scr-ai-gateway-production:3.
                1:43 Updating scr-web-production.
                2:19 scr-web-production is stable on scr-web-production:3.
                2:19 https://api.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 10m.
               12:19 Ended: succeeded.
            runs
              scr-ai-gateway-production: scr-ai-gateway:3f2a9c1=v1.4.0=production-latest, scr-ai-gateway:3f2a9c1=v1.4.0=production-latest
              scr-api-production: scr-api:3f2a9c1=v1.4.0=production-latest, scr-api:3f2a9c1=v1.4.0=production-latest
              scr-web-production: scr-web:3f2a9c1=v1.4.0=production-latest, scr-web:3f2a9c1=v1.4.0=production-latest
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/production: v1.4.0 is waiting for approval until 2026-11-21T11:19:39Z
              scr/production: deploying v1.4.0
              scr/production: v1.4.0 is live
              scr/production: deploying v1.4.0#2
              scr/production: v1.4.0#2 is live
        "#]],
    );
}
