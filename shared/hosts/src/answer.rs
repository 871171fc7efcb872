//! The result of a command on each host, and what the script reported.

use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws_sdk_ssm::types::CommandInvocation;
use pipeline::names::ServiceName;
use pipeline::time::Time;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One host's answer to one command.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) host: String,
    /// The comment of the command.
    pub(super) comment: String,
    pub(super) stage: Stage,
    /// The exit code of the script; -1: it did not exit.
    pub(super) code: i32,
    pub(super) report: Report,
    pub(super) ended_at: Option<Time>,
}

impl Stage {
    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No host has taken it yet.
    Waiting,
    Running,
    Succeeded,
    /// The reason names the host.
    Failed(String),
    /// It certainly never started there.
    NeverRan(String),
    /// Run Command no longer waits for its result. It may have run, it may still run, and a host
    /// that has not taken it may still take it.
    Unheard(String),
    /// It may have run, and what it started may still run.
    Cancelled(String),
}

/// What the script reported before it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Report {
    /// The report is complete: Run Command keeps the beginning of what was written. Otherwise what
    /// is missing here may exist.
    pub(super) is_whole: bool,
    /// By service; `None`: no container has that name.
    pub(super) containers: BTreeMap<ServiceName, Option<Container>>,
    /// `x86_64`, `aarch64`
    pub(super) machine: Option<String>,
    /// The exit code of a one-off command, and where its output is.
    pub(super) ended: Option<(i32, String)>,
    /// A one-off command runs, though the script that started it no longer waits for it.
    pub(super) runs: bool,
    pub(super) fault: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// A revision of Slipway, or the id of a container that was started outside Slipway.
    pub(super) what: What,
    pub(super) status: String,
    pub(super) code: i32,
    /// Started with `--rm`: removed once it stops.
    pub(super) fleeting: bool,
    /// This very deployment started it.
    pub(super) is_ours: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Revision(String),
    Container(String),
}

impl What {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Revision(text) | Self::Container(text) => text,
        }
    }
}

/// Reads the answers of all hosts of a command. Shortly after sending there may be none.
pub(super) async fn answers(aws: &Aws, command: &str) -> Result<Vec<Answer>, Failure> {
    let asking = aws.ssm().list_command_invocations().command_id(command).details(true);
    let mut pages = asking.max_results(50).into_paginator().send();
    let mut answers = Vec::new();
    while let Some(page) = pages.next().await {
        let invocations = match page.map_err(failure) {
            Ok(page) => page.command_invocations.unwrap_or_default(),
            Err(refused) if refused.is("InvalidCommandId") => vec![],
            Err(other) => return Err(other),
        };
        answers.extend(invocations.iter().map(answer));
    }
    answers.sort_by(|one, other| one.host.cmp(&other.host));
    Ok(answers)
}

/// The output of one host; Run Command keeps more of it than in the list.
pub(super) async fn whole_report(aws: &Aws, command: &str, host: &str) -> Result<Report, Failure> {
    let asking = aws.ssm().get_command_invocation().command_id(command).instance_id(host);
    let answer = asking.send().await.map_err(failure)?;
    Ok(Report::read(answer.standard_output_content().unwrap_or_default()))
}

fn answer(invocation: &CommandInvocation) -> Answer {
    let host = invocation.instance_id().unwrap_or_default().to_owned();
    let plugin = invocation.command_plugins().first();
    let report = Report::read(plugin.and_then(|plugin| plugin.output()).unwrap_or_default());
    let status = invocation.status().map_or("", |status| status.as_str());
    let details = invocation.status_details().filter(|details| !details.is_empty());
    let details = details.unwrap_or(status);
    let code = plugin.map_or(-1, |plugin| plugin.response_code());
    let stage = stage(&host, details, code, report.fault.as_deref());
    let comment = invocation.comment().unwrap_or_default().to_owned();
    let ended_at = plugin.and_then(|plugin| plugin.response_finish_date_time()?.to_millis().ok());
    let ended_at = ended_at.and_then(|at| u64::try_from(at).ok()).map(Time::from_millis);
    Answer { host, comment, stage, code, report, ended_at }
}

pub(super) fn stage(host: &str, details: &str, code: i32, fault: Option<&str>) -> Stage {
    // AWS writes them with and without blanks.
    match details.replace(' ', "").as_str() {
        "Pending" | "Delayed" => Stage::Waiting,
        "InProgress" | "Cancelling" => Stage::Running,
        "Success" => Stage::Succeeded,
        "Cancelled" | "Canceled" => {
            Stage::Cancelled(format!("the command on {host} was cancelled"))
        }
        // Also reported for an agent that took the command and then stopped responding.
        "DeliveryTimedOut" => Stage::Unheard(format!(
            "{host} did not answer the command before it timed out; check its SSM agent"
        )),
        "Undeliverable" => Stage::Unheard(format!(
            "the command cannot be delivered to {host}; the host may be gone, or its SSM agent \
             stopped"
        )),
        "Terminated" => Stage::NeverRan(format!("{host} was skipped because another host failed")),
        "InvalidPlatform" => Stage::NeverRan(format!("{host} does not run Linux")),
        "AccessDenied" => Stage::NeverRan(format!("AWS denies the command access to {host}")),
        "ExecutionTimedOut" | "TimedOut" => {
            Stage::Failed(format!("the command timed out on {host} and was stopped"))
        }
        _ => Stage::Failed(match (fault, code) {
            (Some(fault), _) => format!("{host}: {fault}"),
            (None, -1) => format!("{host}: the script was killed"),
            (None, code) => format!("{host}: the script ended with exit code {code}"),
        }),
    }
}

/// A line of the script's output; its keys are short, so that many services fit into one answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(rename = "s")]
    service: Option<ServiceName>,
    #[serde(rename = "is")]
    status: Option<String>,
    code: i32,
    #[serde(rename = "r")]
    revision: Option<String>,
    id: Option<String>,
    #[serde(rename = "rm")]
    fleeting: bool,
    ours: bool,
    machine: Option<String>,
    ended: Option<i32>,
    output: Option<String>,
    running: bool,
}

impl Line {
    fn container(self) -> Option<Container> {
        let id = || self.id.map(What::Container);
        Some(Container {
            what: self.revision.map(What::Revision).or_else(id)?,
            status: self.status?,
            code: self.code,
            fleeting: self.fleeting,
            is_ours: self.ours,
        })
    }
}

impl Report {
    /// Reads the complete lines of the script; output of other programs is ignored.
    pub(super) fn read(output: &str) -> Self {
        let mut report = Self::default();
        let (mut lines, mut are_read) = (0, true);
        for line in output.lines().filter_map(|line| line.strip_prefix("slipway ")) {
            if let Some(fault) = line.strip_prefix("fault: ") {
                report.fault.get_or_insert(fault.trim_end().to_owned());
                continue;
            }
            if let Some(count) = line.strip_prefix("end ") {
                report.is_whole = are_read && count.trim_end().parse() == Ok(lines);
                break;
            }
            lines += 1;
            match serde_json::from_str::<Line>(line) {
                Ok(line) => report.take(line),
                Err(_) => are_read = false,
            }
        }
        report
    }

    fn take(&mut self, mut line: Line) {
        self.machine = self.machine.take().or(line.machine.take());
        if let Some(ended) = line.ended {
            // The first value counts.
            self.ended.get_or_insert((ended, line.output.take().unwrap_or_default()));
        }
        self.runs |= line.running;
        if let Some(service) = line.service.take() {
            self.containers.insert(service, line.container());
        }
    }

    /// Whether it reports a container, or its absence, for each of these services.
    pub(super) fn tells_of(&self, services: &[&ServiceName]) -> bool {
        self.is_whole && services.iter().all(|service| self.containers.contains_key(*service))
    }
}
