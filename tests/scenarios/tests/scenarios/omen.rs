//! Omen EPR: two containers of one image, in a service that the first deployment makes.

use crate::check;
use expect_test::expect;
use sandbox::balancers::TargetGroup;
use sandbox::ecs::Behaviour;
use sandbox::faults::{Calls, Fault, When};
use sandbox::logs::Logs;
use scenarios::Team;
use serde_json::json;

const PRODUCTION: &str = "omen-epr/production";
const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/omen-epr/0123456789abcdef";
const FIRST: &str = "20261121090000";
const SECOND: &str = "20261122090000";

async fn one_good() -> Team {
    let mut team = Team::start("omen-epr").await.unwrap();
    team.push_all(FIRST, "first").unwrap();
    team.until_ended(PRODUCTION, 1).await.unwrap();
    team
}

fn sidecar_crashes() -> Behaviour {
    Behaviour::SidecarCrashes { container: "audit-worker".into(), seconds: 20, exit_code: 1 }
}

#[tokio::test]
async fn the_service_is_created_and_the_next_push_replaces_both_containers() {
    let mut team = one_good().await;
    team.push_all(SECOND, "second").unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            omen-epr/production/1 20261121090000
                0:00 Deploying 20261121090000, requested by push of 20261121090000.
                0:00 Prepared: omen-epr-service (new) -> omen-epr:1.
                0:00 Updating omen-epr-service.
                0:35 omen-epr-service is stable on omen-epr:1.
                0:35 https://epr.example.com/healthz answers as expected (attempt 1).
                0:35 Watching tasks for 3m.
                3:35 Ended: succeeded.
            omen-epr/production/2 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:2.
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:2.
                0:45 https://epr.example.com/healthz answers as expected (attempt 1).
                0:45 Watching tasks for 3m.
                3:45 Ended: succeeded.
            runs
              omen-epr-service: omen-epr:20261122090000, omen-epr:20261122090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: 20261122090000 is live
        "#]],
    );
}

#[tokio::test]
async fn a_first_deployment_that_fails_has_no_previous_revision() {
    let mut team = Team::start("omen-epr").await.unwrap();
    let digests = team.push_all(FIRST, "bad").unwrap();
    team.behave(&digests["omen-epr"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(PRODUCTION, 1).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            omen-epr/production/1 20261121090000
                0:00 Deploying 20261121090000, requested by push of 20261121090000.
                0:00 Prepared: omen-epr-service (new) -> omen-epr:1.
                0:00 Updating omen-epr-service.
                0:25 Task of omen-epr-service failed (1 of 3 allowed failures): container omen-epr exited with 1, Essential container in task exited.
                0:45 Task of omen-epr-service failed (2 of 3 allowed failures): container omen-epr exited with 1, Essential container in task exited.
                1:00 Rolling back: omen-epr-service failed: ECS deployment circuit breaker: tasks failed to start.
                1:00 omen-epr-service has no previous revision and stays as it is.
                1:00 Ended: failed: omen-epr-service failed: ECS deployment circuit breaker: tasks failed to start; still on the new revision: omen-epr-service.
            runs
              omen-epr-service: 
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is partially deployed
        "#]],
    );
}

#[tokio::test]
async fn a_first_deployment_that_fails_is_removed_where_the_spec_says_so() {
    let mut team = Team::start("omen-epr").await.unwrap();
    let text = team.system.text.replace("    bake: 3m", "    first_deploy: remove\n    bake: 3m");
    team.respecify(&text).await.unwrap();
    let digests = team.push_all(FIRST, "bad").unwrap();
    team.behave(&digests["omen-epr"], Behaviour::CrashesAtStart { exit_code: 1 });
    team.until_ended(PRODUCTION, 1).await.unwrap();
    check(
        &team,
        PRODUCTION,
        1,
        &expect![[r#"
            omen-epr/production/1 20261121090000
                0:00 Deploying 20261121090000, requested by push of 20261121090000.
                0:00 Prepared: omen-epr-service (new) -> omen-epr:1.
                0:00 Updating omen-epr-service.
                0:25 Task of omen-epr-service failed (1 of 3 allowed failures): container omen-epr exited with 1, Essential container in task exited.
                0:45 Task of omen-epr-service failed (2 of 3 allowed failures): container omen-epr exited with 1, Essential container in task exited.
                1:00 Rolling back: omen-epr-service failed: ECS deployment circuit breaker: tasks failed to start.
                1:00 Deleting omen-epr-service: it did not exist before this deployment.
                1:00 omen-epr-service is deleted.
                3:30 Ended: rolled back: omen-epr-service failed: ECS deployment circuit breaker: tasks failed to start.
            runs
              omen-epr-service: 
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: rolling back 20261121090000
              omen-epr/production: 20261121090000 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_worker_that_dies_beside_a_healthy_service_is_said() {
    let mut team = one_good().await;
    let digests = team.push_all(SECOND, "bad").unwrap();
    team.behave(&digests["omen-epr"], sidecar_crashes());
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:2.
                0:00 Updating omen-epr-service.
                0:40 Container audit-worker of omen-epr-service stopped: exit code 1; its task keeps running.
                0:45 omen-epr-service is stable on omen-epr:2.
                0:45 https://epr.example.com/healthz answers as expected (attempt 1).
                0:45 Watching tasks for 3m.
                3:45 Ended: succeeded.
            runs
              omen-epr-service: omen-epr:20261122090000, omen-epr:20261122090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: 20261122090000 is live
        "#]],
    );
}

#[tokio::test]
async fn where_the_spec_says_so_a_failed_worker_is_rolled_back() {
    let mut team = one_good().await;
    let text = team.system.text.replace("sidecars: warn", "sidecars: roll_back");
    team.respecify(&text).await.unwrap();
    let digests = team.push_all(SECOND, "bad").unwrap();
    team.behave(&digests["omen-epr"], sidecar_crashes());
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:2.
                0:00 Updating omen-epr-service.
                0:40 Container audit-worker of omen-epr-service stopped: exit code 1; its task keeps running.
                0:40 Rolling back: container audit-worker of omen-epr-service stopped: exit code 1.
                0:40 Rolling omen-epr-service back to omen-epr:1.
                1:25 omen-epr-service is rolled back.
                3:10 Ended: rolled back: container audit-worker of omen-epr-service stopped: exit code 1.
            runs
              omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: rolling back 20261122090000
              omen-epr/production: 20261122090000 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_empty_queue_is_refused_before_anything_can_fail_for_it() {
    let mut team = Team::start("omen-epr").await.unwrap();
    let queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/epr-audit-events-queue";
    let text = team.system.text.replace(queue, "\"\"");
    let answer = team.invoke("configure", json!({"spec": text})).await.unwrap();
    expect![[r#"
        {
          "errorMessage": "the spec has mistakes:\nenvironments.production.services[0].base.parameters.audit_queue_url: audit_queue_url is empty: the container would start and fail; give it a value or remove the container from the template",
          "errorType": "Spec"
        }"#]].assert_eq(&format!("{:#}", answer.payload));
}

#[tokio::test]
async fn what_the_spec_names_has_to_be_there_before_anything_is_made() {
    let mut team = Team::start("omen-epr").await.unwrap();
    {
        let mut account = team.sandbox.account();
        let services = &mut account.services;
        services.balancers.delete(TARGET_GROUP);
        services.roles.delete("arn:aws:iam::123456789012:role/ecsTaskExecutionRole");
        let role = "arn:aws:iam::123456789012:role/omenEprTaskRole";
        services.roles.create(role, "ec2.amazonaws.com");
        services.secrets.delete("epr-redis-url");
        services.logs = Logs::new();
    }
    team.push_all(FIRST, "first").unwrap();
    let ended = team.until_ended(PRODUCTION, 1).await.unwrap();
    let verdict = ended.verdict().unwrap().to_string();
    expect![[r#"
        failed: pre-flight: omen-epr-service: there is no target group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/omen-epr/0123456789abcdef, so ECS cannot create the service; create it, or correct load_balancer.target_group in the spec
        there is no secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:epr-redis-url-AbCdEf, so no task can start; create it, or correct the task definition
        there is no log group /ecs/omen-epr, so no task can start; create it, or correct the task definition
        there is no role arn:aws:iam::123456789012:role/ecsTaskExecutionRole, so no task can start; create it, or correct the task definition
        the role arn:aws:iam::123456789012:role/omenEprTaskRole does not trust ecs-tasks.amazonaws.com, so no task can start; correct its trust policy"#]].assert_eq(&verdict.replace("; omen-epr-service: ", "\n"));
    let account = team.sandbox.account();
    assert!(account.services.ecs.serving("omen-production", "omen-epr-service").is_empty());
}

#[tokio::test]
async fn a_secret_that_was_deleted_is_missed_before_anything_is_touched() {
    let mut team = one_good().await;
    team.sandbox.account().services.secrets.delete("epr-db-url");
    team.push_all(SECOND, "second").unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261122090000
                0:00 Deploying 20261122090000, requested by push of 20261122090000.
                0:00 Ended: failed: pre-flight: omen-epr-service: there is no secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:epr-db-url-AbCdEf, so no task can start; create it, or correct the task definition.
            runs
              omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: 20261122090000 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn without_secrets_manager_it_goes_on_with_a_warning() {
    let mut team = one_good().await;
    let look = Calls::to("secretsmanager", "DescribeSecret");
    team.sandbox.faults(|faults| faults.on_calls(look, When::Always, Fault::Throttle));
    let payload = json!({"application": "omen-epr", "environment": "production", "version": FIRST, "fresh": true});
    team.ask("deploy", payload).await.unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    check(
        &team,
        PRODUCTION,
        2,
        &expect![[r#"
            omen-epr/production/2 20261121090000
                0:00 Deploying 20261121090000, requested by unnamed caller of slipway-deploy.
                0:00 Prepared: omen-epr-service omen-epr:1 -> omen-epr:1.
                0:00 Warning: could not check the secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:epr-db-url-AbCdEf: temporary failure: Rate exceeded (ThrottlingException).
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:1.
                0:45 https://epr.example.com/healthz answers as expected (attempt 1).
                0:45 Watching tasks for 3m.
                3:45 Ended: succeeded.
            runs
              omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
        "#]],
    );
}

#[tokio::test]
async fn a_new_service_needs_a_target_group_that_its_tasks_fit_into() {
    let misfits = [("instance", vec!["a load balancer".to_owned()]), ("ip", vec![])];
    let mut told = String::new();
    for (targets, balancers) in misfits {
        let mut team = Team::start("omen-epr").await.unwrap();
        let group = TargetGroup { targets: targets.into(), balancers };
        team.sandbox.account().services.balancers.put(TARGET_GROUP, group);
        let text = team.system.text.replace("port: 8080", "port: 8081");
        team.respecify(&text).await.unwrap();
        team.push_all(FIRST, "first").unwrap();
        let ended = team.until_ended(PRODUCTION, 1).await.unwrap();
        told.push_str(&format!("{}\n", ended.verdict().unwrap()));
    }
    expect![[r#"
        failed: pre-flight: omen-epr-service: its load balancer sends to port 8081 of omen-epr, and the task definition has no such port; add it to the task definition, or correct load_balancer in the spec; omen-epr-service: target group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/omen-epr/0123456789abcdef has target type instance, so ECS cannot create the service; use one with target type ip
        failed: pre-flight: omen-epr-service: its load balancer sends to port 8081 of omen-epr, and the task definition has no such port; add it to the task definition, or correct load_balancer in the spec; omen-epr-service: target group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/omen-epr/0123456789abcdef has no load balancer, so ECS cannot create the service; add it to a listener
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn an_image_of_last_week_is_deployed_by_hand_without_a_build() {
    let mut team = one_good().await;
    team.push_all(SECOND, "second").unwrap();
    team.until_ended(PRODUCTION, 2).await.unwrap();
    let payload = json!({
        "application": "omen-epr", "environment": "production", "version": FIRST,
        "by": "ann", "why": "the second one is slow",
    });
    let answer = team.invoke("deploy", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(PRODUCTION, 3).await.unwrap();
    check(
        &team,
        PRODUCTION,
        3,
        &expect![[r#"
            omen-epr/production/3 20261121090000
                0:00 Deploying 20261121090000, requested by ann (the second one is slow).
                0:00 Prepared: omen-epr-service omen-epr:2 -> omen-epr:3.
                0:00 Updating omen-epr-service.
                0:45 omen-epr-service is stable on omen-epr:3.
                0:45 https://epr.example.com/healthz answers as expected (attempt 1).
                0:45 Watching tasks for 3m.
                3:45 Ended: succeeded.
            runs
              omen-epr-service: omen-epr:20261121090000, omen-epr:20261121090000
            told
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
              omen-epr/production: deploying 20261122090000
              omen-epr/production: 20261122090000 is live
              omen-epr/production: deploying 20261121090000
              omen-epr/production: 20261121090000 is live
        "#]],
    );
}
