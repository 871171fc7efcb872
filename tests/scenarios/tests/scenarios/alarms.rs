//! Alarms without an event: their history is read before a deployment ends.

use crate::{STAGING, ended, scr};
use expect_test::expect;
use sandbox::faults::{EventFault, When};
use scenarios::Team;

const ALARM: &str = "scr-staging-5xx";

/// A release bakes, and no event of an alarm arrives.
async fn baking() -> Team {
    let mut team = scr().await;
    let alarms = Some("CloudWatch Alarm State Change");
    team.sandbox.faults(|faults| faults.on_events(alarms, When::Always, EventFault::Drop));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    team
}

#[tokio::test]
async fn an_alarm_that_rang_and_calmed_down_unheard_is_found_before_the_end() {
    let mut team = baking().await;
    team.alarm(ALARM, "ALARM", "Threshold Crossed: 3 datapoints");
    team.sandbox.run_for(60).await.unwrap();
    team.alarm(ALARM, "OK", "Threshold Crossed: 1 datapoint was not greater");
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: alarm scr-staging-5xx: Threshold Crossed: 3 datapoints
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
async fn an_alarm_that_a_rule_mutes_does_not_count_when_it_is_read() {
    let mut team = baking().await;
    team.sandbox.account().services.cloudwatch.mute(ALARM, Some("load-test"));
    team.alarm(ALARM, "ALARM", "Threshold Crossed: 3 datapoints");
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
    // The same without the rule.
    let mut team = baking().await;
    team.alarm(ALARM, "ALARM", "Threshold Crossed: 3 datapoints");
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: alarm scr-staging-5xx: Threshold Crossed: 3 datapoints
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
