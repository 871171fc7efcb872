//! Alarms, read by name.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::payload;
use crate::step_error::asked_to;
use aws_sdk_cloudwatch::types::{
    AlarmMuteRuleStatus, AlarmType, CompositeAlarm, LogAlarm, MetricAlarm, StateValue,
};
use aws_smithy_types::DateTime;
use engine::World;
use pipeline::event::{AlarmReading, AlarmState, Event};
use pipeline::names::AlarmName;
use pipeline::time::Time;
use std::collections::BTreeSet;

mod history;

/// How many names DescribeAlarms accepts.
const NAMES_MAX: usize = 100;

const KINDS: [AlarmType; 3] =
    [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];

/// Performs `ReadAlarms`. The core sent the names, and notices which of them have no reading.
///
/// The state of an alarm does not show what it was a minute ago. For one that has changed since
/// `since`, every change is returned as well, the oldest first.
pub async fn answer_alarms(
    aws: &Aws,
    names: &[AlarmName],
    since: Option<Time>,
) -> Result<Event, Failure> {
    // Taken before the call: the answer is at least this new.
    let read_at = aws.now();
    let mut readings = read_alarms(aws, names).await?;
    let missing = missing(names, &readings);
    if !missing.is_empty() {
        tracing::warn!("alarms not found: {}", list(&missing));
    }
    if let Some(since) = since {
        let mut earlier = Vec::new();
        for reading in readings.iter().filter(|reading| reading.since > since) {
            earlier.extend(changes(aws, reading, since).await?);
        }
        readings.splice(0..0, earlier);
    }
    Ok(Event::AlarmsRead { read_at, readings })
}

/// What an alarm did since then. A mute rule that is active now may have been active all the time.
async fn changes(
    aws: &Aws,
    reading: &AlarmReading,
    since: Time,
) -> Result<Vec<AlarmReading>, Failure> {
    let mut changes = history::changes(aws, &reading.alarm, since).await?;
    let was_on = |change: &AlarmReading| {
        change.state == AlarmState::On || change.was == Some(AlarmState::On)
    };
    let muted = match reading.muted {
        None if changes.iter().any(was_on) => is_muted(aws, &reading.alarm).await?,
        known => known,
    };
    for change in &mut changes {
        change.muted = muted.filter(|muted| *muted);
    }
    Ok(changes)
}

/// Reads alarms of every type. One that does not exist has no reading; see `missing`.
pub(crate) async fn read_alarms(
    aws: &Aws,
    names: &[AlarmName],
) -> Result<Vec<AlarmReading>, Failure> {
    let mut readings = Vec::new();
    for chunk in names.chunks(NAMES_MAX) {
        let asking = aws
            .cloudwatch()
            .describe_alarms()
            .set_alarm_names(Some(chunk.iter().map(ToString::to_string).collect()))
            // Without the types AWS returns metric alarms only.
            .set_alarm_types(Some(KINDS.into()))
            .max_records(i32::try_from(NAMES_MAX).unwrap_or(i32::MAX));
        let mut pages = asking.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failure)?;
            readings.extend(page.metric_alarms().iter().filter_map(of_metric));
            readings.extend(page.composite_alarms().iter().filter_map(of_composite));
            readings.extend(page.log_alarms().iter().filter_map(of_log));
        }
    }
    for reading in &mut readings {
        // Only an alarm in ALARM needs this.
        if reading.state == AlarmState::On && reading.muted.is_none() {
            reading.muted = is_muted(aws, &reading.alarm).await?;
        }
    }
    Ok(readings)
}

/// Whether a mute rule silences the alarm's actions now, which DescribeAlarms does not say. `None`:
/// access denied, or the region has no mute rules.
async fn is_muted(aws: &Aws, alarm: &AlarmName) -> Result<Option<bool>, Failure> {
    let asking = aws.cloudwatch().list_alarm_mute_rules().alarm_name(alarm.as_str());
    match asking.statuses(AlarmMuteRuleStatus::Active).send().await.map_err(failure) {
        Ok(answer) => Ok(Some(!answer.alarm_mute_rule_summaries().is_empty())),
        Err(refused @ Failure::Refused { .. }) => {
            tracing::warn!(%alarm, "cannot check for mute rules: {refused}");
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

/// The requested alarms that do not exist, which is not the same as OK.
pub fn missing(names: &[AlarmName], readings: &[AlarmReading]) -> Vec<AlarmName> {
    let is_read = |name: &AlarmName| readings.iter().any(|reading| reading.alarm == *name);
    names.iter().filter(|name| !is_read(name)).cloned().collect()
}

fn of_metric(alarm: &MetricAlarm) -> Option<AlarmReading> {
    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    reading(alarm.alarm_name(), alarm.state_value(), alarm.state_reason(), since)
}

fn of_log(alarm: &LogAlarm) -> Option<AlarmReading> {
    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    reading(alarm.alarm_name(), alarm.state_value(), alarm.state_reason(), since)
}

fn of_composite(alarm: &CompositeAlarm) -> Option<AlarmReading> {
    let since = alarm.state_transitioned_timestamp().or(alarm.state_updated_timestamp());
    let reading = reading(alarm.alarm_name(), alarm.state_value(), alarm.state_reason(), since)?;
    let suppressed = alarm.actions_suppressed_by().is_some();
    Some(AlarmReading { muted: suppressed.then_some(true), ..reading })
}

fn reading(
    name: Option<&str>,
    state: Option<&StateValue>,
    reason: Option<&str>,
    since: Option<&DateTime>,
) -> Option<AlarmReading> {
    Some(AlarmReading {
        alarm: AlarmName::new(name?),
        state: payload::state(state?.as_str()),
        since: since.and_then(of_aws).unwrap_or_default(),
        reason: reason.unwrap_or_default().to_owned(),
        muted: None,
        was: None,
    })
}

fn of_aws(time: &DateTime) -> Option<Time> {
    Some(Time::from_millis(u64::try_from(time.to_millis().ok()?).ok()?))
}

fn list(names: &[AlarmName]) -> String {
    names.iter().map(AlarmName::as_str).collect::<Vec<_>>().join(", ")
}

/// Reads alarms; the texts are what is wrong with them.
pub async fn read_alarms_and_faults(
    aws: &Aws,
    names: &[AlarmName],
) -> Result<(Vec<AlarmReading>, Vec<String>), Failure> {
    if names.is_empty() {
        return Ok((vec![], vec![]));
    }
    let read = read_alarms(aws, names).await;
    let readings = match read.map_err(asked_to("describe the alarms")) {
        Ok(readings) => readings,
        Err(halt) => return Ok((vec![], vec![halt.fault()?])),
    };
    let known: BTreeSet<_> = readings.iter().map(|reading| &reading.alarm).collect();
    let missing = names.iter().filter(|name| !known.contains(name)).map(|name| {
        format!("there is no alarm {name}; create it, or remove it from the application's spec")
    });
    let missing = missing.collect();
    Ok((readings, missing))
}

#[cfg(test)]
mod tests {
    use super::{CompositeAlarm, MetricAlarm, StateValue, missing, of_composite, of_metric};
    use aws_sdk_cloudwatch::types::ActionsSuppressedBy;
    use aws_smithy_types::DateTime;
    use expect_test::expect;
    use pipeline::names::AlarmName;

    #[test]
    fn an_alarm_is_read_with_when_it_turned_and_whether_it_is_muted() {
        let metric = MetricAlarm::builder()
            .alarm_name("scr-staging-5xx")
            .state_value(StateValue::Alarm)
            .state_reason("7 > 5")
            .state_updated_timestamp(DateTime::from_secs(1_795_251_900))
            .state_transitioned_timestamp(DateTime::from_secs(1_795_251_732))
            .build();
        let composite = CompositeAlarm::builder()
            .alarm_name("scr-staging-health")
            .state_value(StateValue::from("WOBBLING"))
            .actions_suppressed_by(ActionsSuppressedBy::Alarm)
            .build();
        let readings = [of_metric(&metric), of_composite(&composite)];
        let readings: Vec<_> = readings.into_iter().flatten().collect();
        let asked = ["scr-staging-5xx", "scr-staging-p99"].map(AlarmName::from);
        let missing = missing(&asked, &readings);
        expect![[r#"
            [
                AlarmReading {
                    alarm: AlarmName(
                        "scr-staging-5xx",
                    ),
                    state: On,
                    since: Time(
                        1795251732000,
                    ),
                    reason: "7 > 5",
                    muted: None,
                    was: None,
                },
                AlarmReading {
                    alarm: AlarmName(
                        "scr-staging-health",
                    ),
                    state: NoData,
                    since: Time(
                        0,
                    ),
                    reason: "",
                    muted: Some(
                        true,
                    ),
                    was: None,
                },
            ]
            missing: [AlarmName("scr-staging-p99")]
        "#]]
        .assert_eq(&format!("{readings:#?}\nmissing: {missing:?}\n"));
    }
}
