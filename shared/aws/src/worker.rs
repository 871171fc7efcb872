//! Workers: every message of a batch is one effect to perform and to answer.

use crate::clients::Aws;
use crate::failure::{Failure, chain};
use crate::metrics;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use engine::{Engine, Key, Message, Permit, Pipeline};
use futures_util::future::join_all;
use pipeline::deployment::Said;
use pipeline::effect::Effect;
use pipeline::event::Event;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::sync::Mutex;
use tracing::{Instrument, Span, info, info_span, warn};

#[cfg(test)]
mod tests;

impl Aws {
    /// The loop, with this as its world.
    pub fn engine(&self) -> Engine<'_, Self> {
        Engine::new(self, &Pipeline)
    }
}

/// Performs every message of a batch; those that could not be answered are delivered again.
///
/// They are performed side by side and answered one after another, in their order: they mostly
/// speak of one deployment, and would only overtake each other's writes.
pub async fn work<P>(aws: &Aws, payload: Value, perform: P) -> Result<Value, Failure>
where
    P: AsyncFn(&Aws, &Message) -> Result<Event, Failure>,
{
    let batch = read_batch(payload)?;
    let claims = Mutex::new(());
    let performed = join_all(batch.records.iter().map(async |record| {
        let message: Message = read_body(record)?;
        let span = span_of(&message);
        let performed = perform_one(aws, &message, &perform, &claims).instrument(span).await?;
        Ok(performed.map(|(permit, event)| (message, permit, event)))
    }))
    .await;
    let mut failed = SqsBatchResponse::default();
    let mut written = BTreeSet::new();
    for (record, performed) in batch.records.iter().zip(performed) {
        let answered = match performed {
            Ok(None) => Ok(()),
            Ok(Some((message, permit, event))) => {
                // The answer before this one was written over what was read for both.
                let permit = permit.filter(|_| written.insert(message.from.clone()));
                answer(aws, &message, permit, event).instrument(span_of(&message)).await
            }
            Err(failure) => Err(failure),
        };
        note(&mut failed, record, answered);
    }
    Ok(serde_json::to_value(failed).unwrap_or_default())
}

/// Hands every record of a batch to `handle`, and says which of them failed.
pub async fn each_message<H>(payload: Value, handle: H) -> Result<Value, Failure>
where
    H: AsyncFn(&SqsMessage) -> Result<(), Failure>,
{
    let batch = read_batch(payload)?;
    let mut failed = SqsBatchResponse::default();
    for record in &batch.records {
        note(&mut failed, record, handle(record).await);
    }
    Ok(serde_json::to_value(failed).unwrap_or_default())
}

fn read_batch(payload: Value) -> Result<SqsEvent, Failure> {
    serde_json::from_value(payload)
        .map_err(|error| Failure::Unreadable(format!("this is not a batch from SQS: {error}")))
}

/// One message that failed does not fail its batch: it alone is delivered again.
fn note(failed: &mut SqsBatchResponse, record: &SqsMessage, handled: Result<(), Failure>) {
    let Err(failure) = handled else { return };
    warn!(error_type = failure.name(), "failed, to be delivered again: {}", chain(&failure));
    metrics::count(&failure);
    let mut item = BatchItemFailure::default();
    item.item_identifier = record.message_id.clone().unwrap_or_default();
    failed.batch_item_failures.push(item);
}

fn span_of(message: &Message) -> Span {
    let from = Key::from(&message.from);
    info_span!("effect", deployment = %from, effect = message.effect.name())
}

/// Reads what we ourselves put into a queue.
pub fn read_body<B: serde::de::DeserializeOwned>(record: &SqsMessage) -> Result<B, Failure> {
    let body = record.body.as_deref().unwrap_or_default();
    serde_json::from_str(body).map_err(|error| {
        Failure::Unreadable(format!("the message is not one of Slipway's: {error}: {body:.200}"))
    })
}

/// Performs one effect if it is still wanted; `None`: it is not. What was read to know that serves
/// the answer too, unless it is known to be old by then.
async fn perform_one<P>(
    aws: &Aws,
    message: &Message,
    perform: P,
    claims: &Mutex<()>,
) -> Result<Option<(Option<Permit>, Event)>, Failure>
where
    P: AsyncFn(&Aws, &Message) -> Result<Event, Failure>,
{
    let engine = aws.engine();
    let Some(permit) = engine.permits(message).await? else {
        info!("no longer wanted");
        return Ok(None);
    };
    let mut permit = Some(permit);
    if let Effect::RunOneOff(one_off) = &message.effect {
        let (purpose, attempt) = (one_off.purpose, one_off.attempt);
        let _turn = claims.lock().await;
        match engine.answer(message, Event::OneOffClaimed { purpose, attempt }).await? {
            // The claim was written over what was read.
            Said::Granted => permit = None,
            said => {
                info!("not granted: {said:?}");
                return Ok(None);
            }
        }
    }
    let event = Box::pin(perform(aws, message)).await?;
    Ok(Some((permit, event)))
}

async fn answer(
    aws: &Aws,
    message: &Message,
    permit: Option<Permit>,
    event: Event,
) -> Result<(), Failure> {
    let name = event.name();
    let said = aws.engine().answer_on(permit, message, event).await?;
    info!("{name}: {said:?}");
    Ok(())
}
