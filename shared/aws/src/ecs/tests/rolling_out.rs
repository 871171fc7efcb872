//! Rolling out.

use super::canned::Canned;
use super::{arn, id, revision, target};
use crate::ecs::roll_out;
use expect_test::{Expect, expect};
use pipeline::effect::RollOut;
use pipeline::spec::{Create, LoadBalancer};
use serde_json::{Value, json};

fn wanted() -> RollOut {
    RollOut {
        target: target(),
        service: "scr-api".into(),
        revision: revision("scr-api:13"),
        create: None,
        fresh: false,
        container: None,
    }
}

fn service(rollout: &str) -> Value {
    let primary = json!({"id": rollout, "status": "PRIMARY", "taskDefinition": arn("scr-api:13")});
    let old = json!({"id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": arn("scr-api:12")});
    json!({"serviceName": "scr-api", "status": "ACTIVE", "deployments": [old, primary]})
}

async fn check(canned: &Canned, wanted: &RollOut, expected: &Expect) {
    let event = roll_out(&canned.aws, &id(), wanted).await.unwrap();
    expected.assert_eq(&format!("{}{event:?}", canned.calls()));
}

#[tokio::test]
async fn one_call_that_names_the_revision_and_nothing_else() {
    let canned = Canned::new().answers("UpdateService", json!({"service": service("ecs-svc/2")}));
    check(&canned, &wanted(), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/2") }"#]]).await;
}

#[tokio::test]
async fn what_aws_refuses_is_said_in_its_own_words() {
    let canned =
        Canned::new().refuses("UpdateService", "ClusterNotFoundException", "Cluster not found.");
    check(&canned, &wanted(), &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutRefused { service: ServiceName("scr-api"), reason: "AWS refused to update scr-api: Cluster not found (ClusterNotFoundException); correct the cluster in the application's spec" }"#]]).await;
}

#[tokio::test]
async fn new_tasks_are_forced_once_however_often_it_is_asked() {
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [service("ecs-svc/2")]}))
        .answers("DescribeServices", json!({"services": [service("ecs-svc/3")]}))
        .answers("UpdateService", json!({"service": service("ecs-svc/3")}));
    let fresh = RollOut { fresh: true, ..wanted() };
    check(&canned, &fresh, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        UpdateService {"cluster":"scr-staging","forceNewDeployment":true,"service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]]).await;
    check(
        &canned,
        &fresh,
        &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/3") }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_service_that_does_not_exist_is_created_as_its_task_definition_needs_it() {
    let definition = json!({"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]});
    let partition = format!("revision#{}", arn("scr-api:13"));
    let canned = Canned::new()
        .with_item(&partition, "definition", &[("json", &definition.to_string())])
        .refuses("UpdateService", "ServiceNotFoundException", "Service not found.")
        .answers("CreateService", json!({"service": service("ecs-svc/1")}));
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
    let wanted = RollOut { create: Some(create), ..wanted() };
    check(&canned, &wanted, &expect![[r#"
        UpdateService {"cluster":"scr-staging","service":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        CreateService {"clientToken":"f0158ae1a753938ebc6ff49949b5bd5df9e3","cluster":"scr-staging","deploymentConfiguration":{"deploymentCircuitBreaker":{"enable":true,"rollback":false},"maximumPercent":200,"minimumHealthyPercent":100},"desiredCount":2,"healthCheckGracePeriodSeconds":60,"launchType":"FARGATE","loadBalancers":[{"containerName":"api","containerPort":8080,"targetGroupArn":"arn:aws:elasticloadbalancing:x:1:targetgroup/t/1"}],"networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"serviceName":"scr-api","taskDefinition":"task-definition/scr-api:13"}
        RolloutStarted { service: ServiceName("scr-api"), rollout: RolloutId("ecs-svc/1") }"#]]).await;
}
