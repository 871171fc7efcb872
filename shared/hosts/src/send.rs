//! Sending commands.

use super::command_tag;
use super::script::Script;
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws::step_error::{StepError, asked_to};
use pipeline::names::DeploymentId;
use tracing::warn;

/// AWS's own document that runs shell lines.
const DOCUMENT: &str = "AWS-RunShellScript";
/// AWS's maximum execution time.
const LONGEST_RUN: u64 = 172_800;
/// How many host ids Run Command accepts.
pub(super) const MOST: usize = 50;

/// A command and its hosts.
#[derive(Clone, Copy)]
pub(super) struct Sending<'a> {
    pub(super) mark: &'a str,
    pub(super) script: &'a Script,
    pub(super) hosts: &'a [String],
    /// How long it may wait for a host to take it, and then run there. Together this is the time of
    /// the whole command, for all of its hosts.
    pub(super) delivery_seconds: u64,
    pub(super) run_seconds: u64,
    /// Whether all hosts run it in parallel, independently of each other; or one after another, and
    /// none after the first that failed.
    pub(super) together: bool,
}

/// Why a command was not sent.
pub(super) enum Unsent {
    /// One of the hosts accepts no commands, so Run Command rejects it for all of them. It does not
    /// say which one.
    Hosts(String),
    StepError(StepError),
}

impl From<StepError> for Unsent {
    fn from(halt: StepError) -> Self {
        Self::StepError(halt)
    }
}

impl From<Unsent> for StepError {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Hosts(why) => Self::Fault(why),
            Unsent::StepError(halt) => halt,
        }
    }
}

/// The message for hosts that accept no commands.
pub(super) fn takes_none(hosts: &[String]) -> String {
    let take = if hosts.len() == 1 { "takes" } else { "take" };
    let hosts = hosts.join(", ");
    format!("{hosts} {take} no commands: shutting down or gone, or without a running SSM agent")
}

/// Sends it, and returns its id.
pub(super) async fn send(aws: &Aws, sending: &Sending<'_>) -> Result<String, Unsent> {
    let (concurrency, errors) = if sending.together { ("100%", "100%") } else { ("1", "0") };
    let run = sending.run_seconds.min(LONGEST_RUN).to_string();
    let delivery = i32::try_from(sending.delivery_seconds).unwrap_or(i32::MAX);
    let sent = aws
        .ssm()
        .send_command()
        .document_name(DOCUMENT)
        .set_instance_ids(Some(sending.hosts.to_vec()))
        .comment(sending.mark)
        .parameters("commands", sending.script.commands(sending.mark))
        .parameters("executionTimeout", vec![run])
        .timeout_seconds(delivery)
        .max_concurrency(concurrency)
        .max_errors(errors)
        .send();
    let answer = match sent.await.map_err(failure) {
        Ok(answer) => answer,
        // AWS's own message is long, and does not say what to do.
        Err(refused) if refused.is("AccessDeniedException") => {
            return Err(Unsent::StepError(StepError::Fault(format!(
                "Slipway may not send commands to {}; give them the tag slipway with the value of \
                 HostsTagged of its stack",
                sending.hosts.join(", ")
            ))));
        }
        Err(refused) if refused.is("InvalidInstanceId") => {
            return Err(Unsent::Hosts(takes_none(sending.hosts)));
        }
        Err(refused) => {
            let what = format!("send a command to {}", sending.hosts.join(", "));
            return Err(Unsent::StepError(asked_to(what)(refused)));
        }
    };
    let id = answer.command.and_then(|command| command.command_id);
    let id = id.ok_or_else(|| {
        StepError::Later(Failure::Passing("Run Command returned no command".into()))
    });
    Ok(id?)
}

/// The commands that it took to reach several hosts.
pub(super) struct Parts {
    /// Each command, and its hosts.
    pub(super) sent: Vec<(String, Vec<String>)>,
    /// The hosts that accept no commands.
    pub(super) refused: Vec<String>,
}

/// Sends it to every host that accepts commands: where Run Command rejects several hosts because of
/// one, to each half of them.
pub(super) async fn send_in_parts(aws: &Aws, sending: &Sending<'_>) -> Result<Parts, StepError> {
    let mut parts = Parts { sent: vec![], refused: vec![] };
    let mut open: Vec<&[String]> = sending.hosts.chunks(MOST).rev().collect();
    while let Some(hosts) = open.pop() {
        match send(aws, &Sending { hosts, ..*sending }).await {
            Ok(command) => parts.sent.push((command, hosts.to_vec())),
            Err(Unsent::Hosts(_)) if hosts.len() > 1 => {
                let (first, second) = hosts.split_at(hosts.len() / 2);
                open.extend([second, first]);
            }
            Err(Unsent::Hosts(why)) => {
                warn!("{why}");
                parts.refused.extend_from_slice(hosts);
            }
            Err(Unsent::StepError(halt)) => return Err(halt),
        }
    }
    Ok(parts)
}

/// Sends one command to those hosts that accept commands, and returns its id and these hosts.
pub(super) async fn send_where_it_goes(
    aws: &Aws,
    id: &DeploymentId,
    sending: &Sending<'_>,
) -> Result<(String, Vec<String>), StepError> {
    match send(aws, sending).await {
        Ok(command) => return Ok((command, sending.hosts.to_vec())),
        Err(Unsent::Hosts(_)) if sending.hosts.len() > 1 => {}
        Err(unsent) => return Err(unsent.into()),
    }
    let installation = aws.settings.installation().map_err(StepError::Later)?;
    let asking = Sending {
        mark: &command_tag::aside("look", &installation, id),
        script: &Script::new(aws, "reach", id)?,
        delivery_seconds: 30,
        run_seconds: 30,
        together: true,
        hosts: sending.hosts,
    };
    let reached = send_in_parts(aws, &asking).await?;
    let hosts: Vec<String> = reached.sent.into_iter().flat_map(|(_, hosts)| hosts).collect();
    if hosts.is_empty() {
        return Err(StepError::Fault(takes_none(&reached.refused)));
    }
    match send(aws, &Sending { hosts: &hosts, ..*sending }).await {
        Ok(command) => Ok((command, hosts)),
        // One more host has disappeared meanwhile.
        Err(Unsent::Hosts(why)) => Err(StepError::Later(Failure::Passing(why))),
        Err(Unsent::StepError(halt)) => Err(halt),
    }
}
