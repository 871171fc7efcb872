//! What Slipway costs: each function at its start and at work, and deployments in calls and dollars.
//!
//! `cargo run -p measure` builds every function as it is shipped, measures each beside a function
//! that does nothing, and runs the same binaries in the sandbox. It fails if something costs more
//! than its limit. The README says what each column means and how long it takes.

mod deployments;
mod functions;
mod lambda;
mod run;
mod shipped;

use std::env;
use std::error::Error;
use std::io::{Write, stdout};
use std::process::{Command, ExitCode};

const HELP: &str = "\
cargo run -p measure                       builds and measures everything
cargo run -p measure -- functions [NAME..] every function, or these
cargo run -p measure -- deployments        calls and dollars, with the functions of a test's build

With SLIPWAY_BINARIES=FOLDER the binaries there are measured, `bare` among them, and nothing is built.
";

/// Whether everything costs at most what it may.
type Kept = Result<bool, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let kept = match words.as_slice() {
        [] => everything(),
        ["functions", names @ ..] => functions::report(names),
        ["deployments"] => deployments::report().await,
        _ => write!(stdout(), "{HELP}").map(|()| false).map_err(Into::into),
    };
    match kept {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // The receiver may be gone.
            let _ = writeln!(stdout(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Each part as a process of its own: the sandbox learns from the environment that it is to run
/// the binaries that were measured.
fn everything() -> Kept {
    let binaries = shipped::binaries()?;
    let mut kept = true;
    for part in ["functions", "deployments"] {
        let mut running = Command::new(env::current_exe()?);
        kept &= running.arg(part).env(shipped::BINARIES, &binaries).status()?.success();
    }
    Ok(kept)
}
