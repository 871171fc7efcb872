//! A new task definition: the previous one with the release's images, and nothing else changed.

use super::registry;
use aws::hex::hex;
use pipeline::names::{ContainerName, Digest, Repository};
use pipeline::spec::repository_of;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Where the images of a task definition come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    /// The account of the release's ECR, if it is known.
    pub(crate) account: Option<&'a str>,
    /// The registry of an image that names none. In a template that is ECR of this account; ECS
    /// assumes Docker Hub.
    pub(crate) unnamed: Option<&'a str>,
}

/// Puts the digests into every container that runs one of the release's repositories.
pub(crate) fn render(
    base: &Value,
    images: &BTreeMap<Repository, Digest>,
    origin: Origin<'_>,
) -> Result<Value, String> {
    let mut definition = base.clone();
    let mut found = BTreeSet::new();
    let mut is_ours = false;
    for container in containers_mut(&mut definition) {
        let Some(image) = container["image"].as_str() else { continue };
        let repository = repository_of(image);
        found.insert(untagged(image).to_owned());
        if let (Some(digest), Some(registry)) =
            (images.get(&Repository::new(repository)), origin.registry_of(image))
        {
            container["image"] = format!("{registry}/{repository}@{digest}").into();
            is_ours = true;
        }
    }
    if is_ours {
        return Ok(definition);
    }
    let list = |names: Vec<&str>| match names.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    Err(format!(
        "no container runs an image of the release: looked for {}, found {}; correct the images of \
         the spec or of the task definition",
        list(images.keys().map(Repository::as_str).collect()),
        list(found.iter().map(String::as_str).collect())
    ))
}

impl Origin<'_> {
    /// The registry for a digest of the release; `None`: the image is not part of the release.
    fn registry_of<'a>(&'a self, image: &'a str) -> Option<&'a str> {
        match registry::host_of(image) {
            Some(host) => registry::is_ours(image, self.account).then_some(host),
            None => self.unnamed,
        }
    }
}

/// The ECR images of an account that a task definition names by digest.
pub(crate) fn pinned(
    definition: &Value,
    account: Option<&str>,
) -> BTreeMap<String, (Repository, Digest)> {
    let images = containers(definition).filter_map(|container| container["image"].as_str());
    let pinned = images.filter(|image| registry::is_ours(image, account)).filter_map(|image| {
        let (_, digest) = image.split_once('@')?;
        Some((image.to_owned(), (Repository::new(repository_of(image)), Digest::new(digest))))
    });
    pinned.collect()
}

/// The image name without its tag and digest.
fn untagged(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    match image.rsplit_once(':') {
        Some((untagged, tag)) if !tag.contains('/') => untagged,
        _ => image,
    }
}

pub(crate) fn container_names(definition: &Value) -> Vec<ContainerName> {
    containers(definition).filter_map(|c| c["name"].as_str()).map(ContainerName::new).collect()
}

/// The same for equal content, in any order.
pub(crate) fn hash(definition: &Value) -> String {
    hex(&Sha256::digest(definition.to_string().as_bytes()))
}

/// The platform that the containers need, as images name it: `linux/arm64`. `None`: that of the
/// host.
pub(crate) fn platform(definition: &Value) -> Option<String> {
    let wanted = &definition["runtimePlatform"];
    let requires = definition["requiresCompatibilities"].as_array().into_iter().flatten();
    let is_fargate = requires.into_iter().any(|kind| kind == "FARGATE");
    let architecture = match wanted["cpuArchitecture"].as_str() {
        Some("ARM64") => "arm64",
        Some("X86_64") => "amd64",
        None if is_fargate => "amd64",
        _ => return None,
    };
    let is_windows =
        wanted["operatingSystemFamily"].as_str().is_some_and(|f| f.starts_with("WINDOWS"));
    let system = if is_windows { "windows" } else { "linux" };
    Some(format!("{system}/{architecture}"))
}

fn containers(definition: &Value) -> impl Iterator<Item = &Value> {
    definition["containerDefinitions"].as_array().into_iter().flatten()
}

fn containers_mut(definition: &mut Value) -> impl Iterator<Item = &mut Value> {
    let containers = definition.get_mut("containerDefinitions").and_then(Value::as_array_mut);
    containers.into_iter().flatten().filter(|container| container.is_object())
}

#[cfg(test)]
mod tests {
    use super::{Origin, hash, pinned, platform, render};
    use expect_test::{Expect, expect};
    use pipeline::names::{Digest, Repository};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    const ACCOUNT: &str = "123456789012";
    const REGISTRY: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    /// A task definition as ECS describes it.
    const DESCRIBED: Origin<'_> = Origin { account: Some(ACCOUNT), unnamed: None };
    const TEMPLATE: Origin<'_> = Origin { account: Some(ACCOUNT), unnamed: Some(REGISTRY) };

    fn check(origin: Origin<'_>, images: &[&str], expected: &Expect) {
        let containers: Vec<Value> =
            images.iter().map(|image| json!({"name": "c", "image": image, "cpu": 0})).collect();
        let base =
            json!({"family": "f", "unknown": {"kept": null}, "containerDefinitions": containers});
        let release = BTreeMap::from([
            (Repository::new("scr-api"), Digest::new("sha256:aa")),
            (Repository::new("power-pto/web"), Digest::new("sha256:bb")),
        ]);
        let text = match render(&base, &release, origin) {
            Ok(rendered) => {
                assert_eq!(rendered["unknown"], base["unknown"]);
                let containers = rendered["containerDefinitions"].as_array().unwrap();
                let images = containers.iter().map(|c| c["image"].as_str().unwrap());
                images.collect::<Vec<_>>().join("\n")
            }
            Err(fault) => fault,
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn every_container_of_a_repository_gets_its_digest_and_the_others_are_left_alone() {
        check(
            TEMPLATE,
            &[
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/scr-api:3f2a",
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:old",
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com/power-pto/web:latest@sha256:old",
                "scr-api",
                "public.ecr.aws/datadog/agent:7",
                "123456789012.dkr.ecr.us-east-1.amazonaws.com/scr-api-proxy:3f2a",
            ],
            &expect![[r#"
                123456789012.dkr.ecr.us-east-1.amazonaws.com/scr-api@sha256:aa
                123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:aa
                123456789012.dkr.ecr.eu-central-1.amazonaws.com/power-pto/web@sha256:bb
                123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:aa
                public.ecr.aws/datadog/agent:7
                123456789012.dkr.ecr.us-east-1.amazonaws.com/scr-api-proxy:3f2a"#]],
        );
    }

    #[test]
    fn an_image_of_the_same_name_in_another_registry_is_left_alone() {
        let images = [
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api:1",
            "scr-api:1.25",
            "power-pto/web:latest",
            "public.ecr.aws/power-pto/web:1",
            "999999999999.dkr.ecr.eu-central-1.amazonaws.com/scr-api:1",
        ];
        check(
            DESCRIBED,
            &images,
            &expect![[r#"
                123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:aa
                scr-api:1.25
                power-pto/web:latest
                public.ecr.aws/power-pto/web:1
                999999999999.dkr.ecr.eu-central-1.amazonaws.com/scr-api:1"#]],
        );
        check(
            DESCRIBED,
            &images[1..],
            &expect![
                "no container runs an image of the release: looked for power-pto/web, scr-api, found 999999999999.dkr.ecr.eu-central-1.amazonaws.com/scr-api, power-pto/web, public.ecr.aws/power-pto/web, scr-api; correct the images of the spec or of the task definition"
            ],
        );
    }

    #[test]
    fn a_foreign_task_definition_is_a_fault_that_says_what_is_there() {
        check(
            DESCRIBED,
            &["nginx:1", "x.dkr.ecr.y.amazonaws.com/scr-web:1"],
            &expect![
                "no container runs an image of the release: looked for power-pto/web, scr-api, found nginx, x.dkr.ecr.y.amazonaws.com/scr-web; correct the images of the spec or of the task definition"
            ],
        );
        check(
            DESCRIBED,
            &[],
            &expect![
                "no container runs an image of the release: looked for power-pto/web, scr-api, found nothing; correct the images of the spec or of the task definition"
            ],
        );
    }

    #[test]
    fn the_hash_knows_the_content_and_not_the_order() {
        let one: Value = serde_json::from_str(r#"{"a": 1, "b": [1, 2]}"#).unwrap();
        let same: Value = serde_json::from_str(r#"{"b": [1, 2], "a": 1}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b": [2, 1], "a": 1}"#).unwrap();
        assert_eq!(hash(&one), hash(&same));
        assert_ne!(hash(&one), hash(&other));
    }

    #[test]
    fn only_images_by_digest_are_pinned() {
        let definition = json!({"containerDefinitions": [
            {"image": "r.dkr.ecr.x.amazonaws.com/a@sha256:1"}, {"image": "r.dkr.ecr.x.amazonaws.com/b:v1"},
            {"image": "public.ecr.aws/c@sha256:2"}, {"image": "d@sha256:3"}, {},
        ]});
        let expected = vec![(Repository::new("a"), Digest::new("sha256:1"))];
        let found = |account| pinned(&definition, account).into_values().collect::<Vec<_>>();
        assert_eq!(found(Some("r")), expected);
        assert_eq!(found(None), expected);
        assert_eq!(found(Some("s")), vec![]);
    }

    #[test]
    fn a_platform_is_named_as_images_name_it() {
        let of = |definition| platform(&definition);
        let windows = json!({"runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}});
        assert_eq!(of(json!({"requiresCompatibilities": ["FARGATE"]})).unwrap(), "linux/amd64");
        assert_eq!(
            of(json!({"runtimePlatform": {"cpuArchitecture": "ARM64"}})).unwrap(),
            "linux/arm64"
        );
        assert_eq!(of(windows).unwrap(), "windows/amd64");
        assert_eq!(of(json!({"requiresCompatibilities": ["EC2"]})), None);
    }
}
