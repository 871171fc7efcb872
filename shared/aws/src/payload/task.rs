//! Tasks: those of services, and our own.

use super::field::{at, list, required_list, required_text, required_time, text};
use super::{EcsNews, Heard, arn};
use crate::failure::Failure;
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::names::{ApplicationName, ContainerName, EnvironmentName, Place};
use pipeline::names::{Revision, ServiceName, TaskId};
use pipeline::task::{ContainerReport, OneOffEnd, Stop, TaskReport, failed_by_itself};
use serde_json::Value;

/// What ECS and its neighbours put into tasks unasked.
const INJECTED: [&str; 3] = ["aws-guardduty-agent", "ecs-service-connect", "~internal~"];

pub(super) fn news(payload: &Value) -> Result<Heard<EcsNews>, Failure> {
    let group = required_text(payload, "detail.group")?;
    let started_by = text(payload, "detail.startedBy").unwrap_or_default();
    if let Some(service) = group.strip_prefix("service:") {
        return service_task(payload, ServiceName::new(service));
    }
    match started_by.strip_prefix("slipway/") {
        Some(whose) => one_off(payload, whose).map(Heard::News),
        None => Ok(Heard::NotForUs(format!("a task of {group}, started by somebody else"))),
    }
}

fn service_task(payload: &Value, service: ServiceName) -> Result<Heard<EcsNews>, Failure> {
    let stop = stop(payload)?;
    let containers = our_containers(payload)?;
    let runs = required_text(payload, "detail.lastStatus")? == "RUNNING"
        && required_text(payload, "detail.desiredStatus")? == "RUNNING";
    let lost_one = runs && containers.iter().any(|container| container.is_stopped());
    if stop.is_none() && !lost_one {
        return Ok(Heard::NotForUs(format!("a task of {service} on its way")));
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

/// `None`: it has not stopped, though it may be about to.
fn stop(payload: &Value) -> Result<Option<Stop>, Failure> {
    let stopped = required_text(payload, "detail.lastStatus")? == "STOPPED";
    Ok(stopped.then(|| Stop {
        code: text(payload, "detail.stopCode").map(str::to_owned),
        reason: text(payload, "detail.stoppedReason").unwrap_or_default().to_owned(),
    }))
}

/// Reads `application/environment/17/migrate/1`, which is all that a task knows of its deployment.
fn one_off(payload: &Value, whose: &str) -> Result<EcsNews, Failure> {
    let unreadable = || {
        Failure::Unreadable(format!(
            "`detail.startedBy` is slipway/{whose}; it should be \
             slipway/APPLICATION/ENVIRONMENT/NUMBER/migrate (or undo)/ATTEMPT"
        ))
    };
    let parts: Vec<&str> = whose.split('/').collect();
    let [application, environment, number, purpose, attempt] = parts[..] else {
        return Err(unreadable());
    };
    let purpose = match purpose {
        "migrate" => Purpose::Migrate,
        "undo" => Purpose::Undo,
        _ => return Err(unreadable()),
    };
    let attempt = attempt.parse().map_err(|_| unreadable())?;
    let deployment = number.parse().map_err(|_| unreadable())?;
    let end = match stop(payload)? {
        None => None,
        Some(stop) => {
            let container = the_one_that_works(payload)?;
            Some(OneOffEnd {
                exit_code: container.exit_code,
                stop,
                reason: container.reason.map(str::to_owned),
            })
        }
    };
    let task = TaskId::new(required_text(payload, "detail.taskArn")?);
    let place = Place {
        application: ApplicationName::new(application),
        environment: EnvironmentName::new(environment),
    };
    let event = Event::OneOffSeen { purpose, attempt, task, end };
    Ok(EcsNews::OneOff { place, deployment, event })
}

/// The container that a one-off task is judged by: the only one that we give a command.
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
             command, so that nobody can say which one did the work"
                .into(),
        )
    })
}

#[derive(Clone, Copy)]
struct Container<'a> {
    name: &'a str,
    status: &'a str,
    /// Missing where it never started, which is not 0.
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
        container.as_ref().map_or(true, |container| {
            !INJECTED.iter().any(|prefix| container.name.starts_with(prefix))
        })
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

    /// The event does not say which containers are essential. Where the task outlives a container,
    /// that one was not. Where the task ended, the one that failed by itself is to blame, not
    /// those that were told to stop because of it; and if none did, nobody can tell.
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
