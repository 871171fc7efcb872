//! What ECS shows of services that are being rolled back.

use super::waves::WORKER_PATIENCE;
use crate::deployment::roll_out::not_ours;
use crate::deployment::{
    Deployment, GRACE, LOOK_EVERY, Reply, Service, ServiceState, State, VISIBLE_AFTER,
};
use crate::effect::Effect;
use crate::names::ServiceName;
use crate::observation::{Found, Observation, Reading};
use crate::time::Time;
use crate::waits::WaitsFor;
use std::slice::from_ref;

/// Why a service is given up whose state could not be read.
pub const UNHEARD: &str = "its state could not be read in time";

impl Deployment {
    pub(in crate::deployment) fn observed_rolling_back(
        &mut self,
        observations: &[Observation],
        now: Time,
    ) -> Reply {
        for observation in observations {
            let Some((reading, name)) = self.read_rolling_back(observation) else { continue };
            self.judge_rolling_back(&name, reading, observation.seen_at, now);
        }
        self.continue_rollback(now);
        Reply::Done
    }

    /// A worker left a service unchanged that is to be rolled back or deleted.
    pub(in crate::deployment) fn left_alone_rolling_back(
        &mut self,
        seen: &Observation,
        now: Time,
    ) -> Reply {
        let name = &seen.service;
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        if matches!(service.state, ServiceState::Deleting { .. }) {
            let runs = seen.found.as_ref().and_then(Found::primary).map(|p| p.revision.clone());
            let Some(revision) = runs else { return self.removed(name, now) };
            self.judge_rolling_back(name, Reading::TakenOver { revision }, seen.seen_at, now);
            self.continue_rollback(now);
            return Reply::Done;
        }
        match self.state {
            State::VerifyingRollback { .. } => self.observed_verifying(from_ref(seen), now),
            _ => self.observed_rolling_back(from_ref(seen), now),
        }
    }

    /// Reads an observation of a service that should run its previous revision.
    pub(in crate::deployment) fn read_rolling_back(
        &mut self,
        observation: &Observation,
    ) -> Option<(Reading, ServiceName)> {
        let service = self.service_mut(&observation.service)?;
        let on_its_way = matches!(
            service.state,
            ServiceState::RollingBack { .. }
                | ServiceState::RolledBack
                | ServiceState::Deleting { .. }
                | ServiceState::Deleted
                | ServiceState::NotRolledBack { .. }
        );
        if !on_its_way || !service.seen(observation) {
            return None;
        }
        service.recognize_dropped_rollback(observation);
        let reading = match service.before.clone() {
            Some(before) => observation.read(service.wants_before(&before)),
            None => service.read_deleted(observation),
        };
        Some((reading, service.name.clone()))
    }

    pub(in crate::deployment) fn judge_rolling_back(
        &mut self,
        name: &ServiceName,
        reading: Reading,
        seen_at: Time,
        now: Time,
    ) {
        let is_asked_for = self.asks_for_way_back(name);
        let is_undisturbed = seen_at >= self.undisturbed_from();
        let may_ask = now < self.asks_until(name);
        let Some(service) = self.service_mut(name) else { return };
        if service.is_given_up() {
            return self.judge_given_up(name, &reading, seen_at, now);
        }
        let is_answered = service.visible_from.is_some();
        match (reading, service.refused().map(str::to_owned)) {
            // ECS rolled our rollout back itself before our own rollback was answered.
            (Reading::Returned { reason, to }, _) if !is_answered && to != service.after => {
                if is_asked_for {
                    service.dropped_rollback_to.clone_from(&service.before);
                }
                self.leave_to_others(name, now);
                self.roll_back_by_ecs(name, &to, &reason, now);
            }
            (Reading::Done, _) => self.seen_back(name, seen_at, now),
            // AWS rejected the rollback, and the service does not run stably on its previous revision.
            (
                Reading::Underway { waiting: WaitsFor::Visibility }
                | Reading::Failed { .. }
                | Reading::Returned { .. },
                Some(why),
            ) => {
                self.give_up(name, why, now);
            }
            (Reading::TakenOver { revision } | Reading::Replaced { revision }, Some(why))
                if revision == service.after =>
            {
                self.give_up(name, why, now);
            }
            (Reading::Underway { waiting }, _) => self.not_back_yet(name, &waiting, now),
            (Reading::TakenOver { revision } | Reading::Replaced { revision }, _)
                if revision == service.after =>
            {
                self.roll_back_again(name, now);
            }
            // The worker may have registered the previous revision again, and not have answered
            // yet. It checks before it acts, and answers if the service was updated outside
            // Slipway.
            (Reading::TakenOver { .. } | Reading::Replaced { .. }, _) if is_asked_for => {
                self.not_back_yet(name, &WaitsFor::Update, now);
            }
            // ECS may have rolled it back.
            (Reading::Replaced { .. }, _) if may_ask => {
                self.ask_for_return(name, now);
                self.not_back_yet(name, &WaitsFor::ReturnReason, now);
            }
            (Reading::TakenOver { revision } | Reading::Replaced { revision }, _) => {
                service.state = ServiceState::UpdatedOutside { revision: Some(revision.clone()) };
                self.leave_to_others(name, now);
                self.note(
                    now,
                    format!("{name} was updated to {} outside Slipway.", revision.short()),
                );
            }
            (Reading::Gone, _) => {
                service.state = ServiceState::UpdatedOutside { revision: None };
                self.leave_to_others(name, now);
                self.note(now, format!("{name} was deleted outside Slipway."));
            }
            // That rollout may have failed long ago, and a slow worker may still roll out the
            // release: the service is not given up before that worker is done.
            (Reading::Failed { .. } | Reading::Returned { .. }, None) if !is_undisturbed => {
                self.not_back_yet(name, &WaitsFor::Visibility, now);
            }
            (Reading::Failed { reason } | Reading::Returned { reason, .. }, None) => {
                self.give_up(name, format!("the rollback failed: {reason}"), now);
            }
        }
    }

    /// Until when ECS is asked whether it rolled this service back. Without an answer an unknown
    /// revision counts as an update outside Slipway.
    fn asks_until(&self, name: &ServiceName) -> Time {
        let service = self.services.iter().find(|service| service.name == *name);
        match (service.map(|service| &service.state), &self.state) {
            (Some(ServiceState::RollingBack { deadline, .. }), _)
            | (_, State::VerifyingRollback { deadline, .. }) => *deadline,
            _ => Time::default(),
        }
    }

    fn asks_for_way_back(&self, name: &ServiceName) -> bool {
        self.outbox.waits_for(|effect| rolls_back(effect, name))
    }

    /// It runs its previous revision. That counts once our last worker is done: before, a slow
    /// worker may still roll out the release, unnoticed.
    fn seen_back(&mut self, name: &ServiceName, seen_at: Time, now: Time) {
        let undisturbed = seen_at >= self.undisturbed_from();
        let Some(service) = self.service_mut(name) else { return };
        let counts = undisturbed || service.is_answered_before(seen_at);
        match &mut service.state {
            ServiceState::RollingBack { waiting, by_ecs, .. } if !counts => {
                if !*by_ecs {
                    *waiting = WaitsFor::UpdateThoughBack;
                }
            }
            ServiceState::RollingBack { .. } => {
                service.state = ServiceState::RolledBack;
                // Anything else that is seen later happened later.
                service.visible_from = service.visible_from.or(Some(seen_at + VISIBLE_AFTER));
                self.leave_to_others(name, now);
                self.note(now, format!("{name} is rolled back."));
            }
            ServiceState::Deleting { .. } if counts => self.set_removed(name, now),
            _ => self.verified_service(name, seen_at),
        }
    }

    /// It is not waited for. If an observation shows it rolled back, it counts as rolled back.
    fn judge_given_up(&mut self, name: &ServiceName, reading: &Reading, seen_at: Time, now: Time) {
        if *reading == Reading::Done && seen_at >= self.undisturbed_from() {
            let Some(service) = self.service_mut(name) else { return };
            service.state = if service.before.is_some() {
                ServiceState::RolledBack
            } else {
                ServiceState::Deleted
            };
            self.note(now, format!("{name} is rolled back after all."));
        }
        self.verified_service(name, seen_at);
    }

    fn not_back_yet(&mut self, name: &ServiceName, waiting: &WaitsFor, now: Time) {
        let Some(service) = self.service_mut(name) else { return };
        let back_by = service.back_by;
        let seen_at = service.seen_at;
        match &mut service.state {
            ServiceState::RollingBack { deadline, waiting: known, .. } => {
                *known = waiting.clone().shortened();
                if now >= *deadline {
                    let why = format!("the rollback timed out: {waiting}");
                    self.give_up(name, why, now);
                }
            }
            ServiceState::Deleting { deadline, .. } => {
                if now >= *deadline {
                    let why = format!("the deletion timed out: {waiting}");
                    self.give_up(name, why, now);
                }
            }
            // ECS is deleting it, and there is nothing more to do.
            ServiceState::Deleted
                if *waiting == WaitsFor::Deletion && back_by.is_none_or(|time| now >= time) =>
            {
                self.verified_service(name, seen_at);
            }
            _ => self.needs_another_look(name, now),
        }
    }

    /// An update outside Slipway must not be overwritten by a message that is still in the queue.
    fn leave_to_others(&mut self, name: &ServiceName, now: Time) {
        self.keep_effects(now, |effect| !rolls_back(effect, name));
    }

    /// A worker that was permitted before the rollback started has updated the service only now, or
    /// ECS has rolled our rollback back.
    pub(in crate::deployment) fn roll_back_again(&mut self, name: &ServiceName, now: Time) {
        let removes =
            |effect: &Effect| matches!(effect, Effect::Remove { service, .. } if service == name);
        let open = |effect: &Effect| rolls_back(effect, name) || removes(effect);
        if self.outbox.waits_for(open) {
            return;
        }
        if now >= self.back_by(name, now) {
            return self.give_up(name, "it still runs the new revision".to_owned(), now);
        }
        let Some(service) = self.service_mut(name) else { return };
        service.state = ServiceState::Updated;
        self.note(now, format!("{name} runs the new revision again."));
        self.roll_back_service(name, now);
    }

    pub(in crate::deployment) fn give_up(&mut self, name: &ServiceName, why: String, now: Time) {
        self.note(now, format!("{name} could not be rolled back: {why}."));
        self.keep_effects(now, |effect| !rolls_back(effect, name));
        if let Some(service) = self.service_mut(name) {
            service.state = ServiceState::NotRolledBack { why };
        }
    }

    /// Continues with the next wave once this one is rolled back.
    pub(in crate::deployment) fn continue_rollback(&mut self, now: Time) {
        let State::RollingBack { cause, since, wave, .. } = &self.state else { return };
        let (cause, since, wave) = (cause.clone(), *since, *wave);
        if !self.named(|s| s.wave == wave && !s.is_back_or_given_up()).is_empty() {
            return;
        }
        match wave.checked_sub(1) {
            Some(next) => self.roll_back_wave(cause, since, next, now),
            None => self.verify_rollback(cause, now),
        }
    }

    pub(in crate::deployment) fn woken_rolling_back(&mut self, now: Time) -> Reply {
        let State::RollingBack { look_at, .. } = &mut self.state else {
            return Reply::Ignored("not rolling back".into());
        };
        if now < *look_at {
            return Reply::Ignored("woken early".into());
        }
        // A record that was woken late asks ECS first: the service may be rolled back meanwhile.
        let overslept = now >= *look_at + GRACE;
        *look_at = now + LOOK_EVERY;
        let mut late = Vec::new();
        let mut open = Vec::new();
        for service in &self.services {
            // A lost answer says nothing against a service.
            let known_at = service.seen_at.max(service.visible_from.unwrap_or_default());
            let unheard_from = known_at + WORKER_PATIENCE;
            match &service.state {
                ServiceState::RollingBack { deadline, .. }
                | ServiceState::Deleting { deadline, .. }
                    if now >= (*deadline + GRACE).max(unheard_from) && !overslept =>
                {
                    let why = service.refused().unwrap_or(UNHEARD);
                    late.push((service.name.clone(), why.to_owned()));
                }
                ServiceState::RollingBack { .. } | ServiceState::Deleting { .. } => {
                    open.push(service.name.clone());
                }
                _ => {}
            }
        }
        for (name, why) in late {
            self.give_up(&name, why, now);
        }
        self.look(open, now);
        self.continue_rollback(now);
        Reply::Done
    }
}

fn rolls_back(effect: &Effect, name: &ServiceName) -> bool {
    matches!(effect, Effect::RollBack(roll_back) if roll_back.service == *name)
}

impl Service {
    /// Reads an observation of a service that did not exist before.
    fn read_deleted(&self, observation: &Observation) -> Reading {
        let is_visible = self.visible_from.is_some_and(|time| observation.seen_at >= time);
        match &observation.found {
            None => Reading::Done,
            Some(found) if found.draining => Reading::Underway { waiting: WaitsFor::Deletion },
            // It was updated or created again outside Slipway.
            Some(found) if found.primary().is_some_and(|p| p.revision != self.after) => {
                let runs = found.primary().map(|primary| primary.revision.clone());
                Reading::TakenOver { revision: runs.unwrap_or(self.after.clone()) }
            }
            // A slow worker may create it once more.
            Some(_) if is_visible => Reading::TakenOver { revision: self.after.clone() },
            Some(_) => Reading::Underway { waiting: WaitsFor::Visibility },
        }
    }

    /// Why AWS rejected the rollback of this service.
    fn refused(&self) -> Option<&str> {
        match &self.state {
            ServiceState::RollingBack { refused, .. } | ServiceState::Deleting { refused, .. } => {
                refused.as_deref()
            }
            _ => None,
        }
    }

    /// Whether the worker that rolls it back had answered before this observation.
    fn is_answered_before(&self, seen_at: Time) -> bool {
        let is_visible_from = |time| seen_at + VISIBLE_AFTER >= time;
        self.visible_from.is_some_and(is_visible_from) || self.refused().is_some()
    }
}
