//! A person wants to know what a deployment would do, and does not want it done.

use crate::{STAGING, pretty, register_outside_slipway, scr, sound, start_from_newest};
use expect_test::{Expect, expect};
use scenarios::Team;
use serde_json::{Value, json};

const PRODUCTION: &str = "scr/production";

async fn plan(team: &mut Team, wish: Value) -> Value {
    let before = team.sandbox.table_items();
    let answer = team.ask("deploy", wish).await.unwrap();
    assert_eq!(team.sandbox.table_items(), before);
    answer
}

fn check(answer: &Value, expected: &Expect) {
    expected.assert_eq(&pretty(&answer["plan"]));
}

fn to_production() -> Value {
    json!({"application": "scr", "environment": "production", "from": "staging", "confirm": "DEPLOY", "by": "ann", "dry_run": true})
}

#[tokio::test]
async fn a_plan_shows_what_each_task_definition_would_say_otherwise() {
    let mut team = scr().await;
    start_from_newest(&mut team, "scr-web-production").await;
    // Terraform has made a newer one since.
    register_outside_slipway(&team, "scr-web-production", |newer| {
        newer["cpu"] = "512".into();
        newer["containerDefinitions"][0]["environment"] = json!([{"name": "PORT", "value": "8080"}, {"name": "SESSION_SECRET", "value": "hunter2"}]);
    });
    let answer = plan(&mut team, to_production()).await;
    check(
        &answer,
        &expect![[r#"
            {
              "changes": {
                "scr-ai-gateway-production": [
                  "scr-ai-gateway-production:1 -> a new revision",
                  "gateway.image: scr-ai-gateway:before -> scr-ai-gateway@43750959c72a"
                ],
                "scr-api-production": [
                  "scr-api-production:1 -> a new revision",
                  "api.image: scr-api:before -> scr-api@3885562a5020"
                ],
                "scr-web-production": [
                  "scr-web-production:1 -> a new revision",
                  "web.environment[PORT]: nothing -> 8080",
                  "web.environment[SESSION_SECRET]: appears; its value is not shown",
                  "web.environment[LOG_LEVEL]: info -> nothing",
                  "web.image: scr-web:before -> scr-web@1106a5035ea4",
                  "tags: [{\"key\":\"team\",\"value\":\"scr\"}] -> nothing"
                ]
              },
              "environment": "scr/production",
              "from": "current revisions",
              "images": [
                "api: 3885562a5020",
                "gateway: 43750959c72a",
                "web: 1106a5035ea4"
              ],
              "steps": [
                "run the pre-flight checks and register the new task definitions",
                "run the migration: poetry run alembic upgrade head",
                "update scr-api-production",
                "update scr-ai-gateway-production",
                "update scr-web-production",
                "check https://api.scr-platform.com/health",
                "check https://scr-platform.com/",
                "watch the alarms for 10m"
              ],
              "to": "0a1b2c3",
              "warnings": [
                "scr-web-production runs scr-web-production:1, and its new revision starts from scr-web-production:2, which is newer"
              ]
            }
        "#]],
    );
    sound(&team);
}

#[tokio::test]
async fn a_plan_says_all_at_once_what_would_stop_it() {
    let mut team = scr().await;
    start_from_newest(&mut team, "scr-ai-gateway-production").await;
    let now = team.sandbox.now();
    let token = team.sandbox.account().services.secrets.put("token", "a value", now);
    team.sandbox.account().services.ssm.put_parameter("/scr/production/host");
    register_outside_slipway(&team, "scr-ai-gateway-production", |newer| {
        newer["taskRoleArn"] = "arn:aws:iam::123456789012:role/admin".into();
        let gateway = &mut newer["containerDefinitions"][0];
        gateway["logConfiguration"]["options"]["awslogs-group"] = "/ecs/gateway".into();
        let key = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf:api::";
        gateway["secrets"] = json!([
            {"name": "KEY", "valueFrom": key},
            {"name": "URL", "valueFrom": "/scr/production/url"},
            {"name": "TOKEN", "valueFrom": token},
            {"name": "HOST", "valueFrom": "/scr/production/host"},
        ]);
    });
    team.person(
        "ecs",
        "DeleteService",
        json!({"cluster": "scr-production", "service": "scr-web-production", "force": true}),
    )
    .unwrap();
    let digest = team.digest("scr-api", "0a1b2c3").unwrap();
    team.sandbox.at_desk("ecr", |services, desk| services.ecr.delete("scr-api", &digest, desk));
    let answer = plan(&mut team, to_production()).await;
    check(
        &answer,
        &expect![[r#"
            {
              "changes": {
                "scr-ai-gateway-production": [
                  "scr-ai-gateway-production:1 -> a new revision",
                  "gateway.image: scr-ai-gateway:before -> scr-ai-gateway@43750959c72a",
                  "gateway.logConfiguration.options.awslogs-group: /ecs/scr-ai-gateway-production -> /ecs/gateway",
                  "gateway.secrets[KEY]: nothing -> arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf:api::",
                  "gateway.secrets[URL]: nothing -> /scr/production/url",
                  "gateway.secrets[TOKEN]: nothing -> arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-3c469e",
                  "gateway.secrets[HOST]: nothing -> /scr/production/host",
                  "taskRoleArn: arn:aws:iam::123456789012:role/team-task -> arn:aws:iam::123456789012:role/admin",
                  "tags: [{\"key\":\"team\",\"value\":\"scr\"}] -> nothing"
                ],
                "scr-api-production": [
                  "scr-api-production:1 -> a new revision",
                  "api.image: scr-api:before -> scr-api@3885562a5020"
                ],
                "scr-web-production": [
                  "scr-web-production:1 -> a new revision",
                  "web.image: scr-web:before -> scr-web@1106a5035ea4"
                ]
              },
              "environment": "scr/production",
              "from": "current revisions",
              "images": [
                "api: 3885562a5020",
                "gateway: 43750959c72a",
                "web: 1106a5035ea4"
              ],
              "steps": [
                "run the pre-flight checks and register the new task definitions",
                "run the migration: poetry run alembic upgrade head",
                "update scr-api-production",
                "update scr-ai-gateway-production",
                "update scr-web-production",
                "check https://api.scr-platform.com/health",
                "check https://scr-platform.com/",
                "watch the alarms for 10m"
              ],
              "to": "0a1b2c3",
              "warnings": [
                "scr-web-production runs no task (its desired count is 0), so it cannot show that a release works",
                "scr-ai-gateway-production runs scr-ai-gateway-production:1, and its new revision starts from scr-ai-gateway-production:2, which is newer"
              ],
              "would_fail": [
                "scr-web-production is being deleted; wait until it is gone, or remove it from the spec",
                "scr-api@sha256:3885562a5020bb426c2ddf7cde973054a92a3911f6b78c0ebdb5d55066a0fee5 is not in ECR; push it again, or deploy another release",
                "Slipway may not pass arn:aws:iam::123456789012:role/admin (a role of scr-ai-gateway-production) to ECS; add it to TaskRoleArns of its stack",
                "scr-ai-gateway-production: there is no secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf, so no task can start; create it, or correct the task definition",
                "scr-ai-gateway-production: there is no parameter /scr/production/url, so no task can start; create it, or correct the task definition",
                "scr-ai-gateway-production: there is no log group /ecs/gateway, so no task can start; create it, or correct the task definition"
              ]
            }
        "#]],
    );
    assert!(team.deployment(PRODUCTION, 1).is_none());
    sound(&team);
}

#[tokio::test]
async fn a_request_that_has_to_wait_is_planned_nevertheless() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "rolling out").await.unwrap();
    let wish = json!({"application": "scr", "environment": "staging", "version": "0a1b2c3", "skip_migration": true, "by": "ann", "dry_run": true});
    let answer = plan(&mut team, wish).await;
    expect![[r#"
        {
          "accepted": true,
          "answer_would_be": "queued: deployment 2 is in progress",
          "dry_run": "nothing was done",
          "plan": {
            "changes": {
              "scr-ai-gateway": [
                "scr-ai-gateway:2, unchanged"
              ],
              "scr-api": [
                "scr-api:2, unchanged"
              ],
              "scr-web": [
                "scr-web:2, unchanged"
              ]
            },
            "environment": "scr/staging",
            "from": "0a1b2c3",
            "images": [
              "api: 3885562a5020 stays",
              "gateway: 43750959c72a stays",
              "web: 1106a5035ea4 stays"
            ],
            "steps": [
              "run the pre-flight checks and register the new task definitions",
              "skip the migration, as requested: poetry run alembic upgrade head is not run",
              "update scr-api",
              "update scr-ai-gateway",
              "update scr-web",
              "check https://api.staging.scr-platform.com/health",
              "check https://staging.scr-platform.com/",
              "watch the alarms for 5m"
            ],
            "to": "0a1b2c3",
            "warnings": [
              "these are the changes from the current revisions; deployment 2 is in progress and comes first"
            ]
          },
          "to_do_it": {
            "application": "scr",
            "by": "ann",
            "environment": "staging",
            "skip_migration": true,
            "version": "0a1b2c3"
          }
        }
    "#]]
    .assert_eq(&pretty(&answer));
}

#[tokio::test]
async fn a_plan_for_hosts_says_which_and_what() {
    let mut team = Team::start("faceplate").await.unwrap();
    team.push_all("main-0a1b2c3", "before").unwrap();
    team.until_ended("faceplate/prod", 1).await.unwrap();
    let wish = json!({"application": "faceplate", "environment": "prod", "version": "main-0a1b2c3", "fresh": true, "by": "ann", "dry_run": true});
    let answer = plan(&mut team, wish).await;
    check(
        &answer,
        &expect![[r#"
            {
              "changes": {
                "faceplate": [
                  "on i-0prod1",
                  "image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:80be2a81e70a79452927951b0a477dd1ee8f4cb7c2d17fd61f70280dac41bf17",
                  "ports: 8000:8000",
                  "env_file: /etc/faceplate.env"
                ]
              },
              "environment": "faceplate/prod",
              "fresh": "every service gets a new container, changed or not",
              "from": "main-0a1b2c3",
              "images": [
                "app: 80be2a81e70a stays"
              ],
              "steps": [
                "run the pre-flight checks and store how to run each container",
                "run the migration: /opt/faceplate/scripts/migrate.sh",
                "update faceplate",
                "check https://shifter.example.com/health",
                "watch the alarms for 10m"
              ],
              "to": "main-0a1b2c3"
            }
        "#]],
    );
    sound(&team);
}

#[tokio::test]
async fn an_update_outside_slipway_is_reported_in_the_plan_and_in_the_deployment() {
    let mut team = scr().await;
    for memory in ["2048", "4096"] {
        register_outside_slipway(&team, "scr-web", |newer| newer["memory"] = memory.into());
    }
    let update =
        json!({"cluster": "scr-staging", "service": "scr-web", "taskDefinition": "scr-web:3"});
    team.person("ecs", "UpdateService", update).unwrap();
    team.sandbox.run_for(300).await.unwrap();
    let wish = json!({"application": "scr", "environment": "staging", "version": "0a1b2c3", "fresh": true, "by": "ann", "dry_run": true});
    let answer = plan(&mut team, wish).await;
    expect![[r#"
        [
          "scr-web runs scr-web:3, and its new revision starts from it, not from the newer scr-web:4; give the service base: latest to start from that",
          "scr-web runs scr-web:3, but deployment 1 left it on scr-web:2"
        ]
    "#]].assert_eq(&pretty(&answer["plan"]["warnings"]));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    crate::check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:3 -> scr-web:5.
                0:00 Warning: scr-web runs scr-web:3, but deployment 1 left it on scr-web:2.
                0:00 The migration runs as task 8f5a4c5186f7bf399674a6c858b7ffa5.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:5.
                2:19 https://api.staging.scr-platform.com/health answers as expected (attempt 1).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:19 Watching alarms and tasks for 5m.
                7:19 Ended: succeeded.
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn rules_that_delete_what_a_rollback_needs_are_shown_in_every_plan() {
    let team = &mut scr().await;
    let policy = json!({"rules": [{
        "rulePriority": 1, "action": {"type": "expire"},
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
    }]});
    team.sandbox.account().services.ecr.put_lifecycle("scr-web", &policy);
    let answer = team.ask("configure", json!({"spec": team.system.text})).await.unwrap();
    expect![[r#"
        [
          "images.web: scr-web: its lifecycle rule 1 (imageCountMoreThan 10) may delete an image that a rollback needs; put a rule before it that selects tagPatternList [\"slipway-keep-*\"] and expires them by imageCountMoreThan, 1000 or more"
        ]
    "#]].assert_eq(&pretty(&answer["warnings"]));
    let answer = plan(team, to_production()).await;
    expect![[r#"
        [
          "scr-web: its lifecycle rule 1 (imageCountMoreThan 10) may delete an image that a rollback needs; put a rule before it that selects tagPatternList [\"slipway-keep-*\"] and expires them by imageCountMoreThan, 1000 or more"
        ]
    "#]].assert_eq(&pretty(&answer["plan"]["warnings"]));
    sound(team);
}
