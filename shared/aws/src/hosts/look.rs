//! Looking: a short command that changes nothing, and waiting for what the hosts say.

use super::answer::{Answer, Report, Stage, answers};
use super::fleet::{self, Seen};
use super::script::Script;
use super::send::{Sending, send};
use crate::clients::Aws;
use crate::ecs::halt::Halt;
use pipeline::names::{DeploymentId, ServiceName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::info;

/// A host that says nothing for so long says nothing at all. The function has sixty seconds.
const PATIENCE: u32 = 25;
const PAUSE: Duration = Duration::from_secs(1);
/// Run Command takes no shorter time.
const DELIVERY_SECONDS: i32 = 30;

/// What each host said; the text is why it said nothing.
pub(super) type Looked = BTreeMap<String, Result<Report, String>>;

/// Asks every host what it runs. With `files`, it also says whether it has all that a rollout needs.
pub(super) async fn look<'a>(
    aws: &Aws,
    id: &DeploymentId,
    hosts: &[Seen],
    services: impl IntoIterator<Item = &'a ServiceName>,
    files: Option<&BTreeSet<&str>>,
) -> Result<Looked, Halt> {
    let (online, silent): (Vec<&Seen>, Vec<&Seen>) = hosts.iter().partition(|host| host.online);
    let mut looked: Looked =
        silent.into_iter().map(|host| (host.id.clone(), Err(fleet::silent(host)))).collect();
    if online.is_empty() {
        return Ok(looked);
    }
    let mut script = Script::new("look", id)?;
    script.list("SERVICES", services.into_iter().map(|service| service.as_str()))?;
    script.text("CHECK", if files.is_some() { "yes" } else { "" })?;
    script.list("FILES", files.into_iter().flatten().copied())?;
    let ids: Vec<String> = online.iter().map(|host| host.id.clone()).collect();
    let sending = Sending {
        // Not one of the marks that the template's rule listens to: a look at the news is no news.
        mark: format!("slipway-look/{id}"),
        script: &script,
        hosts: &ids,
        delivery_seconds: DELIVERY_SECONDS,
        run_seconds: 30,
        together: true,
    };
    let command = send(aws, &sending).await?;
    let answered = wait(aws, &command, ids.len()).await?;
    for host in ids {
        let said = match answered.iter().find(|answer| answer.host == host) {
            Some(Answer { stage: Stage::Succeeded, report, .. }) => Ok(report.clone()),
            Some(Answer { stage: Stage::Waiting | Stage::Running, .. }) | None => {
                Err(format!("{host} is connected and does not answer; look at its SSM agent"))
            }
            Some(Answer {
                stage: Stage::Failed(why) | Stage::NeverRan(why) | Stage::Cancelled(why),
                ..
            }) => Err(why.clone()),
        };
        looked.insert(host, said);
    }
    Ok(looked)
}

/// Waits until every host has answered, or long enough.
async fn wait(aws: &Aws, command: &str, hosts: usize) -> Result<Vec<Answer>, Halt> {
    for _ in 0..PATIENCE {
        let answered = answers(aws, command).await.map_err(Halt::Later)?;
        if answered.len() == hosts && answered.iter().all(|answer| answer.stage.is_over()) {
            return Ok(answered);
        }
        if !aws.clock.pause(PAUSE).await {
            break;
        }
    }
    info!("not every host has answered to {command}");
    answers(aws, command).await.map_err(Halt::Later)
}
