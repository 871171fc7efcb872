//! Rolling back: the touched services, in reverse order, to exactly what they ran.

use super::roll_out::not_ours;
use super::{Deployment, LOOK_EVERY, Said, Standing, State, VISIBLE_AFTER, WORKER_LIFE};
use crate::effect::{Effect, PutBack, Way};
use crate::event::Refusal;
use crate::names::{Revision, RolloutId, ServiceName};
use crate::spec::FirstDeploy;
use crate::time::{Span, Time};
use crate::verdict::Cause;
use crate::waits::WaitsFor;

/// So long an update that puts a service back may stay undone, or the last look at it unanswered, as
/// messages may be late.
pub(super) const WORKER_PATIENCE: Span = Span::minutes(15);

impl Deployment {
    /// Puts every touched service back, from the last wave to the first.
    pub(super) fn put_back(&mut self, cause: Cause, now: Time) {
        self.note(now, format!("Rolling back: {cause}."));
        self.mention_the_schema(now);
        self.turned_at.get_or_insert(now);
        let last = self.rules.waves.len().saturating_sub(1);
        self.put_back_wave(cause, now, last, now);
    }

    pub(super) fn put_back_wave(&mut self, cause: Cause, since: Time, from: usize, now: Time) {
        for wave in (0..=from).rev() {
            let open = self.named(|s| s.wave == wave && !s.is_back_or_given_up());
            if open.is_empty() {
                continue;
            }
            self.state = State::RollingBack { cause, since, wave, look_at: now + LOOK_EVERY };
            open.iter().for_each(|name| self.put_back_service(name, now));
            return self.continue_going_back(now);
        }
        self.settle(cause, now);
    }

    /// When the last worker that was let through before we turned round has certainly done its
    /// work, and ECS shows it.
    pub(super) fn undisturbed_from(&self) -> Time {
        let since = match (self.turned_at, &self.state) {
            (Some(turned_at), _) => turned_at,
            // An older version turned it round.
            (None, State::RollingBack { since, .. } | State::Settling { since, .. }) => *since,
            (None, _) => return Time::LAST,
        };
        since + WORKER_LIFE + VISIBLE_AFTER
    }

    /// Until when the way back of a service may take. It begins when AWS has taken the update, and
    /// is counted once: only a worker from before we turned round, which may undo what was put
    /// back, gives it more time. Whoever else keeps disturbing it gets none.
    pub(super) fn back_by(&mut self, name: &ServiceName, now: Time) -> Time {
        let timeout = self.timeout_of(name);
        let latest = self.undisturbed_from() + WORKER_PATIENCE + timeout;
        let Some(service) = self.service_mut(name) else { return now };
        let from_now = now + timeout.max(WORKER_PATIENCE);
        let back_by = service.back_by.map_or(from_now, |known| known.max(from_now.min(latest)));
        service.back_by = Some(back_by);
        back_by
    }

    /// As `back_by`, while no worker has answered: it is our own delay.
    fn answered_by(&self, name: &ServiceName, now: Time) -> Time {
        let service = self.services.iter().find(|service| service.name == *name);
        let patience = self.timeout_of(name).max(WORKER_PATIENCE);
        service.and_then(|service| service.back_by).unwrap_or(now + patience)
    }

    pub(super) fn put_back_service(&mut self, name: &ServiceName, now: Time) {
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
                service.standing = Standing::Removing { deadline, refused: None };
                service.visible_from = None;
                self.note(
                    now,
                    format!("Deleting {name}: it did not exist before this deployment."),
                );
                let (service, revision) = (name.clone(), Some(revision));
                self.ask(Effect::Remove { target, service, revision }, now);
            } else {
                service.standing = Standing::Left;
                self.note(now, format!("{name} has no previous revision and stays as it is."));
            }
            return;
        };
        if service.after == to {
            // Fresh tasks of the same revision: it runs what it ran.
            service.standing = Standing::PutBack;
            return;
        }
        let refused = None;
        let way = match (&service.standing, &service.rollout) {
            // ECS is doing it. Its time begins now: a migration may have been undone before.
            (Standing::PuttingBack { by_ecs: true, waiting, .. }, _) => {
                let waiting = waiting.clone();
                let deadline = *service.back_by.get_or_insert(by_ecs_until);
                service.standing =
                    Standing::PuttingBack { deadline, waiting, by_ecs: true, refused };
                return;
            }
            (Standing::Updating { .. }, Some(rollout)) => Way::StopRollout(rollout.clone()),
            _ => Way::Update,
        };
        let waiting = WaitsFor::Update;
        service.standing = Standing::PuttingBack { deadline, waiting, by_ecs: false, refused };
        service.visible_from = None;
        self.note(now, format!("Rolling {name} back to {}.", to.short()));
        self.ask(
            Effect::PutBack(Box::new(PutBack {
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

    pub(super) fn put_back_started(
        &mut self,
        name: &ServiceName,
        revision: Revision,
        rollout: Option<RolloutId>,
        now: Time,
    ) -> Said {
        let back_by = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        let is_answered = service.visible_from.is_some();
        let Standing::PuttingBack { waiting, deadline, .. } = &mut service.standing else {
            return Said::Ignored(format!("{name} is not being rolled back"));
        };
        if !is_answered {
            *deadline = *service.back_by.get_or_insert(back_by);
        }
        let may_be_back = *waiting == WaitsFor::UpdateThoughBack;
        *waiting = WaitsFor::FirstTasks;
        service.visible_from = service.visible_from.or(Some(now + VISIBLE_AFTER));
        service.rollout = rollout;
        service.other_rollouts.clear();
        let new = revision.short().to_owned();
        let before = service.before.replace(revision);
        if let Some(gone) = before.as_ref().map(Revision::short).filter(|gone| *gone != new) {
            self.note(now, format!("{gone} was deregistered; it is registered again as {new}."));
        }
        // Where the update changed nothing, no event will tell that it is done.
        if may_be_back {
            self.look(vec![name.clone()], now);
        }
        Said::Done
    }

    pub(super) fn put_back_refused(
        &mut self,
        name: &ServiceName,
        refusal: Refusal,
        reason: String,
        now: Time,
    ) -> Said {
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        match (&service.standing, refusal) {
            // Only stopping our rollout is refused so; a copy of that answer comes after it was
            // forgotten, or after another way was taken.
            (Standing::PuttingBack { .. }, Refusal::RolloutIsOver)
                if service.rollout.is_some() && service.visible_from.is_none() =>
            {
                service.rollout = None;
                service.other_rollouts.clear();
                service.standing = Standing::Updated;
                let why = "has already ended; updating the service instead";
                self.note(now, format!("The rollout of {name} {why}."));
                self.put_back_service(name, now);
                Said::Done
            }
            (Standing::Removing { .. }, Refusal::NotCreated) => {
                service.standing = Standing::Left;
                self.note(now, format!("{name} stays as it is: {reason}."));
                self.continue_going_back(now);
                Said::Done
            }
            (Standing::PuttingBack { .. } | Standing::Removing { .. }, Refusal::Final) => {
                if let Standing::PuttingBack { refused, .. } | Standing::Removing { refused, .. } =
                    &mut service.standing
                {
                    refused.get_or_insert(reason);
                }
                // Perhaps it was never changed, or it is gone.
                self.look(vec![name.clone()], now);
                Said::Done
            }
            _ => Said::Ignored(format!("{name} is not being rolled back")),
        }
    }

    pub(super) fn removed(&mut self, name: &ServiceName, now: Time) -> Said {
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        if matches!(service.standing, Standing::Removing { .. }) {
            self.set_removed(name, now);
            self.continue_going_back(now);
        }
        Said::Done
    }

    pub(super) fn set_removed(&mut self, name: &ServiceName, now: Time) {
        let back_by = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return };
        service.standing = Standing::Removed;
        service.visible_from = Some(now + VISIBLE_AFTER);
        service.back_by.get_or_insert(back_by);
        self.keep_effects(now, |e| !matches!(e, Effect::Remove { service, .. } if service == name));
        self.note(now, format!("{name} is deleted."));
    }
}
