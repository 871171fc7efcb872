//! One field of a payload, by its path.

use crate::failure::Failure;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use pipeline::time::Time;
use serde_json::Value;

/// Follows a path with dots; a number is an index in a list. `null` counts as missing.
pub(super) fn at<'a>(payload: &'a Value, path: &str) -> Option<&'a Value> {
    let step = |value: &'a Value, step: &str| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => value.get(step),
    };
    path.split('.').try_fold(payload, step).filter(|value| !value.is_null())
}

/// A text that is not empty; AWS sends empty ones for "none".
pub(super) fn text<'a>(payload: &'a Value, path: &str) -> Option<&'a str> {
    at(payload, path)?.as_str().filter(|text| !text.is_empty())
}

pub(super) fn required_text<'a>(payload: &'a Value, path: &str) -> Result<&'a str, Failure> {
    text(payload, path).ok_or_else(|| missing(payload, path, "a text"))
}

pub(super) fn required_time(payload: &Value, path: &str) -> Result<Time, Failure> {
    let found = required_text(payload, path)?;
    time(found).ok_or_else(|| missing(payload, path, "a time like 2026-11-20T10:00:03Z"))
}

pub(super) fn list<'a>(payload: &'a Value, path: &str) -> &'a [Value] {
    at(payload, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn required_list<'a>(payload: &'a Value, path: &str) -> Result<&'a [Value], Failure> {
    let found = at(payload, path).and_then(Value::as_array);
    found.map(Vec::as_slice).ok_or_else(|| missing(payload, path, "a list"))
}

fn missing(payload: &Value, path: &str, what: &str) -> Failure {
    let found = at(payload, path).map_or("is missing".into(), |found| format!("is {found:.80}"));
    Failure::Unreadable(format!("`{path}` {found}; it should be {what}"))
}

/// Reads a time as AWS writes it: with a `Z`, or with an offset without a colon.
pub(super) fn time(text: &str) -> Option<Time> {
    let offset = text.len().checked_sub(5).filter(|start| text.is_char_boundary(*start));
    let (date, offset) = text.split_at(offset?);
    let text = match offset.strip_prefix(['+', '-']) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{date}{}:{}", &offset[..3], &offset[3..])
        }
        _ => text.to_owned(),
    };
    let moment = DateTime::from_str(&text, Format::DateTimeWithOffset).ok()?;
    Some(Time::from_millis(u64::try_from(moment.to_millis().ok()?).ok()?))
}
