//! Where the sandbox pretends to be, and how AWS spells names and moments there.

use crate::service::Refusal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "eu-central-1";

/// `arn:aws:ecs:eu-central-1:123456789012:cluster/scr`
pub fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}

/// A moment as events spell it: `2026-11-20T10:03:09.993Z`.
pub fn iso(millis: u64) -> Value {
    let timestamp = i64::try_from(millis).ok().map(jiff::Timestamp::from_millisecond);
    let timestamp = timestamp.and_then(Result::ok).unwrap_or(jiff::Timestamp::MAX);
    json!(format!("{timestamp:.3}"))
}

/// A moment as the JSON protocols spell it: seconds since 1970, with a fraction.
pub fn epoch(millis: u64) -> Value {
    json!(millis as f64 / 1000.0)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Makes names that look random and are the same in every run.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    made: u64,
}

impl Ids {
    pub(crate) fn hex(&mut self, kind: &str, length: usize) -> String {
        self.made += 1;
        let mut text = sha256(format!("{kind} {}", self.made).as_bytes());
        text.truncate(length);
        text
    }

    /// Nineteen digits, as behind `ecs-svc/`.
    pub(crate) fn digits(&mut self, kind: &str) -> String {
        let hex = self.hex(kind, 15);
        let number = u64::from_str_radix(&hex, 16).unwrap_or(self.made);
        format!("{}", 1_000_000_000_000_000_000 + number % 8_000_000_000_000_000_000)
    }

    pub(crate) fn uuid(&mut self, kind: &str) -> String {
        let hex = self.hex(kind, 32);
        let part = |from, to| hex.get(from..to).unwrap_or_default().to_owned();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }
}

/// What a call gave for `key`, if it is text and not empty.
pub(crate) fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(crate) fn list<'a>(input: &'a Value, key: &str) -> &'a [Value] {
    input.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn texts<'a>(input: &'a Value, key: &str) -> Vec<&'a str> {
    list(input, key).iter().filter_map(Value::as_str).collect()
}

/// One page of `all`, and the token for the next. A token is the number of what came before.
pub(crate) fn page<T: Clone>(
    all: &[T],
    input: &Value,
    [token, limit]: [&str; 2],
    most: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let refused = || Refusal::new("InvalidParameterException", "Invalid token");
    let from = text(input, token).map_or(Ok(0), str::parse).map_err(|_| refused())?;
    let limit = input.get(limit).and_then(Value::as_u64).and_then(|limit| limit.try_into().ok());
    let limit = limit.unwrap_or(most).min(most);
    let rest = all.get(from..).ok_or_else(refused)?;
    let next = (rest.len() > limit).then(|| (from + limit).to_string());
    Ok((rest.iter().take(limit).cloned().collect(), next))
}
