//! notify: sends notices through SNS and Slack; to Slack also Slipway's own alarms.
#![warn(unused_crate_dependencies)]

use aws::{Aws, Failure};
use engine::Message;
use lambda_runtime::Error;
use notices::Notifier;
use pipeline::effect::Effect;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let notifier = Notifier::default();
    let perform = async |aws: &Aws, message: &Message| match &message.effect {
        Effect::Announce(notice) => notifier.tell(aws, message, notice).await,
        other => Err(Failure::Unreadable(format!("notify does not handle {}", other.name()))),
    };
    aws::run(async |aws, payload| match payload["Records"][0].get("Sns") {
        Some(_) => notifier.tell_alarms(aws, &payload).await,
        None => aws::work(aws, payload, &perform).await,
    })
    .await
}
