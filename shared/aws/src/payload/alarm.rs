//! Alarms, from any source.

use super::field::{at, list, required_text, required_time, text};
use super::{Heard, kind};
use crate::failure::Failure;
use pipeline::event::{AlarmReading, AlarmState};
use pipeline::names::AlarmName;
use serde_json::Value;

/// Reads an alarm from EventBridge, a topic, or the alarm's own action; a topic may deliver
/// several.
pub fn alarms(payload: &Value) -> Result<Vec<Heard<AlarmReading>>, Failure> {
    let records = list(payload, "Records");
    if !records.is_empty() {
        return records.iter().map(by_topic).collect();
    }
    let reading = match kind(payload) {
        Some("CloudWatch Alarm State Change") => Heard::News(reading(payload, "detail")?),
        Some(other) => Heard::NotForUs(other.to_owned()),
        None if at(payload, "alarmData").is_some() => Heard::News(reading(payload, "alarmData")?),
        None => {
            return Err(Failure::Unreadable(
                "`detail-type`, `alarmData` and `Records` are all missing; this function takes \
                 alarms from EventBridge, as an alarm's own action, or through SNS"
                    .into(),
            ));
        }
    };
    Ok(vec![reading])
}

fn reading(payload: &Value, under: &str) -> Result<AlarmReading, Failure> {
    let suppressed = text(payload, &format!("{under}.state.actionsSuppressedBy")).is_some();
    let reason = text(payload, &format!("{under}.state.reason")).unwrap_or_default();
    let before = format!("{under}.previousState.value");
    Ok(AlarmReading {
        alarm: AlarmName::new(required_text(payload, &format!("{under}.alarmName"))?),
        state: state(required_text(payload, &format!("{under}.state.value"))?),
        since: required_time(payload, &format!("{under}.state.timestamp"))?,
        reason: reason.to_owned(),
        muted: Some(suppressed || at(payload, &format!("{under}.muteDetail")).is_some()),
        was: text(payload, &before).map(state),
    })
}

/// A topic delivers the alarm as JSON in a string, and may deliver messages of others.
fn by_topic(record: &Value) -> Result<Heard<AlarmReading>, Failure> {
    let message = required_text(record, "Sns.Message")?;
    let alarm = match serde_json::from_str::<Value>(message) {
        Ok(alarm) => alarm,
        // It may be half of an alarm.
        Err(error) if message.trim_start().starts_with('{') => {
            return Err(Failure::Unreadable(format!("`Sns.Message` is truncated JSON: {error}")));
        }
        Err(_) => return Ok(Heard::NotForUs("a message that is not an alarm".into())),
    };
    let Some(name) = text(&alarm, "AlarmName") else {
        return Ok(Heard::NotForUs("a message that is not an alarm".into()));
    };
    Ok(Heard::News(AlarmReading {
        alarm: AlarmName::new(name),
        state: state(required_text(&alarm, "NewStateValue")?),
        since: required_time(&alarm, "StateChangeTime")?,
        reason: text(&alarm, "NewStateReason").unwrap_or_default().to_owned(),
        // A muted alarm sends nothing to a topic.
        muted: Some(false),
        was: text(&alarm, "OldStateValue").map(state),
    }))
}

/// An unknown state counts as neither ALARM nor OK.
pub fn state(word: &str) -> AlarmState {
    match word {
        "ALARM" => AlarmState::On,
        "OK" => AlarmState::Quiet,
        _ => AlarmState::NoData,
    }
}
