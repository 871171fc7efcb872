//! Services that roll out, fail, and return.

use crate::scr::{breaker, deployments, describe, register, service, update, without_tasks};
use expect_test::expect;
use sandbox::ecs::Behaviour;
use serde_json::json;

#[test]
fn a_good_image_replaces_the_one_before() {
    let mut room = service(1, &json!({}));
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    room.pass(25);
    describe(&mut room);
    room.pass(120);
    describe(&mut room);
    update(&mut room, "scr-api:2");
    deployments(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:20   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:25 = ACTIVE 1
         10:25 = PRIMARY 194550… scr-api:2 1/1 failed 0 IN_PROGRESS: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:25 = ACTIVE 133985… scr-api:1 0/0 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:27   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:30   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1945507579832142361)
         10:35   SERVICE_DEPLOYMENT_COMPLETED 194550…: ECS deployment ecs-svc/1945507579832142361 completed.
         10:35   SERVICE_STEADY_STATE
         12:25 = ACTIVE 1
         12:25 = PRIMARY 194550… scr-api:2 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1945507579832142361 completed.
         12:25 UpdateService: ok
         12:25 ~ to 194550…: SUCCESSFUL -
         12:25 ~ to 133985…: SUCCESSFUL -
    "#]].assert_eq(&room.story());
}

#[test]
fn the_breaker_opens_and_rolls_back() {
    let mut room = service(1, &breaker(true));
    room.service.behave("sha256:bad", Behaviour::CrashesAtStart { exit_code: 1 });
    register(&mut room, "scr-api@sha256:bad");
    update(&mut room, "scr-api:2");
    room.pass(62);
    describe(&mut room);
    deployments(&mut room);
    room.pass(300);
    describe(&mut room);
    deployments(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         10:20   task 2f6820… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:25   task c1b050… of scr-api:2 v4: STOPPED (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         10:25   task 2f6820… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:40   task 2f6820… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         10:40   task a54420… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:45   task 2f6820… of scr-api:2 v4: STOPPED (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         10:45   task a54420… of scr-api:2 v2: PENDING (wanted RUNNING)
         11:00   task a54420… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         11:00   SERVICE_DEPLOYMENT_FAILED 194550…: ECS deployment circuit breaker: task failed to start.
         11:00   SERVICE_DEPLOYMENT_IN_PROGRESS 133985…: ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1339856393177243846.
         11:02 = ACTIVE 1
         11:02 = PRIMARY 133985… scr-api:1 1/1 failed 0 IN_PROGRESS: ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1339856393177243846.
         11:02 = ACTIVE 194550… scr-api:2 0/0 failed 3 FAILED: ECS deployment circuit breaker: tasks failed to start.
         11:02 ~ to 194550…: ROLLBACK_IN_PROGRESS Service deployment rolled back because the circuit breaker threshold was exceeded.
         11:02 ~ to 133985…: SUCCESSFUL -
         11:05   task a54420… of scr-api:2 v4: STOPPED (wanted STOPPED) api=1 worker=0 EssentialContainerExited Essential container in task exited
         11:10   SERVICE_DEPLOYMENT_COMPLETED 133985…: ECS deployment ecs-svc/1339856393177243846 completed.
         11:10   SERVICE_STEADY_STATE
         16:02 = ACTIVE 1
         16:02 = PRIMARY 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         16:02 ~ to 194550…: ROLLBACK_SUCCESSFUL Service deployment rolled back because the circuit breaker threshold was exceeded.
         16:02 ~ to 133985…: SUCCESSFUL -
    "#]].assert_eq(&room.story());
}

#[test]
fn the_breaker_opens_and_stays() {
    let mut room = service(1, &breaker(false));
    room.service.behave("sha256:bad", Behaviour::CannotPull);
    register(&mut room, "scr-api@sha256:bad");
    update(&mut room, "scr-api:2");
    room.pass(600);
    describe(&mut room);
    deployments(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00   task c1b050… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task c1b050… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task c1b050… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         10:20   task 2f6820… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:25   task c1b050… of scr-api:2 v4: STOPPED (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         10:25   task 2f6820… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:40   task 2f6820… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         10:40   task a54420… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:45   task 2f6820… of scr-api:2 v4: STOPPED (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         10:45   task a54420… of scr-api:2 v2: PENDING (wanted RUNNING)
         11:00   task a54420… of scr-api:2 v3: DEPROVISIONING (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         11:00   SERVICE_DEPLOYMENT_FAILED 194550…: ECS deployment circuit breaker: task failed to start.
         11:05   task a54420… of scr-api:2 v4: STOPPED (wanted STOPPED) TaskFailedToStart CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref scr-api@sha256:bad: not found
         20:00 = ACTIVE 1
         20:00 = PRIMARY 194550… scr-api:2 0/1 failed 3 FAILED: ECS deployment circuit breaker: tasks failed to start.
         20:00 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         20:00 ~ to 194550…: STOPPED ECS deployment circuit breaker: task failed to start.
         20:00 ~ to 133985…: SUCCESSFUL -
    "#]].assert_eq(&room.story());
}

#[test]
fn without_a_breaker_ecs_never_reports_a_failure() {
    let mut room = service(1, &json!({}));
    room.service.behave("sha256:bad", Behaviour::CrashesAtStart { exit_code: 3 });
    register(&mut room, "scr-api@sha256:bad");
    update(&mut room, "scr-api:2");
    room.pass(3600);
    describe(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00 UpdateService: ok
         12:00   SERVICE_TASK_START_IMPAIRED
         70:00 = ACTIVE 1
         70:00 = PRIMARY 194550… scr-api:2 0/1 failed 12 IN_PROGRESS: ECS deployment ecs-svc/1945507579832142361 in progress.
         70:00 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
    "#]].assert_eq(&without_tasks(&room.story()));
}

#[test]
fn a_first_deployment_has_no_previous_revision() {
    let mut room = service(0, &breaker(true));
    room.service.behave("sha256:bad", Behaviour::CrashesAtStart { exit_code: 1 });
    register(&mut room, "scr-api@sha256:bad");
    let input = json!({
        "cluster": "scr",
        "serviceName": "new",
        "taskDefinition": "scr-api",
        "launchType": "FARGATE",
        "networkConfiguration": crate::scr::network(),
        "deploymentConfiguration": breaker(true)["deploymentConfiguration"],
    });
    room.say("CreateService", &input);
    room.pass(600);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 200726…: ECS deployment ecs-svc/2007264976810944099 in progress.
         10:00 CreateService: ok
         11:00   SERVICE_DEPLOYMENT_FAILED 200726…: ECS deployment circuit breaker: task failed to start.
    "#]].assert_eq(&without_tasks(&room.story()));
}

#[test]
fn a_rollout_can_be_stopped_only_while_it_lasts() {
    let mut room = service(2, &json!({}));
    room.service.behave("sha256:slow", Behaviour::Hangs);
    register(&mut room, "scr-api@sha256:slow");
    update(&mut room, "scr-api:2");
    room.pass(300);
    let arns = deployments(&mut room);
    let stop = |arn: &str| json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" });
    room.say("StopServiceDeployment", &stop(&arns[1]));
    room.say("StopServiceDeployment", &stop(&arns[0]));
    describe(&mut room);
    room.pass(60);
    describe(&mut room);
    deployments(&mut room);
    room.say("StopServiceDeployment", &stop(&arns[0]));
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 203807…: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:00   task d7acc7… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00   task 4aeb2d… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task d7acc7… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:05   task 4aeb2d… of scr-api:2 v2: PENDING (wanted RUNNING)
         15:00 ~ to 203807…: IN_PROGRESS -
         15:00 ~ to 133985…: SUCCESSFUL -
         15:00 StopServiceDeployment: ConflictException: The service deployment cannot be stopped because it is SUCCESSFUL.
         15:00   SERVICE_DEPLOYMENT_IN_PROGRESS 133985…: ECS deployment rolling back to deploymentId ecs-svc/1339856393177243846.
         15:00   task d7acc7… of scr-api:2 v3: PENDING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:00   task 4aeb2d… of scr-api:2 v3: PENDING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:00 StopServiceDeployment: ok
         15:00 = ACTIVE 2
         15:00 = PRIMARY 133985… scr-api:1 2/2 failed 0 IN_PROGRESS: ECS deployment rolling back to deploymentId ecs-svc/1339856393177243846.
         15:00 = ACTIVE 203807… scr-api:2 0/0 failed 0 IN_PROGRESS: ECS deployment ecs-svc/2038076900182350712 in progress.
         15:07   task d7acc7… of scr-api:2 v4: DEPROVISIONING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:07   task 4aeb2d… of scr-api:2 v4: DEPROVISIONING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:10   task d7acc7… of scr-api:2 v5: STOPPED (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:10   task 4aeb2d… of scr-api:2 v5: STOPPED (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1339856393177243846)
         15:15   SERVICE_DEPLOYMENT_COMPLETED 133985…: ECS deployment ecs-svc/1339856393177243846 completed.
         15:15   SERVICE_STEADY_STATE
         16:00 = ACTIVE 2
         16:00 = PRIMARY 133985… scr-api:1 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         16:00 ~ to 203807…: ROLLBACK_SUCCESSFUL Service deployment rolled back because of a stop request.
         16:00 ~ to 133985…: SUCCESSFUL -
         16:00 StopServiceDeployment: ConflictException: The service deployment cannot be stopped because it is ROLLBACK_SUCCESSFUL.
    "#]].assert_eq(&room.story());
}

#[test]
fn an_update_outside_slipway_in_the_middle_replaces_the_rollout() {
    let mut room = service(2, &json!({}));
    register(&mut room, "scr-api@sha256:ours");
    register(&mut room, "scr-api@sha256:theirs");
    update(&mut room, "scr-api:2");
    room.pass(22);
    update(&mut room, "scr-api:3");
    room.pass(1);
    describe(&mut room);
    room.pass(120);
    describe(&mut room);
    deployments(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 203807…: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:00   task d7acc7… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00   task 4aeb2d… of scr-api:2 v1: PROVISIONING (wanted RUNNING)
         10:00 UpdateService: ok
         10:05   task d7acc7… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:05   task 4aeb2d… of scr-api:2 v2: PENDING (wanted RUNNING)
         10:20   task d7acc7… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:20   task 143bfb… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:20   task 4aeb2d… of scr-api:2 v3: RUNNING (wanted RUNNING)
         10:20   task 0c32d7… of scr-api:1 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:22   SERVICE_DEPLOYMENT_IN_PROGRESS 158588…: ECS deployment ecs-svc/1585884724110602095 in progress.
         10:22   task dc49ba… of scr-api:3 v1: PROVISIONING (wanted RUNNING)
         10:22   task 009042… of scr-api:3 v1: PROVISIONING (wanted RUNNING)
         10:22 UpdateService: ok
         10:23 = ACTIVE 2
         10:23 = PRIMARY 158588… scr-api:3 0/2 failed 0 IN_PROGRESS: ECS deployment ecs-svc/1585884724110602095 in progress.
         10:23 = ACTIVE 203807… scr-api:2 2/2 failed 0 IN_PROGRESS: ECS deployment ecs-svc/2038076900182350712 in progress.
         10:23 = ACTIVE 133985… scr-api:1 0/0 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:27   task 143bfb… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:27   task 0c32d7… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:27   task dc49ba… of scr-api:3 v2: PENDING (wanted RUNNING)
         10:27   task 009042… of scr-api:3 v2: PENDING (wanted RUNNING)
         10:30   task 143bfb… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:30   task 0c32d7… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/2038076900182350712)
         10:42   task dc49ba… of scr-api:3 v3: RUNNING (wanted RUNNING)
         10:42   task d7acc7… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:42   task 009042… of scr-api:3 v3: RUNNING (wanted RUNNING)
         10:42   task 4aeb2d… of scr-api:2 v4: RUNNING (wanted STOPPED) ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:49   task d7acc7… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:49   task 4aeb2d… of scr-api:2 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:52   task d7acc7… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:52   task 4aeb2d… of scr-api:2 v6: STOPPED (wanted STOPPED) api=0 worker=0 ServiceSchedulerInitiated Scaling activity initiated by (deployment ecs-svc/1585884724110602095)
         10:57   SERVICE_DEPLOYMENT_COMPLETED 158588…: ECS deployment ecs-svc/1585884724110602095 completed.
         10:57   SERVICE_STEADY_STATE
         12:23 = ACTIVE 2
         12:23 = PRIMARY 158588… scr-api:3 2/2 failed 0 COMPLETED: ECS deployment ecs-svc/1585884724110602095 completed.
         12:23 ~ to 158588…: SUCCESSFUL -
         12:23 ~ to 203807…: STOPPED Service deployment stopped because a newer one was created.
         12:23 ~ to 133985…: SUCCESSFUL -
    "#]].assert_eq(&room.story());
}

#[test]
fn describe_services_may_be_behind() {
    let mut room = service(1, &json!({}));
    room.service.lag(5);
    register(&mut room, "scr-api@sha256:better");
    update(&mut room, "scr-api:2");
    room.pass(4);
    describe(&mut room);
    room.pass(2);
    describe(&mut room);
    expect![[r#"
         10:00 RegisterTaskDefinition: ok
         10:00   SERVICE_DEPLOYMENT_IN_PROGRESS 194550…: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:00 UpdateService: ok
         10:04 = ACTIVE 1
         10:04 = PRIMARY 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
         10:06 = ACTIVE 1
         10:06 = PRIMARY 194550… scr-api:2 0/1 failed 0 IN_PROGRESS: ECS deployment ecs-svc/1945507579832142361 in progress.
         10:06 = ACTIVE 133985… scr-api:1 1/1 failed 0 COMPLETED: ECS deployment ecs-svc/1339856393177243846 completed.
    "#]].assert_eq(&without_tasks(&room.story()));
}
