//! Slipway's own alarms, as their topic delivers them.

use super::words::{NoticeText, Severity};
use aws::failure::Failure;
use serde_json::Value;

/// One text for each alarm in an SNS payload.
pub(super) fn stories(payload: &Value) -> Result<Vec<NoticeText>, Failure> {
    let records = payload["Records"].as_array().into_iter().flatten();
    records.map(|record| text(record["Sns"]["Message"].as_str().unwrap_or_default())).collect()
}

fn text(message: &str) -> Result<NoticeText, Failure> {
    let unreadable = |why: &str| Failure::Unreadable(format!("the message is not an alarm: {why}"));
    let alarm: Value =
        serde_json::from_str(message).map_err(|error| unreadable(&error.to_string()))?;
    let text = |name: &str| alarm[name].as_str().filter(|text| !text.is_empty());
    let name = text("AlarmName").ok_or_else(|| unreadable("it has no AlarmName"))?;
    let state = text("NewStateValue").unwrap_or("in an unknown state");
    let (severity, what) = match state {
        "OK" => (Severity::Succeeded, "is OK".to_owned()),
        "ALARM" => (Severity::ActionRequired, "is in ALARM".to_owned()),
        other => (Severity::ActionRequired, format!("is {other}")),
    };
    Ok(NoticeText {
        severity,
        headline: format!("Slipway's own alarm {name} {what}"),
        why: text("AlarmDescription").map(str::to_owned),
        facts: text("NewStateReason").map(str::to_owned).into_iter().collect(),
        last_words: vec![],
        output: None,
        advice: None,
    })
}
