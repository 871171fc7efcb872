//! Commands that change something: noted before they are sent, so that a repeated message sends no
//! second command, and a later observation knows which command to check.

use super::command_tag::{CommandKind, CommandTag};
use super::script::Script;
use super::send::{Sending, send_where_it_goes};
use aws::clients::Aws;
use aws::failure::Failure;
use aws::idempotency;
use aws::step_error::StepError;
use engine::{Key, Record, World};
use pipeline::deployment::Deployment;
use pipeline::names::{DeploymentId, Revision, ServiceName};
use std::collections::BTreeSet;

/// How long a rollout or a rollback may wait for its host, and then run there: an image may be
/// large. The timeout of the service applies if it is longer: it is for all hosts together, and Run
/// Command applies these two in the same way. The core ends what takes too long.
const DELIVERY_SECONDS: u64 = 300;
const RUN_SECONDS: u64 = 3600;
/// How long a script waits for others on its host, or most of the timeout of its service:
/// containers of one wave are updated one after another. That is less than the core waits, so that
/// the script reports in time what it waits for.
const LOCK_SECONDS: u64 = 120;

const NUMBER: &str = "number";
const REVISION: &str = "revision";
const COMMAND: &str = "command";
const HOSTS: &str = "hosts";
const MISSED: &str = "missed";
const TOUCHED: &str = "touched";
pub(super) const INSTALLATION: &str = "installation";
const OLD: &str = "old";

/// The newest command about one service in one deployment.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The number of its message; a later one has a higher number.
    number: u64,
    pub(super) revision: Revision,
    /// `None`: it was about to be sent.
    pub(super) command: Option<String>,
    /// The hosts that it was sent to; an earlier version did not note them.
    pub(super) hosts: Vec<String>,
    /// The other target hosts, which accepted no commands.
    pub(super) missed: Vec<String>,
    /// The hosts that any command of this deployment for the service was sent to.
    pub(super) touched: BTreeSet<String>,
    /// An earlier version worked on this deployment; its marks name no installation.
    pub(super) is_old: bool,
}

#[cfg(test)]
impl Sent {
    pub(super) fn told(revision: &Revision, command: &str, hosts: &[&str]) -> Self {
        Self {
            number: 1,
            revision: revision.clone(),
            command: Some(command.to_owned()),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            missed: vec![],
            touched: BTreeSet::new(),
            is_old: false,
        }
    }
}

pub(super) async fn newest(
    aws: &Aws,
    id: &DeploymentId,
    service: &ServiceName,
) -> Result<Option<Sent>, Failure> {
    let note = idempotency::read(aws, id, &about(service)).await?;
    Ok(note.and_then(|note| {
        Some(Sent {
            number: note.get(NUMBER)?.parse().ok()?,
            revision: Revision::new(note.get(REVISION)?),
            command: note.get(COMMAND).cloned(),
            hosts: words(note.get(HOSTS)).collect(),
            missed: words(note.get(MISSED)).collect(),
            touched: words(note.get(TOUCHED)).collect(),
            is_old: !note.contains_key(INSTALLATION) || note.contains_key(OLD),
        })
    }))
}

fn words(text: Option<&String>) -> impl Iterator<Item = String> {
    let words = text.into_iter().flat_map(|text| text.split(' '));
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

/// The stored deployment.
pub(super) async fn deployment(
    aws: &Aws,
    id: &DeploymentId,
) -> Result<Option<Deployment>, Failure> {
    let stored = aws.load(&[Key::Deployment(id.clone())]).await?.into_iter().next().flatten();
    Ok(match stored.map(|stored| stored.record) {
        Some(Record::Deployment(deployment)) => Some(deployment),
        _ => None,
    })
}

/// A command about one service: message `number` of its deployment.
pub(super) struct Command<'a> {
    pub(super) id: &'a DeploymentId,
    pub(super) number: u64,
    pub(super) kind: CommandKind,
    pub(super) service: &'a ServiceName,
    pub(super) revision: &'a Revision,
    pub(super) hosts: &'a [String],
}

/// Sends the command, or returns the one that was sent. If a crash makes it send a second one, that
/// finds on the hosts that the work is done. A host that accepts no commands does not block the
/// others.
pub(super) async fn go(
    aws: &Aws,
    going: &Command<'_>,
    mut script: Script,
) -> Result<String, StepError> {
    let Command { id, number, kind, service, revision, hosts } = *going;
    let known = newest(aws, id, service).await.map_err(StepError::Later)?;
    let is_old = known.as_ref().is_some_and(|sent| sent.is_old);
    let touched = known.as_ref().map(|sent| sent.touched.clone()).unwrap_or_default();
    match known {
        Some(Sent { number: known, command: Some(command), .. }) if known == number => {
            return Ok(command);
        }
        Some(Sent { number: newer, .. }) if newer > number => {
            return Err(StepError::Fault(
                "a later command for this service was already sent".to_owned(),
            ));
        }
        _ => {}
    }
    let installation = aws.settings.installation().map_err(StepError::Later)?;
    let note = Note { going, installation: &installation, is_old, touched };
    note.write(aws, None, hosts, &[]).await?;
    let timeout = timeout(aws, id, service).await.map_err(StepError::Later)?;
    let (delivery_seconds, run_seconds) = (DELIVERY_SECONDS.max(timeout), RUN_SECONDS.max(timeout));
    script.number("LOCK_SECONDS", LOCK_SECONDS.max(timeout / 4 * 3));
    script.number("LATE_MINUTES", (delivery_seconds + run_seconds).div_ceil(60));
    script.old_mark(id, is_old)?;
    let sending = Sending {
        mark: &CommandTag::new(Some(&installation), id, kind, 1).to_string(),
        script: &script,
        hosts,
        delivery_seconds,
        run_seconds,
        together: kind != CommandKind::Rollout,
    };
    let (command, reached) = send_where_it_goes(aws, id, &sending).await?;
    let missed: Vec<String> =
        hosts.iter().filter(|host| !reached.contains(host)).cloned().collect();
    note.write(aws, Some(&command), &reached, &missed).await?;
    tracing::info!(service = %service, "{} to {revision}: command {command}", kind.word());
    Ok(command)
}

/// The timeout of the service in the spec, in seconds.
async fn timeout(aws: &Aws, id: &DeploymentId, service: &ServiceName) -> Result<u64, Failure> {
    let deployment = deployment(aws, id).await?;
    let timeout = deployment.and_then(|deployment| {
        let mut services = deployment.rules.services();
        services.find(|(_, known)| known.name == *service).map(|(_, known)| known.timeout)
    });
    Ok(timeout.unwrap_or_default().as_seconds())
}

struct Note<'a> {
    going: &'a Command<'a>,
    installation: &'a str,
    is_old: bool,
    touched: BTreeSet<String>,
}

impl Note<'_> {
    async fn write(
        &self,
        aws: &Aws,
        command: Option<&str>,
        hosts: &[String],
        missed: &[String],
    ) -> Result<(), StepError> {
        let Command { id, number, service, revision, .. } = *self.going;
        let touched = self.touched.iter().chain(hosts).map(String::as_str);
        let touched = Vec::from_iter(touched.collect::<BTreeSet<_>>()).join(" ");
        let (number, hosts, missed) = (number.to_string(), hosts.join(" "), missed.join(" "));
        let mut note = vec![
            (NUMBER, number.as_str()),
            (REVISION, revision.as_str()),
            (HOSTS, hosts.as_str()),
            (TOUCHED, touched.as_str()),
            (INSTALLATION, self.installation),
        ];
        note.extend((!missed.is_empty()).then_some((MISSED, missed.as_str())));
        note.extend(self.is_old.then_some((OLD, "yes")));
        note.extend(command.map(|command| (COMMAND, command)));
        idempotency::write(aws, id, &about(service), &note).await.map_err(StepError::Later)
    }
}

fn about(service: &ServiceName) -> String {
    format!("host#{service}")
}
