//! Rolling back: the touched services, in reverse order, to exactly what they ran.

use super::roll_out::not_ours;
use super::{Deployment, LOOK_EVERY, Said, Standing, State, VISIBLE_AFTER};
use crate::effect::{Effect, PutBack, Way};
use crate::event::Refusal;
use crate::names::{Revision, RolloutId, ServiceName};
use crate::spec::FirstDeploy;
use crate::time::Time;
use crate::verdict::Cause;

impl Deployment {
    /// Puts every touched service back, from the last wave to the first.
    pub(super) fn put_back(&mut self, cause: Cause, now: Time) {
        self.note(now, format!("Going back: {cause}."));
        self.mention_the_schema(now);
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
        self.settle(cause, since, now);
    }

    pub(super) fn put_back_service(&mut self, name: &ServiceName, now: Time) {
        let deadline = now + self.timeout_of(name);
        let target = self.rules.target.clone();
        let first_deploy = self.rules.first_deploy;
        let Some(spec) = self.rules.services().map(|(_, s)| s).find(|s| s.name == *name).cloned()
        else {
            return;
        };
        let Some(service) = self.service_mut(name) else { return };
        let Some(to) = service.before.clone() else {
            if first_deploy == FirstDeploy::Remove {
                service.standing = Standing::Removing { deadline };
                self.note(now, format!("{name} did not exist before and is deleted again."));
                self.ask(Effect::Remove { target, service: name.clone() }, now);
            } else {
                service.standing = Standing::Left;
                self.note(now, format!("{name} has nothing to go back to and stays as it is."));
            }
            return;
        };
        if service.after == to {
            // Fresh tasks of the same revision: it runs what it ran.
            service.standing = Standing::PutBack;
            return;
        }
        let way = match (&service.standing, &service.rollout) {
            // ECS is doing it. Its time begins now: a migration may have been undone before.
            (Standing::PuttingBack { by_ecs: true, waiting, .. }, _) => {
                let waiting = waiting.clone();
                service.standing = Standing::PuttingBack { deadline, waiting, by_ecs: true };
                return;
            }
            (Standing::Updating { .. }, Some(rollout)) => Way::StopRollout(rollout.clone()),
            _ => Way::Update,
        };
        let waiting = "for AWS to take the update".to_owned();
        service.standing = Standing::PuttingBack { deadline, waiting, by_ecs: false };
        service.visible_from = None;
        self.note(now, format!("Putting {name} back to {}.", to.short()));
        self.ask(
            Effect::PutBack(Box::new(PutBack {
                target,
                service: name.clone(),
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
        let deadline = now + self.timeout_of(name);
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        // The old revision had to be registered again, and was seen before its worker could say so.
        if service.standing == (Standing::TakenOver { revision: Some(revision.clone()) }) {
            let waiting = String::new();
            service.standing = Standing::PuttingBack { deadline, waiting, by_ecs: false };
        }
        let Standing::PuttingBack { waiting, .. } = &mut service.standing else {
            return Said::Ignored(format!("{name} is not on its way back"));
        };
        *waiting = "for ECS to start tasks".into();
        service.visible_from = service.visible_from.or(Some(now + VISIBLE_AFTER));
        service.rollout = rollout;
        let new = revision.short().to_owned();
        let before = service.before.replace(revision);
        if let Some(gone) = before.as_ref().map(Revision::short).filter(|gone| *gone != new) {
            self.note(now, format!("{gone} was deregistered, and is registered again as {new}."));
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
                service.standing = Standing::Updated;
                let why = "is over and cannot be stopped; the service is updated instead";
                self.note(now, format!("The rollout of {name} {why}."));
                self.put_back_service(name, now);
                Said::Done
            }
            (Standing::PuttingBack { .. } | Standing::Removing { .. }, Refusal::Final) => {
                self.give_up(name, reason, now);
                self.continue_going_back(now);
                Said::Done
            }
            _ => Said::Ignored(format!("{name} is not on its way back")),
        }
    }

    pub(super) fn removed(&mut self, name: &ServiceName, now: Time) -> Said {
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        if matches!(service.standing, Standing::Removing { .. }) {
            service.standing = Standing::Removed;
            self.note(now, format!("{name} is deleted."));
            self.continue_going_back(now);
        }
        Said::Done
    }
}
