//! What happens when tasks fail to start: ECS counts, opens the circuit breaker, and rolls back.

use super::Ecs;
use super::rollout::{Deployment, Progress, digits_of};
use super::services::{Address, Service};
use super::task::Owner;
use crate::place::text;
use crate::service::Desk;
use serde_json::{Value, json};
use std::cmp::min;

const BREAKER: &str =
    "Service deployment rolled back because the circuit breaker threshold was exceeded.";

impl Ecs {
    /// ECS tries again and again, and the circuit breaker counts that, too.
    pub(super) fn cannot_place(&mut self, address: &Address, reason: &str, desk: &mut Desk<'_>) {
        let wait = self.script.pace.placement;
        let pause = (wait * 1000.0) as u64;
        let text = format!("was unable to place a task. Reason: {reason}.");
        self.note(address, &text, desk);
        let service = self.services.get_mut(address);
        let Some(primary) = service.and_then(|service| service.deployments.first_mut()) else {
            return;
        };
        primary.next_start = desk.now + pause;
        let id = primary.id.clone();
        desk.later(wait, json!({ "reconcile": address.service, "cluster": address.cluster }));
        self.tell_action(
            address,
            "ERROR",
            "SERVICE_TASK_PLACEMENT_FAILURE",
            Some("RESOURCE:FARGATE"),
            desk,
        );
        self.count_failure(address, &id, desk);
    }

    /// A task ended that never became healthy.
    pub(super) fn failed_start(&mut self, id: &str, desk: &mut Desk<'_>) {
        let Some(task) = self.tasks.iter().find(|task| task.id == id) else { return };
        let Owner::Service { name, deployment } = task.owner.clone() else { return };
        let address = Address { cluster: task.cluster.clone(), service: name };
        self.count_failure(&address, &deployment, desk);
    }

    fn count_failure(&mut self, address: &Address, deployment: &str, desk: &mut Desk<'_>) {
        let healthy = self.counts(address, Some(deployment)).healthy;
        let Some(service) = self.services.get_mut(address) else { return };
        let breaker = service.configured();
        let threshold = service.threshold();
        let Some(primary) = service.deployments.first_mut() else { return };
        if primary.id != deployment || healthy > 0 {
            return;
        }
        primary.failed += 1;
        primary.updated = desk.now;
        let failed = primary.failed;
        let running = primary.progress == Progress::Running;
        if let Some(latest) = service.history.last_mut() {
            latest.failures = failed;
        }
        if failed > 3 {
            // ECS waits longer and longer before it tries again.
            let wait = min(10 * 2_u64.saturating_pow(min(failed as u32 - 3, 10)), 900);
            primary.next_start = desk.now + wait * 1000;
            desk.later(
                wait as f64,
                json!({ "reconcile": address.service, "cluster": address.cluster }),
            );
        }
        if failed == 5 {
            self.note(address, "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.", desk);
            self.tell_action(address, "WARN", "SERVICE_TASK_START_IMPAIRED", None, desk);
        }
        if running && enabled(&breaker, "enable") && failed >= threshold {
            self.trip(address, enabled(&breaker, "rollback"), desk);
        }
    }

    fn trip(&mut self, address: &Address, back: bool, desk: &mut Desk<'_>) {
        let Some(service) = self.services.get_mut(address) else { return };
        let Some(primary) = service.deployments.first_mut() else { return };
        primary.progress = Progress::Failed;
        primary.updated = desk.now;
        primary.reason = "ECS deployment circuit breaker: tasks failed to start.".into();
        let id = primary.id.clone();
        if let Some(latest) = service.history.last_mut() {
            latest.tripped = true;
        }
        let reason = "ECS deployment circuit breaker: task failed to start.";
        self.note(
            address,
            &format!("(deployment {id}) deployment failed: tasks failed to start."),
            desk,
        );
        self.tell_deployment(address, "ERROR", "SERVICE_DEPLOYMENT_FAILED", Some(reason), desk);
        let returned = back && {
            let text = |id: &str| {
                format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.")
            };
            self.roll_back(address, text, BREAKER, desk)
        };
        let Some(latest) = self.services.get_mut(address).and_then(|s| s.history.last_mut()) else {
            return;
        };
        if !returned {
            latest.status = if back { "ROLLBACK_FAILED" } else { "STOPPED" };
            let without = "No rollback candidate was found to run the rollback.";
            latest.reason = Some(if back { without } else { reason }.to_owned());
            (latest.finished, latest.stopped) = (Some(desk.now), Some(desk.now));
            latest.updated = desk.now;
        }
    }

    /// Puts the last completed deployment back in its place, with the id that it always had.
    pub(super) fn roll_back(
        &mut self,
        address: &Address,
        why: impl Fn(&str) -> String,
        status_reason: &str,
        desk: &mut Desk<'_>,
    ) -> bool {
        let Some(service) = self.services.get_mut(address) else { return false };
        let completed = |one: &Deployment| one.progress == Progress::Completed;
        let Some(position) = service.deployments.iter().position(completed) else { return false };
        let mut old = service.deployments.remove(position);
        old.progress = Progress::Running;
        old.reason = why(&old.id);
        (old.failed, old.settled, old.stuck, old.steady) = (0, None, false, false);
        (old.updated, old.next_start) = (desk.now, desk.now);
        service.definition.clone_from(&old.definition);
        // How to deploy is no part of what was deployed.
        let how = service.given.remove("deploymentConfiguration");
        service.given = super::definitions::members(old.given.clone());
        service.given.remove("deploymentConfiguration");
        service.given.extend(how.map(|how| ("deploymentConfiguration".to_owned(), how)));
        let id = old.id.clone();
        let reason = old.reason.clone();
        service.deployments.insert(0, old);
        let address_arn = address.revision(digits_of(&id));
        if let Some(latest) = service.history.last_mut() {
            latest.status = "ROLLBACK_IN_PROGRESS";
            latest.updated = desk.now;
            latest.reason = Some(status_reason.to_owned());
            latest.rollback = Some((status_reason.to_owned(), desk.now, address_arn));
        }
        self.note(address, &format!("rolling back to deployment {id}."), desk);
        self.tell_deployment(
            address,
            "INFO",
            "SERVICE_DEPLOYMENT_IN_PROGRESS",
            Some(&reason),
            desk,
        );
        self.reconcile(address, desk);
        true
    }

    /// A task runs or is healthy: the failures before it are forgotten.
    pub(super) fn became_running(&mut self, id: &str, _desk: &mut Desk<'_>) {
        let Some(task) = self.tasks.iter().find(|task| task.id == id && task.healthy) else {
            return;
        };
        let Owner::Service { name, deployment } = &task.owner else { return };
        let address = Address { cluster: task.cluster.clone(), service: name.clone() };
        let service = self.services.get_mut(&address);
        let mut known = service.into_iter().flat_map(|service| &mut service.deployments);
        if let Some(known) = known.find(|known| known.id == *deployment) {
            known.failed = 0;
        }
    }
}

impl Service {
    /// How many failed tasks open the circuit breaker.
    pub(crate) fn threshold(&self) -> usize {
        let configured = self.configured();
        let given = configured.pointer("/deploymentCircuitBreaker/thresholdConfiguration");
        let value = given.and_then(|given| given.get("value")).and_then(Value::as_u64);
        let percent = |percent: usize| (self.desired * percent).div_ceil(100);
        match (given.and_then(|given| text(given, "type")), value) {
            (Some("COUNT"), Some(count)) => count as usize,
            (Some("UNBOUNDED_PERCENT"), Some(value)) => percent(value as usize).max(1),
            (Some("BOUNDED_PERCENT"), Some(value)) => percent(value as usize).clamp(3, 200),
            _ => percent(50).clamp(3, 200),
        }
    }
}

fn enabled(configuration: &Value, member: &str) -> bool {
    let flag = configuration.get("deploymentCircuitBreaker").and_then(|b| b.get(member));
    flag.and_then(Value::as_bool).unwrap_or(false)
}
