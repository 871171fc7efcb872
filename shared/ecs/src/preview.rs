//! The plan of a preparation as a person reads it.

use super::definitions::base_revision::family_and_number;
use super::diff::changes;
use super::preflight::{After, Planned, Search, plan};
use aws::definitions::archived;
use aws::definitions::definition;

use aws::clients::Aws;
use aws::failure::{Failure, not_asked};
use aws::preview::{Outlook, Preview};
use pipeline::effect::Prepare;
use pipeline::names::Revision;
use pipeline::spec::Base;
use serde_json::json;

pub async fn preview(aws: &Aws, prepare: &Prepare) -> Result<Preview, Failure> {
    let plan = plan(aws, prepare, Search::Everything).await?;
    let services = plan.services.iter().map(outlook).collect();
    let found = plan.services.iter().map(|planned| (planned.name.clone(), planned.before.clone()));
    let found = found.collect();
    let mut warnings = plan.warnings;
    for planned in plan.services.iter().filter(|planned| starts_from_what_runs(prepare, planned)) {
        let newer = newer_one(aws, planned).await;
        warnings.extend(newer.unwrap_or_else(|failure| {
            let what = format!("the newest task definition of {}", planned.name);
            Some(not_asked(&what, &failure))
        }));
    }
    Ok(Preview { faults: plan.faults, warnings, found, services })
}

fn starts_from_what_runs(prepare: &Prepare, planned: &Planned) -> bool {
    let wanted = prepare.services.iter().find(|wanted| wanted.spec.name == planned.name);
    wanted.is_some_and(|wanted| wanted.recorded.is_none() && wanted.spec.base == Base::Running)
}

/// Reports a newer revision that this service is not based on. An archived one is not reported:
/// Slipway registered it, or it ran once.
async fn newer_one(aws: &Aws, planned: &Planned) -> Result<Option<String>, Failure> {
    let Some(before) = &planned.before else { return Ok(None) };
    let Some((family, number)) = family_and_number(before) else { return Ok(None) };
    let Some(newest) = definition::describe(aws, family).await? else { return Ok(None) };
    let is_newer = family_and_number(&newest.revision).is_some_and(|(_, newest)| newest > number);
    if !is_newer || archived::kept(aws, &newest.revision).await?.is_some() {
        return Ok(None);
    }
    let (name, before, newest) = (&planned.name, before.short(), newest.revision.short());
    Ok(Some(format!(
        "{name} runs {before}, and its new revision starts from it, not from the newer {newest}; \
         give the service base: latest to start from that"
    )))
}

fn outlook(planned: &Planned) -> Outlook {
    let before = planned.before.as_ref().map_or("does not exist yet", Revision::short);
    let after = match &planned.after {
        After::Use(definition) => definition.revision.short(),
        After::Register(_) => "a new revision",
    };
    let mut lines = vec![match &planned.after {
        After::Use(definition) if Some(&definition.revision) == planned.before.as_ref() => {
            format!("{before}, unchanged")
        }
        _ => format!("{before} -> {after}"),
    }];
    match (&planned.before, &planned.described) {
        (Some(_), None) => lines.push("current revision unknown; cannot show a diff".into()),
        (_, known) => {
            let nothing = json!({});
            let known = known.as_ref().map_or(&nothing, |definition| &definition.json);
            lines.extend(changes(known, planned.after.json()));
        }
    }
    Outlook { service: planned.name.clone(), lines }
}
