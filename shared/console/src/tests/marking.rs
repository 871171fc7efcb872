//! Bad digests, as `control` takes them.

use super::desk::{Desk, SCR, digest};
use expect_test::expect;
use pipeline::names::Version;
use serde_json::{Value, json};

#[test]
fn one_digest_is_marked_bad_and_good_again() {
    let desk = Desk::with_two_good();
    desk.control(
        r#"{"action": "mark_bad", "environment": "staging", "version": "7b41"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"image\": which image of 7b41d0e is bad",
              "choices": [
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "api",
                  "version": "7b41"
                },
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "gateway",
                  "version": "7b41"
                },
                {
                  "action": "mark_bad",
                  "application": "scr",
                  "environment": "staging",
                  "image": "web",
                  "version": "7b41"
                }
              ],
              "example": {
                "action": "mark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "mark-bad", "environment": "staging", "version": "7b41", "image": "api", "why": "it leaks"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "marked bad; automation will not deploy it",
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
              "because": "pass \"digest\", or \"version\" and \"image\"",
              "example": {
                "action": "mark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unmark_bad", "environment": "staging", "digest": "ffffffff"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "no known digest begins with ffffffff; write it in full: sha256:…",
              "example": {
                "action": "unmark_bad",
                "application": "scr",
                "by": "your name",
                "digest": "sha256:7b41d0ea10000000000000000000000000000000000000000000000000000000",
                "environment": "staging",
                "why": "investigating an incident"
              }
            }"#]],
    );
    desk.control(
        r#"{"action": "unmark_bad", "environment": "staging"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"digest\" with one that is marked bad",
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
                "why": "investigating an incident"
              }
            }"#]],
    );
    let typed = &digest("api", "7b41d0e").to_string()[..20];
    desk.control(
        &format!(r#"{{"action": "unmark_bad", "environment": "staging", "digest": "{typed}"}}"#),
        &expect![[r#"
            {
              "accepted": true,
              "answer": "no longer marked bad",
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

/// What is marked, with the release that it is said to belong to.
fn marks(desk: &Desk) -> Vec<(String, String)> {
    let bad = desk.head("staging").bad;
    bad.iter().map(|bad| (bad.digest.short().to_owned(), bad.version.to_string())).collect()
}

fn say(desk: &Desk, action: &str, version: &str, image: &str) -> Value {
    let payload = json!({
        "action": action, "environment": "staging", "version": version, "image": image,
    });
    desk.ask("control", &payload).unwrap()["accepted"].clone()
}

#[test]
fn a_version_that_begins_another_is_marked_and_no_other() {
    let desk = Desk::new(&[SCR]);
    desk.succeeded("staging", "v1.4.1", 1);
    desk.succeeded("staging", "v1.4.10", 2);
    assert_eq!(say(&desk, "mark_bad", "v1.4.1", "api"), true);
    assert_eq!(desk.head("staging").bad[0].digest, digest("api", "v1.4.1"));
    assert_eq!(say(&desk, "mark_bad", "v1.4", "api"), false);
    assert_eq!(desk.head("staging").bad.len(), 1);
}

#[test]
fn what_was_marked_is_found_by_its_version() {
    let desk = Desk::with_two_good();
    for (marked, unmarked) in [("7b41d0e", "7b41d0e"), ("7b41d0e", "7b41"), ("3f2a", "3f2a9c1")] {
        assert_eq!(say(&desk, "mark_bad", marked, "api"), true);
        let version = if marked == "3f2a" { "3f2a9c1" } else { marked };
        let short = digest("api", version).short().to_owned();
        assert_eq!(marks(&desk), [(short, version.to_owned())]);
        assert_eq!(say(&desk, "unmark_bad", unmarked, "web"), false, "another image of it");
        assert_eq!(say(&desk, "unmark_bad", unmarked, ""), true);
        assert_eq!(marks(&desk), []);
    }
}

#[test]
fn what_was_marked_by_its_digest_is_found_by_its_version() {
    let desk = Desk::with_two_good();
    let digest = digest("api", "3f2a9c1");
    let payload = json!({"action": "mark_bad", "environment": "staging", "digest": digest});
    assert_eq!(desk.ask("control", &payload).unwrap()["accepted"], true);
    assert_eq!(marks(&desk)[0].1, "3f2a9c1");
    // An older Slipway noted the digest in place of the version.
    let mut head = desk.head("staging");
    head.bad[0].version = Version::new(digest.short());
    desk.put(head.into());
    assert_eq!(say(&desk, "unmark_bad", "3f2a9c1", ""), true);
    assert_eq!(marks(&desk), []);
}
