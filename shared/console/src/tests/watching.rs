//! The function `status`.

use super::desk::{Desk, SCR, WWHD, digest};
use expect_test::expect;
use pipeline::environment::{Control, Input};
use pipeline::release::{Origin, ReleaseOrder};
use pipeline::time::{Span, Time};

fn busy() -> Desk {
    let desk = Desk::with_two_good();
    desk.push("staging", "c90ffee");
    desk.wait(Span::seconds(10));
    desk.prepare("staging");
    desk.push("staging", "d00d1e5");
    let (by, why) = ("ada".to_owned(), "a demo".to_owned());
    desk.tell("staging", Input::Controlled { by, why, control: Control::Pause });
    desk
}

#[test]
fn everything_at_a_glance() {
    busy().status("{}", &expect![[r#"
        {
          "at_a_glance": [
            "scr/production: nothing was deployed here yet",
            "scr/staging: runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2); deployment 3 of c90ffee is migrating, waiting for the migration: not started yet, until 2026-01-06T14:20:10Z at the latest; 1 queued; paused"
          ],
          "details": [
            {
              "environment": "scr/production",
              "runs": "nothing was deployed here yet"
            },
            {
              "environment": "scr/staging",
              "good": [
                "7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
                "3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
              ],
              "images": {
                "api": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "gateway": "sha256:7b41d0e9a0000000000000000000000000000000000000000000000000000000",
                "web": "sha256:7b41d0eeb0000000000000000000000000000000000000000000000000000000"
              },
              "pause": "by ada since 2026-01-06T14:00:10Z: a demo",
              "runs": "runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
              "under_way": {
                "asked_by": "push of c90ffee",
                "deployment": 3,
                "last": [
                  "2026-01-06T14:00:00Z Deploying c90ffee, requested by push of c90ffee.",
                  "2026-01-06T14:00:10Z Prepared: scr-api scr-api:12 -> scr-api:13, scr-ai-gateway scr-ai-gateway:12 -> scr-ai-gateway:13, scr-web scr-web:12 -> scr-web:13."
                ],
                "services": [
                  "scr-api: scr-api:12 -> scr-api:13, untouched",
                  "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:13, untouched",
                  "scr-web: scr-web:12 -> scr-web:13, untouched"
                ],
                "started": "2026-01-06T14:00:00Z",
                "state": "migrating",
                "version": "c90ffee",
                "waiting": "waiting for the migration: not started yet, until 2026-01-06T14:20:10Z at the latest"
              },
              "waiting": [
                "d00d1e5, requested by push of d00d1e5: paused by ada: a demo"
              ]
            }
          ],
          "more": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 3,
              "environment": "staging"
            }
          },
          "now": "2026-01-06T14:00:10Z"
        }"#]]);
}

#[test]
fn everything_as_text() {
    busy().status(r#"{"format": "text"}"#, &expect![[r#"
        {
          "text": [
            "scr/production nothing was deployed here yet",
            "scr/staging runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
            "  in progress: 3 of c90ffee is migrating, waiting for the migration: not started yet, until 2026-01-06T14:20:10Z at the latest",
            "    2026-01-06T14:00:00Z Deploying c90ffee, requested by push of c90ffee.",
            "    2026-01-06T14:00:10Z Prepared: scr-api scr-api:12 -> scr-api:13, scr-ai-gateway scr-ai-gateway:12 -> scr-ai-gateway:13, scr-web scr-web:12 -> scr-web:13.",
            "  queued: d00d1e5, requested by push of d00d1e5: paused by ada: a demo",
            "  paused: by ada since 2026-01-06T14:00:10Z: a demo",
            "  good: 7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
            "  good: 3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
          ]
        }"#]]);
}

#[test]
fn one_environment_or_one_deployment() {
    let desk = busy();
    desk.status(
        r#"{"environment": "scr/production"}"#,
        &expect![[r#"
        {
          "at_a_glance": [
            "scr/production: nothing was deployed here yet"
          ],
          "details": [
            {
              "environment": "scr/production",
              "runs": "nothing was deployed here yet"
            }
          ],
          "now": "2026-01-06T14:00:10Z"
        }"#]],
    );
    desk.status(r#"{"deployment": "3"}"#, &expect![[r#"
        {
          "asked_by": "push of c90ffee",
          "deployment": "scr/staging/3",
          "images": {
            "api": "sha256:c90ffeea10000000000000000000000000000000000000000000000000000000",
            "gateway": "sha256:c90ffee9a0000000000000000000000000000000000000000000000000000000",
            "web": "sha256:c90ffeeeb0000000000000000000000000000000000000000000000000000000"
          },
          "services": [
            "scr-api: scr-api:12 -> scr-api:13, untouched",
            "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:13, untouched",
            "scr-web: scr-web:12 -> scr-web:13, untouched"
          ],
          "started": "2026-01-06T14:00:00Z",
          "state": "migrating",
          "timeline": [
            "2026-01-06T14:00:00Z Deploying c90ffee, requested by push of c90ffee.",
            "2026-01-06T14:00:10Z Prepared: scr-api scr-api:12 -> scr-api:13, scr-ai-gateway scr-ai-gateway:12 -> scr-ai-gateway:13, scr-web scr-web:12 -> scr-web:13."
          ],
          "version": "c90ffee",
          "waiting": "waiting for the migration: not started yet, until 2026-01-06T14:20:10Z at the latest"
        }"#]]);
    desk.status(r#"{"deployment": 3, "format": "text"}"#, &expect![[r#"
        {
          "text": [
            "deployment scr/staging/3 of c90ffee, requested by push of c90ffee",
            "waiting for the migration: not started yet, until 2026-01-06T14:20:10Z at the latest",
            "  scr-api: scr-api:12 -> scr-api:13, untouched",
            "  scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:13, untouched",
            "  scr-web: scr-web:12 -> scr-web:13, untouched",
            "2026-01-06T14:00:00Z Deploying c90ffee, requested by push of c90ffee.",
            "2026-01-06T14:00:10Z Prepared: scr-api scr-api:12 -> scr-api:13, scr-ai-gateway scr-ai-gateway:12 -> scr-ai-gateway:13, scr-web scr-web:12 -> scr-web:13."
          ]
        }"#]]);
    desk.status(
        r#"{"deployment": 9, "environment": "staging"}"#,
        &expect![[r#"
        {
          "accepted": false,
          "because": "scr/staging has no deployment 9; the last one is 3",
          "example": {
            "application": "scr",
            "deployment": 3,
            "environment": "staging"
          }
        }"#]],
    );
}

#[test]
fn what_was_pushed_and_what_is_missing() {
    let desk = Desk::new(&[SCR]);
    for (repository, tag) in
        [("scr-api", "3f2a9c1"), ("scr-api", "7b41d0e"), ("scr-web", "3f2a9c1")]
    {
        desk.pushed(repository, tag, &digest(repository, tag));
        desk.wait(Span::seconds(5));
    }
    desk.status(
        r#"{"environment": "staging", "releases": "yes"}"#,
        &expect![[r#"
            {
              "at_a_glance": [
                "scr/staging: nothing was deployed here yet"
              ],
              "details": [
                {
                  "environment": "scr/staging",
                  "incomplete": [
                    "3f2a9c1, last pushed at 2026-01-06T12:00:10Z, still missing gateway",
                    "7b41d0e, last pushed at 2026-01-06T12:00:05Z, still missing gateway, web"
                  ],
                  "runs": "nothing was deployed here yet"
                }
              ],
              "now": "2026-01-06T12:00:15Z",
              "releases": [
                "scr 3f2a9c1, pushed at 2026-01-06T12:00:10Z, without gateway",
                "scr 7b41d0e, pushed at 2026-01-06T12:00:05Z, without gateway, web"
              ]
            }"#]],
    );
}

#[test]
fn a_mistake_is_explained() {
    let desk = Desk::new(&[SCR, WWHD]);
    desk.status(r#"{"application": "scrr", "enviroment": "staging"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "there is no field enviroment; did you mean environment?; there is no application scrr; did you mean scr?",
          "example": {}
        }"#]]);
    desk.status(r#"{"application": "scrr", "format": "yaml"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "there is no format yaml; write one of json, text; there is no application scrr; did you mean scr?",
          "example": {}
        }"#]]);
    desk.status(
        r#"{"key1": "value1"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "this is the Lambda console's sample event; replace it with your own",
              "example": {}
            }"#]],
    );
    Desk::new(&[]).status(
        "{}",
        &expect![[r#"
            {
              "at_a_glance": [
                "nothing is configured yet; give the function configure a spec first"
              ],
              "details": [],
              "now": "2026-01-06T12:00:00Z"
            }"#]],
    );
}

#[test]
fn an_incomplete_release_is_shown_until_something_newer_runs() {
    let desk = Desk::with_two_good();
    desk.pushed("scr-api", "0ddba11", &digest("api", "0ddba11"));
    desk.wait(Span::minutes(1));
    desk.pushed("scr-api", "c90ffee", &digest("api", "c90ffee"));
    desk.pushed("scr-web", "c90ffee", &digest("web", "c90ffee"));
    let text = r#"{"environment": "staging", "format": "text"}"#;
    desk.status(
        text,
        &expect![[r#"
            {
              "text": [
                "scr/staging runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
                "  incomplete: c90ffee, last pushed at 2026-01-06T14:01:00Z, still missing gateway",
                "  incomplete: 0ddba11, last pushed at 2026-01-06T14:00:00Z, still missing gateway, web",
                "  good: 7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
                "  good: 3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
              ]
            }"#]],
    );
    let mut head = desk.head("staging");
    let (version, built_at) = ("c90ffee".into(), Time::from_millis(1_767_708_060_000));
    head.high_water = Some(ReleaseOrder { version, built_at }.into());
    desk.put(head.into());
    desk.status(
        text,
        &expect![[r#"
        {
          "text": [
            "scr/staging runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
            "  good: 7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
            "  good: 3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
          ]
        }"#]],
    );
}

#[test]
fn what_runs_says_what_it_was_built_from() {
    let desk = Desk::with_two_good();
    let mut head = desk.head("staging");
    if let Some(live) = &mut head.live {
        live.release.origin = Origin {
            revision: Some("7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234".into()),
            source: Some("https://github.com/acme/scr".into()),
        };
    }
    desk.put(head.into());
    let asked = r#"{"environment": "staging"}"#;
    desk.status(asked, &expect![[r#"
        {
          "at_a_glance": [
            "scr/staging: runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)"
          ],
          "details": [
            {
              "environment": "scr/staging",
              "good": [
                "7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
                "3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
              ],
              "images": {
                "api": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "gateway": "sha256:7b41d0e9a0000000000000000000000000000000000000000000000000000000",
                "web": "sha256:7b41d0eeb0000000000000000000000000000000000000000000000000000000"
              },
              "revision": "7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234",
              "runs": "runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
              "source": "https://github.com/acme/scr"
            }
          ],
          "more": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 2,
              "environment": "staging"
            }
          },
          "now": "2026-01-06T14:00:00Z"
        }"#]]);
    desk.status(r#"{"environment": "staging", "format": "text"}"#, &expect![[r#"
        {
          "text": [
            "scr/staging runs 7b41d0e since 2026-01-06T13:00:00Z (deployment 2)",
            "  built from: commit 7b41d0e2c3d4 (https://github.com/acme/scr/commit/7b41d0e2c3d4e5f60718293a4b5c6d7e8f901234)",
            "  good: 7b41d0e (deployment 2, 2026-01-06T13:00:00Z)",
            "  good: 3f2a9c1 (deployment 1, 2026-01-06T12:00:00Z)"
          ]
        }"#]]);
}
