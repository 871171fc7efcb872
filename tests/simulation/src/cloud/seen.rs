//! What ECS shows of a service: now, or as it was a while ago.

use super::{Address, Cloud};
use pipeline::names::{Revision, RolloutId};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::time::{Span, Time};

impl Cloud {
    /// The first rollout that started at `since` or later, as `ListServiceDeployments` returns it.
    pub fn first_since(&self, address: &Address, since: Time) -> Option<RolloutId> {
        let begun = &self.services.get(address)?.begun;
        begun.iter().find(|(at, _)| *at >= since).map(|(_, id)| id.clone())
    }

    /// Whether a rollout of `revision` that began at `since` or later has failed.
    pub fn has_failed_since(&self, address: &Address, revision: &Revision, since: Time) -> bool {
        let Some(service) = self.services.get(address) else { return false };
        let mut begun = service.begun.iter().filter(|(at, _)| *at >= since);
        let found = || service.history.iter().filter_map(|(_, found)| found.as_ref());
        begun.any(|(_, id)| {
            let failed = |rollout: &Rollout| {
                rollout.id == *id
                    && rollout.revision == *revision
                    && rollout.progress == Progress::Failed
            };
            found().any(|found| found.rollouts.iter().any(failed))
        })
    }

    /// `DescribeServices` as it answers `lag` late. Only a caller who asks for it learns that ECS
    /// rolled back a rollout that has drained.
    pub fn describe(&self, address: &Address, now: Time, lag: Span, returns: bool) -> Observation {
        let mut seen = self.described(address, now, lag);
        if let Some(found) = &mut seen.found {
            let drains = |id: &RolloutId| found.rollouts.iter().any(|rollout| rollout.id == *id);
            if !returns && !found.returned_from.as_ref().is_some_and(drains) {
                (found.returned_from, found.return_reason) = (None, None);
            }
            found.returns_asked = returns;
        }
        seen
    }

    /// Whether a service was so at any time within the last `span`.
    pub fn was_within(
        &self,
        address: &Address,
        span: Span,
        now: Time,
        so: impl Fn(&Found) -> bool,
    ) -> bool {
        let since = Time::from_millis(now.millis().saturating_sub(span.as_seconds() * 1000));
        let history = self.services.get(address).map(|service| service.history.as_slice());
        // The newest first, down to what was so when that time began.
        let mut begun_before = false;
        for (at, found) in history.unwrap_or_default().iter().rev() {
            if begun_before {
                break;
            }
            if found.as_ref().is_some_and(&so) {
                return true;
            }
            begun_before = *at <= since;
        }
        false
    }

    fn described(&self, address: &Address, now: Time, lag: Span) -> Observation {
        let service = address.1.clone();
        let lag = lag.max(self.lag);
        let at = Time::from_millis(now.millis().saturating_sub(lag.as_seconds() * 1000));
        let history = self.services.get(address).map(|service| &service.history);
        let seen = history.and_then(|history| history.iter().rev().find(|(since, _)| *since <= at));
        Observation { service, seen_at: now, found: seen.and_then(|(_, found)| found.clone()) }
    }

    pub(super) fn remember(&mut self, address: &Address, now: Time) {
        if let Some(service) = self.services.get_mut(address) {
            let found = (!service.rollouts.is_empty()).then(|| Found {
                rollouts: service.rollouts.clone(),
                returned_from: service.returned_from.as_ref().map(|(id, _)| id.clone()),
                return_reason: service.returned_from.as_ref().map(|(_, why)| why.clone()),
                returns_asked: true,
                trouble: service.trouble.clone(),
                draining: service.draining,
            });
            service.history.push((now, found));
        }
    }
}
