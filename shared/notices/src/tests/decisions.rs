//! What goes where, what is tried again, and what a refusal means.

use super::every_piece_of_news;
use crate::access::{Access, read};
use crate::slack::{matters, steps};
use crate::slack_api::refusal;
use crate::words::Severity;
use crate::{NotSent, settled};
use aws::failure::Failure;
use engine::WorldError;
use expect_test::expect;
use pipeline::notice::News;
use std::fmt::Write;

#[test]
fn news_goes_where_it_belongs() {
    let mut table = String::new();
    let mut row = |what: &str, severity, details, number, shows| {
        let steps = steps(severity, details, number, shows);
        writeln!(table, "{what:32} {steps:?}").expect("a string takes everything");
    };
    row("the first news", Severity::InProgress, false, 1, None);
    row("approval is wanted", Severity::ActionRequired, true, 2, Some(1));
    row("it goes back", Severity::Failed, true, 5, Some(2));
    row("it is live", Severity::Succeeded, true, 9, Some(1));
    row("it went wrong, the start was lost", Severity::Failed, true, 9, None);
    row("the start, after the end", Severity::InProgress, false, 1, Some(9));
    row("going back, after the end", Severity::Failed, true, 5, Some(9));
    row("again, after half of it failed", Severity::Failed, true, 9, Some(9));
    expect![[r#"
        the first news                   [Post]
        approval is wanted               [Update, Reply { broadcast: true }]
        it goes back                     [Update, Reply { broadcast: true }]
        it is live                       [Update, Reply { broadcast: false }]
        it went wrong, the start was lost [Post, Reply { broadcast: false }]
        the start, after the end         []
        going back, after the end        [Reply { broadcast: true }]
        again, after half of it failed   [Reply { broadcast: true }]
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_webhook_is_silent_about_starts() {
    let silent = every_piece_of_news().into_iter().filter(|news| !matters(news));
    assert_eq!(silent.collect::<Vec<_>>(), [News::Started]);
}

#[test]
fn slacks_refusals_say_what_to_do() {
    let words = [
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "invalid_auth",
        "missing_scope",
        "ratelimited",
        "internal_error",
        "message_not_found",
        "no_service",
        "invalid_blocks",
        "some_new_word",
    ];
    let lines = words.map(|word| format!("{:?}\n", refusal(word)));
    expect![[r#"
        Final("Slack does not know the channel; name it by its id (C…), and invite the app into it if it is private (channel_not_found)")
        Final("the app is not in the channel; invite it there with /invite (not_in_channel)")
        Final("the channel is archived; name another one (is_archived)")
        Access("Slack rejected the token (invalid_auth); put a new one into the secret")
        Final("the app may not write; give it the scope chat:write (missing_scope)")
        Passing("Slack is busy (ratelimited)")
        Passing("Slack is busy (internal_error)")
        Gone
        Final("the webhook no longer exists; create a new one and put it into the secret (no_service)")
        Final("Slack rejected the format of the message; please report this (invalid_blocks)")
        Final("Slack rejected the message (some_new_word)")
    "#]].assert_eq(&lines.concat());
}

/// By its type, and not by its text.
#[test]
fn a_temporary_refusal_from_any_source_is_retried() {
    let throttled = || "Rate exceeded: Refused, Final, 429".to_owned();
    let passing = [Failure::Passing(throttled()), Failure::from(WorldError::Passing(throttled()))];
    for failure in passing {
        assert!(matches!(NotSent::from(failure), NotSent::Passing(_)));
    }
    let final_ones = [
        Failure::Refused { code: "AccessDenied".into(), message: "Passing for now".into() },
        Failure::from(WorldError::Final("Passing".into())),
        Failure::Misconfigured("SLIPWAY_TOPIC is not set: Passing".into()),
    ];
    for failure in final_ones {
        assert!(matches!(NotSent::from(failure), NotSent::Final(_)));
    }
}

#[test]
fn the_secret_may_be_written_in_several_ways() {
    let secrets = [
        r#"{"bot_token": "xoxb-1"}"#,
        r#"{"webhook": "https://hooks.slack.com/services/T/B/x"}"#,
        "xoxb-1\n",
        r#""xoxb-1""#,
        "https://hooks.slack.com/services/T/B/x",
        r#"{"bot_token": "", "webhook": ""}"#,
        r#"{"token": "xoxb-1"}"#,
        "",
    ];
    let lines = secrets.map(|secret| {
        let found = match read(secret) {
            Ok(Access::Bot(_)) => "a bot",
            Ok(Access::Webhook(_)) => "a webhook",
            Err(_) => "neither",
        };
        format!("{secret:?}: {found}\n")
    });
    expect![[r#"
        "{\"bot_token\": \"xoxb-1\"}": a bot
        "{\"webhook\": \"https://hooks.slack.com/services/T/B/x\"}": a webhook
        "xoxb-1\n": a bot
        "\"xoxb-1\"": a bot
        "https://hooks.slack.com/services/T/B/x": a webhook
        "{\"bot_token\": \"\", \"webhook\": \"\"}": neither
        "{\"token\": \"xoxb-1\"}": neither
        "": neither
    "#]]
    .assert_eq(&lines.concat());
}

#[test]
fn only_a_temporary_failure_is_retried_and_not_endlessly() {
    let busy = || Err(NotSent::Passing("busy".into()));
    let wrong = || Err(NotSent::Final("no such channel".into()));
    let lines = [
        ("told", settled("Slack", Ok(()), true)),
        ("busy", settled("Slack", busy(), true)),
        ("busy for an hour", settled("Slack", busy(), false)),
        ("refused", settled("Slack", wrong(), true)),
    ];
    let lines = lines.map(|(what, over)| format!("{what}: {over:?}\n"));
    expect![[r#"
        told: Ok(())
        busy: Err("could not notify Slack yet: busy")
        busy for an hour: Ok(())
        refused: Ok(())
    "#]]
    .assert_eq(&lines.concat());
}
