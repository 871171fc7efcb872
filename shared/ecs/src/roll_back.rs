//! Rolling a service back: stop its rollout while it is in progress, or update it to its previous
//! revision.
//!
//! The service is checked first: a revision that was deployed outside Slipway stays.

use super::definitions::registrations;
use super::observe::observation;
use super::roll_out::{is_gone, update};
use super::{cluster_of, history, once, services, way_back};
use aws::clients::Aws;
use aws::definitions::archived;
use aws::definitions::definition::Definition;
use aws::failure::{Failure, failure};
use aws::step_error::{StepError, asked_to};
use aws_sdk_ecs::types::{DeploymentRolloutState, Service, StopServiceDeploymentStopType};
use pipeline::effect::{RollBack, Way};
use pipeline::event::{Event, Refusal};
use pipeline::names::{DeploymentId, Revision, RolloutId, ServiceName};
use pipeline::observation::Observation;
use pipeline::spec::Target;

pub async fn roll_back(aws: &Aws, id: &DeploymentId, effect: &RollBack) -> Result<Event, Failure> {
    let service = effect.service.clone();
    let refused =
        |refusal, reason| Event::RollbackRefused { service: service.clone(), refusal, reason };
    Ok(match begin(aws, id, effect).await {
        Ok((revision, rollout)) => Event::RollbackStarted { service, revision, rollout },
        Err(NotRolledBack::LeftAlone(seen)) => Event::LeftAlone { seen },
        Err(NotRolledBack::IsOver(reason)) => refused(Refusal::RolloutIsOver, reason),
        Err(NotRolledBack::StepError(halt)) => refused(Refusal::Final, halt.fault()?),
    })
}

/// Deletes a service that this deployment created and that was not updated since. One that does not
/// exist counts as deleted.
pub async fn remove(
    aws: &Aws,
    id: &DeploymentId,
    target: &Target,
    service: &ServiceName,
    revision: Option<&Revision>,
) -> Result<Event, Failure> {
    let removed = delete(aws, id, target, service, revision).await;
    let service = service.clone();
    let refused =
        |refusal, reason| Event::RollbackRefused { service: service.clone(), refusal, reason };
    Ok(match removed {
        Ok(Removal::Done) => Event::Removed { service },
        Ok(Removal::LeftAlone(seen)) => Event::LeftAlone { seen },
        Ok(Removal::NotCreated) => {
            refused(Refusal::NotCreated, "this deployment did not create it".to_owned())
        }
        Err(halt) => refused(Refusal::Final, halt.fault()?),
    })
}

/// The revision that the service is rolled back to, and the rollout that this started. An earlier
/// rollout to that revision may have failed long ago, and is irrelevant to this rollback.
type Back = (Revision, Option<RolloutId>);

enum NotRolledBack {
    /// The service was updated outside Slipway.
    LeftAlone(Observation),
    /// The rollout can no longer be stopped; the service has to be updated.
    IsOver(String),
    StepError(StepError),
}

impl From<StepError> for NotRolledBack {
    fn from(halt: StepError) -> Self {
        Self::StepError(halt)
    }
}

enum Removal {
    Done,
    /// It was updated outside Slipway.
    LeftAlone(Observation),
    /// This deployment did not create it.
    NotCreated,
}

async fn begin(aws: &Aws, id: &DeploymentId, effect: &RollBack) -> Result<Back, NotRolledBack> {
    let (cluster, name) = (cluster_of(&effect.target)?, &effect.service);
    let seen_at = aws.clock.now();
    let found = services::find(aws, cluster, name).await;
    let found = found.map_err(asked_to(format!("describe {name}")))?;
    let left_alone =
        |service: Option<&Service>| NotRolledBack::LeftAlone(observation(name, seen_at, service));
    let Some(service) = found else { return Err(left_alone(None)) };
    let runs = services::revision_of(&service);
    if runs.as_ref() == Some(&effect.to) {
        return Ok((effect.to.clone(), None));
    }
    if let (Some(runs), Some(from)) = (runs, &effect.from)
        && runs != *from
    {
        // The previous revision may have been registered again.
        let again =
            registrations::registered(aws, id, &about(name)).await.map_err(StepError::Later)?;
        if again.as_ref() == Some(&runs) {
            return Ok((runs, None));
        }
        return Err(left_alone(Some(&service)));
    }
    match &effect.way {
        Way::StopRollout(rollout) => stop(aws, cluster, effect, &service, rollout).await,
        Way::Update => Ok(bring_back(aws, id, cluster, effect).await?),
    }
}

/// Stops Slipway's rollout, so that ECS itself rolls back.
async fn stop(
    aws: &Aws,
    cluster: &str,
    effect: &RollBack,
    service: &Service,
    rollout: &RolloutId,
) -> Result<Back, NotRolledBack> {
    let name = &effect.service;
    may_be_stopped(service, effect, rollout).map_err(NotRolledBack::IsOver)?;
    let asked = || asked_to(format!("list the service deployments of {name}"));
    let ongoing = match service.current_service_deployment() {
        Some(arn) => Some(arn.to_owned()),
        None => history::ongoing(aws, cluster, name).await.map_err(asked())?,
    };
    let Some(ongoing) = ongoing else {
        return Err(NotRolledBack::IsOver("ECS lists no service deployment in progress".into()));
    };
    let stopping = aws.ecs().stop_service_deployment().service_deployment_arn(ongoing);
    let stopping = stopping.stop_type(StopServiceDeploymentStopType::Rollback);
    match stopping.send().await.map_err(failure) {
        Ok(_) => Ok((effect.to.clone(), None)),
        Err(Failure::Refused { code, message }) => {
            // An earlier attempt may have stopped it, and crashed before it could answer.
            if history::being_stopped(aws, cluster, name).await.map_err(asked())?.is_some() {
                return Ok((effect.to.clone(), None));
            }
            Err(NotRolledBack::IsOver(format!("{} ({code})", message.trim_end_matches('.'))))
        }
        Err(other) => Err(StepError::Later(other).into()),
    }
}

/// Whether the rollout is in progress, and stopping it leads to the target revision.
fn may_be_stopped(service: &Service, effect: &RollBack, rollout: &RolloutId) -> Result<(), String> {
    let Some(primary) = services::primary(service).filter(|p| p.id() == Some(rollout.as_str()))
    else {
        return Err("another rollout has replaced it".into());
    };
    if primary.rollout_state() != Some(&DeploymentRolloutState::InProgress) {
        return Err("it is no longer in progress".into());
    }
    let leads_there = service.deployments().iter().any(|other| {
        other.status() != Some("PRIMARY")
            && other.rollout_state() == Some(&DeploymentRolloutState::Completed)
            && other.task_definition() == Some(effect.to.as_str())
    });
    if leads_there {
        return Ok(());
    }
    Err(format!("stopping it would not roll back to {}", effect.to.short()))
}

/// Updates the service to its previous revision; if that was deregistered, registers it again.
async fn bring_back(
    aws: &Aws,
    id: &DeploymentId,
    cluster: &str,
    effect: &RollBack,
) -> Result<Back, StepError> {
    let (name, to) = (&effect.service, &effect.to);
    if let Some(gone) = way_back::gone(aws, to).await.map_err(StepError::Later)? {
        return Err(StepError::Fault(format!("{} cannot be started: {gone}", to.short())));
    }
    let refused = match update(aws, cluster, name, to, false).await {
        Ok(service) => return Ok((to.clone(), services::primary_id(&service))),
        Err(refused) => refused,
    };
    let may_be_inactive = refused.is("ClientException") || refused.is("InvalidParameterException");
    if is_gone(&refused) || !may_be_inactive {
        return Err(asked_to(format!("roll back {name}"))(refused));
    }
    let found = archived::find(aws, to).await;
    match found.map_err(asked_to(format!("describe {}", to.short())))? {
        Some(Definition { is_active: true, .. }) => {
            Err(asked_to(format!("roll back {name}"))(refused))
        }
        Some(Definition { json, .. }) => {
            let again = registrations::register_once(aws, id, &about(name), &json).await?;
            archived::keep(aws, &again, &json).await.map_err(StepError::Later)?;
            let updated = update(aws, cluster, name, &again, false).await;
            let service = updated.map_err(asked_to(format!("roll back {name}")))?;
            Ok((again, services::primary_id(&service)))
        }
        None => Err(StepError::Fault(way_back::unknown(to))),
    }
}

async fn delete(
    aws: &Aws,
    id: &DeploymentId,
    target: &Target,
    service: &ServiceName,
    revision: Option<&Revision>,
) -> Result<Removal, StepError> {
    let cluster = cluster_of(target)?;
    let seen_at = aws.clock.now();
    let found = services::find(aws, cluster, service).await;
    let found = found.map_err(asked_to(format!("describe {service}")))?;
    let Some(found) = found else { return Ok(Removal::Done) };
    if revision.is_some() && services::revision_of(&found).as_ref() != revision {
        return Ok(Removal::LeftAlone(observation(service, seen_at, Some(&found))));
    }
    if !once::created(aws, id, service).await.map_err(StepError::Later)? {
        return Ok(Removal::NotCreated);
    }
    let deleting = aws.ecs().delete_service().cluster(cluster).service(service.as_str());
    match deleting.force(true).send().await.map_err(failure) {
        Ok(_) => Ok(Removal::Done),
        Err(gone) if is_gone(&gone) => Ok(Removal::Done),
        Err(other) => Err(asked_to(format!("delete {service}"))(other)),
    }
}

/// The key of the note for a revision that was registered again.
fn about(service: &ServiceName) -> String {
    format!("{service}#back")
}
