//! What ECR says about a push: the digest of the tag, when the image was pushed, and its build
//! information.
//!
//! If ECR does not answer in time, a push is recorded without this.

use crate::clients::{Aws, in_time};
use crate::failure::{Failure, chain, failure};
use crate::image_config;
use crate::sweep::pushed_at;
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use engine::World;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::Push;
use tracing::{info, warn};

/// Completes a push that an event reported. Events may arrive in any order, so the digest is the
/// tag's current one.
pub async fn ask(aws: &Aws, mut push: Push) -> Push {
    if let Some(tag) = &push.tag {
        let asked_at = aws.now();
        match in_time(&aws.clock, image_of(aws, &push.repository, tag)).await {
            Ok(None) => {}
            Ok(Some(image)) => {
                let digest = image.image_digest().map_or(push.digest.clone(), Digest::new);
                if digest != push.digest {
                    info!(repository = %push.repository, "{tag} now points to {}", digest.short());
                    push.digest = digest;
                    push.artifact_media_type = image.artifact_media_type().map(str::to_owned);
                }
                push.details.asked_at = Some(asked_at);
                push.details.image_pushed_at = pushed_at(&image);
            }
            Err(failure) => warn!(
                error_type = failure.name(),
                repository = %push.repository,
                "cannot look up the digest of {tag}: {}", chain(&failure)
            ),
        }
    }
    read_build(aws, push).await
}

/// Completes a push with the build information of the image.
pub async fn read_build(aws: &Aws, mut push: Push) -> Push {
    match in_time(&aws.clock, image_config::read(aws, &push.repository, &push.digest)).await {
        Ok(said) => (push.details.built_at, push.details.origin) = (said.built_at, said.origin),
        Err(failure) => {
            push.details.unread = true;
            warn!(
                error_type = failure.name(),
                repository = %push.repository,
                "cannot read the build labels of {}; its push time counts as its build time: {}",
                push.digest.short(),
                chain(&failure)
            );
        }
    }
    push
}

/// The image that a tag points to; `None`: there is none.
async fn image_of(
    aws: &Aws,
    repository: &Repository,
    tag: &Tag,
) -> Result<Option<ImageDetail>, Failure> {
    let id = ImageIdentifier::builder().image_tag(tag.as_str()).build();
    let asking = aws.ecr().describe_images().repository_name(repository.as_str()).image_ids(id);
    match asking.send().await.map_err(failure) {
        Ok(answer) => Ok(answer.image_details.unwrap_or_default().into_iter().next()),
        Err(error) if error.is("ImageNotFoundException") => Ok(None),
        Err(error) => Err(error),
    }
}
