//! Every sample with its end missing: the whole payload, and the part of it that says what happened.
//!
//! Nothing panics. A truncated payload is rejected as unreadable, which is counted and kept, or it
//! means the same as the whole; it never means anything else, and is never ignored.

use super::{NOW, outcome, show_alarms, show_ecs, show_push, table};
use crate::payload::{command_news, ecs_news, push};
use serde_json::Value;

const NOT_FOR_US: &str = "not for us";

/// What a function makes of a payload.
type Read<'a> = &'a dyn Fn(&Value) -> String;

fn show_command(payload: &Value) -> String {
    let heard = command_news(payload);
    heard.map_or("another kind".into(), |heard| outcome(heard, |command| command))
}

/// The samples of one source, and what a function makes of them.
fn each(check: impl Fn(&Value, Read)) {
    let reads: [(&str, Read); 4] = [
        ("ecr-", &|payload| outcome(push(payload, NOW), show_push)),
        ("ecs-", &|payload| outcome(ecs_news(payload), show_ecs)),
        ("alarm-", &show_alarms),
        ("ssm-", &show_command),
    ];
    for (prefix, read) in reads {
        table(&[prefix], |sample| {
            check(sample, read);
            String::new()
        });
    }
}

fn cuts(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len()).filter(|end| text.is_char_boundary(*end)).map(|end| &text[..end])
}

fn assert_refused_or_same(said: &str, whole: &str, cut: &str) {
    let is_refused = said.starts_with("Unreadable: ");
    // A payload that is not for us may be ignored in parts.
    let is_nobodys = whole.starts_with(NOT_FOR_US) && said.starts_with(NOT_FOR_US);
    assert!(is_refused || is_nobodys || said == whole, "{cut}\n{said}\n{whole}");
}

#[test]
fn a_payload_cut_off_at_any_byte_is_no_payload() {
    each(|sample, read| {
        let text = sample.to_string();
        for cut in cuts(&text) {
            assert!(serde_json::from_str::<Value>(cut).is_err(), "{cut}");
        }
        // Some tools send JSON once more as a text.
        for cut in cuts(&text).step_by(7) {
            let said = read(&Value::from(cut));
            assert!(said.starts_with("Unreadable: ") || said == "another kind", "{cut}\n{said}");
        }
    });
}

#[test]
fn a_detail_cut_off_at_any_byte_is_refused_or_changes_nothing() {
    each(|sample, read| {
        let whole = read(sample);
        for part in ["detail", "alarmData"] {
            let Some(detail) = sample.get(part).map(Value::to_string) else { continue };
            let mut payload = sample.clone();
            for cut in cuts(&detail) {
                payload[part] = cut.into();
                assert_refused_or_same(&read(&payload), &whole, cut);
            }
        }
    });
}

#[test]
fn an_alarm_cut_off_on_its_way_through_a_topic_is_refused() {
    let samples = table(&["alarm-by-sns"], |sample| {
        let message = sample["Records"][0]["Sns"]["Message"].as_str().expect("it is a text");
        let mut payload = sample.clone();
        for cut in cuts(message).skip(1) {
            payload["Records"][0]["Sns"]["Message"] = cut.into();
            let said = show_alarms(&payload);
            assert!(said.starts_with("Unreadable: "), "{cut}\n{said}");
        }
        String::new()
    });
    assert_eq!(samples.lines().count(), 1);
}
