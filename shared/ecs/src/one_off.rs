//! One-off tasks: a service's new revision, run once with a command of its own.

use super::create::Manner;
use super::{cluster_of, look, services};
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws::step_error::{StepError, asked_to};
use aws_sdk_ecs::operation::run_task::RunTaskError;
use aws_sdk_ecs::operation::run_task::builders::RunTaskFluentBuilder;
use aws_sdk_ecs::types::{ContainerOverride, Service, TaskOverride};
use pipeline::effect::{OneOff, Purpose};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, TaskId};
use pipeline::task::{Fault, Stop, classify};
use serde_json::json;

/// The maximum length of ECS's overrides, as JSON.
const OVERRIDES_MAX: usize = 8192;

/// Starts the task. The claim and the client token ensure that it starts only once.
pub async fn run_one_off(aws: &Aws, id: &DeploymentId, one_off: &OneOff) -> Result<Event, Failure> {
    let (purpose, attempt) = (one_off.purpose, one_off.attempt);
    match start(aws, id, one_off).await {
        Ok(task) => Ok(Event::OneOffStarted { purpose, attempt, task }),
        Err(NotStarted::For(fault, reason)) => {
            Ok(Event::OneOffNotStarted { purpose, attempt, fault, reason })
        }
        Err(NotStarted::StepError(halt)) => {
            let reason = halt.fault()?;
            Ok(Event::OneOffNotStarted { purpose, attempt, fault: Fault::Configuration, reason })
        }
    }
}

/// The task's `startedBy`, which leads from its events to the deployment:
/// `slipway/INSTALLATION/APPLICATION/ENVIRONMENT/NUMBER/migrate/ATTEMPT`.
///
/// ECS accepts 128 letters, digits, hyphens, slashes and underscores; with names of 32 and the
/// largest numbers this has 122.
pub fn started_by(installation: &str, id: &DeploymentId, purpose: Purpose, attempt: u32) -> String {
    format!("slipway/{installation}/{}", whose(id, purpose, attempt))
}

/// As earlier versions wrote it, without the installation. Their tasks may still run after an
/// update of Slipway.
fn started_by_before(id: &DeploymentId, purpose: Purpose, attempt: u32) -> String {
    format!("slipway/{}", whose(id, purpose, attempt))
}

fn whose(id: &DeploymentId, purpose: Purpose, attempt: u32) -> String {
    let word = match purpose {
        Purpose::Migrate => "migrate",
        Purpose::Undo => "undo",
    };
    format!("{id}/{word}/{attempt}")
}

enum NotStarted {
    For(Fault, String),
    StepError(StepError),
}

impl From<StepError> for NotStarted {
    fn from(halt: StepError) -> Self {
        Self::StepError(halt)
    }
}

async fn start(aws: &Aws, id: &DeploymentId, one_off: &OneOff) -> Result<TaskId, NotStarted> {
    let cluster = cluster_of(&one_off.target)?;
    let name = &one_off.service;
    let described = services::describe(aws, cluster, [name]).await;
    let mut described = described.map_err(asked_to(format!("describe {name}")))?;
    let installation = aws.settings.installation().map_err(StepError::Later)?;
    let ours = started_by(&installation, id, one_off.purpose, one_off.attempt);
    let running = aws
        .ecs()
        .run_task()
        .cluster(cluster)
        .task_definition(one_off.revision.as_str())
        .count(1)
        .client_token(&one_off.client_token)
        .started_by(&ours)
        .overrides(overrides(one_off)?);
    let running = placed(aws, running, one_off, described.remove(name)).await?;
    let answer = match running.send().await {
        Ok(answer) => answer,
        Err(error) => {
            if let Some(RunTaskError::ConflictException(conflict)) = error.as_service_error() {
                let tasks = conflict.resource_ids().to_vec();
                let before = started_by_before(id, one_off.purpose, one_off.attempt);
                return Ok(known(aws, cluster, tasks, &[ours, before]).await?);
            }
            return Err(refused(failure(error)));
        }
    };
    if let Some(arn) = answer.tasks().first().and_then(|task| task.task_arn()) {
        return Ok(TaskId::new(arn));
    }
    // An answer with status 200 may contain failures.
    let Some(first) = answer.failures().first() else {
        let nothing = "ECS returned neither a task nor a failure".to_owned();
        return Err(StepError::Later(Failure::Passing(nothing)).into());
    };
    let reason = first.reason().unwrap_or("no reason given").to_owned();
    let fault = classify(&Stop { code: None, reason: reason.clone() });
    let detail = first.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    Err(NotStarted::For(fault, format!("{reason}{detail}")))
}

fn refused(failure: Failure) -> NotStarted {
    let fault = match &failure {
        Failure::Refused { message, .. } => classify(&Stop { code: None, reason: message.clone() }),
        _ => Fault::Configuration,
    };
    match asked_to("run the task")(failure) {
        StepError::Fault(text) => NotStarted::For(fault, text),
        later => NotStarted::StepError(later),
    }
}

/// The network, platform and capacity settings of the service.
async fn placed(
    aws: &Aws,
    running: RunTaskFluentBuilder,
    one_off: &OneOff,
    service: Option<Service>,
) -> Result<RunTaskFluentBuilder, StepError> {
    if let Some(service) = service {
        let strategy = service.capacity_provider_strategy;
        let has_strategy = strategy.as_ref().is_some_and(|strategy| !strategy.is_empty());
        let launch_type = service.launch_type.filter(|_| !has_strategy);
        return Ok(running
            .set_capacity_provider_strategy(strategy.filter(|_| has_strategy))
            .set_launch_type(launch_type)
            .set_platform_version(service.platform_version)
            .set_network_configuration(service.network_configuration)
            .set_placement_constraints(service.placement_constraints));
    }
    let Some(create) = &one_off.create else {
        return Err(StepError::Fault(format!(
            "{} does not exist, so the network and capacity of the task are unknown; create it, or \
             describe it with create: in the spec",
            one_off.service
        )));
    };
    let manner = Manner::of(aws, &one_off.revision).await.map_err(StepError::Later)?;
    let network = manner.network(create).map_err(StepError::Later)?;
    Ok(running.set_launch_type(manner.launch_type).set_network_configuration(network))
}

fn overrides(one_off: &OneOff) -> Result<TaskOverride, StepError> {
    let (container, command) = (one_off.container.as_str(), &one_off.command);
    let written = json!({"containerOverrides": [{"name": container, "command": command}]});
    let length = written.to_string().len();
    if length > OVERRIDES_MAX {
        return Err(StepError::Fault(format!(
            "the command is too long ({length} characters as containerOverrides; ECS allows \
             {OVERRIDES_MAX}); put it into a script in the image"
        )));
    }
    let container =
        ContainerOverride::builder().name(container).set_command(Some(command.clone())).build();
    Ok(TaskOverride::builder().container_overrides(container).build())
}

/// ECS knows the client token with other parameters. Usually the service was changed since, and
/// Slipway started the task that ECS names; or a second installation deploys the same services.
async fn known(
    aws: &Aws,
    cluster: &str,
    tasks: Vec<String>,
    ours: &[String],
) -> Result<TaskId, StepError> {
    for task in tasks {
        let described = look::describe(aws, cluster, &task).await;
        let described = described.map_err(asked_to("describe the task that is already running"))?;
        let Some(task) = described else { continue };
        let by = task.started_by().unwrap_or_default();
        match task.task_arn() {
            Some(arn) if ours.iter().any(|ours| ours == by) => return Ok(TaskId::new(arn)),
            Some(arn) => {
                return Err(StepError::Fault(format!(
                    "{arn} has the client token of this task and was started by {by}: another \
                     installation of Slipway deploys the same environment; remove it from one of \
                     them"
                )));
            }
            None => {}
        }
    }
    let unknown = "ECS has used the task's client token but does not show the task yet".to_owned();
    Err(StepError::Later(Failure::Passing(unknown)))
}
