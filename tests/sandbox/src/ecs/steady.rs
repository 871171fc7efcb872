//! How a service becomes steady: complete, drained, or without a possible step.

use super::Ecs;
use super::launch::End;
use super::rollout::Progress;
use super::services::Address;
use super::task::{Status, Task};
use crate::service::Desk;
use serde_json::json;

impl Ecs {
    /// Where nothing is left to do, the deployment is complete after a moment of quiet.
    pub(super) fn settle(&mut self, address: &Address, desk: &mut Desk<'_>) {
        let settling = (self.script.pace.settling * 1000.0) as u64;
        let Some(service) = self.services.get(address) else { return };
        let Some(primary) = service.deployments.first() else { return };
        let (id, settled) = (primary.id.clone(), primary.settled);
        let ours = self.counts(address, Some(&id));
        let left = self.tasks.iter().any(|task| {
            task.belongs_to(&address.cluster, &address.service)
                && task.deployment() != Some(&id)
                && task.status != Status::Stopped
        });
        let quiet = ours.healthy == service.desired && ours.pending == 0 && !left;
        let running = primary.progress == Progress::Running;
        let Some(service) = self.services.get_mut(address) else { return };
        let Some(primary) = service.deployments.first_mut() else { return };
        match settled {
            _ if !quiet => (primary.settled, primary.steady) = (None, false),
            None => {
                primary.settled = Some(desk.now);
                let what = json!({ "reconcile": address.service, "cluster": address.cluster });
                desk.later(settling as f64 / 1000.0, what);
            }
            Some(since) if running && since + settling <= desk.now => {
                self.complete(address, desk);
            }
            Some(since) if !primary.steady && since + settling <= desk.now => {
                primary.steady = true;
                self.say_steady(address, desk);
            }
            Some(_) => {}
        }
    }

    fn complete(&mut self, address: &Address, desk: &mut Desk<'_>) {
        let Some(service) = self.services.get_mut(address) else { return };
        let replaced = service.deployments.drain(1..).collect::<Vec<_>>();
        service.past.extend(replaced);
        let Some(primary) = service.deployments.first_mut() else { return };
        primary.progress = Progress::Completed;
        primary.steady = true;
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated = desk.now;
        let id = primary.id.clone();
        if let Some(latest) = service.history.last_mut() {
            let back = latest.rollback.is_some();
            latest.status = if back { "ROLLBACK_SUCCESSFUL" } else { "SUCCESSFUL" };
            latest.finished = Some(desk.now);
            latest.updated = desk.now;
        }
        self.note(address, &format!("(deployment {id}) deployment completed."), desk);
        self.tell_deployment(address, "INFO", "SERVICE_DEPLOYMENT_COMPLETED", None, desk);
        self.say_steady(address, desk);
    }

    /// As many tasks run as are wanted. ECS says so after each disturbance, too.
    fn say_steady(&mut self, address: &Address, desk: &mut Desk<'_>) {
        self.note(address, "has reached a steady state.", desk);
        self.tell_action(address, "INFO", "SERVICE_STEADY_STATE", None, desk);
    }

    pub(super) fn drain(&mut self, address: &Address, desk: &mut Desk<'_>) {
        for id in self.to_stop(address, |_| true, usize::MAX) {
            self.stop(&id, "ServiceSchedulerInitiated", "Service deleted", desk);
        }
        let left = self.tasks.iter().any(|task| {
            task.belongs_to(&address.cluster, &address.service) && task.status != Status::Stopped
        });
        if let Some(service) = self.services.get_mut(address).filter(|_| !left) {
            service.status = "INACTIVE";
            service.deployments.clear();
        }
    }

    pub(super) fn say_stuck(&mut self, address: &Address, desk: &mut Desk<'_>) {
        let primary = self.services.get_mut(address).and_then(|s| s.deployments.first_mut());
        if let Some(primary) = primary.filter(|primary| !primary.stuck) {
            primary.stuck = true;
            let text = "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.";
            self.note(address, text, desk);
        }
    }

    /// Makes one running task of a service end.
    pub(super) fn kill(
        &mut self,
        address: &Address,
        end: impl Fn(&str) -> End,
        desk: &mut Desk<'_>,
    ) -> Option<String> {
        let of_service = |task: &&Task| {
            task.belongs_to(&address.cluster, &address.service)
                && task.wanted
                && task.status == Status::Running
        };
        let task = self.tasks.iter().find(of_service)?;
        let essential = task.containers.iter().find(|one| one.essential)?;
        let (id, end) = (task.id.clone(), end(&essential.name));
        self.end(&id, &end, desk);
        self.reconcile(address, desk);
        Some(id)
    }
}
