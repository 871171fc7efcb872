//! The queue: timers that ring, and what one record wants of another.

use aws::{Aws, Failure, each_message, read_body};
use engine::{Message, Timer, World};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::info;

#[derive(Deserialize)]
#[serde(untagged)]
enum Letter {
    Message(Box<Message>),
    Timer(Timer),
}

/// Reads a batch, one after another: they mostly speak of one environment.
pub(crate) async fn read(aws: &Aws, payload: Value) -> Result<Value, Failure> {
    let turns = Mutex::new(());
    each_message(payload, async |record| {
        let _turn = turns.lock().await;
        match read_body(record)? {
            Letter::Message(message) => relay(aws, &message).await,
            Letter::Timer(timer) => ring(aws, &timer).await,
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
