//! A service with one task on each container instance, without a desired count.

use crate::{STAGING, ended, sound};
use expect_test::expect;
use scenarios::Team;
use serde_json::{Value, json};

const SERVICE: &str = "scr-web";

fn described(team: &Team) -> Value {
    let asked = json!({"cluster": "scr-staging", "services": [SERVICE]});
    team.person("ecs", "DescribeServices", asked).unwrap()["services"][0].clone()
}

/// SCR, where the last service is a daemon.
async fn with_a_daemon() -> Team {
    let mut team = Team::start("scr").await.unwrap();
    let before = described(&team);
    let (cluster, service) = ("scr-staging", SERVICE);
    let delete = json!({"cluster": cluster, "service": service, "force": true});
    team.person("ecs", "DeleteService", delete).unwrap();
    team.until(3600, |team| described(team)["status"] == "INACTIVE").await.unwrap();
    let daemon = json!({
        "cluster": cluster,
        "serviceName": service,
        "taskDefinition": before["taskDefinition"],
        "schedulingStrategy": "DAEMON",
        "launchType": "EC2",
        "networkConfiguration": before["networkConfiguration"],
    });
    let refused = json!({"desiredCount": 2});
    let mut wrong = daemon.clone();
    wrong.as_object_mut().unwrap().extend(refused.as_object().unwrap().clone());
    assert!(team.person("ecs", "CreateService", wrong).is_err());
    team.person("ecs", "CreateService", daemon).unwrap();
    team.until(3600, |team| described(team)["runningCount"] == 3).await.unwrap();
    team
}

#[tokio::test]
async fn a_daemon_is_deployed_and_roll_back_as_any_other_service() {
    let mut team = with_a_daemon().await;
    team.push_all("0a1b2c3", "before").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    assert_eq!(described(&team)["schedulingStrategy"], "DAEMON");
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
    team.until_ended(STAGING, 2).await.unwrap();
    sound(&team);
    ended(
        &team,
        STAGING,
        1,
        &expect![[r#"
            succeeded
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
            rolled back: alarm scr-staging-5xx: Threshold Crossed
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
        "#]],
    );
    let after = described(&team);
    assert_eq!((&after["desiredCount"], &after["runningCount"]), (&json!(3), &json!(3)));
}
