//! The release's images: read once for all services, and tagged so that no lifecycle rule
//! deletes them while a rollback may need them.

use crate::clients::{Aws, in_time};
use crate::failure::{Failure, not_asked};
use crate::image_config;
use crate::images::{self, Images, Tagged};
use crate::step_error::{StepError, asked_to};
use futures_util::future::join_all;
use pipeline::effect::Prepare;
use pipeline::names::{Digest, Repository, Tag};
use std::collections::{BTreeMap, BTreeSet};

pub type Wanted = BTreeMap<Repository, BTreeSet<Digest>>;
pub type Read = BTreeMap<Repository, Images>;

/// Reads images, one call for each repository; the texts are AWS's refusals.
pub async fn read(aws: &Aws, wanted: &Wanted) -> Result<(Read, Vec<String>), Failure> {
    let reading = wanted.iter().map(async |(repository, digests)| {
        let what = format!("read the images of {repository}");
        let images = images::read(aws, repository, digests).await.map_err(asked_to(what));
        (repository.clone(), images)
    });
    let mut read = Read::new();
    let mut faults = Vec::new();
    for (repository, images) in join_all(reading).await {
        match images {
            Ok(images) => {
                read.insert(repository, images);
            }
            Err(halt) => faults.push(halt.fault()?),
        }
    }
    Ok((read, faults))
}

/// Reads the platform of single-platform images; others name it in their manifest. The texts are
/// warnings.
pub async fn read_platforms(aws: &Aws, prepare: &Prepare, read: &mut Read) -> Vec<String> {
    let single = prepare.images.iter().filter_map(|(repository, digest)| {
        let image = read.get(repository)?.found.get(digest)?;
        image.is_single().then_some((repository, digest, image))
    });
    let reading = single.map(async |(repository, digest, image)| {
        (repository, digest, in_time(&aws.clock, image_config::of(aws, repository, image)).await)
    });
    let said = join_all(reading).await;
    let said: Vec<_> = said.into_iter().map(|(r, d, said)| (r.clone(), d.clone(), said)).collect();
    let mut warnings = Vec::new();
    for (repository, digest, said) in said {
        let image = read.get_mut(&repository).and_then(|images| images.found.get_mut(&digest));
        match (said, image) {
            (Ok(said), Some(image)) => image.platform = said.platform,
            (Ok(_), None) => {}
            (Err(failure), _) => {
                let what = format!("the platform of {repository}@{}", digest.short());
                warnings.push(not_asked(&what, &failure));
            }
        }
    }
    warnings
}

/// Puts both tags on every image of the release. The texts are warnings; failing to put a tag that
/// the spec requests is a fault.
pub async fn tag(aws: &Aws, prepare: &Prepare, read: &Read) -> Result<Vec<String>, StepError> {
    let mut warnings = Vec::new();
    let kept = put(aws, prepare, read, &prepare.keep_tag).await?;
    let unprotected =
        |why: String| format!("an image is not protected from lifecycle rules: {why}");
    warnings.extend(kept.into_iter().map(unprotected));
    if let Some(tag) = &prepare.tag {
        let refused = put(aws, prepare, read, tag).await?;
        if !refused.is_empty() {
            return Err(StepError::Fault(refused.join("; ")));
        }
    }
    Ok(warnings)
}

async fn put(
    aws: &Aws,
    prepare: &Prepare,
    read: &Read,
    tag: &Tag,
) -> Result<Vec<String>, StepError> {
    let found = prepare.images.iter().filter_map(|(repository, digest)| {
        let image = read.get(repository)?.found.get(digest)?;
        Some((repository, digest, image))
    });
    let putting = found
        .map(|(repository, digest, image)| images::put_tag(aws, repository, digest, image, tag));
    let mut refused = Vec::new();
    for tagged in join_all(putting).await {
        if let Tagged::Refused(why) = tagged.map_err(StepError::Later)? {
            refused.push(why);
        }
    }
    Ok(refused)
}

/// The account that the release's images lie in.
pub fn account(images: &Read) -> Option<String> {
    let mut found = images.values().flat_map(|images| images.found.values());
    found.find_map(|image| image.registry.clone())
}

/// Where the release's images lie, for a template that names repositories only.
pub fn registry(aws: &Aws, images: &Read) -> String {
    let account = account(images).unwrap_or_default();
    let region = aws.settings.optional("AWS_REGION").unwrap_or_default();
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{domain}")
}
