//! Images in ECR: whether they exist, their platform, and putting tags on them.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ecr::types::{ImageDetail, ImageIdentifier};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pipeline::names::{Digest, Repository, Tag};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many images one call reads.
const CHUNK: usize = 100;

/// ECR may convert a manifest of a type that is not listed here, and the same bytes are needed to
/// put a tag on it.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// What one repository answered about some digests.
#[derive(Debug, Default)]
pub struct Images {
    pub found: BTreeMap<Digest, Image>,
    /// The others, each with a reason that ends a sentence.
    pub missing: BTreeMap<Digest, String>,
}

#[derive(Debug)]
pub struct Image {
    /// The account of the registry.
    pub registry: Option<String>,
    /// Exactly as ECR returned it: its digest is the digest of these bytes.
    manifest: String,
    media_type: Option<String>,
    /// For a single-platform image, once its configuration was read.
    pub platform: Option<String>,
}

pub(crate) enum Tagged {
    Done,
    /// The repository has immutable tags, or the image has too many tags.
    Refused(String),
}

pub async fn read(
    aws: &Aws,
    repository: &Repository,
    digests: &BTreeSet<Digest>,
) -> Result<Images, Failure> {
    let mut images = Images::default();
    let wanted: Vec<&Digest> = digests.iter().collect();
    for chunk in wanted.chunks(CHUNK) {
        let mut asking = aws.ecr().batch_get_image().repository_name(repository.as_str());
        for digest in chunk {
            asking = asking.image_ids(by_digest(digest));
        }
        let media_types = MEDIA_TYPES.map(str::to_owned).to_vec();
        let asking = asking.set_accepted_media_types(Some(media_types));
        let answer = asking.send().await.map_err(failure)?;
        for image in answer.images.unwrap_or_default() {
            let digest = image.image_id.and_then(|id| id.image_digest).map(Digest::new);
            if let (Some(digest), Some(manifest)) = (digest, image.image_manifest) {
                let (registry, media_type) = (image.registry_id, image.image_manifest_media_type);
                let image = Image { registry, manifest, media_type, platform: None };
                images.found.insert(digest, image);
            }
        }
    }
    for digest in digests.iter().filter(|digest| !images.found.contains_key(digest)) {
        images.missing.insert(digest.clone(), why_missing(aws, repository, digest).await?);
    }
    Ok(images)
}

/// Puts a tag on an image. An existing tag counts as done.
pub(crate) async fn put_tag(
    aws: &Aws,
    repository: &Repository,
    digest: &Digest,
    image: &Image,
    tag: &Tag,
) -> Result<Tagged, Failure> {
    let putting = aws
        .ecr()
        .put_image()
        .repository_name(repository.as_str())
        .image_digest(digest.as_str())
        .image_tag(tag.as_str())
        .image_manifest(&image.manifest)
        .set_image_manifest_media_type(image.media_type.clone());
    let Err(error) = putting.send().await else { return Ok(Tagged::Done) };
    let message = error.message().unwrap_or_default().to_owned();
    match error.code() {
        Some("ImageAlreadyExistsException") => Ok(Tagged::Done),
        Some("ImageTagAlreadyExistsException") => Ok(Tagged::Refused(format!(
            "tags of {repository} are immutable, and {tag} is on another image; exclude it from \
             the repository's immutable tags"
        ))),
        // Not a throttle: the number of tags of an image is limited.
        Some("LimitExceededException") => Ok(Tagged::Refused(message)),
        _ => match failure(error) {
            Failure::Refused { code, message } => {
                Ok(Tagged::Refused(format!("{message} ({code})")))
            }
            other => Err(other),
        },
    }
}

impl Image {
    /// Its manifest; null if that is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.manifest).unwrap_or_default()
    }

    /// Whether it is a single-platform image; only its configuration names the platform.
    pub(crate) fn is_single(&self) -> bool {
        self.json()["config"]["digest"].is_string()
    }

    /// The platforms that it was built for; `None`: it does not say.
    pub fn platforms(&self) -> Option<BTreeSet<String>> {
        if let Some(platform) = &self.platform {
            return Some(BTreeSet::from([platform.clone()]));
        }
        let manifest = self.json();
        let children = manifest["manifests"].as_array()?;
        let platforms = children.iter().filter_map(|child| {
            let platform = &child["platform"];
            let (system, architecture) =
                (platform["os"].as_str()?, platform["architecture"].as_str()?);
            // buildx marks attestations like this; they are no images.
            (system != "unknown").then(|| format!("{system}/{architecture}"))
        });
        let platforms: BTreeSet<String> = platforms.collect();
        (!platforms.is_empty()).then_some(platforms)
    }
}

/// An archived image cannot be read, and looks like one that is gone.
async fn why_missing(
    aws: &Aws,
    repository: &Repository,
    digest: &Digest,
) -> Result<String, Failure> {
    let asking = aws.ecr().describe_images().repository_name(repository.as_str());
    let described = asking.image_ids(by_digest(digest)).send().await.map_err(failure);
    let details = match described {
        Ok(answer) => answer.image_details.unwrap_or_default(),
        Err(Failure::Refused { .. }) => vec![],
        Err(other) => return Err(other),
    };
    let status = details.first().and_then(ImageDetail::image_status);
    Ok(match status.map(|status| status.as_str()) {
        Some("ARCHIVED") => "is archived; restore it in ECR and deploy again",
        Some("ACTIVATING") => "is being restored from the archive; deploy again when it is active",
        _ => "is not in ECR; push it again, or deploy another release",
    }
    .to_owned())
}

fn by_digest(digest: &Digest) -> ImageIdentifier {
    ImageIdentifier::builder().image_digest(digest.as_str()).build()
}

#[cfg(test)]
mod tests {
    use super::Image;
    use serde_json::json;

    #[test]
    fn an_index_says_its_platforms_and_statements_about_it_are_none() {
        let platforms = |manifest: serde_json::Value| {
            let manifest = manifest.to_string();
            Image { registry: None, manifest, media_type: None, platform: None }.platforms()
        };
        let index = json!({"manifests": [
            {"digest": "sha256:1", "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": "sha256:2", "platform": {"os": "unknown", "architecture": "unknown"}},
        ]});
        assert_eq!(platforms(index).unwrap().into_iter().collect::<Vec<_>>(), ["linux/arm64"]);
        assert_eq!(platforms(json!({"config": {}, "layers": []})), None);
        assert_eq!(platforms(json!({"manifests": [{"digest": "sha256:1"}]})), None);
    }
}
