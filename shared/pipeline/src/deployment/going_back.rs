//! What ECS shows of services on their way back.

use super::timeline::shorten;
use super::{Deployment, GRACE, LOOK_EVERY, Said, Standing, State};
use crate::effect::Effect;
use crate::names::ServiceName;
use crate::observation::{Observation, Reading};
use crate::time::Time;

impl Deployment {
    pub(super) fn observed_going_back(&mut self, observations: &[Observation], now: Time) -> Said {
        for observation in observations {
            let Some((reading, name)) = self.read_going_back(observation) else { continue };
            self.judge_going_back(&name, reading, observation.seen_at, now);
        }
        self.continue_going_back(now);
        Said::Done
    }

    /// Reads an observation of a service that should run what it ran before.
    pub(super) fn read_going_back(
        &mut self,
        observation: &Observation,
    ) -> Option<(Reading, ServiceName)> {
        let service = self.service_mut(&observation.service)?;
        let on_its_way = matches!(
            service.standing,
            Standing::PuttingBack { .. } | Standing::PutBack | Standing::Removed
        );
        if !on_its_way || observation.seen_at < service.seen_at {
            return None;
        }
        service.seen_at = observation.seen_at;
        let Some(before) = service.before.clone() else {
            // It was deleted, and a slow worker may create it once more.
            let reading = match observation.found {
                None => Reading::Done,
                Some(_) => Reading::TakenOver { revision: service.after.clone() },
            };
            return Some((reading, service.name.clone()));
        };
        Some((observation.read(service.wants_before(&before)), service.name.clone()))
    }

    pub(super) fn judge_going_back(
        &mut self,
        name: &ServiceName,
        reading: Reading,
        seen_at: Time,
        now: Time,
    ) {
        let Some(service) = self.service_mut(name) else { return };
        match (reading, &mut service.standing) {
            (Reading::Done, Standing::PuttingBack { .. }) => {
                service.standing = Standing::PutBack;
                self.outbox
                    .keep(|effect| !matches!(effect, Effect::PutBack(p) if p.service == *name));
                self.note(now, format!("{name} is back."));
            }
            (Reading::Done, _) => self.settled_service(name, seen_at),
            (
                Reading::Underway { waiting: text },
                Standing::PuttingBack { deadline, waiting, .. },
            ) => {
                *waiting = shorten(text.clone());
                if now >= *deadline {
                    self.give_up(
                        name,
                        format!("it was not back in time, still waiting: {text}"),
                        now,
                    );
                }
            }
            (Reading::Underway { .. }, _) => self.settle_soon(now),
            (Reading::TakenOver { revision }, _) if revision == service.after => {
                self.put_back_again(name, now);
            }
            (Reading::TakenOver { revision }, _) => {
                service.standing = Standing::TakenOver { revision: Some(revision.clone()) };
                self.leave_to_others(name);
                self.note(now, format!("Somebody else brought {name} to {}.", revision.short()));
            }
            (Reading::Gone, _) => {
                service.standing = Standing::TakenOver { revision: None };
                self.leave_to_others(name);
                self.note(now, format!("Somebody deleted {name}."));
            }
            (Reading::Failed { reason } | Reading::Returned { reason }, _) => {
                self.give_up(name, format!("it could not be brought back: {reason}"), now);
            }
        }
    }

    /// Whoever took it over must not be overwritten by a message that is still on its way.
    fn leave_to_others(&mut self, name: &ServiceName) {
        self.outbox.keep(|effect| !matches!(effect, Effect::PutBack(p) if p.service == *name));
    }

    /// A worker that was allowed to act before we turned round has only now updated the service.
    pub(super) fn put_back_again(&mut self, name: &ServiceName, now: Time) {
        let open = |effect: &Effect| matches!(effect, Effect::PutBack(p) if p.service == *name);
        if self.outbox.waits_for(open) {
            return;
        }
        let Some(service) = self.service_mut(name) else { return };
        match &service.standing {
            Standing::PuttingBack { deadline, .. } if now >= *deadline => {
                let why = "it still runs the new revision".to_owned();
                self.give_up(name, why, now);
            }
            standing => {
                let known = match standing {
                    Standing::PuttingBack { deadline, .. } => Some(*deadline),
                    _ => None,
                };
                service.standing = Standing::Updated;
                self.note(now, format!("{name} runs the new revision again."));
                self.put_back_service(name, now);
                // Whoever keeps disturbing it gets no more time by that.
                if let (Some(service), Some(known)) = (self.service_mut(name), known)
                    && let Standing::PuttingBack { deadline, .. } = &mut service.standing
                {
                    *deadline = known;
                }
            }
        }
    }

    pub(super) fn give_up(&mut self, name: &ServiceName, why: String, now: Time) {
        self.note(now, format!("{name} could not be put back: {why}."));
        self.outbox.keep(|effect| !matches!(effect, Effect::PutBack(p) if p.service == *name));
        if let Some(service) = self.service_mut(name) {
            service.standing = Standing::NotPutBack { why };
        }
    }

    /// Goes on with the next wave once this one is back.
    pub(super) fn continue_going_back(&mut self, now: Time) {
        let State::RollingBack { cause, since, wave, .. } = &self.state else { return };
        let (cause, since, wave) = (cause.clone(), *since, *wave);
        if !self.named(|s| s.wave == wave && !s.is_back_or_given_up()).is_empty() {
            return;
        }
        match wave.checked_sub(1) {
            Some(next) => self.put_back_wave(cause, since, next, now),
            None => self.settle(cause, since, now),
        }
    }

    pub(super) fn woken_rolling_back(&mut self, now: Time) -> Said {
        let State::RollingBack { look_at, .. } = &mut self.state else {
            return Said::Ignored("not rolling back".into());
        };
        if now < *look_at {
            return Said::Ignored("woken before its time".into());
        }
        // Whoever overslept asks first: it may have come back in the meantime.
        let overslept = now >= *look_at + GRACE;
        *look_at = now + LOOK_EVERY;
        let mut late = Vec::new();
        let mut open = Vec::new();
        for service in &self.services {
            match &service.standing {
                Standing::PuttingBack { deadline, .. } | Standing::Removing { deadline }
                    if now >= *deadline + GRACE && !overslept =>
                {
                    late.push(service.name.clone());
                }
                Standing::PuttingBack { .. } => open.push(service.name.clone()),
                _ => {}
            }
        }
        for name in &late {
            self.give_up(name, "nothing was heard of it in time".to_owned(), now);
        }
        self.look(open, now);
        self.continue_going_back(now);
        Said::Done
    }
}
