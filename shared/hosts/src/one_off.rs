//! One-off commands: on one host, once.
//!
//! SendCommand has no client token, so the host and a unique number are noted before the call. On
//! the host the number is a claim: a second copy of the command waits for the first and reports how
//! that ended. If Run Command does not say how it ended, the host is asked, and a command that has
//! not started by then never will.

use super::answer::{Answer, Stage, answers};
use super::command::INSTALLATION;
use super::command_tag::{self, CommandKind, CommandTag};
use super::look::wait;
use super::outcome::{Outcome, outcome};
use super::revision::Definition;
use super::roll_back::cancel;
use super::script::Script;
use super::send::{Sending, Unsent, send};
use super::{Tags, fleet, hosts, named};
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws::idempotency::{self, Note};
use aws::step_error::{StepError, asked_to};
use pipeline::effect::{OneOff, Purpose};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, TaskId};
use pipeline::task::Fault;
use std::slice::from_ref;

const HOST: &str = "host";
const NONCE: &str = "nonce";
const COMMAND: &str = "command";
const STOPPING: &str = "stopping";

/// How long a host may take to receive it.
const DELIVERY_SECONDS: u64 = 300;

/// The note of a one-off command.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) host: String,
    nonce: String,
    /// `None`: it was about to be sent.
    pub(super) command: Option<String>,
    /// It timed out, and its host was asked to stop it.
    stopping: bool,
    /// An earlier version sent it; its marks name no installation.
    pub(super) is_old: bool,
}

impl Sent {
    fn read(note: &Note) -> Self {
        let text = |key: &str| note.get(key).cloned();
        Self {
            host: text(HOST).unwrap_or_default(),
            nonce: text(NONCE).unwrap_or_else(|| "0".to_owned()),
            command: text(COMMAND),
            stopping: note.contains_key(STOPPING),
            is_old: !note.contains_key(INSTALLATION),
        }
    }

    async fn write(&self, aws: &Aws, id: &DeploymentId, about: &str) -> Result<(), Failure> {
        let installation = aws.settings.installation()?;
        let mut note = vec![(HOST, self.host.as_str()), (NONCE, self.nonce.as_str())];
        note.extend((!self.is_old).then_some((INSTALLATION, installation.as_str())));
        note.extend(self.stopping.then_some((STOPPING, "yes")));
        note.extend(self.command.as_ref().map(|command| (COMMAND, command.as_str())));
        idempotency::write(aws, id, about, &note).await
    }
}

pub(super) async fn sent(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
) -> Result<Option<Sent>, Failure> {
    let note = idempotency::read(aws, id, &about(purpose, attempt)).await?;
    Ok(note.as_ref().map(Sent::read))
}

/// Starts the command. The claim and the host ensure that it starts only once.
pub async fn run_one_off(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    one_off: &OneOff,
) -> Result<Event, Failure> {
    let (purpose, attempt) = (one_off.purpose, one_off.attempt);
    let about = about(purpose, attempt);
    let not_started =
        |fault, reason| Ok(Event::OneOffNotStarted { purpose, attempt, fault, reason });
    let started =
        |command: &str| Ok(Event::OneOffStarted { purpose, attempt, task: TaskId::new(command) });
    let known = sent(aws, id, purpose, attempt).await?;
    let may_be_sent = known.is_some();
    let mut sent = match known {
        Some(sent) => sent,
        None => match choose(aws, tags, attempt).await {
            Ok(host) => {
                let nonce = aws.clock.now().millis().to_string();
                let sent = Sent { host, nonce, command: None, stopping: false, is_old: false };
                sent.write(aws, id, &about).await?;
                sent
            }
            Err(Unsent::Hosts(why)) => return not_started(Fault::Platform, why),
            Err(Unsent::StepError(halt)) => {
                return not_started(Fault::Configuration, halt.fault()?);
            }
        },
    };
    if let Some(command) = &sent.command {
        return started(command);
    }
    let installation = aws.settings.installation()?;
    let installation = Some(installation.as_str()).filter(|_| !sent.is_old);
    let mark = CommandTag::new(installation, id, CommandKind::OneOff(purpose), attempt).to_string();
    if may_be_sent && let Some(command) = find(aws, &sent.host, &mark).await? {
        return started(&command);
    }
    match begin(aws, id, one_off, &mark, &sent).await {
        Ok(command) => {
            sent.command = Some(command.clone());
            sent.write(aws, id, &about).await?;
            started(&command)
        }
        Err(Unsent::StepError(StepError::Later(failure))) => Err(failure),
        // The first attempt may have sent it, which cannot be found out.
        Err(_) if may_be_sent => Ok(Event::OneOffLost { purpose, attempt }),
        Err(Unsent::Hosts(why)) => not_started(Fault::Platform, why),
        Err(Unsent::StepError(StepError::Fault(why))) => not_started(Fault::Configuration, why),
    }
}

/// The first connected host; after one that took no command, the next one.
async fn choose(aws: &Aws, tags: &Tags, attempt: u32) -> Result<String, Unsent> {
    let found = hosts(aws, tags).await.map_err(asked_to("describe the hosts"))?;
    let mut online: Vec<&str> =
        found.iter().filter(|host| host.online).map(|host| host.id.as_str()).collect();
    let tried = usize::try_from(attempt.saturating_sub(1)).unwrap_or_default();
    let next = tried.checked_rem(online.len()).unwrap_or_default();
    online.rotate_left(next);
    match (online.first(), found.first()) {
        (Some(host), _) => Ok((*host).to_owned()),
        (None, Some(host)) => Err(Unsent::Hosts(fleet::silent(host))),
        (None, None) => {
            Err(Unsent::Hosts(format!("no managed instance has the tags {}", named(tags))))
        }
    }
}

async fn begin(
    aws: &Aws,
    id: &DeploymentId,
    one_off: &OneOff,
    mark: &str,
    sent: &Sent,
) -> Result<String, Unsent> {
    let definition = Definition::find(aws, &one_off.revision).await.map_err(StepError::Later)?;
    let run = definition.and_then(Definition::run);
    if run.is_none() && !one_off.on_host {
        return Err(Unsent::StepError(StepError::Fault(format!(
            "{} was not started by Slipway, so no command can be run in its image; set on_host: \
             true in the spec, or run the command by hand",
            one_off.revision.short()
        ))));
    }
    let timeout = one_off.timeout.as_seconds();
    let mut script = Script::new(aws, "one-off", id)?;
    script.run(aws, Some(&one_off.revision), run.as_ref())?;
    script.text("CLAIM", &claim(id, one_off.purpose, one_off.attempt, sent))?;
    script.text("ON_HOST", if one_off.on_host { "yes" } else { "" })?;
    script.number("TIMEOUT", timeout);
    script.number("LOCK_SECONDS", timeout.saturating_add(90));
    script.list("COMMAND", one_off.command.iter().map(String::as_str))?;
    let sending = Sending {
        mark,
        script: &script,
        hosts: from_ref(&sent.host),
        delivery_seconds: DELIVERY_SECONDS,
        // A copy waits for the first one before it can report how that ended.
        run_seconds: timeout.saturating_mul(2).saturating_add(300),
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
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
) -> Result<Event, Failure> {
    let answers = answers(aws, task.as_str()).await?;
    let mut seen = answers.first().map(outcome);
    if !matches!(seen, Some(Outcome::Ended(_) | Outcome::Lost)) {
        let sent = sent(aws, id, purpose, attempt).await?;
        // An agent that lost its answer never sends it, and Run Command waits for it.
        if matches!(seen, Some(Outcome::Unclear)) || sent.as_ref().is_some_and(|s| s.stopping) {
            seen = ask_the_host(aws, id, purpose, attempt, sent.as_ref()).await?;
        }
    }
    let task = task.clone();
    let end = match seen {
        Some(Outcome::Ended(end)) => Some(end),
        Some(Outcome::Lost) => return Ok(Event::OneOffLost { purpose, attempt }),
        // Neither Run Command nor the host says that it has ended: wait until it times out.
        Some(Outcome::Runs | Outcome::Unclear) | None => None,
    };
    Ok(Event::OneOffSeen { purpose, attempt, task, end })
}

/// Asks the host itself; `None`: it does not answer.
async fn ask_the_host(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    sent: Option<&Sent>,
) -> Result<Option<Outcome>, Failure> {
    let Some(sent) = sent else { return Ok(Some(Outcome::Lost)) };
    match aside(aws, id, purpose, attempt, sent, "end").await {
        Ok(command) => {
            let answered = wait(aws, &[(command, vec![sent.host.clone()])]).await?;
            Ok(answered.first().map(outcome))
        }
        Err(unsent) => {
            let why = StepError::from(unsent).fault()?;
            tracing::warn!("cannot ask the host how the command ended: {why}");
            Ok(None)
        }
    }
}

/// Stops a command that timed out: cancels it before a host takes it, and stops it on the host,
/// because cancelling would kill the script but not what it started. A command that has not started
/// there never will.
pub async fn stop_one_off(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    task: &TaskId,
) -> Result<Event, Failure> {
    let answers: Vec<Answer> = answers(aws, task.as_str()).await?;
    if answers.iter().all(|answer| answer.stage == Stage::Waiting) {
        cancel(aws, task.as_str()).await?;
    }
    if let Some(mut sent) = sent(aws, id, purpose, attempt).await? {
        sent.stopping = true;
        sent.write(aws, id, &about(purpose, attempt)).await?;
        if let Err(unsent) = aside(aws, id, purpose, attempt, &sent, "stop").await {
            let why = StepError::from(unsent).fault()?;
            tracing::warn!("the command cannot be stopped: {why}");
        }
    }
    Ok(Event::OneOffStopAsked { purpose, attempt })
}

/// Sends a short command about the one-off command to its host.
async fn aside(
    aws: &Aws,
    id: &DeploymentId,
    purpose: Purpose,
    attempt: u32,
    sent: &Sent,
    action: &str,
) -> Result<String, Unsent> {
    let installation = aws.settings.installation().map_err(StepError::Later)?;
    let mut script = Script::new(aws, action, id)?;
    script.text("CLAIM", &claim(id, purpose, attempt, sent))?;
    let sending = Sending {
        mark: &command_tag::aside(action, &installation, id),
        script: &script,
        hosts: from_ref(&sent.host),
        delivery_seconds: 60,
        run_seconds: 60,
        together: true,
    };
    send(aws, &sending).await
}

fn about(purpose: Purpose, attempt: u32) -> String {
    format!("host-{}#{attempt}", CommandKind::OneOff(purpose).word())
}

fn claim(id: &DeploymentId, purpose: Purpose, attempt: u32, sent: &Sent) -> String {
    format!("{}-{}-{attempt}-{}", id.number, CommandKind::OneOff(purpose).word(), sent.nonce)
}
