//! Events of Run Command.

use super::field::{required_text, text};
use super::{Heard, kind};
use crate::failure::Failure;
use serde_json::Value;

/// The states of a command in progress.
const UNDER_WAY: [&str; 4] = ["Pending", "InProgress", "Delayed", "Cancelling"];

/// Returns the id of a command that has ended, on all of its hosts or on one of them. How it ended
/// has to be read: the event names neither its owner nor its output.
///
/// `None`: it is no event of Run Command.
pub fn command_news(payload: &Value) -> Option<Result<Heard<String>, Failure>> {
    let kind = kind(payload)?;
    if !kind.starts_with("EC2 Command ") {
        return None;
    }
    let command = || {
        let id = required_text(payload, "detail.command-id")?;
        let status = required_text(payload, "detail.status")?;
        let document = text(payload, "detail.document-name").unwrap_or_default();
        if document != "AWS-RunShellScript" {
            return Ok(Heard::NotForUs(format!("a command of {document}")));
        }
        // AWS writes some of them with blanks.
        if UNDER_WAY.contains(&status.replace(' ', "").as_str()) {
            return Ok(Heard::NotForUs(format!("command {id} is {status}")));
        }
        Ok(Heard::News(id.to_owned()))
    };
    Some(command())
}
