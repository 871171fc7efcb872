//! The calls of the API that send, receive and describe.

use super::{Holding, Message, Sqs, message::digest};
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};

const LARGEST_MESSAGE_BYTES: usize = 1_048_576;

impl Service for Sqs {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let action = match call.operation.as_str() {
            "SendMessageBatch" => "SendMessage",
            "DeleteMessageBatch" => "DeleteMessage",
            "ChangeMessageVisibilityBatch" => "ChangeMessageVisibility",
            other => other,
        };
        let found = self.called(&call.input).ok().and_then(|id| self.queues.get(&id));
        // IAM answers before SQS says that there is no such queue.
        let resource = found.map_or_else(|| "*".to_owned(), |holding| holding.queue.arn.clone());
        vec![Need::new(&format!("sqs:{action}"), resource)]
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        let (input, now) = (&call.input, desk.now);
        let number = |key: &str| input.get(key).and_then(Value::as_u64);
        let receipt = input.get("ReceiptHandle").and_then(Value::as_str).unwrap_or_default();
        match call.operation.as_str() {
            "ListQueues" => {
                let urls: Vec<_> =
                    self.queues.values().map(|holding| holding.queue.url.as_str()).collect();
                return Ok(json!({ "QueueUrls": urls }));
            }
            "GetQueueUrl" => {
                let name = input.get("QueueName").and_then(Value::as_str).unwrap_or_default();
                let found = self.queues.values().find(|holding| holding.queue.name == name);
                return Ok(json!({ "QueueUrl": found.ok_or_else(no_queue)?.queue.url }));
            }
            _ => {}
        }
        let queue = self.called(input)?;
        match call.operation.as_str() {
            "SendMessage" => self.send(&queue, input, now),
            "SendMessageBatch" => self.send_batch(&queue, input, now),
            "ReceiveMessage" => {
                let most = number("MaxNumberOfMessages")
                    .and_then(|most| most.try_into().ok())
                    .unwrap_or(1);
                let (messages, _) = self.receive(&queue, most, now, number("VisibilityTimeout"));
                let told: Vec<_> = messages.iter().map(Message::told).collect();
                Ok(json!({ "Messages": told }))
            }
            "DeleteMessage" => {
                self.delete(&queue, receipt);
                Ok(json!({}))
            }
            "ChangeMessageVisibility" => {
                self.show(&queue, receipt, number("VisibilityTimeout").unwrap_or(0), now);
                Ok(json!({}))
            }
            "PurgeQueue" => {
                self.queues.get_mut(&queue).ok_or_else(no_queue)?.messages.clear();
                Ok(json!({}))
            }
            "GetQueueAttributes" => {
                Ok(json!({ "Attributes": self.attributes(&queue, now).ok_or_else(no_queue)? }))
            }
            other => Err(Refusal::new(
                "InvalidAction",
                format!("The sandbox does not know sqs {other}."),
            )),
        }
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Sqs {
    fn called(&self, input: &Value) -> Result<String, Refusal> {
        let url = input.get("QueueUrl").and_then(Value::as_str).unwrap_or_default();
        let found = self.queues.iter().find(|(_, holding)| holding.queue.url == url);
        found.map(|(id, _)| id.clone()).ok_or_else(no_queue)
    }

    fn send(&mut self, queue: &str, input: &Value, now: u64) -> Result<Value, Refusal> {
        let body = input.get("MessageBody").and_then(Value::as_str).unwrap_or_default();
        if body.is_empty() {
            return Err(Refusal::new(
                "MissingParameter",
                "The request must contain the parameter MessageBody.",
            ));
        }
        if body.len() > LARGEST_MESSAGE_BYTES {
            let problem = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.";
            return Err(Refusal::new("InvalidParameterValue", problem));
        }
        let holding = self.queues.get_mut(queue).ok_or_else(no_queue)?;
        let delay =
            input.get("DelaySeconds").map_or(Some(holding.queue.delay_seconds), Value::as_u64);
        let delay = delay.filter(|delay| *delay <= 900).ok_or_else(|| {
            let given = &input["DelaySeconds"];
            let problem = format!(
                "Value {given} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
            );
            Refusal::new("InvalidParameterValue", problem)
        })?;
        self.made += 1;
        let id = holding.add(self.made, body, delay, now, self.lineage.clone());
        Ok(json!({ "MessageId": id, "MD5OfMessageBody": digest(body) }))
    }

    fn send_batch(&mut self, queue: &str, input: &Value, now: u64) -> Result<Value, Refusal> {
        let entries =
            input.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let refused = |code: &str, problem: &str| Err(Refusal::new(code, problem));
        let id =
            |entry: &Value| entry.get("Id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut ids: Vec<_> = entries.iter().map(id).collect();
        ids.sort();
        ids.dedup();
        let size =
            |entry: &Value| entry.get("MessageBody").and_then(Value::as_str).map_or(0, str::len);
        match entries.len() {
            0 => {
                return refused(
                    "EmptyBatchRequest",
                    "There should be at least one SendMessageBatchRequestEntry.",
                );
            }
            1..=10 => {}
            _ => {
                return refused(
                    "TooManyEntriesInBatchRequest",
                    "Maximum number of entries per request are 10.",
                );
            }
        }
        if ids.len() < entries.len() {
            return refused("BatchEntryIdsNotDistinct", "Id is repeated.");
        }
        if entries.iter().map(size).sum::<usize>() > LARGEST_MESSAGE_BYTES {
            let problem = "Batch requests cannot be longer than 1048576 bytes.";
            return refused("BatchRequestTooLong", problem);
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for entry in entries {
            match self.send(queue, entry, now) {
                Ok(mut sent) => {
                    sent["Id"] = json!(id(entry));
                    done.push(sent);
                }
                Err(refusal) => failed.push(json!({
                    "Id": id(entry), "Code": refusal.code, "Message": refusal.message, "SenderFault": true,
                })),
            }
        }
        Ok(json!({ "Successful": done, "Failed": failed }))
    }

    fn attributes(&self, queue: &str, now: u64) -> Option<Value> {
        let Holding { queue, messages, .. } = self.queues.get(queue)?;
        let count = |wanted: &dyn Fn(&Message) -> bool| {
            messages.iter().filter(|message| wanted(message)).count().to_string()
        };
        let mut attributes = json!({
            "QueueArn": queue.arn,
            "VisibilityTimeout": queue.visibility_seconds.to_string(),
            "DelaySeconds": queue.delay_seconds.to_string(),
            "MessageRetentionPeriod": queue.retention_seconds.to_string(),
            "ApproximateNumberOfMessages": count(&|message| message.visible_at <= now),
            "ApproximateNumberOfMessagesDelayed": count(&|message| message.visible_at > now && message.received == 0),
            "ApproximateNumberOfMessagesNotVisible": count(&|message| message.visible_at > now && message.received > 0),
        });
        if let Some(redrive) = &queue.redrive {
            let policy =
                json!({ "deadLetterTargetArn": redrive.to, "maxReceiveCount": redrive.after });
            attributes["RedrivePolicy"] = json!(policy.to_string());
        }
        Some(attributes)
    }
}

fn no_queue() -> Refusal {
    Refusal::new("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}
