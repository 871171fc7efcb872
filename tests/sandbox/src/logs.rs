//! CloudWatch Logs: groups, and the streams that containers write to, to be read from their end.

use crate::place::{arn, page, text};
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Logs {
    groups: BTreeSet<String>,
    /// The lines of each stream of each group, and when they were written.
    streams: BTreeMap<(String, String), Vec<(u64, String)>>,
}

/// What a container wrote.
#[derive(Clone, Debug)]
pub struct Written {
    pub group: String,
    pub stream: String,
    pub at: u64,
    pub lines: Vec<String>,
}

const MOST_EVENTS: usize = 10_000;

impl Service for Logs {
    fn needs(&self, call: &Call) -> Vec<Need> {
        let (group, stream) = asked(&call.input);
        let resource = match call.operation.as_str() {
            "DescribeLogGroups" => "log-group:*".to_owned(),
            _ => format!("log-group:{group}:log-stream:{stream}"),
        };
        vec![Need::new(&format!("logs:{}", call.operation), arn("logs", &resource))]
    }

    fn answer(&mut self, call: &Call, _desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        match call.operation.as_str() {
            "GetLogEvents" => self.get_events(&call.input),
            "DescribeLogGroups" => self.describe(&call.input),
            other => {
                let message = format!("The sandbox's logs know nothing of {other}.");
                Err(Refusal::new("InvalidOperationException", message))
            }
        }
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Logs {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn create_group(&mut self, name: &str) {
        self.groups.insert(name.to_owned());
    }

    fn describe(&self, input: &Value) -> Result<Value, Refusal> {
        let prefix = text(input, "logGroupNamePrefix").unwrap_or_default();
        let named: Vec<&String> =
            self.groups.iter().filter(|name| name.starts_with(prefix)).collect();
        let (names, next) = page(&named, input, ["nextToken", "limit"], 50)?;
        let groups = names.into_iter().map(|name| {
            let arn = arn("logs", &format!("log-group:{name}"));
            json!({ "logGroupName": name, "logGroupArn": arn, "arn": format!("{arn}:*") })
        });
        let mut answer = json!({ "logGroups": groups.collect::<Vec<_>>() });
        if let Some(next) = next {
            answer["nextToken"] = next.into();
        }
        Ok(answer)
    }

    fn get_events(&self, input: &Value) -> Result<Value, Refusal> {
        let (group, stream) = asked(input);
        let lines = self.streams.get(&(group.to_owned(), stream.to_owned())).ok_or_else(|| {
            let message = "The specified log stream does not exist.";
            Refusal::new("ResourceNotFoundException", message)
        })?;
        let limit = input.get("limit").and_then(Value::as_u64);
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MOST_EVENTS);
        let first = match input.get("startFromHead").and_then(Value::as_bool) {
            Some(true) => 0,
            _ => lines.len().saturating_sub(limit),
        };
        let events = lines[first..]
            .iter()
            .take(limit)
            .map(|(at, line)| json!({ "timestamp": at, "ingestionTime": at, "message": line }));
        Ok(json!({
            "events": events.collect::<Vec<_>>(),
            "nextForwardToken": format!("f/{}", lines.len()),
            "nextBackwardToken": format!("b/{first}"),
        }))
    }

    /// Adds to the end of a stream; without its group, what is written is lost.
    pub fn write(&mut self, written: Written) {
        if !self.groups.contains(&written.group) {
            return;
        }
        let stream = self.streams.entry((written.group, written.stream)).or_default();
        stream.extend(written.lines.into_iter().map(|line| (written.at, line)));
    }
}

fn asked(input: &Value) -> (&str, &str) {
    let of = |key| text(input, key).unwrap_or_default();
    (of("logGroupName"), of("logStreamName"))
}
