//! The history of an alarm: each state change, as CloudWatch keeps it.

use super::{KINDS, of_aws};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::payload;
use aws_sdk_cloudwatch::types::{AlarmHistoryItem, HistoryItemType, ScanBy};
use aws_smithy_types::DateTime;
use pipeline::event::AlarmReading;
use pipeline::names::AlarmName;
use pipeline::time::Time;
use serde_json::Value;

/// More changes add no information.
const CHANGES_MAX: i32 = 100;

/// Every change since `since`, the oldest first.
pub(super) async fn changes(
    aws: &Aws,
    alarm: &AlarmName,
    since: Time,
) -> Result<Vec<AlarmReading>, Failure> {
    let from = i64::try_from(since.millis()).unwrap_or(i64::MAX);
    let asking = aws
        .cloudwatch()
        .describe_alarm_history()
        .alarm_name(alarm.as_str())
        // As with the alarms: without the types AWS returns metric alarms only.
        .set_alarm_types(Some(KINDS.into()))
        .history_item_type(HistoryItemType::StateUpdate)
        .start_date(DateTime::from_millis(from))
        .scan_by(ScanBy::TimestampAscending)
        .max_records(CHANGES_MAX);
    let answer = asking.send().await.map_err(failure)?;
    Ok(answer.alarm_history_items().iter().filter_map(|item| change(alarm, item)).collect())
}

/// The data of a history item is JSON in a string.
fn change(alarm: &AlarmName, item: &AlarmHistoryItem) -> Option<AlarmReading> {
    let data: Value = serde_json::from_str(item.history_data()?).ok()?;
    let of = |pointer: &str| data.pointer(pointer).and_then(Value::as_str);
    Some(AlarmReading {
        alarm: alarm.clone(),
        state: payload::state(of("/newState/stateValue")?),
        since: of_aws(item.timestamp()?)?,
        reason: of("/newState/stateReason").unwrap_or_default().to_owned(),
        // It may have been muted then and not be muted now.
        muted: None,
        was: of("/oldState/stateValue").map(payload::state),
    })
}

#[cfg(test)]
mod tests {
    use super::change;
    use aws_sdk_cloudwatch::types::AlarmHistoryItem;
    use aws_smithy_types::DateTime;
    use expect_test::expect;

    #[test]
    fn a_change_is_reported_with_the_state_before_it() {
        let data = r#"{"version": "1.0",
            "oldState": {"stateValue": "ALARM", "stateReason": "7 > 5"},
            "newState": {"stateValue": "OK", "stateReason": "0 is not > 5"}}"#;
        let item = AlarmHistoryItem::builder()
            .alarm_name("scr-staging-5xx")
            .timestamp(DateTime::from_secs(1_795_251_900));
        let changed = change(&"scr-staging-5xx".into(), &item.clone().history_data(data).build());
        expect![[r#"
            Some(
                AlarmReading {
                    alarm: AlarmName(
                        "scr-staging-5xx",
                    ),
                    state: Quiet,
                    since: Time(
                        1795251900000,
                    ),
                    reason: "0 is not > 5",
                    muted: None,
                    was: Some(
                        On,
                    ),
                },
            )
        "#]]
        .assert_eq(&format!("{changed:#?}\n"));
        // Its configuration was changed, not its state.
        let other = item.history_data(r#"{"type": "Update"}"#).build();
        assert_eq!(change(&"scr-staging-5xx".into(), &other), None);
    }
}
