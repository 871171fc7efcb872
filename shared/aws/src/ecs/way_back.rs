//! Whether the images of a revision are there, asked before a service is brought back to it.

use super::plan::SIDE_BY_SIDE;
use super::{registry, render, stored};
use crate::clients::Aws;
use crate::failure::{Failure, not_asked};
use crate::images;
use crate::preview::Preview;
use futures_util::stream::{self, StreamExt};
use pipeline::names::{Revision, ServiceName};
use std::collections::{BTreeMap, BTreeSet};
use tracing::warn;

/// Says which image cannot be pulled any more; `None`: each can, as far as ECR says.
///
/// ECS would stop tasks that run for tasks that can never start. Whatever ECR does not answer keeps
/// nothing back.
pub(super) async fn gone(aws: &Aws, revision: &Revision) -> Result<Option<String>, Failure> {
    let Some(definition) = stored::kept(aws, revision).await? else { return Ok(None) };
    let region = aws.settings.optional("AWS_REGION");
    let account = revision.as_str().split(':').nth(4);
    for (image, (repository, digest)) in render::pinned(&definition, account) {
        // What lies elsewhere is not asked for here.
        if registry::region_of(&image).map(str::to_owned) != region {
            continue;
        }
        let what = format!("{repository}@{digest}");
        match images::read(aws, &repository, &BTreeSet::from([digest.clone()])).await {
            Ok(read) => {
                if let Some(why) = read.missing.get(&digest) {
                    return Ok(Some(format!("{what} {why}")));
                }
            }
            Err(refused) if refused.is("RepositoryNotFoundException") => {
                return Ok(Some(format!("{what} is gone with its repository; push it again")));
            }
            Err(failure) => warn!("{what} could not be looked at: {failure}"),
        }
    }
    Ok(None)
}

/// What going back to these revisions would fail for.
pub(crate) async fn preview_way_back(
    aws: &Aws,
    revisions: &BTreeMap<ServiceName, Revision>,
) -> Preview {
    let looking = revisions.iter().map(|(service, revision)| preview_one(aws, service, revision));
    let looked: Vec<Preview> = stream::iter(looking).buffered(SIDE_BY_SIDE).collect().await;
    let mut preview = Preview::default();
    for one in looked {
        preview.warnings.extend(one.warnings);
        preview.faults.extend(one.faults);
    }
    preview
}

async fn preview_one(aws: &Aws, service: &ServiceName, revision: &Revision) -> Preview {
    let mut preview = Preview::default();
    let name = revision.short();
    match stored::find(aws, revision).await {
        Ok(Some(found)) if found.is_active => {}
        Ok(Some(_)) => {
            let why = format!("{service}: {name} was deregistered, and is registered again");
            preview.warnings.push(why);
        }
        Ok(None) => preview.faults.push(format!("{service}: {}", unknown(revision))),
        Err(failure) => {
            let what = format!("the task definition {name} of {service}");
            preview.warnings.push(not_asked(&what, &failure));
        }
    }
    match gone(aws, revision).await {
        Ok(None) => {}
        Ok(Some(why)) => {
            preview.faults.push(format!("{service}: {name} cannot be started: {why}"));
        }
        Err(failure) => {
            let what = format!("the images of {name} of {service}");
            preview.warnings.push(not_asked(&what, &failure));
        }
    }
    preview
}

/// What is said of a revision that is nowhere.
pub(super) fn unknown(revision: &Revision) -> String {
    format!(
        "{} is gone, and neither ECS nor Slipway knows what was in it; deploy another release",
        revision.short()
    )
}
