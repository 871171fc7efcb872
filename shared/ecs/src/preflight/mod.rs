//! Pre-flight: everything is checked, and nothing is changed.

mod consistency;
mod deployable;
mod findings;
mod load_balancers;
mod references;
mod roles;

pub use deployable::other_controller;
pub(crate) use findings::{After, Plan, Planned, SIDE_BY_SIDE, Search};

use crate::definitions::base_revision::{self, Basis, Start};
use crate::definitions::render::{self, Origin};
use crate::{cluster_of, services};
use aws::alarms::read_alarms_and_faults;
use aws::clients::Aws;
use aws::definitions::compare;
use aws::definitions::definition::Definition;
use aws::failure::Failure;
use aws::keep_tags::{self, Wanted};
use aws::step_error::asked_to;
use aws_sdk_ecs::types::Service;
use futures_util::stream::{self, StreamExt};
use pipeline::effect::{Prepare, PrepareService};
use pipeline::spec::Base;

pub(crate) async fn plan(aws: &Aws, prepare: &Prepare, search: Search) -> Result<Plan, Failure> {
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
    let (described, alarms) =
        futures_util::join!(described, read_alarms_and_faults(aws, &prepare.alarms));
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
        let (faults, warnings) = (deployable::faults(service), deployable::warnings(service));
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
    plan.account = keep_tags::account(&images).or(plan.account);
    let registry = keep_tags::registry(aws, &images);
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

fn account_of(service: &Service) -> Option<String> {
    service.service_arn()?.split(':').nth(4).map(str::to_owned)
}
