//! How the outcome of reading a payload is printed.

mod mistakes;
mod plausibility;
mod samples;
mod truncated;

use super::{EcsNews, Heard, alarms};
use crate::failure::Failure;
use pipeline::event::AlarmReading;
use pipeline::push::Push;
use pipeline::time::Time;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

pub(super) const NOW: Time = Time::from_millis(1_795_251_732_000);

/// Reads the samples with this prefix, and prints a line for each.
pub(super) fn table(prefixes: &[&str], read: impl Fn(&Value) -> String) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let entries = std::fs::read_dir(&folder).expect("the samples lie in events/");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a sample").file_name().into_string().expect("a plain name"))
        .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "there are no samples for {prefixes:?}");
    let mut table = String::new();
    for name in names {
        let text = std::fs::read_to_string(folder.join(&name)).expect("a sample");
        let payload = serde_json::from_str(&text).expect("a sample is JSON");
        let name = name.trim_end_matches(".json");
        writeln!(table, "{name:40} {}", read(&payload)).expect("a string takes everything");
    }
    table
}

pub(super) fn outcome<T>(heard: Result<Heard<T>, Failure>, show: impl Fn(T) -> String) -> String {
    match heard {
        Ok(Heard::News(news)) => show(news),
        Ok(Heard::NotForUs(what)) => format!("not for us: {what}"),
        Err(failure) => format!("{}: {failure}", failure.name()),
    }
}

pub(super) fn show_push(push: Push) -> String {
    let tag = push.tag.map_or("no tag".into(), |tag| tag.to_string());
    let kind = push.artifact_media_type.unwrap_or_default();
    let digest = push.digest.short().to_owned();
    format!("{} {tag} {digest} at {} {kind}", push.repository, push.pushed_at).trim_end().into()
}

pub(super) fn show_ecs(news: EcsNews) -> String {
    match news {
        EcsNews::Service { cluster, service } => format!("look at {cluster}/{service}"),
        EcsNews::OneOff { installation, place, deployment, event } => {
            format!("{} {place}/{deployment} {event:?}", installation.as_deref().unwrap_or("-"))
        }
        EcsNews::Task { cluster, report } => {
            let stop = report.stop.as_ref();
            let stop = stop.map(|stop| {
                format!("stopped, {}: {}", stop.code.as_deref().unwrap_or("?"), stop.reason)
            });
            let containers = report.containers.iter().map(|container| {
                let essential = if container.essential { "" } else { ", not essential" };
                let code = container.exit_code.map_or("no code".into(), |code| code.to_string());
                let reason = container.reason.as_deref().unwrap_or_default();
                format!("{} {code}{essential} {reason}", container.name).trim_end().to_owned()
            });
            let containers = containers.collect::<Vec<_>>().join("; ");
            let stop = stop.unwrap_or("runs".into());
            let revision = report.revision.short().to_owned();
            format!("{cluster}/{} {revision} {stop} [{containers}]", report.service)
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed over like the others")]
pub(super) fn show_alarm(reading: AlarmReading) -> String {
    let muted = if reading.muted == Some(true) { " muted" } else { "" };
    format!("{} {:?}{muted} since {}", reading.alarm, reading.state, reading.since)
}

pub(super) fn show_alarms(payload: &Value) -> String {
    match alarms(payload) {
        Ok(heard) => {
            let all = heard.into_iter().map(|heard| outcome(Ok(heard), show_alarm));
            all.collect::<Vec<_>>().join("; ")
        }
        Err(failure) => format!("{}: {failure}", failure.name()),
    }
}
