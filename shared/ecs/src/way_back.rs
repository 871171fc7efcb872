//! Whether the images of a revision exist, checked before a service is rolled back to it.

use super::definitions::{registry, render};
use super::preflight::SIDE_BY_SIDE;
use aws::clients::Aws;
use aws::definitions::archived;
use aws::failure::{Failure, not_asked};
use aws::images;
use aws::preview::Preview;
use futures_util::stream::{self, StreamExt};
use pipeline::names::{Revision, ServiceName};
use std::collections::{BTreeMap, BTreeSet};
use tracing::warn;

/// Names the image that can no longer be pulled; `None`: all can, as far as ECR says.
///
/// ECS would stop running tasks for tasks that can never start. An error of ECR does not prevent
/// the rollback.
pub(super) async fn gone(aws: &Aws, revision: &Revision) -> Result<Option<String>, Failure> {
    let Some(definition) = archived::kept(aws, revision).await? else {
        return Ok(None);
    };
    let region = aws.settings.optional("AWS_REGION");
    let account = revision.as_str().split(':').nth(4);
    for (image, (repository, digest)) in render::pinned(&definition, account) {
        // Images in other regions cannot be checked here.
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
            Err(failure) => warn!("could not check {what}: {failure}"),
        }
    }
    Ok(None)
}

/// Why a rollback to these revisions would fail.
pub async fn preview_way_back(aws: &Aws, revisions: &BTreeMap<ServiceName, Revision>) -> Preview {
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
    match archived::find(aws, revision).await {
        Ok(Some(found)) if found.is_active => {}
        Ok(Some(_)) => {
            let why = format!("{service}: {name} was deregistered; Slipway registers it again");
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

/// The message for a revision that neither ECS nor the table has.
pub(super) fn unknown(revision: &Revision) -> String {
    format!(
        "{} is gone, and neither ECS nor Slipway has its content; deploy another release",
        revision.short()
    )
}
