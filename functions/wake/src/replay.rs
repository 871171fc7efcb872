//! Replays: every event in the dead-letter queue is sent to its function again.
//!
//! SQS can redrive only messages that SQS itself moved to the queue. This queue holds events that
//! EventBridge could not deliver, unchanged, and events on which a function failed until Lambda
//! gave up, in a Lambda record.

use aws::payload::listener;
use aws::settings::EVENT_DEAD_LETTERS;
use aws::{Aws, Failure, Received};
use pipeline::time::Span;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::info;

/// How long the replay does not receive a kept message again.
const HIDDEN: Span = Span::minutes(5);
/// The replay receives no more messages when only this much of the invocation is left.
const RESERVE: Duration = Duration::from_secs(20);

/// What the replay does with one message.
enum Letter {
    /// Send it to the function that this variable names.
    HandOn(&'static str, Value),
    /// Delete it: it is no longer needed.
    Drop(&'static str),
    /// Keep it in the queue, for this reason.
    Keep(String),
}

/// Sends every message in the queue to its function, and reports the result. An event on which a
/// function fails again returns to the queue.
pub(crate) async fn replay(aws: &Aws) -> Result<Value, Failure> {
    let mut handed_on: BTreeMap<String, u64> = BTreeMap::new();
    let (mut dropped, mut kept) = (Vec::new(), Vec::new());
    let mut all = false;
    while !all && aws.time_left() > RESERVE {
        let received = aws.receive(EVENT_DEAD_LETTERS, HIDDEN).await?;
        all = received.is_empty();
        for message in &received {
            match read(&message.body) {
                Letter::HandOn(function, event) => {
                    match hand_on(aws, function, &event, message).await {
                        Ok(function) => *handed_on.entry(function).or_default() += 1,
                        Err(failure) => kept.push(failure.to_string()),
                    }
                }
                Letter::Drop(why) => {
                    aws.delete(EVENT_DEAD_LETTERS, message).await?;
                    dropped.push(why);
                }
                Letter::Keep(why) => kept.push(why),
            }
        }
    }
    let rest = if all { "no more messages" } else { "there may be more messages; invoke again" };
    info!("replayed {handed_on:?}, dropped {}, kept {}; {rest}", dropped.len(), kept.len());
    Ok(json!({"handed_on": handed_on, "dropped": dropped, "kept": kept, "rest": rest}))
}

/// Deletes the message once Lambda has the event: a crash in between sends it twice, and every
/// function recognizes a repeated event.
async fn hand_on(
    aws: &Aws,
    function: &str,
    event: &Value,
    message: &Received,
) -> Result<String, Failure> {
    let function = aws.settings.required(function)?;
    aws.invoke_later(&function, event).await?;
    aws.delete(EVENT_DEAD_LETTERS, message).await?;
    Ok(function)
}

fn read(body: &str) -> Letter {
    let Ok(mut event) = serde_json::from_str::<Value>(body) else {
        return Letter::Keep(format!("not JSON: {body:.200}"));
    };
    if event.get("requestContext").is_some() {
        event = event["requestPayload"].take();
    }
    if let Some(function) = listener(&event) {
        return Letter::HandOn(function, event);
    }
    if event["source"] == "aws.events" {
        return Letter::Drop("a schedule tick: later ones have followed");
    }
    if event["Records"][0].get("Sns").is_some() {
        return Letter::Drop(
            "an alarm of Slipway that was not posted to Slack: the topic has it, too",
        );
    }
    if event.get("RequestType").is_some() {
        let advice = "a spec from a CloudFormation stack, which may have a newer one by now: update \
                      that stack again and delete this message";
        return Letter::Keep(advice.into());
    }
    Letter::Keep(format!("no function handles this event: {body:.200}"))
}
