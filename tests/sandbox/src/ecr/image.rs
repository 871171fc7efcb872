//! Images: the manifests that a build pushes, and how ECR shows what it stored.

use super::Stored;
use crate::place::{ACCOUNT, epoch, sha256};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// As a build that can be reproduced says it: nothing about when it was built.
const NO_DATE: &str = "1970-01-01T00:00:00Z";
const USUAL: &str = "linux/amd64";

/// What a build pushes. The same image always has the same digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    content: String,
    shape: Shape,
    /// What its configuration says about it.
    created: String,
    labels: BTreeMap<String, String>,
    /// The configuration word by word, if it is no usual one.
    config: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// One manifest for one platform (`linux/arm64`).
    Single { platform: String },
    /// An index over one manifest for each platform, each with an attestation.
    Index { platforms: Vec<String> },
    /// Something that is no image: a chart, a signature, an SBOM, by the type of its configuration.
    Artifact { media_type: String },
}

/// A manifest on its way into a repository.
pub(super) struct Manifest {
    pub(super) text: String,
    pub(super) media_type: &'static str,
    /// What it refers to and can be read: digest and text of its configuration.
    pub(super) config: Option<(String, String)>,
}

impl Image {
    /// As `docker build` makes it without attestations.
    pub fn single(content: &str) -> Self {
        Self::new(content, Shape::Single { platform: USUAL.to_owned() })
    }

    /// As `docker buildx` makes it by default.
    pub fn buildx(content: &str, platforms: &[&str]) -> Self {
        let platforms = platforms.iter().map(|platform| (*platform).to_owned()).collect();
        Self::new(content, Shape::Index { platforms })
    }

    pub fn artifact(content: &str, media_type: &str) -> Self {
        Self::new(content, Shape::Artifact { media_type: media_type.to_owned() })
    }

    fn new(content: &str, shape: Shape) -> Self {
        let (created, labels) = (NO_DATE.to_owned(), BTreeMap::new());
        Self { content: content.to_owned(), shape, created, labels, config: None }
    }

    /// A single image for another platform than most.
    #[must_use]
    pub fn on(self, platform: &str) -> Self {
        Self { shape: Shape::Single { platform: platform.to_owned() }, ..self }
    }

    /// When its configuration says that it was built: `2026-11-20T10:00:00Z`.
    #[must_use]
    pub fn created(mut self, at: &str) -> Self {
        at.clone_into(&mut self.created);
        self
    }

    /// Gives it a label: `org.opencontainers.image.revision`.
    #[must_use]
    pub fn labelled(mut self, label: &str, value: &str) -> Self {
        self.labels.insert(label.to_owned(), value.to_owned());
        self
    }

    /// Has this for a configuration, which no build would write.
    #[must_use]
    pub fn configured(mut self, config: &str) -> Self {
        self.config = Some(config.to_owned());
        self
    }

    /// The manifests in the order of their pushes: what refers to others comes last.
    pub(super) fn manifests(&self) -> Vec<Manifest> {
        let content = &self.content;
        match &self.shape {
            Shape::Single { platform } => vec![self.manifest(content, platform, CONFIG)],
            Shape::Artifact { media_type } => vec![self.manifest(content, USUAL, media_type)],
            Shape::Index { platforms } => {
                let mut all = vec![];
                let mut listed = vec![];
                for platform in platforms {
                    let child = self.manifest(&format!("{content} {platform}"), platform, CONFIG);
                    let proof = format!("provenance {content} {platform}");
                    let proof = self.manifest(&proof, "unknown/unknown", CONFIG);
                    let (system, machine) = platform.split_once('/').unwrap_or(("linux", platform));
                    let digest = digest(&child.text);
                    let described = json!({
                        "vnd.docker.reference.digest": digest,
                        "vnd.docker.reference.type": "attestation-manifest",
                    });
                    listed.push(json!({
                        "mediaType": MANIFEST,
                        "digest": digest,
                        "size": child.text.len(),
                        "platform": { "architecture": machine, "os": system },
                    }));
                    listed.push(json!({
                        "mediaType": MANIFEST,
                        "digest": self::digest(&proof.text),
                        "size": proof.text.len(),
                        "annotations": described,
                        "platform": { "architecture": "unknown", "os": "unknown" },
                    }));
                    all.extend([child, proof]);
                }
                let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": listed });
                all.push(Manifest { text: format!("{index:#}"), media_type: INDEX, config: None });
                all
            }
        }
    }

    fn manifest(&self, content: &str, platform: &str, configuration: &str) -> Manifest {
        let layer = format!("layer of {content}");
        let config = self.config(&digest(&layer), platform);
        let part = |media_type: &str, bytes: &str| json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": part(configuration, &config),
            "layers": [part(LAYER, &layer)],
        });
        // Spread over lines, so that another formatting has another digest.
        let text = format!("{manifest:#}");
        Manifest { text, media_type: MANIFEST, config: Some((digest(&config), config)) }
    }

    fn config(&self, layer: &str, platform: &str) -> String {
        if let Some(config) = &self.config {
            return config.clone();
        }
        let (system, machine) = platform.split_once('/').unwrap_or(("linux", platform));
        let config = json!({
            "architecture": machine,
            "os": system,
            "created": self.created,
            "config": { "Labels": self.labels },
            "rootfs": { "type": "layers", "diff_ids": [layer] },
        });
        config.to_string()
    }
}

impl Stored {
    /// What BatchGetImage and PutImage say: the manifest byte for byte.
    pub(super) fn document(&self, repository: &str, tag: Option<&str>) -> Value {
        let mut id = json!({ "imageDigest": self.digest });
        if let (Some(tag), Value::Object(id)) = (tag, &mut id) {
            id.insert("imageTag".into(), json!(tag));
        }
        json!({
            "registryId": ACCOUNT,
            "repositoryName": repository,
            "imageId": id,
            "imageManifest": self.manifest,
            "imageManifestMediaType": self.media_type,
        })
    }

    /// What DescribeImages says.
    pub(super) fn detail(&self, repository: &str) -> Value {
        let mut detail = json!({
            "registryId": ACCOUNT,
            "repositoryName": repository,
            "imageDigest": self.digest,
            "imageSizeInBytes": 31_415_926,
            "imagePushedAt": epoch(self.pushed),
            "imageManifestMediaType": self.media_type,
            "imageStatus": if self.archived { "ARCHIVED" } else { "ACTIVE" },
        });
        if let Value::Object(detail) = &mut detail {
            if !self.tags.is_empty() {
                detail.insert("imageTags".into(), json!(self.tags));
            }
            if let Some(artifact) = &self.artifact_type {
                detail.insert("artifactMediaType".into(), json!(artifact));
            }
        }
        detail
    }
}

pub(super) fn digest(manifest: &str) -> String {
    format!("sha256:{}", sha256(manifest.as_bytes()))
}

/// Whether a tag is one that a filter with `*` in it speaks of.
pub(super) fn fits_wildcard(filter: &str, tag: &str) -> bool {
    match filter.split_once('*') {
        None => filter == tag,
        Some((start, rest)) => tag.strip_prefix(start).is_some_and(|left| {
            (0..=left.len())
                .any(|skipped| left.get(skipped..).is_some_and(|left| fits_wildcard(rest, left)))
        }),
    }
}
