//! Observing, from what ECS answers.

use super::{arn, target};
use crate::{observations, observe};
use canned::Canned;
use expect_test::{Expect, expect};
use pipeline::event::Event;
use pipeline::names::ServiceName;
use pipeline::observation::Observation;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

async fn check(service: Value, expected: &Expect) {
    let answer = match service {
        Value::Null => json!({"services": [], "failures": [{"arn": "x", "reason": "MISSING"}]}),
        service => json!({"services": [service]}),
    };
    let canned = Canned::new().answers("DescribeServices", answer);
    let seen = observations(&canned.aws, "scr-staging", &["scr-api".into()]).await.unwrap();
    expected.assert_eq(&text_of(&seen));
}

/// Like `check`, after ECS was asked whether it rolled back.
async fn check_asked(service: &Value, listed: Value, expected: &Expect) {
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [service]}))
        .answers("ListServiceDeployments", listed);
    let event = observe(&canned.aws, &target(), &["scr-api".into()], true).await.unwrap();
    let Event::Observed { services } = event else { panic!("{event:?}") };
    expected.assert_eq(&text_of(&services));
}

fn text_of(seen: &[Observation]) -> String {
    let [Observation { service, found, .. }] = seen else { panic!("{seen:?}") };
    let mut text = format!("{service}");
    match found {
        None => text.push_str(" is gone"),
        Some(found) => {
            for rollout in &found.rollouts {
                text.push_str(&format!(
                    "\n{}{} {} {:?}, {} of {}, {} failed: {}",
                    if rollout.primary { "primary " } else { "" },
                    rollout.id,
                    rollout.revision.short(),
                    rollout.progress,
                    rollout.running,
                    rollout.desired,
                    rollout.failed,
                    rollout.reason
                ));
            }
            if let Some(rollout) = &found.returned_from {
                let why = found.return_reason.as_deref().unwrap_or_default();
                text.push_str(&format!("\nreturned from {rollout}: {why}"));
            }
            if found.draining {
                text.push_str("\nis being deleted");
            }
            if let Some(trouble) = &found.trouble {
                text.push_str(&format!("\ntrouble: {trouble}"));
            }
        }
    }
    text
}

fn deployment(
    id: &str,
    status: &str,
    revision: &str,
    state: &str,
    age: f64,
    reason: &str,
) -> Value {
    json!({
        "id": id, "status": status, "taskDefinition": arn(revision), "rolloutState": state,
        "rolloutStateReason": reason, "createdAt": now() - age, "desiredCount": 2,
        "runningCount": 1, "failedTasks": 3,
    })
}

fn service(deployments: &[Value], events: &[(f64, &str)]) -> Value {
    let events: Vec<Value> = events
        .iter()
        .map(|(age, message)| json!({"id": "e", "createdAt": now() - age, "message": message}))
        .collect();
    json!({"serviceName": "scr-api", "status": "ACTIVE", "deployments": deployments, "events": events})
}

const ONGOING: &str = "ECS deployment ecs-svc/2 in progress.";

fn ours() -> Value {
    deployment("ecs-svc/2", "PRIMARY", "scr-api:13", "IN_PROGRESS", 300.0, ONGOING)
}

fn old(status: &str, state: &str, reason: &str) -> Value {
    deployment("ecs-svc/1", status, "scr-api:12", state, 90_000.0, reason)
}

#[tokio::test]
async fn a_rollout_in_progress_is_seen_with_the_one_it_replaces() {
    let service =
        service(&[ours(), old("ACTIVE", "COMPLETED", "ECS deployment ecs-svc/1 completed.")], &[]);
    check(service, &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress
        ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed"#]]).await;
}

#[tokio::test]
async fn no_more_than_ten_services_are_asked_for_at_a_time() {
    let canned = Canned::new().answers("DescribeServices", json!({"services": []}));
    let names: Vec<ServiceName> =
        (0..23).map(|number| format!("scr-{number}").as_str().into()).collect();
    let seen = observations(&canned.aws, "scr-staging", &names).await.unwrap();
    assert_eq!(seen.len(), 23);
    let asked = canned.calls();
    let asked: Vec<usize> = asked.lines().map(|call| call.matches("\"scr-").count() - 1).collect();
    assert_eq!(asked, [10, 10, 3]);
}

#[tokio::test]
async fn a_service_that_is_missing_or_deleted_is_gone() {
    check(Value::Null, &expect!["scr-api is gone"]).await;
    let mut deleted = service(&[ours()], &[]);
    deleted["status"] = "INACTIVE".into();
    check(deleted, &expect!["scr-api is gone"]).await;
}

#[tokio::test]
async fn the_circuit_breaker_rolls_back_and_the_failed_rollout_still_drains() {
    let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    let failed = deployment(
        "ecs-svc/2",
        "ACTIVE",
        "scr-api:13",
        "FAILED",
        300.0,
        "ECS deployment circuit breaker: tasks failed to start.",
    );
    check(service(&[old("PRIMARY", "IN_PROGRESS", back), failed], &[]), &expect![[r#"
        scr-api
        primary ecs-svc/1 scr-api:12 InProgress, 1 of 2, 3 failed: ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1
        ecs-svc/2 scr-api:13 Failed, 1 of 2, 3 failed: ECS deployment circuit breaker: tasks failed to start
        returned from ecs-svc/2: ECS deployment circuit breaker: tasks failed to start"#]]).await;
}

#[tokio::test]
async fn the_circuit_breaker_rolled_back_and_only_the_service_deployments_show_it() {
    // The text of an event does not decide a verdict.
    let events = [
        (20.0, "(service scr-api) has reached a steady state."),
        (60.0, "(service scr-api) rolling back to deployment ecs-svc/1."),
        (
            61.0,
            "(service scr-api) (deployment ecs-svc/2) deployment failed: tasks failed to start.",
        ),
    ];
    let primary = old("PRIMARY", "COMPLETED", "ECS deployment ecs-svc/1 completed.");
    let service = service(&[primary], &events);
    check(service.clone(), &expect![[r#"
        scr-api
        primary ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed"#]]).await;
    let of = |number: u32, status: &str, age: f64| {
        json!({
            "serviceDeploymentArn": format!("d{number}"), "status": status, "createdAt": now() - age,
            "targetServiceRevisionArn": format!("arn:aws:ecs:x:1:service-revision/scr-staging/scr-api/{number}"),
            "statusReason": "Service deployment rolled back because the circuit breaker threshold was exceeded.",
        })
    };
    let older = of(1, "SUCCESSFUL", 90_000.0);
    for (status, expected) in [
        (
            "ROLLBACK_SUCCESSFUL",
            expect![[r#"
            scr-api
            primary ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed
            returned from ecs-svc/2: Service deployment rolled back because the circuit breaker threshold was exceeded"#]],
        ),
        (
            "ROLLBACK_IN_PROGRESS",
            expect![[r#"
            scr-api
            primary ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed
            returned from ecs-svc/2: Service deployment rolled back because the circuit breaker threshold was exceeded"#]],
        ),
        (
            "STOPPED",
            expect![[r#"
            scr-api
            primary ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed"#]],
        ),
    ] {
        let listed = json!({"serviceDeployments": [older, of(2, status, 300.0)]});
        check_asked(&service, listed, &expected).await;
    }
    // A person rolled back to the previous one after ECS had done so.
    let newer = of(3, "IN_PROGRESS", 10.0);
    let listed = json!({"serviceDeployments": [of(2, "ROLLBACK_SUCCESSFUL", 300.0), newer]});
    check_asked(&service, listed, &expect![[r#"
        scr-api
        primary ecs-svc/1 scr-api:12 Completed, 1 of 2, 3 failed: ECS deployment ecs-svc/1 completed"#]]).await;
}

#[tokio::test]
async fn without_service_deployments_no_rollback_by_ecs_is_reported() {
    let canned = Canned::new()
        .answers("DescribeServices", json!({"services": [service(&[ours()], &[])]}))
        .refuses("ListServiceDeployments", "UnsupportedFeatureException", "Not here.");
    let event = observe(&canned.aws, &target(), &["scr-api".into()], true).await.unwrap();
    let Event::Observed { services } = event else { panic!("{event:?}") };
    let found = services[0].found.as_ref().unwrap();
    assert!(found.returns_asked && found.returned_from.is_none());
}

#[tokio::test]
async fn a_failed_rollout_replaced_outside_slipway_is_no_rollback_by_ecs() {
    let failed = deployment("ecs-svc/2", "ACTIVE", "scr-api:13", "FAILED", 300.0, "x");
    let newer = deployment("ecs-svc/3", "PRIMARY", "scr-api:14", "IN_PROGRESS", 10.0, "y");
    check(
        service(&[newer, failed], &[]),
        &expect![[r#"
        scr-api
        primary ecs-svc/3 scr-api:14 InProgress, 1 of 2, 3 failed: y
        ecs-svc/2 scr-api:13 Failed, 1 of 2, 3 failed: x"#]],
    )
    .await;
}

#[tokio::test]
async fn trouble_is_what_was_said_lately_of_this_rollout_and_not_settled_since() {
    const PLACE: &str = "(service scr-api) was unable to place a task. Reason: Capacity is unavailable at this time.";
    const STEADY: &str = "(service scr-api) has reached a steady state.";
    const START: &str = "(service scr-api) has started 1 tasks: (task 1).";
    check(service(&[ours()], &[(5.0, START), (30.0, PLACE)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress
        trouble: ECS: was unable to place a task. Reason: Capacity is unavailable at this time"#]]).await;
    // It matches any problem, and would hide which.
    const VAGUE: &str = "(service scr-api) is unable to consistently start tasks successfully.";
    check(service(&[ours()], &[(5.0, VAGUE), (30.0, PLACE)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress
        trouble: ECS: was unable to place a task. Reason: Capacity is unavailable at this time"#]]).await;
    check(service(&[ours()], &[(5.0, STEADY), (30.0, PLACE)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress"#]]).await;
    check(service(&[ours()], &[(310.0, PLACE)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress"#]]).await;
    let mut long_ago = ours();
    long_ago["createdAt"] = (now() - 3000.0).into();
    check(service(&[long_ago], &[(5.0, START), (1000.0, PLACE)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress"#]]).await;
    const SICK: &str = "(service scr-api) (port 8080) is unhealthy in (target-group t) due to (reason Health checks failed).";
    check(service(&[ours()], &[(5.0, SICK)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress
        trouble: ECS: (port 8080) is unhealthy in (target-group t) due to (reason Health checks failed)"#]]).await;
    const DYING: &str = "(service scr-api) (task 0123456789abcdef) failed container health checks.";
    check(service(&[ours()], &[(5.0, DYING)]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress
        trouble: ECS: failed container health checks"#]]).await;
}

#[tokio::test]
async fn behind_a_classic_load_balancer_the_numbers_decide() {
    let mut primary = ours();
    primary.as_object_mut().unwrap().remove("rolloutState");
    check(service(&[primary.clone()], &[]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 InProgress, 1 of 2, 3 failed: ECS deployment ecs-svc/2 in progress"#]]).await;
    primary["runningCount"] = 2.into();
    check(service(&[primary], &[]), &expect![[r#"
        scr-api
        primary ecs-svc/2 scr-api:13 Completed, 2 of 2, 3 failed: ECS deployment ecs-svc/2 in progress"#]]).await;
}

#[tokio::test]
async fn a_service_that_is_being_deleted_is_seen_as_such() {
    let primary = deployment("ecs-svc/1", "PRIMARY", "scr-api:1", "COMPLETED", 60.0, "completed");
    let service = json!({"serviceName": "scr-api", "status": "DRAINING", "deployments": [primary]});
    check(
        service,
        &expect![[r#"
        scr-api
        primary ecs-svc/1 scr-api:1 Completed, 1 of 2, 3 failed: completed
        is being deleted"#]],
    )
    .await;
}

#[tokio::test]
async fn whose_fault_a_trouble_is_goes_with_its_words() {
    let mut faults = Vec::new();
    for message in [
        "was unable to place a task. Reason: Capacity is unavailable at this time.",
        "was unable to assume the role 'arn:aws:iam::1:role/x'.",
        "(task 0abc) failed container health checks.",
        "is unable to consistently start tasks successfully.",
    ] {
        let primary =
            deployment("ecs-svc/1", "PRIMARY", "scr-api:1", "IN_PROGRESS", 60.0, "in progress");
        let event = json!({"id": "1", "createdAt": now() - 10.0,
            "message": format!("(service scr-api) {message}")});
        let service = json!({"serviceName": "scr-api", "status": "ACTIVE",
            "deployments": [primary], "events": [event]});
        let canned = Canned::new().answers("DescribeServices", json!({"services": [service]}));
        let seen = observations(&canned.aws, "scr-staging", &["scr-api".into()]).await.unwrap();
        let trouble = seen[0].found.as_ref().and_then(|found| found.trouble.clone());
        faults.push(trouble.map(|trouble| trouble.fault));
    }
    expect!["[Some(Some(Capacity)), Some(Some(Configuration)), Some(Some(Code)), Some(None)]"]
        .assert_eq(&format!("{faults:?}"));
}
