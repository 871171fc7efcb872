//! How a task comes into being: its containers, and what its images have in store for it.

use super::behaviour::{Behaviour, Ending, Script};
use super::definitions::Definition;
use super::task::{Container, Interface, Owner, Status, Task, Times};
use super::{ESSENTIAL_EXITED, Ecs};
use crate::place::{list, text};
use crate::service::Desk;
use serde_json::{Value, json};

const OUT_OF_MEMORY: &str = "OutOfMemoryError: Container killed due to memory usage";

/// What will happen to a task if it is not stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) start: Start,
    /// Seconds after it runs.
    pub(crate) end: Option<(u32, End)>,
    /// The end of a container that ECS does not mind losing, and when.
    pub(crate) sidecar: Option<(u32, End)>,
    pub(crate) never_healthy: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Start {
    #[default]
    Runs,
    Hangs,
    Fails(End),
}

/// Why and how a task ends.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
    /// The container that ended first, its exit code and what ECS says of it.
    pub(crate) container: Option<(String, Option<i64>, Option<String>)>,
}

impl Ecs {
    /// Starts a task and returns its id.
    pub(super) fn launch(
        &mut self,
        cluster: &str,
        owner: Owner,
        definition: &Definition,
        given: Value,
        desk: &mut Desk<'_>,
    ) -> String {
        let id = self.ids.hex("task", 32);
        let containers = self.containers(definition);
        let plan = match &owner {
            Owner::Service { .. } => service_plan(&self.script, &containers),
            Owner::Person { .. } => one_off_plan(&mut self.script, &containers, &given),
        };
        let number = self.tasks.len() + 10;
        let subnet = given.pointer("/networkConfiguration/awsvpcConfiguration/subnets/0");
        let interface = Interface {
            attachment: self.ids.uuid("attachment"),
            eni: format!("eni-{}", self.ids.hex("eni", 17)),
            subnet: subnet.and_then(Value::as_str).unwrap_or_default().to_owned(),
            address: format!("10.0.{}.{}", number / 250, number % 250),
        };
        let task = Task {
            id: id.clone(),
            cluster: cluster.to_owned(),
            owner,
            definition: definition.clone(),
            given,
            containers,
            status: Status::Provisioning,
            wanted: true,
            healthy: false,
            was_healthy: false,
            version: 1,
            times: Times { created: desk.now, updated: desk.now, ..Times::default() },
            stop: None,
            plan,
            interface,
        };
        Self::tell_task(&task, desk);
        self.tasks.push(task);
        let startup = self.script.pace.startup;
        plan_step(&id, "PENDING", startup / 4.0, desk);
        plan_step(&id, "RUNNING", startup, desk);
        id
    }

    fn containers(&mut self, definition: &Definition) -> Vec<Container> {
        let mut containers: Vec<_> = definition
            .containers()
            .iter()
            .map(|container| {
                let image = text(container, "image").unwrap_or_default();
                let number = |key| container.get(key).and_then(Value::as_u64);
                Container {
                    name: text(container, "name").unwrap_or_default().to_owned(),
                    image: Some(image.to_owned()),
                    digest: None,
                    essential: container.get("essential") != Some(&json!(false)),
                    cpu: number("cpu").unwrap_or_default().to_string(),
                    memory: number("memory").map(|memory| memory.to_string()),
                    id: self.ids.uuid("container"),
                    runtime: None,
                    status: Status::Pending,
                    exit_code: None,
                    reason: None,
                }
            })
            .collect();
        if let Some(name) = self.script.injected.clone() {
            let id = self.ids.uuid("container");
            let digest = Some(self.script.digest(&name));
            let (image, cpu) = (None, "0".to_owned());
            let (memory, runtime, exit_code, reason) = (None, None, None, None);
            let (essential, status) = (false, Status::Pending);
            containers.push(Container {
                name,
                image,
                digest,
                essential,
                cpu,
                memory,
                id,
                runtime,
                status,
                exit_code,
                reason,
            });
        }
        containers
    }
}

/// Reminds of the next step of a task.
pub(super) fn plan_step(task: &str, step: &str, seconds: f64, desk: &mut Desk<'_>) {
    desk.later(seconds, json!({ "task": task, "step": step }));
}

/// The end of a task whose essential container `name` exited.
pub(super) fn exited(name: &str, code: i64) -> End {
    let container = Some((name.to_owned(), Some(code), None));
    End { code: ESSENTIAL_EXITED, reason: "Essential container in task exited".into(), container }
}

fn out_of_memory(name: &str) -> End {
    let container = Some((name.to_owned(), Some(137), Some(OUT_OF_MEMORY.to_owned())));
    End { container, ..exited(name, 137) }
}

fn cannot_pull(container: &Container) -> End {
    let image = container.image.as_deref().unwrap_or_default();
    let reason = format!(
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to \
         resolve ref {image}: not found"
    );
    End { code: "TaskFailedToStart", reason, container: None }
}

/// A task does what the worst of its images does; of equals, the essential one counts.
fn service_plan(script: &Script, containers: &[Container]) -> Plan {
    let behaviours = containers.iter().rev().filter_map(|container| {
        container.image.as_ref().map(|image| (script.behaviour(image), container))
    });
    let worst = behaviours.max_by_key(|(what, container)| (what.badness(), container.essential));
    let Some((behaviour, container)) = worst else { return Plan::default() };
    let name = &container.name;
    match behaviour {
        Behaviour::Good => Plan::default(),
        Behaviour::SidecarCrashes { container, seconds, exit_code } => {
            let known = containers.iter().find(|known| known.name == container);
            let end = exited(&container, exit_code);
            known.map_or_else(Plan::default, |known| ends(known, seconds, end))
        }
        Behaviour::CrashesAfter { seconds, exit_code } => {
            ends(container, seconds, exited(name, exit_code))
        }
        Behaviour::OutOfMemory { seconds } => ends(container, seconds, out_of_memory(name)),
        Behaviour::NeverHealthy => Plan { never_healthy: true, ..Plan::default() },
        Behaviour::Hangs => Plan { start: Start::Hangs, ..Plan::default() },
        Behaviour::CrashesAtStart { exit_code } if container.essential => {
            Plan { start: Start::Fails(exited(name, exit_code)), ..Plan::default() }
        }
        Behaviour::CrashesAtStart { exit_code } => ends(container, 0, exited(name, exit_code)),
        Behaviour::CannotPull => {
            Plan { start: Start::Fails(cannot_pull(container)), ..Plan::default() }
        }
    }
}

/// A container ends after a while, and takes the task with it only if it is essential.
fn ends(container: &Container, seconds: u32, end: End) -> Plan {
    if container.essential {
        Plan { end: Some((seconds, end)), ..Plan::default() }
    } else {
        Plan { sidecar: Some((seconds, end)), ..Plan::default() }
    }
}

fn one_off_plan(script: &mut Script, containers: &[Container], given: &Value) -> Plan {
    let overrides = given.get("overrides").map(|o| list(o, "containerOverrides"));
    let ours = overrides.and_then(<[Value]>::first);
    let named = ours.and_then(|one| text(one, "name"));
    let ours_is = |known: &&Container| match named {
        Some(name) => known.name == name,
        None => known.essential,
    };
    let Some(container) = containers.iter().find(ours_is) else { return Plan::default() };
    let command = ours.and_then(|one| one.get("command")).and_then(Value::as_array);
    let command: Vec<_> = command.into_iter().flatten().filter_map(Value::as_str).collect();
    let images: Vec<_> = containers.iter().filter_map(|one| one.image.clone()).collect();
    let after = |seconds, end| Plan { end: Some((seconds, end)), ..Plan::default() };
    match script.ending(&images, &command.join(" ")) {
        Ending::Exits { code, seconds } => after(seconds, exited(&container.name, code)),
        Ending::OutOfMemory { seconds } => after(seconds, out_of_memory(&container.name)),
        Ending::Interrupted { seconds } => {
            let container = Some((container.name.clone(), Some(143), None));
            let reason = "Your Spot Task was interrupted.".into();
            after(seconds, End { code: "SpotInterruption", reason, container })
        }
        Ending::CannotPull => {
            Plan { start: Start::Fails(cannot_pull(container)), ..Plan::default() }
        }
        // What is refused was never started, so that only a start can fail here.
        Ending::CannotStart { reason } | Ending::Refused { reason } => {
            let end = End { code: "TaskFailedToStart", reason, container: None };
            Plan { start: Start::Fails(end), ..Plan::default() }
        }
        Ending::Hangs => Plan::default(),
    }
}
