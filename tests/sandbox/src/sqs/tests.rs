//! Calls and seconds in, a text out.

use super::Sqs;
use crate::{
    service::{Call, Desk, Service},
    template::{Deployed, Place, load},
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn a_message_hides_reappears_and_is_given_up() {
    let mut room = Room::new();
    room.call("SendMessage", json!({ "MessageBody": "hello", "DelaySeconds": 5 }));
    room.call("ReceiveMessage", json!({}));
    room.wait(5);
    room.call("ReceiveMessage", json!({}));
    room.call("ReceiveMessage", json!({}));
    room.wait(60);
    room.call("ReceiveMessage", json!({}));
    room.wait(60);
    room.call("ReceiveMessage", json!({}));
    room.call("GetQueueAttributes", json!({ "AttributeNames": ["All"] }));
    room.check(&expect![[r#"
        SendMessage: {"MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000"}
        ReceiveMessage: {"Messages":[]}
        5 s later
        ReceiveMessage: {"Messages":[{"Attributes":{"ApproximateFirstReceiveTimestamp":"5000","ApproximateReceiveCount":"1","SenderId":"AROASANDBOX:sandbox","SentTimestamp":"0"},"Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000","ReceiptHandle":"00000001-0000-4000-8000-000000000000/1"}]}
        ReceiveMessage: {"Messages":[]}
        60 s later
        ReceiveMessage: {"Messages":[{"Attributes":{"ApproximateFirstReceiveTimestamp":"5000","ApproximateReceiveCount":"2","SenderId":"AROASANDBOX:sandbox","SentTimestamp":"0"},"Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000","ReceiptHandle":"00000001-0000-4000-8000-000000000000/2"}]}
        60 s later
        ReceiveMessage: {"Messages":[]}
        GetQueueAttributes: {"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesDelayed":"0","ApproximateNumberOfMessagesNotVisible":"0","DelaySeconds":"0","MessageRetentionPeriod":"345600","QueueArn":"arn:aws:sqs:eu-central-1:123456789012:slipway-EchoQueue-SANDBOX","RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-central-1:123456789012:slipway-EchoDeadLetters-SANDBOX\",\"maxReceiveCount\":2}","VisibilityTimeout":"60"}}
        1 in EchoDeadLetters
    "#]]);
}

#[test]
fn what_was_worked_off_is_deleted() {
    let mut room = Room::new();
    room.call("SendMessage", json!({ "MessageBody": "hello" }));
    room.call("ReceiveMessage", json!({ "VisibilityTimeout": 1 }));
    room.wait(1);
    room.call("ReceiveMessage", json!({}));
    room.call(
        "DeleteMessage",
        json!({ "ReceiptHandle": "00000001-0000-4000-8000-000000000000/2" }),
    );
    room.check(&expect![[r#"
        SendMessage: {"MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000"}
        ReceiveMessage: {"Messages":[{"Attributes":{"ApproximateFirstReceiveTimestamp":"0","ApproximateReceiveCount":"1","SenderId":"AROASANDBOX:sandbox","SentTimestamp":"0"},"Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000","ReceiptHandle":"00000001-0000-4000-8000-000000000000/1"}]}
        1 s later
        ReceiveMessage: {"Messages":[{"Attributes":{"ApproximateFirstReceiveTimestamp":"0","ApproximateReceiveCount":"2","SenderId":"AROASANDBOX:sandbox","SentTimestamp":"0"},"Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000","ReceiptHandle":"00000001-0000-4000-8000-000000000000/2"}]}
        DeleteMessage: {}
    "#]]);
}

#[test]
fn what_sqs_refuses() {
    let mut room = Room::new();
    room.call("SendMessage", json!({ "MessageBody": "" }));
    room.call("SendMessage", json!({ "MessageBody": "x".repeat(1_048_577) }));
    room.call("SendMessage", json!({ "MessageBody": "late", "DelaySeconds": 901 }));
    room.call("SendMessage", json!({ "MessageBody": "lost", "QueueUrl": "http://nowhere" }));
    let entry = |id: &str| json!({ "Id": id, "MessageBody": "x", "DelaySeconds": if id == "b" { 901 } else { 0 } });
    room.call("SendMessageBatch", json!({ "Entries": [] }));
    room.call("SendMessageBatch", json!({ "Entries": [entry("a"), entry("a")] }));
    room.call("SendMessageBatch", json!({ "Entries": vec![entry("a"); 11] }));
    room.call("SendMessageBatch", json!({ "Entries": [entry("a"), entry("b")] }));
    room.check(&expect![[r#"
        SendMessage: MissingParameter: The request must contain the parameter MessageBody.
        SendMessage: InvalidParameterValue: One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.
        SendMessage: InvalidParameterValue: Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.
        SendMessage: AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.
        SendMessageBatch: EmptyBatchRequest: There should be at least one SendMessageBatchRequestEntry.
        SendMessageBatch: BatchEntryIdsNotDistinct: Id is repeated.
        SendMessageBatch: TooManyEntriesInBatchRequest: Maximum number of entries per request are 10.
        SendMessageBatch: {"Failed":[{"Code":"InvalidParameterValue","Id":"b","Message":"Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.","SenderFault":true}],"Successful":[{"Id":"a","MD5OfMessageBody":"9dd4e461268c8034f5c8564e155c67a6","MessageId":"00000001-0000-4000-8000-000000000000"}]}
        1 in EchoQueue
    "#]]);
}

#[test]
fn nothing_is_kept_endlessly() {
    let mut room = Room::new();
    room.call("SendMessage", json!({ "MessageBody": "hello" }));
    room.wait(345_600);
    room.call("ReceiveMessage", json!({}));
    room.check(&expect![[r#"
        SendMessage: {"MD5OfMessageBody":"5d41402abc4b2a76b9719d911017c592","MessageId":"00000001-0000-4000-8000-000000000000"}
        345600 s later
        ReceiveMessage: {"Messages":[]}
    "#]]);
}

/// The queues of the test's template, and what was said.
struct Room {
    stack: Deployed,
    sqs: Sqs,
    now: u64,
    told: String,
}

impl Room {
    fn new() -> Self {
        let place = Place {
            account: "123456789012".to_owned(),
            region: "eu-central-1".to_owned(),
            stack: "slipway".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        };
        let stack =
            load(include_str!("../../tests/data/echo.yaml"), &BTreeMap::new(), &place).unwrap();
        Self { sqs: Sqs::new(&stack), stack, now: 0, told: String::new() }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1000;
        self.told += &format!("{seconds} s later\n");
    }

    fn call(&mut self, operation: &str, mut input: Value) {
        if input.get("QueueUrl").is_none() {
            input["QueueUrl"] = json!(self.stack.queues["EchoQueue"].url);
        }
        let call = Call {
            caller: "person".to_owned(),
            service: "sqs",
            operation: operation.to_owned(),
            input,
        };
        let mut desk = Desk {
            now: self.now,
            region: "eu-central-1",
            account: "123456789012",
            emitted: &mut Vec::new(),
            later: &mut Vec::new(),
        };
        let told = match self.sqs.answer(&call, &mut desk) {
            Ok(answer) => answer.to_string(),
            Err(refusal) => format!("{}: {}", refusal.code, refusal.message),
        };
        self.told += &format!("{operation}: {told}\n");
    }

    fn check(mut self, expected: &Expect) {
        for (queue, count) in self.sqs.depths() {
            if count > 0 {
                self.told += &format!("{count} in {queue}\n");
            }
        }
        expected.assert_eq(&self.told);
    }
}
