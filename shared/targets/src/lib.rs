//! Where a service runs decides what each effect means: in an ECS cluster, or on hosts.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

use aws::preview::Preview;
use aws::{Aws, Failure, deployment_of, misdirected};
use engine::Message;
use pipeline::effect::{Effect, Prepare};
use pipeline::event::Event;
use pipeline::names::{Revision, ServiceName};
use pipeline::spec::Target;
use std::collections::BTreeMap;

/// Performs what the function rollout is asked for.
pub async fn roll_out(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let (id, number) = (deployment_of(message)?, message.number);
    match &message.effect {
        Effect::Prepare(prepare) => match prepare.target.tags() {
            Some(tags) => hosts::prepare(aws, id, tags, prepare).await,
            None => ecs::prepare(aws, id, prepare).await,
        },
        Effect::RollOut(roll_out) => match roll_out.target.tags() {
            Some(tags) => hosts::roll_out(aws, id, number, tags, roll_out).await,
            None => ecs::roll_out(aws, id, roll_out).await,
        },
        Effect::Observe { target, services, returns } => match target.tags() {
            Some(tags) => hosts::observe(aws, id, tags, services).await,
            None => ecs::observe(aws, target, services, *returns).await,
        },
        other => Err(misdirected(other)),
    }
}

/// Performs what the function migrate is asked for.
pub async fn migrate(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let id = deployment_of(message)?;
    match &message.effect {
        Effect::RunOneOff(one_off) => match one_off.target.tags() {
            Some(tags) => hosts::run_one_off(aws, id, tags, one_off).await,
            None => ecs::run_one_off(aws, id, one_off).await,
        },
        Effect::LookAtOneOff { target, purpose, attempt, task, container } => match target.tags() {
            Some(_) => hosts::look_at_one_off(aws, id, *purpose, *attempt, task).await,
            None => ecs::look_at_one_off(aws, target, *purpose, *attempt, task, container).await,
        },
        Effect::StopOneOff { target, purpose, attempt, task, reason } => match target.tags() {
            Some(_) => hosts::stop_one_off(aws, id, *purpose, *attempt, task).await,
            None => ecs::stop_one_off(aws, target, *purpose, *attempt, task, reason).await,
        },
        other => Err(misdirected(other)),
    }
}

/// Performs what the function rollback is asked for.
pub async fn roll_back(aws: &Aws, message: &Message) -> Result<Event, Failure> {
    let (id, number) = (deployment_of(message)?, message.number);
    match &message.effect {
        Effect::RollBack(roll_back) => match roll_back.target.tags() {
            Some(tags) => hosts::roll_back(aws, id, number, tags, roll_back).await,
            None => ecs::roll_back(aws, id, roll_back).await,
        },
        Effect::Remove { target, service, revision } => match target.tags() {
            Some(tags) => hosts::remove(aws, id, number, tags, service).await,
            None => ecs::remove(aws, id, target, service, revision.as_ref()).await,
        },
        other => Err(misdirected(other)),
    }
}

/// Checks everything that a preparation checks, without asking a host.
pub async fn preview(aws: &Aws, prepare: &Prepare) -> Result<Preview, Failure> {
    match prepare.target.tags() {
        Some(tags) => hosts::preview(aws, tags, prepare).await,
        None => ecs::preview(aws, prepare).await,
    }
}

/// Checks what a rollback to these revisions needs. Hosts are not checked.
pub async fn preview_way_back(
    aws: &Aws,
    target: &Target,
    revisions: &BTreeMap<ServiceName, Revision>,
) -> Preview {
    match target.tags() {
        Some(_) => {
            let why = "hosts were not checked: whether they can start their previous containers \
                       again is unknown";
            Preview { warnings: vec![why.into()], ..Preview::default() }
        }
        None => ecs::preview_way_back(aws, revisions).await,
    }
}
