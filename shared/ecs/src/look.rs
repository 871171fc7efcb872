//! One-off tasks after their start: their state, and stopping them.

use super::cluster_of;
use aws::clients::Aws;
use aws::definitions::archived;
use aws::failure::{Failure, failure};
use aws::payload::is_injected;
use aws_sdk_ecs::types::{Container, Task, TaskStopCode};
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::names::{ContainerName, Revision, TaskId};
use pipeline::spec::Target;
use pipeline::task::{OneOffEnd, Stop, failed_by_itself};

pub async fn look_at_one_off(
    aws: &Aws,
    target: &Target,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
    container: &ContainerName,
) -> Result<Event, Failure> {
    let Some(described) = describe(aws, cluster(target)?, task.as_str()).await? else {
        return Ok(Event::OneOffLost { purpose, attempt });
    };
    let mut end = end_of(&described, container);
    if let Some(end) = end.as_mut().filter(|end| end.succeeded()) {
        end.beside = failed_beside(aws, &described, container).await?;
    }
    Ok(Event::OneOffSeen { purpose, attempt, task: task.clone(), end })
}

/// ECS's answers for a task that it does not know, or no longer knows.
const NOT_THERE: [&str; 3] =
    ["ClientException", "ClusterNotFoundException", "InvalidParameterException"];

/// Stops the task. A task that ECS does not know has ended.
pub async fn stop_one_off(
    aws: &Aws,
    target: &Target,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
    reason: &str,
) -> Result<Event, Failure> {
    let stopping = aws.ecs().stop_task().cluster(cluster(target)?).task(task.as_str());
    match stopping.reason(reason).send().await.map_err(failure) {
        Ok(_) => {}
        Err(refused) if NOT_THERE.iter().any(|code| refused.is(code)) => {
            tracing::info!("no task to stop: {refused}");
        }
        Err(other) => return Err(other),
    }
    Ok(Event::OneOffStopAsked { purpose, attempt })
}

/// Describes a task; `None`: ECS no longer knows it, about an hour after it stopped.
pub(super) async fn describe(
    aws: &Aws,
    cluster: &str,
    task: &str,
) -> Result<Option<Task>, Failure> {
    let asking = aws.ecs().describe_tasks().cluster(cluster).tasks(task);
    let answer = asking.send().await.map_err(failure)?;
    if let Some(task) = answer.tasks.and_then(|tasks| tasks.into_iter().next()) {
        return Ok(Some(task));
    }
    let reasons = answer.failures.as_deref().unwrap_or_default().iter();
    match reasons.filter_map(|failure| failure.reason()).find(|reason| *reason != "MISSING") {
        Some(reason) => Err(Failure::Passing(format!("ECS could not describe the task: {reason}"))),
        None => Ok(None),
    }
}

/// How the container that did the work ended; `None`: it has not ended.
fn end_of(task: &Task, name: &ContainerName) -> Option<OneOffEnd> {
    if task.last_status() != Some("STOPPED") {
        return None;
    }
    // Other containers may run beside it, such as AWS's own; they are checked separately.
    let container = task.containers().iter().find(|one| one.name() == Some(name.as_str()));
    Some(OneOffEnd {
        exit_code: container.and_then(|container| container.exit_code()),
        stop: Stop {
            code: task.stop_code().map(TaskStopCode::as_str).map(str::to_owned),
            reason: task.stopped_reason().unwrap_or_default().to_owned(),
        },
        reason: container.and_then(|container| container.reason()).map(str::to_owned),
        beside: None,
    })
}

/// An essential container that failed beside the one that did the work. ECS does not say which of
/// them ended first, and then stops the others; exit code 0 may be that of a container that was
/// stopped half-way. One that exited with 0 before the work was done looks the same as one that was
/// stopped after it.
async fn failed_beside(
    aws: &Aws,
    task: &Task,
    name: &ContainerName,
) -> Result<Option<String>, Failure> {
    let failed = |one: &&Container| {
        one.name() != Some(name.as_str())
            && !one.name().is_some_and(is_injected)
            && failed_by_itself(one.exit_code(), one.reason())
    };
    let failed: Vec<&Container> = task.containers().iter().filter(failed).collect();
    if failed.is_empty() {
        return Ok(None);
    }
    let revision = Revision::new(task.task_definition_arn().unwrap_or_default());
    let kept = archived::kept(aws, &revision).await?;
    let is_essential = |one: &&Container| {
        let containers = kept.as_ref().and_then(|kept| kept["containerDefinitions"].as_array());
        let own =
            containers.into_iter().flatten().find(|known| known["name"].as_str() == one.name());
        // In ECS a container is essential by default.
        own.is_none_or(|own| own["essential"] != false)
    };
    let essential = failed.into_iter().find(is_essential);
    Ok(essential.map(|one| {
        let (name, code) = (one.name().unwrap_or_default(), one.exit_code().unwrap_or_default());
        let reason = one.reason().map(|reason| format!(", {reason}")).unwrap_or_default();
        format!("essential container {name} exited with {code}{reason}")
    }))
}

fn cluster(target: &Target) -> Result<&str, Failure> {
    match cluster_of(target) {
        Ok(cluster) => Ok(cluster),
        Err(halt) => Err(Failure::Misconfigured(halt.fault()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::end_of;
    use aws_sdk_ecs::types::{Container, Task, TaskStopCode};

    fn stopped() -> aws_sdk_ecs::types::builders::TaskBuilder {
        let sidecar = Container::builder().name("aws-guardduty-agent-1").exit_code(137).build();
        Task::builder()
            .last_status("STOPPED")
            .stop_code(TaskStopCode::EssentialContainerExited)
            .stopped_reason("Essential container in task exited")
            .containers(sidecar)
    }

    #[test]
    fn only_the_named_container_counts() {
        let ours = Container::builder().name("api").exit_code(0).build();
        let end = end_of(&stopped().containers(ours).build(), &"api".into()).unwrap();
        assert!(end.succeeded(), "{end:?}");
        let missing = end_of(&stopped().build(), &"api".into()).unwrap();
        assert_eq!(missing.exit_code, None);
        assert!(!missing.succeeded());
    }

    #[test]
    fn a_task_that_is_about_to_stop_has_not_ended() {
        let task = stopped().last_status("DEPROVISIONING").build();
        assert_eq!(end_of(&task, &"api".into()), None);
    }
}
