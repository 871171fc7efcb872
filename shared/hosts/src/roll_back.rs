//! Rolling back: the previous container runs again on every host, or the new one is removed.

use super::Tags;
use super::command::{self, Command, go};
use super::command_tag::CommandKind;
use super::revision::Definition;
use super::roll_out::hosts_of;
use super::script::Script;
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws::step_error::StepError;
use pipeline::effect::{RollBack, Way};
use pipeline::event::{Event, Refusal};
use pipeline::names::{DeploymentId, Revision, RolloutId, ServiceName};
use tracing::info;

pub async fn roll_back(
    aws: &Aws,
    id: &DeploymentId,
    number: u64,
    tags: &Tags,
    effect: &RollBack,
) -> Result<Event, Failure> {
    let (service, revision) = (effect.service.clone(), effect.to.clone());
    if let Way::StopRollout(rollout) = &effect.way {
        cancel(aws, rollout.as_str()).await?;
    }
    let gone = back(aws, id, number, tags, effect).await;
    Ok(match gone {
        Ok(command) => {
            let rollout = Some(RolloutId::new(command));
            Event::RollbackStarted { service, revision, rollout }
        }
        Err(halt) => {
            Event::RollbackRefused { service, refusal: Refusal::Final, reason: halt.fault()? }
        }
    })
}

async fn back(
    aws: &Aws,
    id: &DeploymentId,
    number: u64,
    tags: &Tags,
    effect: &RollBack,
) -> Result<String, StepError> {
    let (service, revision) = (&effect.service, &effect.to);
    let definition = Definition::find(aws, revision).await.map_err(StepError::Later)?;
    let run = definition.and_then(Definition::run);
    let hosts = hosts_to_roll_back(aws, id, tags, service).await?;
    let mut script = Script::for_service(aws, CommandKind::Back, id, service)?;
    // If the previous container is gone, a revision of Slipway can be run again.
    script.run(aws, run.as_ref().map(|_| revision), run.as_ref())?;
    let going = Command { id, number, kind: CommandKind::Back, service, revision, hosts: &hosts };
    go(aws, &going, script).await
}

/// Removes a container that the first deployment started.
pub async fn remove(
    aws: &Aws,
    id: &DeploymentId,
    number: u64,
    tags: &Tags,
    service: &ServiceName,
) -> Result<Event, Failure> {
    let removed = async {
        let hosts = hosts_to_roll_back(aws, id, tags, service).await?;
        let script = Script::for_service(aws, CommandKind::Remove, id, service)?;
        let revision = &Revision::new("none");
        let going =
            Command { id, number, kind: CommandKind::Remove, service, revision, hosts: &hosts };
        go(aws, &going, script).await
    };
    let service = service.clone();
    Ok(match removed.await {
        // Sent counts as done: the final observation shows the result.
        Ok(_) => Event::Removed { service },
        Err(halt) => {
            Event::RollbackRefused { service, refusal: Refusal::Final, reason: halt.fault()? }
        }
    })
}

/// The hosts that this deployment changed, as far as they still exist: hosts that got the tags
/// since have nothing to roll back, and must not block these.
async fn hosts_to_roll_back(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    service: &ServiceName,
) -> Result<Vec<String>, StepError> {
    let there = hosts_of(aws, tags).await?;
    let sent = command::newest(aws, id, service).await.map_err(StepError::Later)?;
    let touched = sent.map(|sent| sent.touched).unwrap_or_default();
    let both: Vec<String> = there.iter().filter(|host| touched.contains(*host)).cloned().collect();
    Ok(if both.is_empty() { there } else { both })
}

/// Cancels a command where that is still possible. The next script waits for its end in any case.
pub(super) async fn cancel(aws: &Aws, command: &str) -> Result<(), Failure> {
    match aws.ssm().cancel_command().command_id(command).send().await.map_err(failure) {
        Ok(_) => Ok(()),
        Err(refused @ Failure::Refused { .. }) => {
            info!("no command to cancel: {refused}");
            Ok(())
        }
        Err(other) => Err(other),
    }
}
