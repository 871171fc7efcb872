//! Every history within small bounds, and broken copies of the core that are found there.

use engine::Pipeline;
use simulation::exhaust::{Bounds, STARTS, Start, search, small};
use simulation::sabotage::{Broken, Variant};

#[test]
fn every_history_with_one_departure_holds_every_invariant() {
    let report = search(small(), Pipeline);
    assert!(report.broken.is_none() && report.complete, "{report}");
    // Fewer would mean that the model has come to do nothing.
    assert!(report.worlds > 5_000, "{report}");
}

#[test]
fn the_fair_course_of_every_start_holds_every_invariant() {
    let starts = STARTS.to_vec();
    let bounds = Bounds { departures: 0, releases: 2, starts, transitions: usize::MAX };
    let report = search(bounds, Pipeline);
    assert!(report.broken.is_none() && report.complete, "{report}");
}

/// One departure at the most leads from where the broken core is right to where it is not.
#[test]
fn what_a_broken_core_does_is_found() {
    let broken = [
        (Variant::TrustsAnyCompleted, Start::FirstCrashes, "succeeded_runs_exactly_the_release"),
        (Variant::ForgetsReverseOrder, Start::FailsItsCheck, "services_roll_back_in_reverse_order"),
        (
            Variant::TrustsAnyExitCode,
            Start::MigrationFails,
            "nothing_rolls_out_before_the_migration",
        ),
        (Variant::KeepsSilent, Start::Good, "every_outcome_is_announced"),
        (Variant::IgnoresDeadlines, Start::SecondHangs, "nothing_is_woken_endlessly"),
        (Variant::GrantsEveryClaim, Start::Good, "the_migration_starts_at_most_once"),
    ];
    for (variant, start, invariant) in broken {
        let starts = vec![start];
        let bounds = Bounds { departures: 1, releases: 1, starts, transitions: 200_000 };
        let report = search(bounds, Broken(variant));
        let found = report.broken.as_ref().map(|broken| broken.violation.invariant);
        assert_eq!(found, Some(invariant), "{variant:?}: {report}");
    }
}
