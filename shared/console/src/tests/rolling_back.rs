//! The function `rollback`.

use super::desk::Desk;
use expect_test::expect;
use pipeline::time::Span;

#[test]
fn trap_53_a_dry_run_says_what_would_happen_and_does_nothing() {
    let desk = Desk::with_two_good();
    desk.world.take_changed();
    desk.roll_back(
        r#"{"environment": "staging", "dryRun": "yes", "colour": "red"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of 3f2a9c1 has started",
              "dry_run": "nothing was done",
              "ignored": [
                "colour"
              ],
              "plan": {
                "afterwards": "on hold: automation deploys only what is newer than 7b41d0e",
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
                ],
                "schema": "the database schema stays as it is",
                "steps": [
                  "scr-web: scr-web:12 -> scr-web:11",
                  "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:11",
                  "scr-api: scr-api:12 -> scr-api:11"
                ],
                "to": "3f2a9c1"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging"
              }
            }"#]],
    );
    assert_eq!(desk.world.take_changed(), []);
    desk.roll_back(
        r#"{"environment": "staging", "undo": "true", "to": "3f2a", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of 3f2a9c1 has started",
              "dry_run": "nothing was done",
              "plan": {
                "afterwards": "on hold: automation deploys only what is newer than 7b41d0e",
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
                ],
                "schema": "the migration of 7b41d0e is undone first",
                "steps": [
                  "undo the migration: poetry run alembic downgrade -1",
                  "scr-web: scr-web:12 -> scr-web:11",
                  "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:11",
                  "scr-api: scr-api:12 -> scr-api:11"
                ],
                "to": "3f2a9c1"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "to": "3f2a",
                "undo": "true"
              }
            }"#]],
    );
}

#[test]
fn trap_53_it_is_safe_to_click_twice_and_possible_to_ask_twice() {
    let desk = Desk::with_two_good();
    let payload = r#"{"application": " SCR ", "environment": "staging", "why": "customers complain", "by": "ada"}"#;
    desk.roll_back(
        payload,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "deployment 3 of 3f2a9c1 has started",
              "deployment": 3,
              "plan": {
                "afterwards": "on hold: automation deploys only what is newer than 7b41d0e",
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
                ],
                "schema": "the database schema stays as it is",
                "steps": [
                  "scr-web: scr-web:12 -> scr-web:11",
                  "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:11",
                  "scr-api: scr-api:12 -> scr-api:11"
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
            }"#]],
    );
    desk.wait(Span::seconds(90));
    desk.roll_back(r#"{"env": "scr/staging"}"#, &expect![[r#"
        {
          "accepted": true,
          "answer": "duplicate request (same as a moment ago); not repeated; deployment 3: pre-flight until 2026-01-06T14:15:00Z at the latest",
          "deployment": 3,
          "to_ask_again_all_the_same": {
            "application": "scr",
            "environment": "staging",
            "request": "again at 2026-01-06T14:01:30Z"
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 3,
              "environment": "staging"
            }
          }
        }"#]]);
    desk.wait(Span::minutes(10));
    desk.roll_back(
        payload,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "already rolling back to 3f2a9c1",
              "deployment": 3,
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "deployment": 3,
                  "environment": "staging"
                }
              }
            }"#]],
    );
}

#[test]
fn trap_53_two_clicks_that_cancel_a_deployment_do_not_roll_back_as_well() {
    let desk = Desk::with_two_good();
    desk.push("staging", "c90ffee");
    desk.roll_back("{}", &expect![[r#"
        {
          "accepted": true,
          "answer": "cancelled; no service was changed",
          "deployment": 3,
          "plan": {
            "environment": "scr/staging",
            "runs_on": "7b41d0e",
            "steps": [
              "deployment 3 of c90ffee ends here, no service was changed: cancelled by unnamed caller of slipway-rollback: no reason given"
            ]
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 3,
              "environment": "staging"
            }
          }
        }"#]]);
    desk.wait(Span::seconds(20));
    desk.roll_back(r#"{"environment": "staging"}"#, &expect![[r#"
        {
          "accepted": true,
          "answer": "duplicate request (same as a moment ago); not repeated; deployment 3: ended: cancelled by unnamed caller of slipway-rollback: no reason given",
          "deployment": 3,
          "to_ask_again_all_the_same": {
            "application": "scr",
            "environment": "staging",
            "request": "again at 2026-01-06T14:00:20Z"
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 3,
              "environment": "staging"
            }
          }
        }"#]]);
    assert_eq!(desk.head("staging").active, None);
    desk.roll_back(
        r#"{"environment": "staging", "request": "again", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 4 of 3f2a9c1 has started",
              "dry_run": "nothing was done",
              "plan": {
                "afterwards": "on hold: automation deploys only what is newer than 7b41d0e",
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
                ],
                "schema": "the database schema stays as it is",
                "steps": [
                  "scr-web: scr-web:12 -> scr-web:11",
                  "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:11",
                  "scr-api: scr-api:12 -> scr-api:11"
                ],
                "to": "3f2a9c1"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "request": "again"
              }
            }"#]],
    );
}

#[test]
fn a_dry_run_says_why_the_rollback_would_fail() {
    let mut desk = Desk::with_two_good();
    desk.preview.faults = vec!["scr-web: scr-web:11 cannot be started: it is gone".into()];
    let payload = serde_json::json!({"environment": "staging", "dry_run": true});
    let answer = desk.ask("rollback", &payload).unwrap();
    expect![[r#"["scr-web: scr-web:11 cannot be started: it is gone"]"#]]
        .assert_eq(&answer["plan"]["would_fail"].to_string());
    let done = desk.ask("rollback", &serde_json::json!({"environment": "staging"})).unwrap();
    assert!(done["plan"]["would_fail"].is_null(), "the pre-flight of the deployment says it");
}
