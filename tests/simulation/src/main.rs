//! Shows what Slipway decides: a good day and a bad one, or as many random histories as wanted.
#![expect(clippy::print_stdout, reason = "this program shows things to a person")]

use engine::Pipeline;
use simulation::histories::play;
use std::collections::BTreeMap;

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("replay") => {
            let seed = args[1].parse::<u64>().map_err(|e| e.to_string())?;
            let h = play(seed, Pipeline, true);
            for l in &h.log { println!("{l}"); }
            println!("{:?} {:?}", h.verdicts, h.violations);
        }
        Some("sabotage") => {
            for variant in simulation::sabotage::ALL {
                let mut found = None;
                for seed in 0..2000 {
                    let h = play(seed, simulation::sabotage::Broken(variant), false);
                    if let Some(v) = h.violations.first() { found = Some((seed, v.clone())); break; }
                }
                println!("{variant:?}: {found:?}");
            }
        }
        _ => {
            let from = args.get(1).map_or(0, |s| s.parse::<u64>().unwrap_or(0));
            let count = args.first().map_or(1000, |s| s.parse::<u64>().unwrap_or(0));
            let mut verdicts: BTreeMap<&str, usize> = BTreeMap::new();
            let mut bad: BTreeMap<&str, Vec<(u64, String)>> = BTreeMap::new();
            let mut happenings = 0;
            for seed in from..from + count {
                let h = play(seed, Pipeline, false);
                happenings += h.happenings;
                for (k, v) in h.verdicts { *verdicts.entry(k).or_default() += v; }
                for v in h.violations { bad.entry(v.invariant).or_default().push((seed, v.what)); }
            }
            println!("{verdicts:?} {happenings}");
            for (k, v) in bad { println!("{k} {}", v.len()); for x in v.iter().take(6) { println!("   {x:?}"); } }
        }
    }
    Ok(())
}
