//! The plan of a preparation: everything is checked, and nothing is changed.

use super::base_revision::{self, Basis, Start};
use super::definition::Definition;
use super::keep_tags::{self, Read, Wanted};
use super::render::Origin;
use super::step_error::asked_to;
use super::{
    cluster_of, compare, consistency, load_balancers, preflight, references, render, roles,
    services,
};
use crate::clients::Aws;
use crate::failure::Failure;
use aws_sdk_ecs::types::Service;
use futures_util::stream::{self, StreamExt};
use pipeline::effect::{Prepare, PrepareService};
use pipeline::event::AlarmReading;
use pipeline::names::{AlarmName, Revision, ServiceName};
use pipeline::spec::Base;
use serde_json::Value;
use std::collections::BTreeSet;

/// Which references of task definitions to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    Everything,
    /// Skips what a service already uses, where a wrong guess is harmless.
    WhatIsNew,
}

/// How many services are checked and registered in parallel.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// All findings; nothing is created.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) services: Vec<Planned>,
    pub(super) images: Read,
    /// The AWS account, if any of the images or task definitions names it.
    pub(super) account: Option<String>,
    pub(super) alarms: Vec<AlarmReading>,
    pub(super) warnings: Vec<String>,
    /// If there is any, nothing is created.
    pub(super) faults: Vec<String>,
}

pub(super) struct Planned {
    pub(super) name: ServiceName,
    pub(super) before: Option<Revision>,
    pub(super) described: Option<Definition>,
    pub(super) after: After,
}

pub(super) enum After {
    Use(Definition),
    Register(Value),
}

impl After {
    pub(super) fn json(&self) -> &Value {
        match self {
            Self::Use(definition) => &definition.json,
            Self::Register(json) => json,
        }
    }
}

pub(super) async fn plan(aws: &Aws, prepare: &Prepare, search: Search) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    let cluster = match cluster_of(&prepare.target) {
        Ok(cluster) => cluster,
        Err(halt) => {
            plan.faults.push(halt.fault()?);
            return Ok(plan);
        }
    };
    let names = prepare.services.iter().map(|service| &service.spec.name);
    let described = services::describe(aws, cluster, names);
    let (described, alarms) = futures_util::join!(described, read_alarms(aws, &prepare.alarms));
    let (readings, missing) = alarms?;
    let described = match described.map_err(asked_to(format!("describe services of {cluster}"))) {
        Ok(described) => described,
        Err(halt) => {
            plan.faults.push(halt.fault()?);
            plan.faults.extend(missing);
            return Ok(plan);
        }
    };
    for (name, service) in &described {
        let (faults, warnings) = (preflight::faults(service), preflight::warnings(service));
        plan.faults.extend(faults.iter().map(|fault| format!("{name} {fault}")));
        plan.warnings.extend(warnings.iter().map(|warning| format!("{name} {warning}")));
    }

    let looking = prepare.services.iter().map(async |wanted| {
        (wanted, base_revision::of(aws, wanted, described.get(&wanted.spec.name)).await)
    });
    let looked: Vec<_> = stream::iter(looking).buffered(SIDE_BY_SIDE).collect().await;
    let mut bases = Vec::new();
    for (wanted, basis) in looked {
        let name = &wanted.spec.name;
        match basis {
            Ok(basis) => {
                let warnings = basis.warnings.iter();
                plan.warnings.extend(warnings.map(|warning| format!("{name} {warning}")));
                bases.push((wanted, basis));
            }
            Err(halt) => plan.faults.push(format!("{name} {}", halt.fault()?)),
        }
    }

    plan.account = described.values().find_map(account_of);
    let wanted_images = images_of(prepare, &bases, plan.account.as_deref());
    let (mut images, refused) = keep_tags::read(aws, &wanted_images).await?;
    plan.faults.extend(refused);
    plan.account = account(&images).or(plan.account);
    let registry = registry(aws, &images);
    for (wanted, basis) in bases {
        let origin = Origin { account: plan.account.as_deref(), unnamed: Some(&registry) };
        match plan_one(prepare, wanted, basis, origin) {
            Ok(planned) => plan.services.push(planned),
            Err(fault) => plan.faults.push(fault),
        }
    }
    if plan.services.iter().any(|planned| render::platform(planned.after.json()).is_some()) {
        plan.warnings.extend(keep_tags::read_platforms(aws, prepare, &mut images).await);
    }
    plan.images = images;
    plan.alarms = readings;
    consistency::check(prepare, &mut plan);
    load_balancers::check(aws, prepare, &described, &mut plan).await;
    roles::check(aws, prepare, &mut plan);
    references::check(aws, search, &mut plan).await;
    plan.faults.extend(missing);
    Ok(plan)
}

/// Decides what one service will run.
fn plan_one(
    prepare: &Prepare,
    wanted: &PrepareService,
    basis: Basis,
    mut origin: Origin<'_>,
) -> Result<Planned, String> {
    let name = &wanted.spec.name;
    if !matches!(wanted.spec.base, Base::Template { .. }) {
        origin.unnamed = None;
    }
    let after = match basis.start {
        Start::Recorded(definition) if definition.is_active => After::Use(definition),
        Start::Recorded(definition) => After::Register(definition.json),
        Start::Render { base, known } => {
            let json = render::render(&base, &prepare.images, origin)
                .map_err(|fault| format!("{name}: {fault}"))?;
            let same = |d: &Definition| d.is_active && compare::is_same(&json, &d.json);
            match known.into_iter().find(same) {
                Some(definition) => After::Use(definition),
                None => After::Register(json),
            }
        }
    };
    let (before, described) = (basis.before, basis.described);
    Ok(Planned { name: name.clone(), before, described, after })
}

/// The release's images, and those that a rollback may need.
fn images_of(
    prepare: &Prepare,
    bases: &[(&PrepareService, Basis)],
    account: Option<&str>,
) -> Wanted {
    let mut wanted = Wanted::new();
    let mut want = |(repository, digest)| {
        wanted.entry(repository).or_default().insert(digest);
    };
    prepare.images.clone().into_iter().for_each(&mut want);
    for (_, basis) in bases {
        let recorded = match &basis.start {
            Start::Recorded(definition) => Some(definition),
            Start::Render { .. } => None,
        };
        for definition in recorded.into_iter().chain(&basis.described) {
            consistency::ours(prepare, &definition.json, account).into_iter().for_each(&mut want);
        }
    }
    wanted
}

/// The account of the release's images.
fn account(images: &Read) -> Option<String> {
    let mut found = images.values().flat_map(|images| images.found.values());
    found.find_map(|image| image.registry.clone())
}

fn account_of(service: &Service) -> Option<String> {
    service.service_arn()?.split(':').nth(4).map(str::to_owned)
}

/// The registry of the release's images, for a template that names repositories only.
pub(crate) fn registry(aws: &Aws, images: &Read) -> String {
    let account = account(images).unwrap_or_default();
    let region = aws.settings.optional("AWS_REGION").unwrap_or_default();
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// Reads alarms; the texts are their faults.
pub(crate) async fn read_alarms(
    aws: &Aws,
    names: &[AlarmName],
) -> Result<(Vec<AlarmReading>, Vec<String>), Failure> {
    if names.is_empty() {
        return Ok((vec![], vec![]));
    }
    let read = crate::alarms::read_alarms(aws, names).await;
    let readings = match read.map_err(asked_to("describe the alarms")) {
        Ok(readings) => readings,
        Err(halt) => return Ok((vec![], vec![halt.fault()?])),
    };
    let known: BTreeSet<_> = readings.iter().map(|reading| &reading.alarm).collect();
    let missing = names.iter().filter(|name| !known.contains(name)).map(|name| {
        format!("there is no alarm {name}; create it, or remove it from the application's spec")
    });
    let missing = missing.collect();
    Ok((readings, missing))
}
