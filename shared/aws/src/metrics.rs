//! Metrics: log lines that CloudWatch turns into numbers, without an API call.
//!
//! Each number is kept for the function that wrote it and for all of them together. Zeros are not
//! written, so an installation where nothing happens pays for one metric only: that its sweep runs.

use crate::failure::Failure;
use crate::log::write_line;
use crate::settings::Settings;
use pipeline::time::Time;
use pipeline::verdict::Verdict;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const NAMESPACE: &str = "Slipway";

/// What is counted. Names are part of dashboards and alarms, and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A payload or a message that cannot be read.
    Unreadable,
    /// A payload or a message that failed for any other reason.
    Failed,
    /// A notification could not be delivered.
    NotTold,
    /// A deployment ended with this verdict.
    Succeeded,
    Unproven,
    RolledBack,
    DeploymentFailed,
    Superseded,
    Rejected,
    Cancelled,
    /// A deployment that is stuck: a person has to act.
    Stuck,
    /// Records that were due when the sweep ran.
    Due,
    /// For how many seconds the oldest of them has been due.
    OldestDue,
    /// Pushes that the scan found and no event reported.
    LostPushes,
    /// A sweep finished: an alarm checks that there is one every minute.
    Swept,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "Unreadable",
            Self::Failed => "Failed",
            Self::NotTold => "NotTold",
            Self::Succeeded => "VerdictSucceeded",
            Self::Unproven => "VerdictUnproven",
            Self::RolledBack => "VerdictRolledBack",
            Self::DeploymentFailed => "VerdictFailed",
            Self::Superseded => "VerdictSuperseded",
            Self::Rejected => "VerdictRejected",
            Self::Cancelled => "VerdictCancelled",
            Self::Stuck => "Stuck",
            Self::Due => "Due",
            Self::OldestDue => "OldestDueAge",
            Self::LostPushes => "LostPushes",
            Self::Swept => "Swept",
        }
    }

    /// The sets of dimensions under which CloudWatch keeps it; each of them costs.
    fn dimensions(self) -> Value {
        match self {
            Self::Swept => json!([["Function"]]),
            _ => json!([["Function"], []]),
        }
    }

    fn unit(self) -> &'static str {
        if self == Self::OldestDue { "Seconds" } else { "Count" }
    }
}

impl From<&Failure> for Metric {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Unreadable(_) => Self::Unreadable,
            _ => Self::Failed,
        }
    }
}

impl From<&Verdict> for Metric {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Succeeded => Self::Succeeded,
            Verdict::Unproven { .. } => Self::Unproven,
            Verdict::RolledBack { .. } => Self::RolledBack,
            Verdict::Failed { .. } => Self::DeploymentFailed,
            Verdict::Superseded { .. } => Self::Superseded,
            Verdict::Rejected { .. } => Self::Rejected,
            Verdict::Cancelled { .. } => Self::Cancelled,
            Verdict::Stuck { .. } => Self::Stuck,
        }
    }
}

/// Writes the numbers that are not zero.
pub fn measure(numbers: &[(Metric, u64)]) {
    let function = Settings::from_environment().optional("AWS_LAMBDA_FUNCTION_NAME");
    // The system's time, as in every line of the log.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Time::from_millis(u64::try_from(now.as_millis()).unwrap_or_default());
    if let Some(line) = line(function.as_deref().unwrap_or("unknown"), now, numbers) {
        write_line(&line);
    }
}

/// Counts one.
pub fn count(metric: impl Into<Metric>) {
    measure(&[(metric.into(), 1)]);
}

/// CloudWatch's embedded metric format, which must be at the root of the line.
fn line(function: &str, now: Time, numbers: &[(Metric, u64)]) -> Option<Value> {
    let numbers: Vec<_> = numbers.iter().filter(|(_, number)| *number > 0).collect();
    if numbers.is_empty() {
        return None;
    }
    let mut directives: Vec<Value> = Vec::new();
    for (metric, _) in &numbers {
        let (name, dimensions) =
            (json!({"Name": metric.name(), "Unit": metric.unit()}), metric.dimensions());
        match directives.iter_mut().find(|known| known["Dimensions"] == dimensions) {
            Some(known) => {
                known["Metrics"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|list| list.push(name.clone()));
            }
            None => directives
                .push(json!({"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [name]})),
        }
    }
    let mut line = Map::new();
    line.insert("_aws".into(), json!({"Timestamp": now.millis(), "CloudWatchMetrics": directives}));
    line.insert("timestamp".into(), now.to_string().into());
    line.insert("level".into(), "INFO".into());
    line.insert("message".into(), "metrics".into());
    line.insert("Function".into(), function.into());
    for (metric, number) in numbers {
        line.insert(metric.name().into(), (*number).into());
    }
    Some(Value::Object(line))
}

#[cfg(test)]
mod tests {
    use super::{Metric, line};
    use expect_test::expect;
    use pipeline::time::Time;

    #[test]
    fn a_line_says_what_cloudwatch_shall_count() {
        let now = Time::from_millis(1_795_251_732_000);
        let numbers = [(Metric::Due, 3), (Metric::LostPushes, 0), (Metric::OldestDue, 75)];
        let line = line("slipway-wake", now, &numbers).map(|line| format!("{line:#}"));
        expect![[r#"
            {
              "Due": 3,
              "Function": "slipway-wake",
              "OldestDueAge": 75,
              "_aws": {
                "CloudWatchMetrics": [
                  {
                    "Dimensions": [
                      [
                        "Function"
                      ],
                      []
                    ],
                    "Metrics": [
                      {
                        "Name": "Due",
                        "Unit": "Count"
                      },
                      {
                        "Name": "OldestDueAge",
                        "Unit": "Seconds"
                      }
                    ],
                    "Namespace": "Slipway"
                  }
                ],
                "Timestamp": 1795251732000
              },
              "level": "INFO",
              "message": "metrics",
              "timestamp": "2026-11-21T09:02:12Z"
            }"#]]
        .assert_eq(&line.unwrap_or_default());
    }

    #[test]
    fn that_a_sweep_ran_is_one_metric_and_not_two() {
        let numbers = [(Metric::Due, 1), (Metric::Swept, 1)];
        let line = line("slipway-wake", Time::default(), &numbers).unwrap_or_default();
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
        let directives: Vec<String> =
            directives.map(|one| format!("{}: {}", one["Metrics"], one["Dimensions"])).collect();
        expect![[r#"
            [
                "[{\"Name\":\"Due\",\"Unit\":\"Count\"}]: [[\"Function\"],[]]",
                "[{\"Name\":\"Swept\",\"Unit\":\"Count\"}]: [[\"Function\"]]",
            ]
        "#]]
        .assert_debug_eq(&directives);
    }

    #[test]
    fn nothing_costs_nothing() {
        assert_eq!(line("slipway-wake", Time::default(), &[(Metric::Due, 0)]), None);
    }
}
