//! Where a day is shown.

use crate::Error;
use pipeline::time::Span;
use std::io::{IsTerminal, Write, stdout};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Waiting is shown, but not waited out: a minute of the sandbox takes this long here.
const MINUTE: Duration = Duration::from_millis(120);
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// Coloured and paced on a terminal, plain and at once elsewhere.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    /// No one watches.
    dark: bool,
    /// What was shown, where it is kept instead.
    kept: Option<Mutex<String>>,
}

impl Screen {
    /// Whatever standard output is.
    pub fn new() -> Self {
        Self { terminal: stdout().is_terminal(), dark: false, kept: None }
    }

    /// Where nothing is shown.
    pub fn dark() -> Self {
        Self { terminal: false, dark: true, kept: None }
    }

    /// Where everything is kept, to be read afterwards.
    pub fn keeping() -> Self {
        Self { terminal: false, dark: false, kept: Some(Mutex::default()) }
    }

    /// What was kept.
    pub fn into_text(self) -> String {
        self.kept.map(|kept| kept.into_inner().unwrap_or_default()).unwrap_or_default()
    }

    pub(crate) fn title(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("1", &format!("\n{text}")))
    }

    pub(crate) fn faint(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("2", &format!("  {text}")))
    }

    pub(crate) fn good(&self, text: &str) -> Result<(), Error> {
        self.text(&self.painted("32", text))
    }

    pub(crate) fn line(&self, after: Span, text: &str) -> Result<(), Error> {
        let seconds = after.as_seconds();
        let clock = self.painted("2", &format!("{:>3}:{:02}", seconds / 60, seconds % 60));
        self.text(&format!("  {clock}  {text}"))
    }

    pub(crate) fn text(&self, text: &str) -> Result<(), Error> {
        if self.dark {
            return Ok(());
        }
        if let Some(kept) = &self.kept {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push_str(text);
            kept.push('\n');
            return Ok(());
        }
        let mut out = stdout().lock();
        writeln!(out, "{text}")?;
        Ok(out.flush()?)
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.terminal { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) async fn pause(&self, millis: u64) {
        if self.terminal {
            let share = MINUTE.as_secs_f64() * millis as f64 / 60_000.0;
            tokio::time::sleep(Duration::from_secs_f64(share).min(PAUSE_MAX)).await;
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}
