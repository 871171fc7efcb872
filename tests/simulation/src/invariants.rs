//! What must always hold, each by its name, checked in every history.

use crate::cloud::{Address, Caller, Cloud, OneOffTask, target_name};
use crate::doors::Doors;
use crate::systems::System;
use engine::Record;
use pipeline::deployment::{Deployment, State};
use pipeline::effect::{Effect, Purpose};
use pipeline::environment::{Control, Head, Hold, HoldUntil, Holder, Kind};
use pipeline::names::{DeploymentId, Digest, ImageName, Place, Revision, Version};
use pipeline::notice::{News, Notice};
use pipeline::observation::Progress;
use pipeline::release::{Mark, Newest};
use pipeline::time::{Span, Time};
use pipeline::verdict::{Usurper, Verdict};
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
    live: BTreeMap<Place, Mark>,
    bad: BTreeMap<Place, BTreeSet<Digest>>,
    /// What each service ran before a deployment touched it for the first time.
    before: BTreeMap<DeploymentId, BTreeMap<Address, Option<Revision>>>,
    /// Services that a deployment has begun to put back.
    going_back: BTreeSet<(DeploymentId, Address)>,
    /// Deployments that have turned round.
    turned: BTreeSet<DeploymentId>,
    /// Services that a slow worker updated after that. They are put back when they are noticed.
    late: BTreeSet<(DeploymentId, Address)>,
    waves: BTreeMap<(Place, Address), usize>,
    /// What kept a place closed when its head was last written.
    heads: BTreeMap<Place, (Option<Hold>, bool)>,
    /// Deployments that begin with a migration.
    migrates: BTreeSet<DeploymentId>,
    doors: Doors,
    /// Images whose migration ran, and whose deployment failed then.
    migrated_badly: BTreeMap<Place, Vec<BTreeMap<ImageName, Digest>>>,
}

/// So recent a change may not be known to whoever decided.
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

    pub(crate) fn written(&mut self, record: &Record, cloud: &Cloud, now: Time) {
        if let Record::Head(head) = record {
            self.heads.insert(head.place.clone(), (head.hold.clone(), head.pause.is_some()));
            self.doors.head_written(head);
        }
        let Record::Deployment(deployment) = record else { return };
        let id = deployment.id.clone();
        if matches!(deployment.state, State::RollingBack { .. } | State::Settling { .. }) {
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
        for (invariant, what) in self.doors.deployment_written(deployment, is_new, now) {
            self.violated(invariant, what);
        }
        if is_new {
            self.started(deployment);
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
        let mark = request.release.mark();
        self.was_let_in(deployment, &mark);
        let newest = self.newest.get(&id.place);
        if !request.is_by_person() {
            if let Some(newest) = newest.and_then(|newest| newest.beyond(&mark)) {
                let what = format!("{id} brought {} after {}", mark.version, newest.version);
                self.violated("never_an_automatic_downgrade", what);
            }
            let badly = self.migrated_badly.get(&id.place);
            if badly.is_some_and(|badly| badly.contains(&request.release.images)) {
                let what = format!("{id} of {}", mark.version);
                self.violated("a_failed_migration_is_not_run_again_by_automation", what);
            }
            let bad = self.bad.get(&id.place);
            let is_bad = |digest| bad.is_some_and(|bad| bad.contains(digest));
            // One of several digests may be innocent; all of them together are not.
            if request.release.images.values().all(is_bad) {
                self.violated(
                    "a_bad_release_never_returns_by_itself",
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
    fn was_let_in(&mut self, deployment: &Deployment, mark: &Mark) {
        let (id, request) = (&deployment.id, &deployment.request);
        let Some((hold, paused)) = self.heads.get(&id.place).cloned() else { return };
        if paused && request.kind == Kind::Deploy {
            self.violated("nothing_starts_while_paused", id.to_string());
        }
        let held = hold.filter(|hold| match &hold.until {
            HoldUntil::NewerThan(held) => !held.older_than(mark),
            HoldUntil::Person => true,
        });
        if held.is_some() && !request.is_by_person() {
            let what = format!("{id} brought {}", mark.version);
            self.violated("a_held_release_never_returns_by_itself", what);
        }
    }

    /// What Slipway held for a person to look at is open when a person has rolled back well.
    fn looked_at(&mut self, deployment: &Deployment) {
        let place = &deployment.id.place;
        let ours = self.heads.get(place).and_then(|(hold, _)| hold.as_ref());
        let ours = ours.is_some_and(|hold| hold.by == Holder::Slipway);
        if ours && matches!(deployment.request.kind, Kind::Restore(_)) {
            self.heads.remove(place);
        }
    }

    /// A person opens the door, and whatever waits behind it may start in the same moment.
    pub(crate) fn controlled(&mut self, place: &Place, control: &Control) {
        self.heads.remove(place);
        self.migrated_badly.remove(place);
        if matches!(control, Control::Resume | Control::Unhold | Control::ForgetTask) {
            self.doors.opened_by_hand(place);
        }
        let newest = match control {
            Control::Unhold => self.live.get(place).cloned().map(Newest::from),
            Control::ForgetNewest => self.newest.get(place).map(Newest::by_time),
            _ => None,
        };
        if let Some(newest) = newest {
            self.newest.insert(place.clone(), newest);
        }
    }

    pub(crate) fn left_the_spec(&mut self, place: &Place) {
        self.doors.left_the_spec(place);
    }

    pub(crate) fn has_left(&self, place: &Place) -> bool {
        self.doors.has_left(place)
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
        self.claims(deployment, verdict, cloud, now);
        let images = &deployment.request.release.images;
        match verdict {
            Verdict::Succeeded => {
                let mark = deployment.request.release.mark();
                self.live.insert(place.clone(), mark.clone());
                if matches!(deployment.request.kind, Kind::Restore(_)) {
                    self.newest.insert(place.clone(), mark.into());
                }
                self.succeeded(deployment, cloud, now);
                self.looked_at(deployment);
                let badly = self.migrated_badly.entry(place.clone()).or_default();
                badly.retain(|known| known != images);
            }
            Verdict::Failed { .. } if ran_a_migration(&deployment.id, cloud) => {
                self.migrated_badly.entry(place.clone()).or_default().push(images.clone());
            }
            Verdict::RolledBack { cause } => {
                self.rolled_back(deployment, cloud);
                if cause.speaks_against_the_release() {
                    self.remember_bad(deployment, cloud);
                }
            }
            _ => {}
        }
    }

    fn succeeded(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        for service in &deployment.services {
            let address = (target_name(&deployment.rules.target), service.name.clone());
            let disturbed =
                cloud.calls.iter().any(|c| c.address == address && now.since(c.at) < JUST_NOW);
            let Some(primary) = cloud.primary(&address) else {
                self.violated(
                    "succeeded_runs_exactly_the_release",
                    format!("{} is gone", service.name),
                );
                continue;
            };
            let images =
                cloud.revisions.get(&primary.revision).into_iter().flat_map(|i| i.values());
            let released = |digest| deployment.request.release.images.values().any(|d| d == digest);
            let exact = images.into_iter().all(released) && primary.progress == Progress::Completed;
            if !exact && !disturbed {
                let (id, revision) = (&deployment.id, primary.revision.short());
                let what = format!("{id} succeeded but {} runs {revision}", service.name);
                self.violated("succeeded_runs_exactly_the_release", what);
            }
        }
    }

    fn rolled_back(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let id = &deployment.id;
        let touched = self.before.get(id).cloned().unwrap_or_default();
        for (address, before) in touched {
            let outsider = |c: &crate::cloud::Call| {
                c.address == address && c.by == Caller::Outsider && c.at >= deployment.started_at
            };
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            if runs != before && !cloud.calls.iter().any(outsider) {
                let what = format!("{id}: {} runs {runs:?} and ran {before:?}", address.1);
                self.violated("rolled_back_runs_what_ran_before", what);
            }
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

    /// Looks at a deed before it is done.
    pub(crate) fn performs(
        &mut self,
        id: &DeploymentId,
        effect: &Effect,
        cloud: &Cloud,
        now: Time,
    ) {
        match effect {
            Effect::RollOut(roll_out) => {
                self.migrated_before(id, cloud, now);
                let address = (target_name(&roll_out.target), roll_out.service.clone());
                if self.turned.contains(id) {
                    self.late.insert((id.clone(), address.clone()));
                }
                let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
                self.before.entry(id.clone()).or_default().entry(address).or_insert(runs);
            }
            Effect::PutBack(put_back) => {
                let address = (target_name(&put_back.target), put_back.service.clone());
                self.puts_back(id, &address, cloud);
            }
            _ => {}
        }
    }

    /// Where there is a migration, no service is touched before it ended well.
    fn migrated_before(&mut self, id: &DeploymentId, cloud: &Cloud, now: Time) {
        if !self.migrates.contains(id) {
            return;
        }
        let done = cloud.tasks.iter().any(|task| {
            task.owner.deployment == *id
                && task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded())
        });
        if !done {
            self.violated("nothing_rolls_out_before_the_migration", id.to_string());
        }
    }

    fn puts_back(&mut self, id: &DeploymentId, address: &Address, cloud: &Cloud) {
        let wave =
            |address: &Address| self.waves.get(&(id.place.clone(), address.clone())).copied();
        let own = wave(address);
        let touched = self.before.get(id).cloned().unwrap_or_default();
        let early = touched.into_iter().find(|(other, before)| {
            let runs = cloud.primary(other).map(|rollout| &rollout.revision);
            let one = (id.clone(), other.clone());
            let begun = self.going_back.contains(&one) || self.late.contains(&one);
            wave(other) > own && !begun && before.is_some() && runs != before.as_ref()
        });
        self.going_back.insert((id.clone(), address.clone()));
        if let Some((other, _)) = early {
            let outsider =
                cloud.calls.iter().any(|c| c.address == other && c.by == Caller::Outsider);
            if !outsider {
                let what = format!("{id}: {} goes back before {}", address.1, other.1);
                self.violated("services_go_back_in_reverse_order", what);
            }
        }
    }

    pub(crate) fn one_off_started(&mut self, cloud: &Cloud, now: Time) {
        let Some(newest) = cloud.tasks.last() else { return };
        let id = &newest.owner.deployment;
        let ran = |task: &&crate::cloud::OneOffTask| {
            let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
            task.owner.deployment == *id && task.owner.purpose == newest.owner.purpose && !never
        };
        if cloud.tasks.iter().filter(ran).count() > 1 {
            self.violated("the_migration_starts_at_most_once", format!("{id} ran it twice"));
        }
        let running = cloud.tasks.iter().filter(|task| {
            let over = task.ends.as_ref().is_some_and(|(end, _)| *end <= now);
            task.owner.deployment.place == id.place && !over
        });
        if running.count() > 1 {
            self.violated("never_two_migrations_at_a_time", format!("at {}", id.place));
        }
        let migrated = cloud.tasks.iter().any(|task| {
            let done = task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded());
            task.owner.deployment.place == id.place
                && task.owner.purpose == Purpose::Migrate
                && done
        });
        if newest.owner.purpose == Purpose::Undo && !migrated {
            self.violated("undo_only_after_a_migration", format!("{id} undid nothing"));
        }
        self.undone_once(cloud, now);
    }

    /// Each migration is taken back once at most: whatever ran, and did not fail, may be undone.
    fn undone_once(&mut self, cloud: &Cloud, now: Time) {
        let Some(place) = cloud.tasks.last().map(|task| task.owner.deployment.place.clone()) else {
            return;
        };
        let here = || cloud.tasks.iter().filter(|task| task.owner.deployment.place == place);
        let ended_well = |task: &&OneOffTask| {
            task.ends.as_ref().is_some_and(|(end, how)| *end <= now && how.succeeded())
        };
        let done = here().filter(|task| task.owner.purpose == Purpose::Migrate).filter(ended_well);
        let begun = here().filter(|task| {
            let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
            task.owner.purpose == Purpose::Undo && !never
        });
        let (done, begun) = (done.count(), begun.count());
        if begun > done {
            let what = format!("at {place}: {begun} of {done} migrations");
            self.violated("each_migration_is_undone_once_at_most", what);
        }
    }

    /// What must hold when everything has come to rest.
    pub(crate) fn at_rest(
        &mut self,
        place: &Place,
        head: &Head,
        deployments: &[Deployment],
        told: &[Notice],
    ) {
        for deployment in deployments {
            let id = &deployment.id;
            if deployment.verdict().is_none() {
                let what = format!("{id} is {} for ever", deployment.state.name());
                self.violated("every_deployment_ends", what);
            } else if !was_told(told, place, id.number) {
                self.violated("every_outcome_is_announced", id.to_string());
            }
            if !deployment.outbox.is_empty() {
                self.violated(
                    "no_effect_is_lost",
                    format!("{id}: {:?}", deployment.outbox.entries()),
                );
            }
        }
        if head.active.is_some() || !head.outbox.is_empty() {
            self.violated(
                "no_effect_is_lost",
                format!("{place}: active {:?}, outbox {:?}", head.active, head.outbox.entries()),
            );
        }
        for (invariant, what) in self.doors.at_rest(head, deployments, told) {
            self.violated(invariant, what);
        }
        let free = head.hold.is_none() && head.pause.is_none() && head.unfinished.is_none();
        let waits = head.queue.iter().find(|waits| !waits.why.contains("has not succeeded in"));
        if let Some(waits) = waits.filter(|_| free) {
            let what = format!("{place}: {} waits: {}", waits.request.release, waits.why);
            self.violated("no_eligible_push_is_forgotten", what);
        }
    }

    pub(crate) fn remembered(&mut self, place: &Place, head: &Head, version: &Version) {
        let id = format!("push {version}");
        let known = head.fates.iter().any(|(known, _)| known.as_str() == id)
            || head.queue.iter().any(|waits| waits.request.id.as_str() == id);
        if !known {
            self.violated("no_eligible_push_is_forgotten", format!("{version} at {place}"));
        }
    }

    /// Compares what runs with what the verdicts say, where nobody else has had a hand in it.
    pub(crate) fn verdicts_are_true(
        &mut self,
        place: &Place,
        deployments: &[Deployment],
        cloud: &Cloud,
    ) {
        let mut expected: BTreeMap<Address, Option<Revision>> = BTreeMap::new();
        for deployment in deployments {
            let unsure = matches!(
                deployment.verdict(),
                Some(Verdict::Stuck { .. } | Verdict::Superseded { by: Usurper::Somebody { .. } })
                    | None
            ) || matches!(deployment.verdict(), Some(Verdict::Failed { left, .. }) if !left.is_empty());
            for service in &deployment.services {
                let address = (target_name(&deployment.rules.target), service.name.clone());
                let in_place = |verdict: &Verdict| {
                    matches!(verdict, Verdict::Succeeded | Verdict::Unproven { .. })
                };
                if deployment.verdict().is_some_and(in_place) {
                    expected.insert(address, Some(service.after.clone()));
                } else if unsure {
                    expected.insert(address, None);
                } else {
                    expected.entry(address).or_insert(service.before.clone());
                }
            }
        }
        for (address, revision) in expected {
            let outsider =
                cloud.calls.iter().any(|c| c.address == address && c.by == Caller::Outsider);
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            if !outsider && revision.is_some() && runs != revision {
                let what = format!("{place}: {} runs {runs:?}, not {revision:?}", address.1);
                self.violated("what_runs_is_what_the_verdicts_say", what);
            }
        }
    }
}

/// Whether a migration of this deployment has run, and perhaps not to its end.
fn ran_a_migration(id: &DeploymentId, cloud: &Cloud) -> bool {
    cloud.tasks.iter().any(|task| {
        let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
        task.owner.deployment == *id && task.owner.purpose == Purpose::Migrate && !never
    })
}

fn was_told(told: &[Notice], place: &Place, number: u64) -> bool {
    told.iter().any(|notice| {
        notice.place == *place
            && notice.deployment == Some(number)
            && matches!(notice.news, News::Ended { .. })
    })
}
