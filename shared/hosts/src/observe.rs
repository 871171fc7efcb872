//! Observing: the state of our own command while it is in progress, and then what the hosts report.

use super::answer::answers;
use super::command::{self, Sent};
use super::look::{Looked, Question, look};
use super::{Tags, hosts, reading};
use aws::clients::Aws;
use aws::failure::Failure;
use aws::step_error::StepError;
use pipeline::event::Event;
use pipeline::names::{DeploymentId, ServiceName};
use pipeline::observation::{Found, Observation};
use std::collections::BTreeMap;

pub async fn observe(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    services: &[ServiceName],
) -> Result<Event, Failure> {
    // Taken before the call: the answer is at least this new.
    let seen_at = aws.clock.now();
    let hosts = hosts(aws, tags).await?;
    let mut found: BTreeMap<&ServiceName, Option<Found>> = BTreeMap::new();
    let mut unknown: BTreeMap<&ServiceName, Option<Sent>> = BTreeMap::new();
    for service in services {
        let sent = command::newest(aws, id, service).await?;
        let command = sent.as_ref().and_then(|sent| Some((sent, sent.command.as_deref()?)));
        let under_way = match command {
            Some((sent, command)) => {
                reading::of_command(sent, command, &answers(aws, command).await?, &hosts)
            }
            None => None,
        };
        match under_way {
            Some(under_way) => found.insert(service, Some(under_way)).map(|_| ()),
            None => unknown.insert(service, sent).map(|_| ()),
        };
    }
    if !unknown.is_empty() {
        let asked: Vec<&ServiceName> = unknown.keys().copied().collect();
        let is_old = unknown.values().flatten().any(|sent| sent.is_old);
        let question = Question { services: &asked, files: None, is_old };
        let looked = match look(aws, id, &hosts, question).await {
            Ok(looked) => looked,
            // A host may have disappeared between the two calls.
            Err(StepError::Fault(why)) => {
                hosts.iter().map(|host| (host.id.clone(), Err(why.clone()))).collect::<Looked>()
            }
            Err(StepError::Later(failure)) => return Err(failure),
        };
        for (service, sent) in unknown {
            found.insert(service, reading::of_look(service, sent.as_ref(), &looked));
        }
    }
    let one = |name: &ServiceName| Observation {
        service: name.clone(),
        seen_at,
        found: found.remove(name).flatten(),
    };
    Ok(Event::Observed { services: services.iter().map(one).collect() })
}
