//! Telling people: a topic for everybody, and Slack.
//!
//! Neither needs the other and neither fails a deployment. What fails for a moment is tried
//! again for a while; what fails for good is said in the log, counted, and let go.

mod access;
mod blocks;
mod memo;
mod output;
mod slack;
mod slack_api;
#[cfg(test)]
mod tests;
mod topic;
mod words;

use crate::clients::Aws;
use crate::failure::{Failure, chain};
use crate::metrics::{Metric, count};
use crate::settings::ROLLBACK_FUNCTION;
use access::AccessCache;
use engine::{Message, World};
use memo::Memo;
use pipeline::event::Event;
use pipeline::notice::{News, Notice};
use pipeline::time::Span;
use tokio::sync::Mutex;
use tracing::{error, info, warn};

/// News that could not be told for so long is news no more.
const GIVE_UP: Span = Span::hours(1);

/// Why somebody was not told, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    /// Try again.
    Passing(String),
    /// Never mind.
    Final(String),
    /// The secret is not worth keeping, and otherwise never mind.
    Access(String),
    /// The message is gone.
    Gone,
}

/// Tells people, for the life of a process.
pub struct Notifier {
    slack_api: String,
    slack: AccessCache,
    /// News is told in its order.
    turn: Mutex<()>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self::new(slack_api::API)
    }
}

impl Notifier {
    fn new(slack_api: &str) -> Self {
        Self { slack_api: slack_api.into(), slack: AccessCache::default(), turn: Mutex::default() }
    }

    /// Performs `Announce`.
    pub async fn tell(
        &self,
        aws: &Aws,
        message: &Message,
        notice: &Notice,
    ) -> Result<Event, Failure> {
        let _turn = self.turn.lock().await;
        let mut memo = Memo::of_notice(aws, &notice.place, message).await?;
        if memo.topic && memo.slack {
            info!("told before");
            return Ok(Event::Announced);
        }
        if !memo.claim(aws).await? {
            return Err(Failure::Passing("another worker is telling this".into()));
        }
        let rollback = aws.settings.optional(ROLLBACK_FUNCTION);
        let mut story = words::story(notice, rollback.as_deref().unwrap_or("rollback"));
        if let News::Ended { witness: Some(witness), .. } = &notice.news {
            story.output = output::last_output(aws, witness).await;
        }
        let may_wait = aws.now() < notice.at + GIVE_UP;
        let mut topic = Ok(());
        if !memo.topic {
            topic = settled("the topic", topic::tell(aws, notice, &story).await, may_wait);
            memo.topic = topic.is_ok();
            // Nobody can ask SNS what it was told: this is noted before anything else can go wrong.
            memo.write(aws).await?;
        }
        let mut slack = Ok(());
        if !memo.slack {
            let (api, cache) = (&self.slack_api, &self.slack);
            let told = slack::tell(aws, api, cache, message.number, notice, &story).await;
            slack = settled("Slack", told, may_wait);
            memo.slack = slack.is_ok();
        }
        memo.release(aws).await?;
        if let Err(why) = topic.and(slack) {
            return Err(Failure::Passing(why));
        }
        if let News::Ended { verdict, .. } = &notice.news {
            count(verdict);
        }
        info!("told: {}", story.headline);
        Ok(Event::Announced)
    }
}

/// Says whether one way of telling is over, well or not; an error is why to try again.
fn settled(whom: &str, told: Result<(), Trouble>, may_wait: bool) -> Result<(), String> {
    let why = match told {
        Ok(()) => return Ok(()),
        Err(Trouble::Passing(why)) if may_wait => {
            warn!("{whom} could not be told yet: {why}");
            return Err(format!("{whom} could not be told yet: {why}"));
        }
        Err(Trouble::Passing(why) | Trouble::Final(why) | Trouble::Access(why)) => why,
        Err(Trouble::Gone) => "the message is gone".into(),
    };
    error!("{whom} was not told, and will not be: {why}");
    count(Metric::NotTold);
    Ok(())
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let why = chain(&failure);
        if failure.is_passing() { Self::Passing(why) } else { Self::Final(why) }
    }
}
