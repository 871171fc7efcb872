//! Starts one rollout of a service per deployment, however often its message is delivered.
//!
//! UpdateService accepts no token and no condition on the current revision. So the service is
//! checked first, and the first worker writes a note. A worker that finds the note asks ECS which
//! rollouts started since; if there is none, the first worker crashed before its update. Between
//! the check and the update the service may still be updated outside Slipway, within one call; that
//! is seen afterwards only if that update came last.

use super::history;
use aws::clients::Aws;
use aws::failure::Failure;
use aws::idempotency;
use aws::step_error::{StepError, asked_to};
use pipeline::deployment::WORKER_LIFE;
use pipeline::names::{DeploymentId, RolloutId, ServiceName};
use pipeline::time::{Span, Time};

const AT: &str = "at";
const CREATES: &str = "creates";
/// The maximum difference between the clocks of ECS and Lambda.
const SKEW: Span = Span::seconds(10);

/// The rollout that another delivery of the same message started; `None`: none, so this worker may
/// start it.
///
/// Two updates to one revision are one rollout, two that force new tasks are two: if `forced`, a
/// worker waits until the previous one has certainly ended.
pub(super) async fn begun(
    aws: &Aws,
    id: &DeploymentId,
    cluster: &str,
    service: &ServiceName,
    forced: bool,
) -> Result<Option<RolloutId>, StepError> {
    let now = aws.clock.now();
    let note = [(AT, now.millis().to_string())];
    let noted =
        idempotency::claim(aws, id, &about(service), &note).await.map_err(StepError::Later)?;
    let Some(noted) = noted else { return Ok(None) };
    let at = noted.get(AT).and_then(|at| at.parse().ok()).map(Time::from_millis);
    let at = at.unwrap_or_default();
    let since = history::before(at, SKEW);
    let first = history::first_since(aws, cluster, service, since).await;
    if let Some(first) =
        first.map_err(asked_to(format!("list the service deployments of {service}")))?
    {
        return Ok(Some(first));
    }
    if !forced {
        return Ok(None);
    }
    let busy =
        || StepError::Later(Failure::Passing(format!("another worker is updating {service}")));
    if now < at + WORKER_LIFE {
        return Err(busy());
    }
    let (about, known) = (about(service), at.millis().to_string());
    let replaced = idempotency::replace(aws, id, &about, (AT, &known), &note).await;
    if replaced.map_err(StepError::Later)? { Ok(None) } else { Err(busy()) }
}

/// Notes that this deployment is about to create the service.
pub(super) async fn creates(
    aws: &Aws,
    id: &DeploymentId,
    service: &ServiceName,
) -> Result<(), Failure> {
    let now = aws.clock.now().millis().to_string();
    idempotency::write(aws, id, &about(service), &[(AT, &now), (CREATES, "yes")]).await
}

/// Whether this deployment created the service, or was about to.
pub(super) async fn created(
    aws: &Aws,
    id: &DeploymentId,
    service: &ServiceName,
) -> Result<bool, Failure> {
    let note = idempotency::read(aws, id, &about(service)).await?;
    Ok(note.is_some_and(|note| note.contains_key(CREATES)))
}

fn about(service: &ServiceName) -> String {
    format!("rollout#{service}")
}
