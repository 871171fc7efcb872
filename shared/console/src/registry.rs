//! The registry: which image a tag points to now.

use aws::Aws;
use aws::failure::{Failure, failure};
use aws::sweep::pushed_at;
use aws_sdk_ecr::types::ImageIdentifier;
use pipeline::names::{Digest, Repository};
use pipeline::time::Time;

/// An image as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) digest: Digest,
    pub(crate) pushed_at: Option<Time>,
}

/// The result of a look-up in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Image(Image),
    NoImage,
    NoRepository,
}

pub(crate) trait Registry {
    /// Looks up a tag, or a digest (`sha256:…`).
    async fn image(&self, repository: &Repository, name: &str) -> Result<Found, Failure>;
}

impl Registry for Aws {
    async fn image(&self, repository: &Repository, name: &str) -> Result<Found, Failure> {
        let id = match name.starts_with("sha256:") {
            true => ImageIdentifier::builder().image_digest(name).build(),
            false => ImageIdentifier::builder().image_tag(name).build(),
        };
        let asking = self.ecr().describe_images().repository_name(repository.as_str());
        let answer = match asking.image_ids(id).send().await.map_err(failure) {
            Ok(answer) => answer,
            Err(error) if error.is("ImageNotFoundException") => return Ok(Found::NoImage),
            Err(error) if error.is("RepositoryNotFoundException") => {
                return Ok(Found::NoRepository);
            }
            // An invalid tag does not exist.
            Err(error) if error.is("InvalidParameterException") => return Ok(Found::NoImage),
            Err(error) => return Err(error),
        };
        let Some(detail) = answer.image_details().first() else { return Ok(Found::NoImage) };
        let Some(digest) = detail.image_digest() else { return Ok(Found::NoImage) };
        Ok(Found::Image(Image { digest: Digest::new(digest), pushed_at: pushed_at(detail) }))
    }
}
