//! Defects that reviews found, restored by hand: random histories find each of them.

use simulation::sabotage::reviewed::{DEFECTS, Defect, play_with_defect};
use std::thread;

/// The rarest one takes about a thousand.
const HISTORIES_MAX: u64 = 3000;

fn found(defect: Defect, invariant: &str) -> bool {
    let breaks =
        |seed| play_with_defect(seed, defect).violations.iter().any(|v| v.invariant == invariant);
    (0..HISTORIES_MAX).any(breaks)
}

#[test]
fn every_defect_that_is_put_back_is_found_by_the_invariant_that_it_breaks() {
    let (some, others) = DEFECTS.split_at(DEFECTS.len() / 2);
    let missed: Vec<Defect> = thread::scope(|scope| {
        let workers = [some, others].map(|defects| {
            scope.spawn(move || {
                let missed =
                    defects.iter().filter(|(defect, invariant)| !found(*defect, invariant));
                missed.map(|(defect, _)| *defect).collect::<Vec<_>>()
            })
        });
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    assert!(missed.is_empty(), "{HISTORIES_MAX} histories held every invariant: {missed:?}");
}
