//! What runs, as `status` says it, where nothing has succeeded, or not everything went well.

use super::desk::{Desk, SCR};
use expect_test::{Expect, expect};
use serde_json::json;

fn check(desk: &Desk, expected: &Expect) {
    let answer = desk.ask("status", &json!({"environment": "staging"})).unwrap();
    expected.assert_eq(&answer["at_a_glance"].to_string());
}

#[test]
fn what_runs_is_said_honestly_from_the_first_push_on() {
    let desk = Desk::new(&[SCR]);
    check(&desk, &expect![[r#"["scr/staging: nothing was deployed here yet"]"#]]);
    desk.push("staging", "c90ffee");
    check(
        &desk,
        &expect![[
            r#"["scr/staging: no deployment has succeeded here yet; deployment 1 of c90ffee is preparing, pre-flight until 2026-01-06T12:15:00Z at the latest"]"#
        ]],
    );
    desk.prepare("staging");
    check(
        &desk,
        &expect![[
            r#"["scr/staging: no deployment has succeeded here yet; deployment 1 of c90ffee is migrating, waiting for the migration: not started yet, until 2026-01-06T12:20:00Z at the latest"]"#
        ]],
    );
    desk.roll_back(r#"{"environment": "staging", "dry_run": false}"#, &expect![[r#"
        {
          "accepted": true,
          "answer": "rolling back all services",
          "deployment": 1,
          "plan": {
            "environment": "scr/staging",
            "runs_on": "current revisions",
            "steps": [
              "deployment 1 of c90ffee ends here, no service was changed: cancelled by unnamed caller of slipway-rollback: no reason given"
            ]
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 1,
              "environment": "staging"
            }
          }
        }"#]]);
}

#[test]
fn what_was_left_half_done_is_unknown() {
    let desk = Desk::with_two_good();
    let mut head = desk.head("staging");
    head.live = None;
    desk.put(head.into());
    check(
        &desk,
        &expect![[
            r#"["scr/staging: live release unknown: the last deployment ended incompletely"]"#
        ]],
    );
}
