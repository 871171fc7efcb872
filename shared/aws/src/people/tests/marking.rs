//! Bad digests, as `control` takes them.

use super::desk::{Desk, digest};
use expect_test::expect;

#[test]
fn one_digest_is_marked_bad_and_good_again() {
    let desk = Desk::with_two_good();
    desk.control(
        r#"{"action": "mark_bad", "environment": "staging", "version": "7b4"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "say which image of 7b41d0e is the bad one",
              "choices": [
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "api",
                  "version": "7b4"
                },
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "gateway",
                  "version": "7b4"
                },
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "web",
                  "version": "7b4"
                }
              ],
              "example": {
                "action": "mark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "we look into something"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "mark-bad", "environment": "staging", "version": "7b4", "image": "api", "why": "it leaks"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "marked bad; automation will not choose it",
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
    assert_eq!(desk.head("staging").bad[0].digest, digest("api", "7b41d0e"));
    desk.control(
        r#"{"action": "mark_bad", "environment": "staging"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "say which \"digest\", or which \"version\" and \"image\"",
              "example": {
                "action": "mark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "we look into something"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unmark_bad", "environment": "staging", "digest": "ffffffff"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "no digest here begins with ffffffff; write it whole: sha256:…",
              "example": {
                "action": "unmark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "we look into something"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unmark_bad", "environment": "staging"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "say which \"digest\" that is marked bad",
              "choices": [
                {
                  "action": "unmark_bad",
                  "application": "scr",
                  "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                  "environment": "staging"
                }
              ],
              "example": {
                "action": "unmark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "we look into something"
              }
            }"#]],
    );
    let typed = &digest("api", "7b41d0e").to_string()[..20];
    desk.control(
        &format!(r#"{{"action": "unmark_bad", "environment": "staging", "digest": "{typed}"}}"#),
        &expect![[r#"
            {
              "accepted": true,
              "answer": "not marked bad any more",
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
    assert_eq!(desk.head("staging").bad.len(), 0);
}
