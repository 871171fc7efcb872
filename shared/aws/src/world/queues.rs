//! The queues: one for each kind of worker, and one for timers.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::settings;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use engine::{Message, Timer};
use futures_util::future::try_join_all;
use pipeline::effect::Effect;
use pipeline::time::{Span, Time};
use serde::Serialize;
use std::collections::BTreeMap;

/// SQS's maximum delay; a later timer is set again on the way.
const DELAY_MAX: Span = Span::minutes(15);
const BATCH_MAX: usize = 10;

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    pub body: String,
    receipt: String,
}

/// A message and its delay.
struct Letter {
    body: String,
    delay: Span,
}

impl Aws {
    pub(super) async fn send_all(
        &self,
        messages: Vec<Message>,
        timers: Vec<Timer>,
    ) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut mail: BTreeMap<&str, Vec<Letter>> = BTreeMap::new();
        for message in &messages {
            let letter = Letter { body: body(message)?, delay: pause(&message.effect) };
            mail.entry(queue_of(&message.effect)).or_default().push(letter);
        }
        for timer in &timers {
            let letter = Letter { body: body(timer)?, delay: until(timer.at, now) };
            mail.entry(settings::WAKE_QUEUE).or_default().push(letter);
        }
        let sending = mail.into_iter().map(|(queue, letters)| self.post(queue, letters));
        try_join_all(sending).await.map(|_| ())
    }

    /// Sets a timer; one that is too far away for one message is set again on the way.
    pub async fn send_timer(&self, timer: &Timer) -> Result<(), Failure> {
        let letter = Letter { body: body(timer)?, delay: until(timer.at, self.clock.now()) };
        self.post(settings::WAKE_QUEUE, vec![letter]).await
    }

    /// Sends wake messages other than timers, each with its delay.
    pub async fn send_to_wake<L: Serialize>(&self, letters: &[(L, Span)]) -> Result<(), Failure> {
        let letters = letters.iter().map(|(content, delay)| {
            Ok(Letter { body: body(content)?, delay: (*delay).min(DELAY_MAX) })
        });
        self.post(settings::WAKE_QUEUE, letters.collect::<Result<_, Failure>>()?).await
    }

    /// Receives some messages of a queue that triggers no function; they stay hidden for this time.
    pub async fn receive(&self, queue: &str, hidden: Span) -> Result<Vec<Received>, Failure> {
        let hidden = i32::try_from(hidden.as_seconds()).unwrap_or(i32::MAX);
        let asking = self.sqs().receive_message().queue_url(self.settings.required(queue)?);
        // Without a wait SQS asks only some of its servers, and a short queue seems to be empty.
        let asking = asking.max_number_of_messages(10).visibility_timeout(hidden);
        let answer = asking.wait_time_seconds(1).send().await.map_err(failure)?;
        let messages = answer.messages.unwrap_or_default().into_iter();
        Ok(messages
            .filter_map(|one| Some(Received { body: one.body?, receipt: one.receipt_handle? }))
            .collect())
    }

    /// Deletes a processed message.
    pub async fn delete(&self, queue: &str, received: &Received) -> Result<(), Failure> {
        let deleting = self.sqs().delete_message().queue_url(self.settings.required(queue)?);
        deleting.receipt_handle(&received.receipt).send().await.map_err(failure)?;
        Ok(())
    }

    async fn post(&self, queue: &str, letters: Vec<Letter>) -> Result<(), Failure> {
        let url = self.settings.required(queue)?;
        for batch in letters.chunks(BATCH_MAX) {
            let mut sending = self.sqs().send_message_batch().queue_url(&url);
            for (index, letter) in batch.iter().enumerate() {
                let delay = i32::try_from(letter.delay.as_seconds()).unwrap_or(i32::MAX);
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(&letter.body)
                    .delay_seconds(delay);
                let entry =
                    entry.build().map_err(|error| Failure::Misconfigured(error.to_string()))?;
                sending = sending.entries(entry);
            }
            let answer = sending.send().await.map_err(failure)?;
            // A rejected message is still in an outbox, and is sent again from there.
            if let Some(failed) = answer.failed().first() {
                let why = failed.message().unwrap_or_else(|| failed.code());
                return Err(Failure::Passing(format!("SQS rejected a message: {why}")));
            }
        }
        Ok(())
    }
}

/// The queue of the worker that performs an effect.
fn queue_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Prepare(_) | Effect::RollOut(_) | Effect::Observe { .. } => settings::ROLLOUT_QUEUE,
        Effect::RunOneOff(_) | Effect::LookAtOneOff { .. } | Effect::StopOneOff { .. } => {
            settings::MIGRATE_QUEUE
        }
        Effect::Check { .. } | Effect::ReadAlarms { .. } => settings::VERIFY_QUEUE,
        Effect::RollBack(_) | Effect::Remove { .. } => settings::ROLLBACK_QUEUE,
        Effect::Announce(_) => settings::NOTIFY_QUEUE,
        Effect::Offer { .. } | Effect::Promote { .. } => settings::WAKE_QUEUE,
    }
}

/// The queue waits out a pause before an effect, not the worker.
fn pause(effect: &Effect) -> Span {
    let pause = match effect {
        Effect::Check { pause, .. } => *pause,
        Effect::RunOneOff(one_off) => one_off.pause,
        _ => Span::default(),
    };
    pause.min(DELAY_MAX)
}

/// The time until `at`, rounded up, so that no record is woken too early.
fn until(at: Time, now: Time) -> Span {
    let millis = at.millis().saturating_sub(now.millis());
    Span::seconds(millis.div_ceil(1000)).min(DELAY_MAX)
}

fn body(content: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(content).map_err(|error| Failure::Misconfigured(error.to_string()))
}
