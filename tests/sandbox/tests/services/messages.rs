//! What people get to read: SNS, Slack, and the secret that opens it.

use crate::room::Room;
use expect_test::expect;
use sandbox::secrets::Secrets;
use sandbox::sites::{Request, Response};
use sandbox::slack::{Slack, Trouble, channel_id};
use sandbox::sns::Sns;
use serde_json::{Value, json};

#[test]
fn what_sns_refuses() {
    let mut room = Room::new("sns", Sns::new());
    let topic = room.service.create_topic("slipway");
    let long = "x".repeat(100);
    for (topic, subject, message) in [
        (topic.as_str(), "staging: v1 is live", "all good"),
        (topic.as_str(), "two\nlines", "all good"),
        (topic.as_str(), "Übersicht", "all good"),
        (topic.as_str(), long.as_str(), "all good"),
        (topic.as_str(), "empty", ""),
        ("arn:aws:sns:eu-central-1:123456789012:other", "nobody", "all good"),
    ] {
        let input = json!({ "TopicArn": topic, "Subject": subject, "Message": message });
        room.say("Publish", &input);
    }
    room.line(&format!("{} published", room.service.published.len()));
    expect![[r#"
        00:00 Publish: ok
        00:00 Publish: InvalidParameter: Invalid parameter: Subject
        00:00 Publish: InvalidParameter: Invalid parameter: Subject
        00:00 Publish: InvalidParameter: Invalid parameter: Subject
        00:00 Publish: InvalidParameter: Invalid parameter: Empty message
        00:00 Publish: NotFound: Topic does not exist
        00:00 1 published
    "#]]
    .assert_eq(&room.story());
}

#[test]
fn secrets_are_found_by_arn_and_by_name() {
    let mut room = Room::new("secretsmanager", Secrets::new());
    let now = room.now();
    let arn = room.service.put("slipway/slack", "xoxb-1", now);
    for named in [arn.as_str(), "slipway/slack", "slipway/other"] {
        let answer = room.ask("GetSecretValue", &json!({ "SecretId": named }));
        room.line(&answer["SecretString"].to_string());
        room.needs("GetSecretValue", &json!({ "SecretId": named }));
    }
    expect![[r#"
        00:00 "xoxb-1"
        00:00 secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-central-1:123456789012:secret:slipway/slack-dd6de7
        00:00 "xoxb-1"
        00:00 secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-central-1:123456789012:secret:slipway/slack-dd6de7
        00:00 GetSecretValue: ResourceNotFoundException: Secrets Manager can't find the specified secret.
        00:00 null
        00:00 secretsmanager:GetSecretValue on arn:aws:secretsmanager:eu-central-1:123456789012:secret:slipway/other
    "#]].assert_eq(&room.story());
}

fn ask(slack: &mut Slack, method: &str, body: &Value) -> Response {
    let headers = [("authorization", "Bearer xoxb-1"), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let url = format!("https://slack.com/api/{method}");
    let body = body.to_string().into_bytes();
    let request = Request { method: "POST".into(), url, headers, body };
    slack.answer(&request, 1_795_168_800_000).unwrap_or_default()
}

#[test]
fn a_thread_that_changes_while_it_is_read() {
    let mut slack = Slack::new("xoxb-1", &["deploys"]);
    let mut told = String::new();
    let mut say = |slack: &mut Slack, method: &str, body: &Value| {
        let answer = ask(slack, method, body);
        told += &format!("{} {}\n", answer.status, answer.body);
        serde_json::from_str::<Value>(&answer.body).unwrap_or_default()
    };
    let blocks = json!([
        { "type": "header", "text": { "type": "plain_text", "text": "scr / staging: v1" } },
        { "type": "section", "text": { "type": "mrkdwn", "text": "*rolling out*" } },
        { "type": "context", "elements": [{ "type": "mrkdwn", "text": "since 10:00" }] },
    ]);
    let post = json!({ "channel": "#deploys", "text": "v1", "blocks": blocks });
    let first = say(&mut slack, "chat.postMessage", &post);
    let answer =
        json!({ "channel": "deploys", "text": "api is running", "thread_ts": first["ts"] });
    say(&mut slack, "chat.postMessage", &answer);
    say(
        &mut slack,
        "chat.update",
        &json!({ "channel": "deploys", "ts": first["ts"], "text": "v1 is live" }),
    );
    let id = channel_id("deploys");
    say(
        &mut slack,
        "chat.update",
        &json!({ "channel": id, "ts": first["ts"], "text": "v1 is live" }),
    );
    slack.trouble(Trouble::Busy { retry_after_seconds: 30 });
    slack.trouble(Trouble::Error("is_archived".into()));
    slack.trouble(Trouble::Down(503));
    for _ in 0..3 {
        say(&mut slack, "chat.postMessage", &json!({ "channel": "deploys", "text": "lost" }));
    }
    say(&mut slack, "chat.postMessage", &json!({ "channel": "secret", "text": "lost" }));
    told += &slack.read();
    expect![[r#"
        200 {"channel":"C0EFB5202CC","message":{"text":"v1","ts":"1795168800.000001","type":"message"},"ok":true,"ts":"1795168800.000001"}
        200 {"channel":"C0EFB5202CC","message":{"text":"api is running","ts":"1795168800.000002","type":"message"},"ok":true,"ts":"1795168800.000002"}
        200 {"error":"channel_not_found","ok":false}
        200 {"channel":"C0EFB5202CC","ok":true,"text":"v1 is live","ts":"1795168800.000001"}
        429 {"error":"ratelimited","ok":false}
        200 {"error":"is_archived","ok":false}
        503 upstream connect error
        200 {"error":"channel_not_found","ok":false}
        #deploys (edited)
          v1 is live
          > api is running
    "#]].assert_eq(&told);
}
