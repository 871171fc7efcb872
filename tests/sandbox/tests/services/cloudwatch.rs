//! Alarms that change between ALARM and OK.

use crate::room::Room;
use expect_test::expect;
use sandbox::cloudwatch::{CloudWatch, Kind};
use serde_json::{Value, json};

fn alarms() -> Room<CloudWatch> {
    let mut room = Room::new("monitoring", CloudWatch::new());
    let (namespace, metric) = ("AWS/ApplicationELB".to_owned(), "HTTPCode_Target_5XX".to_owned());
    let kind = Kind::Metric { namespace, metric, threshold: 5.0 };
    let now = room.now();
    room.service.create("scr-5xx", kind, now);
    let rule = "ALARM(scr-5xx)".to_owned();
    room.service.create("scr", Kind::Composite { rule }, now);
    room
}

fn names(answer: &Value) -> String {
    let of = |member: &str| {
        let all = answer[member].as_array().into_iter().flatten();
        let all: Vec<_> =
            all.map(|alarm| format!("{} {}", alarm["AlarmName"], alarm["StateValue"])).collect();
        format!("{member}: [{}]", all.join(", "))
    };
    format!("{} {}", of("MetricAlarms"), of("CompositeAlarms"))
}

#[test]
fn an_alarm_sends_an_event_when_it_changes_and_never_else() {
    let mut room = alarms();
    for (state, reason) in [("ALARM", "7 errors"), ("ALARM", "8 errors"), ("OK", "quiet")] {
        room.pass(60);
        room.line(state);
        room.at_desk(|cloudwatch, desk| cloudwatch.set_state("scr-5xx", state, reason, desk));
    }
    room.service.mute("scr-5xx", Some("nightly"));
    room.at_desk(|cloudwatch, desk| cloudwatch.set_state("scr-5xx", "ALARM", "", desk));
    expect![[r#"
        01:00 ALARM
        01:00   CloudWatch Alarm State Change: {"alarmName":"scr-5xx","configuration":{"description":"Watches HTTPCode_Target_5XX.","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{},"name":"HTTPCode_Target_5XX","namespace":"AWS/ApplicationELB"},"period":60,"stat":"Sum"},"returnData":true}]},"previousState":{"reason":"Threshold Crossed: 1 datapoint was not greater than the threshold.","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:00:00.000+0000\",\"recentDatapoints\":[0.0],\"startDate\":\"2026-11-20T09:59:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:00:00.000+0000","value":"OK"},"state":{"reason":"7 errors","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:01:00.000+0000\",\"recentDatapoints\":[6.0],\"startDate\":\"2026-11-20T10:00:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:01:00.000+0000","value":"ALARM"}}
        02:00 ALARM
        03:00 OK
        03:00   CloudWatch Alarm State Change: {"alarmName":"scr-5xx","configuration":{"description":"Watches HTTPCode_Target_5XX.","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{},"name":"HTTPCode_Target_5XX","namespace":"AWS/ApplicationELB"},"period":60,"stat":"Sum"},"returnData":true}]},"previousState":{"reason":"8 errors","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:01:00.000+0000\",\"recentDatapoints\":[6.0],\"startDate\":\"2026-11-20T10:00:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:01:00.000+0000","value":"ALARM"},"state":{"reason":"quiet","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:03:00.000+0000\",\"recentDatapoints\":[0.0],\"startDate\":\"2026-11-20T10:02:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:03:00.000+0000","value":"OK"}}
        03:00   CloudWatch Alarm State Change: {"alarmName":"scr-5xx","configuration":{"description":"Watches HTTPCode_Target_5XX.","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{},"name":"HTTPCode_Target_5XX","namespace":"AWS/ApplicationELB"},"period":60,"stat":"Sum"},"returnData":true}]},"muteDetail":{"muteWindowEnd":"2026-11-20T10:53:00.000+0000","muteWindowStart":"2026-11-20T09:53:00.000+0000","mutedByArn":"arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:nightly"},"previousState":{"reason":"quiet","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:03:00.000+0000\",\"recentDatapoints\":[0.0],\"startDate\":\"2026-11-20T10:02:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:03:00.000+0000","value":"OK"},"state":{"reason":"","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:03:00.000+0000\",\"recentDatapoints\":[6.0],\"startDate\":\"2026-11-20T10:02:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:03:00.000+0000","value":"ALARM"}}
    "#]].assert_eq(&room.story());
}

#[test]
fn composite_alarms_are_shown_only_to_who_asks_for_them() {
    let mut room = alarms();
    let both = json!({ "AlarmNames": ["scr", "scr-5xx", "missing"] });
    let answer = room.ask("DescribeAlarms", &both);
    room.line(&names(&answer));
    room.needs("DescribeAlarms", &both);
    let mut typed = both;
    typed["AlarmTypes"] = json!(["MetricAlarm", "CompositeAlarm", "LogAlarm"]);
    let answer = room.ask("DescribeAlarms", &typed);
    room.line(&names(&answer));
    room.needs("DescribeAlarms", &typed);
    expect![[r#"
        00:00 MetricAlarms: ["scr-5xx" "OK"] CompositeAlarms: []
        00:00 cloudwatch:DescribeAlarms on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:scr
        00:00 cloudwatch:DescribeAlarms on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:scr-5xx
        00:00 cloudwatch:DescribeAlarms on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:missing
        00:00 MetricAlarms: ["scr-5xx" "OK"] CompositeAlarms: ["scr" "OK"]
        00:00 cloudwatch:DescribeAlarms on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:*
    "#]].assert_eq(&room.story());
}

#[test]
fn the_history_of_an_alarm_and_its_mute_rules_can_be_read() {
    let mut room = alarms();
    let start = room.now();
    for state in ["ALARM", "OK"] {
        room.pass(60);
        room.at_desk(|cloudwatch, desk| cloudwatch.set_state("scr-5xx", state, "", desk));
    }
    let since = |millis: u64| json!({ "$time": millis as f64 / 1000.0 });
    for from in [start, start + 90_000] {
        let asked = json!({ "AlarmName": "scr-5xx", "StartDate": since(from) });
        let answer = room.ask("DescribeAlarmHistory", &asked);
        let items = answer["AlarmHistoryItems"].as_array().into_iter().flatten();
        let told: Vec<_> = items.map(|item| item["HistorySummary"].to_string()).collect();
        room.line(&told.join(", "));
        room.needs("DescribeAlarmHistory", &asked);
    }
    let asked = json!({ "AlarmName": "scr-5xx", "Statuses": ["ACTIVE"] });
    for rule in [None, Some("nightly")] {
        room.service.mute("scr-5xx", rule);
        let answer = room.ask("ListAlarmMuteRules", &asked);
        room.line(&answer["AlarmMuteRuleSummaries"].to_string());
    }
    room.needs("ListAlarmMuteRules", &asked);
    expect![[r#"
        01:00   CloudWatch Alarm State Change: {"alarmName":"scr-5xx","configuration":{"description":"Watches HTTPCode_Target_5XX.","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{},"name":"HTTPCode_Target_5XX","namespace":"AWS/ApplicationELB"},"period":60,"stat":"Sum"},"returnData":true}]},"previousState":{"reason":"Threshold Crossed: 1 datapoint was not greater than the threshold.","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:00:00.000+0000\",\"recentDatapoints\":[0.0],\"startDate\":\"2026-11-20T09:59:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:00:00.000+0000","value":"OK"},"state":{"reason":"","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:01:00.000+0000\",\"recentDatapoints\":[6.0],\"startDate\":\"2026-11-20T10:00:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:01:00.000+0000","value":"ALARM"}}
        02:00   CloudWatch Alarm State Change: {"alarmName":"scr-5xx","configuration":{"description":"Watches HTTPCode_Target_5XX.","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{},"name":"HTTPCode_Target_5XX","namespace":"AWS/ApplicationELB"},"period":60,"stat":"Sum"},"returnData":true}]},"previousState":{"reason":"","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:01:00.000+0000\",\"recentDatapoints\":[6.0],\"startDate\":\"2026-11-20T10:00:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:01:00.000+0000","value":"ALARM"},"state":{"reason":"","reasonData":"{\"period\":60,\"queryDate\":\"2026-11-20T10:02:00.000+0000\",\"recentDatapoints\":[0.0],\"startDate\":\"2026-11-20T10:01:00.000+0000\",\"statistic\":\"Sum\",\"threshold\":5.0,\"version\":\"1.0\"}","timestamp":"2026-11-20T10:02:00.000+0000","value":"OK"}}
        02:00 "Alarm updated from OK to ALARM", "Alarm updated from ALARM to OK"
        02:00 cloudwatch:DescribeAlarmHistory on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:scr-5xx
        02:00 "Alarm updated from ALARM to OK"
        02:00 cloudwatch:DescribeAlarmHistory on arn:aws:cloudwatch:eu-central-1:123456789012:alarm:scr-5xx
        02:00 []
        02:00 [{"AlarmMuteRuleArn":"arn:aws:cloudwatch:eu-central-1:123456789012:alarm-mute-rule:nightly","Status":"ACTIVE"}]
        02:00 cloudwatch:ListAlarmMuteRules on *
    "#]].assert_eq(&room.story());
}
