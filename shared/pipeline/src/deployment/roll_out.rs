//! Rolling out: wave by wave, each service to our revision, judged by what ECS shows.

use super::{Deployment, GRACE, LOOK_EVERY, Reply, Service, ServiceState, State, VISIBLE_AFTER};
use crate::doubt::Doubt;
use crate::effect::{Effect, RollOut};
use crate::names::{Revision, RolloutId, ServiceName};
use crate::observation::{Observation, Reading};
use crate::request::Kind;
use crate::task::Fault;
use crate::time::{Span, Time};
use crate::verdict::{Cause, SupersededBy, Verdict, list};
use crate::waits::WaitsFor;

impl Deployment {
    /// Updates the services of `wave`, or of the next one that has something to update.
    pub(super) fn roll_out(&mut self, wave: usize, now: Time) {
        let waves = self.rules.waves.len();
        for wave in wave..waves {
            let chosen = |service: &Service| service.wave == wave && !service.is_unchanged();
            let services = self.named(chosen);
            if !services.is_empty() {
                self.note(now, format!("Updating {}.", list(&services)));
                let deadlines = services.iter().map(|name| now + self.timeout_of(name));
                let first = deadlines.min().unwrap_or(now);
                self.state = State::RollingOut { wave, look_at: first.min(now + LOOK_EVERY) };
                services.iter().for_each(|name| self.update(name, now));
                return;
            }
        }
        for service in self.services.iter_mut().filter(|service| service.is_unchanged()) {
            service.state = ServiceState::Updated;
            // It is not about to be created: if it does not exist, it was deleted.
            service.visible_from = Some(now);
        }
        self.begin_checks(now);
    }

    fn update(&mut self, name: &ServiceName, now: Time) {
        let deadline = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return };
        let waiting = WaitsFor::Update;
        service.state = ServiceState::Updating { deadline, waiting };
        service.visible_from = None;
        self.ask_for_update(name, now);
    }

    fn ask_for_update(&mut self, name: &ServiceName, now: Time) {
        let Some(spec) = self.rules.services().map(|(_, s)| s).find(|s| s.name == *name).cloned()
        else {
            return;
        };
        let target = self.rules.target.clone();
        let Some(service) = self.service_mut(name) else { return };
        let roll_out = RollOut {
            target,
            service: name.clone(),
            before: service.before.clone(),
            revision: service.after.clone(),
            create: spec.create.filter(|_| service.before.is_none()),
            fresh: service.fresh,
            container: spec.container,
        };
        self.ask(Effect::RollOut(Box::new(roll_out)), now);
    }

    pub(super) fn rollout_started(
        &mut self,
        name: &ServiceName,
        rollout: RolloutId,
        now: Time,
    ) -> Reply {
        let timeout = self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        service.began(rollout);
        let is_first = service.visible_from.is_none();
        if is_first {
            service.visible_from = Some(now + VISIBLE_AFTER);
        }
        if let ServiceState::Updating { waiting, deadline } = &mut service.state {
            *waiting = WaitsFor::FirstTasks;
            // A late worker takes nothing from the time of the release.
            if is_first && now + timeout > *deadline + VISIBLE_AFTER {
                *deadline = now + timeout;
            }
        }
        Reply::Done
    }

    pub(super) fn rollout_refused(
        &mut self,
        name: ServiceName,
        reason: String,
        now: Time,
    ) -> Reply {
        let Some(service) = self.service_mut(&name) else { return not_ours(&name) };
        if !matches!(service.state, ServiceState::Updating { .. }) {
            return Reply::Ignored(format!("{name} is not being updated"));
        }
        self.note(now, format!("{name} could not be updated: {reason}."));
        self.start_rollback(Cause::RolloutRefused { service: name, reason }, now);
        Reply::Done
    }

    /// Processes what ECS shows while our revision is being rolled out or is rolled out.
    pub(super) fn observed(&mut self, observations: &[Observation], now: Time) -> Reply {
        let mut said = Reply::Ignored("nothing new".into());
        for observation in observations {
            // An earlier one may have started a rollback.
            if !self.is_going_forward() {
                break;
            }
            match self.observed_one(observation, now) {
                Reply::Ignored(_) if said == Reply::Done => {}
                other => said = other,
            }
        }
        said
    }

    fn observed_one(&mut self, observation: &Observation, now: Time) -> Reply {
        let name = &observation.service;
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        if service.state == ServiceState::Untouched {
            let Some(revision) = service.taken_over_before(observation) else {
                return Reply::Ignored(format!("{name} is not updated yet"));
            };
            self.taken_over(name.clone(), revision, now);
            return Reply::Done;
        }
        if !service.seen(observation) {
            return Reply::Ignored(format!("an older observation of {name}"));
        }
        let is_unchanged = service.is_unchanged();
        let reading = observation.read(service.wants_after());
        let fault = service.fault(observation.trouble());
        let service = name.clone();
        match reading {
            Reading::Done => self.service_is_up(&service, observation.seen_at, now),
            Reading::Underway { waiting } => self.service_waits(&service, waiting, now),
            Reading::Failed { reason } if is_unchanged => {
                self.doubted(&service, Doubt::Failed { reason }, observation.seen_at, now);
            }
            Reading::Failed { reason } => {
                self.start_rollback(Cause::RolloutFailed { service, reason, fault }, now);
            }
            Reading::Returned { reason, to } => {
                self.returned_by_ecs(service, &to, reason, fault, now);
            }
            Reading::Replaced { revision } => self.replaced(service, revision, now),
            Reading::TakenOver { revision } => {
                self.taken_over(service, Some(revision), now);
            }
            Reading::Gone => {
                self.taken_over(service, None, now);
            }
        }
        Reply::Done
    }

    /// The service was updated outside Slipway, so any further action might be unwanted.
    fn taken_over(&mut self, service: ServiceName, revision: Option<Revision>, now: Time) {
        let others = self.named(|other| other.touched() && other.name != service);
        if !others.is_empty() {
            self.note(
                now,
                format!("No service is rolled back: {} stay as they are.", list(others)),
            );
        }
        self.end(
            Verdict::Superseded { by: SupersededBy::OutsideUpdate { service, revision } },
            now,
        );
    }

    fn service_is_up(&mut self, name: &ServiceName, seen_at: Time, now: Time) {
        let Some(service) = self.service_mut(name) else { return };
        if let ServiceState::Updating { .. } = service.state {
            service.state = ServiceState::Updated;
            service.visible_from = service.visible_from.or(Some(now + VISIBLE_AFTER));
            let revision = service.after.short().to_owned();
            self.keep_effects(now, |e| !matches!(e, Effect::RollOut(r) if r.service == *name));
            self.note(now, format!("{name} is stable on {revision}."));
        }
        match self.state {
            State::RollingOut { wave, .. } => {
                let open = self.named(|s| matches!(s.state, ServiceState::Updating { .. }));
                if open.is_empty() {
                    self.roll_out(wave + 1, now);
                }
            }
            State::Confirming { .. } => self.confirmed_service(name, seen_at, now),
            _ => {}
        }
    }

    fn service_waits(&mut self, name: &ServiceName, waiting: WaitsFor, now: Time) {
        let waiting = waiting.shortened();
        let Some(service) = self.service_mut(name) else { return };
        let fault = service.fault(waiting.trouble());
        let ServiceState::Updating { deadline, waiting: known } = &mut service.state else {
            return self.not_stable_yet(name, waiting, now);
        };
        let overdue = now >= *deadline;
        known.clone_from(&waiting);
        if overdue {
            let service = name.clone();
            return self.start_rollback(Cause::RolloutTimedOut { service, waiting, fault }, now);
        }
        // The progress of a rollout is no news; a problem is.
        if waiting.trouble().is_some() && service.is_news(&waiting) {
            self.note(now, format!("{name}: {waiting}."));
        }
    }

    /// It runs another revision: ECS has rolled it back, or it was updated outside Slipway. ECS is
    /// asked. Without an answer it counts as updated outside Slipway: a rollback of the others might
    /// be unwanted.
    fn replaced(&mut self, name: ServiceName, revision: Revision, now: Time) {
        let Some(service) = self.services.iter_mut().find(|service| service.name == name) else {
            return;
        };
        let passed = match (&mut service.state, &mut self.state) {
            // It is rolled back already, by whomever.
            _ if service.before.as_ref() == Some(&revision) => None,
            (ServiceState::Updating { deadline, waiting }, _) => {
                *waiting = WaitsFor::ReturnReason;
                Some(*deadline)
            }
            (_, State::Confirming { deadline, unseen, .. }) if now >= *deadline => {
                unseen.insert(name.clone());
                Some(*deadline)
            }
            _ => None,
        };
        if passed.is_some_and(|deadline| now >= deadline + GRACE) {
            return self.taken_over(name, Some(revision), now);
        }
        self.ask_for_return(&name, now);
        if passed.is_none() {
            self.service_waits(&name, WaitsFor::ReturnReason, now);
        }
    }

    fn returned_by_ecs(
        &mut self,
        name: ServiceName,
        to: &Revision,
        reason: String,
        fault: Option<Fault>,
        now: Time,
    ) {
        self.roll_back_by_ecs(&name, to, &reason, now);
        self.start_rollback(Cause::ReturnedByEcs { service: name, reason, fault }, now);
    }

    /// ECS rolls the service back on its own, to the last revision that had become stable: perhaps
    /// not to the one before.
    pub(super) fn roll_back_by_ecs(
        &mut self,
        name: &ServiceName,
        to: &Revision,
        reason: &str,
        now: Time,
    ) {
        let deadline = now + self.timeout_of(name);
        let mut cut_short = None;
        if let Some(service) = self.service_mut(name) {
            if *to != service.after {
                let before = service.before.replace(to.clone());
                cut_short = before.filter(|before| before != to);
            }
            let waiting = WaitsFor::RollbackByEcs;
            let refused = None;
            service.state = ServiceState::RollingBack { deadline, waiting, by_ecs: true, refused };
            service.visible_from = Some(now + VISIBLE_AFTER);
            service.rollout = None;
            service.other_rollouts.clear();
        }
        // ECS chose it; it is not the known good one.
        if let (Some(_), Some(left)) = (&cut_short, &mut self.last_known) {
            left.revisions.remove(name);
        }
        let past = cut_short.map_or_else(String::new, |before| {
            let (before, to) = (before.short(), to.short());
            format!(" to {to} (not to {before}, which had not become stable)")
        });
        self.note(now, format!("ECS is rolling {name} back{past}: {reason}."));
    }

    pub(super) fn woken_rolling_out(&mut self, now: Time) -> Reply {
        let State::RollingOut { look_at, .. } = &self.state else {
            return Reply::Ignored("not rolling out".into());
        };
        if now < *look_at {
            return Reply::Ignored("woken early".into());
        }
        // A record that was woken late asks ECS first: the service may have become stable
        // meanwhile.
        let overslept = now >= *look_at + GRACE;
        let mut next = now + LOOK_EVERY;
        let mut open = Vec::new();
        let mut not_asked = Vec::new();
        for service in &self.services {
            let ServiceState::Updating { deadline, waiting, .. } = &service.state else { continue };
            if service.rollout.is_none() && !self.asks_for_update(&service.name) {
                not_asked.push(service.name.clone());
            }
            let patience = if *waiting == WaitsFor::ReturnReason { GRACE + GRACE } else { GRACE };
            if now >= *deadline + patience && !overslept {
                let fault = service.fault(waiting.trouble());
                // Tasks that were missing before the deadline may have started since.
                let is_known = !waiting.lacks_tasks() || service.seen_at >= *deadline;
                let waiting = if is_known { waiting.clone() } else { WaitsFor::Look };
                let service = service.name.clone();
                self.start_rollback(Cause::RolloutTimedOut { service, waiting, fault }, now);
                return Reply::Done;
            }
            // At the deadline ECS is asked once more: the event that said "done" may be lost.
            next = next.min(if now < *deadline { *deadline } else { now + GRACE });
            open.push(service.name.clone());
        }
        if let State::RollingOut { look_at, .. } = &mut self.state {
            *look_at = next;
        }
        self.look(open, now);
        // A worker left it unchanged because of a state that has passed.
        not_asked.iter().for_each(|name| self.ask_for_update(name, now));
        Reply::Done
    }

    fn asks_for_update(&self, name: &ServiceName) -> bool {
        self.outbox.waits_for(|effect| matches!(effect, Effect::RollOut(r) if r.service == *name))
    }

    pub(super) fn timeout_of(&self, name: &ServiceName) -> Span {
        let spec = self.rules.services().map(|(_, s)| s).find(|s| s.name == *name);
        spec.map_or(Span::minutes(10), |s| s.timeout)
    }

    fn is_going_forward(&self) -> bool {
        matches!(
            self.state,
            State::RollingOut { .. }
                | State::Checking { .. }
                | State::Baking { .. }
                | State::Confirming { .. }
        )
    }

    /// Whether this deployment is itself a manual rollback.
    pub(super) fn is_manual_rollback(&self) -> bool {
        matches!(self.request.kind, Kind::ManualRollback(_))
    }
}

pub(super) fn not_ours(name: &ServiceName) -> Reply {
    Reply::Ignored(format!("service {name} is not part of this deployment"))
}
