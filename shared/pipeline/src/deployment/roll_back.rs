//! Rolling back: the touched services, in reverse order, to exactly what they ran.

use super::roll_out::not_ours;
use super::timeline::shorten;
use super::{
    AfterUndo, Deployment, GRACE, Intent, LOOK_EVERY, LOOK_SOON, Said, Schema, Service, Standing,
    State, VISIBLE_AFTER, WORKER_LIFE,
};
use crate::effect::{Effect, PutBack, Way};
use crate::event::Refusal;
use crate::names::{Revision, RolloutId, ServiceName};
use crate::notice::News;
use crate::observation::{Observation, Reading};
use crate::spec::{FirstDeploy, RollbackPolicy};
use crate::time::Time;
use crate::verdict::{Cause, Usurper, Verdict, list};

impl Deployment {
    /// Turns round because of `cause`, as the rollback policy says.
    pub(super) fn go_back(&mut self, cause: Cause, now: Time) {
        self.go_back_as_asked(cause, false, now);
    }

    /// Turns round; a person may ask for the migration to be undone whatever the policy says.
    pub(super) fn go_back_as_asked(&mut self, cause: Cause, undo: bool, now: Time) {
        match &self.state {
            // A migration is never cut short: what it leaves half done nobody can judge.
            State::Migrating { .. } => self.go_back_after_migration(cause, undo, now),
            State::Undoing { .. } | State::RollingBack { .. } | State::Settling { .. } => {}
            _ => self.turn_round(cause, undo, now),
        }
    }

    pub(super) fn turn_round(&mut self, cause: Cause, undo: bool, now: Time) {
        let by_person = matches!(cause, Cause::Person { .. });
        self.drop_all_but_announcements();
        let touched = self.named(Service::touched);
        if self.is_restore() {
            return self.restore_failed(cause, &touched, now);
        }
        let policy = self.rules.rollback;
        let can_undo = self.rules.migration.as_ref().is_some_and(|m| m.undo.is_some());
        let migrated = self.schema == Schema::Migrated;
        if migrated && policy == RollbackPolicy::Manual && !by_person {
            self.note(
                now,
                "The rollback policy is manual: everything stays for a person to decide.",
            );
            return self.end(Verdict::Failed { cause, left: touched }, now);
        }
        if migrated && can_undo && (undo || policy == RollbackPolicy::AfterUndo) {
            self.announce(News::GoingBack { cause: cause.to_string() }, now);
            return self.undo(AfterUndo::PutBack { cause }, now);
        }
        if touched.is_empty() {
            self.mention_the_schema(now);
            let verdict = match cause {
                Cause::Person { by, why } => Verdict::Cancelled { by, why },
                cause => Verdict::Failed { cause, left: vec![] },
            };
            return self.end(verdict, now);
        }
        self.announce(News::GoingBack { cause: cause.to_string() }, now);
        self.put_back(cause, now);
    }

    fn mention_the_schema(&mut self, now: Time) {
        if self.schema == Schema::Migrated {
            self.note(now, "The migration stays: what ran before now lives with the new schema.");
        }
    }

    fn go_back_after_migration(&mut self, cause: Cause, undo: bool, now: Time) {
        match &mut self.state {
            State::Migrating { intent: intent @ Intent::GoOn, .. } => {
                *intent = Intent::GoBack { cause, undo };
                self.note(now, "The migration is let to its end first.");
            }
            // The first cause stays; a person may still want the migration undone.
            State::Migrating { intent: Intent::GoBack { undo: wanted, .. }, .. } => *wanted |= undo,
            _ => {}
        }
    }

    /// A rollback by hand that fails has nowhere to go.
    fn restore_failed(&mut self, cause: Cause, touched: &[ServiceName], now: Time) {
        let verdict = if touched.is_empty() {
            Verdict::Failed { cause, left: vec![] }
        } else {
            let because = format!("the rollback itself failed; look at {}", list(touched));
            Verdict::Stuck { cause, because }
        };
        self.end(verdict, now);
    }

    /// Puts every touched service back, from the last wave to the first.
    pub(super) fn put_back(&mut self, cause: Cause, now: Time) {
        self.note(now, format!("Going back: {cause}."));
        self.mention_the_schema(now);
        let last = self.rules.waves.len().saturating_sub(1);
        self.put_back_wave(cause, now, last, now);
    }

    fn put_back_wave(&mut self, cause: Cause, since: Time, from: usize, now: Time) {
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

    fn put_back_service(&mut self, name: &ServiceName, now: Time) {
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
        let Some(service) = self.service_mut(name) else { return not_ours(name) };
        let Standing::PuttingBack { waiting, .. } = &mut service.standing else {
            return Said::Ignored(format!("{name} is not on its way back"));
        };
        *waiting = "for ECS to start tasks".into();
        service.visible_from = service.visible_from.or(Some(now + VISIBLE_AFTER));
        service.before = Some(revision);
        service.rollout = rollout;
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

    pub(super) fn observed_going_back(&mut self, observations: &[Observation], now: Time) -> Said {
        for observation in observations {
            let Some((reading, name)) = self.read_going_back(observation) else { continue };
            self.judge_going_back(&name, reading, observation.seen_at, now);
        }
        self.continue_going_back(now);
        Said::Done
    }

    /// Reads an observation of a service that should run what it ran before.
    fn read_going_back(&mut self, observation: &Observation) -> Option<(Reading, ServiceName)> {
        let service = self.service_mut(&observation.service)?;
        let on_its_way =
            matches!(service.standing, Standing::PuttingBack { .. } | Standing::PutBack);
        if !on_its_way || observation.seen_at < service.seen_at {
            return None;
        }
        service.seen_at = observation.seen_at;
        let before = service.before.clone()?;
        Some((observation.read(service.wants_before(&before)), service.name.clone()))
    }

    fn judge_going_back(&mut self, name: &ServiceName, reading: Reading, seen_at: Time, now: Time) {
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
                self.note(now, format!("Somebody else brought {name} to {}.", revision.short()));
            }
            (Reading::Gone, _) => {
                service.standing = Standing::TakenOver { revision: None };
                self.note(now, format!("Somebody deleted {name}."));
            }
            (Reading::Failed { reason } | Reading::Returned { reason }, _) => {
                self.give_up(name, format!("ECS could not bring it back: {reason}"), now);
            }
        }
    }

    /// A worker that was allowed to act before we turned round has only now updated the service.
    fn put_back_again(&mut self, name: &ServiceName, now: Time) {
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

    fn give_up(&mut self, name: &ServiceName, why: String, now: Time) {
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
        *look_at = now + LOOK_EVERY;
        let mut late = Vec::new();
        let mut open = Vec::new();
        for service in &self.services {
            match &service.standing {
                Standing::PuttingBack { deadline, .. } | Standing::Removing { deadline }
                    if now >= *deadline + GRACE =>
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

    /// One last look, when no worker from before can disturb any more.
    fn settle(&mut self, cause: Cause, went_back_at: Time, now: Time) {
        let unseen = self.named(|s| s.standing == Standing::PutBack);
        if unseen.is_empty() {
            return self.conclude_going_back(cause, now);
        }
        let since = now.max(went_back_at + WORKER_LIFE);
        let longest = unseen.iter().map(|name| self.timeout_of(name)).max().unwrap_or_default();
        let deadline = since + longest;
        let unseen = unseen.into_iter().collect();
        self.state = State::Settling { cause, since, unseen, look_at: since, deadline };
    }

    fn settled_service(&mut self, name: &ServiceName, seen_at: Time) {
        if let State::Settling { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
        }
    }

    fn settle_soon(&mut self, now: Time) {
        if let State::Settling { since, look_at, .. } = &mut self.state {
            *look_at = (now + LOOK_SOON).max(*since);
        }
    }

    pub(super) fn observed_settling(&mut self, observations: &[Observation], now: Time) -> Said {
        let State::Settling { cause, since, .. } = &self.state else {
            return Said::Ignored("not settling".into());
        };
        let (cause, went_back_at) = (cause.clone(), *since);
        for observation in observations {
            let Some((reading, name)) = self.read_going_back(observation) else { continue };
            self.judge_going_back(&name, reading, observation.seen_at, now);
        }
        let disturbed = self.services.iter().filter(|s| !s.is_back_or_given_up());
        if let Some(wave) = disturbed.map(|s| s.wave).max() {
            self.state =
                State::RollingBack { cause, since: went_back_at, wave, look_at: now + LOOK_EVERY };
            return Said::Done;
        }
        let still_back = self.named(|s| s.standing == Standing::PutBack);
        if let State::Settling { unseen, .. } = &mut self.state {
            unseen.retain(|name| still_back.contains(name));
            if unseen.is_empty() {
                self.conclude_going_back(cause, now);
            }
        }
        Said::Done
    }

    pub(super) fn woken_settling(&mut self, now: Time) -> Said {
        let State::Settling { unseen, look_at, deadline, .. } = &mut self.state else {
            return Said::Ignored("not settling".into());
        };
        if now < *look_at {
            return Said::Ignored("woken before its time".into());
        }
        let open: Vec<_> = unseen.iter().cloned().collect();
        if now >= *deadline + GRACE {
            let State::Settling { cause, .. } = self.state.clone() else { return Said::Done };
            for name in &open {
                self.give_up(name, "it did not come to rest in time".to_owned(), now);
            }
            self.conclude_going_back(cause, now);
            return Said::Done;
        }
        *look_at = now + LOOK_EVERY;
        self.look(open, now);
        Said::Done
    }

    fn conclude_going_back(&mut self, cause: Cause, now: Time) {
        let mut not_back = Vec::new();
        let mut taken_over = None;
        for service in &self.services {
            match &service.standing {
                Standing::NotPutBack { why } => not_back.push(format!("{} ({why})", service.name)),
                Standing::TakenOver { revision } => {
                    let (service, revision) = (service.name.clone(), revision.clone());
                    taken_over = Some(Usurper::Somebody { service, revision });
                }
                _ => {}
            }
        }
        let left = self.named(|s| s.standing == Standing::Left);
        let verdict = if !not_back.is_empty() {
            let because = format!("not put back: {}", not_back.join(", "));
            Verdict::Stuck { cause, because }
        } else if let Some(by) = taken_over {
            Verdict::Superseded { by }
        } else if !left.is_empty() {
            Verdict::Failed { cause, left }
        } else {
            Verdict::RolledBack { cause }
        };
        self.end(verdict, now);
    }
}
