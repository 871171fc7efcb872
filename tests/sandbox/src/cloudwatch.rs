//! CloudWatch: alarms that a scenario turns on and off.

use crate::place::{arn, list, page, text, texts};
use crate::service::{Call, Desk, Emission, Need, Refusal, Service};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

mod history;

#[derive(Debug, Default)]
pub struct CloudWatch {
    alarms: BTreeMap<String, Alarm>,
}

#[derive(Debug)]
struct Alarm {
    kind: Kind,
    state: State,
    before: State,
    /// Every change of its state, the oldest first.
    changes: Vec<(State, State)>,
    /// The rule that mutes its actions; its events come nevertheless.
    muted_by: Option<String>,
}

/// What an alarm watches.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Metric { namespace: String, metric: String, threshold: f64 },
    Composite { rule: String },
}

#[derive(Clone, Debug)]
struct State {
    value: String,
    reason: String,
    since: u64,
}

impl Service for CloudWatch {
    /// AWS shows a composite alarm, or a list, only to those who may see every alarm.
    fn needs(&self, call: &Call) -> Vec<Need> {
        let action = format!("cloudwatch:{}", call.operation);
        let names = texts(&call.input, "AlarmNames");
        if call.operation == "PutMetricData" {
            let namespace = text(&call.input, "Namespace").unwrap_or_default();
            return vec![Need::new(&action, "*").with("cloudwatch:namespace", namespace)];
        }
        let composite = texts(&call.input, "AlarmTypes").contains(&"CompositeAlarm");
        if let (Some(name), false, "DescribeAlarmHistory") =
            (text(&call.input, "AlarmName"), composite, call.operation.as_str())
        {
            return vec![Need::new(&action, arn("cloudwatch", &format!("alarm:{name}")))];
        }
        if call.operation == "ListAlarmMuteRules" {
            return vec![Need::new(&action, "*")];
        }
        if names.is_empty() || composite {
            return vec![Need::new(&action, arn("cloudwatch", "alarm:*"))];
        }
        let need = |name: &str| Need::new(&action, arn("cloudwatch", &format!("alarm:{name}")));
        names.into_iter().map(need).collect()
    }

    fn answer(&mut self, call: &Call, _desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        match call.operation.as_str() {
            "DescribeAlarms" => self.describe(&call.input),
            "DescribeAlarmHistory" => Ok(self.history(&call.input)),
            "ListAlarmMuteRules" => Ok(self.mute_rules(&call.input)),
            "PutMetricData" => Ok(json!({})),
            other => Err(Refusal::new(
                "InvalidParameterValue",
                format!("The sandbox's CloudWatch knows nothing of {other}."),
            )),
        }
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl CloudWatch {
    pub fn new() -> Self {
        Self::default()
    }

    /// An alarm that has been quiet since `now`.
    pub fn create(&mut self, name: &str, kind: Kind, now: u64) {
        let quiet = "Threshold Crossed: 1 datapoint was not greater than the threshold.";
        let state = State { value: "OK".into(), reason: quiet.into(), since: now };
        let alarm = Alarm { kind, before: state.clone(), state, changes: vec![], muted_by: None };
        self.alarms.insert(name.to_owned(), alarm);
    }

    pub fn delete(&mut self, name: &str) {
        self.alarms.remove(name);
    }

    /// The name of the rule that mutes an alarm's actions from now on, or `None`.
    pub fn mute(&mut self, name: &str, rule: Option<&str>) {
        if let Some(alarm) = self.alarms.get_mut(name) {
            alarm.muted_by = rule.map(str::to_owned);
        }
    }

    /// `ALARM`, `OK` or `INSUFFICIENT_DATA`. AWS reports changes only: setting the current state
    /// again is no event.
    pub fn set_state(&mut self, name: &str, value: &str, reason: &str, desk: &mut Desk<'_>) {
        let Some(alarm) = self.alarms.get_mut(name) else { return };
        let changes = alarm.state.value != value;
        let state = State { value: value.to_owned(), reason: reason.to_owned(), since: desk.now };
        let before = std::mem::replace(&mut alarm.state, state);
        if !changes {
            alarm.state.since = before.since;
            return;
        }
        alarm.changes.push((before.clone(), alarm.state.clone()));
        alarm.before = before;
        desk.emit(Emission {
            source: "aws.cloudwatch".into(),
            detail_type: "CloudWatch Alarm State Change".into(),
            resources: vec![arn("cloudwatch", &format!("alarm:{name}"))],
            detail: alarm.detail(name, desk.now),
        });
    }

    fn describe(&self, input: &Value) -> Result<Value, Refusal> {
        let names = texts(input, "AlarmNames");
        if names.len() > 100 {
            return Err(Refusal::new(
                "ValidationError",
                "AlarmNames failed to satisfy constraint: Member must have length less than or \
                 equal to 100",
            ));
        }
        let mut types = texts(input, "AlarmTypes");
        if types.is_empty() {
            types.push("MetricAlarm");
        }
        let prefix = text(input, "AlarmNamePrefix");
        let value = text(input, "StateValue");
        let asked: Vec<_> = self
            .alarms
            .iter()
            .filter(|(name, alarm)| {
                (list(input, "AlarmNames").is_empty() || names.contains(&name.as_str()))
                    && prefix.is_none_or(|prefix| name.starts_with(prefix))
                    && value.is_none_or(|value| alarm.state.value == value)
                    && types.contains(&alarm.kind.name())
            })
            .collect();
        let (asked, next) = page(&asked, input, ["NextToken", "MaxRecords"], 100)
            .map_err(|_| Refusal::new("InvalidNextToken", "The next token is not valid."))?;
        let (metric, composite): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(_, alarm)| alarm.kind.name() == "MetricAlarm");
        let shown = |alarms: Vec<(&String, &Alarm)>| {
            alarms.into_iter().map(|(name, alarm)| alarm.document(name)).collect::<Vec<_>>()
        };
        let mut answer = json!({
            "MetricAlarms": shown(metric),
            "CompositeAlarms": shown(composite),
            "LogAlarms": [],
        });
        if let (Some(next), Value::Object(answer)) = (next, &mut answer) {
            answer.insert("NextToken".into(), json!(next));
        }
        Ok(answer)
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Metric { .. } => "MetricAlarm",
            Self::Composite { .. } => "CompositeAlarm",
        }
    }
}

impl Alarm {
    fn is_metric(&self) -> bool {
        self.kind.name() == "MetricAlarm"
    }

    fn document(&self, name: &str) -> Value {
        let since = json!({ "$time": self.state.since as f64 / 1000.0 });
        let mut document = Map::from_iter([
            ("AlarmName".to_owned(), json!(name)),
            ("AlarmArn".to_owned(), json!(arn("cloudwatch", &format!("alarm:{name}")))),
            ("ActionsEnabled".to_owned(), json!(true)),
            ("OKActions".to_owned(), json!([])),
            ("AlarmActions".to_owned(), json!([])),
            ("InsufficientDataActions".to_owned(), json!([])),
            ("StateValue".to_owned(), json!(self.state.value)),
            ("StateReason".to_owned(), json!(self.state.reason)),
            ("StateUpdatedTimestamp".to_owned(), since.clone()),
            ("StateTransitionedTimestamp".to_owned(), since.clone()),
            ("AlarmConfigurationUpdatedTimestamp".to_owned(), since),
        ]);
        let own = match &self.kind {
            Kind::Composite { rule } => json!({ "AlarmRule": rule }),
            Kind::Metric { namespace, metric, threshold } => json!({
                "StateReasonData": self.reason_data(&self.state),
                "MetricName": metric,
                "Namespace": namespace,
                "Statistic": "Sum",
                "Dimensions": [],
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": threshold,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            }),
        };
        if let Value::Object(own) = own {
            document.extend(own);
        }
        Value::Object(document)
    }

    fn detail(&self, name: &str, now: u64) -> Value {
        let state = |state: &State| {
            json!({
                "value": state.value,
                "reason": state.reason,
                "reasonData": self.reason_data(state),
                "timestamp": moment(state.since),
            })
        };
        let configuration = match &self.kind {
            Kind::Composite { rule } => json!({ "alarmRule": rule }),
            Kind::Metric { namespace, metric, .. } => json!({
                "description": format!("Watches {metric}."),
                "metrics": [{
                    "id": "m1",
                    "metricStat": {
                        "metric": { "dimensions": {}, "name": metric, "namespace": namespace },
                        "period": 60,
                        "stat": "Sum",
                    },
                    "returnData": true,
                }],
            }),
        };
        let mut detail = json!({
            "alarmName": name,
            "configuration": configuration,
            "previousState": state(&self.before),
            "state": state(&self.state),
        });
        if let (Some(rule), Value::Object(detail)) = (&self.muted_by, &mut detail) {
            let mute = json!({
                "mutedByArn": arn("cloudwatch", &format!("alarm-mute-rule:{rule}")),
                "muteWindowStart": moment(now.saturating_sub(600_000)),
                "muteWindowEnd": moment(now + 3_000_000),
            });
            detail.insert("muteDetail".into(), mute);
        }
        detail
    }

    /// JSON within a text, as AWS has it.
    fn reason_data(&self, state: &State) -> String {
        match &self.kind {
            Kind::Composite { rule } => json!({ "triggeringAlarms": [{ "arn": rule }] }),
            Kind::Metric { threshold, .. } => json!({
                "version": "1.0",
                "queryDate": moment(state.since),
                "startDate": moment(state.since.saturating_sub(60_000)),
                "statistic": "Sum",
                "period": 60,
                "recentDatapoints": [if state.value == "ALARM" { threshold + 1.0 } else { 0.0 }],
                "threshold": threshold,
            }),
        }
        .to_string()
    }
}

/// CloudWatch writes `+0000` where everybody else writes `Z`.
fn moment(millis: u64) -> String {
    let iso = crate::place::iso(millis);
    iso.as_str().unwrap_or_default().replace('Z', "+0000")
}
