//! Putting back.

use super::canned::Canned;
use super::{arn, id, revision, target};
use crate::ecs::{put_back, remove};
use expect_test::{Expect, expect};
use pipeline::effect::{PutBack, Way};
use serde_json::{Value, json};

fn wanted(way: Way) -> PutBack {
    let (service, to) = ("scr-api".into(), revision("scr-api:12"));
    PutBack { target: target(), service, to, way, container: None }
}

fn stop() -> PutBack {
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

/// Our rollout goes on, over what the service ran before.
fn ongoing() -> Value {
    services(&[
        deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "IN_PROGRESS"),
        deployment("ecs-svc/1", "ACTIVE", "scr-api:12", "COMPLETED"),
    ])
}

async fn check(canned: &Canned, wanted: &PutBack, expected: &Expect) {
    let event = put_back(&canned.aws, &id(), wanted).await.unwrap();
    expected.assert_eq(&format!("{}{event:?}", canned.calls()));
}

#[tokio::test]
async fn our_rollout_is_stopped_while_it_goes_on() {
    let canned = Canned::new()
        .answers("DescribeServices", ongoing())
        .answers("StopServiceDeployment", json!({"serviceDeploymentArn": "d2"}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        StopServiceDeployment {"serviceDeploymentArn":"service-deployment/scr-staging/scr-api/d2","stopType":"ROLLBACK"}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
}

#[tokio::test]
async fn a_rollout_that_is_over_or_leads_elsewhere_is_not_stopped() {
    let over = services(&[deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "COMPLETED")]);
    check(&Canned::new().answers("DescribeServices", over), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        PutBackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "it does not go on any more" }"#]]).await;
    let elsewhere = services(&[
        deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "IN_PROGRESS"),
        deployment("ecs-svc/1", "ACTIVE", "scr-api:11", "COMPLETED"),
    ]);
    check(&Canned::new().answers("DescribeServices", elsewhere), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        PutBackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "stopping it would not lead back to scr-api:12" }"#]]).await;
    let others = services(&[deployment("ecs-svc/3", "PRIMARY", "scr-api:14", "IN_PROGRESS")]);
    check(&Canned::new().answers("DescribeServices", others), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        PutBackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "another rollout has taken its place" }"#]]).await;
}

#[tokio::test]
async fn stopping_twice_is_as_good_as_once() {
    let back = services(&[
        deployment("ecs-svc/1", "PRIMARY", "scr-api:12", "IN_PROGRESS"),
        deployment("ecs-svc/2", "ACTIVE", "scr-api:13", "FAILED"),
    ]);
    check(&Canned::new().answers("DescribeServices", back), &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: Some(RolloutId("ecs-svc/1")) }"#]]).await;
    let canned = Canned::new()
        .answers("DescribeServices", ongoing())
        .refuses("StopServiceDeployment", "ConflictException", "It is being stopped.")
        .answers("ListServiceDeployments", json!({"serviceDeployments": [{"serviceDeploymentArn": "d2", "status": "ROLLBACK_REQUESTED"}]}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        StopServiceDeployment {"serviceDeploymentArn":"service-deployment/scr-staging/scr-api/d2","stopType":"ROLLBACK"}
        ListServiceDeployments {"cluster":"scr-staging","service":"scr-api","status":["STOP_REQUESTED","ROLLBACK_REQUESTED","ROLLBACK_IN_PROGRESS"]}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: None }"#]]).await;
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
        ListServiceDeployments {"cluster":"scr-staging","service":"scr-api","status":["STOP_REQUESTED","ROLLBACK_REQUESTED","ROLLBACK_IN_PROGRESS"]}
        PutBackRefused { service: ServiceName("scr-api"), refusal: RolloutIsOver, reason: "Not here (UnsupportedFeatureException)" }"#]]).await;
}

#[tokio::test]
async fn an_update_brings_the_service_back() {
    let primary = deployment("ecs-svc/3", "PRIMARY", "scr-api:12", "IN_PROGRESS");
    let canned =
        Canned::new().answers("UpdateService", json!({"service": {"deployments": [primary]}}));
    check(&canned, &wanted(Way::Update), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
}

#[tokio::test]
async fn a_deregistered_revision_is_registered_again_and_only_once() {
    let kept = json!({"family": "scr-api", "containerDefinitions": [{"name": "api", "image": "r/scr-api@sha256:1"}]});
    let primary = deployment("ecs-svc/3", "PRIMARY", "scr-api:14", "IN_PROGRESS");
    let canned = Canned::new()
        .with_item(
            &format!("revision#{}", arn("scr-api:12")),
            "definition",
            &[("json", &kept.to_string())],
        )
        .refuses("UpdateService", "ClientException", "TaskDefinition is inactive")
        .answers("UpdateService", json!({"service": {"deployments": [primary.clone()]}}))
        .refuses("UpdateService", "ClientException", "TaskDefinition is inactive")
        .answers("UpdateService", json!({"service": {"deployments": [primary]}}))
        .refuses("DescribeTaskDefinition", "ClientException", "Unable to describe task definition.")
        .registers(arn("scr-api:14"), &[]);
    check(&canned, &wanted(Way::Update), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        RegisterTaskDefinition {"containerDefinitions":[{"image":"r/scr-api@sha256:1","name":"api"}],"family":"scr-api"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:14"}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:14"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
    check(&canned, &wanted(Way::Update), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        DescribeTaskDefinition {"include":["TAGS"],"taskDefinition":"task-definition/scr-api:12"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:14"}
        PutBackStarted { service: ServiceName("scr-api"), revision: Revision("arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:14"), rollout: Some(RolloutId("ecs-svc/3")) }"#]]).await;
}

#[tokio::test]
async fn a_service_that_is_gone_stays_gone() {
    let canned =
        Canned::new().refuses("UpdateService", "ServiceNotFoundException", "Service not found.");
    check(&canned, &wanted(Way::Update), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:12"}
        PutBackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "AWS refused to put scr-api back: Service not found (ServiceNotFoundException); create the service again, or take it out of the application's spec" }"#]]).await;
    let canned = Canned::new().answers("DescribeServices", json!({"services": []}));
    check(&canned, &stop(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        PutBackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "scr-api does not exist any more" }"#]]).await;
}

async fn removed(canned: Canned) -> String {
    let event = remove(&canned.aws, &target(), &"scr-api".into()).await.unwrap();
    format!("{}{event:?}", canned.calls())
}

#[tokio::test]
async fn removing_what_is_not_there_is_done() {
    let there = Canned::new().answers("DeleteService", json!({"service": {}}));
    let gone =
        Canned::new().refuses("DeleteService", "ServiceNotFoundException", "Service not found.");
    let first = removed(there).await;
    assert_eq!(first, removed(gone).await);
    expect![[r#"
        DeleteService {"cluster":"scr-staging","force":true,"service":"scr-api"}
        Removed { service: ServiceName("scr-api") }"#]]
    .assert_eq(&first);
    let refused = Canned::new().refuses("DeleteService", "AccessDeniedException", "no.");
    expect![[r#"
        DeleteService {"cluster":"scr-staging","force":true,"service":"scr-api"}
        PutBackRefused { service: ServiceName("scr-api"), refusal: Final, reason: "AWS refused to delete scr-api: no (AccessDeniedException); allow it in the role of this function" }"#]].assert_eq(&removed(refused).await);
}
