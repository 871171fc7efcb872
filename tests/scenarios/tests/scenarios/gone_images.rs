//! The previous revision can no longer be started.

use crate::{STAGING, ended, pretty, scr, sound};
use expect_test::expect;
use scenarios::Team;
use serde_json::json;

/// The previous image of `scr-web` is deleted by hand.
fn delete_the_old_image(team: &mut Team) {
    let digest = team.digest("scr-web", "0a1b2c3").unwrap();
    team.sandbox.at_desk("ecr", |services, desk| services.ecr.delete("scr-web", &digest, desk));
}

#[tokio::test]
async fn a_rollback_by_hand_to_an_image_that_is_gone_is_refused_and_says_what_to_do() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    delete_the_old_image(&mut team);
    let mut payload = json!({"application": "scr", "environment": "staging", "by": "ann"});
    payload["dry_run"] = true.into();
    let before = team.sandbox.table_items();
    let plan = team.ask("rollback", payload.clone()).await.unwrap();
    assert_eq!(team.sandbox.table_items(), before);
    expect![[r#"
        {
          "afterwards": "on hold: automation deploys only what is newer than 3f2a9c1",
          "environment": "scr/staging",
          "from": "3f2a9c1",
          "images": [
            "api: f076dc63c872 -> 3885562a5020",
            "gateway: a3b68086d5e2 -> 43750959c72a",
            "web: c7023768fdd5 -> 1106a5035ea4"
          ],
          "schema": "the database schema stays as it is",
          "steps": [
            "scr-web: scr-web:3 -> scr-web:2",
            "scr-ai-gateway: scr-ai-gateway:3 -> scr-ai-gateway:2",
            "scr-api: scr-api:3 -> scr-api:2"
          ],
          "to": "0a1b2c3",
          "would_fail": [
            "scr-web: scr-web:2 cannot be started: scr-web@sha256:1106a5035ea4cd14aa4cbb6d5ab31ccdc5588f5657b3e0fff0fd00340185af78 is not in ECR; push it again, or deploy another release"
          ]
        }
    "#]].assert_eq(&pretty(&plan["plan"]));
    payload["dry_run"] = false.into();
    team.ask("rollback", payload).await.unwrap();
    team.until_ended(STAGING, 3).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
            failed: pre-flight: scr-web@sha256:1106a5035ea4cd14aa4cbb6d5ab31ccdc5588f5657b3e0fff0fd00340185af78 is not in ECR; push it again, or deploy another release
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/staging: rolling back from 3f2a9c1 to 0a1b2c3
              scr/staging: the rollback to 0a1b2c3 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn an_automatic_rollback_changes_nothing_where_the_old_image_is_gone() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    delete_the_old_image(&mut team);
    let payload = json!({"application": "scr", "environment": "staging", "dry_run": true});
    let plan = team.ask("rollback", payload).await.unwrap();
    expect![[r#"
        {
          "environment": "scr/staging",
          "from": "3f2a9c1",
          "steps": [
            "scr-web: scr-web:3 -> scr-web:2",
            "scr-ai-gateway: scr-ai-gateway:3 -> scr-ai-gateway:2",
            "scr-api: scr-api:3 -> scr-api:2"
          ],
          "to": "0a1b2c3",
          "would_fail": [
            "scr-web: scr-web:2 cannot be started: scr-web@sha256:1106a5035ea4cd14aa4cbb6d5ab31ccdc5588f5657b3e0fff0fd00340185af78 is not in ECR; push it again, or deploy another release"
          ]
        }
    "#]].assert_eq(&pretty(&plan["plan"]));
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            stuck: not rolled back: scr-web (scr-web:2 cannot be started: scr-web@sha256:1106a5035ea4cd14aa4cbb6d5ab31ccdc5588f5657b3e0fff0fd00340185af78 is not in ECR; push it again, or deploy another release) (after: alarm scr-staging-5xx: Threshold Crossed)
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
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
