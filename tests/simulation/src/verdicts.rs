//! What each verdict claims, held against the model.

use crate::cloud::{Address, Call, Caller, Change, Cloud, target_name};
use crate::invariants::{Invariants, JUST_NOW};
use pipeline::deployment::{Deployment, FRESH, Service, ServiceState, State};
use pipeline::doubt::Doubt;
use pipeline::event::AlarmState;
use pipeline::names::{AlarmName, Place, Revision, ServiceName, Version};
use pipeline::observation::{Found, Progress, Rollout};
use pipeline::request::Kind;
use pipeline::time::{Span, Time};
use pipeline::verdict::{Cause, SupersededBy, Verdict};
use std::collections::BTreeMap;

impl Invariants {
    pub(crate) fn claims(
        &mut self,
        deployment: &Deployment,
        verdict: &Verdict,
        cloud: &Cloud,
        now: Time,
    ) {
        match verdict {
            Verdict::Succeeded => {
                self.runs_the_release(deployment, cloud, now, |_| true);
                self.was_just_looked_at(deployment, now);
                if deployment.request.kind == Kind::Deploy {
                    self.a_task_ran(deployment, cloud, now);
                    self.alarms_stayed_quiet(deployment, cloud);
                }
            }
            Verdict::RolledBack { .. } => {
                self.runs_what_ran_before(deployment, cloud, now);
                self.has_become_stable(deployment, cloud, now);
            }
            Verdict::Superseded { by: SupersededBy::OutsideUpdate { service, .. } } => {
                self.was_updated_outside_slipway(deployment, service, cloud);
            }
            Verdict::Superseded { by: SupersededBy::NewerRelease { version } } => {
                self.gave_way_to_what_may_start(deployment, version);
            }
            Verdict::Stuck { .. } => self.could_not_be_rolled_back(deployment, cloud),
            Verdict::Unproven { doubts } => {
                let doubted = |service: &Service| {
                    doubts.get(&service.name).is_some_and(|doubt| *doubt != Doubt::NoTask)
                };
                self.runs_the_release(deployment, cloud, now, |service| !doubted(service));
                self.was_just_looked_at(deployment, now);
                if deployment.request.kind == Kind::Deploy {
                    self.alarms_stayed_quiet(deployment, cloud);
                }
            }
            Verdict::Failed { left, .. } if !left.is_empty() => {
                self.is_left_or_back(deployment, left, cloud);
            }
            Verdict::Failed { .. } | Verdict::Rejected { .. } | Verdict::Cancelled { .. } => {
                if !self.calls.ended_untouched(&deployment.id, cloud) {
                    let what = format!("{}: {verdict}", deployment.id);
                    self.violated("what_touched_nothing_makes_no_call", what);
                }
            }
        }
        match verdict.cause() {
            Some(Cause::Alarm { alarm, .. }) => self.did_ring(deployment, alarm, cloud),
            Some(Cause::PreparationTimedOut)
                if self.calls.has_answered_the_preparation(&deployment.id) =>
            {
                let what = format!("{}: {verdict}", deployment.id);
                self.violated("an_answer_counts_however_long_it_is", what);
            }
            _ => {}
        }
        self.ended_in_time(deployment, now);
    }

    /// Each service ran exactly the release a moment ago, whatever happens to it since.
    fn runs_the_release(
        &mut self,
        deployment: &Deployment,
        cloud: &Cloud,
        now: Time,
        judged: impl Fn(&Service) -> bool,
    ) {
        let images = &deployment.request.release.images;
        for service in deployment.services.iter().filter(|service| judged(service)) {
            let address = (target_name(&deployment.rules.target), service.name.clone());
            let exactly = |found: &Found| {
                let primary = found.primary().filter(|primary| is_at_rest(found, primary));
                let runs = primary.and_then(|primary| cloud.revisions.get(&primary.revision));
                runs.is_some_and(|runs| runs.values().all(|run| images.values().any(|i| i == run)))
            };
            if !cloud.was_within(&address, JUST_NOW + cloud.lag, now, exactly) {
                let runs = cloud.primary(&address).map(|primary| primary.revision.short());
                let what =
                    format!("{} is in place, but {} runs {runs:?}", deployment.id, service.name);
                self.violated("succeeded_runs_exactly_the_release", what);
            }
        }
    }

    /// The alarms were read a moment ago, however long the services took.
    fn was_just_looked_at(&mut self, deployment: &Deployment, now: Time) {
        let read_at = self.calls.alarms_read_at(&deployment.id);
        if deployment.rules.alarms.names.is_empty() || read_at.is_some_and(|at| at + FRESH >= now) {
            return;
        }
        let what = format!("{}: the alarms were read at {read_at:?}", deployment.id);
        self.violated("succeeded_was_just_observed", what);
    }

    /// Its revision when it was changed, or when it was prepared: an update outside Slipway may
    /// have been so recent that ECS did not show it yet.
    fn runs_what_ran_before(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let id = &deployment.id;
        let recently = JUST_NOW + cloud.lag;
        for (address, before) in self.before.get(id).cloned().unwrap_or_default() {
            let known = deployment.services.iter().find(|service| service.name == address.1);
            let known = known.and_then(|service| service.before.as_ref());
            let runs_it = |found: &Found| {
                let primary = found.primary().filter(|_| !found.draining);
                let runs = primary.map(|primary| &primary.revision);
                runs.is_some() && (runs == before.as_ref() || runs == known)
            };
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            let is_gone = (before.is_none() || known.is_none())
                && (runs.is_none() || touched_by_others(cloud, &address, now, recently));
            if !is_gone && !cloud.was_within(&address, recently, now, runs_it) {
                let what = format!("{id}: {} runs {runs:?} and ran {before:?}", address.1);
                self.violated("rolled_back_runs_what_ran_before", what);
            }
        }
    }

    /// Each service that was rolled back was stable a moment ago.
    fn has_become_stable(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let roll_back = |service: &&Service| {
            service.state == ServiceState::RolledBack
                && service.before.as_ref() != Some(&service.after)
        };
        for service in deployment.services.iter().filter(roll_back) {
            let address = (target_name(&deployment.rules.target), service.name.clone());
            let rests = |found: &Found| {
                let primary = found.primary().filter(|primary| is_at_rest(found, primary));
                primary.is_some_and(|primary| Some(&primary.revision) == service.before.as_ref())
            };
            if !cloud.was_within(&address, JUST_NOW + cloud.lag, now, rests) {
                let what = format!("{}: {} has not come to rest", deployment.id, service.name);
                self.violated("rolled_back_is_stable", what);
            }
        }
    }

    /// No deployment is superseded without an update outside Slipway.
    fn was_updated_outside_slipway(
        &mut self,
        deployment: &Deployment,
        service: &ServiceName,
        cloud: &Cloud,
    ) {
        let address = (target_name(&deployment.rules.target), service.clone());
        let acted = |call: &Call| {
            call.by == Caller::Outsider
                && call.address == address
                && call.at + cloud.drains + JUST_NOW >= deployment.started_at
        };
        if !cloud.calls.iter().any(acted) {
            let what = format!("{}: nobody else touched {service}", deployment.id);
            self.violated("superseded_only_if_updated_outside_slipway", what);
        }
    }

    /// What waits for a person gives way to what may start, and to nothing else.
    fn gave_way_to_what_may_start(&mut self, deployment: &Deployment, version: &Version) {
        let id = &deployment.id;
        if let Some(why) = self.admissions.keeps_closed(&id.place) {
            let what = format!("{id} gave way to {version}, and the environment is {why}");
            self.violated("what_waits_gives_way_only_to_what_may_start", what);
        }
    }

    /// The alarm that caused the rollback was in ALARM since it started, and was not muted.
    fn did_ring(&mut self, deployment: &Deployment, alarm: &AlarmName, cloud: &Cloud) {
        let changes = cloud.alarms.get(alarm).map(Vec::as_slice).unwrap_or_default();
        let rang = changes.iter().enumerate().any(|(nth, change)| {
            // It may be on longer than it is muted.
            let next = changes.get(nth + 1);
            let until = next.map_or(Time::LAST, |next| next.at);
            let muted = change.muted && next.is_none_or(|next| next.muted);
            change.state == AlarmState::On && !muted && until >= deployment.started_at
        });
        if !rang {
            let what = format!("{}: {alarm} has not rung", deployment.id);
            self.violated("an_alarm_that_caused_a_rollback_was_on", what);
        }
    }

    /// No deployment takes longer than all that the spec allows it, one after another.
    fn ended_in_time(&mut self, deployment: &Deployment, now: Time) {
        let rules = &deployment.rules;
        let approval = rules.approval.as_ref().map_or(Span::default(), |wanted| wanted.expires);
        let longest = rules.services().map(|(_, service)| service.timeout).max();
        let longest = longest.unwrap_or_default();
        let migration = rules.migration.as_ref().map_or(Span::default(), |run| run.timeout);
        let waves = rules.waves.len() as u64;
        // Up and down again, each with its patience, and the migration there and back: what starts
        // late has all its time.
        let service = longest.times(3) + Span::minutes(60);
        let task = migration.times(2) + Span::minutes(30);
        let checks = rules.checks.len() as u64;
        let most = approval
            + service.times(waves + 1)
            + task.times(2)
            + rules.bake
            + Span::minutes(30).times(checks + 1);
        let took = now.since(deployment.started_at);
        if took > most {
            let what = format!("{} took {took}, and {most} is enough", deployment.id);
            self.violated("a_deployment_ends_in_time", what);
        }
    }

    /// A task of one of its services has run since it began.
    fn a_task_ran(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let target = target_name(&deployment.rules.target);
        let took = now.since(deployment.started_at);
        let runs = |service: &Service| {
            let address = (target.clone(), service.name.clone());
            let ran = |found: &Found| {
                found.rollouts.iter().any(|r| r.revision == service.after && r.running > 0)
            };
            cloud.was_within(&address, took, now, ran)
        };
        if !deployment.services.iter().any(runs) {
            let what = format!("{} succeeded without a task", deployment.id);
            self.violated("succeeded_started_a_task", what);
        }
    }

    /// An alarm that changed after the last reading may not have been reported yet.
    fn alarms_stayed_quiet(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let Some(from) = deployment.watched_from else { return };
        let known = self.calls.alarms_known_at(&deployment.id).unwrap_or(from);
        for name in &deployment.rules.alarms.names {
            let states = cloud.alarms.get(name).map(Vec::as_slice).unwrap_or_default();
            let at_start = states.iter().rfind(|change| change.at <= from);
            let mut counts = at_start.is_none_or(|change| change.state != AlarmState::On);
            for Change { state, at, muted } in states.iter().filter(|change| change.at > from) {
                if *at >= known || *muted {
                    continue;
                }
                counts |= *state == AlarmState::Quiet;
                if counts && *state == AlarmState::On {
                    let what = format!("{}: {name} rang at {at}", deployment.id);
                    self.violated("succeeded_only_if_the_alarms_stayed_quiet", what);
                }
            }
        }
    }

    /// Compares what runs with the verdicts, if there was no update outside Slipway since.
    pub(crate) fn verdicts_are_true(
        &mut self,
        place: &Place,
        deployments: &[Deployment],
        cloud: &Cloud,
    ) {
        let mut expected: BTreeMap<Address, (Option<Revision>, Time)> = BTreeMap::new();
        for deployment in deployments {
            let State::Ended { verdict, at } = &deployment.state else { return };
            let in_place = matches!(verdict, Verdict::Succeeded | Verdict::Unproven { .. });
            for service in &deployment.services {
                let address = (target_name(&deployment.rules.target), service.name.clone());
                if !in_place && !service.touched() {
                    let before = (service.before.clone(), deployment.started_at);
                    expected.entry(address).or_insert(before);
                    continue;
                }
                let runs = match verdict {
                    _ if in_place => Some(service.after.clone()),
                    Verdict::RolledBack { .. } => service.before.clone(),
                    // It is uncertain.
                    _ => None,
                };
                expected.insert(address, (runs, *at));
            }
        }
        for (address, (revision, ended_at)) in expected {
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            let since = cloud.calls.iter().any(|call| {
                call.address == address
                    && call.by == Caller::Outsider
                    && call.at + JUST_NOW + cloud.lag >= ended_at
            });
            if !since && revision.is_some() && runs != revision {
                let what = format!("{place}: {} runs {runs:?}, not {revision:?}", address.1);
                self.violated("what_runs_is_what_the_verdicts_say", what);
            }
        }
    }
}

/// Whether a person has requested it so recently that it may not be known.
fn touched_by_others(cloud: &Cloud, address: &Address, now: Time, recently: Span) -> bool {
    let calls = cloud.calls.iter().rev();
    let mut calls = calls.filter(|call| call.address == *address && call.at + recently >= now);
    calls.any(|call| call.by == Caller::Outsider)
}

/// Whether it runs this and nothing else, and all of it.
fn is_at_rest(found: &Found, primary: &Rollout) -> bool {
    let others = found.rollouts.iter().filter(|rollout| !rollout.primary);
    primary.progress == Progress::Completed
        && primary.running >= primary.desired
        && others.map(|rollout| rollout.running).sum::<u32>() == 0
        && !found.draining
}
