//! The function `deploy`.

use super::desk::{Desk, REPOSITORIES, SCR, digest};
use expect_test::expect;
use pipeline::time::Span;

pub(super) fn with_pushes() -> Desk {
    let desk = Desk::with_two_good();
    for (image, repository) in REPOSITORIES {
        desk.pushed(repository, "c90ffee", &digest(image, "c90ffee"));
    }
    desk
}

#[test]
fn a_payload_without_a_version_is_told_what_to_type() {
    let desk = with_pushes();
    desk.deploy("{}", &expect![[r#"
        {
          "accepted": false,
          "because": "say which \"version\", or \"from\" which environment; say which application and environment",
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
            "version": "7b41d0e",
            "why": "the customer waits for it"
          }
        }"#]]);
    desk.deploy(r#"{"environment": "production", "over-ride": "hold, freez"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "there is no field over-ride; did you mean override?; say which \"version\", or \"from\" which environment",
          "choices": [
            {
              "application": "scr",
              "confirm": "DEPLOY",
              "environment": "production",
              "version": "c90ffee"
            }
          ],
          "example": {
            "application": "scr",
            "by": "your name",
            "confirm": "DEPLOY",
            "dry_run": true,
            "environment": "production",
            "from": "staging",
            "why": "the customer waits for it"
          }
        }"#]]);
}

#[test]
fn a_version_that_was_pushed_is_deployed_by_its_first_letters() {
    let desk = with_pushes();
    desk.deploy(
        r#"{"environment": "staging", "version": "c90f", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of c90ffee has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90ffeea1000",
                  "gateway: 7b41d0e9a000 -> c90ffee9a000",
                  "web: 7b41d0eeb000 -> c90ffeeeb000"
                ],
                "steps": [
                  "look at everything and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "ask https://api.staging.scr-platform.com/health",
                  "ask https://staging.scr-platform.com/",
                  "watch the alarms for 5m"
                ],
                "to": "c90ffee"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "version": "c90f"
              }
            }"#]],
    );
    desk.deploy(
        r#"{"environment": "staging", "version": "c90f", "by": "ada"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "deployment 3 of c90ffee has started",
              "deployment": 3,
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90ffeea1000",
                  "gateway: 7b41d0e9a000 -> c90ffee9a000",
                  "web: 7b41d0eeb000 -> c90ffeeeb000"
                ],
                "steps": [
                  "look at everything and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "ask https://api.staging.scr-platform.com/health",
                  "ask https://staging.scr-platform.com/",
                  "watch the alarms for 5m"
                ],
                "to": "c90ffee"
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
    desk.wait(Span::minutes(9));
    desk.deploy(
        r#"{"environment": "staging", "version": "c90ffee"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "this was asked a moment ago, and is done once; deployment 3: preparing until 2026-01-06T14:15:00Z at the latest",
              "deployment": 3,
              "to_ask_again_all_the_same": {
                "application": "scr",
                "environment": "staging",
                "request": "again at 2026-01-06T14:09:00Z",
                "version": "c90ffee"
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
}

#[test]
fn the_same_request_is_made_once_while_it_waits() {
    let desk = with_pushes();
    desk.push("staging", "d00d1e5");
    desk.deploy(
        r#"{"environment": "staging", "version": "c90ffee"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "it waits: deployment 3 is under way",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90ffeea1000",
                  "gateway: 7b41d0e9a000 -> c90ffee9a000",
                  "web: 7b41d0eeb000 -> c90ffeeeb000"
                ],
                "steps": [
                  "look at everything and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "ask https://api.staging.scr-platform.com/health",
                  "ask https://staging.scr-platform.com/",
                  "watch the alarms for 5m"
                ],
                "to": "c90ffee"
              },
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.wait(Span::minutes(9));
    desk.deploy(
        r#"{"environment": "staging", "version": "c90ffee"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "this was asked a moment ago, and is done once; it waits: deployment 3 is under way",
              "to_ask_again_all_the_same": {
                "application": "scr",
                "environment": "staging",
                "request": "again at 2026-01-06T14:09:00Z",
                "version": "c90ffee"
              },
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    assert_eq!(desk.head("staging").queue.len(), 1);
}

#[test]
fn an_environment_that_nobody_deployed_to_has_an_example_too() {
    let desk = Desk::new(&[SCR]);
    desk.deploy(
        r#"{"environment": "staging"}"#,
        &expect![[r#"
        {
          "accepted": false,
          "because": "say which \"version\", or \"from\" which environment",
          "example": {
            "application": "scr",
            "by": "your name",
            "dry_run": true,
            "environment": "staging",
            "version": "v1.2.3",
            "why": "the customer waits for it"
          }
        }"#]],
    );
}
