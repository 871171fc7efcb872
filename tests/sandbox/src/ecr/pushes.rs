//! How images are pushed and deleted, and ECR's events about it.

use super::image::{INDEX, Image, LIST, digest};
use super::{Ecr, Repository, Stored, invalid, not_found};
use crate::place::{ACCOUNT, REGION, arn, list, text};
use crate::service::{Desk, Emission, Refusal};
use serde_json::{Map, Value, json};

const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

impl Ecr {
    /// A build pushes: one event for each manifest; only the last one has the tag. Returns the
    /// digest of what the tag points at now.
    pub fn push(
        &mut self,
        repository: &str,
        tag: &str,
        image: &Image,
        desk: &mut Desk<'_>,
    ) -> Result<String, Refusal> {
        let manifests = image.manifests();
        let last = manifests.len().saturating_sub(1);
        let mut pushed = String::new();
        for (position, manifest) in manifests.into_iter().enumerate() {
            let tag = Some(tag).filter(|_| position == last);
            pushed = digest(&manifest.text);
            let known = self
                .repositories
                .get(repository)
                .is_some_and(|known| known.images.iter().any(|image| image.digest == pushed));
            // Docker does not push again what is there already, unless to tag it.
            if known && tag.is_none() {
                continue;
            }
            self.put(repository, manifest.text, Some(manifest.media_type), tag, desk)?;
            if let Some(known) = self.repositories.get_mut(repository) {
                known.configs.extend(manifest.config);
            }
        }
        Ok(pushed)
    }

    /// An image that was pushed elsewhere arrives: no push, but a replication.
    pub fn replicate(
        &mut self,
        repository: &str,
        tag: &str,
        image: &Image,
        desk: &mut Desk<'_>,
    ) -> Result<String, Refusal> {
        let (mut silent, mut later) = (vec![], vec![]);
        let mut quiet = Desk { emitted: &mut silent, later: &mut later, ..*desk };
        let pushed = self.push(repository, tag, image, &mut quiet)?;
        desk.emit(Emission {
            source: "aws.ecr".into(),
            detail_type: "ECR Replication Action".into(),
            resources: vec![arn("ecr", &format!("repository/{repository}"))],
            detail: json!({
                "result": "SUCCESS",
                "repository-name": repository,
                "image-digest": pushed,
                "source-account": ACCOUNT,
                "action-type": "REPLICATE",
                "source-region": if REGION == "eu-west-1" { "us-east-1" } else { "eu-west-1" },
                "image-tag": tag,
            }),
        });
        Ok(pushed)
    }

    /// A lifecycle policy or a person deletes an image with all its tags.
    pub fn delete(&mut self, repository: &str, digest: &str, desk: &mut Desk<'_>) -> bool {
        let Some(known) = self.repositories.get_mut(repository) else { return false };
        let Some(position) = known.images.iter().position(|image| image.digest == digest) else {
            return false;
        };
        let image = known.images.remove(position);
        tell(repository, &image, "DELETE", image.tags.first().map(String::as_str), None, desk);
        true
    }

    /// Into the archive, from which nothing can be pulled, or back.
    pub fn archive(
        &mut self,
        repository: &str,
        digest: &str,
        archived: bool,
        desk: &mut Desk<'_>,
    ) -> bool {
        let images = self.repositories.get_mut(repository).map(|known| &mut known.images);
        let mut images = images.into_iter().flatten();
        let Some(image) = images.find(|image| image.digest == digest) else { return false };
        image.archived = archived;
        let class = if archived { "ARCHIVE" } else { "STANDARD" };
        tell(repository, image, "UPDATE_STORAGE_CLASS", None, Some(class), desk);
        true
    }

    pub(super) fn put_image(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let (name, _) = self.repository(input)?;
        let name = name.to_owned();
        let manifest = text(input, "imageManifest").ok_or_else(|| invalid("imageManifest"))?;
        let computed = digest(manifest);
        if text(input, "imageDigest").is_some_and(|given| given != computed) {
            return Err(Refusal::new(
                "ImageDigestDoesNotMatchException",
                "The specified image digest does not match the digest that Amazon ECR calculated \
                 for the image.",
            ));
        }
        let (media_type, tag) = (text(input, "imageManifestMediaType"), text(input, "imageTag"));
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(invalid("imageTag failed to satisfy: [a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}"));
        }
        let stored = self.put(&name, manifest.to_owned(), media_type, tag, desk)?;
        Ok(json!({ "image": stored.document(&name, tag) }))
    }

    fn put(
        &mut self,
        name: &str,
        manifest: String,
        media_type: Option<&str>,
        tag: Option<&str>,
        desk: &mut Desk<'_>,
    ) -> Result<Stored, Refusal> {
        let repository = self.repositories.get_mut(name).ok_or_else(|| not_found(name))?;
        let parsed: Value = serde_json::from_str(&manifest)
            .map_err(|_| invalid("imageManifest failed to satisfy: Invalid JSON syntax"))?;
        let media_type = media_type.or_else(|| text(&parsed, "mediaType")).unwrap_or(DOCKER);
        let digest = digest(&manifest);
        repository.accepts(name, &digest, media_type, &parsed, tag)?;
        if let Some(tag) = tag {
            for image in &mut repository.images {
                image.tags.retain(|known| known != tag);
            }
        }
        let known = repository.images.iter().position(|image| image.digest == digest);
        let position = known.unwrap_or_else(|| {
            let artifact = parsed.pointer("/config/mediaType").and_then(Value::as_str);
            repository.images.push(Stored {
                digest,
                manifest,
                media_type: media_type.to_owned(),
                artifact_type: artifact.map(str::to_owned),
                tags: vec![],
                pushed: desk.now,
                archived: false,
            });
            repository.images.len() - 1
        });
        let Some(stored) = repository.images.get_mut(position) else { return Err(not_found(name)) };
        stored.tags.extend(tag.map(str::to_owned));
        let stored = stored.clone();
        tell(name, &stored, "PUSH", tag, None, desk);
        Ok(stored)
    }
}

impl Repository {
    fn accepts(
        &self,
        name: &str,
        digest: &str,
        media_type: &str,
        manifest: &Value,
        tag: Option<&str>,
    ) -> Result<(), Refusal> {
        let known = self.images.iter().find(|image| image.digest == digest);
        let has = |image: &Stored, tag: &str| image.tags.iter().any(|known| known == tag);
        if known.is_some_and(|known| tag.is_none_or(|tag| has(known, tag))) {
            let tagged = tag.map_or_else(String::new, |tag| format!(" and tag '{tag}'"));
            return Err(Refusal::new(
                "ImageAlreadyExistsException",
                format!(
                    "Image with digest '{digest}'{tagged} already exists in the repository with \
                     name '{name}' in registry with id '{ACCOUNT}'"
                ),
            ));
        }
        if let Some(tag) = tag
            && self.images.iter().any(|image| has(image, tag))
            && !self.may_move(tag)
        {
            return Err(Refusal::new(
                "ImageTagAlreadyExistsException",
                format!(
                    "The image tag '{tag}' already exists in the '{name}' repository and cannot \
                     be overwritten because the tag is immutable."
                ),
            ));
        }
        let children = list(manifest, "manifests");
        let mut children = children.iter().filter_map(|child| text(child, "digest"));
        let missing =
            children.find(|child| !self.images.iter().any(|image| image.digest == *child));
        if let Some(missing) = missing.filter(|_| [INDEX, LIST].contains(&media_type)) {
            return Err(Refusal::new(
                "ReferencedImagesNotFoundException",
                format!("The manifest list refers to an image that does not exist: {missing}"),
            ));
        }
        Ok(())
    }
}

fn is_tag(tag: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 300
        && tag.starts_with(letter)
        && tag.chars().all(|c| letter(c) || c == '.' || c == '-')
}

/// `ECR Image Action`. It has no resources: AWS names the repository in the detail alone.
fn tell(
    repository: &str,
    image: &Stored,
    action: &str,
    tag: Option<&str>,
    class: Option<&str>,
    desk: &mut Desk<'_>,
) {
    let mut detail = Map::new();
    detail.insert("result".into(), json!("SUCCESS"));
    detail.insert("repository-name".into(), json!(repository));
    detail.insert("image-digest".into(), json!(image.digest));
    detail.insert("action-type".into(), json!(action));
    // Without a tag a push says the empty text, and not nothing.
    if action != "UPDATE_STORAGE_CLASS" {
        detail.insert("image-tag".into(), json!(tag.unwrap_or_default()));
    }
    detail.insert("manifest-media-type".into(), json!(image.media_type));
    if let Some(artifact) = &image.artifact_type {
        detail.insert("artifact-media-type".into(), json!(artifact));
    }
    if let Some(class) = class {
        detail.insert("target-storage-class".into(), json!(class));
    }
    desk.emit(Emission {
        source: "aws.ecr".into(),
        detail_type: "ECR Image Action".into(),
        resources: vec![],
        detail: Value::Object(detail),
    });
}
