//! Sending notices: once, in one place, and without blocking a deployment.

use super::town::Town;
use expect_test::expect;
use futures_util::future::join_all;
use pipeline::notice::News;
use pipeline::time::Span;
use pipeline::verdict::{Cause, Verdict};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn ended(verdict: Verdict) -> News {
    News::Ended {
        verdict,
        took: Span::minutes(6),
        last_words: vec!["That was it.".into()],
        failed_container: None,
    }
}

fn rolled_back() -> News {
    ended(Verdict::RolledBack { cause: Cause::MigrationUnclear })
}

const NEW: Span = Span::seconds(1);
const BOT: &str = r#"{"bot_token": "xoxb-1"}"#;

#[tokio::test]
async fn a_deployment_is_one_message_and_one_thread() {
    let town = Town::new(BOT);
    let text = [
        town.tell(1, NEW, News::Started).await,
        town.tell(5, NEW, News::RollingBack { cause: "an alarm".into() }).await,
        town.tell(9, NEW, rolled_back()).await,
    ];
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
          SNS: scr/staging: rolling back 3f2a9c1
          Slack chat.update: scr/staging: rolling back 3f2a9c1, channel "C1", ts "17.1"
          Slack chat.postMessage: scr/staging: rolling back 3f2a9c1, channel "C1", thread_ts "17.1", reply_broadcast true
        announced
          SNS: scr/staging: 3f2a9c1 was rolled back
          Slack chat.update: scr/staging: 3f2a9c1 was rolled back, channel "C1", ts "17.1"
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "C1", thread_ts "17.1", reply_broadcast true
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let town = Town::new(BOT);
    let text = [
        town.tell(9, NEW, rolled_back()).await,
        town.tell(9, NEW, rolled_back()).await,
        town.tell(1, NEW, News::Started).await,
    ];
    expect![[r##"
          SNS: scr/staging: 3f2a9c1 was rolled back
          read the secret
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "#deployments"
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "C1", thread_ts "17.1", reply_broadcast false
        announced
        announced
          SNS: scr/staging: deploying 3f2a9c1
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn slack_may_throttle_and_the_topic_is_not_notified_again() {
    let town = Town::new(BOT);
    town.change(|state| state.slack_says.push((429, json!({"ok": false, "error": "ratelimited"}))));
    let text = [town.tell(1, NEW, News::Started).await, town.tell(1, NEW, News::Started).await];
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        Passing: temporary failure: could not notify Slack yet: rate limited by Slack; retry after 30 seconds
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn a_notice_sent_to_one_channel_is_not_sent_there_again() {
    let town = Town::new(BOT);
    let first = town.tell(1, NEW, News::Started).await;
    town.change(|state| {
        state.slack_says.push((200, json!({"ok": true})));
        state.slack_says.push((503, json!("no")));
    });
    let text =
        [first, town.tell(9, NEW, rolled_back()).await, town.tell(9, NEW, rolled_back()).await];
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
          SNS: scr/staging: 3f2a9c1 was rolled back
          Slack chat.update: scr/staging: 3f2a9c1 was rolled back, channel "C1", ts "17.1"
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "C1", thread_ts "17.1", reply_broadcast true
        Passing: temporary failure: could not notify Slack yet: Slack answered 503 Service Unavailable
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "C1", thread_ts "17.1", reply_broadcast true
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn what_never_works_is_given_up() {
    let town = Town::new(BOT);
    town.change(|state| {
        state.topic_is_gone = true;
        state.slack_says.push((200, json!({"ok": false, "error": "channel_not_found"})));
    });
    let mut text = town.tell(1, NEW, News::Started).await;
    town.change(|state| state.slack_says.push((500, json!("no"))));
    text += &town.tell(2, Span::hours(2), rolled_back()).await;
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
          SNS: scr/staging: 3f2a9c1 was rolled back
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "#deployments"
        announced
    "##]]
    .assert_eq(&text);
}

#[tokio::test]
async fn a_deleted_message_is_posted_again() {
    let town = Town::new(BOT);
    let first = town.tell(1, NEW, News::Started).await;
    let gone = (200, json!({"ok": false, "error": "message_not_found"}));
    town.change(|state| state.slack_says.push(gone));
    let text = [first, town.tell(9, NEW, ended(Verdict::Succeeded)).await];
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
          SNS: scr/staging: 3f2a9c1 is live
          Slack chat.update: scr/staging: 3f2a9c1 is live, channel "C1", ts "17.1"
          Slack chat.postMessage: scr/staging: 3f2a9c1 is live, channel "#deployments"
          Slack chat.postMessage: scr/staging: 3f2a9c1 is live, channel "C1", thread_ts "17.2", reply_broadcast false
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_anew() {
    let town = Town::new(BOT);
    town.change(|state| {
        state.slack_says.push((200, json!({"ok": false, "error": "token_revoked"})));
    });
    let text = [
        town.tell(1, NEW, News::Started).await,
        town.tell(9, NEW, ended(Verdict::Succeeded)).await,
    ];
    expect![[r##"
          SNS: scr/staging: deploying 3f2a9c1
          read the secret
          Slack chat.postMessage: scr/staging: deploying 3f2a9c1, channel "#deployments"
        announced
          SNS: scr/staging: 3f2a9c1 is live
          read the secret
          Slack chat.postMessage: scr/staging: 3f2a9c1 is live, channel "#deployments"
          Slack chat.postMessage: scr/staging: 3f2a9c1 is live, channel "C1", thread_ts "17.1", reply_broadcast false
        announced
    "##]].assert_eq(&text.concat());
}

#[tokio::test]
async fn a_slack_that_hangs_keeps_nothing_from_the_topic() {
    let town = Town::new(BOT);
    town.change(|state| state.slack_hangs = true);
    town.invoked(Span::seconds(14));
    let began = Instant::now();
    let news = (1..=10).map(|number| town.tell(number, NEW, rolled_back()));
    let told = join_all(news).await.concat();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "Slack is waited for once, and not ten times"
    );
    let count = |what: &str| told.matches(what).count();
    assert_eq!(count("SNS: scr/staging: 3f2a9c1 was rolled back"), 10, "{told}");
    assert_eq!(count("Passing: temporary failure: could not notify Slack yet"), 10);
    assert!(count("Slack chat") == 0 && count("announced") == 0, "{told}");

    // Slack is notified once it works again, and the topic is not notified again.
    town.change(|state| state.slack_hangs = false);
    town.invoked(Span::seconds(30));
    expect![[r##"
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "#deployments"
          Slack chat.postMessage: scr/staging: 3f2a9c1 was rolled back, channel "C1", thread_ts "17.1", reply_broadcast false
        announced
    "##]]
    .assert_eq(&town.tell(7, NEW, rolled_back()).await);
}

/// As the topic hands it to notify.
fn alarm() -> Value {
    let sample = include_str!("../../../../events/own-alarm-by-sns.json");
    serde_json::from_str(sample).expect("a sample is JSON")
}

#[tokio::test]
async fn slack_gets_slipways_own_alarms() {
    let town = Town::new(BOT);
    let mut text = town.hear(&alarm()).await;
    town.change(|state| state.slack_says.push((503, json!("no"))));
    text += &town.hear(&alarm()).await;
    town.change(|state| {
        state.slack_says.push((200, json!({"ok": false, "error": "token_revoked"})));
    });
    text += &town.hear(&alarm()).await;
    let nothing = json!({"Records": [{"Sns": {"Message": "scr/staging: 3f2a9c1 is live"}}]});
    text += &town.hear(&nothing).await;
    expect![[r##"
          read the secret
          Slack chat.postMessage: Slipway's own alarm slipway-SilentSweepAlarm-1T5QWZLPBM4C is in ALARM, channel "#deployments"
        told
          Slack chat.postMessage: Slipway's own alarm slipway-SilentSweepAlarm-1T5QWZLPBM4C is in ALARM, channel "#deployments"
        Passing: temporary failure: Slack answered 503 Service Unavailable
          Slack chat.postMessage: Slipway's own alarm slipway-SilentSweepAlarm-1T5QWZLPBM4C is in ALARM, channel "#deployments"
        told
        Unreadable: the message is not an alarm: expected value at line 1 column 1
    "##]].assert_eq(&text);
}
