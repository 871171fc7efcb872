//! Rolling out: one command for one service on all hosts, one host after another.

use super::command::{Command, go};
use super::command_tag::CommandKind;
use super::fleet;
use super::revision::Definition;
use super::script::Script;
use super::{Tags, named};
use aws::clients::Aws;
use aws::failure::Failure;
use aws::step_error::{StepError, asked_to};
use pipeline::effect::RollOut;
use pipeline::event::Event;
use pipeline::names::{DeploymentId, RolloutId};

pub async fn roll_out(
    aws: &Aws,
    id: &DeploymentId,
    number: u64,
    tags: &Tags,
    effect: &RollOut,
) -> Result<Event, Failure> {
    let service = effect.service.clone();
    match begin(aws, id, number, tags, effect).await {
        Ok(rollout) => Ok(Event::RolloutStarted { service, rollout }),
        Err(halt) => Ok(Event::RolloutRefused { service, reason: halt.fault()? }),
    }
}

async fn begin(
    aws: &Aws,
    id: &DeploymentId,
    number: u64,
    tags: &Tags,
    effect: &RollOut,
) -> Result<RolloutId, StepError> {
    let (service, revision) = (&effect.service, &effect.revision);
    let definition = Definition::find(aws, revision).await.map_err(StepError::Later)?;
    let Some(run) = definition.and_then(Definition::run) else {
        return Err(StepError::Fault(format!(
            "Slipway does not know how to run {}; deploy a release",
            revision.short()
        )));
    };
    let hosts = hosts_of(aws, tags).await?;
    let mut script = Script::for_service(aws, CommandKind::Rollout, id, service)?;
    script.run(aws, Some(revision), Some(&run))?;
    script.list("BEFORE", before(aws, effect).await?.iter().map(String::as_str))?;
    script.text("FRESH", if effect.fresh { "yes" } else { "" })?;
    let going =
        Command { id, number, kind: CommandKind::Rollout, service, revision, hosts: &hosts };
    go(aws, &going, script).await.map(RolloutId::new)
}

/// The containers that ran when the deployment was prepared, by revision or id: any other was
/// started outside Slipway since, and is left unchanged. Empty if there were none.
async fn before(aws: &Aws, effect: &RollOut) -> Result<Vec<String>, StepError> {
    let Some(before) = &effect.before else { return Ok(vec![]) };
    match Definition::find(aws, before).await.map_err(StepError::Later)? {
        Some(Definition::Found(containers)) => Ok(containers.into_values().collect()),
        Some(Definition::Run(_)) | None => Ok(vec![before.as_str().to_owned()]),
    }
}

/// The hosts of a target; none is a fault.
pub(super) async fn hosts_of(aws: &Aws, tags: &Tags) -> Result<Vec<String>, StepError> {
    let hosts = super::hosts(aws, tags).await.map_err(asked_to("describe the hosts"))?;
    if hosts.is_empty() {
        return Err(StepError::Fault(format!("no managed instance has the tags {}", named(tags))));
    }
    Ok(fleet::ids(&hosts))
}
