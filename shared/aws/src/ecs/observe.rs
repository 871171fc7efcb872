//! Observing: what services run, as ECS says when it is asked.

use super::{cluster_of, services, trouble};
use crate::clients::Aws;
use crate::failure::Failure;
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
) -> Result<Event, Failure> {
    let cluster = match cluster_of(target) {
        Ok(cluster) => cluster,
        Err(halt) => return Err(Failure::Misconfigured(halt.fault()?)),
    };
    Ok(Event::Observed { services: observations(aws, cluster, services).await? })
}

/// Looks at services of a cluster, in the order asked for.
pub async fn observations(
    aws: &Aws,
    cluster: &str,
    names: &[ServiceName],
) -> Result<Vec<Observation>, Failure> {
    // Before the question: what is answered is at least as new as this.
    let seen_at = aws.clock.now();
    let described = match services::describe(aws, cluster, names).await {
        Ok(described) => described,
        // With the cluster, all its services are gone.
        Err(failure) if failure.is("ClusterNotFoundException") => Default::default(),
        Err(failure) => return Err(failure),
    };
    let one = |name: &ServiceName| Observation {
        service: name.clone(),
        seen_at,
        found: described.get(name).map(|service| found(service, seen_at)),
    };
    Ok(names.iter().map(one).collect())
}

fn found(service: &Service, now: Time) -> Found {
    let deployments = service.deployments();
    let mut rollouts: Vec<Rollout> =
        deployments.iter().map(|deployment| rollout(deployment, deployments.len())).collect();
    let returned = returned_from(service);
    if let Some((_, why)) = &returned
        && let Some(primary) = rollouts.iter_mut().find(|rollout| rollout.primary)
        && !primary.reason.contains("rolling back")
    {
        primary.reason.clone_from(why);
    }
    Found {
        rollouts,
        returned_from: returned.map(|(id, _)| id),
        trouble: trouble::of(service, now),
        draining: service.status() == Some("DRAINING"),
    }
}

fn rollout(deployment: &Deployment, of: usize) -> Rollout {
    let (desired, running) = (deployment.desired_count(), deployment.running_count());
    let progress = match deployment.rollout_state() {
        Some(DeploymentRolloutState::Completed) => Progress::Completed,
        Some(DeploymentRolloutState::Failed) => Progress::Failed,
        Some(_) => Progress::InProgress,
        // Behind a Classic Load Balancer ECS does not say; only the numbers do.
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

/// Which rollout ECS gave up for the one before, and why.
///
/// ECS goes back by making an old deployment primary again, so that the primary is then older than
/// the one that failed. When that one has drained, only the service's events still tell of it.
fn returned_from(service: &Service) -> Option<(RolloutId, String)> {
    let primary = services::primary(service)?;
    let failed = service.deployments().iter().find(|deployment| {
        deployment.rollout_state() == Some(&DeploymentRolloutState::Failed)
            && deployment.status() != Some("PRIMARY")
            && deployment.created_at().map(DateTime::secs)
                > primary.created_at().map(DateTime::secs)
    });
    if let Some(failed) = failed {
        let why = services::reason(failed).unwrap_or("ECS gave it up");
        return Some((RolloutId::new(failed.id()?), why.to_owned()));
    }
    trouble::returned_from(service, primary.id()?)
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
