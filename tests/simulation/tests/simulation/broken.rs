//! The simulation bites: each broken copy of the core is caught, by the invariant that it breaks.

use simulation::sabotage::{ALL, Variant, play};

const HISTORIES_MAX: u64 = 2000;

fn broken_invariant(variant: Variant) -> &'static str {
    match variant {
        Variant::ActsBeforeSaving => "no_eligible_push_is_forgotten",
        Variant::ForgetsTheOutbox => "every_outcome_is_announced",
        Variant::TrustsAnyCompleted => "succeeded_runs_exactly_the_release",
        Variant::IgnoresTheFence => "superseded_only_if_updated_outside_slipway",
        Variant::ForgetsReverseOrder => "services_roll_back_in_reverse_order",
        Variant::AllowsAnOlderBuild => "never_an_automatic_downgrade",
        Variant::GrantsEveryClaim => "the_migration_starts_at_most_once",
        Variant::ForgetsBadReleases => "a_bad_release_is_never_deployed_automatically",
        Variant::ForgetsPauses => "nothing_starts_while_paused",
        Variant::IgnoresTheLock => "never_two_active_deployments",
        Variant::KeepsSilent => "every_outcome_is_announced",
        Variant::IgnoresDeadlines => "every_deployment_ends",
        Variant::GuessesWhatRanBefore => "superseded_only_if_updated_outside_slipway",
        Variant::ReopensVerdicts => "a_verdict_never_changes",
        Variant::DropsTheQueue => "no_eligible_push_is_forgotten",
        Variant::TrustsAnyExitCode => "nothing_rolls_out_before_the_migration",
        Variant::ApprovesThroughAnything => "nothing_is_approved_on_hold",
        Variant::DeclinesInSilence => "every_accepted_request_starts_or_is_declined_with_a_notice",
    }
}

#[test]
fn every_broken_core_is_caught_by_the_invariant_that_it_breaks() {
    for variant in ALL {
        let invariant = broken_invariant(variant);
        let breaks = |seed| play(seed, variant).violations.iter().any(|v| v.invariant == invariant);
        let caught = (0..HISTORIES_MAX).any(breaks);
        assert!(caught, "{HISTORIES_MAX} histories of {variant:?} never broke {invariant}");
    }
}

/// Acting first must be harmful in itself, and not only because the check is missing.
#[test]
fn acting_before_saving_is_caught_where_ignoring_the_fence_is_not() {
    let worse = |seed: &u64| {
        !play(*seed, Variant::ActsBeforeSaving).violations.is_empty()
            && play(*seed, Variant::IgnoresTheFence).violations.is_empty()
    };
    assert!((0..HISTORIES_MAX).any(|seed| worse(&seed)));
}
