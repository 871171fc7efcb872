//! The effects that this worker performs.

use aws::{Aws, Failure};
use engine::Message;
use pipeline::effect::Effect;
use pipeline::event::{Event, Outcome};
use tracing::info;

pub(crate) async fn perform(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    match &message.effect {
        Effect::Check { check, attempt, spec, .. } => {
            let outcome = aws::check(aws, spec).await;
            match &outcome {
                Outcome::Passed => info!(url = spec.shown(), "passed"),
                Outcome::Failed { reason } => info!(url = spec.shown(), "failed: {reason}"),
            }
            Ok(Event::Checked { check: *check, attempt: *attempt, outcome })
        }
        Effect::ReadAlarms { names, since } => aws::answer_alarms(aws, names, *since).await,
        other => Err(Failure::Unreadable(format!("verify does not handle {}", other.name()))),
    }
}
