//! Service deployments: ECS keeps each rollout of a service for 90 days.
//!
//! `DescribeServices` omits a rollout as soon as its tasks are gone. Only service deployments show
//! that ECS itself rolled one back.

use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws_sdk_ecs::types::{CreatedAt, ServiceDeploymentBrief, ServiceDeploymentStatus};
use aws_smithy_types::DateTime;
use pipeline::names::{RolloutId, ServiceName};
use pipeline::time::{Span, Time};

/// How many are listed: ECS's maximum.
const LISTED: i32 = 100;
/// Older rollouts are irrelevant to a deployment of Slipway.
const WINDOW: Span = Span::hours(72);

const ONGOING: [ServiceDeploymentStatus; 2] =
    [ServiceDeploymentStatus::Pending, ServiceDeploymentStatus::InProgress];
const BEING_STOPPED: [ServiceDeploymentStatus; 3] = [
    ServiceDeploymentStatus::StopRequested,
    ServiceDeploymentStatus::RollbackRequested,
    ServiceDeploymentStatus::RollbackInProgress,
];
const RETURNED: [ServiceDeploymentStatus; 4] = [
    ServiceDeploymentStatus::RollbackRequested,
    ServiceDeploymentStatus::RollbackInProgress,
    ServiceDeploymentStatus::RollbackSuccessful,
    ServiceDeploymentStatus::RollbackFailed,
];

/// The rollout that ECS rolled back or is rolling back, and why; `None`: none, or a newer one has
/// started since.
pub(super) async fn returned_from(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
) -> Result<Option<(RolloutId, String)>, Failure> {
    let since = before(aws.clock.now(), WINDOW);
    let newest = match list(aws, cluster, service, &[], Some(since)).await {
        Ok(listed) => listed.into_iter().max_by_key(begun_at),
        // Not every region has service deployments.
        Err(refused) if refused.is("UnsupportedFeatureException") => None,
        Err(other) => return Err(other),
    };
    let returned =
        newest.filter(|one| one.status().is_some_and(|status| RETURNED.contains(status)));
    Ok(returned.and_then(|one| {
        let why = one.status_reason().unwrap_or("no reason given").trim_end_matches('.');
        Some((rollout_of(&one)?, why.to_owned()))
    }))
}

/// The first rollout that started after `since`.
pub(super) async fn first_since(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
    since: Time,
) -> Result<Option<RolloutId>, Failure> {
    let listed = list(aws, cluster, service, &[], Some(since)).await?;
    Ok(listed.iter().min_by_key(|one| begun_at(one)).and_then(rollout_of))
}

/// The service deployment that is in progress.
pub(super) async fn ongoing(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
) -> Result<Option<String>, Failure> {
    newest(list(aws, cluster, service, &ONGOING, None).await?)
}

/// The service deployment that is being stopped.
pub(super) async fn being_stopped(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
) -> Result<Option<String>, Failure> {
    newest(list(aws, cluster, service, &BEING_STOPPED, None).await?)
}

fn newest(listed: Vec<ServiceDeploymentBrief>) -> Result<Option<String>, Failure> {
    Ok(listed.into_iter().max_by_key(begun_at).and_then(|one| one.service_deployment_arn))
}

async fn list(
    aws: &Aws,
    cluster: &str,
    service: &ServiceName,
    statuses: &[ServiceDeploymentStatus],
    since: Option<Time>,
) -> Result<Vec<ServiceDeploymentBrief>, Failure> {
    let asking = aws.ecs().list_service_deployments().cluster(cluster).service(service.as_str());
    let asking = asking.set_status((!statuses.is_empty()).then(|| statuses.to_vec()));
    let moment =
        |time: Time| DateTime::from_millis(i64::try_from(time.millis()).unwrap_or_default());
    let since = since.map(|time| CreatedAt::builder().after(moment(time)).build());
    let asking = asking.max_results(LISTED).set_created_at(since);
    let answer = asking.send().await.map_err(failure)?;
    Ok(answer.service_deployments.unwrap_or_default())
}

/// A rollout and the service revision that it deploys have the same number in ECS.
fn rollout_of(one: &ServiceDeploymentBrief) -> Option<RolloutId> {
    let (_, number) = one.target_service_revision_arn()?.rsplit_once('/')?;
    Some(RolloutId::new(format!("ecs-svc/{number}")))
}

fn begun_at(one: &ServiceDeploymentBrief) -> Option<(i64, u32)> {
    one.created_at().map(|at| (at.secs(), at.subsec_nanos()))
}

pub(super) fn before(time: Time, span: Span) -> Time {
    Time::from_millis(time.millis().saturating_sub(span.as_seconds() * 1000))
}
