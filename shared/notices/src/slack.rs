//! Slack: which message a notice updates.
//!
//! With a bot token every deployment has one message, which always shows the current state, and a
//! thread with the details. A webhook can only post new messages, so only important notices are
//! sent through it.

use super::NotSent;
use super::access::{Access, CredentialsCache};
use super::blocks;
use super::delivery::{DeliveryRecord, SlackMessage};
use super::slack_api::SlackApi;
use super::words::{NoticeText, Severity};
use aws::clients::Aws;
use aws::settings::{SLACK_CHANNEL, SLACK_SECRET};
use pipeline::notice::{News, Notice};
use std::time::Duration;

/// How often to wait for another worker that is posting the deployment's message.
const WAITS_MAX: usize = 10;
const WAIT: Duration = Duration::from_millis(400);

/// What is done in Slack for one notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The deployment's message is posted.
    Post,
    /// It is updated.
    Update,
    /// The details go into its thread, and into the channel as well if a person should see them.
    Reply { broadcast: bool },
}

/// Decides. `shows` is the number of the notice that the message shows; `None`: there is none.
pub(super) fn steps(
    severity: Severity,
    has_details: bool,
    number: u64,
    shows: Option<u64>,
) -> Vec<Step> {
    let mut steps = match shows {
        None => vec![Step::Post],
        Some(shows) if shows < number => vec![Step::Update],
        // Late news: the message already shows newer news.
        Some(_) => vec![],
    };
    if has_details {
        // A message that was just posted is in the channel anyway.
        let broadcast =
            shows.is_some() && matches!(severity, Severity::Failed | Severity::ActionRequired);
        steps.push(Step::Reply { broadcast });
    }
    steps
}

/// Whether it deserves a message of its own where nothing can be updated.
pub(super) fn matters(news: &News) -> bool {
    !matches!(news, News::Started)
}

pub(super) async fn tell(
    aws: &Aws,
    api: &str,
    cache: &CredentialsCache,
    number: u64,
    notice: &Notice,
    text: &NoticeText,
) -> Result<(), NotSent> {
    let Some(secret) = aws.settings.optional(SLACK_SECRET) else { return Ok(()) };
    let access = cache.access(aws, &secret).await?;
    let told = match &access {
        Access::Webhook(_) if !matters(&notice.news) => Ok(()),
        Access::Webhook(url) => {
            let api = SlackApi { aws, api, token: None };
            api.webhook(url, &blocks::everything(text)).await
        }
        Access::Bot(token) => {
            let channel = channel(aws)?;
            let api = SlackApi { aws, api, token: Some(token) };
            tell_as_bot(aws, &api, &channel, number, notice, text).await
        }
    };
    if let Err(NotSent::Access(_)) = &told {
        // The secret may have a new token by now.
        cache.forget();
    }
    told
}

/// Posts a text that belongs to no deployment.
pub(super) async fn say(
    aws: &Aws,
    api: &str,
    cache: &CredentialsCache,
    text: &NoticeText,
) -> Result<(), NotSent> {
    let Some(secret) = aws.settings.optional(SLACK_SECRET) else { return Ok(()) };
    let told = match &cache.access(aws, &secret).await? {
        Access::Webhook(url) => {
            let api = SlackApi { aws, api, token: None };
            api.webhook(url, &blocks::everything(text)).await
        }
        Access::Bot(token) => {
            let api = SlackApi { aws, api, token: Some(token) };
            api.post(&channel(aws)?, &blocks::everything(text)).await.map(|_| ())
        }
    };
    if let Err(NotSent::Access(_)) = &told {
        cache.forget();
    }
    told
}

fn channel(aws: &Aws) -> Result<String, NotSent> {
    aws.settings.optional(SLACK_CHANNEL).ok_or_else(|| {
        NotSent::Final(format!("{SLACK_CHANNEL} is empty; a bot token needs a channel"))
    })
}

async fn tell_as_bot(
    aws: &Aws,
    api: &SlackApi<'_>,
    channel: &str,
    number: u64,
    notice: &Notice,
    text: &NoticeText,
) -> Result<(), NotSent> {
    let Some(deployment) = notice.deployment else {
        return api.post(channel, &blocks::everything(text)).await.map(|_| ());
    };
    let mut memo = claimed_memo(aws, notice, deployment).await?;
    let details = blocks::details(text);
    let shows = memo.message.as_ref().map(|_| memo.shows);
    let mut result = Ok(());
    for step in steps(text.severity, details.is_some(), number, shows) {
        result = match (step, memo.message.clone()) {
            (Step::Post, _) => post(api, channel, number, text, &mut memo).await,
            (Step::Update, Some(message)) => {
                update(api, channel, number, text, &mut memo, &message).await
            }
            (Step::Reply { broadcast }, Some(message)) => match &details {
                Some(details) => api.reply(&message, details, broadcast).await,
                None => Ok(()),
            },
            (_, None) => Ok(()),
        };
        if result.is_err() {
            break;
        }
    }
    memo.release(aws).await?;
    result
}

async fn post(
    api: &SlackApi<'_>,
    channel: &str,
    number: u64,
    text: &NoticeText,
    memo: &mut DeliveryRecord,
) -> Result<(), NotSent> {
    memo.message = Some(api.post(channel, &blocks::message(text)).await?);
    memo.shows = number;
    Ok(())
}

/// Posts a message again if it was deleted.
async fn update(
    api: &SlackApi<'_>,
    channel: &str,
    number: u64,
    text: &NoticeText,
    memo: &mut DeliveryRecord,
    message: &SlackMessage,
) -> Result<(), NotSent> {
    match api.update(message, &blocks::message(text)).await {
        Err(NotSent::Gone) => post(api, channel, number, text, memo).await,
        Err(trouble) => Err(trouble),
        Ok(()) => {
            memo.shows = number;
            Ok(())
        }
    }
}

/// One worker at a time: the first two notices are often delivered in parallel, and would create
/// two messages.
async fn claimed_memo(
    aws: &Aws,
    notice: &Notice,
    deployment: u64,
) -> Result<DeliveryRecord, NotSent> {
    for _ in 0..WAITS_MAX {
        let mut memo = DeliveryRecord::of_deployment(aws, &notice.place, deployment).await?;
        if memo.claim(aws).await? {
            return Ok(memo);
        }
        tokio::time::sleep(WAIT).await;
    }
    Err(NotSent::Passing("another worker is writing the deployment's message".into()))
}
