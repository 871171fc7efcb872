//! A place for one service: a clock that jumps, and a list of the service's events.

use sandbox::place::{ACCOUNT, REGION};
use sandbox::service::{Call, Desk, Emission, Refusal, Service};
use serde_json::Value;
use std::fmt::Write;

/// 2026-11-20T10:00:00Z
const START: u64 = 1_795_168_800_000;

pub(crate) struct Room<S> {
    pub(crate) service: S,
    name: &'static str,
    now: u64,
    later: Vec<(u64, Value)>,
    /// Every event since the start.
    pub(crate) told: Vec<Emission>,
    /// Every call since the start: operation, input and outcome.
    pub(crate) calls: Vec<(String, Value, Result<Value, Refusal>)>,
    story: String,
}

impl<S: Service> Room<S> {
    pub(crate) fn new(name: &'static str, service: S) -> Self {
        Self {
            service,
            name,
            now: START,
            later: vec![],
            told: vec![],
            calls: vec![],
            story: String::new(),
        }
    }

    pub(crate) fn call(&mut self, operation: &str, input: &Value) -> Result<Value, Refusal> {
        let call = self.request(operation, input);
        let outcome = self.at_desk(|service, desk| service.answer(&call, desk));
        self.calls.push((call.operation, call.input, outcome.clone()));
        outcome
    }

    /// For whom only the outcome counts: `ok`, or the refusal.
    pub(crate) fn say(&mut self, operation: &str, input: &Value) {
        if self.call(operation, input).map_err(|refusal| self.refused(operation, &refusal)).is_ok()
        {
            self.line(&format!("{operation}: ok"));
        }
    }

    /// For whom the answer counts; a refusal is part of the story.
    pub(crate) fn ask(&mut self, operation: &str, input: &Value) -> Value {
        match self.call(operation, input) {
            Ok(answer) => answer,
            Err(refusal) => {
                self.refused(operation, &refusal);
                Value::Null
            }
        }
    }

    /// What IAM would be asked about a call.
    pub(crate) fn needs(&mut self, operation: &str, input: &Value) {
        for need in self.service.needs(&self.request(operation, input)) {
            let context: Vec<_> = need
                .context
                .iter()
                .map(|(key, values)| format!(" {key}={}", values.join(",")))
                .collect();
            self.line(&format!("{} on {}{}", need.action, need.resource, context.concat()));
        }
    }

    fn request(&self, operation: &str, input: &Value) -> Call {
        let (caller, operation) = ("person".to_owned(), operation.to_owned());
        Call { caller, service: self.name, operation, input: input.clone() }
    }

    fn refused(&mut self, operation: &str, refusal: &Refusal) {
        self.line(&format!("{operation}: {}: {}", refusal.code, refusal.message));
    }

    pub(crate) fn at_desk<T>(&mut self, act: impl FnOnce(&mut S, &mut Desk<'_>) -> T) -> T {
        let (mut emitted, mut later) = (vec![], vec![]);
        let mut desk = Desk {
            now: self.now,
            region: REGION,
            account: ACCOUNT,
            emitted: &mut emitted,
            later: &mut later,
        };
        let outcome = act(&mut self.service, &mut desk);
        for emission in &emitted {
            self.line(&short(emission));
        }
        self.told.extend(emitted);
        self.later.extend(later);
        outcome
    }

    /// Advances time, as far as something is planned in it.
    pub(crate) fn pass(&mut self, seconds: u64) {
        let until = self.now + seconds * 1000;
        let next = |later: &[(u64, Value)]| {
            let due = later.iter().enumerate().filter(|(_, (at, _))| *at <= until);
            due.min_by_key(|(number, (at, _))| (*at, *number)).map(|(number, _)| number)
        };
        while let Some(number) = next(&self.later) {
            let (at, what) = self.later.remove(number);
            self.now = self.now.max(at);
            self.at_desk(|service, desk| service.rang(what, desk));
        }
        self.now = until;
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn line(&mut self, text: &str) {
        let seconds = (self.now - START) / 1000;
        let _ = writeln!(self.story, "{:02}:{:02} {text}", seconds / 60, seconds % 60);
    }

    /// What happened since the last call.
    pub(crate) fn story(&mut self) -> String {
        std::mem::take(&mut self.story)
    }
}

/// The last part of an ARN, and of ids made of many letters only so much that one can read it.
pub(crate) fn tail(text: &str) -> String {
    let last = text.rsplit('/').next().unwrap_or(text);
    if last.len() > 18 { format!("{}…", &last[..6]) } else { last.to_owned() }
}

fn short(emission: &Emission) -> String {
    let detail = &emission.detail;
    let said = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    match emission.detail_type.as_str() {
        "ECS Task State Change" => {
            let exits = detail.get("containers").and_then(Value::as_array).into_iter().flatten();
            let exits = exits.filter_map(|one| {
                Some(format!(" {}={}", one.get("name")?.as_str()?, one.get("exitCode")?))
            });
            let exits: String = exits.collect();
            format!(
                "  task {} of {} v{}: {} (wanted {}){exits} {} {}",
                tail(said("taskArn")),
                tail(said("taskDefinitionArn")),
                detail.get("version").unwrap_or(&Value::Null),
                said("lastStatus"),
                said("desiredStatus"),
                said("stopCode"),
                said("stoppedReason"),
            )
        }
        "ECS Deployment State Change" => {
            format!("  {} {}: {}", said("eventName"), tail(said("deploymentId")), said("reason"))
        }
        "ECS Service Action" => format!("  {} {}", said("eventName"), said("reason")),
        other => format!("  {other}: {detail}"),
    }
    .trim_end()
    .to_owned()
}
