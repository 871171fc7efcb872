//! A channel that fails changes no verdict, and gets each outcome once.

use crate::{STAGING, ended, scr, sound};
use expect_test::expect;
use sandbox::ecs::{Behaviour, Ending};
use sandbox::faults::{Calls, Fault, When};
use sandbox::service::Refusal;
use sandbox::slack::Trouble;
use scenarios::Team;
use serde_json::Value;

const PUBLISH: (&str, &str) = ("sns", "Publish");

fn headlines(team: &Team) -> Vec<String> {
    team.web.slack(|slack| slack.messages.iter().map(|message| message.text.clone()).collect())
}

/// What a reader of the channel sees of the second deployment.
fn channel(team: &Team) -> String {
    let channel = team.web.channel();
    let second = channel.match_indices("#deploys").nth(1).map_or(0, |(at, _)| at);
    channel[second..].to_owned()
}

#[tokio::test]
async fn a_good_day_is_one_message_and_its_thread() {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    expect![[r##"
        #deploys (edited)
          :white_check_mark: *scr/staging: 3f2a9c1 is live*
          (Deployment 2 of scr/staging. Started by push of 3f2a9c1. It took 7m19s.)
          (To roll back, invoke `slipway-rollback` with `{"application": "scr", "environment": "staging", "why": "…", "by": "…"}`)
          > *scr/staging: 3f2a9c1 is live*
          > • Updating scr-web.
          > • scr-web is stable on scr-web:3.
          > • https://api.staging.scr-platform.com/health answers as expected (attempt 1).
          > • https://staging.scr-platform.com/ answers as expected (attempt 1).
          > • Watching alarms and tasks for 5m.
          > • Ended: succeeded.
    "##]].assert_eq(&channel(&team));
    sound(&team);
}

#[tokio::test]
async fn a_bad_day_says_why_in_the_channel() {
    let mut team = scr().await;
    team.web.answers("https://api.staging.scr-platform.com/health", &[500]);
    team.push_all("3f2a9c1", "bad").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    expect![[r#"
        #deploys (edited 2 times)
          :leftwards_arrow_with_hook: *scr/staging: 3f2a9c1 was rolled back*
          https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500
          (Deployment 2 of scr/staging. Started by push of 3f2a9c1. It took 5m30s.)
          > *scr/staging: rolling back 3f2a9c1*
          > https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500
          > *scr/staging: 3f2a9c1 was rolled back*
          > https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500
          > • scr-web is rolled back.
          > • Rolling scr-ai-gateway back to scr-ai-gateway:2.
          > • scr-ai-gateway is rolled back.
          > • Rolling scr-api back to scr-api:2.
          > • scr-api is rolled back.
          > • Ended: rolled back: https://api.staging.scr-platform.com/health: status 500 Internal Server Error: answer 500.
    "#]].assert_eq(&channel(&team));
    sound(&team);
}

#[tokio::test]
async fn a_topic_that_refuses_permanently_is_given_up() {
    let mut team = scr().await;
    let refusal = Refusal::new("AuthorizationError", "a key policy forbids it");
    let publish = Calls::to(PUBLISH.0, PUBLISH.1);
    team.sandbox.faults(|faults| faults.on_calls(publish, When::Always, Fault::Refuse(refusal)));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let not_told = |line: &String| line.contains("\"NotTold\":1");
    assert_eq!(team.sandbox.logs("Notify").iter().filter(|line| not_told(line)).count(), 2);
    // Slack is notified nevertheless, and the verdict stands.
    assert!(channel(&team).contains("3f2a9c1 is live"), "{}", channel(&team));
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
          scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
          scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
    "#]],
    );
}

#[tokio::test]
async fn slack_that_is_down_or_busy_is_notified_later_and_the_topic_once() {
    let mut team = scr().await;
    let before = headlines(&team).len();
    team.web.slack(|slack| {
        for trouble in [
            Trouble::Down(503),
            Trouble::Busy { retry_after_seconds: 30 },
            Trouble::Down(502),
            Trouble::Error("internal_error".into()),
        ] {
            slack.trouble(trouble);
        }
    });
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    let after = headlines(&team);
    let live = after[before..].iter().filter(|text| text.contains("3f2a9c1 is live")).count();
    assert!(live >= 1, "{after:?}");
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
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
async fn a_token_that_slack_does_not_take_fails_nothing() {
    let mut team = scr().await;
    team.web.slack(|slack| {
        for _ in 0..20 {
            slack.trouble(Trouble::Error("token_revoked".into()));
        }
    });
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
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
async fn a_topic_that_is_busy_is_notified_later_and_once() {
    let mut team = scr().await;
    let publish = Calls::to(PUBLISH.0, PUBLISH.1);
    team.sandbox.faults(|faults| faults.on_calls(publish, When::First(8), Fault::Throttle));
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        succeeded
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
async fn a_failure_quotes_what_the_container_wrote_last() {
    let mut team = scr().await;
    team.one_off("", "alembic", Ending::Exits { code: 1, seconds: 8 });
    team.push_all("3f2a9c1", "does not migrate").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    team.one_off("", "alembic", Ending::Exits { code: 0, seconds: 8 });
    let digests = team.push_all("7b41d0e", "crashes").unwrap();
    team.behave(&digests["scr-web"], Behaviour::CrashesAtStart { exit_code: 3 });
    team.until_ended(STAGING, 3).await.unwrap();
    let published = team.sandbox.account().services.sns.published.clone();
    let text = |number: usize| {
        let message: Value = serde_json::from_str(&published[number].message).unwrap();
        format!("{}\n", message["email"].as_str().unwrap())
    };
    expect![[r#"
        scr/staging: 3f2a9c1 failed; no service was changed
        Why: the migration failed: exit code 1, Essential container in task exited
        Deployment 2 of scr/staging. Started by push of 3f2a9c1. It took 33s.
        Last events:
          Deploying 3f2a9c1, requested by push of 3f2a9c1.
          Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
          The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
          Ended: failed: the migration failed: exit code 1, Essential container in task exited.
        Last output of api (task dd1a89e2b6d0e49ff31a48822cb13bea):
          | api starts
          | fatal: cannot go on, exit code 1
    "#]].assert_eq(&text(3));
    expect![[r#"
        scr/staging: 7b41d0e was rolled back
        Why: scr-web failed: ECS deployment circuit breaker: tasks failed to start
        Deployment 3 of scr/staging. Started by push of 7b41d0e. It took 4m55s.
        Last events:
          scr-web is rolled back.
          Rolling scr-ai-gateway back to scr-ai-gateway:2.
          scr-ai-gateway is rolled back.
          Rolling scr-api back to scr-api:2.
          scr-api is rolled back.
          Ended: rolled back: scr-web failed: ECS deployment circuit breaker: tasks failed to start.
        Last output of web (task 908a394b9033f0d9fe6a9f86d1523c7c):
          | web starts
          | fatal: cannot go on, exit code 3
    "#]]
    .assert_eq(&text(published.len() - 1));
    sound(&team);
}

/// Whether the lines can be read or not, the notice goes out.
#[tokio::test]
async fn logs_that_cannot_be_read_keep_nothing_back() {
    let mut team = scr().await;
    let reading = Calls::to("logs", "GetLogEvents");
    let gone = Refusal::new("ResourceNotFoundException", "The specified log group does not exist.");
    team.sandbox.faults(|faults| faults.on_calls(reading, When::Always, Fault::Refuse(gone)));
    team.one_off("", "alembic", Ending::Exits { code: 1, seconds: 8 });
    team.push_all("3f2a9c1", "does not migrate").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    ended(
        &team,
        STAGING,
        2,
        &expect![[r#"
        failed: the migration failed: exit code 1, Essential container in task exited
        runs
          scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
          scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
          scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 failed; no service was changed
    "#]],
    );
}
