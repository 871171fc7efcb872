//! Settling: one last look before anything is called rolled back.

use super::{Deployment, GRACE, LOOK_EVERY, LOOK_SOON, Said, Standing, State, WORKER_LIFE};
use crate::names::ServiceName;
use crate::observation::Observation;
use crate::time::Time;
use crate::verdict::{Cause, Usurper, Verdict};

impl Deployment {
    /// One last look, when no worker from before can disturb any more.
    pub(super) fn settle(&mut self, cause: Cause, went_back_at: Time, now: Time) {
        let unseen = self.named(|s| matches!(s.standing, Standing::PutBack | Standing::Removed));
        if unseen.is_empty() {
            return self.conclude_going_back(cause, now);
        }
        let since = now.max(went_back_at + WORKER_LIFE);
        let longest = unseen.iter().map(|name| self.timeout_of(name)).max().unwrap_or_default();
        let deadline = since + longest;
        let unseen = unseen.into_iter().collect();
        self.state = State::Settling { cause, since, unseen, look_at: since, deadline };
    }

    pub(super) fn settled_service(&mut self, name: &ServiceName, seen_at: Time) {
        if let State::Settling { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
        }
    }

    pub(super) fn settle_soon(&mut self, now: Time) {
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
        let still_back =
            self.named(|s| matches!(s.standing, Standing::PutBack | Standing::Removed));
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
        if now >= *deadline + GRACE && now < *look_at + GRACE {
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
