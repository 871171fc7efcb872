//! ECR: repositories, images as the bytes of their manifests, and the events of a push.

mod image;
mod layers;
mod pushes;

pub use image::Image;
pub(crate) use layers::LAYERS;

use crate::place::{ACCOUNT, REGION, arn, epoch, list, page, text, texts};
use crate::service::{Call, Desk, Need, Refusal, Service};
use image::fits_wildcard;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Ecr {
    repositories: BTreeMap<String, Repository>,
    /// Where S3 answers: `http://127.0.0.1:4566`.
    storage: String,
}

#[derive(Debug)]
struct Repository {
    mutability: Mutability,
    /// The oldest first.
    images: Vec<Stored>,
    /// The configurations of images, by digest. Layers are of no interest to anybody here.
    configs: BTreeMap<String, String>,
    /// The text of its lifecycle policy, which the sandbox shows and does not carry out.
    lifecycle: Option<String>,
}

/// Whether a tag may move to another image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mutability {
    #[default]
    Mutable,
    Immutable,
    /// These tags, which may contain `*`, are the other way round.
    MutableExcept(Vec<String>),
    ImmutableExcept(Vec<String>),
}

/// One manifest.
#[derive(Clone, Debug)]
struct Stored {
    digest: String,
    manifest: String,
    media_type: String,
    /// What kind of thing it is: the media type of its configuration.
    artifact_type: Option<String>,
    tags: Vec<String>,
    pushed: u64,
    archived: bool,
}

impl Service for Ecr {
    fn needs(&self, call: &Call) -> Vec<Need> {
        // Anyone with the URL from ECR may read its content.
        if call.service == "s3" {
            return vec![];
        }
        let action = format!("ecr:{}", call.operation);
        let mut names = texts(&call.input, "repositoryNames");
        names.extend(text(&call.input, "repositoryName"));
        if names.is_empty() {
            names.push("*");
        }
        let need = |name: &str| Need::new(&action, arn("ecr", &format!("repository/{name}")));
        names.into_iter().map(need).collect()
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        let input = &call.input;
        match call.operation.as_str() {
            "PutImage" => self.put_image(input, desk),
            "BatchGetImage" => self.batch_get_image(input),
            "DescribeImages" => self.describe_images(input),
            "ListImages" => self.list_images(input),
            "DescribeRepositories" => self.describe_repositories(input),
            "GetLifecyclePolicy" => self.lifecycle(input),
            "GetDownloadUrlForLayer" => self.download_url(call),
            "GetObject" => self.layer(input),
            other => Err(Refusal::new(
                "InvalidParameterException",
                format!("The sandbox's ECR knows nothing of {other}: see tests/sandbox/src/ecr."),
            )),
        }
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Ecr {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn create_repository(&mut self, name: &str, mutability: Mutability) {
        let repository =
            Repository { mutability, images: vec![], configs: BTreeMap::new(), lifecycle: None };
        self.repositories.insert(name.to_owned(), repository);
    }

    /// Gives a repository a lifecycle policy.
    pub fn put_lifecycle(&mut self, repository: &str, policy: &Value) {
        if let Some(known) = self.repositories.get_mut(repository) {
            known.lifecycle = Some(policy.to_string());
        }
    }

    /// Every tag that points at a digest.
    pub fn tags(&self, repository: &str, digest: &str) -> Vec<String> {
        let images = self.repositories.get(repository).map(|known| known.images.as_slice());
        let found = images.unwrap_or_default().iter().find(|image| image.digest == digest);
        found.map(|image| image.tags.clone()).unwrap_or_default()
    }

    /// The digest that a tag points at.
    pub fn digest(&self, repository: &str, tag: &str) -> Option<&str> {
        let images = &self.repositories.get(repository)?.images;
        let tagged = images.iter().find(|image| image.tags.iter().any(|known| known == tag))?;
        Some(&tagged.digest)
    }

    /// The name under which tasks know a repository.
    pub fn uri(repository: &str) -> String {
        format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{repository}")
    }

    fn repository(&self, input: &Value) -> Result<(&str, &Repository), Refusal> {
        let name = text(input, "repositoryName");
        let name = name.ok_or_else(|| invalid("repositoryName failed to satisfy: not null"))?;
        let found = self.repositories.get_key_value(name);
        found.map(|(name, known)| (name.as_str(), known)).ok_or_else(|| not_found(name))
    }

    fn lifecycle(&self, input: &Value) -> Result<Value, Refusal> {
        let (name, repository) = self.repository(input)?;
        let policy = repository.lifecycle.as_ref().ok_or_else(|| {
            let message = "Lifecycle policy does not exist for this repository";
            Refusal::new("LifecyclePolicyNotFoundException", message)
        })?;
        Ok(json!({
            "registryId": ACCOUNT,
            "repositoryName": name,
            "lifecyclePolicyText": policy,
        }))
    }

    fn batch_get_image(&self, input: &Value) -> Result<Value, Refusal> {
        let (name, repository) = self.repository(input)?;
        let ids = list(input, "imageIds");
        if ids.is_empty() || ids.len() > 100 {
            return Err(invalid("imageIds failed to satisfy: between 1 and 100 members"));
        }
        let accepted = texts(input, "acceptedMediaTypes");
        let (mut images, mut failures) = (vec![], vec![]);
        for id in ids {
            let failure = |code: &str, reason: &str| json!({ "imageId": id, "failureCode": code, "failureReason": reason });
            match repository.find(id) {
                None => failures.push(failure("ImageNotFound", "Requested image not found")),
                Some(image) if image.archived => {
                    failures.push(failure("ImageInaccessible", "Requested image is archived"));
                }
                Some(image)
                    if !accepted.is_empty() && !accepted.contains(&image.media_type.as_str()) =>
                {
                    failures.push(failure(
                        "ImageNotFound",
                        "Requested image has none of the accepted media types",
                    ));
                }
                Some(image) => images.push(image.document(name, text(id, "imageTag"))),
            }
        }
        Ok(json!({ "images": images, "failures": failures }))
    }

    fn describe_images(&self, input: &Value) -> Result<Value, Refusal> {
        let (name, repository) = self.repository(input)?;
        let ids = list(input, "imageIds");
        if ids.len() > 100 {
            return Err(invalid("imageIds failed to satisfy: at most 100 members"));
        }
        if !ids.is_empty() {
            let mut found: Vec<&Stored> = vec![];
            for id in ids {
                let image = repository.find(id).ok_or_else(|| image_not_found(id, name))?;
                if !found.iter().any(|known| known.digest == image.digest) {
                    found.push(image);
                }
            }
            let details: Vec<_> = found.into_iter().map(|image| image.detail(name)).collect();
            return Ok(json!({ "imageDetails": details }));
        }
        let shown: Vec<_> = repository.filtered(input).map(|image| image.detail(name)).collect();
        let (details, next) = page(&shown, input, ["nextToken", "maxResults"], 100)?;
        Ok(paged("imageDetails", details, next))
    }

    fn list_images(&self, input: &Value) -> Result<Value, Refusal> {
        let (_, repository) = self.repository(input)?;
        let ids = repository.filtered(input).flat_map(|image| {
            let tagged = image
                .tags
                .iter()
                .map(|tag| json!({ "imageDigest": image.digest, "imageTag": tag }));
            let bare = image.tags.is_empty().then(|| json!({ "imageDigest": image.digest }));
            tagged.chain(bare).collect::<Vec<_>>()
        });
        let ids: Vec<_> = ids.collect();
        let (ids, next) = page(&ids, input, ["nextToken", "maxResults"], 100)?;
        Ok(paged("imageIds", ids, next))
    }

    fn describe_repositories(&self, input: &Value) -> Result<Value, Refusal> {
        let names = texts(input, "repositoryNames");
        if let Some(missing) = names.iter().find(|name| !self.repositories.contains_key(**name)) {
            return Err(not_found(missing));
        }
        let asked = |name: &str| names.is_empty() || names.contains(&name);
        let shown = self.repositories.iter().filter(|(name, _)| asked(name));
        let shown: Vec<_> = shown.map(|(name, known)| known.document(name)).collect();
        let (shown, next) = page(&shown, input, ["nextToken", "maxResults"], 100)?;
        Ok(paged("repositories", shown, next))
    }
}

impl Repository {
    /// By digest, by tag, or by both if they agree.
    fn find(&self, id: &Value) -> Option<&Stored> {
        let (digest, tag) = (text(id, "imageDigest"), text(id, "imageTag"));
        self.images.iter().find(|image| {
            (digest.is_some() || tag.is_some())
                && digest.is_none_or(|digest| image.digest == digest)
                && tag.is_none_or(|tag| image.tags.iter().any(|known| known == tag))
        })
    }

    fn filtered(&self, input: &Value) -> impl Iterator<Item = &Stored> {
        let asked = input.pointer("/filter/tagStatus").and_then(Value::as_str).map(str::to_owned);
        self.images.iter().filter(move |image| match asked.as_deref() {
            Some("TAGGED") => !image.tags.is_empty(),
            Some("UNTAGGED") => image.tags.is_empty(),
            _ => true,
        })
    }

    fn may_move(&self, tag: &str) -> bool {
        let named = |all: &[String]| all.iter().any(|filter| fits_wildcard(filter, tag));
        match &self.mutability {
            Mutability::Mutable => true,
            Mutability::Immutable => false,
            Mutability::MutableExcept(these) => !named(these),
            Mutability::ImmutableExcept(these) => named(these),
        }
    }

    fn document(&self, name: &str) -> Value {
        let (mutability, filters) = match &self.mutability {
            Mutability::Mutable => ("MUTABLE", None),
            Mutability::Immutable => ("IMMUTABLE", None),
            Mutability::MutableExcept(these) => ("MUTABLE_WITH_EXCLUSION", Some(these)),
            Mutability::ImmutableExcept(these) => ("IMMUTABLE_WITH_EXCLUSION", Some(these)),
        };
        let filters = filters.into_iter().flatten();
        let filters = filters.map(|filter| json!({ "filterType": "WILDCARD", "filter": filter }));
        json!({
            "repositoryArn": arn("ecr", &format!("repository/{name}")),
            "registryId": ACCOUNT,
            "repositoryName": name,
            "repositoryUri": Ecr::uri(name),
            "createdAt": epoch(1_767_225_600_000),
            "imageTagMutability": mutability,
            "imageTagMutabilityExclusionFilters": filters.collect::<Vec<_>>(),
            "imageScanningConfiguration": { "scanOnPush": false },
            "encryptionConfiguration": { "encryptionType": "AES256" },
        })
    }
}

fn paged(member: &str, shown: Vec<Value>, next: Option<String>) -> Value {
    let next = next.map(|next| ("nextToken".to_owned(), json!(next)));
    [(member.to_owned(), Value::Array(shown))].into_iter().chain(next).collect()
}

fn invalid(message: impl Into<String>) -> Refusal {
    let message: String = message.into();
    Refusal::new("InvalidParameterException", format!("Invalid parameter: {message}"))
}

fn not_found(name: &str) -> Refusal {
    Refusal::new(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{ACCOUNT}'"
        ),
    )
}

fn image_not_found(id: &Value, name: &str) -> Refusal {
    let said = |key| text(id, key).unwrap_or("null");
    let (digest, tag) = (said("imageDigest"), said("imageTag"));
    Refusal::new(
        "ImageNotFoundException",
        format!(
            "The image with imageId {{imageDigest:'{digest}', imageTag:'{tag}'}} does not exist \
             within the repository with name '{name}' in the registry with id '{ACCOUNT}'"
        ),
    )
}
