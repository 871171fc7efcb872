//! Tasks: those of services, and our one-off tasks.

use super::field::{at, list, required_list, required_text, required_time, text};
use super::{EcsNews, Heard, arn};
use crate::failure::Failure;
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::names::{ApplicationName, ContainerName, EnvironmentName, Place};
use pipeline::names::{Revision, ServiceName, TaskId};
use pipeline::task::{ContainerReport, OneOffEnd, Stop, TaskReport, failed_by_itself};
use serde_json::Value;

/// Containers that AWS injects into tasks.
const INJECTED: [&str; 3] = ["aws-guardduty-agent", "ecs-service-connect", "~internal~"];

pub(super) fn news(payload: &Value) -> Result<Heard<EcsNews>, Failure> {
    let group = required_text(payload, "detail.group")?;
    let started_by = text(payload, "detail.startedBy").unwrap_or_default();
    if let Some(service) = group.strip_prefix("service:") {
        return service_task(payload, ServiceName::new(service));
    }
    match started_by.strip_prefix("slipway/") {
        Some(whose) => one_off(payload, whose),
        None => Ok(Heard::NotForUs(format!("a task of {group}, not started by Slipway"))),
    }
}

fn service_task(payload: &Value, service: ServiceName) -> Result<Heard<EcsNews>, Failure> {
    let stop = stop(payload)?;
    let containers = our_containers(payload)?;
    let runs = required_text(payload, "detail.lastStatus")? == "RUNNING"
        && required_text(payload, "detail.desiredStatus")? == "RUNNING";
    let lost_one = runs && containers.iter().any(|container| container.is_stopped());
    if stop.is_none() && !lost_one {
        return Ok(Heard::NotForUs(format!("a task of {service} that has not stopped")));
    }
    let cluster_arn = required_text(payload, "detail.clusterArn")?;
    let cluster = arn::cluster(cluster_arn).unwrap_or_else(|| cluster_arn.to_owned());
    let report = TaskReport {
        service,
        task: TaskId::new(required_text(payload, "detail.taskArn")?),
        revision: Revision::new(required_text(payload, "detail.taskDefinitionArn")?),
        seen_at: required_time(payload, "time")?,
        containers: containers.iter().map(|c| c.report(&containers, runs)).collect(),
        stop,
    };
    Ok(Heard::News(EcsNews::Task { cluster, report }))
}

/// `None`: it has not stopped, though it may be stopping.
fn stop(payload: &Value) -> Result<Option<Stop>, Failure> {
    let stopped = required_text(payload, "detail.lastStatus")? == "STOPPED";
    Ok(stopped.then(|| Stop {
        code: text(payload, "detail.stopCode").map(str::to_owned),
        reason: text(payload, "detail.stoppedReason").unwrap_or_default().to_owned(),
    }))
}

/// Reads `1a2b3c4d/application/environment/17/migrate/1`, which is all that a task knows of its
/// deployment. This is a hint: others can start tasks with the same text.
fn one_off(payload: &Value, whose: &str) -> Result<Heard<EcsNews>, Failure> {
    let unreadable = || {
        Failure::Unreadable(format!(
            "`detail.startedBy` is slipway/{whose}; it should be \
             slipway/INSTALLATION/APPLICATION/ENVIRONMENT/NUMBER/migrate (or undo)/ATTEMPT"
        ))
    };
    let parts: Vec<&str> = whose.split('/').collect();
    let (installation, parts) = match parts[..] {
        [installation, ref rest @ ..] if rest.len() == 5 => (Some(installation.to_owned()), rest),
        // Tasks of versions that did not write the installation may still run.
        ref all => (None, all),
    };
    let [application, environment, number, purpose, attempt] = *parts else {
        return Err(unreadable());
    };
    let purpose = match purpose {
        "migrate" => Purpose::Migrate,
        "undo" => Purpose::Undo,
        _ => return Err(unreadable()),
    };
    let attempt = attempt.parse().map_err(|_| unreadable())?;
    let deployment = number.parse().map_err(|_| unreadable())?;
    let Some(stop) = stop(payload)? else {
        return Ok(Heard::NotForUs(format!("slipway/{whose} has not stopped")));
    };
    let container = the_one_that_works(payload)?;
    let end = Some(OneOffEnd {
        exit_code: container.exit_code,
        stop,
        reason: container.reason.map(str::to_owned),
        beside: failed_beside(payload, container)?,
    });
    let task = TaskId::new(required_text(payload, "detail.taskArn")?);
    let place = Place {
        application: ApplicationName::new(application),
        environment: EnvironmentName::new(environment),
    };
    let event = Event::OneOffReported { purpose, attempt, task, end };
    Ok(Heard::News(EcsNews::OneOff { installation, place, deployment, event }))
}

/// Another container that failed. The event does not say which ones are essential.
fn failed_beside(payload: &Value, working: Container<'_>) -> Result<Option<String>, Failure> {
    let containers = our_containers(payload)?;
    let mut others = containers.iter().filter(|container| container.name != working.name);
    let failed = others.find(|container| container.failed_by_itself());
    Ok(failed.map(|container| {
        let code = container.exit_code.unwrap_or_default();
        format!("container {} exited with {code}", container.name)
    }))
}

/// The container that a one-off task is judged by: the only one with a command override.
fn the_one_that_works(payload: &Value) -> Result<Container<'_>, Failure> {
    let has_command = |change: &&Value| !list(change, "command").is_empty();
    let named = list(payload, "detail.overrides.containerOverrides").iter().find(has_command);
    let named = named.and_then(|change| text(change, "name"));
    let containers = our_containers(payload)?;
    let found = match (named, &containers[..]) {
        (Some(name), _) => containers.iter().find(|container| container.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.copied().ok_or_else(|| {
        Failure::Unreadable(
            "`detail.overrides.containerOverrides` gives no container of `detail.containers` a \
             command, so the container that ran it is unknown"
                .into(),
        )
    })
}

/// Whether AWS injected the container.
pub fn is_injected(container: &str) -> bool {
    INJECTED.iter().any(|prefix| container.starts_with(prefix))
}

#[derive(Clone, Copy)]
struct Container<'a> {
    name: &'a str,
    status: &'a str,
    /// Missing if it never started, which is not 0.
    exit_code: Option<i32>,
    reason: Option<&'a str>,
}

fn our_containers(payload: &Value) -> Result<Vec<Container<'_>>, Failure> {
    let containers = required_list(payload, "detail.containers")?.iter().map(|container| {
        let exit_code = at(container, "exitCode").and_then(Value::as_i64);
        Ok(Container {
            name: required_text(container, "name")?,
            status: required_text(container, "lastStatus")?,
            exit_code: exit_code.and_then(|code| i32::try_from(code).ok()),
            reason: text(container, "reason"),
        })
    });
    let is_ours = |container: &Result<Container<'_>, Failure>| {
        container.as_ref().map_or(true, |container| !is_injected(container.name))
    };
    containers.filter(is_ours).collect()
}

impl Container<'_> {
    fn is_stopped(&self) -> bool {
        self.status == "STOPPED"
    }

    fn report(&self, all: &[Container<'_>], task_runs: bool) -> ContainerReport {
        ContainerReport {
            name: ContainerName::new(self.name),
            essential: self.is_essential(all, task_runs),
            exit_code: self.exit_code,
            reason: self.reason.map(str::to_owned),
        }
    }

    /// The event does not say which containers are essential. If the task outlives a container,
    /// that one was not. If the task stopped, the one that failed is the cause, not those that ECS
    /// stopped because of it; if none failed, the cause is unknown.
    fn is_essential(&self, all: &[Container<'_>], task_runs: bool) -> bool {
        if task_runs {
            return !self.is_stopped();
        }
        self.failed_by_itself() || !all.iter().any(|container| container.failed_by_itself())
    }

    fn failed_by_itself(&self) -> bool {
        failed_by_itself(self.exit_code, self.reason)
    }
}
