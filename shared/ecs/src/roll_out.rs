//! Rolling out: one check, then one update of one service, and which rollout it started.

use super::create::create;
use super::observe::observation;
use super::{cluster_of, once, services};
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws::step_error::{StepError, asked_to};
use aws_sdk_ecs::types::Service;
use pipeline::effect::RollOut;
use pipeline::event::Event;
use pipeline::names::{DeploymentId, Revision, RolloutId, ServiceName};
use pipeline::observation::Observation;

pub async fn roll_out(aws: &Aws, id: &DeploymentId, effect: &RollOut) -> Result<Event, Failure> {
    let service = effect.service.clone();
    Ok(match begin(aws, id, effect).await {
        Ok(Begun::Rollout(rollout)) => Event::RolloutStarted { service, rollout },
        Ok(Begun::Nothing(seen)) => Event::LeftAlone { seen },
        Err(halt) => Event::RolloutRefused { service, reason: halt.fault()? },
    })
}

enum Begun {
    Rollout(RolloutId),
    /// The service was updated outside Slipway.
    Nothing(Observation),
}

async fn begin(aws: &Aws, id: &DeploymentId, effect: &RollOut) -> Result<Begun, StepError> {
    let (cluster, name) = (cluster_of(&effect.target)?, &effect.service);
    let seen_at = aws.clock.now();
    let found = services::find(aws, cluster, name).await;
    let found = found.map_err(asked_to(format!("describe {name}")))?;
    let runs = found.as_ref().and_then(services::revision_of);
    if let Some(service) = &found
        && runs.as_ref() == Some(&effect.revision)
        && !effect.restarts()
    {
        return began(service);
    }
    if effect.knows_before() && runs != effect.before {
        return Ok(Begun::Nothing(observation(name, seen_at, found.as_ref())));
    }
    if let (None, Some(wanted)) = (&found, &effect.create) {
        once::creates(aws, id, name).await.map_err(StepError::Later)?;
        return began(&create(aws, id, cluster, effect, wanted).await?);
    }
    let forced = effect.restarts();
    if let Some(rollout) = once::begun(aws, id, cluster, name, forced).await? {
        return Ok(Begun::Rollout(rollout));
    }
    let updated = update(aws, cluster, name, &effect.revision, forced).await;
    began(&updated.map_err(asked_to(format!("update {name}")))?)
}

fn began(service: &Service) -> Result<Begun, StepError> {
    let nothing =
        || StepError::Later(Failure::Passing("ECS shows no PRIMARY deployment yet".into()));
    services::primary_id(service).map(Begun::Rollout).ok_or_else(nothing)
}

/// Updates a service to a revision, and changes nothing else: the number of tasks belongs to
/// autoscaling. A service that already has this revision does not change.
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
    answer.service.ok_or_else(|| Failure::Passing("ECS returned no service".into()))
}

/// Whether there is no such service.
pub(super) fn is_gone(failure: &Failure) -> bool {
    failure.is("ServiceNotFoundException") || failure.is("ServiceNotActiveException")
}
