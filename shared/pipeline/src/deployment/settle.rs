//! Settling: one last look before anything is called rolled back.

use super::going_back::UNHEARD;
use super::roll_back::WORKER_PATIENCE;
use super::{Deployment, FRESH, GRACE, LOOK_EVERY, LOOK_SOON, Said, Service, Standing, State};
use crate::names::ServiceName;
use crate::observation::Observation;
use crate::time::Time;
use crate::verdict::{Cause, Usurper, Verdict};

impl Deployment {
    /// One last look, when no worker from before can disturb any more.
    pub(super) fn settle(&mut self, cause: Cause, now: Time) {
        if let Some(wave) = self.disturbed_wave() {
            return self.go_back_to_wave(wave, cause, now);
        }
        let unseen = self.named(Service::is_looked_at_last);
        if unseen.is_empty() {
            return self.conclude_going_back(cause, now);
        }
        let since = now.max(self.undisturbed_from());
        // What was given up has had its time, and is asked for once.
        let back = self.named(Service::is_back);
        let longest = back.iter().map(|name| self.timeout_of(name)).max().unwrap_or_default();
        let deadline = since + longest;
        let unseen = unseen.into_iter().collect();
        self.state = State::Settling { cause, since, unseen, look_at: since, deadline };
    }

    /// The last wave in which a service is on its way back once more.
    fn disturbed_wave(&self) -> Option<usize> {
        self.services.iter().filter(|s| !s.is_back_or_given_up()).map(|s| s.wave).max()
    }

    fn go_back_to_wave(&mut self, wave: usize, cause: Cause, now: Time) {
        let since = self.turned_at.unwrap_or(now);
        self.state = State::RollingBack { cause, since, wave, look_at: now + LOOK_EVERY };
    }

    pub(super) fn settled_service(&mut self, name: &ServiceName, seen_at: Time) {
        if let State::Settling { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
        }
    }

    /// A service that was back is not at rest. Whatever was seen of it before is not so any more.
    pub(super) fn not_settled(&mut self, name: &ServiceName, now: Time) {
        if let State::Settling { since, unseen, look_at, .. } = &mut self.state {
            unseen.insert(name.clone());
            *look_at = (now + LOOK_SOON).max(*since);
        }
    }

    pub(super) fn observed_settling(&mut self, observations: &[Observation], now: Time) -> Said {
        let State::Settling { cause, .. } = &self.state else {
            return Said::Ignored("not verifying the rollback".into());
        };
        let cause = cause.clone();
        for observation in observations {
            let Some((reading, name)) = self.read_going_back(observation) else { continue };
            self.judge_going_back(&name, reading, observation.seen_at, now);
        }
        if let Some(wave) = self.disturbed_wave() {
            self.go_back_to_wave(wave, cause, now);
            return Said::Done;
        }
        let open = self.named(Service::is_looked_at_last);
        let stale = self.back_and_stale(now);
        if let State::Settling { unseen, .. } = &mut self.state {
            unseen.retain(|name| open.contains(name));
            if unseen.is_empty() && stale.is_empty() {
                self.conclude_going_back(cause, now);
            } else if unseen.is_empty() {
                // Looks at single services may lie far apart; the verdict is about all at once.
                unseen.extend(stale.iter().cloned());
                self.look(stale, now);
            }
        }
        Said::Done
    }

    pub(super) fn woken_settling(&mut self, now: Time) -> Said {
        let stale = self.back_and_stale(now);
        let State::Settling { cause, unseen, look_at, deadline, .. } = &mut self.state else {
            return Said::Ignored("not verifying the rollback".into());
        };
        if now < *look_at {
            return Said::Ignored("woken early".into());
        }
        let cause = cause.clone();
        unseen.extend(stale.iter().cloned());
        let open: Vec<_> = unseen.iter().cloned().collect();
        // A lost look says nothing against a service.
        let patience = if stale.is_empty() { GRACE } else { WORKER_PATIENCE };
        let is_over = now >= *deadline + patience && now < *look_at + GRACE;
        *look_at = now + LOOK_EVERY;
        if !is_over {
            self.look(open, now);
            return Said::Done;
        }
        // What was seen since its deletion and is no trouble is being deleted, however long.
        let mut restless = self.named(Service::is_back);
        restless.retain(|name| open.contains(name) && !self.is_being_deleted(name));
        for name in &restless {
            let why = if stale.contains(name) { UNHEARD } else { "it was not stable in time" };
            self.give_up(name, why.to_owned(), now);
        }
        self.conclude_going_back(cause, now);
        Said::Done
    }

    /// The services that were back when they were seen last, and that was long ago.
    fn back_and_stale(&self, now: Time) -> Vec<ServiceName> {
        self.named(|service| service.is_back() && service.seen_at + FRESH < now)
    }

    fn is_being_deleted(&self, name: &ServiceName) -> bool {
        self.services.iter().any(|service| {
            service.name == *name
                && service.standing == Standing::Removed
                && service.visible_from.is_some_and(|from| service.seen_at >= from)
        })
    }

    pub(super) fn conclude_going_back(&mut self, cause: Cause, now: Time) {
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
            let because = format!("not rolled back: {}", not_back.join(", "));
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
