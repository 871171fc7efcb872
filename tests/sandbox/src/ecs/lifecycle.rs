//! How a task goes from PROVISIONING to STOPPED, and its events on the way.

use super::launch::{End, Start, plan_step};
use super::services::Address;
use super::task::{Container, Owner, Status, Task};
use super::{ESSENTIAL_EXITED, Ecs, output};
use crate::logs::Written;
use crate::place::text;
use crate::service::{Desk, Emission};
use serde_json::Value;

/// ECS forgets a stopped task after an hour.
const MEMORY_SECONDS: f64 = 3600.0;

impl Ecs {
    /// A step that was planned for a task has come due.
    pub(super) fn step(&mut self, what: &Value, desk: &mut Desk<'_>) {
        let (Some(id), Some(step)) = (text(what, "task"), text(what, "step")) else { return };
        if step == "FORGOTTEN" {
            self.tasks.retain(|task| task.id != id);
            return;
        }
        let pace = self.script.pace;
        let watched = self.watched(id);
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id) else { return };
        match (step, task.status, task.wanted) {
            ("PENDING", Status::Provisioning, true) => {
                task.status = Status::Pending;
                task.times.connected = Some(desk.now);
                task.times.pull_started = Some(desk.now);
                Self::changed(task, desk);
            }
            ("RUNNING", Status::Pending, true) => match task.plan.start.clone() {
                Start::Hangs => {}
                Start::Fails(end) => {
                    if end.code == ESSENTIAL_EXITED {
                        Self::pulled(task, &self.script, desk.now);
                    }
                    self.end(id, &end, desk);
                }
                Start::Runs => {
                    Self::pulled(task, &self.script, desk.now);
                    task.status = Status::Running;
                    for container in &mut task.containers {
                        container.status = Status::Running;
                    }
                    let patience = if watched { pace.health } else { 0.0 };
                    if task.plan.never_healthy && watched {
                        plan_step(id, "SICK", pace.patience, desk);
                    } else if watched {
                        plan_step(id, "HEALTHY", patience, desk);
                    } else {
                        (task.healthy, task.was_healthy) = (true, true);
                    }
                    if let Some((seconds, _)) = &task.plan.end {
                        plan_step(id, "END", f64::from(*seconds), desk);
                    }
                    if let Some((seconds, _)) = &task.plan.sidecar {
                        plan_step(id, "SIDECAR", f64::from(*seconds), desk);
                    }
                    Self::changed(task, desk);
                    self.became_running(id, desk);
                }
            },
            // Health is not part of the event, so none is sent.
            ("HEALTHY", Status::Running, true) => {
                (task.healthy, task.was_healthy) = (true, true);
                self.became_running(id, desk);
            }
            ("SICK", Status::Running, true) => {
                let reason = self.sickness(id);
                self.stop(id, "ServiceSchedulerInitiated", &reason, desk);
                self.failed_start(id, desk);
            }
            ("END", Status::Running, true) => {
                if let Some((_, end)) = task.plan.end.clone() {
                    self.end(id, &end, desk);
                }
            }
            ("SIDECAR", Status::Running, true) => {
                let end = task.plan.sidecar.clone().and_then(|(_, end)| end.container);
                if let Some((name, code, reason)) = end {
                    if let Some(lost) = task.containers.iter_mut().find(|one| one.name == name) {
                        (lost.status, lost.exit_code) = (Status::Stopped, code);
                        lost.reason = reason;
                    }
                    self.written.extend(last_words(task, &name, desk.now));
                    Self::changed(task, desk);
                }
            }
            ("DEPROVISIONING", status, false) if status < Status::Deprovisioning => {
                task.status = Status::Deprovisioning;
                task.times.execution_stopped = task.times.started.map(|_| desk.now);
                for container in &mut task.containers {
                    let ran = container.status == Status::Running;
                    container.status = Status::Stopped;
                    if ran {
                        container.exit_code = Some(if container.image.is_none() { 137 } else { 0 });
                    }
                }
                Self::changed(task, desk);
            }
            ("STOPPED", status, false) if status < Status::Stopped => {
                task.status = Status::Stopped;
                task.times.stopped = Some(desk.now);
                plan_step(id, "FORGOTTEN", MEMORY_SECONDS, desk);
                Self::changed(task, desk);
            }
            // The task has gone another way since this step was planned.
            _ => return,
        }
        self.look_after_owner(id, desk);
    }

    /// Orders a task to stop: it says so, then its containers go, then it is gone.
    pub(super) fn stop(&mut self, id: &str, code: &str, reason: &str, desk: &mut Desk<'_>) {
        let pace = self.script.pace;
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id && task.wanted) else {
            return;
        };
        task.wanted = false;
        task.healthy = false;
        task.stop = Some((code.to_owned(), reason.to_owned()));
        task.times.stopping = Some(desk.now);
        Self::changed(task, desk);
        plan_step(id, "DEPROVISIONING", pace.stop * 0.7, desk);
        plan_step(id, "STOPPED", pace.stop, desk);
    }

    /// A task stops on its own.
    pub(super) fn end(&mut self, id: &str, end: &End, desk: &mut Desk<'_>) {
        let pace = self.script.pace;
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == id && task.wanted) else {
            return;
        };
        let started = task.times.started.is_some();
        let lost = !task.was_healthy;
        task.wanted = false;
        task.healthy = false;
        task.status = Status::Deprovisioning;
        task.stop = Some((end.code.to_owned(), end.reason.clone()));
        task.times.stopping = Some(desk.now);
        task.times.execution_stopped = started.then_some(desk.now);
        for container in &mut task.containers {
            let gone = container.status == Status::Stopped;
            container.status = Status::Stopped;
            match &end.container {
                Some((name, code, reason)) if *name == container.name => {
                    (container.exit_code, container.reason) = (*code, reason.clone());
                }
                _ if started && !gone => {
                    container.exit_code = Some(if container.image.is_none() { 137 } else { 0 });
                }
                _ => {}
            }
        }
        let failed = end.container.as_ref().map(|(name, ..)| name.as_str());
        self.written.extend(failed.and_then(|name| last_words(task, name, desk.now)));
        Self::changed(task, desk);
        plan_step(id, "STOPPED", pace.stop / 2.0, desk);
        if lost {
            self.failed_start(id, desk);
        }
    }

    /// Whether this task has a health check before it counts.
    fn watched(&self, id: &str) -> bool {
        let Some(task) = self.tasks.iter().find(|task| task.id == id) else { return false };
        let checked = |one: &Value| one.get("healthCheck").is_some();
        let Owner::Service { name, .. } = &task.owner else { return false };
        let address = Address { cluster: task.cluster.clone(), service: name.clone() };
        let balanced = self.services.get(&address).is_some_and(|service| service.balanced());
        // An image that never gets healthy is pointless in a service without a health check.
        balanced || task.plan.never_healthy || task.definition.containers().iter().any(checked)
    }

    /// What ECS says of a task that never became healthy.
    fn sickness(&self, id: &str) -> String {
        let task = self.tasks.iter().find(|task| task.id == id);
        let group = task.and_then(|task| {
            let Owner::Service { name, .. } = &task.owner else { return None };
            let address = Address { cluster: task.cluster.clone(), service: name.clone() };
            let balancers = self.services.get(&address)?.given.get("loadBalancers")?;
            Some(text(balancers.get(0)?, "targetGroupArn")?.to_owned())
        });
        match group {
            Some(group) => format!("Task failed ELB health checks in (target-group {group})"),
            None => "Task failed container health checks".into(),
        }
    }

    fn look_after_owner(&mut self, id: &str, desk: &mut Desk<'_>) {
        let Some(task) = self.tasks.iter().find(|task| task.id == id) else { return };
        if let Owner::Service { name, .. } = &task.owner {
            let address = Address { cluster: task.cluster.clone(), service: name.clone() };
            self.reconcile(&address, desk);
        }
    }

    fn pulled(task: &mut Task, script: &super::behaviour::Script, now: u64) {
        task.times.pull_stopped = Some(now);
        task.times.started = Some(now);
        let resolve = |container: &Container| {
            container.image.as_ref().map(|image| script.digest(image)).or(container.digest.clone())
        };
        for (number, container) in task.containers.iter_mut().enumerate() {
            container.digest = resolve(container);
            container.runtime = Some(format!("{}-{:010}", task.id, 265_927_825 + number));
        }
    }

    fn changed(task: &mut Task, desk: &mut Desk<'_>) {
        task.version += 1;
        task.times.updated = desk.now;
        Self::tell_task(task, desk);
    }

    pub(super) fn tell_task(task: &Task, desk: &mut Desk<'_>) {
        desk.emit(Emission {
            source: "aws.ecs".into(),
            detail_type: "ECS Task State Change".into(),
            resources: vec![task.arn()],
            detail: task.detail(),
        });
    }
}

/// The output of a container that failed on its own.
fn last_words(task: &Task, name: &str, now: u64) -> Option<Written> {
    let container = task.containers.iter().find(|container| container.name == name)?;
    let code = container.exit_code.filter(|code| *code != 0)?;
    output::last_words(task, container, code, now)
}
