//! Reads the event of a command: asks its hosts how it ended, and sends nothing.
//!
//! Anyone can forge the event, the comment and the output. A command is ours if the table says that
//! this installation sent it, and to which host.

use super::answer::{Answer, answers};
use super::command::{self, deployment};
use super::command_tag::{CommandKind, CommandTag};
use super::look::Looked;
use super::one_off;
use super::outcome::{Outcome, outcome};
use super::reading;
use super::send::takes_none;
use aws::clients::Aws;
use aws::failure::Failure;
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::names::{DeploymentId, TaskId};
use pipeline::observation::Observation;
use std::slice::from_ref;

/// Returns the owner and the result of the command; `None`: it is not ours, or there is no news.
pub async fn heard(aws: &Aws, command: &str) -> Result<Option<(CommandTag, Event)>, Failure> {
    let answers = answers(aws, command).await?;
    let Some(mark) = answers.first().and_then(|answer| CommandTag::read(&answer.comment)) else {
        return Ok(None);
    };
    let installation = aws.settings.installation()?;
    if mark.installation.as_ref().is_some_and(|of| *of != installation) {
        return Ok(None);
    }
    let event = match mark.kind {
        CommandKind::OneOff(purpose) => ended(aws, &mark, purpose, command, &answers).await?,
        _ => observed(aws, &mark.id, command, &answers).await?,
    };
    Ok(event.map(|event| (mark, event)))
}

async fn ended(
    aws: &Aws,
    mark: &CommandTag,
    purpose: Purpose,
    command: &str,
    answers: &[Answer],
) -> Result<Option<Event>, Failure> {
    let attempt = mark.attempt;
    let Some(sent) = one_off::sent(aws, &mark.id, purpose, attempt).await? else {
        return Ok(None);
    };
    // The worker that sent it may have crashed before it noted the id.
    let is_known = match &sent.command {
        Some(known) => known == command,
        None => sent.is_old == mark.installation.is_none(),
    };
    let answer = answers.iter().find(|answer| is_known && answer.host == sent.host);
    let task = TaskId::new(command);
    let reported = |end| Event::OneOffReported { purpose, attempt, task, end };
    Ok(match answer.map(outcome) {
        Some(Outcome::Ended(end)) => Some(reported(Some(end))),
        Some(Outcome::Lost) => Some(reported(None)),
        // Whether it runs is ignored here: the next observation asks the host.
        Some(Outcome::Runs | Outcome::Unclear) | None => None,
    })
}

async fn observed(
    aws: &Aws,
    id: &DeploymentId,
    command: &str,
    answers: &[Answer],
) -> Result<Option<Event>, Failure> {
    let services = deployment(aws, id).await?.map(|deployment| deployment.services);
    for service in services.into_iter().flatten().map(|service| service.name) {
        let Some(sent) = command::newest(aws, id, &service).await? else { continue };
        if sent.command.as_deref() != Some(command) {
            continue;
        }
        let ended = answers.iter().filter_map(|answer| answer.ended_at).max();
        let under_way = reading::of_command(&sent, command, answers, &[]);
        let found = under_way.or_else(|| {
            let said = answers.iter().map(|one| (one.host.clone(), Ok(one.report.clone())));
            let missed =
                sent.missed.iter().map(|host| (host.clone(), Err(takes_none(from_ref(host)))));
            reading::of_look(&service, Some(&sent), &said.chain(missed).collect::<Looked>())
        });
        let seen_at = ended.unwrap_or(aws.clock.now());
        return Ok(Some(Event::Observed {
            services: vec![Observation { service, seen_at, found }],
        }));
    }
    Ok(None)
}
