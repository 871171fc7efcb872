//! What the event of a command means: its hosts are asked how it ended, and nothing is sent.

use super::answer::{Answer, answers};
use super::errand;
use super::look::Looked;
use super::mark::{Errand, Mark};
use super::one_off::end_of;
use super::reading;
use crate::clients::Aws;
use crate::failure::Failure;
use engine::{Key, Record, World};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, ServiceName, TaskId};
use pipeline::observation::Observation;

/// Returns whose the command is and what it tells; `None`: it is none of ours, or no news.
pub async fn heard(aws: &Aws, command: &str) -> Result<Option<(Mark, Event)>, Failure> {
    let answers = answers(aws, command).await?;
    let Some(mark) = answers.first().and_then(|answer| Mark::read(&answer.comment)) else {
        return Ok(None);
    };
    let event = match mark.errand {
        Errand::OneOff(purpose) => {
            let attempt = mark.attempt;
            let task = TaskId::new(command);
            match answers.first().map(end_of) {
                Some(Ok(end)) => Some(Event::OneOffSeen { purpose, attempt, task, end }),
                Some(Err(_)) => Some(Event::OneOffLost { purpose, attempt }),
                None => None,
            }
        }
        _ => observed(aws, &mark.id, command, &answers).await?,
    };
    Ok(event.map(|event| (mark, event)))
}

async fn observed(
    aws: &Aws,
    id: &DeploymentId,
    command: &str,
    answers: &[Answer],
) -> Result<Option<Event>, Failure> {
    for service in services(aws, id).await? {
        let Some(sent) = errand::newest(aws, id, &service).await? else { continue };
        if sent.command.as_deref() != Some(command) {
            continue;
        }
        let ended = answers.iter().filter_map(|answer| answer.ended_at).max();
        let under_way = reading::of_command(&sent, command, answers, &[]);
        let found = under_way.or_else(|| {
            let looked = answers.iter().map(|one| (one.host.clone(), Ok(one.report.clone())));
            reading::of_look(id, &service, Some(&sent), &looked.collect::<Looked>())
        });
        let seen_at = ended.unwrap_or(aws.clock.now());
        return Ok(Some(Event::Observed {
            services: vec![Observation { service, seen_at, found }],
        }));
    }
    Ok(None)
}

async fn services(aws: &Aws, id: &DeploymentId) -> Result<Vec<ServiceName>, Failure> {
    let stored = aws.load(&[Key::Deployment(id.clone())]).await?.into_iter().next().flatten();
    Ok(match stored.map(|stored| stored.record) {
        Some(Record::Deployment(deployment)) => {
            deployment.services.into_iter().map(|service| service.name).collect()
        }
        _ => vec![],
    })
}
