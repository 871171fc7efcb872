//! Lambda: the functions' own binaries as processes, each behind a Runtime API of its own.

mod environment;
mod instance;
mod runtime_api;

pub(crate) use environment::environment;
pub(crate) use instance::{Instance, Invocation, Spawn, timed_out};

use serde_json::{Value, json};

/// What an invocation ended with.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the function answered, or Lambda's description of its error.
    pub payload: Value,
    /// The kind of the error, where there was one: `Runtime.ExitError`, `Sandbox.Timedout`, or the
    /// function's own.
    pub error: Option<String>,
}

impl Answer {
    pub(crate) fn failure(kind: &str, message: &str) -> Self {
        Self {
            payload: json!({ "errorType": kind, "errorMessage": message }),
            error: Some(kind.to_owned()),
        }
    }

    /// The error in one line.
    pub fn failed(&self) -> Option<String> {
        let kind = self.error.as_ref()?;
        let message = self.payload.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{kind}: {message}"))
    }
}
