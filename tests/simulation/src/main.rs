//! Shows what Slipway decides: the days of the five systems, or as many random histories as wanted.
#![expect(clippy::print_stdout, reason = "this program shows things to a person")]

use engine::Pipeline;
use simulation::days::{DAYS, Day};
use simulation::exhaust;
use simulation::histories::play;
use simulation::large;
use simulation::sabotage::reviewed::{DEFECTS, play_with_defect};
use simulation::story::Story;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;

const HELP: &str = "\
Slipway decides deployments; this shows how, in a simulated world and under a clock that jumps.

  cargo run                               SCR on a good day, and with a bad image
  cargo run -- list                       every system and its days
  cargo run -- SYSTEM [DAY]               one day, or all days of one system
  cargo run -- simulate [COUNT [SEED]]    random histories (1000), from a seed on (0)
  cargo run -- replay SEED                one history, happening by happening
  cargo run -- defects [COUNT [DEFECT]]   which defect put back is found in how many histories (10000)
  cargo run -- exhaust [FAULTS [RELEASES]] every history with at most so many faults (1) and releases (2)
  cargo run --release -- bench            the core and the stored form, on fifty services
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => show(&[("scr", "good"), ("scr", "image-crashes")]),
        ["--help" | "-h" | "help"] => print(HELP),
        ["list"] => print(&list()),
        ["bench"] => large::bench().and_then(|report| print(&report)),
        ["simulate"] => simulate(1000, 0),
        ["simulate", count] => number(count).and_then(|count| simulate(count, 0)),
        ["simulate", count, seed] => number(count).and_then(|count| simulate(count, number(seed)?)),
        ["defects"] => print_defects(10_000, ""),
        ["defects", count] => number(count).and_then(|count| print_defects(count, "")),
        ["defects", count, defect] => number(count).and_then(|count| print_defects(count, defect)),
        ["exhaust"] => exhaust(1, 2),
        ["exhaust", faults] => number(faults).and_then(|faults| exhaust(faults, 2)),
        ["exhaust", faults, releases] => {
            number(faults).and_then(|faults| exhaust(faults, number(releases)?))
        }
        ["replay", seed] => number(seed).and_then(replay),
        [system] => show_all(system),
        [system, day] => show(&[(system, day)]),
        _ => Err(format!("too many words\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn show(days: &[(&str, &str)]) -> Result<(), String> {
    for (system, name) in days {
        let day = DAYS.iter().find(|day| day.system == *system && day.name == *name);
        show_day(day.ok_or_else(|| {
            format!("there is no day {name} of {system}; these are known:\n\n{}", list())
        })?)?;
    }
    Ok(())
}

fn show_all(system: &str) -> Result<(), String> {
    let days: Vec<_> = DAYS.iter().filter(|day| day.system == system).collect();
    if days.is_empty() {
        return Err(format!("there is no system {system}; these are known:\n\n{}\n{HELP}", list()));
    }
    days.into_iter().try_for_each(show_day)
}

fn show_day(day: &Day) -> Result<(), String> {
    let mut story = Story::of(day.system)?;
    (day.play)(&mut story);
    println!("== {} {}: {}\n\n{}", day.system, day.name, day.about, story.tell(day.environment));
    match story.sim.invariants.violations.first() {
        Some(violation) => {
            Err(format!("{} does not hold: {}", violation.invariant, violation.what))
        }
        None => Ok(()),
    }
}

fn list() -> String {
    DAYS.iter()
        .map(|day| format!("  {:<10} {:<28} {}\n", day.system, day.name, day.about))
        .collect()
}

fn simulate(count: u64, first: u64) -> Result<(), String> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    println!("{count} histories from seed {first}");
    let histories: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let seeds = (first + thread..first + count).step_by(threads as usize);
                scope.spawn(move || {
                    seeds.map(|seed| play(seed, Pipeline, false)).collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a history panicked".to_owned()))
            .collect()
    });
    let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut happenings, mut broken) = (0, 0);
    for history in histories.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        happenings += history.happenings;
        for (name, count) in history.verdicts {
            *verdicts.entry(name).or_default() += count;
        }
        broken += u64::from(!history.violations.is_empty());
        for violation in history.violations {
            println!(
                "seed {}: {} does not hold: {}",
                history.seed, violation.invariant, violation.what
            );
        }
    }
    println!("{happenings} happenings, deployments by verdict: {verdicts:?}");
    if broken > 0 {
        return Err(format!(
            "{broken} histories broke an invariant; see one with: cargo run -- replay SEED"
        ));
    }
    println!("every invariant held");
    Ok(())
}

fn print_defects(count: u64, name: &str) -> Result<(), String> {
    let all = || DEFECTS.iter();
    let wanted: Vec<_> =
        all().filter(|(defect, _)| format!("{defect:?}").contains(name)).copied().collect();
    if wanted.is_empty() {
        let known: Vec<_> = all().map(|(defect, _)| format!("  {defect:?}")).collect();
        return Err(format!("there is no defect {name}; these are known:\n{}", known.join("\n")));
    }
    for (defect, invariant) in wanted {
        let breaks = |seed: &u64| {
            let history = play_with_defect(*seed, defect);
            history.violations.iter().any(|broken| broken.invariant == invariant)
        };
        match (0..count).find(breaks) {
            Some(seed) => println!("{defect:?}: {invariant}, {} histories", seed + 1),
            None => println!("{defect:?}: {invariant} held in {count} histories"),
        }
    }
    Ok(())
}

fn exhaust(departures: u64, releases: u64) -> Result<(), String> {
    let small = |count: u64| u8::try_from(count).map_err(|_| format!("{count} are too many"));
    let bounds = exhaust::large(small(departures)?, small(releases)?);
    let report = exhaust::search_and_tell(bounds, Pipeline, |far| println!("{far}"));
    match report.broken {
        None => print(&report.to_string()),
        Some(_) => Err(report.to_string()),
    }
}

fn replay(seed: u64) -> Result<(), String> {
    let history = play(seed, Pipeline, true);
    history.log.iter().for_each(|line| println!("{line}"));
    println!("deployments by verdict: {:?}", history.verdicts);
    match history.violations.as_slice() {
        [] => print("every invariant held\n"),
        violations => Err(format!("{violations:#?}")),
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word:?} is not a number\n\n{HELP}"))
}

fn print(text: &str) -> Result<(), String> {
    print!("{text}");
    Ok(())
}
