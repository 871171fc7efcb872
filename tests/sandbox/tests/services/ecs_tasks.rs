//! One-off tasks and task definitions.

use crate::room::Room;
use crate::scr::{network, register};
use expect_test::expect;
use sandbox::ecs::{Ecs, Ending};
use serde_json::{Value, json};

fn cluster() -> Room<Ecs> {
    let mut room = Room::new("ecs", Ecs::new());
    room.service.create_cluster("scr");
    register(&mut room, "scr-api@sha256:good");
    room.story();
    room
}

fn migration(token: &str, command: &str) -> Value {
    json!({
        "cluster": "scr",
        "taskDefinition": "scr-api:1",
        "launchType": "FARGATE",
        "networkConfiguration": network(),
        "startedBy": "slipway/5f1d7a90/scr/staging/1/migrate/1",
        "clientToken": token,
        "overrides": { "containerOverrides": [{ "name": "api", "command": ["bin/migrate", command] }] },
    })
}

#[test]
fn a_migration_ends_as_its_script_says() {
    let mut room = cluster();
    room.service.one_off("", "fails", Ending::Exits { code: 3, seconds: 5 }, None);
    room.service.one_off("", "eats", Ending::OutOfMemory { seconds: 5 }, None);
    room.service.one_off("", "spot", Ending::Interrupted { seconds: 5 }, Some(1));
    let reason = "ResourceInitializationError: unable to pull secrets or registry auth".to_owned();
    room.service.one_off("", "secret", Ending::CannotStart { reason }, None);
    let reason = "RESOURCE:MEMORY".to_owned();
    room.service.one_off("", "room", Ending::Refused { reason }, Some(1));
    for command in ["up", "fails", "eats", "spot", "spot", "secret"] {
        room.line(&format!("--- {command}"));
        room.ask("RunTask", &migration("", command));
        room.pass(60);
    }
    let refused = room.ask("RunTask", &migration("", "room"));
    room.line(&refused.to_string());
    expect![[r#"
        00:00 --- up
        00:00   task 9c7042… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        00:05   task 9c7042… of scr-api:1 v2: PENDING (wanted RUNNING)
        00:20   task 9c7042… of scr-api:1 v3: RUNNING (wanted RUNNING)
        00:28   task 9c7042… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        00:33   task 9c7042… of scr-api:1 v5: STOPPED (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        01:00 --- fails
        01:00   task b21df1… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        01:05   task b21df1… of scr-api:1 v2: PENDING (wanted RUNNING)
        01:20   task b21df1… of scr-api:1 v3: RUNNING (wanted RUNNING)
        01:25   task b21df1… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=3 worker=0 EssentialContainerExited Essential container in task exited
        01:30   task b21df1… of scr-api:1 v5: STOPPED (wanted STOPPED) api=3 worker=0 EssentialContainerExited Essential container in task exited
        02:00 --- eats
        02:00   task 2fd07d… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        02:05   task 2fd07d… of scr-api:1 v2: PENDING (wanted RUNNING)
        02:20   task 2fd07d… of scr-api:1 v3: RUNNING (wanted RUNNING)
        02:25   task 2fd07d… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=137 worker=0 EssentialContainerExited Essential container in task exited
        02:30   task 2fd07d… of scr-api:1 v5: STOPPED (wanted STOPPED) api=137 worker=0 EssentialContainerExited Essential container in task exited
        03:00 --- spot
        03:00   task abcb23… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        03:05   task abcb23… of scr-api:1 v2: PENDING (wanted RUNNING)
        03:20   task abcb23… of scr-api:1 v3: RUNNING (wanted RUNNING)
        03:25   task abcb23… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=143 worker=0 SpotInterruption Your Spot Task was interrupted.
        03:30   task abcb23… of scr-api:1 v5: STOPPED (wanted STOPPED) api=143 worker=0 SpotInterruption Your Spot Task was interrupted.
        04:00 --- spot
        04:00   task 55cc11… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        04:05   task 55cc11… of scr-api:1 v2: PENDING (wanted RUNNING)
        04:20   task 55cc11… of scr-api:1 v3: RUNNING (wanted RUNNING)
        04:28   task 55cc11… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        04:33   task 55cc11… of scr-api:1 v5: STOPPED (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        05:00 --- secret
        05:00   task 8b3edd… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        05:05   task 8b3edd… of scr-api:1 v2: PENDING (wanted RUNNING)
        05:20   task 8b3edd… of scr-api:1 v3: DEPROVISIONING (wanted STOPPED) TaskFailedToStart ResourceInitializationError: unable to pull secrets or registry auth
        05:25   task 8b3edd… of scr-api:1 v4: STOPPED (wanted STOPPED) TaskFailedToStart ResourceInitializationError: unable to pull secrets or registry auth
        06:00 {"failures":[{"arn":"arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:1","reason":"RESOURCE:MEMORY"}],"tasks":[]}
    "#]].assert_eq(&room.story());
}

#[test]
fn what_a_stopped_task_says_of_itself() {
    let mut room = cluster();
    room.service.inject(Some("aws-guardduty-agent-nm40lC"));
    room.ask("RunTask", &migration("", "up"));
    room.pass(60);
    let last = room.told.last().map(|told| format!("{:#}", told.detail));
    expect![[r#"
        {
          "attachments": [
            {
              "details": [
                {
                  "name": "subnetId",
                  "value": "subnet-1"
                },
                {
                  "name": "networkInterfaceId",
                  "value": "eni-f8fcf8a41cd4dedcb"
                },
                {
                  "name": "macAddress",
                  "value": "0a:50:d1:c1:77:81"
                },
                {
                  "name": "privateDnsName",
                  "value": "ip-10-0-0-10.eu-central-1.compute.internal"
                },
                {
                  "name": "privateIPv4Address",
                  "value": "10.0.0.10"
                }
              ],
              "id": "6c1b26ba-a5e8-f387-6532-7ba6cf78e081",
              "status": "DELETED",
              "type": "eni"
            }
          ],
          "attributes": [
            {
              "name": "ecs.cpu-architecture",
              "value": "x86_64"
            }
          ],
          "availabilityZone": "eu-central-1a",
          "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/scr",
          "connectivity": "CONNECTED",
          "connectivityAt": "2026-11-20T10:00:05.000Z",
          "containers": [
            {
              "containerArn": "arn:aws:ecs:eu-central-1:123456789012:container/scr/9c70423078253913200a3450779974e8/b6fc4b23-4802-d192-84cc-a6b1afacc92e",
              "cpu": "0",
              "exitCode": 0,
              "image": "scr-api@sha256:good",
              "imageDigest": "sha256:good",
              "lastStatus": "STOPPED",
              "name": "api",
              "networkInterfaces": [
                {
                  "attachmentId": "6c1b26ba-a5e8-f387-6532-7ba6cf78e081",
                  "privateIpv4Address": "10.0.0.10"
                }
              ],
              "runtimeId": "9c70423078253913200a3450779974e8-0265927825",
              "taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/scr/9c70423078253913200a3450779974e8"
            },
            {
              "containerArn": "arn:aws:ecs:eu-central-1:123456789012:container/scr/9c70423078253913200a3450779974e8/92be578d-4c03-9392-4bd5-0639a282ce80",
              "cpu": "0",
              "exitCode": 0,
              "image": "scr-api@sha256:good",
              "imageDigest": "sha256:good",
              "lastStatus": "STOPPED",
              "name": "worker",
              "networkInterfaces": [
                {
                  "attachmentId": "6c1b26ba-a5e8-f387-6532-7ba6cf78e081",
                  "privateIpv4Address": "10.0.0.10"
                }
              ],
              "runtimeId": "9c70423078253913200a3450779974e8-0265927826",
              "taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/scr/9c70423078253913200a3450779974e8"
            },
            {
              "containerArn": "arn:aws:ecs:eu-central-1:123456789012:container/scr/9c70423078253913200a3450779974e8/fc800f6f-ed2c-1781-0466-925a4f98f453",
              "cpu": "null",
              "exitCode": 137,
              "imageDigest": "sha256:7b2b077cc13f4d5513259d25a8ac47a2712c0d27aeb2f52b64f52e8577765ada",
              "lastStatus": "STOPPED",
              "name": "aws-guardduty-agent-nm40lC",
              "networkInterfaces": [
                {
                  "attachmentId": "6c1b26ba-a5e8-f387-6532-7ba6cf78e081",
                  "privateIpv4Address": "10.0.0.10"
                }
              ],
              "runtimeId": "9c70423078253913200a3450779974e8-0265927827",
              "taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/scr/9c70423078253913200a3450779974e8"
            }
          ],
          "cpu": "256",
          "createdAt": "2026-11-20T10:00:00.000Z",
          "desiredStatus": "STOPPED",
          "enableExecuteCommand": false,
          "ephemeralStorage": {
            "sizeInGiB": 20
          },
          "executionStoppedAt": "2026-11-20T10:00:28.000Z",
          "group": "family:scr-api",
          "lastStatus": "STOPPED",
          "launchType": "FARGATE",
          "memory": "512",
          "overrides": {
            "containerOverrides": [
              {
                "command": [
                  "bin/migrate",
                  "up"
                ],
                "name": "api"
              },
              {
                "name": "worker"
              },
              {
                "environment": [
                  {
                    "name": "AGENT_RUNTIME_ENVIRONMENT",
                    "value": "ecsfargate"
                  }
                ],
                "memory": 128,
                "name": "aws-guardduty-agent-nm40lC"
              }
            ]
          },
          "platformVersion": "1.4.0",
          "pullStartedAt": "2026-11-20T10:00:05.000Z",
          "pullStoppedAt": "2026-11-20T10:00:20.000Z",
          "startedAt": "2026-11-20T10:00:20.000Z",
          "startedBy": "slipway/5f1d7a90/scr/staging/1/migrate/1",
          "stopCode": "EssentialContainerExited",
          "stoppedAt": "2026-11-20T10:00:33.000Z",
          "stoppedReason": "Essential container in task exited",
          "stoppingAt": "2026-11-20T10:00:28.000Z",
          "taskArn": "arn:aws:ecs:eu-central-1:123456789012:task/scr/9c70423078253913200a3450779974e8",
          "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:1",
          "updatedAt": "2026-11-20T10:00:33.000Z",
          "version": 5
        }"#]].assert_eq(&last.unwrap_or_default());
}

#[test]
fn a_client_token_runs_its_task_once() {
    let mut room = cluster();
    let first = room.ask("RunTask", &migration("token-1", "up"))["tasks"][0]["taskArn"].clone();
    let again = room.ask("RunTask", &migration("token-1", "up"))["tasks"][0]["taskArn"].clone();
    room.line(if first == again { "the same task" } else { "another task" });
    room.say("RunTask", &migration("token-1", "down"));
    room.pass(120);
    let short = room.ask("RunTask", &migration("token-1", "up"))["tasks"][0].clone();
    room.line(&format!("{} members", short.as_object().map_or(0, serde_json::Map::len)));
    room.pass(3600);
    let describe = json!({ "cluster": "scr", "tasks": [first] });
    let gone = room.ask("DescribeTasks", &describe)["failures"][0]["reason"].clone();
    room.line(&format!("after an hour: {gone}"));
    room.say("RunTask", &migration("token-1", "down"));
    expect![[r#"
        00:00   task 9c7042… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        00:00 the same task
        00:00 RunTask: ConflictException: The clientToken was used before with other parameters.
        00:05   task 9c7042… of scr-api:1 v2: PENDING (wanted RUNNING)
        00:20   task 9c7042… of scr-api:1 v3: RUNNING (wanted RUNNING)
        00:28   task 9c7042… of scr-api:1 v4: DEPROVISIONING (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        00:33   task 9c7042… of scr-api:1 v5: STOPPED (wanted STOPPED) api=0 worker=0 EssentialContainerExited Essential container in task exited
        02:00 3 members
        62:00 after an hour: "MISSING"
        62:00   task b21df1… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        62:00 RunTask: ok
    "#]]
    .assert_eq(&room.story());
}

#[test]
fn a_person_stops_a_task() {
    let mut room = cluster();
    room.service.one_off("", "", Ending::Hangs, None);
    let task = room.ask("RunTask", &migration("", "up"))["tasks"][0]["taskArn"].clone();
    room.pass(60);
    room.say("StopTask", &json!({ "cluster": "scr", "task": task, "reason": "took too long" }));
    room.pass(60);
    room.say("StopTask", &json!({ "cluster": "scr", "task": "missing" }));
    expect![[r#"
        00:00   task 9c7042… of scr-api:1 v1: PROVISIONING (wanted RUNNING)
        00:05   task 9c7042… of scr-api:1 v2: PENDING (wanted RUNNING)
        00:20   task 9c7042… of scr-api:1 v3: RUNNING (wanted RUNNING)
        01:00   task 9c7042… of scr-api:1 v4: RUNNING (wanted STOPPED) UserInitiated took too long
        01:00 StopTask: ok
        01:07   task 9c7042… of scr-api:1 v5: DEPROVISIONING (wanted STOPPED) api=0 worker=0 UserInitiated took too long
        01:10   task 9c7042… of scr-api:1 v6: STOPPED (wanted STOPPED) api=0 worker=0 UserInitiated took too long
        02:00 StopTask: InvalidParameterException: The referenced task was not found.
    "#]].assert_eq(&room.story());
}

#[test]
fn what_run_task_refuses() {
    let mut room = cluster();
    let refused = [
        ("startedBy", json!("slipway:1")),
        ("propagateTags", json!("SERVICE")),
        ("count", json!(11)),
        ("networkConfiguration", Value::Null),
        ("taskDefinition", json!("scr-web")),
        ("cluster", json!("other")),
        ("capacityProviderStrategy", json!([{ "capacityProvider": "FARGATE_SPOT" }])),
        ("overrides", json!({ "containerOverrides": [{ "name": "web" }] })),
    ];
    for (member, value) in refused {
        let mut input = migration("", "up");
        input[member] = value;
        if input[member].is_null() {
            input.as_object_mut().map(|input| input.remove(member));
        }
        room.say("RunTask", &input);
    }
    let mut input = migration("", "up");
    input["tags"] = json!([{ "key": "app", "value": "scr" }]);
    room.needs("RunTask", &input);
    expect![[r#"
        00:00 RunTask: InvalidParameterException: Invalid identifier: startedBy has up to 128 letters, numbers, hyphens, forward slashes and underscores.
        00:00 RunTask: InvalidParameterException: Invalid value for propagateTags: SERVICE is not supported.
        00:00 RunTask: InvalidParameterException: Tasks cannot be started: count must be between 1 and 10.
        00:00 RunTask: InvalidParameterException: Network Configuration must be provided when networkMode 'awsvpc' is specified.
        00:00 RunTask: ClientException: TaskDefinition not found.
        00:00 RunTask: ClusterNotFoundException: Cluster not found.
        00:00 RunTask: InvalidParameterException: Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.
        00:00 RunTask: InvalidParameterException: Override for container named web is not a container in the TaskDefinition.
        00:00 ecs:RunTask on arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:1 ecs:cluster=arn:aws:ecs:eu-central-1:123456789012:cluster/scr
        00:00 iam:PassRole on arn:aws:iam::123456789012:role/scr-task iam:PassedToService=ecs-tasks.amazonaws.com
        00:00 iam:PassRole on arn:aws:iam::123456789012:role/scr-execution iam:PassedToService=ecs-tasks.amazonaws.com
        00:00 ecs:TagResource on arn:aws:ecs:eu-central-1:123456789012:task/scr/* ecs:CreateAction=RunTask
    "#]].assert_eq(&room.story());
}

#[test]
fn definitions_keep_unknown_fields() {
    let mut room = cluster();
    let input = json!({
        "family": "scr-worker",
        "containerDefinitions": [{ "name": "a", "image": "x", "memory": 1, "invention": { "of": 2030 } }],
        "tags": [{ "key": "app", "value": "scr" }],
        "brandNew": [1, null],
    });
    room.say("RegisterTaskDefinition", &input);
    room.say("RegisterTaskDefinition", &input);
    room.say("DeregisterTaskDefinition", &json!({ "taskDefinition": "scr-worker:2" }));
    let describe = json!({ "taskDefinition": "scr-worker", "include": ["TAGS"] });
    let answer = room.ask("DescribeTaskDefinition", &describe);
    room.line(&format!("{answer:#}"));
    let gone = room.ask("DescribeTaskDefinition", &json!({ "taskDefinition": "scr-worker:2" }));
    room.line(&gone["taskDefinition"]["status"].to_string());
    for wrong in [
        json!({ "family": "a b", "containerDefinitions": [] }),
        json!({ "family": "a", "containerDefinitions": [] }),
        json!({ "family": "a", "containerDefinitions": [{ "name": "a", "image": "", "memory": 1 }] }),
        json!({ "family": "a", "containerDefinitions": [{ "name": "a", "image": "x" }] }),
        json!({
            "family": "a",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{ "name": "a", "image": "x", "memory": 1 }],
        }),
    ] {
        room.say("RegisterTaskDefinition", &wrong);
    }
    room.needs("RegisterTaskDefinition", &input);
    expect![[r#"
        00:00 RegisterTaskDefinition: ok
        00:00 RegisterTaskDefinition: ok
        00:00 DeregisterTaskDefinition: ok
        00:00 {
          "tags": [
            {
              "key": "app",
              "value": "scr"
            }
          ],
          "taskDefinition": {
            "brandNew": [
              1,
              null
            ],
            "compatibilities": [
              "EC2"
            ],
            "containerDefinitions": [
              {
                "cpu": 0,
                "environment": [],
                "essential": true,
                "image": "x",
                "invention": {
                  "of": 2030
                },
                "memory": 1,
                "mountPoints": [],
                "name": "a",
                "portMappings": [],
                "systemControls": [],
                "volumesFrom": []
              }
            ],
            "family": "scr-worker",
            "placementConstraints": [],
            "registeredAt": 1795168800.0,
            "registeredBy": "arn:aws:sts::123456789012:assumed-role/person/person",
            "requiresAttributes": [
              {
                "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"
              }
            ],
            "revision": 1,
            "status": "ACTIVE",
            "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-worker:1",
            "volumes": []
          }
        }
        00:00 "INACTIVE"
        00:00 RegisterTaskDefinition: ClientException: Family contains invalid characters.
        00:00 RegisterTaskDefinition: ClientException: Container list cannot be empty.
        00:00 RegisterTaskDefinition: ClientException: Container.image should not be null or empty.
        00:00 RegisterTaskDefinition: ClientException: Invalid setting for container 'a'. At least one of 'memory' or 'memoryReservation' must be specified.
        00:00 RegisterTaskDefinition: ClientException: Fargate only supports network mode 'awsvpc'.
        00:00 ecs:RegisterTaskDefinition on arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-worker:*
        00:00 ecs:TagResource on arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-worker:* ecs:CreateAction=RegisterTaskDefinition
    "#]].assert_eq(&room.story());
}
