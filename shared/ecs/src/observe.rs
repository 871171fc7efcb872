//! Observing: which revisions services run, as ECS describes them.

use super::{cluster_of, history, service_events, services};
use aws::clients::Aws;
use aws::failure::Failure;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use aws_smithy_types::DateTime;
use pipeline::event::Event;
use pipeline::names::{Revision, RolloutId, ServiceName};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::spec::Target;
use pipeline::time::Time;

pub async fn observe(
    aws: &Aws,
    target: &Target,
    services: &[ServiceName],
    returns: bool,
) -> Result<Event, Failure> {
    let cluster = match cluster_of(target) {
        Ok(cluster) => cluster,
        Err(halt) => return Err(Failure::Misconfigured(halt.fault()?)),
    };
    let mut services = observations(aws, cluster, services).await?;
    if returns {
        for seen in &mut services {
            ask_for_return(aws, cluster, seen).await?;
        }
    }
    Ok(Event::Observed { services })
}

/// Observes services of a cluster, in the order of the names.
pub async fn observations(
    aws: &Aws,
    cluster: &str,
    names: &[ServiceName],
) -> Result<Vec<Observation>, Failure> {
    // Taken before the call: the answer is at least this new.
    let seen_at = aws.clock.now();
    let described = match services::describe(aws, cluster, names).await {
        Ok(described) => described,
        // Without the cluster none of its services exists.
        Err(failure) if failure.is("ClusterNotFoundException") => Default::default(),
        Err(failure) => return Err(failure),
    };
    Ok(names.iter().map(|name| observation(name, seen_at, described.get(name))).collect())
}

pub(super) fn observation(
    name: &ServiceName,
    seen_at: Time,
    service: Option<&Service>,
) -> Observation {
    let found = service.map(|service| found(service, seen_at));
    Observation { service: name.clone(), seen_at, found }
}

/// Adds which rollout ECS rolled back, whether it is still draining or not.
async fn ask_for_return(aws: &Aws, cluster: &str, seen: &mut Observation) -> Result<(), Failure> {
    let Some(found) = &mut seen.found else { return Ok(()) };
    if found.returned_from.is_none()
        && let Some((rollout, why)) = history::returned_from(aws, cluster, &seen.service).await?
    {
        (found.returned_from, found.return_reason) = (Some(rollout), Some(why));
    }
    found.returns_asked = true;
    Ok(())
}

fn found(service: &Service, now: Time) -> Found {
    let deployments = service.deployments();
    let rollouts = deployments.iter().map(|deployment| rollout(deployment, deployments.len()));
    let (returned_from, return_reason) = returned_from(service).unzip();
    Found {
        rollouts: rollouts.collect(),
        returned_from,
        return_reason,
        returns_asked: false,
        trouble: service_events::of(service, now),
        draining: service.status() == Some("DRAINING"),
    }
}

fn rollout(deployment: &Deployment, of: usize) -> Rollout {
    let (desired, running) = (deployment.desired_count(), deployment.running_count());
    let progress = match deployment.rollout_state() {
        Some(DeploymentRolloutState::Completed) => Progress::Completed,
        Some(DeploymentRolloutState::Failed) => Progress::Failed,
        Some(_) => Progress::InProgress,
        // Behind a Classic Load Balancer ECS reports no state; only the task counts show it.
        None if of == 1 && running >= desired && deployment.pending_count() == 0 => {
            Progress::Completed
        }
        None => Progress::InProgress,
    };
    Rollout {
        id: RolloutId::new(deployment.id().unwrap_or_default()),
        revision: Revision::new(deployment.task_definition().unwrap_or_default()),
        primary: deployment.status() == Some("PRIMARY"),
        progress,
        reason: services::reason(deployment).unwrap_or_default().to_owned(),
        desired: count(desired),
        running: count(running),
        failed: count(deployment.failed_tasks()),
    }
}

/// Which rollout ECS rolled back, and why, while it is draining.
///
/// ECS rolls back by making an old deployment primary again, so the primary is then older than the
/// one that failed.
fn returned_from(service: &Service) -> Option<(RolloutId, String)> {
    let primary = services::primary(service)?;
    let failed = service.deployments().iter().find(|deployment| {
        deployment.rollout_state() == Some(&DeploymentRolloutState::Failed)
            && deployment.status() != Some("PRIMARY")
            && deployment.created_at().map(DateTime::secs)
                > primary.created_at().map(DateTime::secs)
    })?;
    let why = services::reason(failed).unwrap_or("no reason given");
    Some((RolloutId::new(failed.id()?), why.to_owned()))
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
