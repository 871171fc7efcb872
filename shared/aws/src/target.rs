//! Dispatches each effect by the target of the service: a cluster, or hosts.

use crate::clients::Aws;
use crate::failure::Failure;
use crate::hosts::tags_of;
use crate::{ecs, hosts};
use engine::Message;
use pipeline::effect::Effect;
use pipeline::event::Event;

/// Performs the effects of the function rollout.
pub async fn roll_out(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let (id, number) = (ecs::deployment_of(message)?, message.number);
    match &message.effect {
        Effect::Prepare(prepare) => match tags_of(&prepare.target) {
            Some(tags) => hosts::prepare(aws, id, tags, prepare).await,
            None => ecs::prepare(aws, id, prepare).await,
        },
        Effect::RollOut(roll_out) => match tags_of(&roll_out.target) {
            Some(tags) => hosts::roll_out(aws, id, number, tags, roll_out).await,
            None => ecs::roll_out(aws, id, roll_out).await,
        },
        Effect::Observe { target, services, returns } => match tags_of(target) {
            Some(tags) => hosts::observe(aws, id, tags, services).await,
            None => ecs::observe(aws, target, services, *returns).await,
        },
        other => Err(ecs::misdirected(other)),
    }
}

/// Performs the effects of the function migrate.
pub async fn migrate(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let id = ecs::deployment_of(message)?;
    match &message.effect {
        Effect::RunOneOff(one_off) => match tags_of(&one_off.target) {
            Some(tags) => hosts::run_one_off(aws, id, tags, one_off).await,
            None => ecs::run_one_off(aws, id, one_off).await,
        },
        Effect::LookAtOneOff { target, purpose, attempt, task, container } => {
            match tags_of(target) {
                Some(_) => hosts::look_at_one_off(aws, id, *purpose, *attempt, task).await,
                None => {
                    ecs::look_at_one_off(aws, target, *purpose, *attempt, task, container).await
                }
            }
        }
        Effect::StopOneOff { target, purpose, attempt, task, reason } => match tags_of(target) {
            Some(_) => hosts::stop_one_off(aws, id, *purpose, *attempt, task).await,
            None => ecs::stop_one_off(aws, target, *purpose, *attempt, task, reason).await,
        },
        other => Err(ecs::misdirected(other)),
    }
}

/// Performs the effects of the function rollback.
pub async fn roll_back(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let (id, number) = (ecs::deployment_of(message)?, message.number);
    match &message.effect {
        Effect::RollBack(roll_back) => match tags_of(&roll_back.target) {
            Some(tags) => hosts::roll_back(aws, id, number, tags, roll_back).await,
            None => ecs::roll_back(aws, id, roll_back).await,
        },
        Effect::Remove { target, service, revision } => match tags_of(target) {
            Some(tags) => hosts::remove(aws, id, number, tags, service).await,
            None => ecs::remove(aws, id, target, service, revision.as_ref()).await,
        },
        other => Err(ecs::misdirected(other)),
    }
}
