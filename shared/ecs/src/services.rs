//! Services as ECS describes them.

use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws_sdk_ecs::types::{Deployment, Service};
use pipeline::names::{Revision, RolloutId, ServiceName};
use std::collections::{BTreeMap, BTreeSet};

/// How many services one call describes.
const CHUNK: usize = 10;

/// Describes one service; `None`: it does not exist.
pub(super) async fn find(
    aws: &Aws,
    cluster: &str,
    name: &ServiceName,
) -> Result<Option<Service>, Failure> {
    let found = describe(aws, cluster, [name]).await?.remove(name);
    Ok(found.filter(is_there))
}

/// Whether a service can be updated. ECS describes a deleted one for a while: DRAINING until its
/// tasks have ended, then INACTIVE.
pub fn is_there(service: &Service) -> bool {
    !matches!(service.status(), Some("DRAINING" | "INACTIVE"))
}

/// Describes services; those that do not exist are omitted. One that is DRAINING is not: no service
/// of the same name can be created yet.
pub(super) async fn describe(
    aws: &Aws,
    cluster: &str,
    names: impl IntoIterator<Item = &ServiceName>,
) -> Result<BTreeMap<ServiceName, Service>, Failure> {
    let names: Vec<&ServiceName> = names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let mut found = BTreeMap::new();
    for chunk in names.chunks(CHUNK) {
        let wanted = chunk.iter().map(|name| name.as_str().to_owned()).collect();
        let asking = aws.ecs().describe_services().cluster(cluster).set_services(Some(wanted));
        let answer = asking.send().await.map_err(failure)?;
        for service in answer.services.unwrap_or_default() {
            // ECS describes a deleted service for a while.
            if service.status() != Some("INACTIVE") {
                found.insert(ServiceName::new(service.service_name().unwrap_or_default()), service);
            }
        }
        let odd = |reason: &&str| *reason != "MISSING";
        let reasons = answer.failures.as_deref().unwrap_or_default().iter();
        if let Some(reason) = reasons.filter_map(|failure| failure.reason()).find(odd) {
            return Err(Failure::Passing(format!(
                "ECS could not describe every service: {reason}"
            )));
        }
    }
    Ok(found)
}

pub(super) fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

pub(super) fn primary_id(service: &Service) -> Option<RolloutId> {
    primary(service)?.id().map(RolloutId::new)
}

/// The revision of the service.
pub(super) fn revision_of(service: &Service) -> Option<Revision> {
    let primary = primary(service).and_then(Deployment::task_definition);
    primary.or(service.task_definition()).map(Revision::new)
}

/// ECS's reason for the state of a rollout, without the full stop: it is quoted in a sentence.
pub(super) fn reason(deployment: &Deployment) -> Option<&str> {
    deployment.rollout_state_reason().map(|reason| reason.trim_end_matches('.'))
}
