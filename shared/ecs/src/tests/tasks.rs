//! One-off tasks.

use super::{id, revision, target};
use crate::{look_at_one_off, run_one_off, started_by, stop_one_off};
use canned::Canned;
use expect_test::{Expect, expect};
use pipeline::effect::{OneOff, Purpose};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, Place};
use pipeline::task::Fault;
use pipeline::time::Span;
use serde_json::{Value, json};

const TASK: &str = "arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1";

fn wanted() -> OneOff {
    OneOff {
        target: target(),
        purpose: Purpose::Migrate,
        attempt: 1,
        service: "scr-api".into(),
        revision: revision("scr-api:13"),
        create: None,
        container: "api".into(),
        host_container: None,
        command: vec!["alembic".into(), "upgrade".into(), "head".into()],
        on_host: false,
        timeout: Span::minutes(15),
        client_token: "scr/staging-17-migrate-1".into(),
        pause: Span::default(),
    }
}

fn account() -> Canned {
    let service = json!({
        "serviceName": "scr-api", "status": "ACTIVE", "launchType": "FARGATE", "platformVersion": "1.4.0",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
    });
    Canned::new().answers("DescribeServices", json!({"services": [service]}))
}

async fn check(canned: &Canned, wanted: &OneOff, expected: &Expect) {
    let event = run_one_off(&canned.aws, &id(), wanted).await.unwrap();
    expected.assert_eq(&format!("{}{event:?}", canned.calls()));
}

#[tokio::test]
async fn the_task_takes_network_and_platform_from_its_service() {
    let canned = account().answers("RunTask", json!({"tasks": [{"taskArn": TASK}]}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RunTask {"clientToken":"scr/staging-17-migrate-1","cluster":"scr-staging","count":1,"launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"overrides":{"containerOverrides":[{"command":["alembic","upgrade","head"],"name":"api"}]},"platformVersion":"1.4.0","startedBy":"slipway/05d5d9c7/scr/staging/17/migrate/1","taskDefinition":"task-definition/scr-api:13"}
        OneOffStarted { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1") }"#]]).await;
}

#[tokio::test]
async fn a_task_has_its_services_capacity_providers_or_its_launch_type_and_never_both() {
    let service = json!({
        "serviceName": "scr-api", "status": "ACTIVE", "launchType": "FARGATE", "propagateTags": "SERVICE",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}],
    });
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [service]}))
        .answers("RunTask", json!({"tasks": [{"taskArn": TASK}]}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RunTask {"capacityProviderStrategy":[{"base":0,"capacityProvider":"FARGATE_SPOT","weight":1}],"clientToken":"scr/staging-17-migrate-1","cluster":"scr-staging","count":1,"overrides":{"containerOverrides":[{"command":["alembic","upgrade","head"],"name":"api"}]},"startedBy":"slipway/05d5d9c7/scr/staging/17/migrate/1","taskDefinition":"task-definition/scr-api:13"}
        OneOffStarted { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1") }"#]]).await;
}

#[tokio::test]
async fn a_refusal_may_come_with_status_200() {
    let failures = json!({"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY", "detail": "no host has 512 MB"}]});
    let canned = account().answers("RunTask", failures);
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RunTask {"clientToken":"scr/staging-17-migrate-1","cluster":"scr-staging","count":1,"launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"overrides":{"containerOverrides":[{"command":["alembic","upgrade","head"],"name":"api"}]},"platformVersion":"1.4.0","startedBy":"slipway/05d5d9c7/scr/staging/17/migrate/1","taskDefinition":"task-definition/scr-api:13"}
        OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Capacity, reason: "RESOURCE:MEMORY: no host has 512 MB" }"#]]).await;
}

#[tokio::test]
async fn missing_capacity_is_distinguished_from_a_mistake() {
    let canned =
        account().refuses("RunTask", "ClientException", "Capacity is unavailable at this time.");
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RunTask {"clientToken":"scr/staging-17-migrate-1","cluster":"scr-staging","count":1,"launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"overrides":{"containerOverrides":[{"command":["alembic","upgrade","head"],"name":"api"}]},"platformVersion":"1.4.0","startedBy":"slipway/05d5d9c7/scr/staging/17/migrate/1","taskDefinition":"task-definition/scr-api:13"}
        OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Capacity, reason: "AWS rejected the request to run the task: Capacity is unavailable at this time (ClientException)" }"#]]).await;
    let canned = account().refuses(
        "RunTask",
        "AccessDeniedException",
        "not authorized to perform: iam:PassRole",
    );
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        RunTask {"clientToken":"scr/staging-17-migrate-1","cluster":"scr-staging","count":1,"launchType":"FARGATE","networkConfiguration":{"awsvpcConfiguration":{"assignPublicIp":"DISABLED","securityGroups":["sg-1"],"subnets":["subnet-1"]}},"overrides":{"containerOverrides":[{"command":["alembic","upgrade","head"],"name":"api"}]},"platformVersion":"1.4.0","startedBy":"slipway/05d5d9c7/scr/staging/17/migrate/1","taskDefinition":"task-definition/scr-api:13"}
        OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Configuration, reason: "AWS rejected the request to run the task: not authorized to perform: iam:PassRole (AccessDeniedException); compare the scopes and TaskRoleArns of Slipway's stack; if they allow it, look for a permissions boundary or a service control policy" }"#]]).await;
}

/// The result if ECS knows our token with other parameters, and a task with this `startedBy`.
async fn conflict_with(started_by: &str) -> String {
    let task = json!({"taskArn": TASK, "startedBy": started_by, "lastStatus": "RUNNING"});
    let canned = account().answers("DescribeTasks", json!({"tasks": [task]})).refuses_with(
        "RunTask",
        json!({"__type": "ConflictException", "message": "token", "resourceIds": ["1"]}),
    );
    let event = run_one_off(&canned.aws, &id(), &wanted()).await;
    let asked = canned.calls().lines().last().unwrap_or_default().to_owned();
    assert_eq!(asked, r#"DescribeTasks {"cluster":"scr-staging","tasks":["1"]}"#);
    format!("{event:?}")
}

#[tokio::test]
async fn a_task_that_we_started_with_other_parameters_is_ours() {
    let ours = conflict_with("slipway/05d5d9c7/scr/staging/17/migrate/1").await;
    expect![[r#"Ok(OneOffStarted { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1") })"#]].assert_eq(&ours);
    // Started by the previous version, while Slipway itself was updated.
    assert_eq!(conflict_with("slipway/scr/staging/17/migrate/1").await, ours);
}

#[tokio::test]
async fn a_task_of_another_installation_is_not_ours() {
    let theirs = conflict_with("slipway/0badcafe/scr/staging/17/migrate/1").await;
    expect![[r#"Ok(OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Configuration, reason: "arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1 has the client token of this task and was started by slipway/0badcafe/scr/staging/17/migrate/1: another installation of Slipway deploys the same environment; remove it from one of them" })"#]].assert_eq(&theirs);
}

/// ECS takes 128 characters of these.
#[test]
fn the_longest_name_of_a_task_is_taken_by_ecs() {
    let name = "n".repeat(32);
    let place = Place { application: name.as_str().into(), environment: name.as_str().into() };
    let id = DeploymentId { place, number: u64::MAX };
    let longest = started_by("5f1d7a90", &id, Purpose::Migrate, u32::MAX);
    assert!(longest.len() <= 128, "{}", longest.len());
    assert!(longest.chars().all(|c| c.is_ascii_alphanumeric() || "-/_".contains(c)), "{longest}");
}

#[tokio::test]
async fn a_quota_that_is_full_for_now_is_no_mistake() {
    for (code, message) in [
        (
            "ClientException",
            "You've reached the limit on the number of vCPUs you can run concurrently",
        ),
        (
            "ClientException",
            "You\u{2019}ve reached the limit on the number of tasks you can run concurrently",
        ),
        (
            "InvalidParameterException",
            "Error retrieving subnet information for [subnet-1]: Request limit exceeded. (ErrorCode: RequestLimitExceeded)",
        ),
    ] {
        let canned = account().refuses("RunTask", code, message);
        let event = run_one_off(&canned.aws, &id(), &wanted()).await.unwrap();
        let passing = matches!(
            event,
            Event::OneOffNotStarted { fault: Fault::Capacity | Fault::Platform, .. }
        );
        assert!(passing, "{event:?}");
    }
}

#[tokio::test]
async fn a_command_that_ecs_would_not_take_is_never_sent() {
    let canned = account();
    let long = OneOff { command: vec!["x".repeat(9000)], ..wanted() };
    check(&canned, &long, &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Configuration, reason: "the command is too long (9054 characters as containerOverrides; ECS allows 8192); put it into a script in the image" }"#]]).await;
}

#[tokio::test]
async fn a_task_without_a_service_and_without_a_word_about_one_is_not_started() {
    let canned = Canned::new().answers("DescribeServices", json!({"services": []}));
    check(&canned, &wanted(), &expect![[r#"
        DescribeServices {"cluster":"scr-staging","services":["scr-api"]}
        OneOffNotStarted { purpose: Migrate, attempt: 1, fault: Configuration, reason: "scr-api does not exist, so the network and capacity of the task are unknown; create it, or describe it with create: in the spec" }"#]]).await;
}

async fn look(answer: Value) -> String {
    let canned = Canned::new().answers("DescribeTasks", answer);
    let (task, container) = (TASK.into(), "api".into());
    let event = look_at_one_off(&canned.aws, &target(), Purpose::Undo, 2, &task, &container).await;
    format!("{:?}", event.unwrap())
}

#[tokio::test]
async fn a_look_says_running_ended_or_lost() {
    let running = json!({"tasks": [{"taskArn": TASK, "lastStatus": "RUNNING"}]});
    let ended = json!({"tasks": [{
        "taskArn": TASK, "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "other", "exitCode": 137}, {"name": "api", "exitCode": 1, "reason": "boom"}],
    }]});
    let lost = json!({"tasks": [], "failures": [{"arn": TASK, "reason": "MISSING"}]});
    let seen = [look(running).await, look(ended).await, look(lost).await].join("\n");
    expect![[r#"
        OneOffSeen { purpose: Undo, attempt: 2, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1"), end: None }
        OneOffSeen { purpose: Undo, attempt: 2, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/1"), end: Some(OneOffEnd { exit_code: Some(1), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: Some("boom"), beside: None }) }
        OneOffLost { purpose: Undo, attempt: 2 }"#]].assert_eq(&seen);
}

/// A task of two containers, in which the proxy ended like this and the migration with 0.
async fn look_beside(essential: Value, exit_code: i32, reason: Value) -> String {
    let task = json!({
        "taskArn": TASK, "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
        "taskDefinitionArn": "scr-api:13", "stoppedReason": "Essential container in task exited",
        "containers": [
            {"name": "proxy", "exitCode": exit_code, "reason": reason},
            {"name": "aws-guardduty-agent-1", "exitCode": 1}, {"name": "api", "exitCode": 0},
        ],
    });
    let containers = json!([{"name": "proxy", "essential": essential}, {"name": "api"}]);
    let kept = json!({"containerDefinitions": containers}).to_string();
    let canned = Canned::new().answers("DescribeTasks", json!({"tasks": [task]})).with_item(
        "revision#scr-api:13",
        "definition",
        &[("json", &kept)],
    );
    let (task, container) = (TASK.into(), "api".into());
    let (target, purpose) = (target(), Purpose::Migrate);
    let event = look_at_one_off(&canned.aws, &target, purpose, 1, &task, &container).await;
    match event.unwrap() {
        Event::OneOffSeen { end: Some(end), .. } => format!("{}: {end}", end.succeeded()),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn an_essential_container_that_failed_beside_the_migration_makes_its_0_doubtful() {
    let none = Value::Null;
    let seen = [
        look_beside(json!(true), 2, none.clone()).await,
        look_beside(none.clone(), 137, json!("OutOfMemoryError: Container killed")).await,
        // ECS stopped it, as it does once the migration has ended; or it was done.
        look_beside(json!(true), 143, none.clone()).await,
        look_beside(json!(true), 0, none.clone()).await,
        look_beside(json!(false), 2, none).await,
    ];
    expect![[r#"
        false: exit code 0, Essential container in task exited; but essential container proxy exited with 2, and ECS may have stopped this one because of it: make that container non-essential, or let it exit with 0 when ECS stops it
        false: exit code 0, Essential container in task exited; but essential container proxy exited with 137, OutOfMemoryError: Container killed, and ECS may have stopped this one because of it: make that container non-essential, or let it exit with 0 when ECS stops it
        true: exit code 0, Essential container in task exited
        true: exit code 0, Essential container in task exited
        true: exit code 0, Essential container in task exited"#]].assert_eq(&seen.join("\n"));
}

#[tokio::test]
async fn stopping_what_is_not_there_is_fine() {
    let canned = Canned::new().refuses(
        "StopTask",
        "InvalidParameterException",
        "The referenced task was not found.",
    );
    let (purpose, task) = (Purpose::Migrate, TASK.into());
    let event = stop_one_off(&canned.aws, &target(), purpose, 1, &task, "slipway: timed out").await;
    expect![[r#"
        StopTask {"cluster":"scr-staging","reason":"slipway: timed out","task":"task/scr-staging/1"}
        OneOffStopAsked { purpose: Migrate, attempt: 1 }"#]]
    .assert_eq(&format!("{}{:?}", canned.calls(), event.unwrap()));
}
