//! The function `deploy`.

use super::desk::{Desk, REPOSITORIES, SCR, WWHD, digest};
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
fn a_payload_without_a_version_gets_examples() {
    let desk = with_pushes();
    desk.deploy("{}", &expect![[r#"
        {
          "accepted": false,
          "because": "pass \"version\", or \"from\" with an environment; pass \"application\" and \"environment\"",
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
            "why": "a customer is waiting for it"
          }
        }"#]]);
    desk.deploy(r#"{"environment": "production", "over-ride": "hold, freez"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "there is no field over-ride; did you mean override?; pass \"version\", or \"from\" with an environment",
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
                  "run the pre-flight checks and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
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
                  "run the pre-flight checks and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
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
              "answer": "duplicate request (same as a moment ago); not repeated; deployment 3: pre-flight until 2026-01-06T14:15:00Z at the latest",
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
              "answer": "queued: deployment 3 is in progress",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90ffeea1000",
                  "gateway: 7b41d0e9a000 -> c90ffee9a000",
                  "web: 7b41d0eeb000 -> c90ffeeeb000"
                ],
                "steps": [
                  "run the pre-flight checks and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
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
              "answer": "duplicate request (same as a moment ago); not repeated; queued: deployment 3 is in progress",
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
fn an_environment_without_deployments_has_an_example_too() {
    let desk = Desk::new(&[SCR]);
    desk.deploy(
        r#"{"environment": "staging"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"version\", or \"from\" with an environment",
              "example": {
                "application": "scr",
                "by": "your name",
                "dry_run": true,
                "environment": "staging",
                "version": "v1.2.3",
                "why": "a customer is waiting for it"
              }
            }"#]],
    );
}

#[test]
fn a_migration_is_skipped_for_one_deployment_and_the_plan_says_so() {
    let desk = with_pushes();
    desk.deploy(
        r#"{"environment": "staging", "version": "c90f", "skip-migration": "yes", "dry_run": true}"#,
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
                  "run the pre-flight checks and register the new task definitions",
                  "skip the migration, as requested: poetry run alembic upgrade head is not run",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
                  "watch the alarms for 5m"
                ],
                "to": "c90ffee"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "skip_migration": "yes",
                "version": "c90f"
              }
            }"#]],
    );
    let skip =
        r#"{"environment": "staging", "version": "c90f", "skip_migration": true, "by": "ada"}"#;
    desk.deploy(
        skip,
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
                  "run the pre-flight checks and register the new task definitions",
                  "skip the migration, as requested: poetry run alembic upgrade head is not run",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
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
    desk.prepare("staging");
    // A second click is the same request, and one that wants the migration is another.
    desk.deploy(skip, &expect![[r#"
        {
          "accepted": true,
          "answer": "duplicate request (same as a moment ago); not repeated; deployment 3: scr-api: waiting for AWS to accept the update",
          "deployment": 3,
          "to_ask_again_all_the_same": {
            "application": "scr",
            "by": "ada",
            "environment": "staging",
            "request": "again at 2026-01-06T14:00:00Z",
            "skip_migration": true,
            "version": "c90f"
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
    desk.deploy(
        r#"{"environment": "staging", "version": "c90f", "skip_migration": false, "by": "ada"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "queued: deployment 3 is in progress",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90ffeea1000",
                  "gateway: 7b41d0e9a000 -> c90ffee9a000",
                  "web: 7b41d0eeb000 -> c90ffeeeb000"
                ],
                "steps": [
                  "run the pre-flight checks and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
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
    desk.status(r#"{"environment": "staging", "deployment": 3}"#, &expect![[r#"
        {
          "asked_by": "ada",
          "deployment": "scr/staging/3",
          "images": {
            "api": "sha256:c90ffeea10000000000000000000000000000000000000000000000000000000",
            "gateway": "sha256:c90ffee9a0000000000000000000000000000000000000000000000000000000",
            "web": "sha256:c90ffeeeb0000000000000000000000000000000000000000000000000000000"
          },
          "services": [
            "scr-api: scr-api:12 -> scr-api:13, updating: waiting for AWS to accept the update",
            "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:13, untouched",
            "scr-web: scr-web:12 -> scr-web:13, untouched"
          ],
          "started": "2026-01-06T14:00:00Z",
          "state": "rolling out",
          "timeline": [
            "2026-01-06T14:00:00Z Deploying c90ffee, requested by ada.",
            "2026-01-06T14:00:00Z Skipping the migration, as requested.",
            "2026-01-06T14:00:00Z Prepared: scr-api scr-api:12 -> scr-api:13, scr-ai-gateway scr-ai-gateway:12 -> scr-ai-gateway:13, scr-web scr-web:12 -> scr-web:13.",
            "2026-01-06T14:00:00Z Updating scr-api."
          ],
          "version": "c90ffee",
          "waiting": "scr-api: waiting for AWS to accept the update"
        }"#]]);
}

#[test]
fn what_is_not_there_cannot_be_skipped() {
    let desk = Desk::new(&[WWHD]);
    desk.deploy(
        r#"{"version": "c90ffee", "environment": "production", "skip_migration": true}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "wwhd/production has no migration to skip; leave skip_migration out",
              "example": {
                "application": "wwhd",
                "by": "your name",
                "dry_run": true,
                "environment": "production",
                "version": "v1.2.3",
                "why": "a customer is waiting for it"
              }
            }"#]],
    );
}

#[test]
fn an_older_version_runs_its_migration_only_if_a_person_says_so() {
    let desk = Desk::with_two_good();
    desk.deploy(r#"{"environment": "staging", "version": "3f2a9c1"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "3f2a9c1 is older than 7b41d0e, whose migration ran here, so its own migration may not fit the schema; pass \"skip_migration\": true to leave the database as it is, or false to run the migration of 3f2a9c1 anyway",
          "to_do_it_all_the_same": {
            "application": "scr",
            "environment": "staging",
            "skip_migration": true,
            "version": "3f2a9c1"
          }
        }"#]]);
    desk.deploy(
        r#"{"environment": "staging", "version": "3f2a9c1", "skip_migration": true, "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of 3f2a9c1 has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
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
                "to": "3f2a9c1"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "skip_migration": true,
                "version": "3f2a9c1"
              }
            }"#]],
    );
    desk.deploy(
        r#"{"environment": "staging", "version": "3f2a9c1", "skip_migration": false, "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of 3f2a9c1 has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> 3f2a9c1a1000",
                  "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
                  "web: 7b41d0eeb000 -> 3f2a9c1eb000"
                ],
                "steps": [
                  "run the pre-flight checks and register the new task definitions",
                  "run the migration: poetry run alembic upgrade head",
                  "update scr-api",
                  "update scr-ai-gateway",
                  "update scr-web",
                  "check https://api.staging.scr-platform.com/health",
                  "check https://staging.scr-platform.com/",
                  "watch the alarms for 5m"
                ],
                "to": "3f2a9c1"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "skip_migration": false,
                "version": "3f2a9c1"
              }
            }"#]],
    );
}
