//! Notices in words. Pure: a notice in, a text out.

use pipeline::doubt::Doubt;
use pipeline::names::{ServiceName, Version};
use pipeline::notice::{News, Notice};
use pipeline::verdict::{Cause, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How much of a reason is sent; all of it is in the deployment's timeline.
const REASON_MAX: usize = 1500;

/// One notice as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoticeText {
    pub(super) severity: Severity,
    /// One line with the whole news.
    pub(super) headline: String,
    /// The reason.
    pub(super) why: Option<String>,
    /// Who or what started it, which deployment it is, how long it took.
    pub(super) facts: Vec<String>,
    /// The end of the deployment's timeline.
    pub(super) last_words: Vec<String>,
    /// The last output of the failed container.
    pub(super) output: Option<Output>,
    pub(super) advice: Option<NextStep>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) whose: String,
    pub(super) lines: Vec<String>,
}

/// What a person can do now: invoke a function with a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NextStep {
    pub(super) aim: &'static str,
    pub(super) function: String,
    pub(super) payload: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    InProgress,
    Succeeded,
    /// Neither success nor failure, and no person has to act.
    Neutral,
    Failed,
    /// A person has to act.
    ActionRequired,
}

pub(super) fn text(notice: &Notice, rollback_function: &str) -> NoticeText {
    let (severity, what) = severity_and_what(notice);
    let mut facts = vec![format!("Started by {}.", notice.asked_by)];
    if let Some(number) = notice.deployment {
        facts.insert(0, format!("Deployment {number} of {}.", notice.place));
    }
    if let Some(origin) = notice.origin.text() {
        facts.push(format!("Built from {origin}."));
    }
    let mut last_words = Vec::new();
    if let News::Ended { took, last_words: words, .. } = &notice.news {
        facts.push(format!("It took {took}."));
        last_words = words.iter().map(|word| shorten(word)).collect();
    }
    NoticeText {
        severity,
        headline: format!("{}: {what}", notice.place),
        why: why(&notice.news).map(|why| shorten(&why)),
        facts,
        last_words,
        output: None,
        advice: advice(notice, rollback_function),
    }
}

fn severity_and_what(notice: &Notice) -> (Severity, String) {
    let version = &notice.version;
    match &notice.news {
        News::Started => (Severity::InProgress, started(notice)),
        News::ApprovalWanted { until } => {
            (Severity::ActionRequired, format!("{version} is waiting for approval until {until}"))
        }
        News::RollingBack { .. } => (Severity::Failed, format!("rolling back {version}")),
        News::Ended { verdict, .. } => match &notice.rolls_back_from {
            None => ended(verdict, version.as_str()),
            Some(_) => rollback_ended(verdict, version),
        },
        News::Declined { .. } => (Severity::Neutral, format!("{version} will not be deployed")),
        News::Waits { .. } => (Severity::Neutral, format!("{version} is waiting")),
        News::Incomplete { .. } => {
            (Severity::ActionRequired, format!("{version} is still incomplete"))
        }
    }
}

fn started(notice: &Notice) -> String {
    let version = &notice.version;
    match &notice.rolls_back_from {
        None => format!("deploying {version}"),
        Some(from) => format!("rolling back from {from} to {version}"),
    }
}

/// How a manual rollback ended.
fn rollback_ended(verdict: &Verdict, version: &Version) -> (Severity, String) {
    match verdict {
        Verdict::Succeeded => (Severity::Succeeded, format!("rolled back to {version}")),
        Verdict::Unproven { .. } => {
            (Severity::Neutral, format!("rolled back to {version}, but unproven"))
        }
        Verdict::Failed { left, .. } if !left.is_empty() => {
            (Severity::ActionRequired, format!("partially rolled back to {version}"))
        }
        verdict => ended(verdict, &format!("the rollback to {version}")),
    }
}

fn ended(verdict: &Verdict, version: &str) -> (Severity, String) {
    match verdict {
        Verdict::Succeeded => (Severity::Succeeded, format!("{version} is live")),
        Verdict::Unproven { .. } => {
            (Severity::Neutral, format!("{version} is deployed but unproven"))
        }
        Verdict::RolledBack { .. } => (Severity::Failed, format!("{version} was rolled back")),
        Verdict::Failed { left, .. } if left.is_empty() => {
            (Severity::Failed, format!("{version} failed; no service was changed"))
        }
        Verdict::Failed { .. } => {
            (Severity::ActionRequired, format!("{version} is partially deployed"))
        }
        Verdict::Superseded { .. } => (Severity::Neutral, format!("{version} was superseded")),
        Verdict::Rejected { .. } => (Severity::Neutral, format!("{version} was rejected")),
        Verdict::Cancelled { .. } => (Severity::Neutral, format!("{version} was cancelled")),
        Verdict::Stuck { .. } => {
            (Severity::ActionRequired, format!("{version} is stuck; a person must act"))
        }
    }
}

fn why(news: &News) -> Option<String> {
    match news {
        News::Started | News::ApprovalWanted { .. } => None,
        News::RollingBack { cause } => Some(cause.clone()),
        News::Declined { why } | News::Waits { why } => Some(why.clone()),
        News::Incomplete { missing } => {
            let missing: Vec<&str> = missing.iter().map(|image| image.as_str()).collect();
            Some(format!("not pushed under this tag: {}", missing.join(", ")))
        }
        News::Ended { verdict, .. } => match verdict {
            Verdict::Succeeded => None,
            Verdict::Unproven { doubts } => Some(unproven(doubts)),
            Verdict::RolledBack { cause } => Some(cause.to_string()),
            Verdict::Failed { cause, left } => Some(failed(cause, left)),
            Verdict::Superseded { by } => Some(by.to_string()),
            Verdict::Rejected { by, why } | Verdict::Cancelled { by, why } => {
                Some(format!("{by}: {why}"))
            }
            Verdict::Stuck { cause, because } => {
                Some(format!("{because}. Original cause: {cause}"))
            }
        },
    }
}

fn unproven(doubts_of: &BTreeMap<ServiceName, Doubt>) -> String {
    let doubts: Vec<String> = doubts_of.iter().map(|(service, doubt)| doubt.of(service)).collect();
    let without_task = doubts_of.values().any(|doubt| *doubt == Doubt::NoTask);
    let first = if without_task { "raise the desired count" } else { "repair the service" };
    format!(
        "{}. Slipway does not promote it and does not roll back to it: {first}, then deploy it again",
        doubts.join("; ")
    )
}

fn failed(cause: &Cause, left: &[ServiceName]) -> String {
    if left.is_empty() {
        return cause.to_string();
    }
    let left: Vec<&str> = left.iter().map(ServiceName::as_str).collect();
    format!("{cause}. Still on the new revision: {}", left.join(", "))
}

fn advice(notice: &Notice, rollback_function: &str) -> Option<NextStep> {
    let is_rollback = notice.rolls_back_from.is_some();
    let aim = match &notice.news {
        // A manual rollback is not stopped, and after it the rollback function needs a version.
        News::Started | News::Ended { verdict: Verdict::Succeeded, .. } if is_rollback => {
            return None;
        }
        News::Started => "To stop it and roll back",
        News::ApprovalWanted { .. } => {
            let control = rollback_function.strip_suffix("rollback");
            let payload = payload(notice, &[("action", "approve")]);
            let function = format!("{}control", control.unwrap_or_default());
            return Some(NextStep { aim: "To approve", function, payload });
        }
        News::Ended { verdict: Verdict::Succeeded, .. } => "To roll back",
        News::Ended { verdict: Verdict::Failed { left, .. }, .. } if !left.is_empty() => {
            "To roll back the remaining services"
        }
        News::Ended { verdict: Verdict::Stuck { .. }, .. } => "To retry the rollback",
        _ => return None,
    };
    let function = rollback_function.to_owned();
    Some(NextStep { aim, function, payload: payload(notice, &[("why", "…")]) })
}

/// Built by hand, because people read it: the place comes first.
fn payload(notice: &Notice, more: &[(&str, &str)]) -> String {
    let place = &notice.place;
    let mut entries = vec![
        ("application", place.application.as_str()),
        ("environment", place.environment.as_str()),
    ];
    entries.extend(more);
    if matches!(notice.news, News::ApprovalWanted { .. }) {
        entries.push(("version", notice.version.as_str()));
    }
    entries.push(("by", "…"));
    let entries = entries.iter().map(|(key, value)| format!("{}: {}", json!(key), json!(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

impl NoticeText {
    /// The whole text as plain text.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![self.headline.clone()];
        if let Some(why) = &self.why {
            lines.push(format!("Why: {why}"));
        }
        lines.push(self.facts.join(" "));
        if !self.last_words.is_empty() {
            lines.push("Last events:".into());
            lines.extend(self.last_words.iter().map(|word| format!("  {word}")));
        }
        if let Some(Output { whose, lines: output }) = &self.output {
            lines.push(format!("Last output of {whose}:"));
            lines.extend(output.iter().map(|line| format!("  | {line}")));
        }
        if let Some(NextStep { aim, function, payload }) = &self.advice {
            lines.push(format!("{aim}, invoke the function {function} with {payload}"));
        }
        lines.join("\n")
    }
}

/// The notice for programs.
pub(super) fn for_programs(notice: &Notice, text: &NoticeText) -> Value {
    let mut facts = json!({
        "application": notice.place.application,
        "environment": notice.place.environment,
        "deployment": notice.deployment,
        "version": notice.version,
        "asked_by": notice.asked_by,
        "at": notice.at.to_string(),
        "news": kind(&notice.news),
        "headline": text.headline,
        "why": text.why,
    });
    for (name, said) in notice.origin.facts() {
        facts[name] = said.into();
    }
    if let Some(output) = &text.output {
        facts["last_output"] = json!(output.lines);
    }
    if let News::Ended { verdict, took, last_words, .. } = &notice.news {
        facts["verdict"] = verdict.name().into();
        facts["took_seconds"] = took.as_seconds().into();
        facts["last_words"] = json!(last_words);
    }
    facts
}

/// The attribute that subscriptions filter by.
pub(super) fn kind(news: &News) -> &'static str {
    match news {
        News::Started => "started",
        News::ApprovalWanted { .. } => "approval wanted",
        News::RollingBack { .. } => "going back",
        News::Ended { .. } => "ended",
        News::Declined { .. } => "declined",
        News::Waits { .. } => "waits",
        News::Incomplete { .. } => "incomplete",
    }
}

fn shorten(text: &str) -> String {
    cut(text, REASON_MAX)
}

/// Cuts between two characters.
pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
