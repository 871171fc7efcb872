//! One message, and its text.

use super::Lineage;
use crate::template::Queue;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub sent_at: u64,
    pub visible_at: u64,
    pub received: u64,
    pub first_received_at: Option<u64>,
    pub receipt: String,
    /// Its place among all messages of the account.
    pub(super) number: u64,
    pub(crate) lineage: Lineage,
}

impl Message {
    /// The message as `ReceiveMessage` returns it.
    pub(super) fn told(&self) -> Value {
        json!({
            "MessageId": self.id, "ReceiptHandle": self.receipt, "Body": self.body, "MD5OfBody": digest(&self.body),
            "Attributes": self.attributes(),
        })
    }

    /// The message as a function's event has it.
    pub(crate) fn record(&self, queue: &Queue, region: &str) -> Value {
        json!({
            "messageId": self.id,
            "receiptHandle": self.receipt,
            "body": self.body,
            "attributes": self.attributes(),
            "messageAttributes": {},
            "md5OfBody": digest(&self.body),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": region,
        })
    }

    fn attributes(&self) -> Value {
        json!({
            "ApproximateReceiveCount": self.received.to_string(),
            "SentTimestamp": self.sent_at.to_string(),
            "SenderId": "AROASANDBOX:sandbox",
            "ApproximateFirstReceiveTimestamp": self.first_received_at.unwrap_or(self.sent_at).to_string(),
        })
    }
}

pub(super) fn digest(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}
