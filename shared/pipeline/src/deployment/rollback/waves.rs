//! Rolling back: the changed services, in reverse order, to exactly their previous revisions.

use crate::deployment::roll_out::not_ours;
use crate::deployment::{
    Deployment, LOOK_EVERY, Reply, ServiceState, State, VISIBLE_AFTER, WORKER_LIFE,
};
use crate::effect::{Effect, RollBack, Way};
use crate::event::Refusal;
use crate::names::{Revision, RolloutId, ServiceName};
use crate::spec::FirstDeploy;
use crate::time::{Span, Time};
use crate::verdict::Cause;
use crate::waits::WaitsFor;

/// How long an update that rolls a service back may stay unanswered, or its last observation,
/// because messages may be late.
pub(in crate::deployment) const WORKER_PATIENCE: Span = Span::minutes(15);

impl Deployment {
    /// Rolls back every changed service, from the last wave to the first.
    pub(in crate::deployment) fn roll_back(&mut self, cause: Cause, now: Time) {
        self.note(now, format!("Rolling back: {cause}."));
        self.mention_the_schema(now);
        self.rollback_since.get_or_insert(now);
        let last = self.rules.waves.len().saturating_sub(1);
        self.roll_back_wave(cause, now, last, now);
    }

    pub(in crate::deployment) fn roll_back_wave(
        &mut self,
        cause: Cause,
        since: Time,
        from: usize,
        now: Time,
    ) {
        for wave in (0..=from).rev() {
            let open = self.named(|s| s.wave == wave && !s.is_back_or_given_up());
            if open.is_empty() {
                continue;
            }
            self.state = State::RollingBack { cause, since, wave, look_at: now + LOOK_EVERY };
            open.iter().for_each(|name| self.roll_back_service(name, now));
            return self.continue_rollback(now);
        }
        self.verify_rollback(cause, now);
    }

    /// When the last worker that was permitted before the rollback started is certainly done, and
    /// ECS shows its update.
    pub(in crate::deployment) fn undisturbed_from(&self) -> Time {
        let since = match (self.rollback_since, &self.state) {
            (Some(rollback_since), _) => rollback_since,
            // An older version started the rollback.
            (None, State::RollingBack { since, .. } | State::VerifyingRollback { since, .. }) => {
                *since
            }
            (None, _) => return Time::LAST,
        };
        since + WORKER_LIFE + VISIBLE_AFTER
    }

    /// The deadline for the rollback of a service. Its time starts when AWS has accepted the
    /// update, and only once: a worker that was permitted before the rollback started, and may
    /// revert it, gives it more time. Updates outside Slipway do not.
    pub(in crate::deployment) fn back_by(&mut self, name: &ServiceName, now: Time) -> Time {
        let timeout = self.timeout_of(name);
        let latest = self.undisturbed_from() + WORKER_PATIENCE + timeout;
        let Some(service) = self.service_mut(name) else { return now };
        let from_now = now + timeout.max(WORKER_PATIENCE);
        let back_by = service.back_by.map_or(from_now, |known| known.max(from_now.min(latest)));
        service.back_by = Some(back_by);
        back_by
    }

    /// Like `back_by`, while no worker has answered: the delay is Slipway's own.
    fn answered_by(&self, name: &ServiceName, now: Time) -> Time {
        let service = self.services.iter().find(|service| service.name == *name);
        let patience = self.timeout_of(name).max(WORKER_PATIENCE);
        service.and_then(|service| service.back_by).unwrap_or(now + patience)
    }

    pub(in crate::deployment) fn roll_back_service(&mut self, name: &ServiceName, now: Time) {
        let deadline = self.answered_by(name, now);
        let by_ecs_until = now + self.timeout_of(name);
        let target = self.rules.target.clone();
        let first_deploy = self.rules.first_deploy;
        let Some(spec) = self.rules.services().map(|(_, s)| s).find(|s| s.name == *name).cloned()
        else {
            return;
        };
        let Some(service) = self.service_mut(name) else { return };
        let revision = service.after.clone();
        let Some(to) = service.before.clone() else {
            if first_deploy == FirstDeploy::Remove {
                service.state = ServiceState::Deleting { deadline, refused: None };
                service.visible_from = None;
                self.note(
                    now,
                    format!("Deleting {name}: it did not exist before this deployment."),
                );
                let (service, revision) = (name.clone(), Some(revision));
                self.ask(Effect::Remove { target, service, revision }, now);
            } else {
                service.state = ServiceState::Kept;
                self.note(now, format!("{name} has no previous revision and stays as it is."));
            }
            return;
        };
        if service.after == to {
            // New tasks of the same revision: it runs its previous revision.
            service.state = ServiceState::RolledBack;
            return;
        }
        let refused = None;
        let way = match (&service.state, &service.rollout) {
            // ECS rolls it back. Its time starts now: a migration may have been undone before.
            (ServiceState::RollingBack { by_ecs: true, waiting, .. }, _) => {
                let waiting = waiting.clone();
                let deadline = *service.back_by.get_or_insert(by_ecs_until);
                service.state =
                    ServiceState::RollingBack { deadline, waiting, by_ecs: true, refused };
                return;
            }
            (ServiceState::Updating { .. }, Some(rollout)) => Way::StopRollout(rollout.clone()),
            _ => Way::Update,
        };
        let waiting = WaitsFor::Update;
        service.state = ServiceState::RollingBack { deadline, waiting, by_ecs: false, refused };
        service.visible_from = None;
        self.note(now, format!("Rolling {name} back to {}.", to.short()));
        self.ask(
            Effect::RollBack(Box::new(RollBack {
                target,
                service: name.clone(),
                from: Some(revision),
                to,
                way,
                container: spec.container,
            })),
            now,
        );
    }

    pub(in crate::deployment) fn rollback_started(
        &mut self,
        name: &ServiceName,
        revision: Revision,
        rollout: Option<RolloutId>,
        now: Time,
    ) -> Reply {
        let back_by = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        let is_answered = service.visible_from.is_some();
        let ServiceState::RollingBack { waiting, deadline, by_ecs, .. } = &mut service.state else {
            return Reply::Ignored(format!("{name} is not being rolled back"));
        };
        *by_ecs = false;
        if !is_answered {
            *deadline = *service.back_by.get_or_insert(back_by);
        }
        let may_be_back = *waiting == WaitsFor::UpdateThoughBack;
        *waiting = WaitsFor::FirstTasks;
        service.visible_from = service.visible_from.or(Some(now + VISIBLE_AFTER));
        service.rollout = rollout;
        service.other_rollouts.clear();
        let new = revision.short().to_owned();
        let was_dropped = service.dropped_rollback_to.take().as_ref() == Some(&revision);
        let before = service.before.replace(revision).filter(|_| !was_dropped);
        if let Some(gone) = before.as_ref().map(Revision::short).filter(|gone| *gone != new) {
            self.note(now, format!("{gone} was deregistered; it is registered again as {new}."));
        }
        // If the update changed nothing, no event will report its end.
        if may_be_back {
            self.look(vec![name.clone()], now);
        }
        Reply::Done
    }

    pub(in crate::deployment) fn rollback_refused(
        &mut self,
        name: &ServiceName,
        refusal: Refusal,
        reason: String,
        now: Time,
    ) -> Reply {
        let is_updated_instead = self.outbox.waits_for(|effect| {
            let Effect::RollBack(back) = effect else { return false };
            back.service == *name && back.way == Way::Update
        });
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        match (&service.state, refusal) {
            // AWS rejects only stopping our rollout like this; a copy of that answer arrives late,
            // or after another action was chosen.
            (ServiceState::RollingBack { .. }, Refusal::RolloutIsOver)
                if service.rollout.is_some()
                    && service.visible_from.is_none()
                    && !is_updated_instead =>
            {
                service.state = ServiceState::Updated;
                let why = "has already ended; updating the service instead";
                self.note(now, format!("The rollout of {name} {why}."));
                self.roll_back_service(name, now);
                Reply::Done
            }
            (ServiceState::Deleting { .. }, Refusal::NotCreated) => {
                service.state = ServiceState::Kept;
                self.note(now, format!("{name} stays as it is: {reason}."));
                self.continue_rollback(now);
                Reply::Done
            }
            (ServiceState::RollingBack { .. } | ServiceState::Deleting { .. }, Refusal::Final) => {
                if let ServiceState::RollingBack { refused, .. }
                | ServiceState::Deleting { refused, .. } = &mut service.state
                {
                    refused.get_or_insert(reason);
                }
                // It may never have been changed, or it was deleted.
                self.look(vec![name.clone()], now);
                Reply::Done
            }
            _ => Reply::Ignored(format!("{name} is not being rolled back")),
        }
    }

    pub(in crate::deployment) fn removed(&mut self, name: &ServiceName, now: Time) -> Reply {
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        if matches!(service.state, ServiceState::Deleting { .. }) {
            self.set_removed(name, now);
            self.continue_rollback(now);
        }
        Reply::Done
    }

    pub(in crate::deployment) fn set_removed(&mut self, name: &ServiceName, now: Time) {
        let back_by = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return };
        service.state = ServiceState::Deleted;
        service.visible_from = Some(now + VISIBLE_AFTER);
        service.back_by.get_or_insert(back_by);
        self.keep_effects(now, |e| !matches!(e, Effect::Remove { service, .. } if service == name));
        self.note(now, format!("{name} is deleted."));
    }
}
