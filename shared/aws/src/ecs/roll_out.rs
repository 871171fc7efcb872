//! Rolling out: one update of one service, and which rollout it began.

use super::create::create;
use super::halt::{Halt, asked_to};
use super::{cluster_of, notes, services};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ecs::types::Service;
use pipeline::effect::RollOut;
use pipeline::event::Event;
use pipeline::names::{DeploymentId, Revision, RolloutId, ServiceName};

pub async fn roll_out(aws: &Aws, id: &DeploymentId, effect: &RollOut) -> Result<Event, Failure> {
    let service = effect.service.clone();
    match begin(aws, id, effect).await {
        Ok(rollout) => Ok(Event::RolloutStarted { service, rollout }),
        Err(halt) => Ok(Event::RolloutRefused { service, reason: halt.fault()? }),
    }
}

async fn begin(aws: &Aws, id: &DeploymentId, effect: &RollOut) -> Result<RolloutId, Halt> {
    let cluster = cluster_of(&effect.target)?;
    if effect.fresh && effect.create.is_none() {
        return restart(aws, id, cluster, effect).await;
    }
    let updated = update(aws, cluster, &effect.service, &effect.revision, false).await;
    let service = match (updated, &effect.create) {
        (Err(failure), Some(specified)) if is_gone(&failure) => {
            let created = create(aws, id, cluster, effect, specified).await?;
            return began(&created).map_err(Halt::Later);
        }
        (updated, _) => updated.map_err(asked_to(format!("update {}", effect.service)))?,
    };
    began(&service).map_err(Halt::Later)
}

const ROLLOUT: &str = "rollout";

/// Forces new tasks once, however often it is asked to: the rollout that they replace is noted
/// before, and another one in its place means that it was done.
async fn restart(
    aws: &Aws,
    id: &DeploymentId,
    cluster: &str,
    effect: &RollOut,
) -> Result<RolloutId, Halt> {
    let name = &effect.service;
    let described = services::describe(aws, cluster, [name]).await;
    let mut described = described.map_err(asked_to(format!("describe {name}")))?;
    let runs = described.remove(name).as_ref().and_then(services::primary_id);
    let about = format!("fresh#{name}");
    let noted = notes::read(aws, id, &about).await.map_err(Halt::Later)?;
    match (noted.as_ref().and_then(|note| note.get(ROLLOUT)), runs) {
        (Some(noted), Some(runs)) if *noted != runs.as_str() => return Ok(runs),
        (None, Some(runs)) => {
            let note = [(ROLLOUT, runs.as_str())];
            notes::write(aws, id, &about, &note).await.map_err(Halt::Later)?;
        }
        _ => {}
    }
    let updated = update(aws, cluster, name, &effect.revision, true).await;
    let service = updated.map_err(asked_to(format!("update {name}")))?;
    began(&service).map_err(Halt::Later)
}

/// Brings a service to a revision, and changes nothing else: the number of tasks belongs to
/// whoever scales it. One that is there already stays as it is.
pub(super) async fn update(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
    revision: &Revision,
    fresh: bool,
) -> Result<Service, Failure> {
    let updating = aws
        .ecs()
        .update_service()
        .cluster(cluster)
        .service(service.as_str())
        .task_definition(revision.as_str())
        .set_force_new_deployment(fresh.then_some(true));
    let answer = updating.send().await.map_err(failure)?;
    answer.service.ok_or_else(|| Failure::Passing("ECS answered no service".into()))
}

/// Whether there is no such service (any more).
pub(super) fn is_gone(failure: &Failure) -> bool {
    failure.is("ServiceNotFoundException") || failure.is("ServiceNotActiveException")
}

fn began(service: &Service) -> Result<RolloutId, Failure> {
    services::primary_id(service)
        .ok_or_else(|| Failure::Passing("ECS named no primary deployment yet".into()))
}
