//! What others do to services, and what AWS refuses.

use super::{Address, Breaker, Call, Caller, Cloud, News, Tick};
use pipeline::names::Revision;
use pipeline::observation::{Progress, Rollout};
use pipeline::time::{Span, Time};

/// What happens to a service outside Slipway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disturbance {
    Delete,
    /// It is created, if it does not exist.
    Create(Revision),
    /// Its desired count changes.
    Scale(u32),
    /// All its tasks are stopped, and run again after this long.
    Lose(Span),
    /// Its rollout counts as failed, though its tasks run.
    Fail,
    /// Every caller is denied access, for this long.
    Refuse(Span),
}

impl Cloud {
    pub fn disturb(
        &mut self,
        address: &Address,
        deed: Disturbance,
        now: Time,
    ) -> (Vec<News>, Vec<(Span, Tick)>) {
        let news = vec![News::Service(address.clone())];
        match deed {
            Disturbance::Delete if self.primary(address).is_none() => (vec![], vec![]),
            Disturbance::Delete => (news, self.delete(address, Caller::Outsider, now)),
            Disturbance::Create(revision) => {
                let is_there =
                    self.services.get(address).is_some_and(|known| !known.rollouts.is_empty());
                if is_there {
                    return (vec![], vec![]);
                }
                self.create_at(address.clone(), Some(revision.clone()), 1, Breaker::Off, now);
                let (address, by) = (address.clone(), Caller::Outsider);
                self.calls.push(Call { at: now, address, revision: Some(revision), by });
                (news, vec![])
            }
            Disturbance::Lose(span) => {
                let ticks = vec![(span, Tick::Settles(address.clone()))];
                if !self.change_rested(address, now, |primary| primary.running = 0) {
                    return (vec![], vec![]);
                }
                self.losses.push((now, address.clone()));
                (news, ticks)
            }
            Disturbance::Fail => {
                let fail = |primary: &mut Rollout| {
                    primary.progress = Progress::Failed;
                    primary.reason = "ECS deployment failed: tasks failed to start.".into();
                };
                self.change_rested(address, now, fail);
                (vec![], vec![])
            }
            Disturbance::Scale(desired) => (vec![], self.scale(address, desired, now)),
            Disturbance::Refuse(span) => {
                self.refused.insert(address.clone(), now + span);
                (vec![], vec![])
            }
        }
    }

    /// Changes what a service runs, if that is complete.
    fn change_rested(
        &mut self,
        address: &Address,
        now: Time,
        change: impl FnOnce(&mut Rollout),
    ) -> bool {
        let rests =
            |rollout: &&mut Rollout| rollout.primary && rollout.progress == Progress::Completed;
        let service = self.services.get_mut(address).filter(|service| !service.draining);
        let primary = service.and_then(|service| service.rollouts.iter_mut().find(rests));
        let Some(primary) = primary else { return false };
        change(primary);
        self.remember(address, now);
        true
    }

    /// Whether AWS refuses a call for this service now, and that it did.
    pub fn refuses(&mut self, address: &Address, now: Time) -> bool {
        let refuses = self.refused.get(address).is_some_and(|until| now < *until);
        if refuses {
            self.refusals_made.push((now, address.clone()));
        }
        refuses
    }

    /// Its desired count changes.
    pub fn scale(&mut self, address: &Address, desired: u32, now: Time) -> Vec<(Span, Tick)> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        service.desired = desired;
        if let Some(primary) = service.rollouts.iter_mut().find(|rollout| rollout.primary) {
            primary.desired = desired;
        }
        self.remember(address, now);
        vec![(Span::seconds(40), Tick::Settles(address.clone()))]
    }

    /// Tasks come and go without any event about the service.
    pub(super) fn settles(&mut self, address: &Address, now: Time) -> Vec<News> {
        let settled =
            |rollout: &&mut Rollout| rollout.primary && rollout.progress == Progress::Completed;
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        if let Some(primary) = service.rollouts.iter_mut().find(settled) {
            primary.running = primary.desired;
        }
        self.remember(address, now);
        vec![]
    }

    /// `DeleteService`: its tasks may take their time to stop, and it is there until they have.
    pub fn delete(&mut self, address: &Address, by: Caller, now: Time) -> Vec<(Span, Tick)> {
        self.calls.push(Call { at: now, address: address.clone(), revision: None, by });
        let drains = self.drains;
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        service.draining = drains > Span::default();
        if !service.draining {
            service.rollouts.clear();
        }
        self.remember(address, now);
        match drains > Span::default() {
            true => vec![(drains, Tick::Drained(address.clone()))],
            false => vec![],
        }
    }

    pub(super) fn drained(&mut self, address: &Address, now: Time) -> Vec<News> {
        let Some(service) = self.services.get_mut(address).filter(|service| service.draining)
        else {
            return vec![];
        };
        service.draining = false;
        service.rollouts.clear();
        self.remember(address, now);
        vec![News::Service(address.clone())]
    }
}
