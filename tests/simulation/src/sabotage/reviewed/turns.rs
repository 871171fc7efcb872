//! What each defect changes of what goes into a turn and of what comes out of it.

use super::releases::without_wishes;
use super::{Defect, Relapsed};
use engine::Decide;
use pipeline::deployment::{AlarmsRead, Deployment, Reply, Run, Schema, ServiceState, State};
use pipeline::environment::{
    Bad, Context, Control, Environment, Hold, HoldUntil, Input, MigrationState, Step, advance,
};
use pipeline::event::{AlarmReading, Event, Refusal};
use pipeline::names::ImageName;
use pipeline::push::{Candidate, Push};
use pipeline::spec::Application;
use pipeline::time::{Span, Time};
use pipeline::verdict::Verdict;

/// A moment that no answer of a worker has.
const LONG_AGO: Time = Time::from_millis(1);
const NOTHING: Input = Input::HeadAnswered { effect: 0 };

impl Decide for Relapsed {
    fn advance(
        &self,
        environment: Environment,
        mut input: Input,
        context: &Context<'_>,
        now: Time,
    ) -> Step {
        let known = environment.clone();
        if let Some(step) = self.refuses(&known, &input, context, now) {
            return step;
        }
        let mut environment = environment;
        let forgets_wishes = self.releases_before(&mut environment, &input, context);
        self.head_before(&mut environment, &mut input, now);
        if let Some(deployment) = &mut environment.deployment {
            self.deployment_before(deployment, &mut input, now);
        }
        let rules = known.deployment.as_ref().map(|deployment| &deployment.rules);
        let left = context.rules.is_none() && self.0 == Defect::DeploysOutsideOfTheSpec;
        let context = if left { &Context { rules, ..*context } } else { context };
        let without_wishes = context.rules.filter(|_| forgets_wishes).map(without_wishes);
        let rules = without_wishes.as_ref().or(context.rules);
        let context = &Context { rules, ..*context };
        let mut step = advance(environment, input.clone(), context, now);
        self.releases_after(&mut step, &known, &input);
        self.head_after(&mut step, &known, &input);
        for deployment in &mut step.deployments {
            self.deployment_after(deployment, &known, &input);
        }
        step
    }

    fn pushed(
        &self,
        candidate: &mut Candidate,
        image: &ImageName,
        push: &Push,
        spec: &Application,
        now: Time,
    ) -> Reply {
        let mut push = push.clone();
        match self.0 {
            Defect::IgnoresBuildDates => push.details.built_at = None,
            Defect::IgnoresTheRegistry => push.details.asked_at = None,
            _ => {}
        }
        candidate.pushed(image, &push, spec, now)
    }
}

impl Relapsed {
    fn head_before(&self, environment: &mut Environment, input: &mut Input, now: Time) {
        let head = &mut environment.head;
        let holds = matches!(input, Input::Controlled { control: Control::Hold { .. }, .. });
        let unholds = matches!(input, Input::Controlled { control: Control::Unhold, .. });
        match self.0 {
            Defect::ForgetsUndoneMigrations => {
                let undone = |state: &&mut MigrationState| **state == MigrationState::Undone;
                let states = head.migrations.iter_mut().map(|migration| &mut migration.state);
                states.filter(undone).for_each(|state| *state = MigrationState::Done);
            }
            Defect::ReplacesFirmHolds if holds => head.hold = None,
            Defect::UnholdForgetsTheTask if unholds => head.unfinished = None,
            Defect::UndoesBesideTheTask if matches!(input, Input::RollbackRequested { .. }) => {
                head.unfinished = None;
            }
            Defect::TurnsPeopleAway => {
                let people = head.queue.iter_mut().filter(|waits| waits.request.is_by_person());
                // As if they had been requested after any hold of this turn.
                people.for_each(|waits| waits.since = Some(now + Span::seconds(1)));
            }
            Defect::GivesWayToWhatMayNotStart
                if environment
                    .deployment
                    .as_ref()
                    .is_some_and(|d| matches!(d.state, State::AwaitingApproval { .. })) =>
            {
                head.pause = None;
            }
            _ => {}
        }
    }

    fn deployment_before(&self, deployment: &mut Deployment, input: &mut Input, now: Time) {
        let event = match input {
            Input::Happened(event) | Input::Answered { event, .. } => Some(event),
            _ => None,
        };
        match (self.0, event) {
            (Defect::TakesOldForBack, Some(Event::Observed { .. })) => {
                for service in &mut deployment.services {
                    if let ServiceState::RollingBack { by_ecs: false, .. } = service.state {
                        service.visible_from.get_or_insert(LONG_AGO);
                    }
                }
            }
            (Defect::IgnoresOlderAlarmEvents, Some(Event::AlarmChanged(reading))) => {
                reading.was = None;
                let known = deployment.alarms.get(&reading.alarm);
                if known.is_some_and(|known| reading.since < known.since) {
                    *input = NOTHING;
                }
            }
            (
                Defect::IgnoresOlderAlarmEvents | Defect::ReadsAlarmsAsTheyAre,
                Some(Event::AlarmsRead { readings, .. }),
            ) => only_the_newest(readings),
            (Defect::ForgetsThatAlarmsAreMuted, Some(Event::AlarmsRead { readings, .. })) => {
                readings.iter_mut().for_each(|reading| reading.muted = Some(false));
            }
            (Defect::DeletesWhatDrains, Some(Event::Observed { services })) => {
                deployment.services.iter_mut().for_each(|service| service.back_by = None);
                let found = services.iter_mut().filter_map(|seen| seen.found.as_mut());
                found.for_each(|found| found.draining = false);
            }
            _ => {}
        }
        match (self.0, &mut deployment.state) {
            (
                Defect::ReadsAlarmsOnce,
                State::Confirming { alarms_read: AlarmsRead::At(read_at), .. },
            ) => *read_at = now,
            (Defect::CallsNoTaskASuccess, State::Confirming { .. }) => {
                deployment.services.iter_mut().for_each(|service| service.ran = true);
            }
            (
                Defect::TriesForEver,
                State::Migrating { run: Run { try_until, .. }, .. }
                | State::UndoingMigration { run: Run { try_until, .. }, .. },
            ) => *try_until = None,
            (Defect::ApprovesTooLate, State::AwaitingApproval { deadline })
                if matches!(input, Input::Controlled { control: Control::Approve { .. }, .. }) =>
            {
                *deadline = (*deadline).max(now + Span::seconds(1));
            }
            _ => {}
        }
    }

    fn head_after(&self, step: &mut Step, known: &Environment, input: &Input) {
        let head = &mut step.head;
        let ended = step.deployments.iter().find(|deployment| {
            known.head.active == Some(deployment.id.number) && deployment.verdict().is_some()
        });
        match (self.0, ended) {
            (Defect::ForgetsFailedMigrations, Some(ended))
                if matches!(ended.verdict(), Some(Verdict::Failed { left, .. }) if left.is_empty())
                    && ended.schema != Schema::Untouched =>
            {
                head.bad.clone_from(&known.head.bad);
                head.failed.clone_from(&known.head.failed);
                head.hold.clone_from(&known.head.hold);
            }
            (Defect::MarksEverythingBad, Some(ended))
                if matches!(ended.verdict(), Some(Verdict::RolledBack { .. })) =>
            {
                for digest in ended.request.release.images.values() {
                    let (digest, version) = (digest.clone(), ended.request.release.version.clone());
                    let why = "it was rolled back".to_owned();
                    head.bad.push(Bad { digest, version, why, by_hand: false });
                }
            }
            (Defect::ForgetsWhatFailedTogether, _) => head.failed.clear(),
            (Defect::WaitsForEver, _) => {
                let promoted = |why: &str| why.contains("has not succeeded in");
                let waits = head.queue.iter_mut().filter(|waits| promoted(&waits.why));
                waits.for_each(|waits| (waits.until, waits.since) = (None, None));
            }
            (Defect::HoldsOnlyWhatIsOlder, _)
                if matches!(
                    input,
                    Input::Controlled { control: Control::Hold { firm: false }, .. }
                ) =>
            {
                if let (Some(Hold { until: HoldUntil::NewerThan(mark), .. }), Some(live)) =
                    (&mut head.hold, &head.live)
                {
                    *mark = live.release.order();
                }
            }
            (Defect::GivesWayToWhatMayNotStart, _) if head.pause.is_none() => {
                let resumes = matches!(input, Input::Controlled { control: Control::Resume, .. });
                head.pause = known.head.pause.clone().filter(|_| !resumes);
            }
            _ => {}
        }
    }

    fn deployment_after(&self, deployment: &mut Deployment, known: &Environment, input: &Input) {
        match (self.0, &mut deployment.state) {
            (Defect::ForgetsUnrest, State::VerifyingRollback { unseen, .. }) => {
                let before = known.deployment.as_ref().map(|before| &before.state);
                if let Some(State::VerifyingRollback { unseen: before, .. }) = before {
                    unseen.retain(|name| before.contains(name));
                }
            }
            (Defect::TakesOldForBack, _) => {
                let long_ago = deployment.services.iter_mut();
                let long_ago = long_ago.filter(|service| service.visible_from == Some(LONG_AGO));
                long_ago.for_each(|service| service.visible_from = None);
            }
            (Defect::KnowsOneRollout, _) => {
                for service in &mut deployment.services {
                    let last = service.other_rollouts.pop();
                    service.rollout = last.or(service.rollout.take());
                    service.other_rollouts.clear();
                }
            }
            (Defect::TakesRefusedForStuck | Defect::TakesDeletedForStuck, _) => {
                let Input::Answered {
                    event: Event::RollbackRefused { service, refusal: Refusal::Final, reason },
                    ..
                } = input
                else {
                    return;
                };
                let refused = deployment.services.iter_mut().find(|known| {
                    known.name == *service
                        && matches!(known.state, ServiceState::RollingBack { .. })
                });
                if let Some(refused) = refused {
                    refused.state = ServiceState::NotRolledBack { why: reason.clone() };
                }
            }
            _ => {}
        }
    }
}

/// How each alarm is, and nothing of what it did.
fn only_the_newest(readings: &mut Vec<AlarmReading>) {
    readings.reverse();
    let mut known = Vec::new();
    readings.retain(|reading| {
        let is_newest = !known.contains(&reading.alarm);
        known.push(reading.alarm.clone());
        is_newest
    });
    readings.iter_mut().for_each(|reading| reading.was = None);
}
