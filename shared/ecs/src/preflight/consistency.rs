//! Whether services, images and the migration of a plan are consistent.

use super::findings::{Plan, Planned};
use crate::definitions::render;
use pipeline::effect::Prepare;
use pipeline::names::{Digest, Repository};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Adds inconsistencies to the plan.
pub(super) fn check(prepare: &Prepare, plan: &mut Plan) {
    let mut faults = missing_images(prepare, plan);
    for planned in &plan.services {
        faults.extend(wrong_platforms(planned, plan));
    }
    faults.extend(missing_container(prepare, plan));
    plan.faults.extend(faults);
    let warnings: Vec<String> =
        plan.services.iter().flat_map(|planned| no_way_back(prepare, planned, plan)).collect();
    plan.warnings.extend(warnings);
}

/// Which of the release's repositories a task definition takes which digests from.
pub(super) fn ours(
    prepare: &Prepare,
    definition: &Value,
    account: Option<&str>,
) -> BTreeMap<Repository, Digest> {
    let pinned = render::pinned(definition, account).into_values();
    pinned.filter(|(repository, _)| prepare.images.contains_key(repository)).collect()
}

/// A new release needs all of its images; a rollback needs only those of its target.
fn missing_images(prepare: &Prepare, plan: &Plan) -> Vec<String> {
    let mut needed = BTreeSet::new();
    if prepare.services.iter().any(|service| service.recorded.is_none()) {
        needed.extend(prepare.images.clone());
    }
    for planned in &plan.services {
        needed.extend(ours(prepare, planned.after.json(), plan.account.as_deref()));
    }
    let fault = |(repository, digest): &(Repository, Digest)| {
        let why = plan.images.get(repository)?.missing.get(digest)?;
        Some(format!("{repository}@{digest} {why}"))
    };
    needed.iter().filter_map(fault).collect()
}

/// ECS would accept the image, and every task would fail with an "exec format error".
fn wrong_platforms(planned: &Planned, plan: &Plan) -> Vec<String> {
    let definition = planned.after.json();
    let Some(wanted) = render::platform(definition) else { return vec![] };
    let fault = |(repository, digest): (Repository, Digest)| {
        let image = plan.images.get(&repository)?.found.get(&digest)?;
        let platforms = image.platforms().filter(|platforms| !platforms.contains(&wanted))?;
        let built = Vec::from_iter(platforms).join(", ");
        Some(format!(
            "{} runs on {wanted}, and {repository}@{digest} is built for {built}; build it for \
             {wanted} too, or change runtimePlatform in the task definition",
            planned.name
        ))
    };
    render::pinned(definition, plan.account.as_deref()).into_values().filter_map(fault).collect()
}

fn missing_container(prepare: &Prepare, plan: &Plan) -> Option<String> {
    let (service, container) = prepare.migration.as_ref()?;
    if !prepare.services.iter().any(|wanted| wanted.spec.name == *service) {
        return Some(format!(
            "the migration runs as {service}, which is not a service of this environment; correct \
             migration.service in the spec"
        ));
    }
    // A service without a plan already has a fault that says why.
    let planned = plan.services.iter().find(|planned| planned.name == *service)?;
    let names = render::container_names(planned.after.json());
    if names.contains(container) {
        return None;
    }
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    Some(format!(
        "the migration runs in container {container} of {service}, which has only {}; correct \
         migration.container in the spec",
        names.join(", ")
    ))
}

/// What runs now and could not be started again by a rollback.
fn no_way_back(prepare: &Prepare, planned: &Planned, plan: &Plan) -> Vec<String> {
    let Some(described) = &planned.described else { return vec![] };
    let warning = |(repository, digest): (Repository, Digest)| {
        plan.images.get(&repository)?.missing.get(&digest)?;
        Some(format!(
            "{} runs {repository}@{digest}, which can no longer be pulled; a rollback cannot \
             restore it",
            planned.name
        ))
    };
    let account = plan.account.as_deref();
    ours(prepare, &described.json, account).into_iter().filter_map(warning).collect()
}
