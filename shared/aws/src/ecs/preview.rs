//! The plan of a preparation as a person reads it.

use super::diff::changes;
use super::plan::{After, Planned, plan};
use crate::clients::Aws;
use crate::failure::Failure;
use crate::preview::{Outlook, Preview};
use pipeline::effect::Prepare;
use pipeline::names::Revision;
use serde_json::json;

pub(crate) async fn preview(aws: &Aws, prepare: &Prepare) -> Result<Preview, Failure> {
    let plan = plan(aws, prepare).await?;
    let services = plan.services.iter().map(outlook).collect();
    Ok(Preview { faults: plan.faults, warnings: plan.warnings, services })
}

fn outlook(planned: &Planned) -> Outlook {
    let before = planned.before.as_ref().map_or("does not exist yet", Revision::short);
    let after = match &planned.after {
        After::Use(definition) => definition.revision.short(),
        After::Register(_) => "a new revision",
    };
    let nothing = json!({});
    let known = planned.described.as_ref().map_or(&nothing, |definition| &definition.json);
    let mut lines = vec![match &planned.after {
        After::Use(definition) if Some(&definition.revision) == planned.before.as_ref() => {
            format!("{before}, as it is")
        }
        _ => format!("{before} -> {after}"),
    }];
    lines.extend(changes(known, planned.after.json()));
    Outlook { service: planned.name.clone(), lines }
}
