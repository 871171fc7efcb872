//! Preparing without faults, and again after a crash.

use super::account::{REGISTRY, account, check, definition, image, running, service, wanted};
use super::{arn, id, revision};
use crate::prepare;
use canned::Canned;
use expect_test::expect;
use pipeline::effect::Prepare;
use pipeline::event::Event;
use pipeline::names::Repository;
use pipeline::spec::Base;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn what_the_sdk_does_not_know_survives_and_five_calls_are_enough() {
    let canned = account().registers(arn("scr-api:13"), &[]);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
    "#]]).await;
    assert_eq!(
        canned.items(),
        [
            "registered#scr/staging/17 / scr-api".to_owned(),
            format!("revision#{} / definition", arn("scr-api:12")),
            format!("revision#{} / definition", arn("scr-api:13")),
        ]
    );
    // The same message again.
    let event = prepare(&canned.aws, &id(), &wanted()).await.unwrap();
    assert!(matches!(event, Event::Prepared(_)), "{event:?}");
    assert!(!canned.calls().contains("RegisterTaskDefinition"));
}

#[tokio::test]
async fn a_revision_that_was_registered_before_a_crash_is_taken() {
    let canned = account().registers(arn("scr-api:13"), &[]);
    prepare(&canned.aws, &id(), &wanted()).await.unwrap();
    let hash = canned.text("registered#scr/staging/17 / scr-api", "hash");
    let sent = canned.calls();
    let sent = sent.lines().find_map(|line| line.strip_prefix("RegisterTaskDefinition ")).unwrap();
    let mut newest: Value = serde_json::from_str(sent).unwrap();
    let tags = newest.as_object_mut().unwrap().remove("tags").unwrap();
    newest["taskDefinitionArn"] = arn("scr-api:13").into();
    newest["containerDefinitions"][0]["cpu"] = 0.into();
    let crashed = account()
        .with_item("registered#scr/staging/17", "scr-api", &[("hash", &hash)])
        .answers("DescribeTaskDefinition", json!({"taskDefinition": newest, "tags": tags}));
    let event = prepare(&crashed.aws, &id(), &wanted()).await.unwrap();
    let Event::Prepared(preparation) = event else { panic!("{event:?}") };
    assert_eq!(preparation.services[0].after, revision("scr-api:13"));
    assert!(!crashed.calls().contains("RegisterTaskDefinition"));
}

#[tokio::test]
async fn nothing_is_registered_for_what_runs_already() {
    let canned = account();
    let same = Prepare {
        images: BTreeMap::from([(Repository::new("scr-api"), "sha256:old".into())]),
        ..wanted()
    };
    prepare(&canned.aws, &id(), &same).await.unwrap();
    canned.calls();
    check(&canned, &same, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:old","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        scr-api: scr-api:12 -> scr-api:12
    "#]]).await;
}

#[tokio::test]
async fn a_template_makes_a_service_that_does_not_exist() {
    let template = json!({
        "family": "scr-api", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "runtimePlatform": {"cpuArchitecture": "ARM64"},
        "containerDefinitions": [{"name": "api", "image": "scr-api", "environment": [{"name": "MODE", "value": "${mode}"}]}],
    });
    let create = pipeline::spec::Create {
        desired_count: 1,
        subnets: vec![],
        security_groups: vec![],
        public_ip: false,
        load_balancer: None,
    };
    let mut api = service("scr-api");
    api.spec.base = Base::Template {
        definition: template,
        parameters: BTreeMap::from([("mode".to_owned(), "live".to_owned())]),
    };
    api.spec.create = Some(create);
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [], "failures": [{"reason": "MISSING"}]}))
        .answers("BatchGetImage", json!({"images": [image("sha256:new", "arm64")]}))
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:1"), &[]);
    check(&canned, &Prepare { services: vec![api], ..wanted() }, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"MODE","value":"live"}],"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"}],"family":"scr-api","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"}}
        scr-api: nothing -> scr-api:1
    "#]]).await;
}

#[tokio::test]
async fn a_newer_revision_of_the_family_is_the_base_if_the_spec_says_so() {
    let mut api = service("scr-api");
    api.spec.base = Base::Latest;
    let image_old = format!("{REGISTRY}/scr-api@sha256:old");
    let mut running_one = definition("scr-api:12", &image_old);
    running_one["taskDefinition"]["status"] = "INACTIVE".into();
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .answers("DescribeTaskDefinition", definition("scr-api:15", &image_old))
        .answers("DescribeTaskDefinition", running_one)
        .answers(
            "BatchGetImage",
            json!({"images": [image("sha256:new", "arm64"), image("sha256:old", "arm64")]}),
        )
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:16"), &[]);
    check(&canned, &Prepare { services: vec![api], ..wanted() }, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"scr-api"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:16
        warning: scr-api runs scr-api:12, and its new revision starts from scr-api:15, which is newer
        warning: scr-api runs scr-api:12, which was deregistered; a rollback registers it again
    "#]]).await;
}
