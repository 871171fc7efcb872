//! Which release `deploy` takes: known versions, tags of the registry, single images.

use super::deploying::with_pushes;
use super::desk::{Desk, REPOSITORIES, SCR, WWHD, digest};
use expect_test::expect;
use pipeline::names::Digest;

#[test]
fn a_whole_tag_goes_before_the_beginning_of_another() {
    let mut desk = with_pushes();
    for (image, repository) in REPOSITORIES {
        desk.has(repository, "c90f", &digest(image, "c90f"));
    }
    desk.deploy(
        r#"{"environment": "staging", "version": "c90f", "dry_run": 1}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of c90f has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> c90fa1000000",
                  "gateway: 7b41d0e9a000 -> c90f9a000000",
                  "web: 7b41d0eeb000 -> c90feb000000"
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
                "to": "c90f"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "version": "c90f"
              }
            }"#]],
    );
}

#[test]
fn an_image_whose_push_got_lost_is_looked_up() {
    let mut desk = Desk::new(&[SCR]);
    desk.pushed("scr-api", "c90ffee", &digest("api", "c90ffee"));
    desk.pushed("scr-web", "c90ffee", &digest("web", "c90ffee"));
    let payload = r#"{"environment": "staging", "version": "c90ffee", "dry_run": true}"#;
    desk.deploy(
        payload,
        &expect![[r#"
            {
              "accepted": false,
              "because": "scr-ai-gateway has no image c90ffee",
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
    desk.has("scr-ai-gateway", "c90ffee", &digest("gateway", "c90ffee"));
    desk.deploy(
        payload,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 1 of c90ffee has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "current revisions",
                "images": [
                  "api: c90ffeea1000",
                  "gateway: c90ffee9a000",
                  "web: c90ffeeeb000"
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
                "version": "c90ffee"
              }
            }"#]],
    );
}

#[test]
fn an_unknown_tag_is_looked_up_in_every_repository() {
    let mut desk = with_pushes();
    desk.has("scr-api", "d00d1e5", &digest("api", "d00d1e5"));
    desk.has("scr-web", "d00d1e5", &digest("web", "d00d1e5"));
    desk.deploy(
        r#"{"environment": "staging", "version": "d00d1e5"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "scr-ai-gateway has no image d00d1e5",
              "choices": [
                {
                  "application": "scr",
                  "environment": "staging",
                  "version": "c90ffee"
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
            }"#]],
    );
    desk.has("scr-ai-gateway", "d00d1e5", &digest("gateway", "d00d1e5"));
    desk.deploy(
        r#"{"environment": "staging", "tag": "d00d1e5", "dry_run": "1"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of d00d1e5 has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> d00d1e5a1000",
                  "gateway: 7b41d0e9a000 -> d00d1e59a000",
                  "web: 7b41d0eeb000 -> d00d1e5eb000"
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
                "to": "d00d1e5"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "version": "d00d1e5"
              }
            }"#]],
    );
    desk.deploy(r#"{"environment": "staging", "version": "c90ffe3"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "scr-api has no image c90ffe3; scr-ai-gateway has no image c90ffe3; scr-web has no image c90ffe3; did you mean c90ffee?",
          "choices": [
            {
              "application": "scr",
              "environment": "staging",
              "version": "c90ffee"
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
}

#[test]
fn a_tag_that_moves_is_what_it_is_now() {
    let mut desk = Desk::new(&[WWHD]);
    desk.has("wwhd-backend", "latest", &Digest::new(format!("sha256:{:0<64}", "ab12")));
    desk.deploy(
        r#"{"version": "latest", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 1 of latest@ab1200000000 has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "wwhd/production",
                "from": "current revisions",
                "images": [
                  "backend: ab1200000000"
                ],
                "steps": [
                  "run the pre-flight checks and register the new task definitions",
                  "update wwhd-service",
                  "watch the alarms for 5m"
                ],
                "to": "latest@ab1200000000"
              },
              "to_do_it": {
                "application": "wwhd",
                "environment": "production",
                "version": "latest"
              }
            }"#]],
    );
}

#[test]
fn single_images_are_chosen_by_their_digests() {
    let mut desk = with_pushes();
    let api = digest("api", "d00d1e5");
    desk.has("scr-api", "d00d1e5", &api);
    let payload = format!(
        r#"{{"environment": "staging", "images": {{"api": "{api}", "gateway": "d00d1e5", "wep": "x"}}}}"#
    );
    desk.deploy(
        &payload,
        &expect![[r#"
            {
              "accepted": false,
              "because": "there is no image wep; did you mean web?; scr-ai-gateway has no image d00d1e5",
              "choices": [
                {
                  "application": "scr",
                  "environment": "staging",
                  "version": "c90ffee"
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
            }"#]],
    );
    let payload = format!(
        r#"{{"environment": "staging", "version": "c90ffee", "images": {{"api": "{api}"}}, "dry_run": true}}"#
    );
    desk.deploy(
        &payload,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "deployment 3 of c90ffee,api@d00d1e5a1000 has started",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "from": "7b41d0e",
                "images": [
                  "api: 7b41d0ea1000 -> d00d1e5a1000",
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
                "to": "c90ffee,api@d00d1e5a1000"
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "images": {
                  "api": "sha256:d00d1e5a10000000000000000000000000000000000000000000000000000000"
                },
                "version": "c90ffee"
              }
            }"#]],
    );
}
