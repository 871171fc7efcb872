//! What must always hold, each by its name, checked in every history.

use crate::admissions::Admissions;
use crate::blame::Blame;
use crate::calls::Calls;
use crate::cloud::{Address, Cloud, target_name};
use crate::failures::Failures;
use crate::releases::Releases;
use crate::systems::System;
use engine::Record;
use pipeline::deployment::{Deployment, State};
use pipeline::environment::{Control, Head, Hold, HoldUntil, Holder};
use pipeline::names::{ApplicationName, DeploymentId, Digest, ImageName, Place, Revision, Tag};
use pipeline::release::{Newest, ReleaseOrder};
use pipeline::request::Kind;
use pipeline::spec::Application;
use pipeline::time::{Span, Time};
use pipeline::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

#[derive(Clone, Debug, Default)]
pub struct Invariants {
    pub violations: Vec<Violation>,
    verdicts: BTreeMap<DeploymentId, Verdict>,
    open: BTreeMap<Place, BTreeSet<u64>>,
    /// What nothing that starts automatically may be older than.
    newest: BTreeMap<Place, Newest>,
    newest_before: BTreeMap<DeploymentId, Option<Newest>>,
    /// What succeeded last.
    live: BTreeMap<Place, ReleaseOrder>,
    bad: BTreeMap<Place, BTreeSet<Digest>>,
    /// What each service ran before a deployment touched it for the first time.
    pub(crate) before: BTreeMap<DeploymentId, BTreeMap<Address, Option<Revision>>>,
    /// Services that a deployment has started to roll back.
    pub(crate) rolling_back: BTreeSet<(DeploymentId, Address)>,
    /// Deployments whose rollback has started.
    pub(crate) turned: BTreeSet<DeploymentId>,
    /// Services that a slow worker updated after that. They are rolled back when that is noticed.
    pub(crate) late: BTreeSet<(DeploymentId, Address)>,
    pub(crate) waves: BTreeMap<(Place, Address), usize>,
    /// What kept a place closed when its head was last written.
    heads: BTreeMap<Place, (Option<Hold>, bool)>,
    /// Deployments that begin with a migration.
    pub(crate) migrates: BTreeSet<DeploymentId>,
    pub(crate) admissions: Admissions,
    pub(crate) releases: Releases,
    /// The final digest of each tag, if its events came in the wrong order.
    pub(crate) tags: Vec<(ApplicationName, Tag, ImageName, Digest)>,
    pub(crate) calls: Calls,
    pub(crate) blame: Blame,
    failures: Failures,
    /// When a person last said not to wait for a task.
    pub(crate) forgotten: BTreeMap<Place, Time>,
}

/// How recent a change may be that is not known to the decision.
pub(crate) const JUST_NOW: Span = Span::seconds(120);

impl Invariants {
    pub(crate) fn new(systems: &[System]) -> Self {
        let mut waves = BTreeMap::new();
        for system in systems {
            for (environment, rules) in &system.spec.environments {
                let application = system.spec.application.clone();
                let place = Place { application, environment: environment.clone() };
                for (wave, service) in rules.services() {
                    let address = (target_name(&rules.target), service.name.clone());
                    waves.insert((place.clone(), address), wave);
                }
            }
        }
        Self { waves, ..Self::default() }
    }

    pub fn violated(&mut self, invariant: &'static str, what: String) {
        let violation = Violation { invariant, what };
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    /// Whether it was not there before.
    pub(crate) fn is_new(&self, deployment: &Deployment) -> bool {
        let open = self.open.get(&deployment.id.place);
        let is_open = open.is_some_and(|open| open.contains(&deployment.id.number));
        deployment.verdict().is_none() && !is_open
    }

    /// Something continues endlessly, and there is nothing more to see.
    pub(crate) fn is_endless(&self) -> bool {
        self.violations.iter().any(|broken| broken.invariant == "nothing_is_woken_endlessly")
    }

    pub(crate) fn written(
        &mut self,
        record: &Record,
        spec: Option<&Application>,
        cloud: &Cloud,
        now: Time,
    ) {
        if let Record::Head(head) = record {
            self.heads.insert(head.place.clone(), (head.hold.clone(), head.pause.is_some()));
            for (invariant, what) in self
                .admissions
                .head_written(head)
                .into_iter()
                .chain(self.blame.head_written(head))
                .chain(self.releases.head_written(head))
            {
                self.violated(invariant, what);
            }
        }
        let Record::Deployment(deployment) = record else { return };
        let id = deployment.id.clone();
        if matches!(deployment.state, State::RollingBack { .. } | State::VerifyingRollback { .. }) {
            self.turned.insert(id.clone());
        }
        let open = self.open.entry(id.place.clone()).or_default();
        let is_new = deployment.verdict().is_none() && open.insert(id.number);
        if deployment.verdict().is_some() {
            open.remove(&id.number);
        }
        if open.len() > 1 {
            let what = format!("{} has {open:?} under way", id.place);
            self.violated("never_two_active_deployments", what);
        }
        for (invariant, what) in self.admissions.deployment_written(deployment, is_new, now) {
            self.violated(invariant, what);
        }
        if is_new {
            self.started(deployment);
            for (invariant, what) in self.releases.started(deployment, spec) {
                self.violated(invariant, what);
            }
        }
        if let Some(verdict) = deployment.verdict() {
            match self.verdicts.insert(id.clone(), verdict.clone()) {
                Some(known) if known != *verdict => {
                    self.violated(
                        "a_verdict_never_changes",
                        format!("{id}: {known} became {verdict}"),
                    );
                }
                Some(_) => {}
                None => self.ended(deployment, verdict, cloud, now),
            }
        }
    }

    fn started(&mut self, deployment: &Deployment) {
        let (id, request) = (&deployment.id, &deployment.request);
        let wanted = request.kind == Kind::Deploy && request.skip_migration != Some(true);
        if deployment.rules.migration.is_some() && wanted {
            self.migrates.insert(id.clone());
        }
        let mark = request.release.order();
        self.was_admitted(deployment, &mark);
        for (invariant, what) in self.failures.started(deployment) {
            self.violated(invariant, what);
        }
        let newest = self.newest.get(&id.place);
        if !request.is_by_person() {
            if let Some(newest) = newest.and_then(|newest| newest.beyond(&mark)) {
                let what = format!("{id} brought {} after {}", mark.version, newest.version);
                self.violated("never_an_automatic_downgrade", what);
            }
            let bad = self.bad.get(&id.place);
            let is_bad = |digest| bad.is_some_and(|bad| bad.contains(digest));
            // One of several digests may be innocent; all of them together are not.
            if request.release.images.values().all(is_bad) {
                self.violated(
                    "a_bad_release_is_never_deployed_automatically",
                    format!("{id} of {}", mark.version),
                );
            }
        }
        if request.kind == Kind::Deploy {
            let before = self.newest.get(&id.place).cloned();
            let newest = before
                .clone()
                .map_or_else(|| mark.clone().into(), |known| known.with(mark.clone()));
            self.newest.insert(id.place.clone(), newest);
            self.newest_before.insert(id.clone(), before);
        }
    }

    /// Compares a start with what the head said just before.
    fn was_admitted(&mut self, deployment: &Deployment, mark: &ReleaseOrder) {
        let (id, request) = (&deployment.id, &deployment.request);
        let Some((hold, paused)) = self.heads.get(&id.place).cloned() else { return };
        if paused && request.kind == Kind::Deploy {
            self.violated("nothing_starts_while_paused", id.to_string());
        }
        let held = hold.filter(|hold| match &hold.until {
            HoldUntil::NewerThan(held) => !held.older_than(mark),
            HoldUntil::Person => true,
        });
        if let Some(hold) = held
            && !request.is_by_person()
        {
            let what = format!("{id} brought {}: {hold:?}", mark.version);
            self.violated("a_held_release_is_never_deployed_automatically", what);
        }
    }

    /// A hold of Slipway's is lifted when a person has rolled back successfully.
    fn looked_at(&mut self, deployment: &Deployment) {
        let place = &deployment.id.place;
        let ours = self.heads.get(place).and_then(|(hold, _)| hold.as_ref());
        let ours = ours.is_some_and(|hold| hold.by == Holder::Slipway);
        if ours && matches!(deployment.request.kind, Kind::ManualRollback(_)) {
            self.heads.remove(place);
        }
    }

    /// A person opens the environment, and every queued request may start at the same moment.
    pub(crate) fn controlled(&mut self, place: &Place, control: &Control, now: Time) {
        match control {
            Control::ForgetTask => drop(self.forgotten.insert(place.clone(), now)),
            Control::UnmarkBad { digest } => {
                self.bad.entry(place.clone()).or_default().remove(digest);
            }
            _ => {}
        }
        self.releases.controls(place, control);
        self.failures.controlled(place, control);
        self.heads.remove(place);
        if matches!(control, Control::Resume | Control::Unhold | Control::ForgetTask) {
            self.admissions.opened_by_hand(place);
        }
        let newest = match control {
            // It lowers what is newest, and never raises it.
            Control::Unhold => {
                let newest = self.newest.get(place);
                let is_lower =
                    |live: &&ReleaseOrder| newest.is_some_and(|n| n.beyond(live).is_some());
                self.live.get(place).filter(is_lower).cloned().map(Newest::from)
            }
            Control::ForgetNewest => {
                let before = self.newest_before.iter_mut().filter(|(id, _)| id.place == *place);
                let before = before.filter_map(|(_, newest)| newest.as_mut());
                before.for_each(|newest| *newest = newest.by_time());
                self.newest.get(place).map(Newest::by_time)
            }
            _ => None,
        };
        if let Some(newest) = newest {
            self.newest.insert(place.clone(), newest);
        }
    }

    /// A person has put it on hold, or tried to.
    pub(crate) fn held(&mut self, before: Option<&Head>, after: Option<&Head>) {
        if let Some((invariant, what)) = self.admissions.held(before, after) {
            self.violated(invariant, what);
        }
    }

    pub(crate) fn left_the_spec(&mut self, place: &Place) {
        self.admissions.left_the_spec(place);
    }

    pub(crate) fn has_left(&self, place: &Place) -> bool {
        self.admissions.has_left(place)
    }

    fn ended(&mut self, deployment: &Deployment, verdict: &Verdict, cloud: &Cloud, now: Time) {
        let is_gone =
            deployment.is_without_trace() || matches!(verdict, Verdict::RolledBack { .. });
        let place = &deployment.id.place;
        match self.newest_before.remove(&deployment.id).filter(|_| is_gone) {
            Some(Some(newest)) => drop(self.newest.insert(place.clone(), newest)),
            Some(None) => drop(self.newest.remove(place)),
            None => {}
        }
        self.releases.ended(deployment, verdict);
        self.claims(deployment, verdict, cloud, now);
        for (invariant, what) in self.blame.ended(deployment, verdict, cloud) {
            self.violated(invariant, what);
        }
        self.failures.ended(deployment, verdict, cloud);
        match verdict {
            Verdict::Succeeded => {
                let mark = deployment.request.release.order();
                self.live.insert(place.clone(), mark.clone());
                if matches!(deployment.request.kind, Kind::ManualRollback(_)) {
                    self.newest.insert(place.clone(), mark.into());
                }
                self.looked_at(deployment);
            }
            Verdict::Unproven { .. } => {
                self.live.insert(place.clone(), deployment.request.release.order());
                self.looked_at(deployment);
            }
            Verdict::RolledBack { cause } if cause.speaks_against_the_release() => {
                self.remember_bad(deployment, cloud);
            }
            _ => {}
        }
    }

    /// Digests of a release that was rolled back, except what went on running.
    fn remember_bad(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let target = target_name(&deployment.rules.target);
        let running = cloud.running_in(&target);
        let running: BTreeSet<_> = running
            .iter()
            .filter_map(|r| cloud.revisions.get(r))
            .flat_map(|i| i.values().cloned())
            .collect();
        let bad = self.bad.entry(deployment.id.place.clone()).or_default();
        bad.extend(
            deployment.request.release.images.values().filter(|d| !running.contains(*d)).cloned(),
        );
    }
}
