//! Whether the images of a revision are there, asked before a service is brought back to it.

use super::{registry, render, stored};
use crate::clients::Aws;
use crate::failure::Failure;
use crate::images;
use pipeline::names::Revision;
use std::collections::BTreeSet;
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
