//! What else happens to services: percentages, scaling, deaths, full clusters, sick tasks.

use crate::scr::{breaker, describe, notes, register, service, update, without_tasks};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use serde_json::{Value, json};

fn percent(minimum: u32, maximum: u32) -> Value {
    let both = json!({ "minimumHealthyPercent": minimum, "maximumPercent": maximum });
    json!({ "deploymentConfiguration": both })
}

#[test]
fn one_after_the_other_where_there_is_no_capacity_for_more() {
    let mut room = service(2, &percent(50, 100));
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    for _ in 0..8 {
        room.pass(15);
        describe(&mut room);
    }
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 203807…: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:00 UpdateService: ok
         10:15 = ACTIVE 2
         10:15 = PRIMARY 203807… scr-api:2 0/2 failed 0 IN_PROGRESS: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:15 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:30 = ACTIVE 2
         10:30 = PRIMARY 203807… scr-api:2 1/2 failed 0 IN_PROGRESS: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:30 = ACTIVE 133985… scr-api:1 0/0 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:45 = ACTIVE 2
         10:45 = PRIMARY 203807… scr-api:2 1/2 failed 0 IN_PROGRESS: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:45 = ACTIVE 133985… scr-api:1 0/0 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:59   SERVICE_DEPLOYMENT_COMPLETED 203807…: ECS deployment ecs-svc/2038076900182350712 completed.
         10:59   SERVICE_STEADY_STATE
         11:00 = ACTIVE 2
         11:00 = PRIMARY 203807… scr-api:2 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/2038076900182350712 completed.
         11:15 = ACTIVE 2
         11:15 = PRIMARY 203807… scr-api:2 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/2038076900182350712 completed.
         11:30 = ACTIVE 2
         11:30 = PRIMARY 203807… scr-api:2 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/2038076900182350712 completed.
         11:45 = ACTIVE 2
         11:45 = PRIMARY 203807… scr-api:2 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/2038076900182350712 completed.
         12:00 = ACTIVE 2
         12:00 = PRIMARY 203807… scr-api:2 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/2038076900182350712 completed.
    "#]].assert_eq(&without_tasks(&room.story()));
}

#[test]
fn percentages_that_allow_no_step() {
    let mut room = service(1, &percent(100, 100));
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    room.pass(1200);
    describe(&mut room);
    notes(&mut room, 2);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00 UpdateService: ok
         30:00 = ACTIVE 1
         30:00 = PRIMARY 194550… scr-api:2 0/1 failed 0 IN_PROGRESS: ECS deployment ecs-svc/1945507579832142361 in progress.
         30:00 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         30:00 - (service api) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.
         30:00 - (service api) has reached a steady state.
    "#]].assert_eq(&room.story());
}

#[test]
fn autoscaling_during_a_rollout() {
    let mut room = service(1, &json!({}));
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    room.pass(10);
    room.at_desk(|ecs, desk| ecs.scale("scr", "api", 3, desk));
    room.pass(120);
    describe(&mut room);
    room.at_desk(|ecs, desk| ecs.scale("scr", "api", 1, desk));
    room.pass(120);
    describe(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:10   task 97de33… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:10   task a54420… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:15   task 97de33… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:15   task a54420… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:30   task 97de33… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:30   task a54420… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:30   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:37   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:40   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:45   SERVICE_DEPLOYMENT_COMPLETED 194550…: ECS deployment ecs-svc/1945507579832142361 completed.
         10:45   SERVICE_STEADY_STATE
         12:10 = ACTIVE 3
         12:10 = PRIMARY 194550… scr-api:2 3/3 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
         12:10   task c1b050… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         12:10   task 97de33… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         12:17   task c1b050… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         12:17   task 97de33… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         12:20   task c1b050… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         12:20   task 97de33… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         14:10 = ACTIVE 1
         14:10 = PRIMARY 194550… scr-api:2 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
    "#]].assert_eq(&room.story());
}

#[test]
fn what_dies_later_is_replaced_without_a_word_about_the_rollout() {
    let mut room = service(1, &breaker(true));
    room.service.behave("sha256:leaky", Behaviour::OutOfMemory { seconds: 90 });
    register(&mut room, "scr-api@sha256:leaky");
    update(&mut room, "scr-api:2");
    room.pass(150);
    describe(&mut room);
    room.at_desk(|ecs, desk| ecs.take_task_away("scr", "api", desk));
    room.pass(40);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:20   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:27   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:30   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:35   SERVICE_DEPLOYMENT_COMPLETED 194550…: ECS deployment ecs-svc/1945507579832142361 completed.
         10:35   SERVICE_STEADY_STATE
         11:50   task c1b050… of scr-api:2 v4: DEPROVISIONING (wanted STOPPED) api=137 worker=0 EssentialContainerExited Essential container in task exited
         11:50   task 55cc11… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         11:55   task c1b050… of scr-api:2 v5: STOPPED (wanted STOPPED) api=137 worker=0 EssentialContainerExited Essential container in task exited
         11:55   task 55cc11… of scr-api:2 v2: PENDING (wanted RUNNING)
         12:10   task 55cc11… of scr-api:2 v3: RUNNING (wanted RUNNING)
         12:15   SERVICE_STEADY_STATE
         12:30 = ACTIVE 1
         12:30 = PRIMARY 194550… scr-api:2 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
         12:30   task 55cc11… of scr-api:2 v4: DEPROVISIONING (wanted STOPPED) api=143 worker=0 SpotInterruption Your Spot Task was interrupted.
         12:30   task c779c6… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         12:35   task 55cc11… of scr-api:2 v5: STOPPED (wanted STOPPED) api=143 worker=0 SpotInterruption Your Spot Task was interrupted.
         12:35   task c779c6… of scr-api:2 v2: PENDING (wanted RUNNING)
         12:50   task c779c6… of scr-api:2 v3: RUNNING (wanted RUNNING)
         12:55   SERVICE_STEADY_STATE
    "#]].assert_eq(&room.story());
}

#[test]
fn a_worker_that_ecs_does_not_mind_losing() {
    let mut room = service(1, &json!({}));
    let lost = Behaviour::SidecarCrashes { container: "worker".into(), seconds: 5, exit_code: 2 };
    room.service.behave("sha256:half", lost);
    register(&mut room, "scr-api@sha256:half");
    update(&mut room, "scr-api:2");
    room.pass(60);
    describe(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:20   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:25   task c1b050… of scr-api:2 v4: RUNNING (wanted RUNNING) worker=2
         10:27   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:30   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:35   SERVICE_DEPLOYMENT_COMPLETED 194550…: ECS deployment ecs-svc/1945507579832142361 completed.
         10:35   SERVICE_STEADY_STATE
         11:00 = ACTIVE 1
         11:00 = PRIMARY 194550… scr-api:2 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
    "#]].assert_eq(&room.story());
}

#[test]
fn tasks_that_never_get_healthy() {
    let balanced = json!({ "targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1", "containerName": "api", "containerPort": 8080 });
    let mut more = breaker(true);
    more["loadBalancers"] = json!([balanced]);
    let mut room = service(1, &more);
    room.service.behave("sha256:deaf", Behaviour::NeverHealthy);
    register(&mut room, "scr-api@sha256:deaf");
    update(&mut room, "scr-api:2");
    room.pass(600);
    describe(&mut room);
    notes(&mut room, 20);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: RUNNING (wanted RUNNING)
         11:20   task c1b050… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         11:20   task 2f6820… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         11:25   task 2f6820… of scr-api:2 v2: PENDING (wanted RUNNING)
         11:27   task c1b050… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         11:30   task c1b050… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         11:40   task 2f6820… of scr-api:2 v3: RUNNING (wanted RUNNING)
         12:40   task 2f6820… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         12:40   task a54420… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         12:45   task a54420… of scr-api:2 v2: PENDING (wanted RUNNING)
         12:47   task 2f6820… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         12:50   task 2f6820… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         13:00   task a54420… of scr-api:2 v3: RUNNING (wanted RUNNING)
         14:00   task a54420… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         14:00   SERVICE_DEPLOYMENT_FAILED 194550…: ECS deployment circuit breaker: task failed to start.
         14:00   SERVICE_DEPLOYMENT_IN_PROGRESS 133985…: ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1339856393177243846.
         14:07   task a54420… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         14:10   task a54420… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1)
         14:15   SERVICE_DEPLOYMENT_COMPLETED 133985…: ECS deployment ecs-svc/1339856393177243846 completed.
         14:15   SERVICE_STEADY_STATE
         20:00 = ACTIVE 1
         20:00 = PRIMARY 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         20:00 - (service api) has reached a steady state.
         20:00 - (service api) (deployment ecs-svc/1339856393177243846) deployment completed.
         20:00 - (service api) rolling back to deployment ecs-svc/1339856393177243846.
         20:00 - (service api) (deployment ecs-svc/1945507579832142361) deployment failed: tasks failed to start.
         20:00 - (service api) has started 1 task: (task a5442044cb4ef29b8b0abeb28d618e89).
         20:00 - (service api) has started 1 task: (task 2f6820f00eb6e470d24e293735f7879a).
         20:00 - (service api) has started 1 task: (task c1b050c76b29dc0b83099acf8069eb9a).
         20:00 - (service api) has reached a steady state.
         20:00 - (service api) (deployment ecs-svc/1339856393177243846) deployment completed.
         20:00 - (service api) has started 1 task: (task 143bfb30e2d6f5ab882e2ad21b44a8cf).
    "#]].assert_eq(&room.story());
}

#[test]
fn a_cluster_without_room() {
    let mut room = service(1, &json!({}));
    let full = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
    room.service.fill("scr", Some(full));
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    room.pass(45);
    describe(&mut room);
    notes(&mut room, 1);
    room.service.fill("scr", None);
    room.pass(120);
    describe(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   SERVICE_TASK_PLACEMENT_FAILURE RESOURCE:FARGATE
         10:00 UpdateService: ok
         10:30   SERVICE_TASK_PLACEMENT_FAILURE RESOURCE:FARGATE
         10:45 = ACTIVE 1
         10:45 = PRIMARY 194550… scr-api:2 0/1 failed 2 IN_PROGRESS: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:45 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:45 - (service api) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.
         11:00   task 4e05ef… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         11:05   task 4e05ef… of scr-api:2 v2: PENDING (wanted RUNNING)
         11:20   task 4e05ef… of scr-api:2 v3: RUNNING (wanted RUNNING)
         11:20   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         11:27   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         11:30   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         11:35   SERVICE_DEPLOYMENT_COMPLETED 194550…: ECS deployment ecs-svc/1945507579832142361 completed.
         11:35   SERVICE_STEADY_STATE
         12:45 = ACTIVE 1
         12:45 = PRIMARY 194550… scr-api:2 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
    "#]].assert_eq(&room.story());
}

#[test]
fn deleting_a_service_takes_its_tasks_away_first() {
    let mut room = service(1, &json!({}));
    room.say("DeleteService", &json!({ "cluster": "scr", "service": "api" }));
    room.say("DeleteService", &json!({ "cluster": "scr", "service": "api", "force": true }));
    describe(&mut room);
    room.pass(60);
    describe(&mut room);
    update(&mut room, "scr-api:1");
    expect![[r#"
         10:00 DeleteService: InvalidParameterException: The service cannot be stopped while it is scaled above 0.
         10:00   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Service deleted
         10:00 DeleteService: ok
         10:00 = DRAINING 0
         10:00 = PRIMARY 133985… scr-api:1 0/0 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:07   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Service deleted
         10:10   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Service deleted
         11:00 = INACTIVE 0
         11:00 UpdateService: ServiceNotActiveException: Service was not ACTIVE.
    "#]].assert_eq(&room.story());
}

#[test]
fn what_an_update_may_not_do() {
    let mut room = service(1, &json!({}));
    register(&mut room, "scr-api@sha256:better");
    room.say("DeregisterTaskDefinition", &json!({ "taskDefinition": "scr-api:2" }));
    update(&mut room, "scr-api:2");
    update(&mut room, "scr-api:9");
    room.say("UpdateService", &json!({ "cluster": "no", "service": "api" }));
    room.say("UpdateService", &json!({ "cluster": "scr", "service": "no" }));
    let input = json!({
        "cluster": "scr",
        "serviceName": "blue",
        "taskDefinition": "scr-api",
        "deploymentController": { "type": "CODE_DEPLOY" },
        "launchType": "FARGATE",
        "desiredCount": 0,
        "networkConfiguration": crate::scr::network(),
    });
    room.say("CreateService", &input);
    let input = json!({ "cluster": "scr", "service": "blue", "taskDefinition": "scr-api:1" });
    room.say("UpdateService", &input);
    room.needs("UpdateService", &input);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00 DeregisterTaskDefinition: ok
         10:00 UpdateService: ClientException: TaskDefinition is inactive
         10:00 UpdateService: ClientException: TaskDefinition not found.
         10:00 UpdateService: ClusterNotFoundException: Cluster not found.
         10:00 UpdateService: ServiceNotFoundException: Service not found.
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00 CreateService: ok
         10:00 UpdateService: InvalidParameterException: Unable to update task definition on services with a CODE_DEPLOY deployment controller.
         10:00 ecs:UpdateService on arn:aws:ecs:eu-central-1:123456789012:service/scr/blue ecs:cluster=arn:aws:ecs:eu-central-1:123456789012:cluster/scr ecs:task-definition=arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:1
    "#]].assert_eq(&room.story());
}
