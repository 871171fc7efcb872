//! The workers: each effect against the model, and what it answers.

use crate::cloud::{Address, Breaker, Caller, Note, OneOffTask, Owner, target_name};
use crate::sim::Sim;
use engine::{Decide, Message, Sender};
use pipeline::deployment::WORKER_LIFE;
use pipeline::effect::{Effect, OneOff, Prepare, RollBack, RollOut, Way};
use pipeline::event::{Event, Outcome, Preparation, PreparedService, Refusal};
use pipeline::names::{DeploymentId, Revision};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::task::{Fault, OneOffEnd};
use pipeline::time::{Span, Time};
use std::collections::BTreeMap;

const DENIED: &str = "AccessDeniedException";

/// What a service runs that is not being deleted.
fn runs_there(seen: &Observation) -> Option<&Rollout> {
    seen.found.as_ref().filter(|found| !found.draining).and_then(Found::primary)
}

impl<D: Decide> Sim<D> {
    /// Performs an effect; `None`: it has to be tried again.
    pub(crate) fn perform(&mut self, message: &Message) -> Option<Event> {
        let now = self.now;
        if let Effect::Announce(notice) = &message.effect {
            self.tell_people(message, notice);
            return Some(Event::Announced);
        }
        let Sender::Deployment(id) = &message.from else { return None };
        self.invariants.performs(id, &message.effect, &self.cloud, now);
        let known = self.cloud.calls.len();
        let event = self.perform_for(id, &message.effect);
        self.invariants.performed(id, &message.effect, &self.cloud, known);
        event
    }

    fn perform_for(&mut self, id: &DeploymentId, effect: &Effect) -> Option<Event> {
        let now = self.now;
        match effect {
            Effect::Prepare(prepare) => Some(self.perform_prepare(id, prepare)),
            Effect::RunOneOff(one_off) => Some(self.perform_one_off(id, one_off)),
            Effect::LookAtOneOff { purpose, attempt, task, .. } => {
                let found = self.cloud.tasks.iter().find(|known| known.id == *task);
                let forgotten = |t: &&OneOffTask| {
                    t.ends.as_ref().is_some_and(|(end, _)| now.since(*end) > Span::hours(1))
                };
                match found.filter(|task| !forgotten(task)) {
                    Some(task) => Some(task.seen(now)),
                    None => Some(Event::OneOffLost { purpose: *purpose, attempt: *attempt }),
                }
            }
            Effect::StopOneOff { purpose, attempt, task, .. } => {
                let ticks = self.cloud.stop_task(task, now);
                self.schedule(ticks);
                Some(Event::OneOffStopAsked { purpose: *purpose, attempt: *attempt })
            }
            Effect::RollOut(roll_out) => self.perform_roll_out(id, roll_out),
            Effect::Observe { target, services, returns } => {
                let lag = Span::seconds(self.lag());
                let look =
                    |name| self.cloud.describe(&(target_name(target), name), now, lag, *returns);
                Some(Event::Observed { services: services.iter().cloned().map(look).collect() })
            }
            Effect::Check { check, attempt, spec, .. } => {
                let outcome = self.perform_check(id, &spec.url, *attempt);
                Some(Event::Checked { check: *check, attempt: *attempt, outcome })
            }
            Effect::ReadAlarms { names, since } => {
                let readings = names.iter().flat_map(|name| self.cloud.readings(name, *since));
                let readings = readings.collect();
                Some(Event::AlarmsRead { read_at: now, readings })
            }
            Effect::RollBack(roll_back) => Some(self.perform_roll_back(id, roll_back)),
            Effect::Remove { target, service, revision } => {
                let address = (target_name(target), service.clone());
                Some(self.perform_remove(id, &address, revision.as_ref()))
            }
            Effect::Announce(_) | Effect::Offer { .. } | Effect::Promote { .. } => None,
        }
    }

    fn perform_prepare(&mut self, id: &DeploymentId, prepare: &Prepare) -> Event {
        let Some(system) =
            self.systems.iter().find(|s| s.spec.application == id.place.application).cloned()
        else {
            return Event::PreparationFailed { faults: vec!["no such application".into()] };
        };
        let mut services = Vec::new();
        let mut faults = Vec::new();
        for wanted in &prepare.services {
            let name = wanted.spec.name.clone();
            let address = (target_name(&prepare.target), name.clone());
            let before = self.cloud.primary(&address).map(|rollout| rollout.revision.clone());
            if before.is_none() && wanted.spec.create.is_none() {
                faults.push(format!("there is no service {name} in {}", address.0));
                continue;
            }
            let repository = system.repository_of(&id.place.environment, &name);
            let after = match (&wanted.recorded, prepare.images.get(&repository)) {
                (Some(recorded), _) => recorded.clone(),
                (None, Some(digest)) => {
                    let images = BTreeMap::from([(repository, digest.clone())]);
                    self.cloud.register(name.as_str(), images)
                }
                (None, None) => {
                    faults.push(format!("the release has no image for {name}"));
                    continue;
                }
            };
            services.push(PreparedService { name, before, after });
        }
        if self.cloud.reasons_are_long && self.plan.below(4) == 0 {
            faults.push(format!("the images cannot be protected: {}", self.denied()));
        }
        if !faults.is_empty() {
            return Event::PreparationFailed { faults };
        }
        let alarms = prepare.alarms.iter().map(|name| self.cloud.reading(name)).collect();
        Event::Prepared(Preparation { services, alarms, warnings: vec![] })
    }

    fn perform_one_off(&mut self, id: &DeploymentId, one_off: &OneOff) -> Event {
        let cluster = target_name(&one_off.target);
        // A token that ECS knows is answered with its task, whether there is room or not.
        let is_known = self.cloud.task_of(&cluster, &one_off.client_token, self.now).is_some();
        if self.cloud.refusals > 0 && !is_known {
            self.cloud.refusals -= 1;
            return Event::OneOffNotStarted {
                purpose: one_off.purpose,
                attempt: one_off.attempt,
                fault: Fault::Capacity,
                reason: "RESOURCE:MEMORY".into(),
            };
        }
        let owner =
            Owner { deployment: id.clone(), purpose: one_off.purpose, attempt: one_off.attempt };
        let (task, ticks) = self.cloud.run_task(
            &cluster,
            &one_off.client_token,
            owner,
            &one_off.revision,
            self.now,
        );
        self.schedule(ticks);
        self.invariants.one_off_started(&self.cloud, self.now);
        Event::OneOffStarted { purpose: one_off.purpose, attempt: one_off.attempt, task }
    }

    /// How late ECS shows what it has done.
    fn lag(&self) -> u64 {
        self.plan.below(self.plan.odds().delay_seconds_max.min(20))
    }

    /// Checks the service, and updates or creates it if it runs its previous revision.
    fn perform_roll_out(&mut self, id: &DeploymentId, roll_out: &RollOut) -> Option<Event> {
        let service = roll_out.service.clone();
        let address = (target_name(&roll_out.target), service.clone());
        let seen = self.look(&address);
        let primary = runs_there(&seen);
        let runs = primary.map(|primary| primary.revision.clone());
        if let Some(primary) = primary
            && primary.revision == roll_out.revision
            && !roll_out.restarts()
        {
            return Some(Event::RolloutStarted { service, rollout: primary.id.clone() });
        }
        let looks = !self.careless.never_looks;
        if looks && roll_out.knows_before() && runs != roll_out.before {
            return Some(Event::LeftAlone { seen });
        }
        if self.cloud.refuses(&address, self.now) {
            return Some(Event::RolloutRefused { service, reason: self.denied() });
        }
        let note = (id.clone(), address.clone());
        if let (None, Some(create)) = (&runs, &roll_out.create) {
            let before = self.cloud.notes.insert(note, Note { at: self.now, creates: true });
            if let Some(primary) = self.cloud.primary(&address) {
                // The same token is answered with the same service.
                return Some(match before {
                    Some(_) => Event::RolloutStarted { service, rollout: primary.id.clone() },
                    None => {
                        Event::RolloutRefused { service, reason: "it was not idempotent".into() }
                    }
                });
            }
            if self.cloud.services.get(&address).is_some_and(|known| known.draining) {
                let reason = "Unable to start a service that is still draining.".into();
                return Some(Event::RolloutRefused { service, reason });
            }
            self.cloud.create(address.clone(), None, create.desired_count, Breaker::Stop);
        } else if let Some(known) = self.cloud.notes.get(&note).copied()
            && !self.careless.keeps_no_notes
        {
            if let Some(rollout) = self.cloud.first_since(&address, known.at) {
                return Some(Event::RolloutStarted { service, rollout });
            }
            if roll_out.restarts() && self.now < known.at + WORKER_LIFE {
                return None;
            }
            self.cloud.notes.insert(note, Note { at: self.now, ..known });
        } else {
            self.cloud.notes.insert(note, Note { at: self.now, creates: false });
        }
        let (caller, fresh) = (Caller::Deployment(id.clone()), roll_out.restarts());
        let updated = self.cloud.update(&address, &roll_out.revision, fresh, caller, self.now);
        Some(match updated {
            Some((rollout, ticks)) => {
                self.schedule(ticks);
                Event::RolloutStarted { service, rollout }
            }
            None => Event::RolloutRefused { service, reason: "ServiceNotActiveException".into() },
        })
    }

    fn perform_roll_back(&mut self, id: &DeploymentId, roll_back: &RollBack) -> Event {
        let service = roll_back.service.clone();
        let address = (target_name(&roll_back.target), service.clone());
        let seen = self.look(&address);
        let primary = runs_there(&seen);
        match primary {
            _ if self.careless.never_looks_back => {}
            Some(primary) if primary.revision == roll_back.to => {
                let revision = roll_back.to.clone();
                return Event::RollbackStarted { service, revision, rollout: None };
            }
            Some(primary)
                if self.careless.never_looks
                    || roll_back.from.as_ref().is_none_or(|from| *from == primary.revision) => {}
            _ => return Event::LeftAlone { seen },
        }
        if self.cloud.refuses(&address, self.now) {
            let reason = self.denied();
            return Event::RollbackRefused { service, refusal: Refusal::Final, reason };
        }
        if let Way::StopRollout(rollout) = &roll_back.way {
            let primary = self.cloud.primary(&address);
            let ongoing =
                primary.is_some_and(|p| p.id == *rollout && p.progress == Progress::InProgress);
            if !ongoing {
                let reason = "the service deployment is not ongoing".to_owned();
                return Event::RollbackRefused { service, refusal: Refusal::RolloutIsOver, reason };
            }
        }
        let caller = Caller::Deployment(id.clone());
        match self.cloud.update(&address, &roll_back.to, false, caller, self.now) {
            Some((rollout, ticks)) => {
                self.schedule(ticks);
                Event::RollbackStarted {
                    service,
                    revision: roll_back.to.clone(),
                    rollout: Some(rollout),
                }
            }
            None => {
                let reason = "ServiceNotFoundException".to_owned();
                Event::RollbackRefused { service, refusal: Refusal::Final, reason }
            }
        }
    }

    /// Deletes a service that this deployment created and that was not updated since.
    fn perform_remove(
        &mut self,
        id: &DeploymentId,
        address: &Address,
        revision: Option<&Revision>,
    ) -> Event {
        let service = address.1.clone();
        let seen = self.look(address);
        let anything = self.careless.deletes_anything;
        let there = seen.found.as_ref().filter(|found| anything || !found.draining);
        let runs = there.and_then(Found::primary).map(|primary| primary.revision.clone());
        if runs.is_none() {
            return Event::Removed { service };
        }
        if !anything && revision.is_some() && runs.as_ref() != revision {
            return Event::LeftAlone { seen };
        }
        let note = self.cloud.notes.get(&(id.clone(), address.clone()));
        if !anything && !note.is_some_and(|note| note.creates) {
            let reason = "this deployment did not create it".to_owned();
            return Event::RollbackRefused { service, refusal: Refusal::NotCreated, reason };
        }
        if self.cloud.refuses(address, self.now) {
            let reason = self.denied();
            return Event::RollbackRefused { service, refusal: Refusal::Final, reason };
        }
        let ticks = self.cloud.delete(address, Caller::Deployment(id.clone()), self.now);
        self.schedule(ticks);
        Event::Removed { service }
    }

    /// How AWS says no.
    fn denied(&self) -> String {
        let words = if self.cloud.reasons_are_long { 400 } else { 1 };
        [DENIED; 1].repeat(words).join(" ")
    }

    fn look(&self, address: &Address) -> Observation {
        self.cloud.describe(address, self.now, Span::seconds(self.lag()), false)
    }

    /// The worst of what runs answers for all.
    fn perform_check(&self, id: &DeploymentId, url: &str, attempt: u32) -> Outcome {
        let system = self.systems.iter().find(|s| s.spec.application == id.place.application);
        let rules = system.and_then(|s| s.spec.environments.get(&id.place.environment));
        let Some(rules) = rules else { return Outcome::Passed };
        let running = self.cloud.running_in(&target_name(&rules.target));
        let answers =
            running.iter().map(|revision| self.cloud.behaviour_of(revision).check(url, attempt));
        answers.into_iter().find(|outcome| *outcome != Outcome::Passed).unwrap_or(Outcome::Passed)
    }
}

impl OneOffTask {
    /// The state of the task at this time.
    pub(crate) fn seen(&self, now: Time) -> Event {
        let Owner { purpose, attempt, .. } = self.owner;
        Event::OneOffSeen { purpose, attempt, task: self.id.clone(), end: self.end_at(now) }
    }

    /// What an event says about it.
    pub(crate) fn reported(&self, now: Time) -> Event {
        let Owner { purpose, attempt, .. } = self.owner;
        Event::OneOffReported { purpose, attempt, task: self.id.clone(), end: self.end_at(now) }
    }

    fn end_at(&self, now: Time) -> Option<OneOffEnd> {
        self.ends.as_ref().filter(|(end, _)| *end <= now).map(|(_, end)| end.clone())
    }
}
