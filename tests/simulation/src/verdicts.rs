//! What each verdict claims, held against the model.

use crate::cloud::{Address, Call, Caller, Change, Cloud, target_name};
use crate::invariants::{Invariants, JUST_NOW};
use pipeline::deployment::{Deployment, FRESH, Service, Standing, State, UNHEARD};
use pipeline::environment::Kind;
use pipeline::event::AlarmState;
use pipeline::names::{AlarmName, Place, Revision, ServiceName, Version};
use pipeline::observation::{Found, Progress, Rollout};
use pipeline::time::{Span, Time};
use pipeline::verdict::{Cause, Usurper, Verdict};
use std::collections::BTreeMap;

/// So long messages may take before whoever waits for one gives up.
const UNHEARD_AFTER: Span = Span::minutes(15);

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
                self.runs_the_release(deployment, cloud, now);
                self.was_just_looked_at(deployment, now);
                if deployment.request.kind == Kind::Deploy {
                    self.a_task_ran(deployment, cloud, now);
                    self.alarms_stayed_quiet(deployment, cloud, now);
                }
            }
            Verdict::RolledBack { .. } => {
                self.runs_what_ran_before(deployment, cloud);
                self.has_come_to_rest(deployment, cloud, now);
            }
            Verdict::Superseded { by: Usurper::Somebody { service, .. } } => {
                self.somebody_else_acted(deployment, service, cloud);
            }
            Verdict::Superseded { by: Usurper::NewerRelease { version } } => {
                self.gave_way_to_what_may_start(deployment, version);
            }
            Verdict::Stuck { .. } => self.could_not_be_put_back(deployment, cloud),
            Verdict::Unproven { .. } => {}
            Verdict::Failed { left, .. } if !left.is_empty() => {}
            Verdict::Failed { .. } | Verdict::Rejected { .. } | Verdict::Cancelled { .. } => {
                if !self.calls.ended_untouched(&deployment.id, cloud) {
                    let what = format!("{}: {verdict}", deployment.id);
                    self.violated("what_touched_nothing_makes_no_call", what);
                }
            }
        }
        if let Some(Cause::Alarm { alarm, .. }) = verdict.cause() {
            self.did_ring(deployment, alarm, cloud);
        }
        self.ended_in_time(deployment, now);
    }

    /// Each service has run exactly the release a moment ago, whatever happens to it since.
    fn runs_the_release(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let images = &deployment.request.release.images;
        for service in &deployment.services {
            let address = (target_name(&deployment.rules.target), service.name.clone());
            let exactly = |found: &Found| {
                let primary = found.primary().filter(|primary| is_at_rest(found, primary));
                let runs = primary.and_then(|primary| cloud.revisions.get(&primary.revision));
                runs.is_some_and(|runs| runs.values().all(|run| images.values().any(|i| i == run)))
            };
            if !cloud.was_within(&address, JUST_NOW + cloud.lag, now, exactly) {
                let runs = cloud.primary(&address).map(|primary| primary.revision.short());
                let what =
                    format!("{} succeeded but {} runs {runs:?}", deployment.id, service.name);
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
        self.violated("succeeded_was_just_looked_at", what);
    }

    fn runs_what_ran_before(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let id = &deployment.id;
        let touched = self.before.get(id).cloned().unwrap_or_default();
        for (address, before) in touched {
            let outsider = |c: &Call| {
                c.address == address && c.by == Caller::Outsider && c.at >= deployment.started_at
            };
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            if runs != before && !cloud.calls.iter().any(outsider) {
                let what = format!("{id}: {} runs {runs:?} and ran {before:?}", address.1);
                self.violated("rolled_back_runs_what_ran_before", what);
            }
        }
    }

    /// Each service that was put back has been at rest a moment ago.
    fn has_come_to_rest(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let put_back = |service: &&Service| {
            service.standing == Standing::PutBack && service.before.as_ref() != Some(&service.after)
        };
        for service in deployment.services.iter().filter(put_back) {
            let address = (target_name(&deployment.rules.target), service.name.clone());
            let rests = |found: &Found| {
                let primary = found.primary().filter(|primary| is_at_rest(found, primary));
                primary.is_some_and(|primary| Some(&primary.revision) == service.before.as_ref())
            };
            if !cloud.was_within(&address, JUST_NOW + cloud.lag, now, rests) {
                let what = format!("{}: {} has not come to rest", deployment.id, service.name);
                self.violated("rolled_back_has_come_to_rest", what);
            }
        }
    }

    /// Nobody is called a usurper who did nothing.
    fn somebody_else_acted(
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
            self.violated("superseded_only_if_somebody_else_acted", what);
        }
    }

    /// What waits for a person gives way to what may start, and to nothing else.
    fn gave_way_to_what_may_start(&mut self, deployment: &Deployment, version: &Version) {
        let id = &deployment.id;
        if let Some(why) = self.doors.keeps_closed(&id.place) {
            let what = format!("{id} gave way to {version}, and the environment is {why}");
            self.violated("what_waits_gives_way_only_to_what_may_start", what);
        }
    }

    /// What turned it round has rung since it began, and was not muted.
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
            self.violated("an_alarm_that_turned_it_round_has_rung", what);
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

    /// What turned on a moment ago nobody may have been told of yet.
    fn alarms_stayed_quiet(&mut self, deployment: &Deployment, cloud: &Cloud, now: Time) {
        let Some(from) = deployment.watched_from else { return };
        for name in &deployment.rules.alarms.names {
            let states = cloud.alarms.get(name).map(Vec::as_slice).unwrap_or_default();
            let at_start = states.iter().rfind(|change| change.at <= from);
            let mut counts = at_start.is_none_or(|change| change.state != AlarmState::On);
            for Change { state, at, muted } in states.iter().filter(|change| change.at > from) {
                if *at + JUST_NOW >= now || *muted {
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

    /// Whoever has to look finds something: a service that is not back, and not because nobody
    /// tried to put it back.
    fn could_not_be_put_back(&mut self, deployment: &Deployment, cloud: &Cloud) {
        let target = target_name(&deployment.rules.target);
        let not_back = |service: &&Service| matches!(service.standing, Standing::NotPutBack { .. });
        let mut not_back = deployment.services.iter().filter(not_back).peekable();
        if not_back.peek().is_none() || cloud.silent.contains(&target) {
            return;
        }
        let mut is_something_wrong = false;
        for service in not_back {
            let address = (target.clone(), service.name.clone());
            let disturbed = |call: &Call| {
                call.address == address
                    && call.by == Caller::Outsider
                    && call.at + cloud.drains >= deployment.started_at
            };
            if was_unheard(deployment, service) {
                return;
            }
            let turned_at = deployment.turned_at.unwrap_or(deployment.started_at);
            let refused = cloud.refusals_made.iter();
            let mut refused = refused.filter(|(at, known)| *at >= turned_at && *known == address);
            if cloud.calls.iter().any(disturbed) || refused.next().is_some() {
                return;
            }
            let primary = cloud.primary(&address);
            let runs = primary.map(|rollout| &rollout.revision);
            if runs == Some(&service.after) && service.before.as_ref() != Some(&service.after) {
                let what = format!("{}: {} is left on the release", deployment.id, service.name);
                self.violated("nothing_is_left_on_the_release_that_could_be_put_back", what);
            }
            is_something_wrong |= runs != service.before.as_ref()
                || primary
                    .is_some_and(|p| p.progress != Progress::Completed || p.running < p.desired);
        }
        if !is_something_wrong {
            let what = format!("{} is stuck, and everything is back", deployment.id);
            self.violated("stuck_only_if_something_is_not_back", what);
        }
    }

    /// Compares what runs with what the verdicts say, where nobody else has had a hand in it since.
    pub(crate) fn verdicts_are_true(
        &mut self,
        place: &Place,
        deployments: &[Deployment],
        cloud: &Cloud,
    ) {
        let mut expected: BTreeMap<Address, (Option<Revision>, Time)> = BTreeMap::new();
        for deployment in deployments {
            let unsure = matches!(
                deployment.verdict(),
                Some(Verdict::Stuck { .. } | Verdict::Superseded { by: Usurper::Somebody { .. } })
                    | None
            ) || matches!(deployment.verdict(), Some(Verdict::Failed { left, .. }) if !left.is_empty());
            let began = deployment.started_at;
            for service in &deployment.services {
                let address = (target_name(&deployment.rules.target), service.name.clone());
                let in_place = |verdict: &Verdict| {
                    matches!(verdict, Verdict::Succeeded | Verdict::Unproven { .. })
                };
                if deployment.verdict().is_some_and(in_place) {
                    expected.insert(address, (Some(service.after.clone()), began));
                } else if unsure {
                    expected.insert(address, (None, began));
                } else {
                    expected.insert(address, (service.before.clone(), began));
                }
            }
        }
        for (address, (revision, began)) in expected {
            let outsider = |call: &Call| {
                call.address == address && call.by == Caller::Outsider && call.at >= began
            };
            let runs = cloud.primary(&address).map(|rollout| rollout.revision.clone());
            if !cloud.calls.iter().any(outsider) && revision.is_some() && runs != revision {
                let what = format!("{place}: {} runs {runs:?}, not {revision:?}", address.1);
                self.violated("what_runs_is_what_the_verdicts_say", what);
            }
        }
    }
}

/// Whether it says that nothing was heard of the service, and nothing was for as long as any
/// message may take.
fn was_unheard(deployment: &Deployment, service: &Service) -> bool {
    let State::Ended { at, .. } = deployment.state else { return false };
    let unheard = matches!(&service.standing,
        Standing::NotPutBack { why } if why == UNHEARD);
    unheard && service.seen_at + UNHEARD_AFTER <= at
}

/// Whether it runs this and nothing else, and all of it.
fn is_at_rest(found: &Found, primary: &Rollout) -> bool {
    let others = found.rollouts.iter().filter(|rollout| !rollout.primary);
    primary.progress == Progress::Completed
        && primary.running >= primary.desired
        && others.map(|rollout| rollout.running).sum::<u32>() == 0
        && !found.draining
}
