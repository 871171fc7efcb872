//! The account that the preparations check.

use super::{arn, id, target};
use crate::prepare;
use aws::hex::hex;
use canned::Canned;
use expect_test::Expect;
use pipeline::effect::{Prepare, PrepareService};
use pipeline::event::{Event, Preparation};
use pipeline::names::Repository;
use pipeline::spec::{Base, Service};
use pipeline::time::Span;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

pub(super) const REGISTRY: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

pub(super) fn wanted() -> Prepare {
    Prepare {
        application: "scr".into(),
        target: target(),
        services: vec![service("scr-api")],
        images: BTreeMap::from([(Repository::new("scr-api"), "sha256:new".into())]),
        alarms: vec![],
        migration: None,
        keep_tag: "slipway-keep-scr.staging.17".into(),
        tag: None,
    }
}

pub(super) fn service(name: &str) -> PrepareService {
    let spec = Service {
        name: name.into(),
        timeout: Span::minutes(10),
        base: Base::Running,
        create: None,
        container: None,
    };
    PrepareService { spec, recorded: None, repository: None }
}

pub(super) fn running(name: &str, revision: &str) -> Value {
    json!({
        "serviceName": name, "status": "ACTIVE", "taskDefinition": arn(revision), "desiredCount": 2,
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(revision), "rolloutState": "COMPLETED"}],
    })
}

/// A task definition with members that no SDK of today knows.
pub(super) fn definition(revision: &str, image: &str) -> Value {
    json!({
        "taskDefinition": {
            "taskDefinitionArn": arn(revision), "family": "scr-api", "revision": 12, "status": "ACTIVE",
            "compatibilities": ["FARGATE"], "registeredAt": 1763600000.5,
            "requiresCompatibilities": ["FARGATE"], "runtimePlatform": {"cpuArchitecture": "ARM64"},
            "quantumIsolation": {"mode": "strict", "levels": [1, 2]}, "volumes": [],
            "containerDefinitions": [
                {"name": "api", "image": image, "essential": true, "futureProbe": {"every": 5},
                 "environment": [{"name": "EMPTY", "value": ""}]},
                {"name": "log", "image": "public.ecr.aws/fluent:3", "essential": false, "command": []},
            ],
        },
        "tags": [{"key": "team", "value": "scr"}],
    })
}

pub(super) fn image(digest: &str, architecture: &str) -> Value {
    let index = json!({"manifests": [{"platform": {"os": "linux", "architecture": architecture}}]});
    json!({
        "registryId": "123456789012", "imageId": {"imageDigest": digest},
        "imageManifest": index.to_string(),
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    })
}

/// A single-platform image, as `docker build` makes it: its configuration is read separately.
pub(super) fn single(digest: &str, config: &Value) -> Value {
    let hash = hex(&Sha256::digest(config.to_string().as_bytes()));
    let manifest = json!({"config": {"digest": format!("sha256:{hash}")}, "layers": []});
    json!({
        "registryId": "123456789012", "imageId": {"imageDigest": digest},
        "imageManifest": manifest.to_string(),
        "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
    })
}

/// The account without any faults.
pub(super) fn account() -> Canned {
    account_without_tags().answers("PutImage", json!({"image": {}}))
}

pub(super) fn account_without_tags() -> Canned {
    Canned::new()
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .answers(
            "DescribeTaskDefinition",
            definition("scr-api:12", &format!("{REGISTRY}/scr-api@sha256:old")),
        )
        .answers(
            "BatchGetImage",
            json!({"images": [image("sha256:new", "arm64"), image("sha256:old", "arm64")]}),
        )
}

pub(super) async fn check(canned: &Canned, wanted: &Prepare, expected: &Expect) {
    let event = prepare(&canned.aws, &id(), wanted).await;
    let said = match event.unwrap() {
        Event::Prepared(Preparation { services, warnings, .. }) => {
            let services = services.iter().map(|service| {
                let before = service.before.as_ref().map_or("nothing", |before| before.short());
                format!("{}: {before} -> {}\n", service.name, service.after.short())
            });
            let warnings = warnings.iter().map(|warning| format!("warning: {warning}\n"));
            services.chain(warnings).collect::<String>()
        }
        Event::PreparationFailed { faults } => {
            faults.iter().map(|fault| format!("fault: {fault}\n")).collect()
        }
        other => format!("{other:?}"),
    };
    expected.assert_eq(&(canned.calls() + &said));
}
