//! Slipway's own health: dead letters are replayed, alarms are sent, and a failed scan of one
//! repository does not affect the others.

use crate::{STAGING, scr, sound};
use expect_test::expect;
use sandbox::faults::{Calls, EventFault, Fault, When};
use sandbox::service::Refusal;
use scenarios::Team;
use serde_json::{Value, json};

/// The table rejects every call of image-pushed.
fn make_pushes_fail(team: &Team, when: When) {
    let asking = Calls { caller: Some("ImagePushed".into()), ..Calls::to("dynamodb", "Query") };
    let refusal = Refusal::new("ResourceNotFoundException", "Requested resource not found");
    team.sandbox.faults(|faults| faults.on_calls(asking, when, Fault::Refuse(refusal)));
}

#[tokio::test]
async fn what_was_given_up_is_handed_to_its_function_again() {
    let mut team = Team::start("scr").await.unwrap();
    // Just after the sweep has scanned the repositories: it does not help.
    let looked = |team: &mut Team| team.sandbox.now() / 60_000 % 15 == 1;
    team.until(3600, looked).await.unwrap();
    // Three pushes, and each is tried three times.
    make_pushes_fail(&team, When::First(9));
    team.push_all("3f2a9c1", "first").unwrap();
    team.until(600, |team| team.sandbox.queue_depths()["EventDeadLetters"] == 3).await.unwrap();
    // A tick that an earlier version gave up, a spec that came by CloudFormation, and a riddle.
    let tick = include_str!("../../../../events/schedule-tick.json");
    let update = include_str!("../../../../events/cloudformation-update.json");
    let update: Value = serde_json::from_str(update).unwrap();
    let record =
        json!({"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": update});
    for letter in [tick, &record.to_string(), "half a messa"] {
        team.write_to("EventDeadLetters", letter).unwrap();
    }

    let answer = team.ask("wake", json!({"replay": true})).await.unwrap();

    expect![[r#"
        {
          "dropped": [
            "a schedule tick: later ones have followed"
          ],
          "handed_on": {
            "slipway-image-pushed": 3
          },
          "kept": [
            "a spec from a CloudFormation stack, which may have a newer one by now: update that stack again and delete this message",
            "not JSON: half a messa"
          ],
          "rest": "no more messages"
        }"#]]
    .assert_eq(&format!("{answer:#}"));
    assert_eq!(team.sandbox.queue_depths()["EventDeadLetters"], 2, "what was kept");
    team.until_state(STAGING, 1, "baking").await.unwrap();
    assert_eq!(team.sandbox.problems(), Vec::<String>::new());
}

/// What fails again is kept again.
#[tokio::test]
async fn a_replay_loses_nothing_that_fails_again() {
    let mut team = Team::start("scr").await.unwrap();
    make_pushes_fail(&team, When::Always);
    team.push("scr-api", "3f2a9c1", "first").unwrap();
    team.until(600, |team| team.sandbox.queue_depths()["EventDeadLetters"] == 1).await.unwrap();
    let answer = team.ask("wake", json!({"replay": true})).await.unwrap();
    assert_eq!(answer["handed_on"], json!({"slipway-image-pushed": 1}), "{answer}");
    assert_eq!(team.sandbox.queue_depths()["EventDeadLetters"], 0);
    team.until(600, |team| team.sandbox.queue_depths()["EventDeadLetters"] == 1).await.unwrap();
}

/// A team with Slack and without mail would get no other notice.
#[tokio::test]
async fn slack_hears_that_slipway_itself_is_ill() {
    let mut team = scr().await;
    let alarm = include_str!("../../../../events/own-alarm-by-sns.json");
    team.ask("notify", serde_json::from_str(alarm).unwrap()).await.unwrap();
    let channel = team.web.channel();
    let last = channel.rsplit("#deploys").next().unwrap_or_default();
    assert!(last.contains("slipway-SilentSweepAlarm-1T5QWZLPBM4C is in ALARM"), "{channel}");
    sound(&team);
}

/// ECR sends no event, and does not let Slipway read the first of three repositories.
#[tokio::test]
async fn a_repository_that_cannot_be_looked_at_hides_no_other() {
    let mut team = Team::start("power-pto").await.unwrap();
    team.sandbox.faults(|faults| {
        faults.on_events(Some("ECR Image Action"), When::Always, EventFault::Drop);
        let looking = Calls { caller: Some("Wake".into()), ..Calls::to("ecr", "DescribeImages") };
        let gone = Refusal::new("RepositoryNotFoundException", "The repository does not exist");
        faults.on_calls(looking, When::First(1), Fault::Refuse(gone));
    });
    team.push_all("3f2a9c1", "first").unwrap();
    let heard = |team: &mut Team| {
        let logs = team.sandbox.logs("Wake");
        logs.iter().filter(|line| line.contains("that no event reported")).count() >= 2
    };
    team.until(1200, heard).await.unwrap();
    assert_eq!(team.sandbox.problems(), Vec::<String>::new());
}

/// As above, and the spec of another application cannot be read.
#[tokio::test]
async fn a_spec_that_cannot_be_read_hides_no_push_of_another_application() {
    let mut team = Team::start("power-pto").await.unwrap();
    let table = team.sandbox.stack().tables.values().next().unwrap().name.clone();
    let listed = ["applications", "repository#power-pto/api"].map(|pk| (pk, "app#broken"));
    for (pk, sk) in listed.into_iter().chain([("app#broken", "spec")]) {
        let record = json!({"S": "{\"format\": 1, \"kind\": \"spec\""});
        let item =
            json!({"pk": {"S": pk}, "sk": {"S": sk}, "version": {"N": "1"}, "record": record});
        team.person("dynamodb", "PutItem", json!({"TableName": table, "Item": item})).unwrap();
    }
    team.sandbox.faults(|faults| {
        faults.on_events(Some("ECR Image Action"), When::Always, EventFault::Drop);
    });
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_ended("power-pto/production", 1).await.unwrap();
    let logs = team.sandbox.logs("Wake");
    assert!(
        logs.iter().any(|line| line.contains("the spec of broken cannot be read")),
        "{logs:#?}"
    );
}

/// A click meets a transaction that writes the same item: DynamoDB says so, and the SDK does not try
/// again.
#[tokio::test]
async fn a_click_that_meets_a_transaction_is_decided_anew() {
    let mut team = scr().await;
    let writing = Calls { caller: Some("Control".into()), ..Calls::to("dynamodb", "PutItem") };
    let ongoing = "Transaction is ongoing for the item";
    let refusal = Refusal::new("TransactionConflictException", ongoing);
    team.sandbox.faults(|faults| faults.on_calls(writing, When::First(3), Fault::Refuse(refusal)));
    let hold = json!({"application": "scr", "environment": "staging", "action": "hold", "by": "ann", "why": "a test"});
    let answer = team.ask("control", hold).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    sound(&team);
}

/// The same at the start of a deployment: the table is too busy for one of the two items.
#[tokio::test]
async fn a_transaction_that_was_throttled_is_tried_again() {
    let mut team = scr().await;
    let mut refusal = Refusal::new(
        "TransactionCanceledException",
        "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError, None]",
    );
    refusal.members = json!({"CancellationReasons": [
        {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity of your table"},
        {"Code": "None"},
    ]});
    let writing = Calls::to("dynamodb", "TransactWriteItems");
    team.sandbox.faults(|faults| faults.on_calls(writing, When::First(1), Fault::Refuse(refusal)));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let deployment = team.deployment(STAGING, 2).unwrap();
    assert_eq!(deployment.verdict().unwrap().to_string(), "succeeded");
}
