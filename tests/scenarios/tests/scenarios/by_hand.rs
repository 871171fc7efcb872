//! What a tired person types into the console, and what the console answers.

use crate::{STAGING, ended, pretty, scr, sound};
use expect_test::expect;
use sandbox::ecs::Ending;
use scenarios::Team;
use serde_json::{Value, json};

/// SCR with two releases that succeeded.
async fn twice() -> Team {
    let mut team = scr().await;
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_ended(STAGING, 2).await.unwrap();
    team
}

/// Everything that Slipway knows and everything that runs.
fn everything(team: &Team) -> (Vec<Value>, Value) {
    let services =
        json!({"cluster": "scr-staging", "services": ["scr-api", "scr-ai-gateway", "scr-web"]});
    let described = team.person("ecs", "DescribeServices", services).unwrap();
    (team.sandbox.table_items(), described)
}

#[tokio::test]
async fn a_rehearsal_says_what_would_happen_and_changes_nothing() {
    let mut team = twice().await;
    let before = everything(&team);
    let payload = json!({"environment": "staging", "dry_run": true});
    let answer = team.ask("rollback", payload).await.unwrap();
    assert!(everything(&team) == before, "a rehearsal changes nothing");
    expect![[r#"
        {
          "accepted": true,
          "answer_would_be": "deployment 3 of 0a1b2c3 has started",
          "dry_run": "nothing was done",
          "plan": {
            "afterwards": "on hold: automation deploys only what is newer than 3f2a9c1",
            "environment": "scr/staging",
            "from": "3f2a9c1",
            "images": [
              "api: f076dc63c872 -> 3885562a5020",
              "gateway: a3b68086d5e2 -> 43750959c72a",
              "web: c7023768fdd5 -> 1106a5035ea4"
            ],
            "schema": "the database schema stays as it is",
            "steps": [
              "scr-web: scr-web:3 -> scr-web:2",
              "scr-ai-gateway: scr-ai-gateway:3 -> scr-ai-gateway:2",
              "scr-api: scr-api:3 -> scr-api:2"
            ],
            "to": "0a1b2c3"
          },
          "to_do_it": {
            "application": "scr",
            "environment": "staging"
          }
        }
    "#]]
    .assert_eq(&pretty(&answer));
    // The payload that it offers does it.
    let answer = team.ask("rollback", answer["to_do_it"].clone()).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(STAGING, 3).await.unwrap();
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
            succeeded
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/staging: rolling back from 3f2a9c1 to 0a1b2c3
              scr/staging: rolled back to 0a1b2c3
        "#]],
    );
}

#[tokio::test]
async fn an_empty_request_is_enough_if_one_deployment_is_in_progress() {
    let mut team = twice().await;
    let answer = team.ask("rollback", json!({})).await.unwrap();
    expect![[r#"
        {
          "accepted": false,
          "because": "pass \"application\" and \"environment\"",
          "choices": [
            {
              "application": "scr",
              "environment": "production"
            },
            {
              "application": "scr",
              "environment": "staging"
            }
          ],
          "example": {
            "application": "scr",
            "by": "your name",
            "dry_run": true,
            "environment": "staging",
            "why": "customers complain"
          }
        }
    "#]]
    .assert_eq(&pretty(&answer));
    team.push_all("4b5c6d7", "worse").unwrap();
    team.until_state(STAGING, 3, "baking").await.unwrap();
    let answer = team.ask("rollback", json!({})).await.unwrap();
    expect![[r#"
        {
          "accepted": true,
          "answer": "rolling back all services",
          "deployment": 3,
          "plan": {
            "environment": "scr/staging",
            "from": "4b5c6d7",
            "steps": [
              "scr-web: scr-web:4 -> scr-web:3",
              "scr-ai-gateway: scr-ai-gateway:4 -> scr-ai-gateway:3",
              "scr-api: scr-api:4 -> scr-api:3"
            ],
            "to": "3f2a9c1"
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 3,
              "environment": "staging"
            }
          }
        }
    "#]]
    .assert_eq(&pretty(&answer));
    team.until_ended(STAGING, 3).await.unwrap();
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
            rolled back: requested by unnamed caller of slipway-rollback: no reason given
            runs
              scr-ai-gateway: scr-ai-gateway:3f2a9c1, scr-ai-gateway:3f2a9c1
              scr-api: scr-api:3f2a9c1, scr-api:3f2a9c1
              scr-web: scr-web:3f2a9c1, scr-web:3f2a9c1
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/staging: deploying 4b5c6d7
              scr/staging: rolling back 4b5c6d7
              scr/staging: 4b5c6d7 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn the_consoles_own_example_and_slips_of_the_pen_are_answered() {
    let mut team = twice().await;
    let before = everything(&team);
    let example = json!({"key1": "value1", "key2": "value2", "key3": "value3"});
    for payload in [
        example,
        json!("please roll back staging"),
        json!({"app": "src", "env": "staging"}),
        json!({"environment": "staging", "to": "0a1b2c4"}),
        json!({"environment": "staging", "service": "scr-web"}),
    ] {
        let answer = team.ask("rollback", payload.clone()).await.unwrap();
        assert_eq!(answer["accepted"], false, "{payload}: {answer}");
        assert!(!answer["because"].is_null(), "{payload}: {answer}");
    }
    assert!(everything(&team) == before, "who is not understood changes nothing");
    let answer = team.ask("rollback", json!({"environment": "staging", "to": "0a1b2c4"})).await;
    expect![[r#"
        {
          "accepted": false,
          "because": "0a1b2c4 never succeeded here; these did: 3f2a9c1, 0a1b2c3",
          "choices": [
            {
              "application": "scr",
              "environment": "staging",
              "to": "0a1b2c3"
            }
          ]
        }
    "#]]
    .assert_eq(&pretty(&answer.unwrap()));
    sound(&team);
}

#[tokio::test]
async fn rolling_back_during_the_migration_waits_for_its_end() {
    let mut team = scr().await;
    team.one_off("", "alembic", Ending::Exits { code: 0, seconds: 120 });
    team.push_all("3f2a9c1", "new").unwrap();
    team.until_state(STAGING, 2, "migrating").await.unwrap();
    team.sandbox.run_for(40).await.unwrap();
    let payload = json!({"environment": "staging", "by": "ann", "why": "the wrong branch"});
    let answer = team.ask("rollback", payload).await.unwrap();
    expect![[r#"
        {
          "accepted": true,
          "answer": "rolling back all services",
          "deployment": 2,
          "plan": {
            "environment": "scr/staging",
            "runs_on": "0a1b2c3",
            "steps": [
              "wait for the migration to finish",
              "then deployment 2 of 3f2a9c1 ends; no service was changed"
            ]
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 2,
              "environment": "staging"
            }
          }
        }
    "#]]
    .assert_eq(&pretty(&answer));
    team.until_ended(STAGING, 2).await.unwrap();
    crate::check(
        &team,
        STAGING,
        2,
        &expect![[r#"
            scr/staging/2 3f2a9c1
                0:00 Deploying 3f2a9c1, requested by push of 3f2a9c1.
                0:00 Prepared: scr-api scr-api:2 -> scr-api:3, scr-ai-gateway scr-ai-gateway:2 -> scr-ai-gateway:3, scr-web scr-web:2 -> scr-web:3.
                0:00 The migration runs as task dd1a89e2b6d0e49ff31a48822cb13bea.
                0:40 Rollback requested by ann: the wrong branch.
                0:40 Waiting for the migration to finish before rolling back.
                2:25 The migration succeeded (exit code 0).
                2:25 The migration is not undone: the previous release runs on the new schema.
                2:25 Ended: failed: requested by ann: the wrong branch.
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

#[tokio::test]
async fn rolling_back_twice_goes_to_what_is_named() {
    let mut team = twice().await;
    team.push_all("4b5c6d7", "third").unwrap();
    team.until_ended(STAGING, 3).await.unwrap();
    let payload = json!({"environment": "staging", "by": "ann", "why": "slow"});
    team.ask("rollback", payload).await.unwrap();
    team.until_ended(STAGING, 4).await.unwrap();
    team.sandbox.run_for(600).await.unwrap();
    // Half an hour later a repeated rollback has to be explicit.
    let answer = team.ask("rollback", json!({"environment": "staging"})).await.unwrap();
    expect![[r#"
        {
          "accepted": false,
          "because": "already on 3f2a9c1 (hold: rolled back from 4b5c6d7 to 3f2a9c1); pass \"to\" with one of: 3f2a9c1, 4b5c6d7, 0a1b2c3",
          "choices": [
            {
              "application": "scr",
              "environment": "staging",
              "to": "4b5c6d7"
            },
            {
              "application": "scr",
              "environment": "staging",
              "to": "0a1b2c3"
            }
          ]
        }
    "#]].assert_eq(&pretty(&answer));
    let payload = json!({"environment": "staging", "to": "0a1b", "by": "ann"});
    team.ask("rollback", payload).await.unwrap();
    team.until_ended(STAGING, 5).await.unwrap();
    ended(
        &team,
        STAGING,
        5,
        &expect![[r#"
            succeeded
            runs
              scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
              scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
              scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
            told
              scr/staging: deploying 0a1b2c3
              scr/staging: 0a1b2c3 is live
              scr/staging: deploying 3f2a9c1
              scr/staging: 3f2a9c1 is live
              scr/staging: deploying 4b5c6d7
              scr/staging: 4b5c6d7 is live
              scr/staging: rolling back from 4b5c6d7 to 3f2a9c1
              scr/staging: rolled back to 3f2a9c1
              scr/staging: rolling back from 3f2a9c1 to 0a1b2c3
              scr/staging: rolled back to 0a1b2c3
        "#]],
    );
}

#[tokio::test]
async fn a_release_that_ran_before_is_deployed_by_hand() {
    let mut team = twice().await;
    let mut payload =
        json!({"environment": "staging", "version": "0a1b2c3", "by": "ann", "why": "to compare"});
    let answer = team.ask("deploy", payload.clone()).await.unwrap();
    assert_eq!(answer["accepted"], false, "an older migration runs only if asked for: {answer}");
    payload["skip_migration"] = true.into();
    let answer = team.ask("deploy", payload.clone()).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    let again = team.ask("deploy", payload).await.unwrap();
    assert_eq!(again["accepted"], true, "{again}");
    team.until_ended(STAGING, 3).await.unwrap();
    assert_eq!(team.deployments().len(), 3, "the second click is the same wish");
    ended(
        &team,
        STAGING,
        3,
        &expect![[r#"
        succeeded
        runs
          scr-ai-gateway: scr-ai-gateway:before=0a1b2c3, scr-ai-gateway:before=0a1b2c3
          scr-api: scr-api:before=0a1b2c3, scr-api:before=0a1b2c3
          scr-web: scr-web:before=0a1b2c3, scr-web:before=0a1b2c3
        told
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
          scr/staging: deploying 3f2a9c1
          scr/staging: 3f2a9c1 is live
          scr/staging: deploying 0a1b2c3
          scr/staging: 0a1b2c3 is live
    "#]],
    );
    let unknown = json!({"environment": "staging", "version": "7777777"});
    let answer = team.ask("deploy", unknown).await.unwrap();
    expect![[r#"
        {
          "accepted": false,
          "because": "scr-api has no image 7777777; scr-ai-gateway has no image 7777777; scr-web has no image 7777777",
          "choices": [
            {
              "application": "scr",
              "environment": "staging",
              "version": "3f2a9c1"
            },
            {
              "application": "scr",
              "environment": "staging",
              "version": "0a1b2c3"
            }
          ],
          "example": {
            "application": "scr",
            "by": "your name",
            "dry_run": true,
            "environment": "staging",
            "version": "0a1b2c3",
            "why": "a customer is waiting for it"
          }
        }
    "#]].assert_eq(&pretty(&answer));
}
