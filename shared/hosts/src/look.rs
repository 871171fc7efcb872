//! Queries the hosts: a short command that changes nothing, and waiting for the answers.

use super::answer::{Answer, Report, Stage, answers, whole_report};
use super::command_tag;
use super::fleet::{self, Seen};
use super::script::Script;
use super::send::{Parts, Sending, send_in_parts, takes_none};
use aws::clients::Aws;
use aws::failure::Failure;
use aws::step_error::StepError;
use pipeline::names::{DeploymentId, ServiceName};
use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;
use std::time::Duration;
use tracing::info;

/// How many seconds to wait for a host. The function has sixty.
const PATIENCE: u32 = 25;
const PAUSE: Duration = Duration::from_secs(1);
/// Run Command's minimum.
const DELIVERY_SECONDS: u64 = 30;

/// The report of each host; the text is why there is none.
pub(super) type Looked = BTreeMap<String, Result<Report, String>>;

/// What to ask the hosts.
#[derive(Clone, Copy, Default)]
pub(super) struct Question<'a> {
    pub(super) services: &'a [&'a ServiceName],
    /// With these files, each host also reports whether it has all that a rollout needs.
    pub(super) files: Option<&'a BTreeSet<&'a str>>,
    /// An earlier version of Slipway worked on this deployment.
    pub(super) is_old: bool,
}

/// Asks every host what it runs.
pub(super) async fn look(
    aws: &Aws,
    id: &DeploymentId,
    hosts: &[Seen],
    question: Question<'_>,
) -> Result<Looked, StepError> {
    let Question { services, files, is_old } = question;
    let (online, silent): (Vec<&Seen>, Vec<&Seen>) = hosts.iter().partition(|host| host.online);
    let mut looked: Looked =
        silent.into_iter().map(|host| (host.id.clone(), Err(fleet::silent(host)))).collect();
    if online.is_empty() {
        return Ok(looked);
    }
    let installation = aws.settings.installation().map_err(StepError::Later)?;
    let mut script = Script::new(aws, "look", id)?;
    script.old_mark(id, is_old)?;
    script.list("SERVICES", services.iter().map(|service| service.as_str()))?;
    script.text("CHECK", if files.is_some() { "yes" } else { "" })?;
    script.list("FILES", files.into_iter().flatten().copied())?;
    let ids: Vec<String> = online.iter().map(|host| host.id.clone()).collect();
    let sending = Sending {
        // Not a mark that the template's rule matches, or each query would trigger another.
        mark: &command_tag::aside("look", &installation, id),
        script: &script,
        hosts: &ids,
        delivery_seconds: DELIVERY_SECONDS,
        run_seconds: 30,
        together: true,
    };
    let Parts { sent, refused } = send_in_parts(aws, &sending).await?;
    for host in refused {
        let why = takes_none(from_ref(&host));
        looked.insert(host, Err(why));
    }
    let answered = wait(aws, &sent).await.map_err(StepError::Later)?;
    for (command, hosts) in sent {
        for host in hosts {
            let answer = answered.iter().find(|answer| answer.host == host);
            let said =
                said(aws, &command, &host, answer, services).await.map_err(StepError::Later)?;
            looked.insert(host, said);
        }
    }
    Ok(looked)
}

/// A host's report about all services, or why there is none.
async fn said(
    aws: &Aws,
    command: &str,
    host: &str,
    answer: Option<&Answer>,
    services: &[&ServiceName],
) -> Result<Result<Report, String>, Failure> {
    let report = match answer.map(|answer| (&answer.stage, &answer.report)) {
        Some((Stage::Succeeded, report)) if report.tells_of(services) => report.clone(),
        // The list truncates the output; GetCommandInvocation returns more.
        Some((Stage::Succeeded, _)) => match whole_report(aws, command, host).await {
            Ok(report) => report,
            Err(refused @ Failure::Refused { .. }) => return Ok(Err(format!("{host}: {refused}"))),
            Err(later) => return Err(later),
        },
        Some((Stage::Waiting | Stage::Running, _)) | None => {
            return Ok(Err(format!(
                "{host} is connected but does not answer; check its SSM agent"
            )));
        }
        Some((
            Stage::Failed(why) | Stage::NeverRan(why) | Stage::Unheard(why) | Stage::Cancelled(why),
            _,
        )) => return Ok(Err(why.clone())),
    };
    Ok(match report.tells_of(services) {
        true => Ok(report),
        false => Err(format!("{host} did not report every service")),
    })
}

/// Waits until every host has answered or the time is up.
pub(super) async fn wait(
    aws: &Aws,
    commands: &[(String, Vec<String>)],
) -> Result<Vec<Answer>, Failure> {
    let mut open: Vec<&(String, Vec<String>)> = commands.iter().collect();
    let mut answered = Vec::new();
    for _ in 0..PATIENCE {
        let mut still_open = Vec::new();
        for one in open {
            let answers = answers(aws, &one.0).await?;
            if answers.len() == one.1.len() && answers.iter().all(|answer| answer.stage.is_over()) {
                answered.extend(answers);
            } else {
                still_open.push(one);
            }
        }
        open = still_open;
        if open.is_empty() || !aws.clock.pause(PAUSE).await {
            break;
        }
    }
    for (command, _) in open {
        info!("not every host has answered command {command}");
        answered.extend(answers(aws, command).await?);
    }
    Ok(answered)
}
