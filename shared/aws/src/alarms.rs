//! Alarms, asked for by name.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use crate::payload;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, LogAlarm, MetricAlarm, StateValue};
use aws_smithy_types::DateTime;
use engine::World;
use pipeline::event::{AlarmReading, Event};
use pipeline::names::AlarmName;
use pipeline::time::Time;

/// One question may name so many.
const NAMES_MAX: usize = 100;

/// Performs `ReadAlarms`. The core asked for names and misses those that it gets no reading of.
pub async fn answer_alarms(aws: &Aws, names: &[AlarmName]) -> Result<Event, Failure> {
    // The moment before the question: what is read is at least as new.
    let read_at = aws.now();
    let readings = read_alarms(aws, names).await?;
    let missing = missing(names, &readings);
    if !missing.is_empty() {
        tracing::warn!("there are no such alarms: {}", list(&missing));
    }
    Ok(Event::AlarmsRead { read_at, readings })
}

/// Reads alarms of every kind. One that does not exist has no reading; see `missing`.
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
            // Whoever does not name the kinds is told of metric alarms only.
            .alarm_types(AlarmType::MetricAlarm)
            .alarm_types(AlarmType::CompositeAlarm)
            .alarm_types(AlarmType::LogAlarm)
            .max_records(i32::try_from(NAMES_MAX).unwrap_or(i32::MAX));
        let mut pages = asking.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failure)?;
            readings.extend(page.metric_alarms().iter().filter_map(of_metric));
            readings.extend(page.composite_alarms().iter().filter_map(of_composite));
            readings.extend(page.log_alarms().iter().filter_map(of_log));
        }
    }
    Ok(readings)
}

/// The alarms that were asked for and do not exist, which is not the same as quiet.
pub(crate) fn missing(names: &[AlarmName], readings: &[AlarmReading]) -> Vec<AlarmName> {
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
    Some(AlarmReading { muted: alarm.actions_suppressed_by().is_some(), ..reading })
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
        muted: false,
    })
}

fn of_aws(time: &DateTime) -> Option<Time> {
    Some(Time::from_millis(u64::try_from(time.to_millis().ok()?).ok()?))
}

fn list(names: &[AlarmName]) -> String {
    names.iter().map(AlarmName::as_str).collect::<Vec<_>>().join(", ")
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
                    muted: false,
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
                    muted: true,
                },
            ]
            missing: [AlarmName("scr-staging-p99")]
        "#]]
        .assert_eq(&format!("{readings:#?}\nmissing: {missing:?}\n"));
    }
}
