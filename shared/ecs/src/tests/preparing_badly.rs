//! Preparing with faults, or with something deleted.

use super::account::{
    REGISTRY, account, account_without_tags, check, definition, image, running, service, single,
    wanted,
};
use super::{arn, id, revision};
use crate::prepare;
use canned::Canned;
use expect_test::expect;
use pipeline::effect::{Prepare, PrepareService};
use pipeline::names::Repository;
use pipeline::spec::Target;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[tokio::test]
async fn a_member_that_ecs_drops_is_a_fault_that_names_it() {
    let canned = account().registers(arn("scr-api:13"), &["quantumIsolation"]);
    prepare(&canned.aws, &id(), &wanted()).await.unwrap();
    canned.calls();
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        fault: scr-api: ECS dropped quantumIsolation from the task definition, so scr-api:13 is not used; correct the field, or remove it
    "#]]).await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once_and_nothing_is_touched() {
    let mut api = running("scr-api", "scr-api:12");
    api["deploymentConfiguration"] = json!({"minimumHealthyPercent": 100, "maximumPercent": 100});
    let canned = Canned::new()
        .answers(
            "DescribeServices",
            json!({"services": [api], "failures": [{"reason": "MISSING"}]}),
        )
        .answers(
            "DescribeTaskDefinition",
            definition("scr-api:12", &format!("{REGISTRY}/scr-api:v1")),
        )
        .answers_about(
            "scr-api",
            "BatchGetImage",
            json!({"images": [image("sha256:new", "amd64")]}),
        )
        .answers_about(
            "scr-web",
            "BatchGetImage",
            json!({"images": [], "failures": [{"failureCode": "ImageNotFound"}]}),
        )
        .answers("DescribeImages", json!({"imageDetails": [{"imageStatus": "ARCHIVED"}]}));
    let wrong = Prepare {
        services: vec![service("scr-api"), service("scr-web")],
        images: BTreeMap::from([
            (Repository::new("scr-api"), "sha256:new".into()),
            (Repository::new("scr-web"), "sha256:web".into()),
        ]),
        migration: Some(("scr-api".into(), "apy".into())),
        ..wanted()
    };
    check(&canned, &wrong, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api","scr-web"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:web"}],"repositoryName":"scr-web"}
        DescribeImages {"imageIds":[{"imageDigest":"sha256:web"}],"repositoryName":"scr-web"}
        fault: scr-api cannot be updated: with desired count 2, ECS can neither stop an old task nor start a new one (minimumHealthyPercent 100, maximumPercent 100); lower minimumHealthyPercent or raise maximumPercent
        fault: scr-web does not exist; create it, correct its name, or describe it with create: in the spec
        fault: scr-web@sha256:web is archived; restore it in ECR and deploy again
        fault: scr-api runs on linux/arm64, and scr-api@sha256:new is built for linux/amd64; build it for linux/arm64 too, or change runtimePlatform in the task definition
        fault: the migration runs in container apy of scr-api, which has only api, log; correct migration.container in the spec
    "#]]).await;
    assert_eq!(canned.items(), Vec::<String>::new());
}

#[tokio::test]
async fn a_load_balancer_has_to_find_its_container_and_port() {
    let mut api = running("scr-api", "scr-api:12");
    let to = |container, port| json!({"targetGroupArn": "t", "containerName": container, "containerPort": port});
    api["loadBalancers"] = json!([to("api", 8000), to("api", 8001), to("app", 8000)]);
    let mut before = definition("scr-api:12", &format!("{REGISTRY}/scr-api:v1"));
    before["taskDefinition"]["containerDefinitions"][0]["portMappings"] =
        json!([{"containerPort": 8000}]);
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [api]}))
        .answers("DescribeTaskDefinition", before)
        .answers("BatchGetImage", json!({"images": [image("sha256:new", "arm64")]}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        fault: scr-api: its load balancer sends to port 8001 of api, and the task definition has no such port; add it to the task definition, or change its load balancer
        fault: scr-api: its load balancer sends to port 8000 of app, and the task definition has no such container; add it to the task definition, or change its load balancer
    "#]]).await;
}

#[tokio::test]
async fn without_permission_to_read_secrets_the_preparation_continues_with_a_warning() {
    let mut before = definition("scr-api:12", &format!("{REGISTRY}/scr-api:v1"));
    before["taskDefinition"]["containerDefinitions"][0]["secrets"] = json!([
        {"name": "KEY", "valueFrom": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"},
    ]);
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .answers("DescribeTaskDefinition", before)
        .answers("BatchGetImage", json!({"images": [image("sha256:new", "arm64")]}))
        .refuses("DescribeSecret", "AccessDeniedException", "no identity-based policy allows it")
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:13"), &[]);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        DescribeSecret {"SecretId":"arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api","secrets":[{"name":"KEY","valueFrom":"arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"}]},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
        warning: could not check the secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf: AWS rejected the request: no identity-based policy allows it (AccessDeniedException)
    "#]]).await;
}

#[tokio::test]
async fn a_tag_that_cannot_move_is_a_warning_if_it_only_protects_and_a_fault_if_it_is_wanted() {
    let refusing = || {
        account_without_tags()
            .refuses("PutImage", "ImageTagAlreadyExistsException", "immutable")
            .registers(arn("scr-api:13"), &[])
    };
    check(&refusing(), &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
        warning: an image is not protected from lifecycle rules: tags of scr-api are immutable, and slipway-keep-scr.staging.17 is on another image; exclude it from the repository's immutable tags
    "#]]).await;
    let tagged = Prepare { tag: Some("staging-latest".into()), ..wanted() };
    check(&refusing(), &tagged, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"staging-latest","repositoryName":"scr-api"}
        fault: tags of scr-api are immutable, and staging-latest is on another image; exclude it from the repository's immutable tags
    "#]]).await;
}

#[tokio::test]
async fn rolling_back_to_a_deregistered_revision_registers_it_again() {
    let mut gone = definition("scr-api:9", &format!("{REGISTRY}/scr-api@sha256:older"));
    gone["taskDefinition"]["status"] = "INACTIVE".into();
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .answers(
            "DescribeTaskDefinition",
            definition("scr-api:12", &format!("{REGISTRY}/scr-api@sha256:old")),
        )
        .answers("DescribeTaskDefinition", gone)
        .answers("BatchGetImage", json!({"images": [image("sha256:older", "arm64")]}))
        .answers("DescribeImages", json!({}))
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:14"), &[]);
    let recorded = PrepareService { recorded: Some(revision("scr-api:9")), ..service("scr-api") };
    let back = Prepare {
        services: vec![recorded],
        images: BTreeMap::from([(Repository::new("scr-api"), "sha256:older".into())]),
        ..wanted()
    };
    check(&canned, &back, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:9"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:old"},{"imageDigest":"sha256:older"}],"repositoryName":"scr-api"}
        DescribeImages {"imageIds":[{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:older","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:older","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:14
        warning: scr-api rolls back to scr-api:9, which was deregistered; Slipway registers it again
        warning: scr-api runs scr-api@sha256:old, which can no longer be pulled; a rollback cannot restore it
    "#]]).await;
}

#[tokio::test]
async fn an_unreadable_running_revision_is_read_from_the_archive() {
    let kept = definition("scr-api:12", &format!("{REGISTRY}/scr-api@sha256:old"));
    let mut kept = kept["taskDefinition"].clone();
    for answered in ["taskDefinitionArn", "revision", "status", "compatibilities", "registeredAt"] {
        kept.as_object_mut().unwrap().remove(answered);
    }
    let partition = format!("revision#{}", arn("scr-api:12"));
    let canned = Canned::new()
        .with_item(&partition, "definition", &[("json", &kept.to_string())])
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .refuses("DescribeTaskDefinition", "ClientException", "Unable to describe task definition.")
        .answers(
            "BatchGetImage",
            json!({"images": [image("sha256:new", "arm64"), image("sha256:old", "arm64")]}),
        )
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:13"), &[]);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"},{"imageDigest":"sha256:old"}],"repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"manifests\":[{\"platform\":{\"architecture\":\"arm64\",\"os\":\"linux\"}}]}","imageManifestMediaType":"application/vnd.oci.image.index.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
        warning: scr-api runs scr-api:12, which was deregistered; a rollback registers it again
    "#]]).await;
}

#[tokio::test]
async fn what_aws_refuses_to_show_is_a_fault() {
    let denied = "User: x is not authorized to perform: ecs:DescribeServices";
    let canned = Canned::new().refuses("DescribeServices", "AccessDeniedException", denied);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        fault: AWS rejected the request to describe services of scr-staging: User: x is not authorized to perform: ecs:DescribeServices (AccessDeniedException); compare the scopes and TaskRoleArns of Slipway's stack; if they allow it, look for a permissions boundary or a service control policy
    "#]]).await;
    let hosts = Prepare { target: Target::Hosts(BTreeMap::new()), ..wanted() };
    check(
        &canned,
        &hosts,
        &expect![[r#"
            fault: the environment runs on hosts, not in a cluster
        "#]],
    )
    .await;
}

/// An account where the new image is for one platform.
fn with_single(config: &Value) -> Canned {
    Canned::new()
        .answers("DescribeServices", json!({"services": [running("scr-api", "scr-api:12")]}))
        .answers(
            "DescribeTaskDefinition",
            definition("scr-api:12", &format!("{REGISTRY}/scr-api:v1")),
        )
        .answers("BatchGetImage", json!({"images": [single("sha256:new", config)]}))
        .answers("PutImage", json!({}))
        .registers(arn("scr-api:13"), &[])
}

#[tokio::test]
async fn an_image_for_one_platform_has_to_be_for_that_of_the_tasks() {
    let amd64 = json!({"os": "linux", "architecture": "amd64"});
    let canned = with_single(&amd64).downloads(amd64);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        GetDownloadUrlForLayer {"layerDigest":"sha256:9d99a75171aea000c711b34c0e5e3f28d3d537dd99d110eafbfbc2bd8e52c2bf","repositoryName":"scr-api"}
        GET /layer {}
        fault: scr-api runs on linux/arm64, and scr-api@sha256:new is built for linux/amd64; build it for linux/arm64 too, or change runtimePlatform in the task definition
    "#]]).await;
    let arm64 = json!({"os": "linux", "architecture": "arm64"});
    let canned = with_single(&arm64).downloads(arm64);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        GetDownloadUrlForLayer {"layerDigest":"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0","repositoryName":"scr-api"}
        GET /layer {}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"config\":{\"digest\":\"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0\"},\"layers\":[]}","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
    "#]]).await;
}

#[tokio::test]
async fn a_platform_that_cannot_be_read_is_a_warning() {
    let arm64 = json!({"os": "linux", "architecture": "arm64"});
    let denied = "no identity-based policy allows it";
    let canned =
        with_single(&arm64).refuses("GetDownloadUrlForLayer", "AccessDeniedException", denied);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        GetDownloadUrlForLayer {"layerDigest":"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0","repositoryName":"scr-api"}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"config\":{\"digest\":\"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0\"},\"layers\":[]}","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
        warning: could not check the platform of scr-api@new: AWS rejected the request: no identity-based policy allows it (AccessDeniedException)
    "#]]).await;
    let canned = with_single(&arm64).downloads(json!("another configuration"));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:new"}],"repositoryName":"scr-api"}
        GetDownloadUrlForLayer {"layerDigest":"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0","repositoryName":"scr-api"}
        GET /layer {}
        PutImage {"imageDigest":"sha256:new","imageManifest":"{\"config\":{\"digest\":\"sha256:d6f56bc20064075ce319ac2e6fcef5de9ea21773b0a8a4398c4405222971f9c0\"},\"layers\":[]}","imageManifestMediaType":"application/vnd.oci.image.manifest.v1+json","imageTag":"slipway-keep-scr.staging.17","repositoryName":"scr-api"}
        RegisterTaskDefinition {"containerDefinitions":[{"environment":[{"name":"EMPTY","value":""}],"essential":true,"futureProbe":{"every":5},"image":"123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:new","name":"api"},{"command":[],"essential":false,"image":"public.ecr.aws/fluent:3","name":"log"}],"family":"scr-api","quantumIsolation":{"levels":[1,2],"mode":"strict"},"requiresCompatibilities":["FARGATE"],"runtimePlatform":{"cpuArchitecture":"ARM64"},"tags":[{"key":"team","value":"scr"}],"volumes":[]}
        scr-api: scr-api:12 -> scr-api:13
        warning: could not check the platform of scr-api@new: its configuration does not match its digest
    "#]]).await;
}
