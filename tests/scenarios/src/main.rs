//! `cargo run`: Slipway in the sandbox, live.
//!
//! The functions' own binaries, the shipped template, and the account of a team that exists only
//! here; the time jumps from one event to the next.

use scenarios::{Day, Error, Screen, live};
use std::env;
use std::io::{Write, stdout};
use std::process::ExitCode;

const HELP: &str = "\
cargo run                        SCR on a good day; then a bad image, and how it goes back
cargo run -- list                every system and its days, as below
cargo run -- SYSTEM [DAY]        one day of one system
cargo run -- serve [SYSTEM]      keeps it up, for `aws --endpoint-url`
";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] => both().await,
        ["--help" | "-h" | "help"] => say(&format!("{HELP}\n{}", scenarios::list())),
        ["list"] => say(&scenarios::list()),
        ["serve"] => live::serve("scr").await,
        ["serve", system] => live::serve(system).await,
        [system] => one(system, "good").await,
        [system, day] => one(system, day).await,
        _ => Err(Error::Unknown(format!("that is none of these:\n{HELP}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The receiver may be gone.
            let _ = writeln!(stdout(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn both() -> Result<(), Error> {
    one("scr", "good").await?;
    one("scr", "bad-image").await
}

async fn one(system: &str, day: &str) -> Result<(), Error> {
    live::show(&Screen::new(), system, Day::named(day, system)?).await
}

fn say(text: &str) -> Result<(), Error> {
    write!(stdout(), "{text}")?;
    Ok(())
}
