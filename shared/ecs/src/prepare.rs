//! Preparing: check everything, report all faults at once, and only then create anything.

use super::definitions::registrations;
use super::preflight::{After, Plan, Planned, SIDE_BY_SIDE, Search, plan};
use aws::clients::Aws;
use aws::definitions::archived;
use aws::failure::Failure;
use aws::keep_tags;
use aws::step_error::StepError;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use pipeline::effect::Prepare;
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::names::DeploymentId;

pub async fn prepare(aws: &Aws, id: &DeploymentId, prepare: &Prepare) -> Result<Event, Failure> {
    let plan = plan(aws, prepare, Search::WhatIsNew).await?;
    if !plan.faults.is_empty() {
        return Ok(Event::PreparationFailed { faults: plan.faults });
    }
    match make(aws, id, prepare, &plan).await {
        Ok((services, more)) => {
            let warnings = plan.warnings.into_iter().chain(more).collect();
            Ok(Event::Prepared(Preparation { services, alarms: plan.alarms, warnings }))
        }
        Err(halt) => Ok(Event::PreparationFailed { faults: vec![halt.fault()?] }),
    }
}

/// Tags images, registers task definitions, and archives what a rollback needs.
async fn make(
    aws: &Aws,
    id: &DeploymentId,
    prepare: &Prepare,
    plan: &Plan,
) -> Result<(Vec<PreparedService>, Vec<String>), StepError> {
    let warnings = keep_tags::tag(aws, prepare, &plan.images).await?;
    let making = plan.services.iter().map(|planned| make_one(aws, id, planned));
    let made: Vec<_> = stream::iter(making).buffered(SIDE_BY_SIDE).collect().await;
    let services = made.into_iter().collect::<Result<_, _>>()?;
    Ok((services, warnings))
}

async fn make_one(
    aws: &Aws,
    id: &DeploymentId,
    planned: &Planned,
) -> Result<PreparedService, StepError> {
    let name = planned.name.clone();
    let after = match &planned.after {
        After::Use(definition) => definition.revision.clone(),
        After::Register(json) => {
            let registered = registrations::register_once(aws, id, name.as_str(), json).await;
            registered.map_err(|halt| match halt {
                StepError::Fault(text) => StepError::Fault(format!("{name}: {text}")),
                later => later,
            })?
        }
    };
    let before =
        planned.described.iter().map(|definition| (&definition.revision, &definition.json));
    let keeping = before.chain([(&after, planned.after.json())]);
    for kept in join_all(keeping.map(|(revision, json)| archived::keep(aws, revision, json))).await
    {
        kept.map_err(StepError::Later)?;
    }
    Ok(PreparedService { name, before: planned.before.clone(), after })
}
