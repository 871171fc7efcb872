//! Putting back: stop our rollout while it goes on, or bring the service to what it ran.

use super::definition::Definition;
use super::halt::{Halt, asked_to};
use super::roll_out::{is_gone, update};
use super::{cluster_of, registrations, services, stored};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ecs::types::{
    DeploymentRolloutState, Service, ServiceDeploymentStatus, StopServiceDeploymentStopType,
};
use pipeline::effect::{PutBack, Way};
use pipeline::event::{Event, Refusal};
use pipeline::names::{DeploymentId, Revision, RolloutId, ServiceName};
use pipeline::spec::Target;

pub async fn put_back(aws: &Aws, id: &DeploymentId, effect: &PutBack) -> Result<Event, Failure> {
    let service = effect.service.clone();
    let done = match &effect.way {
        Way::StopRollout(rollout) => stop(aws, effect, rollout).await,
        Way::Update => bring_back(aws, id, effect).await.map_err(NotBack::from),
    };
    Ok(match done {
        Ok((revision, rollout)) => Event::PutBackStarted { service, revision, rollout },
        Err(NotBack::IsOver(reason)) => {
            Event::PutBackRefused { service, refusal: Refusal::RolloutIsOver, reason }
        }
        Err(NotBack::Halt(halt)) => {
            Event::PutBackRefused { service, refusal: Refusal::Final, reason: halt.fault()? }
        }
    })
}

/// Deletes a service that a deployment created. One that is not there is as good.
pub async fn remove(aws: &Aws, target: &Target, service: &ServiceName) -> Result<Event, Failure> {
    let deleted = match cluster_of(target) {
        Ok(cluster) => delete(aws, cluster, service).await,
        Err(halt) => Err(halt),
    };
    let service = service.clone();
    Ok(match deleted {
        Ok(()) => Event::Removed { service },
        Err(halt) => {
            Event::PutBackRefused { service, refusal: Refusal::Final, reason: halt.fault()? }
        }
    })
}

/// The revision that the service goes to, and its rollout if ECS has named one.
type Back = (Revision, Option<RolloutId>);

enum NotBack {
    /// The rollout cannot be stopped (any more); the other way is left.
    IsOver(String),
    Halt(Halt),
}

impl From<Halt> for NotBack {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

/// Stops our rollout, so that ECS itself goes back to where it came from.
async fn stop(aws: &Aws, effect: &PutBack, rollout: &RolloutId) -> Result<Back, NotBack> {
    let (cluster, name) = (cluster_of(&effect.target)?, &effect.service);
    let described = services::describe(aws, cluster, [name]).await;
    let mut described = described.map_err(asked_to(format!("describe {name}")))?;
    let Some(service) = described.remove(name) else {
        return Err(Halt::Fault(format!("{name} does not exist any more")).into());
    };
    if let Some(back) = is_on_its_way(&service, effect, rollout) {
        return Ok(back);
    }
    may_be_stopped(&service, effect, rollout).map_err(NotBack::IsOver)?;
    let ongoing = match service.current_service_deployment() {
        Some(arn) => Some(arn.to_owned()),
        None => find(aws, cluster, name, &ONGOING).await?,
    };
    let Some(ongoing) = ongoing else {
        return Err(NotBack::IsOver("ECS lists no service deployment that goes on".into()));
    };
    let stopping = aws.ecs().stop_service_deployment().service_deployment_arn(ongoing);
    let stopping = stopping.stop_type(StopServiceDeploymentStopType::Rollback);
    match stopping.send().await.map_err(failure) {
        Ok(_) => Ok((effect.to.clone(), None)),
        // Perhaps we ourselves stopped it, and did not live to say so.
        Err(Failure::Refused { .. }) if find(aws, cluster, name, &GOING_BACK).await?.is_some() => {
            Ok((effect.to.clone(), None))
        }
        Err(Failure::Refused { code, message }) => {
            Err(NotBack::IsOver(format!("{} ({code})", message.trim_end_matches('.'))))
        }
        Err(other) => Err(Halt::Later(other).into()),
    }
}

/// An earlier delivery of the same message has done it.
fn is_on_its_way(service: &Service, effect: &PutBack, rollout: &RolloutId) -> Option<Back> {
    let primary = services::primary(service)?;
    let is_there = primary.task_definition() == Some(effect.to.as_str())
        && primary.id().is_some_and(|id| id != rollout.as_str());
    is_there.then(|| (effect.to.clone(), services::primary_id(service)))
}

/// Whether the rollout goes on, and stopping it leads to where we want to go.
fn may_be_stopped(service: &Service, effect: &PutBack, rollout: &RolloutId) -> Result<(), String> {
    let Some(primary) = services::primary(service).filter(|p| p.id() == Some(rollout.as_str()))
    else {
        return Err("another rollout has taken its place".into());
    };
    if primary.rollout_state() != Some(&DeploymentRolloutState::InProgress) {
        return Err("it does not go on any more".into());
    }
    let leads_there = service.deployments().iter().any(|other| {
        other.status() != Some("PRIMARY")
            && other.rollout_state() == Some(&DeploymentRolloutState::Completed)
            && other.task_definition() == Some(effect.to.as_str())
    });
    if leads_there {
        return Ok(());
    }
    Err(format!("stopping it would not lead back to {}", effect.to.short()))
}

const ONGOING: [ServiceDeploymentStatus; 2] =
    [ServiceDeploymentStatus::Pending, ServiceDeploymentStatus::InProgress];
const GOING_BACK: [ServiceDeploymentStatus; 3] = [
    ServiceDeploymentStatus::StopRequested,
    ServiceDeploymentStatus::RollbackRequested,
    ServiceDeploymentStatus::RollbackInProgress,
];

/// The newest service deployment with one of the statuses.
async fn find(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
    statuses: &[ServiceDeploymentStatus],
) -> Result<Option<String>, Halt> {
    let asking = aws.ecs().list_service_deployments().cluster(cluster).service(service.as_str());
    let asking = asking.set_status(Some(statuses.to_vec()));
    let answer = asking.send().await.map_err(failure);
    let answer = answer.map_err(asked_to(format!("list the deployments of {service}")))?;
    let newest = answer
        .service_deployments
        .unwrap_or_default()
        .into_iter()
        .max_by_key(|one| one.created_at().map(|at| (at.secs(), at.subsec_nanos())));
    Ok(newest.and_then(|newest| newest.service_deployment_arn))
}

/// Updates the service to what it ran; if that was deregistered, to the same registered again.
async fn bring_back(aws: &Aws, id: &DeploymentId, effect: &PutBack) -> Result<Back, Halt> {
    let (cluster, name, to) = (cluster_of(&effect.target)?, &effect.service, &effect.to);
    let refused = match update(aws, cluster, name, to, false).await {
        Ok(service) => return Ok((to.clone(), services::primary_id(&service))),
        Err(refused) => refused,
    };
    let may_be_inactive = refused.is("ClientException") || refused.is("InvalidParameterException");
    if is_gone(&refused) || !may_be_inactive {
        return Err(asked_to(format!("put {name} back"))(refused));
    }
    let found = stored::find(aws, to).await;
    match found.map_err(asked_to(format!("describe {}", to.short())))? {
        Some(Definition { is_active: true, .. }) => {
            Err(asked_to(format!("put {name} back"))(refused))
        }
        Some(Definition { json, .. }) => {
            let about = format!("{name}#back");
            let again = registrations::register_once(aws, id, &about, &json).await?;
            stored::keep(aws, &again, &json).await.map_err(Halt::Later)?;
            let updated = update(aws, cluster, name, &again, false).await;
            let service = updated.map_err(asked_to(format!("put {name} back")))?;
            Ok((again, services::primary_id(&service)))
        }
        None => Err(Halt::Fault(format!(
            "{} is gone, and neither ECS nor Slipway knows what was in it; deploy another release",
            to.short()
        ))),
    }
}

async fn delete(aws: &Aws, cluster: &str, service: &ServiceName) -> Result<(), Halt> {
    let deleting = aws.ecs().delete_service().cluster(cluster).service(service.as_str());
    match deleting.force(true).send().await.map_err(failure) {
        Ok(_) => Ok(()),
        Err(gone) if is_gone(&gone) => Ok(()),
        Err(other) => Err(asked_to(format!("delete {service}"))(other)),
    }
}
