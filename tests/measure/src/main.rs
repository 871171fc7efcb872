//! What each function costs: size, start-up, memory, the first call and every further one.
//!
//! `cargo run --release -p measure` builds every function as it is shipped, and prints one line
//! each, beside a function that does nothing. Instructions are counted by callgrind (`valgrind`),
//! which is the same on every run and every machine of a kind; where it is missing the report says
//! so and tells the rest. Names of functions as arguments measure only those.

mod lambda;
mod run;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use run::Runs;
use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What must hold for every function, against the bare one of the same build.
const START_UP_RATIO_MAX: f64 = 3.0;
const RSS_KIB_MAX: u64 = 10 * 1024;
const ZIP_BYTES_MAX: usize = 3_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let chosen: Vec<String> = env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let functions = functions(&root, &chosen)?;
    let binaries = build(&root, &functions)?;
    let callgrind = run::has_callgrind();

    let mut out = stdout().lock();
    if !callgrind {
        writeln!(out, "valgrind is not installed: instructions are not counted")?;
    }
    let heading = ["size", "zip", "RSS KiB", "start-up", "x bare", "first call", "further call"];
    write!(out, "{:<16}", "function")?;
    for column in heading {
        write!(out, "{column:>14}")?;
    }
    writeln!(out)?;

    let bare = measure(&binaries.join("bare"), callgrind)?;
    bare.print(&mut out, "bare", &bare)?;
    let mut failed = Vec::new();
    for function in &functions {
        let costs = measure(&binaries.join(function), callgrind)?;
        costs.print(&mut out, function, &bare)?;
        failed.extend(costs.faults(function, &bare));
    }
    for fault in &failed {
        writeln!(out, "{fault}")?;
    }
    if failed.is_empty() { Ok(()) } else { Err("a function costs more than it may".into()) }
}

/// Every folder of `functions`, or those that were asked for.
fn functions(root: &Path, chosen: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in root.join("functions").read_dir()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if chosen.is_empty() || chosen.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(format!("there is no function named {}", chosen.join(", ")).into());
    }
    names.sort();
    Ok(names)
}

/// Builds them as they are shipped, and says where they lie.
fn build(root: &Path, functions: &[String]) -> Result<PathBuf, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut building = Command::new(cargo);
    building.current_dir(root).args(["build", "--release", "--locked", "-p", "measure"]);
    for function in functions {
        building.args(["-p", function]);
    }
    if !building.status()?.success() {
        return Err("the functions do not build".into());
    }
    let here = env::current_exe()?;
    let target = here.ancestors().nth(2).ok_or("this binary lies in no target folder")?;
    Ok(target.join("release"))
}

struct Costs {
    size: usize,
    zip: usize,
    rss_kib: u64,
    runs: Option<Runs>,
}

fn measure(binary: &Path, callgrind: bool) -> Result<Costs, Box<dyn Error>> {
    let bytes = std::fs::read(binary)?;
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::best());
    zip.write_all(&bytes)?;
    Ok(Costs {
        size: bytes.len(),
        zip: zip.finish()?.len(),
        rss_kib: run::peak_rss_kib(binary)?,
        runs: if callgrind { Some(run::count(binary)?) } else { None },
    })
}

impl Costs {
    fn print(&self, out: &mut impl Write, name: &str, bare: &Self) -> std::io::Result<()> {
        write!(out, "{name:<16}{:>14}{:>14}{:>14}", self.size, self.zip, self.rss_kib)?;
        if let Some(runs) = &self.runs {
            let ratio = self.ratio(bare).unwrap_or_default();
            write!(
                out,
                "{:>14}{ratio:>14.2}{:>14}{:>14}",
                runs.start_up, runs.first, runs.further
            )?;
        }
        writeln!(out)
    }

    fn ratio(&self, bare: &Self) -> Option<f64> {
        let (ours, floor) = (self.runs.as_ref()?, bare.runs.as_ref()?);
        Some(ours.start_up as f64 / floor.start_up as f64)
    }

    fn faults(&self, name: &str, bare: &Self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(ratio) = self.ratio(bare).filter(|ratio| *ratio > START_UP_RATIO_MAX) {
            faults.push(format!(
                "{name} starts with {ratio:.2} times the instructions of a bare function; {START_UP_RATIO_MAX} are allowed"
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
