//! One-off commands: on the first host, once.
//!
//! SendCommand has no token, so that the host and a number that never comes again are noted before
//! it is sent. On the host the number is a claim: a second copy of the command waits for the first
//! and tells how that ended.

use super::answer::{Answer, Stage, answers};
use super::mark::{Errand, Mark};
use super::put_back::cancel;
use super::revision::Definition;
use super::script::Script;
use super::send::{Sending, send};
use super::{Tags, fleet, hosts, named};
use crate::clients::Aws;
use crate::ecs::halt::{Halt, asked_to};
use crate::ecs::notes::{self, Note};
use crate::failure::{Failure, failure};
use pipeline::effect::{OneOff, Purpose};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, TaskId};
use pipeline::task::{Fault, OneOffEnd, Stop};
use pipeline::time::Span;

const HOST: &str = "host";
const NONCE: &str = "nonce";
const COMMAND: &str = "command";

/// A host may take so long to take it.
const DELIVERY_SECONDS: i32 = 300;
/// The script knows that nobody saw the first copy end.
const UNCLEAR: i32 = 22;

/// Starts the command. That this is done once is the claim's work, and the host's.
pub async fn run_one_off(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    one_off: &OneOff,
) -> Result<Event, Failure> {
    let (purpose, attempt) = (one_off.purpose, one_off.attempt);
    let mark = Mark::new(id, Errand::OneOff(purpose), attempt);
    let about = about(purpose, attempt);
    let not_started =
        |fault, reason| Ok(Event::OneOffNotStarted { purpose, attempt, fault, reason });
    let known = notes::read(aws, id, &about).await?;
    let may_be_sent = known.is_some();
    let note = match known {
        Some(note) => note,
        None => {
            let found = hosts(aws, tags).await.map_err(asked_to("describe the hosts"));
            let found = match found {
                Ok(found) => found,
                Err(halt) => return not_started(Fault::Configuration, halt.fault()?),
            };
            let Some(host) = found.iter().find(|host| host.online) else {
                let why = match found.first() {
                    Some(host) => fleet::silent(host),
                    None => format!("no managed instance carries {}", named(tags)),
                };
                return not_started(Fault::Platform, why);
            };
            let nonce = aws.clock.now().millis().to_string();
            let note = [(HOST, host.id.as_str()), (NONCE, nonce.as_str())];
            notes::write(aws, id, &about, &note).await?;
            note.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
        }
    };
    let text = |key: &str| note.get(key).cloned().unwrap_or_default();
    if let Some(command) = note.get(COMMAND) {
        return Ok(Event::OneOffStarted { purpose, attempt, task: TaskId::new(command) });
    }
    let host = text(HOST);
    if may_be_sent && let Some(command) = find(aws, &host, &mark.to_string()).await? {
        return Ok(Event::OneOffStarted { purpose, attempt, task: TaskId::new(command) });
    }
    match begin(aws, id, one_off, &mark, &note).await {
        Ok(command) => {
            let told = [(HOST, &*host), (NONCE, &*text(NONCE)), (COMMAND, &*command)];
            notes::write(aws, id, &about, &told).await?;
            Ok(Event::OneOffStarted { purpose, attempt, task: TaskId::new(command) })
        }
        // The first time it may have been sent, and nobody can be asked any more.
        Err(Halt::Fault(_)) if may_be_sent => Ok(Event::OneOffLost { purpose, attempt }),
        Err(halt) => not_started(Fault::Configuration, halt.fault()?),
    }
}

async fn begin(
    aws: &Aws,
    id: &DeploymentId,
    one_off: &OneOff,
    mark: &Mark,
    note: &Note,
) -> Result<String, Halt> {
    let definition = Definition::find(aws, &one_off.revision).await.map_err(Halt::Later)?;
    let run = definition.and_then(Definition::run);
    if run.is_none() && !one_off.on_host {
        return Err(Halt::Fault(format!(
            "{} was not started by Slipway, so that no command can be run in its image; write \
             on_host: true in the spec, or run it by hand",
            one_off.revision.short()
        )));
    }
    let timeout = one_off.timeout.as_seconds();
    let mut script = Script::new("one-off", id)?;
    script.run(aws, Some(&one_off.revision), run.as_ref())?;
    script.text("CLAIM", &claim(id, one_off.purpose, one_off.attempt, note))?;
    script.text("ON_HOST", if one_off.on_host { "yes" } else { "" })?;
    script.number("TIMEOUT", timeout);
    script.number("LOCK_SECONDS", timeout + 90);
    script.list("COMMAND", one_off.command.iter().map(String::as_str))?;
    let host = note.get(HOST).cloned().into_iter().collect::<Vec<_>>();
    let sending = Sending {
        mark: mark.to_string(),
        script: &script,
        hosts: &host,
        delivery_seconds: DELIVERY_SECONDS,
        // A copy waits for the first one before it can say how that ended.
        run_seconds: (Span::seconds(timeout) + Span::seconds(timeout)).as_seconds() + 300,
        together: false,
    };
    send(aws, &sending).await
}

/// Finds a command that was sent before a crash.
async fn find(aws: &Aws, host: &str, mark: &str) -> Result<Option<String>, Failure> {
    let mut pages =
        aws.ssm().list_commands().instance_id(host).max_results(50).into_paginator().send();
    while let Some(page) = pages.next().await {
        for command in page.map_err(failure)?.commands.unwrap_or_default() {
            if command.comment.as_deref() == Some(mark) {
                return Ok(command.command_id);
            }
        }
    }
    Ok(None)
}

pub async fn look_at_one_off(
    aws: &Aws,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
) -> Result<Event, Failure> {
    let answers = answers(aws, task.as_str()).await?;
    let task = task.clone();
    Ok(match answers.first().map(end_of) {
        Some(Ok(end)) => Event::OneOffSeen { purpose, attempt, task, end },
        Some(Err(_)) => Event::OneOffLost { purpose, attempt },
        // Run Command does not show it yet.
        None => Event::OneOffSeen { purpose, attempt, task, end: None },
    })
}

/// Ends a command that ran out of time: before a host takes it by taking it back, and afterwards
/// on the host, because cancelling would kill the script and leave alone what it started.
pub async fn stop_one_off(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
) -> Result<Event, Failure> {
    let stages = answers(aws, task.as_str()).await?;
    if stages.iter().all(|answer| answer.stage == Stage::Waiting) {
        cancel(aws, task.as_str()).await?;
    } else if let Some(note) = notes::read(aws, id, &about(purpose, attempt)).await? {
        let stopped = stop(aws, id, purpose, attempt, &note).await;
        if let Err(halt) = stopped {
            let why = halt.fault()?;
            tracing::warn!("the command cannot be stopped: {why}");
        }
    }
    Ok(Event::OneOffStopAsked { purpose, attempt })
}

async fn stop(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    note: &Note,
) -> Result<(), Halt> {
    let mut script = Script::new("stop", id)?;
    script.text("CLAIM", &claim(id, purpose, attempt, note))?;
    let host = note.get(HOST).cloned().into_iter().collect::<Vec<_>>();
    let sending = Sending {
        mark: format!("slipway-stop/{id}"),
        script: &script,
        hosts: &host,
        delivery_seconds: 60,
        run_seconds: 60,
        together: true,
    };
    send(aws, &sending).await.map(|_| ())
}

/// It is over, and nobody can say how it ended.
pub(super) struct Unclear;

/// How it ended; `None`: it has not.
pub(super) fn end_of(answer: &Answer) -> Result<Option<OneOffEnd>, Unclear> {
    let end = |exit_code, code: &str, reason: String| {
        let stop = Stop { code: Some(code.to_owned()), reason };
        Ok(Some(OneOffEnd { exit_code, stop, reason: None }))
    };
    let host = &answer.host;
    if !answer.stage.is_over() {
        return Ok(None);
    }
    // The core speaks of tasks: "the container ended by itself" is ECS's word for it.
    if let Some((code, output)) = &answer.report.ended {
        let late = if *code == 124 { "it took too long and was ended; " } else { "" };
        let reason = format!("{late}its output is in {output} on {host}");
        return end(Some(*code), "EssentialContainerExited", reason);
    }
    match &answer.stage {
        Stage::NeverRan(why) => end(None, "TaskFailedToStart", why.clone()),
        Stage::Cancelled(why) => end(None, "UserInitiated", why.clone()),
        Stage::Failed(why) if answer.report.fault.is_some() && answer.code != UNCLEAR => {
            end(None, "TaskFailedToStart", why.clone())
        }
        _ => Err(Unclear),
    }
}

fn about(purpose: Purpose, attempt: u32) -> String {
    format!("host-{}#{attempt}", Errand::OneOff(purpose).word())
}

fn claim(id: &DeploymentId, purpose: Purpose, attempt: u32, note: &Note) -> String {
    let nonce = note.get(NONCE).map_or("0", String::as_str);
    format!("{}-{}-{attempt}-{nonce}", id.number, Errand::OneOff(purpose).word())
}
