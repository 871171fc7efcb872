//! What blocks `deploy`, and the overrides for it.

use super::deploying::with_pushes;
use super::desk::digest;
use expect_test::expect;
use pipeline::environment::{Control, Input};

#[test]
fn trap_52_production_wants_the_word_and_what_succeeded_before() {
    let desk = with_pushes();
    desk.deploy(
        r#"{"environment": "production", "from": "staging"}"#,
        &expect![[r#"
        {
          "accepted": false,
          "because": "a manual deploy to this environment needs \"confirm\": \"DEPLOY\"",
          "to_do_it_all_the_same": {
            "application": "scr",
            "confirm": "DEPLOY",
            "environment": "production",
            "from": "staging"
          }
        }"#]],
    );
    desk.deploy(
        r#"{"environment": "production", "from": "staging", "confirm": "DEPLOY", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 1 of 7b41d0e has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/production",
                "from": "current revisions",
                "images": [
                  "api: 7b41d0ea1000",
                  "gateway: 7b41d0e9a000",
                  "web: 7b41d0eeb000"
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
                "to": "7b41d0e"
              },
              "to_do_it": {
                "application": "scr",
                "confirm": "DEPLOY",
                "environment": "production",
                "from": "staging"
              }
            }"#]],
    );
    desk.deploy(
        r#"{"environment": "production", "version": "c90ffee", "confirm": "DEPLOY"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "these images have not succeeded in staging; to deploy anyway, add \"override\": [\"promotion\"]",
              "to_do_it_all_the_same": {
                "application": "scr",
                "confirm": "DEPLOY",
                "environment": "production",
                "override": [
                  "promotion"
                ],
                "version": "c90ffee"
              }
            }"#]],
    );
    desk.deploy(
        r#"{"environment": "production", "from": "moon"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "there is no environment moon to promote from; write one of staging",
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
                "why": "a customer is waiting for it"
              }
            }"#]],
    );
    desk.deploy(
        r#"{"environment": "production", "from": "staging", "version": "3f2a", "confirm": "DEPLOY"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "deployment 1 of 3f2a9c1 has started",
              "deployment": 1,
              "plan": {
                "environment": "scr/production",
                "from": "current revisions",
                "images": [
                  "api: 3f2a9c1a1000",
                  "gateway: 3f2a9c19a000",
                  "web: 3f2a9c1eb000"
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
                "to": "3f2a9c1"
              },
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "deployment": 1,
                  "environment": "production"
                }
              }
            }"#]],
    );
}

#[test]
fn every_reason_against_a_deploy_is_shown_with_its_override() {
    let desk = with_pushes();
    let bad = digest("api", "c90ffee");
    for control in [Control::Hold { firm: true }, Control::MarkBad { digest: bad, version: None }] {
        let (by, why) = ("ada".to_owned(), "we look into something".to_owned());
        desk.tell("staging", Input::Controlled { by, why, control });
    }
    desk.deploy(r#"{"environment": "staging", "version": "c90ffee"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "image c90ffeea1000 of this release is marked bad (marked by ada: we look into something); the environment is on hold by ada (we look into something); to deploy anyway, add \"override\": [\"bad\", \"hold\"]",
          "to_do_it_all_the_same": {
            "application": "scr",
            "environment": "staging",
            "override": [
              "hold",
              "bad"
            ],
            "version": "c90ffee"
          }
        }"#]]);
}
