//! SNS: topics that keep what was published.

use crate::place::{Ids, arn, text};
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A message may have a quarter of a mebibyte.
const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug, Default)]
pub struct Sns {
    topics: BTreeSet<String>,
    /// In the order in which it was published.
    pub published: Vec<Published>,
    ids: Ids,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// Milliseconds since 1970.
    pub at: u64,
    pub topic: String,
    pub subject: Option<String>,
    pub message: String,
    /// Everything that the caller said, as the form had it.
    pub form: Value,
}

impl Service for Sns {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let topic = text(&call.input, "TopicArn").unwrap_or("*");
        vec![Need::new(&format!("sns:{}", call.operation), topic)]
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        if call.operation != "Publish" {
            let message = format!("The sandbox's SNS knows nothing of {}.", call.operation);
            return Err(Refusal::new("InvalidAction", message));
        }
        self.publish(&call.input, desk)
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Sns {
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the topic's ARN.
    pub fn create_topic(&mut self, name: &str) -> String {
        let topic = arn("sns", name);
        self.topics.insert(topic.clone());
        topic
    }

    fn publish(&mut self, input: &Value, desk: &Desk<'_>) -> Result<Value, Refusal> {
        let missing =
            |what: &str| invalid(&format!("{what} Reason: no value for required parameter"));
        let topic = text(input, "TopicArn").ok_or_else(|| missing("TopicArn"))?;
        let message = text(input, "Message").ok_or_else(|| invalid("Empty message"))?;
        if !self.topics.contains(topic) {
            let mut refusal = Refusal::new("NotFound", "Topic does not exist");
            refusal.status = 404;
            return Err(refusal);
        }
        if message.len() > MOST_BYTES {
            return Err(invalid("Message too long"));
        }
        let subject = text(input, "Subject");
        if subject.is_some_and(|subject| !is_subject(subject)) {
            return Err(invalid("Subject"));
        }
        if text(input, "MessageStructure") == Some("json") {
            let parsed: Option<Value> = serde_json::from_str(message).ok();
            let parsed = parsed
                .ok_or_else(|| invalid("Message Structure - JSON message body failed to parse"))?;
            if parsed.get("default").and_then(Value::as_str).is_none() {
                return Err(invalid("Message Structure - No default entry in JSON message body"));
            }
        }
        self.published.push(Published {
            at: desk.now,
            topic: topic.to_owned(),
            subject: subject.map(str::to_owned),
            message: message.to_owned(),
            form: input.clone(),
        });
        Ok(json!({ "MessageId": self.ids.uuid("message") }))
    }
}

/// Fewer than a hundred characters of ASCII, no line breaks, and no space at the start.
fn is_subject(subject: &str) -> bool {
    let printable = |byte: u8| (32..127).contains(&byte);
    subject.len() < 100 && subject.bytes().all(printable) && !subject.starts_with(' ')
}

fn invalid(what: &str) -> Refusal {
    Refusal::new("InvalidParameter", format!("Invalid parameter: {what}"))
}
