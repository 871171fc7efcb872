//! Workers: every message of a batch is one effect to perform and to answer.

use crate::clients::Aws;
use crate::failure::{Failure, chain};
use crate::metrics;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use engine::{Engine, Key, Message, Permit, Pipeline, Sender};
use futures_util::future::join_all;
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::names::DeploymentId;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::{Instrument, Span, info, info_span, warn};

#[cfg(test)]
mod tests;

impl Aws {
    /// The engine with this world.
    pub fn engine(&self) -> Engine<'_, Self> {
        Engine::new(self, &Pipeline)
    }
}

/// How long a message waits for earlier ones of its batch, which are usually about the same
/// deployment; then it is answered anyway.
const PATIENCE: Duration = Duration::from_secs(5);
/// An effect that is not performed when only this is left of the invocation is aborted.
const PERFORMING_ENDS: Duration = Duration::from_secs(8);
/// The same for an answer: the rest of the time is for reporting the failures to Lambda.
const ANSWERING_ENDS: Duration = Duration::from_secs(3);

/// Performs every message of a batch; those that could not be answered are delivered again.
///
/// They are performed in parallel. Each is answered as soon as it is done, one at a time, and in
/// order as long as none of them takes long: answers usually belong to one deployment, and parallel
/// writes would only conflict. One that takes too long for this invocation is aborted: the others
/// are answered.
pub async fn work<P>(aws: &Aws, payload: Value, perform: P) -> Result<Value, Failure>
where
    P: AsyncFn(&Aws, &Message) -> Result<Event, Failure>,
{
    let batch = read_batch(payload)?;
    let claims = Mutex::new(());
    let written = Mutex::new(BTreeSet::new());
    // Held by each message until it is answered, so that the next one can wait for it.
    let turns: Vec<Mutex<()>> = batch.records.iter().map(|_| Mutex::new(())).collect();
    let earlier = std::iter::once(None).chain(turns.iter().map(Some));
    let each = batch.records.iter().zip(&turns).zip(earlier);
    let alone = Mutex::new(());
    let handled = join_all(each.map(async |((record, turn), earlier)| {
        // With a stopped clock a run has to be repeatable, so calls run in sequence.
        let _alone = match aws.clock.stands_still() {
            true => Some(alone.lock().await),
            false => None,
        };
        let _turn = turn.lock().await;
        let message: Message = read_body(record)?;
        let span = span_of(&message);
        let performing = perform_one(aws, &message, &perform, &claims).instrument(span.clone());
        let Some((permit, event)) = aws.leaving(PERFORMING_ENDS, performing).await? else {
            return Ok(());
        };
        if let Some(earlier) = earlier {
            // Whether the earlier one is answered or just slow, this one is answered now.
            let _ = aws.clock.within(PATIENCE, earlier.lock()).await;
        }
        let answering = async {
            let mut written = written.lock().await;
            // The previous answer has overwritten what was read for both.
            let permit = permit.filter(|_| written.insert(message.from.clone()));
            answer(aws, &message, permit, event).await
        };
        aws.leaving(ANSWERING_ENDS, answering.instrument(span)).await
    }))
    .await;
    let mut failed = SqsBatchResponse::default();
    for (record, handled) in batch.records.iter().zip(handled) {
        note(&mut failed, record, handled);
    }
    Ok(serde_json::to_value(failed).unwrap_or_default())
}

/// Passes every record of a batch to `handle`, and returns which of them failed.
pub async fn each_message<H>(aws: &Aws, payload: Value, handle: H) -> Result<Value, Failure>
where
    H: AsyncFn(&SqsMessage) -> Result<(), Failure>,
{
    let batch = read_batch(payload)?;
    let mut failed = SqsBatchResponse::default();
    for record in &batch.records {
        note(&mut failed, record, aws.leaving(PERFORMING_ENDS, Box::pin(handle(record))).await);
    }
    Ok(serde_json::to_value(failed).unwrap_or_default())
}

fn read_batch(payload: Value) -> Result<SqsEvent, Failure> {
    serde_json::from_value(payload)
        .map_err(|error| Failure::Unreadable(format!("this is not a batch from SQS: {error}")))
}

/// A failed message does not fail its batch: only this message is delivered again.
fn note(failed: &mut SqsBatchResponse, record: &SqsMessage, handled: Result<(), Failure>) {
    let Err(failure) = handled else { return };
    warn!(error_type = failure.name(), "failed, will be delivered again: {}", chain(&failure));
    metrics::count(&failure);
    let mut item = BatchItemFailure::default();
    item.item_identifier = record.message_id.clone().unwrap_or_default();
    failed.batch_item_failures.push(item);
}

fn span_of(message: &Message) -> Span {
    let from = Key::from(&message.from);
    info_span!("effect", deployment = %from, effect = message.effect.name())
}

/// Reads a message body that Slipway itself wrote.
pub fn read_body<B: serde::de::DeserializeOwned>(record: &SqsMessage) -> Result<B, Failure> {
    let body = record.body.as_deref().unwrap_or_default();
    serde_json::from_str(body).map_err(|error| {
        Failure::Unreadable(format!("the message is not one of Slipway's: {error}: {body:.200}"))
    })
}

/// Performs one effect if it is still wanted; `None`: it is not. What was read for this check also
/// serves the answer, unless it is known to be outdated by then.
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
        info!("no longer needed");
        return Ok(None);
    };
    let whole = permit.whole(message);
    let mut permit = Some(permit);
    if let Effect::RunOneOff(one_off) = &message.effect {
        let (purpose, attempt) = (one_off.purpose, one_off.attempt);
        let _turn = claims.lock().await;
        match engine.answer(message, Event::OneOffClaimed { purpose, attempt }).await? {
            // The claim has overwritten what was read.
            Reply::Granted => permit = None,
            said => {
                info!("not granted: {said:?}");
                return Ok(None);
            }
        }
    }
    let event = Box::pin(perform(aws, &whole)).await?;
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

/// The deployment whose effect this is.
pub fn deployment_of(message: &Message) -> Result<&DeploymentId, Failure> {
    match &message.from {
        Sender::Deployment(id) => Ok(id),
        _ => Err(Failure::Unreadable(format!(
            "unexpected message: only a deployment sends \"{}\"; send this one to another queue",
            message.effect.name()
        ))),
    }
}

/// An effect that came to the wrong worker.
pub fn misdirected(effect: &Effect) -> Failure {
    Failure::Unreadable(format!(
        "this function does not handle \"{}\"; compare its queue with infra/template.yaml",
        effect.name()
    ))
}
