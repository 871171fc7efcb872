//! One command, and what became of it on each host.

use crate::place::{epoch, iso, text, texts};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Command {
    pub(super) id: String,
    pub(super) comment: String,
    pub(super) script: String,
    parameters: Value,
    pub(super) requested_at: u64,
    /// How long it may wait to be delivered, and then run.
    delivery_seconds: u64,
    execution_seconds: u64,
    /// The number of hosts at a time; after more errors than that, no further host.
    pub(super) concurrency: usize,
    pub(super) errors_allowed: usize,
    pub(super) invocations: BTreeMap<String, Invocation>,
    max: (String, String),
}

#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// As `StatusDetails` has it: `Success`, `DeliveryTimedOut`.
    pub(super) status: &'static str,
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) started_at: Option<u64>,
    pub(super) ended_at: Option<u64>,
}

/// What ListCommandInvocations shows of a plugin's output.
const MOST_OUTPUT: usize = 2500;

impl Command {
    pub(super) fn new(
        id: String,
        input: &Value,
        parameters: Value,
        delivery_seconds: u64,
        instances: Vec<String>,
        now: u64,
    ) -> Self {
        let execution =
            texts(&parameters, "executionTimeout").first().and_then(|text| text.parse().ok());
        let count = instances.len();
        let max = |key: &str, usual: &str| text(input, key).unwrap_or(usual).to_owned();
        let max = (max("MaxConcurrency", "50"), max("MaxErrors", "0"));
        let of = |text: &str| match text.strip_suffix('%') {
            Some(percent) => count * percent.parse().unwrap_or(0) / 100,
            None => text.parse().unwrap_or(0),
        };
        Self {
            id,
            comment: text(input, "Comment").unwrap_or_default().to_owned(),
            script: texts(&parameters, "commands").join("\n"),
            parameters,
            requested_at: now,
            delivery_seconds,
            execution_seconds: execution.unwrap_or(3600),
            concurrency: of(&max.0).max(1),
            errors_allowed: of(&max.1),
            invocations: instances.into_iter().map(|id| (id, Invocation::new())).collect(),
            max,
        }
    }

    pub(super) fn expires_after_seconds(&self) -> f64 {
        (self.delivery_seconds + self.execution_seconds) as f64
    }

    pub(super) fn is_over(&self) -> bool {
        self.invocations.values().all(Invocation::is_over)
    }

    /// The worst of all hosts, in the words for a whole command.
    pub(super) fn status(&self) -> (&'static str, &'static str) {
        if self.invocations.values().all(|one| one.status == "Pending") {
            return ("Pending", "Pending");
        }
        if !self.is_over() {
            return ("InProgress", "InProgress");
        }
        let worst = self.invocations.values().find(|one| one.status != "Success");
        match worst.map(|one| one.status) {
            None => ("Success", "Success"),
            Some(details @ ("DeliveryTimedOut" | "ExecutionTimedOut")) => ("TimedOut", details),
            Some("Cancelled") => ("Cancelled", "Cancelled"),
            Some(_) => ("Failed", "Failed"),
        }
    }

    pub(super) fn document(&self) -> Value {
        let (status, details) = self.status();
        let over = self.invocations.values().filter(|one| one.is_over()).count();
        let failed =
            self.invocations.values().filter(|one| one.is_over() && one.status != "Success");
        json!({
            "CommandId": self.id,
            "Comment": self.comment,
            "DocumentName": super::DOCUMENT,
            "DocumentVersion": "",
            "Parameters": self.parameters,
            "InstanceIds": self.invocations.keys().collect::<Vec<_>>(),
            "Targets": [],
            "RequestedDateTime": epoch(self.requested_at),
            "ExpiresAfter": epoch(self.requested_at + self.delivery_seconds * 1000),
            "Status": status,
            "StatusDetails": details,
            "MaxConcurrency": self.max.0,
            "MaxErrors": self.max.1,
            "TargetCount": self.invocations.len(),
            "CompletedCount": over,
            "ErrorCount": failed.count(),
            "DeliveryTimedOutCount": 0,
            "TimeoutSeconds": self.delivery_seconds,
        })
    }

    /// The detail of `EC2 Command Status-change Notification`.
    pub(super) fn detail(&self) -> Value {
        json!({
            "command-id": self.id,
            "document-name": super::DOCUMENT,
            "expire-after": iso(self.requested_at + self.delivery_seconds * 1000),
            "parameters": self.parameters,
            "requested-date-time": iso(self.requested_at),
            "status": self.status().0,
        })
    }
}

impl Invocation {
    fn new() -> Self {
        Self {
            status: "Pending",
            code: -1,
            stdout: String::new(),
            stderr: String::new(),
            started_at: None,
            ended_at: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        !matches!(self.status, "Pending" | "InProgress" | "Delayed")
    }

    fn plain_status(&self) -> &'static str {
        match self.status {
            "DeliveryTimedOut" | "ExecutionTimedOut" => "TimedOut",
            "Undeliverable" | "Terminated" => "Failed",
            other => other,
        }
    }

    pub(super) fn document(&self, command: &Command, instance: &str, details: bool) -> Value {
        let mut document = json!({
            "CommandId": command.id,
            "InstanceId": instance,
            "InstanceName": "",
            "Comment": command.comment,
            "DocumentName": super::DOCUMENT,
            "DocumentVersion": "",
            "RequestedDateTime": epoch(command.requested_at),
            "Status": self.plain_status(),
            "StatusDetails": self.status,
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
            "CommandPlugins": [],
            "ServiceRole": "",
        });
        if details && let Some(plugins) = document["CommandPlugins"].as_array_mut() {
            let moment = |at: Option<u64>| at.map_or(Value::Null, epoch);
            plugins.push(json!({
                "Name": "aws:runShellScript",
                "Status": self.plain_status(),
                "StatusDetails": self.status,
                "ResponseCode": if self.is_over() { self.code } else { -1 },
                "ResponseStartDateTime": moment(self.started_at),
                "ResponseFinishDateTime": moment(self.ended_at),
                "Output": self.output(),
                "OutputS3Region": "eu-central-1",
            }));
        }
        document
    }

    /// Both streams in one text, which is cut off.
    fn output(&self) -> String {
        if !self.is_over() {
            return String::new();
        }
        let mut output = self.stdout.clone();
        if !self.stderr.is_empty() {
            output = format!("{output}\n----------ERROR-------\n{}", self.stderr);
        }
        match output.char_indices().nth(MOST_OUTPUT) {
            Some((at, _)) => format!("{}\n---Output truncated---", &output[..at]),
            None => output,
        }
    }

    pub(super) fn alone(&self, command: &Command, instance: &str) -> Value {
        let moment = |at: Option<u64>| at.map_or(json!(""), iso);
        json!({
            "CommandId": command.id,
            "InstanceId": instance,
            "Comment": command.comment,
            "DocumentName": super::DOCUMENT,
            "DocumentVersion": "",
            "PluginName": "aws:runShellScript",
            "ResponseCode": if self.is_over() { self.code } else { -1 },
            "ExecutionStartDateTime": moment(self.started_at),
            "ExecutionEndDateTime": moment(self.ended_at),
            "Status": self.plain_status(),
            "StatusDetails": self.status,
            "StandardOutputContent": if self.is_over() { &*self.stdout } else { "" },
            "StandardErrorContent": if self.is_over() { &*self.stderr } else { "" },
        })
    }

    /// The detail of `EC2 Command Invocation Status-change Notification`.
    pub(super) fn detail(&self, command: &Command, instance: &str) -> Value {
        json!({
            "command-id": command.id,
            "document-name": super::DOCUMENT,
            "instance-id": instance,
            "requested-date-time": iso(command.requested_at),
            "status": self.plain_status(),
        })
    }
}
