//! Rolling back.

use super::{arn, id, revision, target, text_of};
use crate::{remove, roll_back};
use canned::Canned;
use expect_test::{Expect, expect};
use pipeline::effect::{RollBack, Way};
use serde_json::{Value, json};

fn wanted(way: Way) -> RollBack {
    let (service, to) = ("scr-api".into(), revision("scr-api:12"));
    let from = Some(revision("scr-api:13"));
    RollBack { target: target(), service, from, to, way, container: None }
}

fn stop() -> RollBack {
    wanted(Way::StopRollout("ecs-svc/2".into()))
}

fn deployment(id: &str, status: &str, revision: &str, state: &str) -> Value {
    json!({"id": id, "status": status, "taskDefinition": arn(revision), "rolloutState": state})
}

fn services(deployments: &[Value]) -> Value {
    let service = json!({
        "serviceName": "scr-api", "status": "ACTIVE", "deployments": deployments,
        "currentServiceDeployment": "arn:aws:ecs:eu-central-1:123456789012:service-deployment/scr-staging/scr-api/d2",
    });
    json!({"services": [service]})
}

/// Our rollout is in progress, over the previous revision.
fn ongoing() -> Value {
    services(&[
        deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "IN_PROGRESS"),
        deployment("ecs-svc/1", "ACTIVE", "scr-api:12", "COMPLETED"),
    ])
}

async fn check(canned: &Canned, wanted: &RollBack, expected: &Expect) {
    let event = roll_back(&canned.aws, &id(), wanted).await.unwrap();
    expected.assert_eq(&(canned.timeless_calls() + &text_of(&event)));
}

#[tokio::test]
async fn our_rollout_is_stopped_while_it_goes_on() {
    let canned = Canned::new()
        .answers("DescribeServices", ongoing())
        .answers("StopServiceDeployment", json!({"serviceDeploymentArn": "d2"}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        StopServiceDeployment {"serviceDeploymentArn":"service-deployment/scr-staging/scr-api/d2","stopType":"ROLLBACK"}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
}

#[tokio::test]
async fn a_rollout_that_is_over_or_leads_elsewhere_is_not_stopped() {
    let over = services(&[deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "COMPLETED")]);
    check(&Canned::new().answers("DescribeServices", over), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "it is no longer in progress" }"#]]).await;
    let elsewhere = services(&[
        deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "IN_PROGRESS"),
        deployment("ecs-svc/1", "ACTIVE", "scr-api:11", "COMPLETED"),
    ]);
    check(&Canned::new().answers("DescribeServices", elsewhere), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "stopping it would not roll back to scr-api:12" }"#]]).await;
    let forced = services(&[deployment("ecs-svc/3", "PRIMARY", "scr-api:13", "IN_PROGRESS")]);
    check(&Canned::new().answers("DescribeServices", forced), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "another rollout has replaced it" }"#]]).await;
}

#[tokio::test]
async fn stopping_twice_is_as_good_as_once() {
    let back = services(&[
        deployment("ecs-svc/1", "PRIMARY", "scr-api:12", "IN_PROGRESS"),
        deployment("ecs-svc/2", "ACTIVE", "scr-api:13", "FAILED"),
    ]);
    check(&Canned::new().answers("DescribeServices", back), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
    let canned = Canned::new()
        .answers("DescribeServices", ongoing())
        .refuses("StopServiceDeployment", "ConflictException", "It is being stopped.")
        .answers("ListServiceDeployments", json!({"serviceDeployments": [{"serviceDeploymentArn": "d2", "status": "ROLLBACK_REQUESTED"}]}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        StopServiceDeployment {"serviceDeploymentArn":"service-deployment/scr-staging/scr-api/d2","stopType":"ROLLBACK"}
        ListServiceDeployments {"cluster":"scr-staging","maxResults":100,"service":"scr-api","status":["STOP_REQUESTED","ROLLBACK_REQUESTED","ROLLBACK_IN_PROGRESS"]}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
}

#[tokio::test]
async fn what_cannot_be_stopped_is_updated_instead() {
    let canned = Canned::new()
        .answers("DescribeServices", ongoing())
        .refuses("StopServiceDeployment", "UnsupportedFeatureException", "Not here.")
        .answers("ListServiceDeployments", json!({"serviceDeployments": []}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        StopServiceDeployment {"serviceDeploymentArn":"service-deployment/scr-staging/scr-api/d2","stopType":"ROLLBACK"}
        ListServiceDeployments {"cluster":"scr-staging","maxResults":100,"service":"scr-api","status":["STOP_REQUESTED","ROLLBACK_REQUESTED","ROLLBACK_IN_PROGRESS"]}
        RollbackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "Not here (UnsupportedFeatureException)" }"#]]).await;
}

/// Our revision is stable, and nothing else runs.
fn up() -> Value {
    services(&[deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "COMPLETED")])
}

fn updated(revision: &str) -> Value {
    json!({"service": {"deployments": [deployment("ecs-svc/3", "PRIMARY", revision, "IN_PROGRESS")]}})
}

#[tokio::test]
async fn an_update_rolls_the_service_back() {
    let canned = Canned::new()
        .answers("DescribeServices", up())
        .answers("UpdateService", updated("scr-api:12"));
    check(&canned, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
}

#[tokio::test]
async fn what_runs_again_already_is_not_updated() {
    let back = services(&[deployment("ecs-svc/1", "PRIMARY", "scr-api:12", "COMPLETED")]);
    let canned = Canned::new().answers("DescribeServices", back);
    check(&canned, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
}

#[tokio::test]
async fn a_revision_deployed_outside_slipway_stays() {
    let others = services(&[deployment("ecs-svc/3", "PRIMARY", "scr-api:14", "IN_PROGRESS")]);
    for way in [Way::Update, Way::StopRollout("ecs-svc/2".into())] {
        let canned = Canned::new().answers("DescribeServices", others.clone());
        let event = roll_back(&canned.aws, &id(), &wanted(way)).await.unwrap();
        assert_eq!(event.name(), "left alone");
        assert!(!canned.calls().contains("UpdateService"));
    }
}

#[tokio::test]
async fn a_deregistered_revision_is_registered_again_and_only_once() {
    let kept = json!({"family": "scr-api", "containerDefinitions": [{"name": "api", "image": "r/scr-api@sha256:1"}]});
    let canned = Canned::new()
        .with_item(
            &format!("revision#{}", arn("scr-api:12")),
            "definition",
            &[("json", &kept.to_string())],
        )
        .answers("DescribeServices", up())
        .answers("DescribeServices", up())
        .answers(
            "DescribeServices",
            services(&[deployment("ecs-svc/3", "PRIMARY", "scr-api:14", "IN_PROGRESS")]),
        )
        .refuses("UpdateService", "ClientException", "TaskDefinition is inactive")
        .answers("UpdateService", updated("scr-api:14"))
        .refuses("UpdateService", "ClientException", "TaskDefinition is inactive")
        .answers("UpdateService", updated("scr-api:14"))
        .refuses("DescribeTaskDefinition", "ClientException", "Unable to describe task definition.")
        .registers(arn("scr-api:14"), &[]);
    check(&canned, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        RegisterTaskDefinition {"containerDefinitions":[{"image":"r/scr-api@sha256:1","name":"api"}],"family":"scr-api"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:14"}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:14"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
    check(&canned, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:14"}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:14"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
    // Its rollout is ours as well.
    check(&canned, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:14"), rollout: None }"#]]).await;
}

#[tokio::test]
async fn a_service_that_is_gone_stays_gone() {
    let canned = Canned::new().answers("DescribeServices", json!({"services": []}));
    check(
        &canned,
        &wanted(Way::Update),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs nothing"#]],
    )
    .await;
    check(
        &canned,
        &stop(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs nothing"#]],
    )
    .await;
}

/// The archived previous revision, and what ECR says about its image.
fn with_image(operation: &str, answer: Value) -> Canned {
    let image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:1";
    let kept = json!({"containerDefinitions": [
        {"name": "api", "image": image}, {"name": "log", "image": "public.ecr.aws/log@sha256:2"},
    ]});
    Canned::new()
        .with_item(
            &format!("revision#{}", arn("scr-api:12")),
            "definition",
            &[("json", &kept.to_string())],
        )
        .answers("DescribeServices", up())
        .answers("UpdateService", updated("scr-api:12"))
        .answers(operation, answer)
}

#[tokio::test]
async fn tasks_that_run_are_not_given_up_for_an_image_that_is_gone() {
    let gone = with_image("BatchGetImage", json!({"images": []})).refuses(
        "DescribeImages",
        "ImageNotFoundException",
        "no such image",
    );
    check(&gone, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:1"}],"repositoryName":"scr-api"}
        DescribeImages {"imageIds":[{"imageDigest":"sha256:1"}],"repositoryName":"scr-api"}
        RollbackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "scr-api:12 cannot be started: scr-api@sha256:1 is not in ECR; push it again, or deploy another release" }"#]]).await;
    let mut without_repository = with_image("x", json!({}));
    without_repository =
        without_repository.refuses("BatchGetImage", "RepositoryNotFoundException", "gone");
    check(&without_repository, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:1"}],"repositoryName":"scr-api"}
        RollbackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "scr-api:12 cannot be started: scr-api@sha256:1 is gone with its repository; push it again" }"#]]).await;
}

#[tokio::test]
async fn without_permission_to_read_the_image_the_rollback_continues() {
    let silent =
        with_image("x", json!({})).refuses("BatchGetImage", "AccessDeniedException", "no.");
    check(&silent, &wanted(Way::Update), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        BatchGetImage {"imageIds":[{"imageDigest":"sha256:1"}],"repositoryName":"scr-api"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        RollbackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
}

/// The deployment noted that it is about to create the service.
fn created(canned: Canned) -> Canned {
    let partition = format!("registered#{}", id());
    canned.with_item(&partition, "rollout#scr-api", &[("at", "1"), ("creates", "yes")])
}

async fn check_removal(canned: &Canned, expected: &Expect) {
    let ours = revision("scr-api:13");
    let event = remove(&canned.aws, &id(), &target(), &"scr-api".into(), Some(&ours)).await;
    expected.assert_eq(&(canned.calls() + &text_of(&event.unwrap())));
}

#[tokio::test]
async fn a_service_that_this_deployment_created_is_deleted() {
    let there = created(Canned::new())
        .answers("DescribeServices", up())
        .answers("DeleteService", json!({"service": {}}));
    check_removal(
        &there,
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DeleteService {"cluster":"scr-staging","force":true,"service":"scr-api"}
        Removed { service: ServiceName("scr-api") }"#]],
    )
    .await;
    let refused = created(Canned::new()).answers("DescribeServices", up()).refuses(
        "DeleteService",
        "AccessDeniedException",
        "no.",
    );
    check_removal(&refused, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DeleteService {"cluster":"scr-staging","force":true,"service":"scr-api"}
        RollbackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "AWS rejected the request to delete scr-api: no (AccessDeniedException); compare the scopes and TaskRoleArns of Slipway's stack; if they allow it, look for a permissions boundary or a service control policy" }"#]]).await;
}

#[tokio::test]
async fn removing_what_is_not_there_is_done() {
    let mut draining = up();
    draining["services"][0]["status"] = "DRAINING".into();
    for there in [json!({"services": []}), draining] {
        let canned = created(Canned::new()).answers("DescribeServices", there);
        let ours = revision("scr-api:13");
        let event = remove(&canned.aws, &id(), &target(), &"scr-api".into(), Some(&ours)).await;
        assert_eq!(event.unwrap().name(), "removed");
        assert!(!canned.calls().contains("DeleteService"));
    }
    let raced = created(Canned::new()).answers("DescribeServices", up()).refuses(
        "DeleteService",
        "ServiceNotFoundException",
        "Service not found.",
    );
    check_removal(
        &raced,
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        DeleteService {"cluster":"scr-staging","force":true,"service":"scr-api"}
        Removed { service: ServiceName("scr-api") }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_service_created_or_updated_outside_slipway_is_not_deleted() {
    let of_others = Canned::new().answers("DescribeServices", up());
    check_removal(&of_others, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RollbackRefused { service: ServiceName("scr-api"), refusal: NotCreated, reason: "this deployment did not create it" }"#]]).await;
    let updated = services(&[deployment("ecs-svc/9", "PRIMARY", "scr-api:9", "COMPLETED")]);
    let updated = created(Canned::new()).answers("DescribeServices", updated);
    check_removal(
        &updated,
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs scr-api:9"#]],
    )
    .await;
}
