//! One line for each function, and what no function may exceed.

use crate::run::{self, Counts, Start};
use crate::{Kept, shipped};
use std::error::Error;
use std::io::{Write, stdout};
use std::num::NonZeroU64;
use std::path::Path;
use zopfli::{Format, Options};

/// What must hold for every function, against the bare one of the same build.
const START_MAX: f64 = 3.0;
/// The same for those that ask no more than the table and the queues.
const START_MAX_ALONE: f64 = 2.5;
const ALONE: [&str; 4] = ["alarm-changed", "control", "image-pushed", "status"];
const RSS_KIB_MAX: u64 = 10 * 1024;
const ZIP_BYTES_MAX: usize = 3_000_000;

pub(crate) fn report(chosen: &[&str]) -> Kept {
    let known = shipped::functions()?;
    if let Some(unknown) = chosen.iter().find(|name| !known.iter().any(|one| one == *name)) {
        return Err(
            format!("there is no function {unknown}; there are {}", known.join(", ")).into()
        );
    }
    let functions =
        known.iter().filter(|name| chosen.is_empty() || chosen.contains(&name.as_str()));
    let binaries = shipped::binaries()?;
    let mut out = stdout().lock();
    if !run::has_callgrind() {
        writeln!(out, "MISSING: valgrind. Without it no instructions are counted, and what they")?;
        writeln!(out, "may be at most is not checked. Install it: apt-get install valgrind")?;
    }
    writeln!(
        out,
        "\n{:<14}{:>11}{:>11}{:>9}{:>11}{:>7}{:>9}{:>7}{:>12}{:>12}",
        "function",
        "size",
        "zip",
        "RSS KiB",
        "start Ir",
        "x bare",
        "CPU us",
        "x bare",
        "cold Ir",
        "warm Ir"
    )?;
    let floor = measure(&binaries.join("bare"), None)?;
    floor.print(&mut out, "bare", &floor)?;
    let mut faults = Vec::new();
    for function in functions {
        let costs = measure(&binaries.join(function), Some(&binaries.join("bare")))?;
        costs.print(&mut out, function, &floor)?;
        faults.extend(costs.faults(function, &floor));
    }
    for fault in &faults {
        writeln!(out, "TOO MUCH: {fault}")?;
    }
    Ok(faults.is_empty())
}

struct Costs {
    size: usize,
    zip: usize,
    rss_kib: u64,
    start: Start,
    counts: Option<Counts>,
}

/// As `infra/package` does it.
fn deflated(bytes: &[u8]) -> std::io::Result<usize> {
    let options = Options { iteration_count: NonZeroU64::MIN, ..Options::default() };
    let mut out = Vec::new();
    zopfli::compress(options, Format::Deflate, bytes, &mut out)?;
    Ok(out.len())
}

fn measure(binary: &Path, bare: Option<&Path>) -> Result<Costs, Box<dyn Error>> {
    let bytes = std::fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    Ok(Costs {
        size: bytes.len(),
        zip: deflated(&bytes)?,
        rss_kib: run::peak_rss_kib(binary)?,
        start: run::start(binary, bare.unwrap_or(binary))?,
        counts: if run::has_callgrind() { Some(run::count(binary)?) } else { None },
    })
}

impl Costs {
    fn print(&self, out: &mut impl Write, name: &str, floor: &Self) -> std::io::Result<()> {
        write!(out, "{name:<14}{:>11}{:>11}{:>9}", self.size, self.zip, self.rss_kib)?;
        let counts = self.counts.as_ref();
        let number = |number: Option<u64>| number.map_or("-".into(), |number| number.to_string());
        let start = self.times(floor).map_or("-".into(), |times| format!("{times:.2}"));
        write!(out, "{:>11}{start:>7}", number(counts.map(|counts| counts.start)))?;
        write!(out, "{:>9}{:>7.2}", self.start.micros, self.start.times_bare)?;
        let (cold, warm) = (counts.map(|counts| counts.cold), counts.map(|counts| counts.warm));
        writeln!(out, "{:>12}{:>12}", number(cold), number(warm))?;
        out.flush()
    }

    fn times(&self, floor: &Self) -> Option<f64> {
        let (ours, floor) = (self.counts.as_ref()?, floor.counts.as_ref()?);
        Some(ours.start as f64 / floor.start as f64)
    }

    fn faults(&self, name: &str, floor: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        let most = if ALONE.contains(&name) { START_MAX_ALONE } else { START_MAX };
        if let Some(times) = self.times(floor).filter(|times| *times > most) {
            faults.push(format!(
                "{name} starts with {times:.2} times the instructions of a bare function; {most} are allowed"
            ));
        }
        if self.rss_kib > RSS_KIB_MAX {
            faults.push(format!("{name} takes {} KiB; {RSS_KIB_MAX} are allowed", self.rss_kib));
        }
        if self.zip > ZIP_BYTES_MAX {
            faults.push(format!("{name} zips to {}; {ZIP_BYTES_MAX} are allowed", self.zip));
        }
        faults
    }
}
