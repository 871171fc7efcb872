//! A stuck deployment needs a person: there must be something to do, and no update outside Slipway.

use crate::cloud::{Address, Call, Caller, Cloud, target_name};
use crate::invariants::Invariants;
use pipeline::deployment::{Deployment, Service, ServiceState, State, UNHEARD};
use pipeline::names::ServiceName;
use pipeline::observation::{Found, Progress, Rollout};
use pipeline::time::Span;

/// How long messages may take before the wait for one is given up.
const UNHEARD_AFTER: Span = Span::minutes(15);
/// How late an observation may be.
const LATE: Span = Span::seconds(20);

impl Invariants {
    /// A person who checks finds something: a service that is not rolled back, although that was
    /// tried.
    pub(crate) fn could_not_be_rolled_back(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let target = target_name(&deployment.rules.target);
        let not_back =
            |service: &&Service| matches!(service.state, ServiceState::NotRolledBack { .. });
        let not_back: Vec<_> = deployment.services.iter().filter(not_back).collect();
        if not_back.is_empty() || cloud.silent.contains(&target) {
            return;
        }
        let address = |service: &Service| (target.clone(), service.name.clone());
        if not_back.iter().all(|service| others_deleted(deployment, &address(service), cloud)) {
            let what = format!("{}: all that is not back was deleted", deployment.id);
            return self.violated("what_others_deleted_does_not_end_stuck", what);
        }
        let mut is_something_wrong = false;
        for service in not_back {
            let address = address(service);
            let disturbed = |call: &Call| {
                call.address == address
                    && call.by == Caller::Outsider
                    && call.at + cloud.drains >= deployment.started_at
            };
            if was_unheard(deployment, service) || cloud.calls.iter().any(disturbed) {
                return;
            }
            let rollback_since = deployment.rollback_since.unwrap_or(deployment.started_at);
            let refused = cloud.refusals_made.iter();
            let mut refused =
                refused.filter(|(at, known)| *at >= rollback_since && *known == address);
            let was_refused = refused.next().is_some();
            let primary = cloud.primary(&address);
            let runs = primary.map(|rollout| &rollout.revision);
            let is_left =
                runs == Some(&service.after) && service.before.as_ref() != Some(&service.after);
            // Its previous revision does not become stable any longer.
            let has_failed = |before| cloud.has_failed_since(&address, before, rollback_since);
            let failed_on_the_way_back = service.before.as_ref().is_some_and(has_failed);
            if is_left && !was_refused && !failed_on_the_way_back {
                let what = format!("{}: {} is left on the release", deployment.id, service.name);
                self.violated("nothing_is_left_on_the_release_that_could_be_rolled_back", what);
            }
            let restless = |p: &Rollout| p.progress != Progress::Completed || p.running < p.desired;
            is_something_wrong |= runs != service.before.as_ref()
                || primary.is_some_and(restless)
                || seen_last(service, &address, cloud).iter().any(restless);
        }
        if !is_something_wrong {
            let what = format!("{} is stuck, and everything is back", deployment.id);
            self.violated("stuck_only_if_something_is_not_rolled_back", what);
        }
    }

    /// The person who decides gets the name of every service that does not run its previous
    /// revision.
    pub(crate) fn is_left_or_back(
        &mut self,
        deployment: &Deployment,
        left: &[ServiceName],
        cloud: &Cloud,
    ) {
        let target = target_name(&deployment.rules.target);
        let silent = deployment.services.iter().filter(|service| !left.contains(&service.name));
        for service in silent {
            let address = (target.clone(), service.name.clone());
            let ours = Caller::Deployment(deployment.id.clone());
            let mut calls = cloud.calls.iter().rev().filter(|call| call.address == address);
            let is_ours = calls.next().is_some_and(|last| last.by == ours);
            let runs = cloud.primary(&address).map(|primary| &primary.revision);
            if is_ours && runs != service.before.as_ref() {
                let what = format!("{}: {} runs {runs:?}", deployment.id, service.name);
                self.violated("every_changed_service_is_left_or_rolled_back", what);
            }
        }
    }
}

/// What the final observation of it showed, however late ECS was. Observations may have been lost
/// since then.
fn seen_last(service: &Service, address: &Address, cloud: &Cloud) -> Vec<Rollout> {
    let looks = [Span::default(), LATE].map(|lag| {
        let found = cloud.describe(address, service.seen_at, lag, false).found;
        found.as_ref().and_then(Found::primary).cloned()
    });
    looks.into_iter().flatten().collect()
}

/// Whether it was deleted outside Slipway before the rollback of this deployment started, which
/// never changed it.
fn others_deleted(deployment: &Deployment, address: &Address, cloud: &Cloud) -> bool {
    let rollback_since = deployment.rollback_since.unwrap_or(deployment.started_at);
    let mut calls = cloud.calls.iter().rev().filter(|call| call.address == *address);
    let ours = Caller::Deployment(deployment.id.clone());
    let is_deleted = calls.clone().next().is_some_and(|last| {
        last.by == Caller::Outsider && last.revision.is_none() && last.at <= rollback_since
    });
    is_deleted && !calls.any(|call| call.by == ours)
}

/// Whether it says that the service was not observed, and that is true for as long as any message
/// may take.
fn was_unheard(deployment: &Deployment, service: &Service) -> bool {
    let State::Ended { at, .. } = deployment.state else { return false };
    let unheard = matches!(&service.state,
        ServiceState::NotRolledBack { why } if why == UNHEARD);
    unheard && service.seen_at + UNHEARD_AFTER <= at
}
