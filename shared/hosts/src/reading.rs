//! Turns commands and their reports into an observation for the core.

use super::answer::{Answer, Container, Stage};
use super::command::Sent;
use super::fleet::{Seen, silent};
use super::look::Looked;
use super::revision::{Containers, of_hosts};
use pipeline::names::{Revision, RolloutId, ServiceName};
use pipeline::observation::{Found, Progress, Rollout};
use pipeline::task::Fault;
use pipeline::waits::{Teller, Trouble};

/// The observation from the state of our own command. `None`: it succeeded everywhere, and only the
/// hosts know what runs now.
pub(super) fn of_command(
    sent: &Sent,
    command: &str,
    answers: &[Answer],
    hosts: &[Seen],
) -> Option<Found> {
    let done = answers.iter().filter(|answer| answer.stage == Stage::Succeeded).count();
    // At first Run Command shows some of the hosts, or none.
    let known = answers.len().max(sent.hosts.len()).max(1);
    if done == known {
        return None;
    }
    let over = answers.iter().filter(|answer| answer.stage.is_over()).count() == known;
    let reason = if over { why(answers) } else { String::new() };
    let rollout = Rollout {
        id: RolloutId::new(command),
        revision: sent.revision.clone(),
        primary: true,
        progress: if over { Progress::Failed } else { Progress::InProgress },
        reason,
        desired: count(known.max(hosts.len())),
        running: count(done),
        failed: 0,
    };
    let missing = hosts.iter().find(|host| !host.online).map(silent);
    Some(on_hosts(rollout, missing))
}

/// The first reason that is a cause: hosts that were only skipped have none.
fn why(answers: &[Answer]) -> String {
    let failed = answers.iter().find_map(|answer| match &answer.stage {
        Stage::Failed(why) | Stage::Cancelled(why) => Some(why),
        _ => None,
    });
    let never = answers.iter().find_map(|answer| match &answer.stage {
        Stage::NeverRan(why) | Stage::Unheard(why) => Some(why),
        _ => None,
    });
    failed.or(never).cloned().unwrap_or_default()
}

/// What the hosts run, as they report it. `None`: no host has a container of this name.
pub(super) fn of_look(
    service: &ServiceName,
    sent: Option<&Sent>,
    looked: &Looked,
) -> Option<Found> {
    let mut containers = Containers::new();
    let mut trouble = None;
    for (host, said) in looked {
        match said {
            Ok(report) if report.tells_of(&[service]) => {
                let container = report.containers.get(service).and_then(Option::as_ref);
                containers.insert(host, container);
            }
            // A missing line does not mean "no container".
            Ok(_) => {
                trouble.get_or_insert(format!("{host} did not report {service}"));
            }
            Err(why) => {
                trouble.get_or_insert(why.clone());
            }
        }
    }
    let now = of_hosts(service, &containers);
    if now.is_none() && trouble.is_none() && !looked.is_empty() {
        return None;
    }
    let wanted = sent.map(|sent| &sent.revision);
    let runs = now.as_ref().map(|(revision, _)| revision);
    // What cannot be seen now may still be the wanted revision.
    let is_partial = trouble.is_some() || looked.is_empty() || lacks_some(&containers, wanted);
    let revision = match (wanted, runs) {
        (Some(wanted), _) if is_partial => wanted,
        (_, Some(runs)) => runs,
        (Some(wanted), None) => wanted,
        // No host reported it, and its target revision is unknown.
        (None, None) => return Some(told(vec![], trouble)),
    };
    let up =
        containers.values().flatten().filter(|container| container.status == "running").count();
    let dead = dead(&containers);
    let progress = match (&dead, is_partial) {
        (_, true) => Progress::InProgress,
        (Some(_), false) => Progress::Failed,
        (None, false) => Progress::Completed,
    };
    if trouble.is_none() && is_partial {
        trouble = Some(absent(service, &containers));
    }
    let rollout = Rollout {
        id: rollout_of(sent, &containers),
        revision: revision.clone(),
        primary: true,
        progress,
        reason: dead.unwrap_or_default(),
        desired: count(looked.len().max(1)),
        running: count(up),
        failed: 0,
    };
    Some(on_hosts(rollout, trouble))
}

/// Hosts never roll back on their own, so there is nothing to ask.
fn on_hosts(rollout: Rollout, trouble: Option<String>) -> Found {
    told(vec![rollout], trouble)
}

fn told(rollouts: Vec<Rollout>, trouble: Option<String>) -> Found {
    Found { rollouts, trouble: trouble.map(said), returns_asked: true, ..Found::default() }
}

/// A host that cannot be seen is no evidence against the target revision.
fn said(text: String) -> Trouble {
    Trouble { told_by: Teller::RunCommand, text, fault: Some(Fault::Platform) }
}

/// Whether some hosts run nothing and all the others the wanted revision.
fn lacks_some(containers: &Containers<'_>, wanted: Option<&Revision>) -> bool {
    let mut running = containers.values().flatten();
    containers.values().any(Option::is_none)
        && running.all(|container| {
            wanted.is_some_and(|wanted| container.what.as_str() == wanted.as_str())
        })
}

fn dead(containers: &Containers<'_>) -> Option<String> {
    containers.iter().find_map(|(host, container)| match container {
        Some(Container { status, code, .. }) if status != "running" => {
            Some(format!("the container on {host} is {status} (exit code {code})"))
        }
        _ => None,
    })
}

fn absent(service: &ServiceName, containers: &Containers<'_>) -> String {
    match containers.iter().find(|(_, container)| container.is_none()) {
        Some((host, _)) => format!("{host} runs no {service}"),
        None => "no host has the tags".to_owned(),
    }
}

/// Containers that this deployment started are its own rollout, even if their revision ran before.
fn rollout_of(sent: Option<&Sent>, containers: &Containers<'_>) -> RolloutId {
    let all_ours = containers.values().flatten().all(|container| container.is_ours);
    let command = sent.and_then(|sent| sent.command.as_deref()).filter(|_| all_ours);
    RolloutId::new(command.unwrap_or("found"))
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
