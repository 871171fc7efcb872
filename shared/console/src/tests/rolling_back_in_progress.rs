//! The function `rollback` with a deployment in progress.

use super::desk::Desk;
use expect_test::expect;
use pipeline::effect::{Effect, Purpose};
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::task::{OneOffEnd, Stop};
use pipeline::time::Span;

#[test]
fn a_deployment_in_progress_is_rolled_back() {
    let desk = Desk::with_two_good();
    desk.push("staging", "c90ffee");
    desk.prepare("staging");
    desk.roll_back(r#"{"dry_run": true, "undo": 1}"#, &expect![[r#"
        {
          "accepted": true,
          "answer_would_be": "rolling back all services",
          "dry_run": "nothing was done",
          "plan": {
            "environment": "scr/staging",
            "runs_on": "7b41d0e",
            "steps": [
              "deployment 3 of c90ffee ends here, no service was changed: cancelled by unnamed caller of slipway-rollback: no reason given"
            ]
          },
          "to_do_it": {
            "application": "scr",
            "environment": "staging",
            "undo": 1
          }
        }"#]]);
    let is_it = |effect: &Effect| matches!(effect, Effect::RunOneOff(_));
    let (purpose, attempt) = (Purpose::Migrate, 1);
    desk.answer("staging", is_it, Event::OneOffClaimed { purpose, attempt });
    desk.roll_back(
        r#"{"dry_run": true, "undo": 1}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer_would_be": "rolling back all services",
              "dry_run": "nothing was done",
              "plan": {
                "environment": "scr/staging",
                "runs_on": "7b41d0e",
                "steps": [
                  "wait for the migration to finish",
                  "undo the migration: poetry run alembic downgrade -1",
                  "then deployment 3 of c90ffee ends; no service was changed"
                ]
              },
              "to_do_it": {
                "application": "scr",
                "environment": "staging",
                "undo": 1
              }
            }"#]],
    );
    let task = pipeline::names::TaskId::from("task/1");
    let stop = Stop { code: Some("EssentialContainerExited".into()), reason: "done".into() };
    let end = Some(OneOffEnd { exit_code: Some(0), stop, reason: None, beside: None });
    let started = Event::OneOffStarted { purpose, attempt, task: task.clone() };
    desk.answer("staging", is_it, started);
    let event = Event::OneOffReported { purpose, attempt, task: task.clone(), end: None };
    desk.tell("staging", Input::HappenedTo { deployment: 3, event });
    let looks = |effect: &Effect| matches!(effect, Effect::LookAtOneOff { .. });
    desk.answer("staging", looks, Event::OneOffSeen { purpose, attempt, task, end });
    desk.roll_back(
        r#"{"by": "ada", "why": "it looks odd"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "rolling back all services",
              "deployment": 3,
              "plan": {
                "environment": "scr/staging",
                "from": "c90ffee",
                "steps": [
                  "scr-api: scr-api:13 -> scr-api:12"
                ],
                "to": "7b41d0e"
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
    desk.wait(Span::minutes(20));
    desk.roll_back(
        r#"{"by": "ada", "why": "still?"}"#,
        &expect![[r#"
            {
              "accepted": true,
              "answer": "already rolling back",
              "deployment": 3,
              "plan": {
                "environment": "scr/staging",
                "from": "c90ffee",
                "steps": [
                  "scr-api: scr-api:13 -> scr-api:12"
                ],
                "to": "7b41d0e"
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
fn a_rollback_to_a_version_calls_off_what_waits() {
    let desk = Desk::with_two_good();
    desk.push("staging", "c90ffee");
    desk.roll_back(r#"{"to": "3f2a9c1", "by": "ada"}"#, &expect![[r#"
        {
          "accepted": true,
          "answer": "deployment 3 is cancelled; deployment 4 of 3f2a9c1 has started",
          "deployment": 4,
          "plan": {
            "afterwards": "on hold: automation deploys only what is newer than c90ffee",
            "environment": "scr/staging",
            "from": "7b41d0e",
            "images": [
              "api: 7b41d0ea1000 -> 3f2a9c1a1000",
              "gateway: 7b41d0e9a000 -> 3f2a9c19a000",
              "web: 7b41d0eeb000 -> 3f2a9c1eb000"
            ],
            "schema": "the database schema stays as it is",
            "steps": [
              "deployment 3 of c90ffee ends here, no service was changed: cancelled by ada: no reason given",
              "scr-web: scr-web:12 -> scr-web:11",
              "scr-ai-gateway: scr-ai-gateway:12 -> scr-ai-gateway:11",
              "scr-api: scr-api:12 -> scr-api:11"
            ],
            "to": "3f2a9c1"
          },
          "watch": {
            "function": "slipway-status",
            "payload": {
              "application": "scr",
              "deployment": 4,
              "environment": "staging"
            }
          }
        }"#]]);
}
