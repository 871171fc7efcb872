//! The function `control`.

use super::desk::{Desk, SCR};
use expect_test::expect;

fn with_approval() -> Desk {
    let spec = SCR.replace("    bake: 5m\n", "    bake: 5m\n    approval: {expires: 2h}\n");
    let desk = Desk::new(&[&spec]);
    desk.succeeded("staging", "3f2a9c1", 1);
    desk.push("staging", "7b41d0e");
    desk
}

#[test]
fn an_unknown_action_is_answered_with_the_known_ones() {
    let desk = with_approval();
    desk.control("{}", &expect![[r#"
        {
          "accepted": false,
          "because": "pass \"action\" with one of: approve, reject, cancel, pause, resume, hold, unhold, mark_bad, unmark_bad, forget_newest; pass \"application\" and \"environment\"",
          "example": {
            "action": "pause",
            "application": "scr",
            "by": "your name",
            "environment": "staging",
            "why": "investigating an incident"
          }
        }"#]]);
    desk.control(r#"{"action": "aprove"}"#, &expect![[r#"
        {
          "accepted": false,
          "because": "there is no action aprove; did you mean approve?; pass \"application\" and \"environment\"",
          "example": {
            "action": "pause",
            "application": "scr",
            "by": "your name",
            "environment": "staging",
            "why": "investigating an incident"
          }
        }"#]]);
    desk.control(
        r#"{"action": "pause"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"application\" and \"environment\"",
              "choices": [
                {
                  "action": "pause",
                  "application": "scr",
                  "environment": "production"
                },
                {
                  "action": "pause",
                  "application": "scr",
                  "environment": "staging"
                }
              ],
              "example": {
                "action": "pause",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
}

#[test]
fn trap_52_an_approval_names_the_version() {
    let desk = with_approval();
    desk.control(
        r#"{"action": "approve"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"version\"; 7b41d0e is waiting for approval",
              "choices": [
                {
                  "action": "approve",
                  "application": "scr",
                  "environment": "staging",
                  "version": "7b41d0e"
                }
              ],
              "example": {
                "action": "approve",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "version": "7b41d0e",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "approve", "version": "3f2a9c1"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "7b41d0e is waiting for approval, not 3f2a9c1",
              "choices": [
                {
                  "action": "approve",
                  "application": "scr",
                  "environment": "staging",
                  "version": "7b41d0e"
                }
              ],
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "Approve", "version": "7b41", "dry_run": true}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "approved; the deployment starts",
              "dry_run": "nothing was done",
              "environment": "scr/staging",
              "to_do_it": {
                "action": "Approve",
                "application": "scr",
                "environment": "staging",
                "version": "7b41"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "approve", "version": "7b41d0e", "by": "ada"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "approved; the deployment starts",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "approve", "environment": "staging"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "no deployment is waiting for approval in scr/staging",
              "example": {
                "action": "approve",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "version": "the version waiting for approval",
                "why": "investigating an incident"
              }
            }"#]],
    );
}

#[test]
fn pause_and_hold_keep_automation_out_until_it_is_said_otherwise() {
    let desk = Desk::with_two_good();
    desk.control(
        r#"{"action": "pause", "environment": "staging", "by": "ada", "why": "a demo"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "paused; no deployment starts here until you resume it",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "resume"}"#,
        &expect![[r#"
        {
          "accepted": true,
          "answer": "resumed",
          "environment": "scr/staging",
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "environment": "staging"
            }
          }
        }"#]],
    );
    desk.control(
        r#"{"action": "hold", "environment": "staging", "firm": "true"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "on hold",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unhold"}"#,
        &expect![[r#"
        {
          "accepted": true,
          "answer": "the hold is lifted",
          "environment": "scr/staging",
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "environment": "staging"
            }
          }
        }"#]],
    );
    desk.control(
        r#"{"action": "cancel"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "no deployment is in progress",
              "example": {
                "action": "cancel",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
}

#[test]
fn an_approval_goes_past_a_hold_only_if_it_says_so() {
    let desk = with_approval();
    desk.control(
        r#"{"action": "hold", "environment": "staging", "firm": true, "by": "ada", "why": "a demo"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "on hold",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "approve", "version": "7b41d0e", "by": "bob"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "the environment is on hold by ada (a demo); to deploy anyway, add \"override\": [\"hold\"]",
              "environment": "scr/staging",
              "to_do_it_all_the_same": {
                "action": "approve",
                "application": "scr",
                "by": "bob",
                "environment": "staging",
                "override": [
                  "hold"
                ],
                "version": "7b41d0e"
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
    desk.control(
        r#"{"action": "approve", "version": "7b41d0e", "override": "hold", "by": "bob"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "approved; the deployment starts",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
}

#[test]
fn only_an_approval_and_a_lifted_hold_overrule_anything() {
    let desk = with_approval();
    desk.control(
        r#"{"action": "pause", "environment": "staging", "override": ["freeze"]}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "\"override\" is only for approve and unhold; remove it",
              "example": {
                "action": "pause",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unhold", "environment": "staging", "override": ["freeze"]}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "unhold can override only \"unfinished\"",
              "example": {
                "action": "unhold",
                "application": "scr",
                "by": "your name",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unhold", "environment": "staging", "override": ["unfinished"]}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "it was not on hold",
              "environment": "scr/staging",
              "watch": {
                "function": "slipway-status",
                "payload": {
                  "application": "scr",
                  "environment": "staging"
                }
              }
            }"#]],
    );
}
