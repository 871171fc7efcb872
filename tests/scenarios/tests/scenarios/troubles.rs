//! When AWS itself has a bad day.

use crate::{STAGING, check, scr};
use expect_test::expect;
use sandbox::faults::{Calls, EventFault, Fault, When};
use scenarios::Team;
use serde_json::json;

#[tokio::test]
async fn with_every_ecs_event_lost_it_only_takes_longer() {
    let mut team = Team::start("scr").await.unwrap();
    for lost in ["ECS Task State Change", "ECS Deployment State Change", "ECS Service Action"] {
        team.sandbox.faults(|faults| faults.on_events(Some(lost), When::Always, EventFault::Drop));
    }
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    check(
        &team,
        STAGING,
        1,
        &expect![[r#"
            scr/staging/1 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:1 -> scr-api:2, scr-ai-gateway scr-ai-gateway:1 -> scr-ai-gateway:2, scr-web scr-web:1 -> scr-web:2.
                0:00 The migration runs as task bf3ee1a3f2918cc542844ca6b11a4c95.
                2:00 The migration succeeded (exit code 0).
                2:00 Updating scr-api.
                4:00 scr-api is stable on scr-api:2.
                4:00 Updating scr-ai-gateway.
                6:00 scr-ai-gateway is stable on scr-ai-gateway:2.
                6:00 Updating scr-web.
                8:00 scr-web is stable on scr-web:2.
                8:00 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                8:00 https://staging.scr-platform.com/ answers as expected (attempt 1).
                8:00 Watching alarms and tasks for 5m.
               13:00 Ended: succeeded.
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

#[tokio::test]
async fn throttles_everywhere_change_nothing_but_the_time() {
    let mut team = Team::start("scr").await.unwrap();
    team.sandbox.faults(|faults| {
        faults.on_calls(Calls::default(), When::Share { percent: 15, seed: 7 }, Fault::Throttle);
    });
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    // Which calls are refused depends on which of those made side by side comes first.
    expect![[r#"
        scr/staging/1: succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
          scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
          scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
        told
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
    "#]]
    .assert_eq(&team.ending(STAGING));
}

#[tokio::test]
async fn an_alarm_is_not_lost_to_throttles() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    team.sandbox.faults(|faults| {
        faults.on_calls(Calls::default(), When::Share { percent: 15, seed: 7 }, Fault::Throttle);
    });
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed: 7 > 5");
    team.until_ended(STAGING, 2).await.unwrap();
    expect![[r#"
        scr/staging/1: succeeded
        scr/staging/2: rolled back
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
    "#]]
    .assert_eq(&team.ending(STAGING));
}

#[tokio::test]
async fn an_unreadable_record_is_kept() {
    let mut team = Team::start("scr").await.unwrap();
    team.sandbox.emit(&sandbox::service::Emission {
        source: "aws.ecs".into(),
        detail_type: "ECS Deployment State Change".into(),
        resources: vec!["no ARN at all".into()],
        detail: json!({"eventName": "SERVICE_DEPLOYMENT_COMPLETED", "deploymentId": 7}),
    });
    team.sandbox.run_for(600).await.unwrap();
    let letters = team.sandbox.dead_letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0].0, "EventDeadLetters");
}
