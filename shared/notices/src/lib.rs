//! Notifications: an SNS topic, and Slack.
//!
//! They are independent, and neither fails a deployment. A temporary failure is retried for a
//! while; a permanent one is logged, counted, and dropped.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod access;
mod alarm;
mod blocks;
mod delivery;
mod output;
mod slack;
mod slack_api;
#[cfg(test)]
mod tests;
mod topic;
mod words;

use access::CredentialsCache;
use aws::clients::Aws;
use aws::failure::{Failure, chain};
use aws::metrics::{Metric, count};
use aws::settings::ROLLBACK_FUNCTION;
use delivery::DeliveryRecord;
use engine::{Message, World};
use pipeline::event::Event;
use pipeline::notice::{News, Notice};
use pipeline::time::Span;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::{error, info, warn};
use words::NoticeText;

/// A notice that could not be sent for this long is dropped.
const GIVE_UP: Span = Span::hours(1);

/// The wait for Slack ends when only this is left of the invocation: what was sent has to be
/// recorded, and Lambda needs an answer.
const SLACK_ENDS: Duration = Duration::from_secs(12);

/// Why a notice was not sent, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NotSent {
    /// Try again.
    Passing(String),
    /// Give up.
    Final(String),
    /// Read the secret again, and give up otherwise.
    Access(String),
    /// The message was deleted.
    Gone,
}

/// Sends notices, for the lifetime of a process.
pub struct Notifier {
    slack_api: String,
    slack: CredentialsCache,
    /// Notices are sent in order. The topic does not wait for Slack.
    topic_turn: Mutex<()>,
    slack_turn: Mutex<()>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self::new(slack_api::API)
    }
}

impl Notifier {
    fn new(slack_api: &str) -> Self {
        Self {
            slack_api: slack_api.into(),
            slack: CredentialsCache::default(),
            topic_turn: Mutex::default(),
            slack_turn: Mutex::default(),
        }
    }

    /// Performs `Announce`. All notices of a batch are counted and published first; a slow Slack
    /// delays neither.
    pub async fn tell(
        &self,
        aws: &Aws,
        message: &Message,
        notice: &Notice,
    ) -> Result<Event, Failure> {
        let rollback = aws.settings.optional(ROLLBACK_FUNCTION);
        let mut text = words::text(notice, rollback.as_deref().unwrap_or("rollback"));
        if let News::Ended { failed_container: Some(failed_container), .. } = &notice.news {
            text.output = output::last_output(aws, failed_container).await;
        }
        let turn = self.topic_turn.lock().await;
        let mut memo = DeliveryRecord::of_notice(aws, &notice.place, message).await?;
        if memo.topic && memo.slack {
            info!("already sent");
            return Ok(Event::Announced);
        }
        if !memo.claim(aws).await? {
            return Err(Failure::Passing("another worker is sending this notice".into()));
        }
        if let News::Ended { verdict, .. } = &notice.news
            && !memo.counted
        {
            // Recorded with the next write: a crash before that counts it twice rather than never.
            count(verdict);
            memo.counted = true;
        }
        let may_wait = aws.now() < notice.at + GIVE_UP;
        let mut topic = Ok(());
        if !memo.topic {
            topic = settled("the topic", topic::tell(aws, notice, &text).await, may_wait);
            memo.topic = topic.is_ok();
            // SNS cannot be asked what was published: this is recorded before anything else can
            // fail.
            memo.write(aws).await?;
        }
        drop(turn);
        let mut slack = Ok(());
        if !memo.slack {
            let told = self.tell_slack(aws, message.number, notice, &text).await;
            slack = settled("Slack", told, may_wait);
            memo.slack = slack.is_ok();
        }
        memo.release(aws).await?;
        if let Err(why) = topic.and(slack) {
            return Err(Failure::Passing(why));
        }
        info!("sent: {}", text.headline);
        Ok(Event::Announced)
    }

    /// One notice at a time, and all of them within the time of the invocation: when it is up, no
    /// notice waits for a Slack that hangs.
    async fn tell_slack(
        &self,
        aws: &Aws,
        number: u64,
        notice: &Notice,
        text: &NoticeText,
    ) -> Result<(), NotSent> {
        let limit = aws.time_left().saturating_sub(SLACK_ENDS);
        match aws.clock.within(limit, self.slack_turn.lock()).await {
            Some(_turn) => {
                slack::tell(aws, &self.slack_api, &self.slack, number, notice, text).await
            }
            None => Err(NotSent::Passing("other notices used up the time for Slack".into())),
        }
    }

    /// Sends Slipway's own alarms from the topic to Slack. Mail subscriptions of the topic have
    /// them already.
    pub async fn tell_alarms(&self, aws: &Aws, payload: &Value) -> Result<Value, Failure> {
        for text in alarm::stories(payload)? {
            match slack::say(aws, &self.slack_api, &self.slack, &text).await {
                Ok(()) => info!("sent: {}", text.headline),
                Err(NotSent::Passing(why)) => return Err(Failure::Passing(why)),
                // Not counted: the alarm for it could not reach Slack either.
                Err(trouble) => error!("could not notify Slack of {}: {trouble}", text.headline),
            }
        }
        Ok(Value::Null)
    }
}

/// Whether one channel is done, sent or given up; an error is the reason to retry.
fn settled(whom: &str, told: Result<(), NotSent>, may_wait: bool) -> Result<(), String> {
    let why = match told {
        Ok(()) => return Ok(()),
        Err(NotSent::Passing(why)) if may_wait => {
            warn!("could not notify {whom} yet: {why}");
            return Err(format!("could not notify {whom} yet: {why}"));
        }
        Err(trouble) => trouble.to_string(),
    };
    error!("giving up on notifying {whom}: {why}");
    count(Metric::NotTold);
    Ok(())
}

impl From<Failure> for NotSent {
    fn from(failure: Failure) -> Self {
        let why = chain(&failure);
        if failure.is_passing() { Self::Passing(why) } else { Self::Final(why) }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passing(why) | Self::Final(why) | Self::Access(why) => why,
            Self::Gone => "the message was deleted",
        })
    }
}
