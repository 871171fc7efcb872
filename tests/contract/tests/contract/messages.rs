//! The sample batches carry messages that the engine itself reads.

use contract::samples;
use engine::{Message, Timer};
use expect_test::expect;
use serde_json::Value;

#[test]
fn each_message_stands_in_the_queue_of_its_worker() {
    let mut table = String::new();
    for sample in samples() {
        let Some(batch) = sample.payload["Records"].as_array() else { continue };
        for record in batch.iter().filter(|record| record["eventSource"] == "aws:sqs") {
            let queue = record["eventSourceARN"].as_str().unwrap().split('-').rev().nth(1).unwrap();
            let body = record["body"].as_str().unwrap();
            let what = describe(body);
            assert_eq!(queue_of(body), queue, "{}: {what}", sample.name);
            table.push_str(&format!("{:32} {queue:14} {what}\n", sample.name));
        }
    }
    expect![[r#"
        sqs-announce                     NotifyQueue    1 announce
        sqs-announce                     NotifyQueue    18 announce
        sqs-check-and-read-alarms        VerifyQueue    12 check
        sqs-check-and-read-alarms        VerifyQueue    13 read alarms
        sqs-look-at-and-stop-one-off     MigrateQueue   4 look at task
        sqs-look-at-and-stop-one-off     MigrateQueue   5 stop task
        sqs-offer-and-promote            WakeQueue      1 offer
        sqs-offer-and-promote            WakeQueue      7 promote
        sqs-one-unreadable               VerifyQueue    12 read alarms
        sqs-one-unreadable               VerifyQueue    unreadable: unknown variant `levitate`
        sqs-prepare                      RolloutQueue   2 prepare
        sqs-put-back                     RollbackQueue  15 roll back
        sqs-put-back                     RollbackQueue  16 roll back
        sqs-remove                       RollbackQueue  17 remove
        sqs-roll-out-and-observe         RolloutQueue   5 roll out
        sqs-roll-out-and-observe         RolloutQueue   6 observe
        sqs-run-one-off                  MigrateQueue   3 migrate
        sqs-run-one-off-again            MigrateQueue   3 migrate
        sqs-timers                       WakeQueue      timer of env#scr/staging / deployment#00000017
        sqs-timers                       WakeQueue      timer of env#scr/staging / head
        sqs-timers                       WakeQueue      timer of app#scr / release#3f2a9c1d7b60
    "#]].assert_eq(&table);
}

fn describe(body: &str) -> String {
    if let Ok(timer) = serde_json::from_str::<Timer>(body) {
        return format!("timer of {}", timer.key);
    }
    match serde_json::from_str::<Message>(body) {
        Ok(message) => {
            // Nothing is lost on the way: a sample is exactly what would be sent.
            assert_eq!(serde_json::to_value(&message).ok(), serde_json::from_str(body).ok());
            format!("{} {}", message.number, message.effect.name())
        }
        Err(error) => {
            format!("unreadable: {}", error.to_string().split(',').next().unwrap_or_default())
        }
    }
}

fn queue_of(body: &str) -> &'static str {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let effect = body["effect"].as_object().and_then(|effect| effect.keys().next());
    match effect.map(String::as_str) {
        Some("prepare" | "roll_out" | "observe") => "RolloutQueue",
        Some("run_one_off" | "look_at_one_off" | "stop_one_off") => "MigrateQueue",
        Some("put_back" | "remove") => "RollbackQueue",
        Some("announce") => "NotifyQueue",
        Some("offer" | "promote") | None => "WakeQueue",
        Some(_) => "VerifyQueue",
    }
}
