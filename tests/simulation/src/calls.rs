//! Calls of AWS, each held against what was there and what is wanted when it is made.

use crate::cloud::{Address, Call, Caller, Cloud};
use pipeline::deployment::WORKER_LIFE;
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::names::DeploymentId;
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// How much older than the call a worker's own check may be.
const LOOKED_BEFORE: Span = Span::seconds(25);

#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// When a deployment last got the revisions of its services before it changes them.
    prepared: BTreeMap<DeploymentId, Time>,
    /// When its alarms were read last.
    read: BTreeMap<DeploymentId, Time>,
    /// How often a deployment has updated a service to its revision, and deleted one.
    brought: BTreeMap<(DeploymentId, Address), u32>,
    deleted: BTreeMap<(DeploymentId, Address), u32>,
    /// Deployments that have ended and say that no service was touched.
    untouched: BTreeSet<DeploymentId>,
    /// Until when the alarms are known, as was heard.
    alarms_known: BTreeMap<DeploymentId, Time>,
    /// Deployments whose preparation was answered.
    preparation_heard: BTreeSet<DeploymentId>,
}

impl Calls {
    pub(crate) fn performs(&mut self, id: &DeploymentId, effect: &Effect, now: Time) {
        match effect {
            Effect::Prepare(_) => drop(self.prepared.insert(id.clone(), now)),
            Effect::ReadAlarms { .. } => drop(self.read.insert(id.clone(), now)),
            _ => {}
        }
    }

    pub(crate) fn alarms_read_at(&self, id: &DeploymentId) -> Option<Time> {
        self.read.get(id).copied()
    }

    /// A worker's answer was taken in.
    pub(crate) fn heard(&mut self, id: &DeploymentId, event: &Event) {
        match event {
            Event::AlarmsRead { read_at, .. } => {
                let known = self.alarms_known.entry(id.clone()).or_insert(*read_at);
                *known = (*known).max(*read_at);
            }
            Event::Prepared(_) | Event::PreparationFailed { .. } => {
                self.preparation_heard.insert(id.clone());
            }
            _ => {}
        }
    }

    pub(crate) fn alarms_known_at(&self, id: &DeploymentId) -> Option<Time> {
        self.alarms_known.get(id).copied()
    }

    pub(crate) fn has_answered_the_preparation(&self, id: &DeploymentId) -> bool {
        self.preparation_heard.contains(id)
    }

    /// It has ended and touched nothing; or that is not so.
    pub(crate) fn ended_untouched(&mut self, id: &DeploymentId, cloud: &Cloud) -> bool {
        self.untouched.insert(id.clone());
        !cloud.calls.iter().any(|call| call.by == Caller::Deployment(id.clone()))
    }

    /// Checks the calls that an effect has just made: all after the first `known`.
    pub(crate) fn performed(
        &mut self,
        id: &DeploymentId,
        effect: &Effect,
        cloud: &Cloud,
        known: usize,
    ) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        for (at, call) in cloud.calls.iter().enumerate().skip(known) {
            let name = &call.address.1;
            if self.untouched.contains(id) {
                let what = format!("{id} has ended, and calls for {name}");
                broken.push(("what_touched_nothing_makes_no_call", what));
            }
            if self.overwrites(id, call, &cloud.calls[..at], cloud.lag) {
                let what = format!("{id} overwrites what somebody else brought to {name}");
                broken.push(("an_update_outside_slipway_is_not_overwritten", what));
            }
            if matches!(effect, Effect::Remove { .. })
                && is_of_others(call, &cloud.calls[..at], cloud.lag)
            {
                let what = format!("{id} deletes {name}");
                broken.push(("no_service_created_outside_slipway_is_deleted", what));
            }
            // A service that was deleted, outside Slipway or by the rollback, is created again by a
            // copy of the message with a slow worker.
            let mut others = cloud.calls[..at].iter().rev();
            let last = others.find(|other| other.address == call.address);
            let creates = matches!(effect, Effect::RollOut(_));
            let is_deleted = last.is_some_and(|last| last.revision.is_none());
            // A copy of the message that is with a slow worker deletes it once more, which changes
            // nothing.
            let is_copy = |last: &Call| call.at <= last.at + WORKER_LIFE;
            let deletes = matches!(effect, Effect::Remove { .. }) && last.is_some_and(is_copy);
            let by_others = last.is_some_and(|last| last.by == Caller::Outsider);
            if is_deleted && (creates || deletes || by_others) {
                continue;
            }
            let key = (id.clone(), call.address.clone());
            let (count, invariant) = match effect {
                Effect::RollOut(_) => (&mut self.brought, "one_update_to_the_release"),
                Effect::Remove { .. } => (&mut self.deleted, "a_service_is_deleted_twice_at_most"),
                _ => continue,
            };
            let count = count.entry(key).or_default();
            *count += 1;
            // A slow worker may create once more what was deleted.
            let most = if matches!(effect, Effect::RollOut(_)) { 1 } else { 2 };
            if *count > most {
                broken.push((invariant, format!("{id}: {name}, {count} times")));
            }
        }
        broken
    }

    /// Whether the worker must have seen what it overwrites: ECS has no conditional update, so only
    /// what happened between its check and its call is excused.
    fn overwrites(&self, id: &DeploymentId, call: &Call, before: &[Call], lag: Span) -> bool {
        let Some(prepared) = self.prepared.get(id) else { return false };
        let mut before = before.iter().rev();
        let last = before.find(|other| other.address == call.address);
        last.is_some_and(|last| {
            last.by == Caller::Outsider
                && last.revision.is_some()
                && last.at > *prepared
                && last.at + LOOKED_BEFORE + lag < call.at
        })
    }
}

/// Whether the worker must have seen an update outside Slipway of the service that it deletes,
/// since it was last deleted.
fn is_of_others(call: &Call, before: &[Call], lag: Span) -> bool {
    let before = before.iter().rev().filter(|other| other.address == call.address);
    let mut since = before.take_while(|other| other.revision.is_some());
    since.any(|other| other.by == Caller::Outsider && other.at + LOOKED_BEFORE + lag < call.at)
}
