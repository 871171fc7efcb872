//! Ten thousand random histories, in each of which every invariant holds.

use engine::Pipeline;
use simulation::histories::{History, play};
use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::Range;
use std::thread;

const HISTORIES: u64 = 10_000;
/// What mutation testing asks of each mutant.
const FIRST: u64 = 500;

#[test]
fn the_first_random_histories_hold_every_invariant() {
    hold(0..FIRST);
}

#[test]
fn ten_thousand_random_histories_hold_every_invariant() {
    assert_histories_were_eventful(&hold(FIRST..HISTORIES));
}

fn hold(seeds: Range<u64>) -> Vec<History> {
    let threads = thread::available_parallelism().map_or(2, NonZero::get);
    let histories: Vec<History> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let seeds = seeds.clone().skip(first).step_by(threads);
                scope.spawn(move || {
                    seeds.map(|seed| play(seed, Pipeline, false)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a history must not panic"))
            .collect()
    });
    let broken: Vec<&History> = histories.iter().filter(|h| !h.violations.is_empty()).collect();
    let report = broken.iter().take(10).map(|history| {
        format!(
            "seed {}: {:?}\n  see it with: cargo run -- replay {}\n",
            history.seed, history.violations, history.seed
        )
    });
    assert!(
        broken.is_empty(),
        "{} histories broke an invariant:\n{}",
        broken.len(),
        report.collect::<String>()
    );
    histories
}

/// Histories in which nothing happens hold every invariant too.
fn assert_histories_were_eventful(histories: &[History]) {
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, count) in histories.iter().flat_map(|history| &history.verdicts) {
        *verdicts.entry(name).or_default() += count;
    }
    for name in
        ["succeeded", "rolled back", "failed", "superseded", "rejected", "cancelled", "stuck"]
    {
        let count = verdicts.get(name).copied().unwrap_or_default();
        assert!(count >= 20, "only {count} deployments ended {name}: {verdicts:?}");
    }
}

#[test]
fn a_seed_always_plays_the_same_history() {
    let (one, other) = (play(7, Pipeline, true), play(7, Pipeline, true));
    assert!(one.log.len() > 50);
    assert_eq!(one.log, other.log);
}
