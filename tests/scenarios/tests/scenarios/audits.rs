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

/// A release that succeeded, one that went back, and one that succeeded after it.
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
            "every record can be read, and lies under its own number",
            "every record is small enough to be written again",
            "a deployment starts, goes on and ends in the order of time, and not in the future",
            "what waits for a moment is woken soon after it",
            "a deployment that has ended asks nothing more of a worker, but to tell people",
            "no service is touched before the migration has ended with exit code 0",
            "nothing starts in a freeze, unless a person overrides it",
            "a release that succeeded was seen on every service of the environment",
            "a release that succeeded ran at least one task",
            "no alarm that counts was on before a release succeeded",
            "a release that succeeded ran its migration to exit code 0, where it was to run one",
            "every service that a deployment touched is back once it is rolled back",
            "a deployment that failed names every service that it has left changed",
            "a deployment that is stuck names every service that is not back",
            "a deployment that was rejected, cancelled or replaced before its turn touched nothing",
            "deployments are numbered without a gap, up to the last one that the environment knows",
            "one deployment is under way at a time, and the environment knows which",
            "no push and no promotion deploys a release that is older than the newest one before it, unless that was rolled back or a person has let older ones in since",
            "no push and no promotion runs the migration of the same images again after it failed, unless a person has let them in again since",
            "no push and no promotion deploys again exactly the images that failed here or that a person went back from, unless a person has let them in again since",
            "a migration is undone once at most, and only one that ran",
            "what the environment says that it runs is what the last deployment left there",
            "what the environment goes back to or promotes has succeeded here",
            "the environment knows the newest release that was deployed and not rolled back",
            "the environment knows which of its last migrations ran, failed or were undone"
          ],
          "summary": "scr/staging: every rule holds for 3 deployments (1 to 3) and the environment's record"
        }
    "#]].assert_eq(&pretty(&answer));
}

#[tokio::test]
async fn what_somebody_damaged_in_the_table_is_named() {
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
        scr/staging: 2 things do not hold, of 3 deployments (1 to 3) and the environment's record; 25 rules
          deployment 1: it is not a record of Slipway's: EOF while parsing an object at line 1 column 34 (the rule: every record can be read, and lies under its own number)
          deployment 2: scr-api runs the release (the rule: every service that a deployment touched is back once it is rolled back)
    "#]].assert_eq(&crate::lines(&answer));
}
