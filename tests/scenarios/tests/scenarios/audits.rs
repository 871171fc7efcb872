//! What the table holds, judged by the rules of the audit.

use crate::{STAGING, pretty, scr, sound};
use expect_test::expect;
use scenarios::Team;
use serde_json::{Value, json};

async fn audit(team: &mut Team, format: &str) -> Value {
    let payload =
        json!({"application": "scr", "environment": "staging", "audit": true, "format": format});
    let before = team.sandbox.table_items();
    let answer = team.ask("status", payload).await.unwrap();
    assert_eq!(team.sandbox.table_items(), before, "nothing is changed by asking");
    answer
}

/// A release that succeeded, one that was rolled back, and one that succeeded after it.
async fn history() -> Team {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_state(STAGING, 2, "baking").await.unwrap();
    team.alarm("scr-staging-5xx", "ALARM", "Threshold Crossed");
    team.until_ended(STAGING, 2).await.unwrap();
    team.alarm("scr-staging-5xx", "OK", "Threshold not crossed");
    team.push_all("4d5e6f7", "new").unwrap();
    team.until_ended(STAGING, 3).await.unwrap();
    team
}

#[tokio::test]
async fn a_sound_environment_holds_every_rule() {
    let mut team = history().await;
    sound(&team);
    let answer = audit(&mut team, "json").await;
    expect![[r#"
        {
          "findings": [],
          "holds": true,
          "rules": [
            "every record can be read, and has its own number",
            "every record is small enough to be stored again",
            "the times of a deployment are in order, and not in the future",
            "a record that is due is woken soon afterwards",
            "a deployment that has ended requests nothing but notices",
            "no service is updated before the migration has ended with exit code 0",
            "no deployment starts in a freeze, unless a person overrides it",
            "a release that succeeded was observed on every service of the environment",
            "a release that succeeded ran at least one task",
            "a release succeeds only if none of its alarms was in ALARM",
            "a release that succeeded ran its migration to exit code 0, if it had to run one",
            "a deployment that was rolled back has rolled back every service that it updated",
            "a deployment that failed names every service that is still on the new revision",
            "a deployment that is stuck names every service that is not rolled back",
            "a deployment that was rejected, cancelled or replaced by a newer one has updated nothing",
            "deployment numbers have no gap, up to the last number of the environment",
            "one deployment is in progress at a time, and the environment knows which",
            "no push and no promotion deploys a release that is older than the newest one before it, unless that was rolled back or a person has let older ones in since",
            "no push and no promotion runs the migration of the same images again after it failed, unless a person has let them in again since",
            "no push and no promotion deploys again exactly the images that failed here or that a person went back from, unless a person has let them in again since",
            "a migration is undone at most once, and only if it ran",
            "the live release of the environment is the one that the last deployment left there",
            "a release that can be rolled back to or promoted has succeeded here",
            "the environment knows the newest release that was deployed and not rolled back",
            "the environment knows which of its last migrations ran, failed or were undone"
          ],
          "summary": "scr/staging: every rule holds for 3 deployments (1 to 3) and the environment's record"
        }
    "#]].assert_eq(&pretty(&answer));
}

#[tokio::test]
async fn a_damaged_record_in_the_table_is_named() {
    let mut team = history().await;
    let items = team.sandbox.table_items();
    let at = |items: &[Value], sort: &str| {
        let is_it = |item: &&Value| item["pk"]["S"] == "env#scr/staging" && item["sk"]["S"] == sort;
        items.iter().find(is_it).cloned().unwrap()
    };
    let table = team.sandbox.stack().tables.values().next().unwrap().name.clone();
    let mut rolled_back = at(&items, "deployment#00000002");
    let record = rolled_back["record"]["S"].as_str().unwrap();
    assert!(record.contains("\"put_back\""));
    let record = record.replacen("\"standing\":\"put_back\"", "\"standing\":\"updated\"", 1);
    rolled_back["record"] = json!({ "S": record });
    let mut first = at(&items, "deployment#00000001");
    first["record"] = json!({"S": "{\"format\": 1, \"kind\": \"deployment\""});
    for item in [rolled_back, first] {
        team.person("dynamodb", "PutItem", json!({"TableName": table, "Item": item})).unwrap();
    }
    let answer = audit(&mut team, "text").await;
    expect![[r#"
        scr/staging: 2 rule violations in 3 deployments (1 to 3) and the environment's record; 25 rules
          deployment 1: it is not a Slipway record: EOF while parsing an object at line 1 column 34 (the rule: every record can be read, and has its own number)
          deployment 2: scr-api is on the release (the rule: a deployment that was rolled back has rolled back every service that it updated)
    "#]].assert_eq(&crate::lines(&answer));
}
