//! Rolling out.

use super::{arn, id, revision, target, text_of};
use crate::roll_out;
use aws::failure::Failure;
use canned::Canned;
use expect_test::{Expect, expect};
use pipeline::effect::RollOut;
use pipeline::spec::{Create, LoadBalancer};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

fn wanted() -> RollOut {
    RollOut {
        target: target(),
        service: "scr-api".into(),
        before: Some(revision("scr-api:12")),
        revision: revision("scr-api:13"),
        create: None,
        fresh: false,
        container: None,
    }
}

/// New tasks of the running revision.
fn fresh() -> RollOut {
    RollOut { before: Some(revision("scr-api:13")), fresh: true, ..wanted() }
}

fn runs(rollout: &str, revision: &str) -> Value {
    let primary = json!({"id": rollout, "status": "PRIMARY", "taskDefinition": arn(revision)});
    json!({"serviceName": "scr-api", "status": "ACTIVE", "deployments": [primary]})
}

fn described(rollout: &str, revision: &str) -> Value {
    json!({"services": [runs(rollout, revision)]})
}

/// A rollout with this number, and its state.
fn past(number: u32, status: &str) -> Value {
    let revision = "arn:aws:ecs:eu-central-1:123456789012:service-revision/scr-staging/scr-api";
    json!({
        "serviceDeploymentArn": format!("d{number}"), "status": status,
        "targetServiceRevisionArn": format!("{revision}/{number}"), "createdAt": 1_763_700_000 + number,
    })
}

fn seconds_ago(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    (now.as_millis() - u128::from(seconds) * 1000).to_string()
}

/// A worker noted this long ago that it updates the service.
fn noted(canned: Canned, seconds: u64) -> Canned {
    let partition = format!("registered#{}", id());
    canned.with_item(&partition, "rollout#scr-api", &[("at", &seconds_ago(seconds))])
}

async fn check(canned: &Canned, wanted: &RollOut, expected: &Expect) {
    let event = roll_out(&canned.aws, &id(), wanted).await.unwrap();
    expected.assert_eq(&(canned.timeless_calls() + &text_of(&event)));
}

#[tokio::test]
async fn one_call_that_names_the_revision_and_nothing_else() {
    let canned = Canned::new()
        .answers("DescribeServices", described("ecs-svc/1", "scr-api:12"))
        .answers("UpdateService", json!({"service": runs("ecs-svc/2", "scr-api:13")}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]]).await;
}

#[tokio::test]
async fn what_aws_refuses_is_said_in_its_own_words() {
    let canned =
        Canned::new().refuses("DescribeServices", "ClusterNotFoundException", "Cluster not found.");
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RolloutRefused { service: ServiceName("scr-api"), reason: "AWS rejected the request to describe scr-api: Cluster not found (ClusterNotFoundException); correct the cluster in the application's spec" }"#]]).await;
    let canned = Canned::new()
        .answers("DescribeServices", described("ecs-svc/1", "scr-api:12"))
        .refuses("UpdateService", "AccessDeniedException", "You may not.");
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutRefused { service: ServiceName("scr-api"), reason: "AWS rejected the request to update scr-api: You may not (AccessDeniedException); compare the scopes and TaskRoleArns of Slipway's stack; if they allow it, look for a permissions boundary or a service control policy" }"#]]).await;
}

#[tokio::test]
async fn a_revision_deployed_outside_slipway_since_the_preparation_is_left_unchanged() {
    let others = Canned::new().answers("DescribeServices", described("ecs-svc/7", "scr-api:9"));
    check(
        &others,
        &wanted(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs scr-api:9"#]],
    )
    .await;
    check(
        &others,
        &fresh(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs scr-api:9"#]],
    )
    .await;
    let gone = Canned::new().answers("DescribeServices", json!({"services": []}));
    check(
        &gone,
        &wanted(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs nothing"#]],
    )
    .await;
    let mut deleted = runs("ecs-svc/1", "scr-api:12");
    deleted["status"] = "DRAINING".into();
    let deleted = Canned::new().answers("DescribeServices", json!({"services": [deleted]}));
    check(
        &deleted,
        &wanted(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs nothing"#]],
    )
    .await;
}

#[tokio::test]
async fn what_was_updated_before_a_crash_is_not_updated_again() {
    let canned = Canned::new().answers("DescribeServices", described("ecs-svc/2", "scr-api:13"));
    check(
        &canned,
        &wanted(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_copy_of_the_message_does_not_bring_again_what_ecs_returned_from() {
    let canned = Canned::new()
        .answers("DescribeServices", described("ecs-svc/1", "scr-api:12"))
        .answers("UpdateService", json!({"service": runs("ecs-svc/2", "scr-api:13")}))
        .answers(
            "ListServiceDeployments",
            json!({"serviceDeployments": [past(2, "ROLLBACK_SUCCESSFUL")]}),
        );
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]]).await;
    // ECS has rolled back, and the failed rollout has drained.
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        ListServiceDeployments {"cluster":"scr-staging","createdAt":{"after":…},"maxResults":100,"service":"scr-api"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]]).await;
}

#[tokio::test]
async fn of_the_rollouts_since_the_note_the_first_is_ours() {
    let listed = json!({"serviceDeployments": [past(4, "SUCCESSFUL"), past(3, "STOPPED")]});
    let canned = noted(Canned::new(), 20)
        .answers("DescribeServices", described("ecs-svc/4", "scr-api:12"))
        .answers("ListServiceDeployments", listed);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        ListServiceDeployments {"cluster":"scr-staging","createdAt":{"after":…},"maxResults":100,"service":"scr-api"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]]).await;
}

#[tokio::test]
async fn a_worker_that_died_before_its_update_is_replaced() {
    let nothing = json!({"serviceDeployments": []});
    let canned = noted(Canned::new(), 20)
        .answers("DescribeServices", described("ecs-svc/1", "scr-api:12"))
        .answers("ListServiceDeployments", nothing)
        .answers("UpdateService", json!({"service": runs("ecs-svc/2", "scr-api:13")}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        ListServiceDeployments {"cluster":"scr-staging","createdAt":{"after":…},"maxResults":100,"service":"scr-api"}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]]).await;
}

#[tokio::test]
async fn new_tasks_are_forced_once_however_often_it_is_asked() {
    let canned = Canned::new()
        .answers("DescribeServices", described("ecs-svc/2", "scr-api:13"))
        .answers("DescribeServices", described("ecs-svc/3", "scr-api:13"))
        .answers("UpdateService", json!({"service": runs("ecs-svc/3", "scr-api:13")}))
        .answers("ListServiceDeployments", json!({"serviceDeployments": [past(3, "IN_PROGRESS")]}));
    check(&canned, &fresh(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","forceNewDeployment":true,"service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]]).await;
    check(&canned, &fresh(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        ListServiceDeployments {"cluster":"scr-staging","createdAt":{"after":…},"maxResults":100,"service":"scr-api"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]]).await;
}

#[tokio::test]
async fn of_two_workers_at_the_same_time_one_forces_new_tasks() {
    let both = || {
        Canned::new()
            .answers("DescribeServices", described("ecs-svc/2", "scr-api:13"))
            .answers("ListServiceDeployments", json!({"serviceDeployments": []}))
            .answers("UpdateService", json!({"service": runs("ecs-svc/3", "scr-api:13")}))
    };
    let second = noted(both(), 1);
    let busy = roll_out(&second.aws, &id(), &fresh()).await.unwrap_err();
    assert!(matches!(busy, Failure::Passing(_)), "{busy}");
    assert!(!second.calls().contains("UpdateService"));
    // The first one is certainly dead, and has started nothing.
    let later = noted(both(), 100);
    check(&later, &fresh(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        ListServiceDeployments {"cluster":"scr-staging","createdAt":{"after":…},"maxResults":100,"service":"scr-api"}
        UpdateService {"cluster":"scr-staging","forceNewDeployment":true,"service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]]).await;
    let again = roll_out(&later.aws, &id(), &fresh()).await.unwrap_err();
    assert!(matches!(again, Failure::Passing(_)), "{again}");
}

fn created() -> RollOut {
    let create = Create {
        desired_count: 2,
        subnets: vec!["subnet-1".into()],
        security_groups: vec!["sg-1".into()],
        public_ip: false,
        load_balancer: Some(LoadBalancer {
            target_group: "arn:aws:elasticloadbalancing:x:1:targetgroup/t/1".into(),
            container: "api".into(),
            port: 8080,
        }),
    };
    RollOut { before: None, create: Some(create), ..wanted() }
}

#[tokio::test]
async fn a_service_that_does_not_exist_is_created_as_its_task_definition_needs_it() {
    let definition = json!({"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]});
    let partition = format!("revision#{}", arn("scr-api:13"));
    let canned = Canned::new()
        .with_item(&partition, "definition", &[("json", &definition.to_string())])
        .answers("DescribeServices", json!({"services": []}))
        .answers("CreateService", json!({"service": runs("ecs-svc/1", "scr-api:13")}));
    check(&canned, &created(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        CreateService {"clientToken":"f0158ae1a753938ebc6ff49949b5bd5df9e3","cluster":"scr-staging","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":false},"maximumPercent":200,"minimumHealthyPercent":100},"desiredCount":2,"healthCheckGracePeriodSeconds":60,"launchType":"FARGATE","loadBalancers":[{"containerName":"api","containerPort":8080,"targetGroupArn":"arn:aws:elasticloadbalancing:x:1:targetgroup/t/1"}],"networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"serviceName":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/1") }"#]]).await;
}

#[tokio::test]
async fn a_service_created_outside_slipway_meanwhile_is_left_unchanged() {
    let canned = Canned::new().answers("DescribeServices", described("ecs-svc/1", "scr-api:12"));
    check(
        &canned,
        &created(),
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        scr-api is left alone: it runs scr-api:12"#]],
    )
    .await;
}

#[tokio::test]
async fn a_message_of_an_older_version_says_nothing_of_before_and_is_obeyed() {
    let canned = Canned::new()
        .answers("DescribeServices", described("ecs-svc/7", "scr-api:9"))
        .answers("UpdateService", json!({"service": runs("ecs-svc/8", "scr-api:13")}));
    check(&canned, &RollOut { before: None, ..wanted() }, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/8") }"#]]).await;
}
