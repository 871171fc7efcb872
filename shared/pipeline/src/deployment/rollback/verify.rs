//! Verifying the rollback: one final observation of every service before the verdict.

use super::observed::UNHEARD;
use super::waves::WORKER_PATIENCE;
use crate::deployment::{
    Deployment, FRESH, GRACE, LOOK_EVERY, LOOK_SOON, Reply, Service, ServiceState, State,
};
use crate::names::ServiceName;
use crate::observation::Observation;
use crate::time::Time;
use crate::verdict::{Cause, SupersededBy, Verdict};

impl Deployment {
    /// The final observation, once no earlier worker can interfere.
    pub(in crate::deployment) fn verify_rollback(&mut self, cause: Cause, now: Time) {
        if let Some(wave) = self.disturbed_wave() {
            return self.return_to_wave(wave, cause, now);
        }
        let unseen = self.named(Service::is_looked_at_last);
        if unseen.is_empty() {
            return self.conclude_rollback(cause, now);
        }
        let since = now.max(self.undisturbed_from());
        // A service that was given up has had its time, and is observed once.
        let back = self.named(Service::is_back);
        let longest = back.iter().map(|name| self.timeout_of(name)).max().unwrap_or_default();
        let deadline = since + longest;
        let unseen = unseen.into_iter().collect();
        self.state = State::VerifyingRollback { cause, since, unseen, look_at: since, deadline };
    }

    /// The last wave in which a service is being rolled back again.
    fn disturbed_wave(&self) -> Option<usize> {
        self.services.iter().filter(|s| !s.is_back_or_given_up()).map(|s| s.wave).max()
    }

    fn return_to_wave(&mut self, wave: usize, cause: Cause, now: Time) {
        let since = self.rollback_since.unwrap_or(now);
        self.state = State::RollingBack { cause, since, wave, look_at: now + LOOK_EVERY };
    }

    pub(in crate::deployment) fn verified_service(&mut self, name: &ServiceName, seen_at: Time) {
        if let State::VerifyingRollback { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
        }
    }

    /// A service that was rolled back is not stable. Earlier observations of it no longer hold.
    pub(in crate::deployment) fn needs_another_look(&mut self, name: &ServiceName, now: Time) {
        if let State::VerifyingRollback { since, unseen, look_at, .. } = &mut self.state {
            unseen.insert(name.clone());
            *look_at = (*look_at).min(now + LOOK_SOON).max(*since);
        }
    }

    pub(in crate::deployment) fn observed_verifying(
        &mut self,
        observations: &[Observation],
        now: Time,
    ) -> Reply {
        let State::VerifyingRollback { cause, .. } = &self.state else {
            return Reply::Ignored("not verifying the rollback".into());
        };
        let cause = cause.clone();
        for observation in observations {
            let Some((reading, name)) = self.read_rolling_back(observation) else { continue };
            self.judge_rolling_back(&name, reading, observation.seen_at, now);
        }
        if let Some(wave) = self.disturbed_wave() {
            self.return_to_wave(wave, cause, now);
            return Reply::Done;
        }
        let open = self.named(Service::is_looked_at_last);
        let stale = self.back_and_stale(now);
        if let State::VerifyingRollback { unseen, .. } = &mut self.state {
            unseen.retain(|name| open.contains(name));
            if unseen.is_empty() && stale.is_empty() {
                self.conclude_rollback(cause, now);
            } else if unseen.is_empty() {
                // Observations of single services may be far apart; the verdict is about all of
                // them at once.
                unseen.extend(stale.iter().cloned());
                self.look(stale, now);
            }
        }
        Reply::Done
    }

    pub(in crate::deployment) fn woken_verifying(&mut self, now: Time) -> Reply {
        let stale = self.back_and_stale(now);
        let State::VerifyingRollback { cause, unseen, look_at, deadline, .. } = &mut self.state
        else {
            return Reply::Ignored("not verifying the rollback".into());
        };
        if now < *look_at {
            return Reply::Ignored("woken early".into());
        }
        let cause = cause.clone();
        unseen.extend(stale.iter().cloned());
        let open: Vec<_> = unseen.iter().cloned().collect();
        let (deadline, overslept) = (*deadline, now >= *look_at + GRACE);
        *look_at = now + LOOK_EVERY;
        let is_over = now >= self.given_up_from(&stale, deadline) && !overslept;
        if !is_over {
            self.look(open, now);
            return Reply::Done;
        }
        // A service that was seen since its deletion without trouble is being deleted, however long
        // that takes.
        let mut restless = self.named(Service::is_back);
        restless.retain(|name| open.contains(name) && !self.is_being_deleted(name));
        for name in &restless {
            let why = if stale.contains(name) { UNHEARD } else { "it was not stable in time" };
            self.give_up(name, why.to_owned(), now);
        }
        self.conclude_rollback(cause, now);
        Reply::Done
    }

    /// When a verification ends. A lost answer says nothing against a service: its time begins when
    /// it was last observed, but the verification has an end.
    pub(in crate::deployment) fn given_up_from(
        &self,
        stale: &[ServiceName],
        deadline: Time,
    ) -> Time {
        let stale = self.services.iter().filter(|service| stale.contains(&service.name));
        let earliest = deadline + WORKER_PATIENCE;
        stale.map(|service| service.seen_at).max().map_or(deadline + GRACE, |seen_at| {
            (seen_at + WORKER_PATIENCE).clamp(earliest, earliest + WORKER_PATIENCE)
        })
    }

    /// The services that were rolled back when last observed, and that was long ago.
    fn back_and_stale(&self, now: Time) -> Vec<ServiceName> {
        self.named(|service| service.is_back() && service.seen_at + FRESH < now)
    }

    fn is_being_deleted(&self, name: &ServiceName) -> bool {
        self.services.iter().any(|service| {
            service.name == *name
                && service.state == ServiceState::Deleted
                && service.visible_from.is_some_and(|from| service.seen_at >= from)
        })
    }

    pub(in crate::deployment) fn conclude_rollback(&mut self, cause: Cause, now: Time) {
        let mut not_back = Vec::new();
        let mut taken_over = None;
        for service in &self.services {
            match &service.state {
                ServiceState::NotRolledBack { why } => {
                    not_back.push(format!("{} ({why})", service.name));
                }
                ServiceState::UpdatedOutside { revision } => {
                    let (service, revision) = (service.name.clone(), revision.clone());
                    taken_over = Some(SupersededBy::OutsideUpdate { service, revision });
                }
                _ => {}
            }
        }
        let left = self.named(|s| s.state == ServiceState::Kept);
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
