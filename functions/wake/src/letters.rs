//! The queue: timers, effects of one record on another, and scans of repositories.

use crate::lost;
use aws::{Aws, Failure, each_message, read_body};
use engine::{Message, Timer, World};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tracing::info;

/// Distinguishes the kinds of messages. Each is then deserialized on its own: an untagged enum
/// would add a second deserializer for every type that a message may hold.
#[derive(Deserialize)]
struct Letter {
    effect: Option<IgnoredAny>,
    look: Option<IgnoredAny>,
}

/// Reads a batch, one after another: they mostly concern one environment. Scans are not urgent and
/// come last.
pub(crate) async fn read(aws: &Aws, mut payload: Value) -> Result<Value, Failure> {
    if let Some(records) = payload["Records"].as_array_mut() {
        records.sort_by_key(is_look);
    }
    each_message(aws, payload, async |record| {
        let letter = read_body::<Letter>(record)?;
        match (letter.effect, letter.look) {
            (Some(_), _) => relay(aws, &read_body(record)?).await,
            (None, Some(_)) => lost::look(aws, read_body(record)?).await,
            (None, None) => ring(aws, &read_body(record)?).await,
        }
    })
    .await
}

fn is_look(record: &Value) -> bool {
    let letter = record["body"].as_str().map(serde_json::from_str::<Letter>);
    letter.is_some_and(|letter| letter.is_ok_and(|letter| letter.look.is_some()))
}

async fn relay(aws: &Aws, message: &Message) -> Result<(), Failure> {
    let name = message.effect.name();
    match aws.engine().relay(message).await? {
        Some(said) => {
            info!("{name}: {said:?}");
            Ok(())
        }
        None => Err(Failure::Unreadable(format!("wake does not handle {name}"))),
    }
}

/// SQS delays a message by at most fifteen minutes, so some timers have to be set again.
async fn ring(aws: &Aws, timer: &Timer) -> Result<(), Failure> {
    let Timer { key, at } = timer;
    if aws.now() < *at {
        info!("{key} is not due until {at}; timer set again");
        return aws.send_timer(timer).await;
    }
    let said = aws.engine().wake(key).await?;
    info!("woke {key}: {said:?}");
    Ok(())
}
