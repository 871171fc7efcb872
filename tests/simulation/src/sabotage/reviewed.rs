//! Defects that reviews found in the core and the workers, each restored by hand.
//!
//! None of their code is shipped: the input and the output of a decision are changed so that the
//! old result returns.

mod releases;
mod turns;

use crate::histories::{History, play_with};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A1: seen at its old revision before its put-back was performed, a service counts as back.
    TakesOldForBack,
    /// A2: of two events of an alarm the older one is ignored when it comes later.
    IgnoresOlderAlarmEvents,
    /// A3: only how alarms are is read, and not what they did.
    ReadsAlarmsAsTheyAre,
    /// A4: in the final verification alarms are read once.
    ReadsAlarmsOnce,
    /// A5: a release of which no task was started is a success.
    CallsNoTaskASuccess,
    /// A6: services are updated without a check of what they run.
    UpdatesBlindly,
    /// A7: a service that did not exist at first is deleted, even if it was created outside
    /// Slipway.
    DeletesWhatOthersCreated,
    /// A8: that a migration was undone is forgotten.
    ForgetsUndoneMigrations,
    /// A9: the last of several rollouts is taken for the only one, and workers leave no notes.
    KnowsOneRollout,
    /// A10: workers leave no notes.
    KeepsNoNotes,
    /// A11: a migration that failed leaves no trace.
    ForgetsFailedMigrations,
    /// A12: images that the spec no longer knows are dropped from queued requests.
    DropsRenamedImages,
    /// Review 1: what failed is known by its digests only, and not as a whole.
    ForgetsWhatFailedTogether,
    /// A13: a service that was stable once is not observed again.
    ForgetsUnrest,
    /// B1: each start of a one-off task gives it all its time again.
    TriesForEver,
    /// B2: a service that drains is deleted again, with a new deadline each time.
    DeletesWhatDrains,
    /// B3: every release that succeeded is remembered with all its revisions.
    KeepsEveryGoodRelease,
    /// B4: what changes nothing but when it is due is not written.
    LeavesWhatIsDue,
    /// B5: a request that waits for a success elsewhere waits endlessly.
    WaitsForEver,
    /// B6: where every release waits, the newest is turned away.
    TurnsTheNewestAway,
    /// C1: a release is as old as its first push.
    IgnoresBuildDates,
    /// C2: one newest release is remembered, with or without a version.
    RemembersOneMark,
    /// C3: the newest release stays the newest, whatever a person does.
    KeepsTheNewestForEver,
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
    /// D1: everything that is rolled back is marked bad.
    MarksEverythingBad,
    /// D2: a service that the release does not change is held against it.
    BlamesForTheUnchanged,
    /// D3: a rollback that AWS rejects is stuck, without an observation.
    TakesRefusedForStuck,
    /// D4: a service deleted outside Slipway is taken for one that could not be rolled back.
    TakesDeletedForStuck,
    /// D5: a promotion of an image that the spec does not know is refused without a notice.
    LosesPromotions,
    /// D6: a promotion need not have every image that is wanted.
    PromotesHalfReleases,
    /// D7: if an environment has left the spec, its last rules still apply.
    DeploysOutsideOfTheSpec,
    /// D8: an answer with a long reason is taken for implausible.
    TakesLongForAbsurd,
    /// D9: a muted alarm counts as soon as it is read.
    ForgetsThatAlarmsAreMuted,
    /// D10: of two pushes in one second a replaced digest stays replaced, whatever the registry
    /// says.
    IgnoresTheRegistry,
}

/// Each with the invariant that it breaks.
#[rustfmt::skip] // A table.
pub const DEFECTS: [(Defect, &str); 40] = [
    (Defect::TakesOldForBack, "nothing_is_left_on_the_release_that_could_be_rolled_back"),
    (Defect::IgnoresOlderAlarmEvents, "succeeded_only_if_the_alarms_stayed_quiet"),
    (Defect::ReadsAlarmsAsTheyAre, "succeeded_only_if_the_alarms_stayed_quiet"),
    (Defect::ReadsAlarmsOnce, "succeeded_was_just_observed"),
    (Defect::CallsNoTaskASuccess, "succeeded_started_a_task"),
    (Defect::UpdatesBlindly, "an_update_outside_slipway_is_not_overwritten"),
    (Defect::DeletesWhatOthersCreated, "no_service_created_outside_slipway_is_deleted"),
    (Defect::ForgetsUndoneMigrations, "each_migration_is_undone_once_at_most"),
    (Defect::KnowsOneRollout, "superseded_only_if_updated_outside_slipway"),
    (Defect::KeepsNoNotes, "one_update_to_the_release"),
    (Defect::ForgetsFailedMigrations, "a_failed_migration_is_not_run_again_by_automation"),
    (Defect::DropsRenamedImages, "what_starts_fits_the_spec"),
    (Defect::ForgetsUnrest, "rolled_back_is_stable"),
    (Defect::ForgetsWhatFailedTogether, "what_failed_is_not_started_again_by_automation"),
    (Defect::TriesForEver, "a_deployment_ends_in_time"),
    (Defect::DeletesWhatDrains, "a_service_is_deleted_twice_at_most"),
    (Defect::KeepsEveryGoodRelease, "every_record_fits_into_an_item"),
    (Defect::LeavesWhatIsDue, "nothing_is_woken_endlessly"),
    (Defect::WaitsForEver, "no_eligible_push_is_forgotten"),
    (Defect::TurnsTheNewestAway, "the_newest_is_not_declined_while_older_ones_wait"),
    (Defect::IgnoresBuildDates, "nothing_built_earlier_is_deployed_later_automatically"),
    (Defect::RemembersOneMark, "never_an_automatic_downgrade"),
    (Defect::KeepsTheNewestForEver, "nothing_is_declined_for_what_was_left"),
    (Defect::HoldsOnlyWhatIsOlder, "a_hold_keeps_out_what_waits_already"),
    (Defect::ReplacesFirmHolds, "a_hold_never_replaces_a_firmer_one"),
    (Defect::GivesWayToWhatMayNotStart, "what_waits_gives_way_only_to_what_may_start"),
    (Defect::TurnsPeopleAway, "a_person_is_not_refused_because_of_a_later_hold"),
    (Defect::UnholdForgetsTheTask, "never_two_migrations_at_a_time"),
    (Defect::UndoesBesideTheTask, "never_two_migrations_at_a_time"),
    (Defect::ApprovesTooLate, "nothing_is_approved_too_late"),
    (Defect::MarksEverythingBad, "a_blameless_image_is_not_marked_bad"),
    (Defect::BlamesForTheUnchanged, "a_good_release_is_not_rolled_back_without_a_cause"),
    (Defect::TakesRefusedForStuck, "stuck_only_if_something_is_not_rolled_back"),
    (Defect::TakesDeletedForStuck, "what_others_deleted_does_not_end_stuck"),
    (Defect::LosesPromotions, "every_accepted_request_starts_or_is_declined_with_a_notice"),
    (Defect::PromotesHalfReleases, "what_starts_fits_the_spec"),
    (Defect::DeploysOutsideOfTheSpec, "nothing_starts_outside_of_the_spec"),
    (Defect::TakesLongForAbsurd, "an_answer_counts_however_long_it_is"),
    (Defect::ForgetsThatAlarmsAreMuted, "an_alarm_that_caused_a_rollback_was_on"),
    (Defect::IgnoresTheRegistry, "a_candidate_holds_what_its_tag_points_to"),
];

#[derive(Clone, Copy, Debug)]
pub struct Relapsed(pub Defect);

/// What workers leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Careless {
    /// They do not check a service before they update it or roll it back.
    pub never_looks: bool,
    /// They do not note that they are about to update it.
    pub keeps_no_notes: bool,
    /// They delete any service, even if it was created outside Slipway or is draining.
    pub deletes_anything: bool,
    /// They do not check a service before they roll it back.
    pub never_looks_back: bool,
}

/// Plays the history of `seed` with one restored defect.
pub fn play_with_defect(seed: u64, defect: Defect) -> History {
    play_with(seed, Relapsed(defect), false, |sim| {
        sim.careless = Careless {
            never_looks: matches!(
                defect,
                Defect::UpdatesBlindly
                    | Defect::DeletesWhatOthersCreated
                    | Defect::TakesDeletedForStuck
            ),
            keeps_no_notes: matches!(defect, Defect::KnowsOneRollout | Defect::KeepsNoNotes),
            deletes_anything: matches!(
                defect,
                Defect::DeletesWhatOthersCreated | Defect::DeletesWhatDrains
            ),
            never_looks_back: matches!(
                defect,
                Defect::TakesRefusedForStuck | Defect::TakesDeletedForStuck
            ),
        };
        if defect == Defect::LeavesWhatIsDue {
            sim.memory.leave_what_is_due();
        }
    })
}
