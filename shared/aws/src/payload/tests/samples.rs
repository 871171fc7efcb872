//! Every sample of the project, and what becomes of it.

use super::{NOW, outcome, show_alarms, show_ecs, show_push, table};
use crate::payload::{command_news, ecs_news, push};
use expect_test::expect;
use serde_json::Value;

#[test]
fn every_event_of_ecr_is_a_push_or_none_of_our_business() {
    let table = table(&["ecr-", "ci-"], |payload| outcome(push(payload, NOW), show_push));
    expect![[r#"
        ecr-delete                               not for us: DELETE in scr-api: SUCCESS
        ecr-pull-through-cache                   not for us: ECR Pull Through Cache Action
        ecr-push-failed                          not for us: PUSH in scr-api: FAILURE
        ecr-push-index-child-empty-tag           scr-web no tag 2bf27078aabe at 2026-11-21T09:00:38Z application/vnd.oci.image.config.v1+json
        ecr-push-index-child-no-tag              scr-web no tag 168b0cf67cc4 at 2026-11-21T09:00:39Z application/vnd.in-toto+json
        ecr-push-keep-tag                        not for us: Slipway's own tag slipway-keep-scr.staging.17
        ecr-push-semver                          scr-api v1.4.0 1e434f08c210 at 2026-11-21T11:30:02Z application/vnd.oci.image.config.v1+json
        ecr-push-signature                       scr-api sha256-1e434f08c210f5f307505537abee3cf7cf0fb984e020e96270267dd058e46f8c.sig 5d55da39858d at 2026-11-21T09:00:20Z application/vnd.dev.cosign.artifact.sig.v1+json
        ecr-push-tagged-index                    scr-web 3f2a9c1d7b60 e15a4c0a862d at 2026-11-21T09:00:40Z
        ecr-push-tagged                          scr-api 3f2a9c1d7b60 1e434f08c210 at 2026-11-21T09:00:12Z application/vnd.oci.image.config.v1+json
        ecr-push-without-media-types             scr-api 3f2a9c1d7b60 1e434f08c210 at 2026-11-21T09:00:12Z
        ecr-replication-failed                   not for us: REPLICATE in scr-api: FAILED
        ecr-replication-success                  scr-api 3f2a9c1d7b60 1e434f08c210 at 2026-11-21T09:02:31Z
        ecr-scan                                 not for us: ECR Image Scan
        ecr-storage-class                        not for us: UPDATE_STORAGE_CLASS in scr-api: SUCCESS
    "#]].assert_eq(&table);
}

#[test]
fn every_event_of_ecs_says_what_to_look_at() {
    let table = table(&["ecs-"], |payload| outcome(ecs_news(payload), show_ecs));
    expect![[r#"
        ecs-deployment-breaker-going-back        look at scr-staging/scr-api
        ecs-deployment-breaker-went-back         look at scr-staging/scr-api
        ecs-deployment-completed                 look at scr-staging/scr-api
        ecs-deployment-failed                    look at scr-staging/scr-api
        ecs-deployment-in-progress               look at scr-staging/scr-api
        ecs-service-deployment-failed            look at scr-staging/scr-api
        ecs-service-desired-count                look at scr-staging/scr-api
        ecs-service-placement-failure            look at scr-staging/scr-api
        ecs-service-start-impaired               look at scr-staging/scr-api
        ecs-service-steady-state                 look at scr-staging/scr-api
        ecs-task-one-off-cannot-pull             5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/10b7e34748f4c83539fd9a91b19898b3"), end: Some(OneOffEnd { exit_code: None, stop: Stop { code: Some("TaskFailedToStart"), reason: "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:1e434f08c210f5f307505537abee3cf7cf0fb984e020e96270267dd058e46f8c: not found" }, reason: None, beside: None }) }
        ecs-task-one-off-exit-0-guardduty        5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/0de025cce051d860ab0a920bc3dee521"), end: Some(OneOffEnd { exit_code: Some(0), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: None, beside: None }) }
        ecs-task-one-off-exit-0                  5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/c2f30147b0896994f152fb3eaa751fde"), end: Some(OneOffEnd { exit_code: Some(0), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: None, beside: None }) }
        ecs-task-one-off-exit-1                  5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/b8d1ddb89a8cf8c5fed434b6f5780721"), end: Some(OneOffEnd { exit_code: Some(1), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: None, beside: None }) }
        ecs-task-one-off-no-secret               5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/aa8fcd33ac3132c4770b8b2d10a3da3e"), end: Some(OneOffEnd { exit_code: None, stop: Stop { code: Some("TaskFailedToStart"), reason: "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: AccessDeniedException" }, reason: None, beside: None }) }
        ecs-task-one-off-out-of-memory           5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/8fb32214cf8460fce3f32c8beae80caa"), end: Some(OneOffEnd { exit_code: Some(137), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: Some("OutOfMemoryError: Container killed due to memory usage"), beside: None }) }
        ecs-task-one-off-running                 not for us: slipway/5f1d7a90/scr/staging/17/migrate/1 has not stopped
        ecs-task-one-off-spot                    5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/605010743d0da63b544589aa83d24518"), end: Some(OneOffEnd { exit_code: Some(143), stop: Stop { code: Some("SpotInterruption"), reason: "Your Spot Task was interrupted." }, reason: None, beside: None }) }
        ecs-task-one-off-stopped-by-person       5f1d7a90 scr/staging/17 OneOffReported { purpose: Migrate, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/2a40e799506a9ff8edb9ece4f5bc7b5a"), end: Some(OneOffEnd { exit_code: Some(137), stop: Stop { code: Some("UserInitiated"), reason: "Task stopped by user" }, reason: None, beside: None }) }
        ecs-task-pending                         not for us: a task of scr-api that has not stopped
        ecs-task-running-family                  not for us: a task of family:scr-cron, not started by Slipway
        ecs-task-running-guardduty               not for us: a task of scr-api that has not stopped
        ecs-task-running                         not for us: a task of scr-api that has not stopped
        ecs-task-sidecar-died                    scr-staging/scr-api scr-api:42 runs [api no code; worker 1, not essential]
        ecs-task-sidecar-never-started           scr-staging/scr-api scr-api:42 runs [api no code; worker no code, not essential CannotStartContainerError: failed to create shim task]
        ecs-task-stopped-cannot-pull             scr-staging/scr-api scr-api:42 stopped, TaskFailedToStart: CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scr-api@sha256:1e434f08c210f5f307505537abee3cf7cf0fb984e020e96270267dd058e46f8c: not found [api no code]
        ecs-task-stopped-crash-guardduty         scr-staging/scr-api scr-api:42 stopped, EssentialContainerExited: Essential container in task exited [api 1]
        ecs-task-stopped-crash                   scr-staging/scr-api scr-api:42 stopped, EssentialContainerExited: Essential container in task exited [api 1]
        ecs-task-stopped-foreign-one-off         not for us: a task of family:scr-cron, not started by Slipway
        ecs-task-stopped-health-check            scr-staging/scr-api scr-api:42 stopped, ServiceSchedulerInitiated: Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/scr-api/5c0f1d2e3a4b5c6d) [api 143]
        ecs-task-stopped-scale-in                scr-staging/scr-api scr-api:41 stopped, ServiceSchedulerInitiated: Scaling activity initiated by (deployment ecs-svc/7719420038865510243) [api 0]
        ecs-task-stopped-spot                    scr-staging/scr-api scr-api:42 stopped, SpotInterruption: Your Spot Task was interrupted. [api 143]
        ecs-task-undo-exit-0                     5f1d7a90 scr/staging/17 OneOffReported { purpose: Undo, attempt: 1, task: TaskId("arn:aws:ecs:eu-central-1:123456789012:task/scr-staging/2e63220b1c1cb00c375d6adc003e61d9"), end: Some(OneOffEnd { exit_code: Some(0), stop: Stop { code: Some("EssentialContainerExited"), reason: "Essential container in task exited" }, reason: None, beside: None }) }
    "#]].assert_eq(&table);
}

/// How a command ended is asked, so that its id is all that is wanted.
#[test]
fn every_event_of_run_commands_names_a_command_that_is_over() {
    let table = table(&["ssm-"], |payload| match command_news(payload) {
        Some(heard) => outcome(heard, |command| format!("ask about {command}")),
        None => "another kind".to_owned(),
    });
    expect![[r#"
        ssm-command-back-timed-out               ask about 5d4e3f2a-1b0c-4d9e-8f7a-6b5c4d3e2f1a
        ssm-command-look                         ask about 0d1e2f3a-4b5c-4d6e-8f70-8192a3b4c5d6
        ssm-command-migrate-failed               ask about c0ffee00-1a2b-4c3d-8e4f-5a6b7c8d9e0f
        ssm-command-of-somebody-else             ask about 1e2f3a4b-5c6d-4e7f-8091-92a3b4c5d6e7
        ssm-command-rollout-failed               ask about 8b2d7c41-0f9e-4a6b-8d3c-5e6f7a8b9c0d
        ssm-command-rollout-in-progress          not for us: command 3f1c9a52-6d0e-4b7a-9c55-0e1d2f3a4b5c is InProgress
        ssm-command-rollout-success              ask about 3f1c9a52-6d0e-4b7a-9c55-0e1d2f3a4b5c
        ssm-command-windows                      not for us: a command of AWS-RunPowerShellScript
        ssm-invocation-delivery-timed-out        ask about 5d4e3f2a-1b0c-4d9e-8f7a-6b5c4d3e2f1a
        ssm-invocation-success                   ask about 3f1c9a52-6d0e-4b7a-9c55-0e1d2f3a4b5c
    "#]].assert_eq(&table);
    let tick = serde_json::json!({"detail-type": "Scheduled Event"});
    assert!(command_news(&tick).is_none());
}

#[test]
fn every_alarm_is_read_whichever_way_it_came() {
    expect![[r#"
        alarm-anomaly                            scr-staging-p99 On since 2026-11-21T09:11:20Z
        alarm-by-sns                             scr-staging-5xx On since 2026-11-21T09:11:20Z
        alarm-composite-suppressed               scr-staging-health On muted since 2026-11-21T09:11:20Z
        alarm-composite                          scr-staging-health On since 2026-11-21T09:11:20Z
        alarm-insufficient-data                  scr-staging-5xx NoData since 2026-11-21T09:11:20Z
        alarm-lambda-action                      scr-staging-5xx On since 2026-11-21T09:11:20Z
        alarm-math                               scr-staging-error-rate On since 2026-11-21T09:11:20Z
        alarm-metric-ok                          scr-staging-5xx Quiet since 2026-11-21T09:11:20Z
        alarm-metric                             scr-staging-5xx On since 2026-11-21T09:11:20Z
        alarm-muted                              scr-staging-5xx On muted since 2026-11-21T09:11:20Z
    "#]].assert_eq(&table(&["alarm-"], show_alarms));
}

#[test]
fn no_function_accepts_the_payload_of_another() {
    let read = |payload: &Value| {
        let outcomes = [
            outcome(push(payload, NOW), show_push),
            outcome(ecs_news(payload), show_ecs),
            show_alarms(payload),
        ];
        outcomes.map(|outcome| format!("\n  {outcome}")).concat()
    };
    expect![[r#"
        console-rollback                         
          Unreadable: `digest` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
          Unreadable: `detail-type` is missing; this function takes ECS events from EventBridge
          Unreadable: `detail-type`, `alarmData` and `Records` are all missing; this function takes alarms from EventBridge, as an alarm's own action, or through SNS
        schedule-tick                            
          not for us: Scheduled Event
          not for us: Scheduled Event
          not for us: Scheduled Event
        sqs-timers                               
          Unreadable: `digest` is missing; report a push like this: {"repository": "scr-api", "tag": "3f2a9c1", "digest": "sha256:…"}
          Unreadable: `detail-type` is missing; this function takes ECS events from EventBridge
          Unreadable: `Sns.Message` is missing; it should be a text
    "#]].assert_eq(&table(&["sched", "console-rollback.", "sqs-timers"], read));
}
