//! Failed tasks of our revision, and failed containers.
//!
//! ECS never counts a failed task that was healthy once. Slipway does.

use super::roll_out::not_ours;
use super::{Deployment, Reply};
use crate::names::ContainerName;
use crate::spec::Sidecars;
use crate::task::{FailedContainer, Fault, TaskReport, classify};
use crate::time::Time;
use crate::verdict::Cause;

/// How often a service that keeps losing a sidecar is noted.
const SIDECAR_NOTES_MAX: usize = 3;

impl Deployment {
    pub(super) fn task_reported(&mut self, report: &TaskReport, now: Time) -> Reply {
        let Some(service) = self.service_mut(&report.service) else {
            return not_ours(&report.service);
        };
        if service.after != report.revision || !service.touched() {
            return Reply::Ignored("a task of another revision".into());
        }
        match &report.stop {
            None => self.sidecars_reported(report, now),
            Some(stop) => {
                let fault = classify(stop);
                let reason = reason_of(report);
                self.task_stopped(report, fault, reason, now)
            }
        }
    }

    fn task_stopped(
        &mut self,
        report: &TaskReport,
        fault: Fault,
        reason: String,
        now: Time,
    ) -> Reply {
        let name = report.service.clone();
        let threshold = self.rules.failures.tasks;
        let Some(service) = self.service_mut(&name) else { return not_ours(&name) };
        if service.died.contains(&report.task) {
            return Reply::Ignored("this task is already counted".into());
        }
        if !fault.of_the_release() {
            if fault != Fault::Meant {
                self.note(now, format!("Task of {name} {fault}: {reason}."));
            }
            return Reply::Done;
        }
        if service.died_of != Some(Fault::Code) {
            service.died_of = Some(fault);
        }
        let count = service.add_died(report.task.clone());
        self.note_failed_container(report.failed_container());
        self.note(
            now,
            format!("Task of {name} {fault} ({count} of {threshold} allowed failures): {reason}."),
        );
        // A manual rollback continues with the other services; this one has its own deadline.
        if count >= threshold && !self.is_manual_rollback() {
            self.start_rollback(Cause::TasksFailed { service: name, count, fault, reason }, now);
        }
        Reply::Done
    }

    /// Keeps the container whose log may say why it fails. The first one counts: later failures may
    /// follow from it.
    pub(super) fn note_failed_container(&mut self, failed_container: Option<FailedContainer>) {
        if self.failed_container.is_none() {
            self.failed_container = failed_container;
        }
    }

    /// The task keeps running without one of its containers, which its health does not show.
    fn sidecars_reported(&mut self, report: &TaskReport, now: Time) -> Reply {
        let dead = report
            .containers
            .iter()
            .find(|c| !c.essential && c.exit_code.is_some_and(|code| code != 0));
        let Some(container) = dead else { return Reply::Ignored("the task is running".into()) };
        let code = container.exit_code.unwrap_or_default();
        let reason = container.reason.clone().unwrap_or_else(|| format!("exit code {code}"));
        let service = report.service.clone();
        let text = format!(
            "Container {} of {service} stopped: {reason}; its task keeps running.",
            container.name
        );
        if self.rules.failures.sidecars == Sidecars::RollBack && !self.is_manual_rollback() {
            self.note(now, text);
            self.note_failed_container(report.failed_container());
            self.start_rollback(
                Cause::SidecarFailed { service, container: container.name.clone(), reason },
                now,
            );
            return Reply::Done;
        }
        if !self.is_news_of_container(report, &container.name) {
            return Reply::Ignored("already reported".into());
        }
        self.note(now, text);
        Reply::Done
    }

    /// Whether the failure of a container is noted: once for each task, up to a limit.
    fn is_news_of_container(&mut self, report: &TaskReport, container: &ContainerName) -> bool {
        let Some(service) = self.service_mut(&report.service) else { return false };
        let told = &mut service.dead_containers;
        told.iter().filter(|(name, _)| name == container).count() < SIDECAR_NOTES_MAX
            && told.insert((container.clone(), report.task.clone()))
    }
}

/// The most specific reason: that of an essential container that failed, or the task's.
fn reason_of(report: &TaskReport) -> String {
    let failed =
        report.containers.iter().find(|c| c.essential && c.exit_code.is_some_and(|code| code != 0));
    let task_reason = report.stop.as_ref().map(|stop| stop.reason.clone()).unwrap_or_default();
    match failed {
        Some(container) => {
            let code = container.exit_code.unwrap_or_default();
            let reason = container.reason.clone().unwrap_or(task_reason);
            format!("container {} exited with {code}, {reason}", container.name)
        }
        None => task_reason,
    }
}
