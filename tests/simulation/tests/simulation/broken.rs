//! The simulation bites: each broken copy of the core is caught, by the invariant that it breaks.

use expect_test::expect;
use simulation::sabotage::{ALL, Variant, play};
use std::fmt::Write as _;

const HISTORIES_MAX: u64 = 1000;

#[test]
fn every_broken_core_is_caught() {
    let mut report = String::new();
    for variant in ALL {
        let caught =
            (0..HISTORIES_MAX).find_map(|seed| play(seed, variant).violations.into_iter().next());
        let caught = caught.map_or("NOT CAUGHT", |violation| violation.invariant);
        let _ = writeln!(report, "{variant:?}: {caught}");
    }
    expect![[""]].assert_eq(&report);
}

/// Acting first must hurt by itself, and not only because nobody asks any more.
#[test]
fn acting_before_saving_is_caught_where_ignoring_the_fence_is_not() {
    let worse = |seed: &u64| {
        !play(*seed, Variant::ActsBeforeSaving).violations.is_empty()
            && play(*seed, Variant::IgnoresTheFence).violations.is_empty()
    };
    assert!((0..HISTORIES_MAX).any(|seed| worse(&seed)));
}
