//! Defects that reviews found in the core and the workers, each put back by hand.
//!
//! None of their code is shipped: what goes into a decision and what comes out of it is changed so
//! that it comes out as it did then.

use crate::histories::{History, play_with};
use engine::Decide;
use pipeline::deployment::{AlarmsRead, Deployment, Run, Schema, Standing, State};
use pipeline::environment::{
    Bad, Context, Control, Environment, Hold, HoldUntil, Input, MigrationState, Step, advance,
};
use pipeline::event::{AlarmReading, Event, Refusal};
use pipeline::time::{Span, Time};
use pipeline::verdict::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A1: seen at its old revision before its put-back was performed, a service counts as back.
    TakesOldForBack,
    /// A2: of two events of an alarm the older one is ignored when it comes later.
    IgnoresOlderAlarmEvents,
    /// A3: only how alarms are is read, and not what they did.
    ReadsAlarmsAsTheyAre,
    /// A4: in the last look alarms are read once.
    ReadsAlarmsOnce,
    /// A5: a release of which no task was started is a success.
    CallsNoTaskASuccess,
    /// A6: services are updated without a look at what they run.
    UpdatesBlindly,
    /// A7: a service that was not there at first is deleted, whoever has created it.
    DeletesWhatOthersCreated,
    /// A8: that a migration was undone is forgotten.
    ForgetsUndoneMigrations,
    /// A9: the last of several rollouts is taken for the only one, and workers leave no notes.
    KnowsOneRollout,
    /// A10: workers leave no notes.
    KeepsNoNotes,
    /// A11: a migration that failed leaves no trace.
    ForgetsFailedMigrations,
    /// Review 1: what failed is known by its digests only, and not as a whole.
    ForgetsWhatFailedTogether,
    /// A13: what was at rest once is not looked at again.
    ForgetsUnrest,
    /// B1: each start of a one-off task gives it all its time again.
    TriesForEver,
    /// B2: a service that drains is deleted again, with a new deadline each time.
    DeletesWhatDrains,
    /// B5: who waits for a success elsewhere waits for ever.
    WaitsForEver,
    /// C4: a hold keeps out what is older than what ran, and not what waits.
    HoldsOnlyWhatIsOlder,
    /// C5: a hold takes the place of a firmer one.
    ReplacesFirmHolds,
    /// C7: what waits for approval gives way to what may not start.
    GivesWayToWhatMayNotStart,
    /// C8: a hold that came later turns away what a person asked for.
    TurnsPeopleAway,
    /// C9: lifting a hold forgets a migration that may still run.
    UnholdForgetsTheTask,
    /// C10: a migration that may still run is undone.
    UndoesBesideTheTask,
    /// C11: an approval counts after its deadline.
    ApprovesTooLate,
    /// D1: whatever is rolled back is marked bad.
    MarksEverythingBad,
    /// D3: a way back that AWS refuses is stuck, without a look.
    TakesRefusedForStuck,
    /// D7: where an environment has left the spec, its last rules go on.
    DeploysOutsideOfTheSpec,
    /// D9: a muted alarm counts as soon as it is read.
    ForgetsThatAlarmsAreMuted,
}

/// Each with the invariant that it breaks.
#[rustfmt::skip] // A table.
pub const DEFECTS: [(Defect, &str); 24] = [
    (Defect::TakesOldForBack, "nothing_is_left_on_the_release_that_could_be_put_back"),
    (Defect::IgnoresOlderAlarmEvents, "succeeded_only_if_the_alarms_stayed_quiet"),
    (Defect::ReadsAlarmsAsTheyAre, "succeeded_only_if_the_alarms_stayed_quiet"),
    (Defect::ReadsAlarmsOnce, "succeeded_was_just_looked_at"),
    (Defect::CallsNoTaskASuccess, "succeeded_started_a_task"),
    (Defect::UpdatesBlindly, "an_update_of_somebody_else_is_not_overwritten"),
    (Defect::KnowsOneRollout, "superseded_only_if_somebody_else_acted"),
    (Defect::KeepsNoNotes, "one_update_to_the_release"),
    (Defect::DeletesWhatOthersCreated, "nobody_deletes_what_others_created"),
    (Defect::ForgetsFailedMigrations, "a_failed_migration_is_not_run_again_by_automation"),
    (Defect::ForgetsWhatFailedTogether, "what_failed_is_not_started_again_by_automation"),
    (Defect::TriesForEver, "a_deployment_ends_in_time"),
    (Defect::DeletesWhatDrains, "a_service_is_deleted_twice_at_most"),
    (Defect::WaitsForEver, "no_eligible_push_is_forgotten"),
    (Defect::HoldsOnlyWhatIsOlder, "a_hold_keeps_out_what_waits_already"),
    (Defect::ReplacesFirmHolds, "a_hold_never_replaces_a_firmer_one"),
    (Defect::GivesWayToWhatMayNotStart, "what_waits_gives_way_only_to_what_may_start"),
    (Defect::TurnsPeopleAway, "a_person_is_not_turned_away_by_a_hold_that_came_later"),
    (Defect::UnholdForgetsTheTask, "never_two_migrations_at_a_time"),
    (Defect::UndoesBesideTheTask, "never_two_migrations_at_a_time"),
    (Defect::ApprovesTooLate, "nothing_is_approved_too_late"),
    (Defect::MarksEverythingBad, "a_blameless_image_is_not_marked_bad"),
    (Defect::DeploysOutsideOfTheSpec, "nothing_starts_outside_of_the_spec"),
    (Defect::ForgetsThatAlarmsAreMuted, "an_alarm_that_turned_it_round_has_rung"),
];

/// Those that too few histories lead to. Tests of the core and of the workers find them.
#[rustfmt::skip] // A table.
pub const RARE: [(Defect, &str); 3] = [
    (Defect::TakesRefusedForStuck, "stuck_only_if_something_is_not_back"),
    (Defect::ForgetsUnrest, "rolled_back_has_come_to_rest"),
    (Defect::ForgetsUndoneMigrations, "each_migration_is_undone_once_at_most"),
];

#[derive(Clone, Copy, Debug)]
pub struct Relapsed(pub Defect);

/// What workers leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Careless {
    /// They do not look at a service before they update it or put it back.
    pub never_looks: bool,
    /// They do not note that they are about to update it.
    pub keeps_no_notes: bool,
    /// They delete what is there, whoever created it and though it drains.
    pub deletes_anything: bool,
}

/// Plays the history of `seed` with one defect put back.
pub fn play_with_defect(seed: u64, defect: Defect) -> History {
    play_with(seed, Relapsed(defect), false, |sim| {
        sim.careless = Careless {
            never_looks: matches!(
                defect,
                Defect::UpdatesBlindly | Defect::DeletesWhatOthersCreated
            ),
            keeps_no_notes: matches!(defect, Defect::KnowsOneRollout | Defect::KeepsNoNotes),
            deletes_anything: matches!(
                defect,
                Defect::DeletesWhatOthersCreated | Defect::DeletesWhatDrains
            ),
        };
    })
}

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
        let mut environment = environment;
        self.head_before(&mut environment, &mut input, now);
        if let Some(deployment) = &mut environment.deployment {
            self.deployment_before(deployment, &mut input, now);
        }
        let rules = known.deployment.as_ref().map(|deployment| &deployment.rules);
        let left = context.rules.is_none() && self.0 == Defect::DeploysOutsideOfTheSpec;
        let context = if left { &Context { rules, ..*context } } else { context };
        let mut step = advance(environment, input.clone(), context, now);
        self.head_after(&mut step, &known, &input);
        for deployment in &mut step.deployments {
            self.deployment_after(deployment, &known, &input);
        }
        step
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
                people.for_each(|waits| waits.since = Some(now));
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
                    if let Standing::PuttingBack { by_ecs: false, .. } = service.standing {
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
                | State::Undoing { run: Run { try_until, .. }, .. },
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
                    *mark = live.release.mark();
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
            (Defect::ForgetsUnrest, State::Settling { unseen, .. }) => {
                let before = known.deployment.as_ref().map(|before| &before.state);
                if let Some(State::Settling { unseen: before, .. }) = before {
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
            (Defect::TakesRefusedForStuck, _) => {
                let Input::Answered {
                    event: Event::PutBackRefused { service, refusal: Refusal::Final, reason },
                    ..
                } = input
                else {
                    return;
                };
                let refused = deployment.services.iter_mut().find(|known| {
                    known.name == *service && matches!(known.standing, Standing::PuttingBack { .. })
                });
                if let Some(refused) = refused {
                    refused.standing = Standing::NotPutBack { why: reason.clone() };
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
