//! Sending commands.

use super::script::Script;
use crate::clients::Aws;
use crate::ecs::halt::{Halt, asked_to};
use crate::failure::{Failure, failure};

/// The document that runs lines of shell; AWS's own.
const DOCUMENT: &str = "AWS-RunShellScript";
/// What AWS takes as a time to run.
const LONGEST_RUN: u64 = 172_800;

/// A command and where it goes.
pub(super) struct Sending<'a> {
    pub(super) mark: String,
    pub(super) script: &'a Script,
    pub(super) hosts: &'a [String],
    /// How long it may wait for a host to take it, and then run there.
    pub(super) delivery_seconds: i32,
    pub(super) run_seconds: u64,
    /// Whether all hosts do it at once, whatever becomes of the others; or one after another, and
    /// none after the first that failed.
    pub(super) together: bool,
}

/// Sends it, and returns its id.
pub(super) async fn send(aws: &Aws, sending: &Sending<'_>) -> Result<String, Halt> {
    let (concurrency, errors) = if sending.together { ("100%", "100%") } else { ("1", "0") };
    let run = sending.run_seconds.min(LONGEST_RUN).to_string();
    let sent = aws
        .ssm()
        .send_command()
        .document_name(DOCUMENT)
        .set_instance_ids(Some(sending.hosts.to_vec()))
        .comment(&sending.mark)
        .parameters("commands", sending.script.commands(&sending.mark))
        .parameters("executionTimeout", vec![run])
        .timeout_seconds(sending.delivery_seconds)
        .max_concurrency(concurrency)
        .max_errors(errors)
        .send();
    let answer = match sent.await.map_err(failure) {
        Ok(answer) => answer,
        // AWS's own words are long, and do not say what to do.
        Err(refused) if refused.is("AccessDeniedException") => {
            return Err(Halt::Fault(format!(
                "Slipway may not send commands to {}; give them the tag slipway that the parameter \
                 HostsTagged of its stack names",
                sending.hosts.join(", ")
            )));
        }
        Err(refused) => {
            return Err(asked_to(format!("send a command to {}", sending.hosts.join(", ")))(
                refused,
            ));
        }
    };
    let id = answer.command.and_then(|command| command.command_id);
    id.ok_or_else(|| Halt::Later(Failure::Passing("Run Command named no command".into())))
}
