//! EventBridge: which rules want an event, and what it looks like when it arrives.

mod pattern;

pub use pattern::{check, wants};

use crate::{service::Emission, template::Place};
use serde_json::{Value, json};

/// The event as targets get it.
pub fn envelope(emission: &Emission, number: u64, now: u64, place: &Place) -> Value {
    json!({
        "version": "0",
        "id": format!("{number:08x}-e0e0-4000-8000-000000000000"),
        "detail-type": emission.detail_type,
        "source": emission.source,
        "account": place.account,
        "time": seconds(now),
        "region": place.region,
        "resources": emission.resources,
        "detail": emission.detail,
    })
}

/// What a schedule sends.
pub fn tick(rule_arn: &str) -> Emission {
    Emission {
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        resources: vec![rule_arn.to_owned()],
        detail: json!({}),
    }
}

/// A moment with whole seconds: `2026-11-21T09:00:00Z`.
pub fn seconds(now: u64) -> String {
    let moment = i64::try_from(now / 1000)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.unwrap_or(jiff::Timestamp::MAX).to_string()
}

#[cfg(test)]
mod tests;
