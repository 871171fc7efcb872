//! Unreadable input is kept and counted, and affects nothing else.

use crate::{STAGING, check, scr};
use expect_test::expect;
use sandbox::service::Emission;
use scenarios::Team;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Each worker, and the bit of a deployment that goes wrong and back in which it has work.
const WORKERS: [&str; 6] = ["Wake", "Rollout", "Migrate", "Verify", "Rollback", "Notify"];

#[tokio::test]
async fn an_unreadable_message_does_not_fail_its_batch() {
    let mut team = scr().await;
    team.web.answers("https://api.staging.scr-platform.com/health", &[500]);
    team.push_all("3f2a9c1", "bad").unwrap();
    for worker in WORKERS {
        let queue = format!("{worker}Queue");
        let now = |team: &mut Team| {
            let now = team.sandbox.now();
            let messages = team.sandbox.account().services.sqs.messages(&queue);
            messages.iter().any(|message| message.visible_at <= now)
        };
        team.until(3600, now).await.unwrap();
        team.write_to(&queue, &format!("{{\"for\": \"{worker}\"")).unwrap();
    }
    let ended = |team: &mut Team| team.deployment(STAGING, 2).unwrap().verdict().is_some();
    team.until(3600, ended).await.unwrap();
    // Five times at intervals of six minutes, and then they are kept.
    team.until(3600, |team| team.sandbox.dead_letters().len() == WORKERS.len()).await.unwrap();
    let kept: BTreeMap<String, String> = team.sandbox.dead_letters().into_iter().collect();
    for worker in WORKERS {
        assert_eq!(kept[&format!("{worker}DeadLetters")], format!("{{\"for\": \"{worker}\""));
        assert_eq!(counted(&team, worker), 5, "{worker}");
    }
    check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:33 The migration succeeded (exit code 0).
                0:33 Updating scr-api.
                1:08 scr-api is stable on scr-api:3.
                1:08 Updating scr-ai-gateway.
                1:43 scr-ai-gateway is stable on scr-ai-gateway:3.
                1:43 Updating scr-web.
                2:19 scr-web is stable on scr-web:3.
                2:19 https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 5).
                2:19 https://staging.scr-platform.com/ answers as expected (attempt 1).
                2:59 https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500 (attempt 5 of 5).
                2:59 Rolling back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
                2:59 The migration is not undone: the previous release runs on the new schema.
                2:59 Rolling scr-web back to scr-web:2.
                3:34 scr-web is rolled back.
                3:34 Rolling scr-ai-gateway back to scr-ai-gateway:2.
                4:09 scr-ai-gateway is rolled back.
                4:09 Rolling scr-api back to scr-api:2.
                4:45 scr-api is rolled back.
                5:30 Ended: rolled back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: rolling back 3f2a9c1
              scr/staging: 3f2a9c1 was rolled back
            left over
              MigrateDeadLetters holds 1
              NotifyDeadLetters holds 1
              RollbackDeadLetters holds 1
              RolloutDeadLetters holds 1
              VerifyDeadLetters holds 1
              WakeDeadLetters holds 1
              MigrateDeadLetters: {"for": "Migrate"
              NotifyDeadLetters: {"for": "Notify"
              RollbackDeadLetters: {"for": "Rollback"
              RolloutDeadLetters: {"for": "Rollout"
              VerifyDeadLetters: {"for": "Verify"
              WakeDeadLetters: {"for": "Wake"
        "#]],
    );
}

/// How often a function counted something that it could not read.
fn counted(team: &Team, function: &str) -> usize {
    let lines = team.sandbox.logs(function);
    let counts = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    counts.filter(|line| line["Unreadable"] == 1).count()
}

#[tokio::test]
async fn an_unreadable_event_is_kept_and_counted() {
    let mut team = Team::start("scr").await.unwrap();
    let events = [
        (
            "ImagePushed",
            "aws.ecr",
            "ECR Image Action",
            json!({"action-type": "PUSH", "result": "SUCCESS", "image-tag": "3f2a9c1"}),
        ),
        (
            "AlarmChanged",
            "aws.cloudwatch",
            "CloudWatch Alarm State Change",
            json!({"state": {"value": "ALARM"}}),
        ),
        (
            "EcsChanged",
            "aws.ecs",
            "ECS Deployment State Change",
            json!({"eventName": "SERVICE_DEPLOYMENT_COMPLETED"}),
        ),
    ];
    for (_, source, detail_type, detail) in &events {
        team.sandbox.emit(&Emission {
            source: (*source).into(),
            detail_type: (*detail_type).into(),
            resources: vec!["no ARN at all".into()],
            detail: detail.clone(),
        });
    }
    team.sandbox.run_for(600).await.unwrap();
    let letters = team.sandbox.dead_letters();
    assert_eq!(letters.len(), events.len(), "{letters:?}");
    for (function, _, detail_type, _) in &events {
        assert!(counted(&team, function) >= 1, "{function}");
        let whole = |(queue, body): &(String, String)| {
            queue == "EventDeadLetters" && body.contains(detail_type)
        };
        assert!(letters.iter().any(whole), "{letters:?}");
    }
    assert_eq!(team.sandbox.problems(), Vec::<String>::new());
    // What comes after them is heard.
    team.push_all("3f2a9c1", "first").unwrap();
    team.until_state(STAGING, 1, "baking").await.unwrap();
}
