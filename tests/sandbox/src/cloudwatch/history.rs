//! What alarms did, and which rules mute them.

use super::{CloudWatch, State};
use crate::place::{arn, text, texts};
use serde_json::{Value, json};

impl CloudWatch {
    /// The changes of one alarm's state since `StartDate`, the oldest first.
    pub(super) fn history(&self, input: &Value) -> Value {
        let name = text(input, "AlarmName").unwrap_or_default();
        let types = texts(input, "AlarmTypes");
        let start = moment_of(&input["StartDate"]);
        let alarm = self.alarms.get(name).filter(|alarm| {
            types.contains(&alarm.kind.name()) || (types.is_empty() && alarm.is_metric())
        });
        let changes = alarm.into_iter().flat_map(|alarm| &alarm.changes);
        let items: Vec<Value> = changes
            .filter(|(_, after)| after.since >= start)
            .map(|(before, after)| {
                let state = |state: &State| {
                    json!({ "stateValue": state.value, "stateReason": state.reason })
                };
                let data = json!({
                    "version": "1.0", "oldState": state(before), "newState": state(after),
                });
                json!({
                    "AlarmName": name,
                    "Timestamp": { "$time": after.since as f64 / 1000.0 },
                    "HistoryItemType": "StateUpdate",
                    "HistorySummary":
                        format!("Alarm updated from {} to {}", before.value, after.value),
                    "HistoryData": data.to_string(),
                })
            })
            .collect();
        json!({ "AlarmHistoryItems": items })
    }

    pub(super) fn mute_rules(&self, input: &Value) -> Value {
        let name = text(input, "AlarmName").unwrap_or_default();
        let rule = self.alarms.get(name).and_then(|alarm| alarm.muted_by.as_ref());
        let rules: Vec<Value> = rule
            .map(|rule| {
                let arn = arn("cloudwatch", &format!("alarm-mute-rule:{rule}"));
                json!({ "AlarmMuteRuleArn": arn, "Status": "ACTIVE" })
            })
            .into_iter()
            .collect();
        json!({ "AlarmMuteRuleSummaries": rules })
    }
}

/// A moment as the wire brings it.
fn moment_of(value: &Value) -> u64 {
    (value["$time"].as_f64().unwrap_or_default() * 1000.0) as u64
}
