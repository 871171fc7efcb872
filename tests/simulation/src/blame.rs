//! Blame: which images are marked bad, and whether it was their fault.

use crate::behaviour::Behaviour;
use crate::cloud::{Call, Caller, Cloud, target_name};
use pipeline::deployment::Deployment;
use pipeline::environment::Head;
use pipeline::names::{Digest, Place, ServiceName};
use pipeline::request::Kind;
use pipeline::time::Span;
use pipeline::verdict::{Cause, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Good images are up sooner after an update.
const LATE: Span = Span::minutes(5);

#[derive(Clone, Debug, Default)]
pub(crate) struct Blame {
    /// The images that were marked bad when a head was last written.
    bad: BTreeMap<Place, BTreeSet<Digest>>,
    /// The deployment that has ended since then, if nothing that it was rolled back for was its
    /// images' fault.
    blameless: BTreeMap<Place, (String, BTreeSet<Digest>)>,
}

impl Blame {
    pub(crate) fn ended(
        &mut self,
        deployment: &Deployment,
        verdict: &Verdict,
        cloud: &Cloud,
    ) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        let place = deployment.id.place.clone();
        self.blameless.remove(&place);
        let Verdict::RolledBack { cause } = verdict else { return broken };
        // A check may fail for what another service runs, and an alarm may ring for anything.
        let of_its_tasks = matches!(
            cause,
            Cause::RolloutRefused { .. }
                | Cause::RolloutFailed { .. }
                | Cause::ReturnedByEcs { .. }
                | Cause::RolloutTimedOut { .. }
                | Cause::TasksFailed { .. }
                | Cause::NotStable { .. }
        );
        let images: BTreeSet<_> = deployment.request.release.images.values().cloned().collect();
        let innocent = |digest| cloud.behaviours.get(digest).is_none_or(is_innocent);
        // A worker that came late has left it less time than it should have.
        let rollback_since = deployment.rollback_since.unwrap_or(deployment.started_at);
        let waits = matches!(cause, Cause::RolloutTimedOut { .. });
        let own = |call: &&Call| call.by == Caller::Deployment(deployment.id.clone());
        let updated = cloud.calls.iter().filter(own).filter(|call| call.at <= rollback_since);
        let is_late =
            updated.map(|call| call.at).max().is_some_and(|at| at + LATE > rollback_since);
        if waits && is_late {
            return broken;
        }
        // A loss of its tasks for minutes looks like the image's own fault.
        let target = target_name(&deployment.rules.target);
        let lost = |name| {
            let address = (target.clone(), name);
            cloud.losses.iter().any(|(at, of)| *at >= deployment.started_at && *of == address)
        };
        if blamed(cause).cloned().is_some_and(lost) {
            return broken;
        }
        if let Some(service) = blamed(cause)
            && deployment.services.iter().any(|s| s.name == *service && s.is_unchanged())
        {
            let what = format!("{}: {service} is what it was, {verdict}", deployment.id);
            broken.push(("a_good_release_is_not_rolled_back_without_a_cause", what));
        }
        if of_its_tasks && deployment.request.kind == Kind::Deploy && images.iter().all(innocent) {
            let how = format!("{}: {verdict}", deployment.id);
            self.blameless.insert(place, (how, images));
        }
        broken
    }

    pub(crate) fn head_written(&mut self, head: &Head) -> Option<(&'static str, String)> {
        let by_itself = head.bad.iter().filter(|bad| !bad.by_hand);
        let bad: BTreeSet<_> = by_itself.map(|bad| bad.digest.clone()).collect();
        let known = self.bad.insert(head.place.clone(), bad.clone()).unwrap_or_default();
        let (how, images) = self.blameless.remove(&head.place)?;
        let marked =
            images.iter().find(|digest| bad.contains(digest) && !known.contains(digest))?;
        Some(("a_blameless_image_is_not_marked_bad", format!("{}, by {how}", marked.short())))
    }
}

/// The service that caused its rollback.
fn blamed(cause: &Cause) -> Option<&ServiceName> {
    match cause {
        Cause::RolloutRefused { service, .. }
        | Cause::RolloutFailed { service, .. }
        | Cause::ReturnedByEcs { service, .. }
        | Cause::RolloutTimedOut { service, .. }
        | Cause::TasksFailed { service, .. }
        | Cause::NotStable { service, .. } => Some(service),
        _ => None,
    }
}

/// What this image does would have happened to any other as well.
fn is_innocent(behaviour: &Behaviour) -> bool {
    matches!(
        behaviour,
        Behaviour::Good
            | Behaviour::FindsNoRoom
            | Behaviour::FindsRoomAfter(_)
            | Behaviour::TakenAway(_)
            | Behaviour::PassesCheckAt(_)
            | Behaviour::MigrationTakes(_)
            | Behaviour::UndoFails
    )
}
