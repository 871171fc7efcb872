//! Tired people: what `rollback` makes of payloads that are not quite right.

use super::desk::{Desk, SCR, WWHD};
use expect_test::expect;

#[test]
fn trap_53_an_empty_payload_rolls_back_if_only_one_environment_exists() {
    let desk = Desk::new(&[WWHD]);
    desk.roll_back(
        "{}",
        &expect![[r#"
            {
              "accepted": false,
              "because": "no release has succeeded here yet, so there is nothing to roll back to"
            }"#]],
    );
}

#[test]
fn trap_53_an_empty_payload_lists_the_choices_where_there_are_several() {
    let desk = Desk::with_two_good();
    desk.roll_back(
        "{}",
        &expect![[r#"
            {
              "accepted": false,
              "because": "pass \"application\" and \"environment\"",
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
                "why": "customers complain"
              }
            }"#]],
    );
}

#[test]
fn trap_53_the_consoles_own_example_is_explained() {
    let desk = Desk::with_two_good();
    let example = r#"{"key1": "value1", "key2": "value2", "key3": "value3"}"#;
    desk.roll_back(example, &expect![[r#"
        {
          "accepted": false,
          "because": "this is the Lambda console's sample event; replace it with your own; pass \"application\" and \"environment\"",
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
            "why": "customers complain"
          }
        }"#]]);
    desk.roll_back(
        "[1]",
        &expect![[r#"
            {
              "accepted": false,
              "because": "this is not a JSON object; write {…}; pass \"application\" and \"environment\"",
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
                "why": "customers complain"
              }
            }"#]],
    );
    // An event that was sent to it by accident is no request.
    let event = r#"{"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}"#;
    desk.roll_back(event, &expect![[r#"
        {
          "accepted": false,
          "because": "none of these fields is known; use application, environment, to, undo, why, by, dry_run, request; pass \"application\" and \"environment\"",
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
            "why": "customers complain"
          },
          "ignored": [
            "detail-type",
            "source"
          ]
        }"#]]);
}

#[test]
fn trap_53_all_mistakes_are_reported_at_once() {
    let desk = Desk::with_two_good();
    desk.roll_back(
        r#"{"aplication": "scr", "Env": "stagin", "undo": "perhaps", "service": "scr-api", "colour": "red"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "there is no field aplication; did you mean application?; service: a rollback always covers all services of a release; remove this field; undo is \"perhaps\"; write true or false; there is no environment stagin; did you mean staging?",
              "example": {
                "application": "scr",
                "by": "your name",
                "dry_run": true,
                "environment": "staging",
                "why": "customers complain"
              },
              "ignored": [
                "colour"
              ]
            }"#]],
    );
}

#[test]
fn trap_50_a_release_that_never_succeeded_is_no_rollback_target() {
    let desk = Desk::with_two_good();
    desk.roll_back(
        r#"{"environment": "staging", "to": "v1"}"#,
        &expect![[r#"
        {
          "accepted": false,
          "because": "v1 never succeeded here; these did: 7b41d0e, 3f2a9c1",
          "choices": [
            {
              "application": "scr",
              "environment": "staging",
              "to": "3f2a9c1"
            }
          ]
        }"#]],
    );
    let desk = Desk::new(&[SCR]);
    desk.roll_back(
        r#"{"environment": "production"}"#,
        &expect![[r#"
            {
              "accepted": false,
              "because": "no release has succeeded here yet, so there is nothing to roll back to"
            }"#]],
    );
    let desk = Desk::new(&[]);
    desk.roll_back(
        "{}",
        &expect![[r#"
        {
          "accepted": false,
          "because": "nothing is configured yet; give the function configure a spec first"
        }"#]],
    );
}
