//! The queue: timers that ring, and what one record wants of another.

use aws::{Aws, Failure, each_message, read_body};
use engine::{Message, Timer, World};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::info;

/// What tells a message from a timer. Each is then read for itself: to read "one or the other",
/// serde would bring a second reader of everything that a message may hold.
#[derive(Deserialize)]
struct Letter {
    effect: Option<IgnoredAny>,
}

/// Reads a batch, one after another: they mostly speak of one environment.
pub(crate) async fn read(aws: &Aws, payload: Value) -> Result<Value, Failure> {
    let turns = Mutex::new(());
    each_message(payload, async |record| {
        let _turn = turns.lock().await;
        match read_body::<Letter>(record)?.effect {
            Some(_) => relay(aws, &read_body(record)?).await,
            None => ring(aws, &read_body(record)?).await,
        }
    })
    .await
}

async fn relay(aws: &Aws, message: &Message) -> Result<(), Failure> {
    let name = message.effect.name();
    match aws.engine().relay(message).await? {
        Some(said) => {
            info!("{name}: {said:?}");
            Ok(())
        }
        None => Err(Failure::Unreadable(format!("{name} is not for wake"))),
    }
}

/// SQS holds nothing back for longer than fifteen minutes, so that some timers ring on the way.
async fn ring(aws: &Aws, timer: &Timer) -> Result<(), Failure> {
    let Timer { key, at } = timer;
    if aws.now() < *at {
        info!("{key} is to be woken at {at}; armed again");
        return aws.send_timer(timer).await;
    }
    let said = aws.engine().wake(key).await?;
    info!("woke {key}: {said:?}");
    Ok(())
}
