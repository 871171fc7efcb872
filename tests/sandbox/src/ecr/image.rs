//! Images: the manifests that a build pushes, and how ECR shows what it stored.

use super::Stored;
use crate::place::{ACCOUNT, epoch, sha256};
use serde_json::{Value, json};

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What a build pushes. The same content always has the same digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// One manifest for one platform.
    Single { content: String },
    /// An index over one manifest for each platform (`linux/arm64`), each with an attestation.
    Index { content: String, platforms: Vec<String> },
    /// Something that is no image: a chart, a signature, an SBOM, by the type of its configuration.
    Artifact { content: String, media_type: String },
}

/// A manifest on its way into a repository.
pub(super) struct Manifest {
    pub(super) text: String,
    pub(super) media_type: &'static str,
}

impl Image {
    pub fn single(content: &str) -> Self {
        Self::Single { content: content.to_owned() }
    }

    /// As `docker buildx` makes it by default.
    pub fn buildx(content: &str, platforms: &[&str]) -> Self {
        let platforms = platforms.iter().map(|platform| (*platform).to_owned()).collect();
        Self::Index { content: content.to_owned(), platforms }
    }

    /// The manifests in the order of their pushes: what refers to others comes last.
    pub(super) fn manifests(&self) -> Vec<Manifest> {
        match self {
            Self::Single { content } => vec![manifest(content, CONFIG)],
            Self::Artifact { content, media_type } => vec![manifest(content, media_type)],
            Self::Index { content, platforms } => {
                let mut all = vec![];
                let mut listed = vec![];
                for platform in platforms {
                    let child = manifest(&format!("{content} {platform}"), CONFIG);
                    let proof = manifest(&format!("provenance {content} {platform}"), CONFIG);
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
                all.push(Manifest { text: format!("{index:#}"), media_type: INDEX });
                all
            }
        }
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

fn manifest(content: &str, configuration: &str) -> Manifest {
    let part = |kind: &str, media_type: &str| {
        let bytes = format!("{kind} of {content}");
        json!({ "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len() })
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": part("config", configuration),
        "layers": [part("layer", LAYER)],
    });
    // Spread over lines, so that whoever prints it anew gets another digest.
    Manifest { text: format!("{manifest:#}"), media_type: MANIFEST }
}
