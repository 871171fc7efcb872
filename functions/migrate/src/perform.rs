//! Each effect of a one-off task, against AWS.

use aws::{Aws, Failure, ecs};
use engine::Message;
use pipeline::effect::Effect;
use pipeline::event::Event;

pub(crate) async fn perform(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let id = ecs::deployment_of(message)?;
    match &message.effect {
        Effect::RunOneOff(one_off) => ecs::run_one_off(aws, id, one_off).await,
        Effect::LookAtOneOff { target, purpose, attempt, task, container } => {
            ecs::look_at_one_off(aws, target, *purpose, *attempt, task, container).await
        }
        Effect::StopOneOff { target, purpose, attempt, task, reason } => {
            ecs::stop_one_off(aws, target, *purpose, *attempt, task, reason).await
        }
        other => Err(ecs::misdirected(other)),
    }
}
