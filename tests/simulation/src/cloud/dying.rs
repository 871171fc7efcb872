//! Tasks that die, and what ECS does about it.

use super::{Address, Breaker, Cloud, News, Returns, Tick};
use crate::behaviour::Behaviour;
use pipeline::names::{RolloutId, TaskId};
use pipeline::observation::Progress;
use pipeline::task::{ContainerReport, TaskReport};
use pipeline::time::{Span, Time};

impl Cloud {
    pub(super) fn task_dies(
        &mut self,
        address: &Address,
        id: &RolloutId,
        nth: u32,
        now: Time,
    ) -> (Vec<News>, Vec<(Span, Tick)>) {
        let task = TaskId::new(self.next("arn:aws:ecs:eu-west-1:123456789012:task/x/"));
        let primary = self.primary(address).map(|primary| primary.revision.clone());
        let behaviour = primary.map_or(Behaviour::Good, |primary| self.behaviour_of(&primary));
        let Some(service) = self.services.get_mut(address) else { return (vec![], vec![]) };
        let breaker = service.breaker;
        let Some(rollout) = service.rollouts.iter_mut().find(|r| r.id == *id && r.primary) else {
            return (vec![], vec![]);
        };
        let starting = rollout.progress == Progress::InProgress;
        rollout.failed += 1;
        let revision = rollout.revision.clone();
        let (stop, exit_code) = behaviour.stop();
        let container =
            ContainerReport { name: "app".into(), essential: true, exit_code, reason: None };
        let report = TaskReport {
            service: address.1.clone(),
            task,
            revision,
            seen_at: now,
            stop: Some(stop),
            containers: vec![container],
        };
        let mut news = vec![News::Task(address.clone(), report)];
        let mut ticks =
            vec![(Span::seconds(25), Tick::TaskDies(address.clone(), id.clone(), nth + 1))];
        if !starting {
            rollout.running = rollout.running.saturating_sub(1);
        }
        if starting && nth >= 3 && breaker != Breaker::Off {
            news.push(News::Service(address.clone()));
            ticks = self.trip(address, id, breaker);
        }
        if matches!(behaviour, Behaviour::TakenAway(_)) {
            ticks = vec![(Span::seconds(40), Tick::Settles(address.clone()))];
        } else if nth >= 30 {
            ticks.clear();
        }
        self.remember(address, now);
        (news, ticks)
    }

    /// The circuit breaker: stop launching, and perhaps return to the rollout before.
    fn trip(&mut self, address: &Address, id: &RolloutId, breaker: Breaker) -> Vec<(Span, Tick)> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        let failed = "ECS deployment circuit breaker: task failed to start.";
        if let Some(rollout) = service.rollouts.iter_mut().find(|r| r.id == *id) {
            rollout.progress = Progress::Failed;
            rollout.reason = failed.into();
        }
        let can_return =
            service.rollouts.iter().any(|r| !r.primary && r.progress == Progress::Completed);
        if breaker != Breaker::RollBack || !can_return {
            return vec![];
        }
        for rollout in &mut service.rollouts {
            rollout.primary = false;
        }
        service.returned_from = Some((id.clone(), failed.to_owned()));
        let old = service.rollouts.iter_mut().find(|r| r.progress == Progress::Completed);
        let Some(old) = old else { return vec![] };
        old.primary = true;
        old.progress = Progress::InProgress;
        old.reason =
            format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", old.id);
        let (address, old) = (address.clone(), old.id.clone());
        match self.returns {
            Returns::Well => vec![(Span::seconds(45), Tick::Complete(address, old))],
            Returns::Hang => vec![],
            Returns::Fail => vec![(Span::seconds(90), Tick::GivesUp(address, old))],
        }
    }

    /// What ECS rolled back to does not become stable either.
    pub(super) fn gives_up(&mut self, address: &Address, id: &RolloutId, now: Time) -> Vec<News> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        let ongoing = service.rollouts.iter_mut().find(|rollout| {
            rollout.id == *id && rollout.primary && rollout.progress == Progress::InProgress
        });
        let Some(rollout) = ongoing else { return vec![] };
        rollout.progress = Progress::Failed;
        rollout.reason = "ECS deployment rollback failed.".into();
        self.remember(address, now);
        vec![News::Service(address.clone())]
    }

    pub(super) fn sidecar_dies(
        &mut self,
        address: &Address,
        id: &RolloutId,
        now: Time,
    ) -> Vec<News> {
        let Some(primary) = self.primary(address).filter(|r| r.id == *id).cloned() else {
            return vec![];
        };
        let container = ContainerReport {
            name: "audit-worker".into(),
            essential: false,
            exit_code: Some(1),
            reason: None,
        };
        let task = TaskId::new(self.next("task/"));
        let report = TaskReport {
            service: address.1.clone(),
            task,
            revision: primary.revision,
            seen_at: now,
            stop: None,
            containers: vec![container],
        };
        vec![News::Task(address.clone(), report)]
    }
}
