//! Registers a task definition once per deployment and purpose.
//!
//! ECS creates a new revision for every request. So the intent is noted before and the result
//! after; with an intent and no result, the newest revision of the family is checked first.

use super::render;
use aws::clients::Aws;
use aws::definitions::compare;
use aws::definitions::definition::{self, Registered};
use aws::failure::Failure;
use aws::idempotency;
use aws::step_error::{StepError, asked_to};
use pipeline::names::{DeploymentId, Revision};
use serde_json::Value;

const HASH: &str = "hash";
const REVISION: &str = "revision";

pub(crate) async fn register_once(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    json: &Value,
) -> Result<Revision, StepError> {
    let hash = render::hash(json);
    let note = idempotency::read(aws, id, about).await.map_err(StepError::Later)?;
    if let Some(note) = note.filter(|note| note.get(HASH) == Some(&hash)) {
        if let Some(revision) = note.get(REVISION) {
            return Ok(Revision::new(revision));
        }
        if let Some(revision) = registered_before(aws, json).await.map_err(StepError::Later)? {
            remember(aws, id, about, &hash, &revision).await?;
            return Ok(revision);
        }
    } else {
        idempotency::write(aws, id, about, &[(HASH, &hash)]).await.map_err(StepError::Later)?;
    }
    let Registered { revision, lost } =
        definition::register(aws, json).await.map_err(asked_to("register a task definition"))?;
    if !lost.is_empty() {
        return Err(StepError::Fault(format!(
            "ECS dropped {} from the task definition, so {} is not used; correct the field, or \
             remove it",
            lost.join(", "),
            revision.short()
        )));
    }
    remember(aws, id, about, &hash, &revision).await?;
    Ok(revision)
}

/// The revision that a deployment has registered for this purpose, if any.
pub(crate) async fn registered(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
) -> Result<Option<Revision>, Failure> {
    let note = idempotency::read(aws, id, about).await?;
    Ok(note.and_then(|note| note.get(REVISION).map(Revision::new)))
}

async fn remember(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    hash: &str,
    revision: &Revision,
) -> Result<(), StepError> {
    let note = [(HASH, hash), (REVISION, revision.as_str())];
    idempotency::write(aws, id, about, &note).await.map_err(StepError::Later)
}

/// The newest revision of the family, if it is equal to the requested one.
async fn registered_before(aws: &Aws, json: &Value) -> Result<Option<Revision>, Failure> {
    let Some(family) = json["family"].as_str() else { return Ok(None) };
    let newest = definition::describe(aws, family).await?;
    let same = newest.filter(|newest| newest.is_active && compare::is_same(json, &newest.json));
    Ok(same.map(|newest| newest.revision))
}
