//! Commands that change something: noted before they are sent, so that the same errand is one
//! command, and so that whoever looks later knows which one to ask about.

use super::mark::{Errand, Mark};
use super::script::Script;
use super::send::{Sending, send};
use crate::clients::Aws;
use crate::ecs::halt::Halt;
use crate::ecs::notes;
use crate::failure::Failure;
use pipeline::names::{DeploymentId, Revision, ServiceName};

/// A rollout or a way back may wait so long for its host.
const DELIVERY_SECONDS: i32 = 300;
/// And then take so long: an image may be large.
const RUN_SECONDS: u64 = 3600;
/// Less than the core waits for a service, so that a script says in time that it waits for another.
const LOCK_SECONDS: u64 = 120;

const NUMBER: &str = "number";
const REVISION: &str = "revision";
const COMMAND: &str = "command";

/// The newest errand about one service in one deployment.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The number of its message; a later one has a higher number.
    number: u64,
    pub(super) revision: Revision,
    /// `None`: it was about to be sent.
    pub(super) command: Option<String>,
}

#[cfg(test)]
impl Sent {
    pub(super) fn told(revision: &Revision, command: &str) -> Self {
        Self { number: 1, revision: revision.clone(), command: Some(command.to_owned()) }
    }
}

pub(super) async fn newest(
    aws: &Aws,
    id: &DeploymentId,
    service: &ServiceName,
) -> Result<Option<Sent>, Failure> {
    let note = notes::read(aws, id, &about(service)).await?;
    Ok(note.and_then(|note| {
        Some(Sent {
            number: note.get(NUMBER)?.parse().ok()?,
            revision: Revision::new(note.get(REVISION)?),
            command: note.get(COMMAND).cloned(),
        })
    }))
}

/// An errand about one service: message `number` of its deployment.
pub(super) struct Going<'a> {
    pub(super) id: &'a DeploymentId,
    pub(super) number: u64,
    pub(super) errand: Errand,
    pub(super) service: &'a ServiceName,
    pub(super) revision: &'a Revision,
    pub(super) hosts: &'a [String],
}

/// Sends the command, or says which one it was. Sent once more after a crash, it finds on the hosts
/// that there is nothing left to do.
pub(super) async fn go(aws: &Aws, going: &Going<'_>, mut script: Script) -> Result<String, Halt> {
    let Going { id, number, errand, service, revision, hosts } = *going;
    match newest(aws, id, service).await.map_err(Halt::Later)? {
        Some(Sent { number: known, command: Some(command), .. }) if known == number => {
            return Ok(command);
        }
        Some(Sent { number: newer, .. }) if newer > number => {
            return Err(Halt::Fault("a later command about it has been sent already".to_owned()));
        }
        _ => {}
    }
    note(aws, going, None).await?;
    script.number("LOCK_SECONDS", LOCK_SECONDS);
    let sending = Sending {
        mark: Mark::new(id, errand, 1).to_string(),
        script: &script,
        hosts,
        delivery_seconds: DELIVERY_SECONDS,
        run_seconds: RUN_SECONDS,
        together: errand != Errand::Rollout,
    };
    let command = send(aws, &sending).await?;
    note(aws, going, Some(&command)).await?;
    tracing::info!(service = %service, "{} to {revision} is command {command}", errand.word());
    Ok(command)
}

async fn note(aws: &Aws, going: &Going<'_>, command: Option<&str>) -> Result<(), Halt> {
    let number = going.number.to_string();
    let mut note = vec![(NUMBER, number.as_str()), (REVISION, going.revision.as_str())];
    note.extend(command.map(|command| (COMMAND, command)));
    notes::write(aws, going.id, &about(going.service), &note).await.map_err(Halt::Later)
}

fn about(service: &ServiceName) -> String {
    format!("host#{service}")
}
