//! An environment and a deployment as JSON, and as lines for a person.
//!
//! The console shows an answer as JSON, where a line break is two odd characters; so text for
//! people is a list of lines.

use super::catalog::EnvironmentView;
use super::marks::unmarked;
use pipeline::deployment::{Deployment, ServiceState, State};
use pipeline::environment::{Failed, HoldUntil, UnfinishedTask};
use pipeline::names::Digest;
use pipeline::push::Candidate;
use pipeline::release::Release;
use pipeline::spec::Application;
use pipeline::time::Time;
use serde_json::{Map, Value, json};

/// How many of the last events are shown for a deployment in progress.
const LAST: usize = 5;
/// How many pushed versions are listed.
const RELEASES: usize = 10;
/// How many good releases are listed.
const GOOD: usize = 10;

/// All that is known of an environment.
pub(crate) struct Seen<'a> {
    pub(crate) site: &'a EnvironmentView<'a>,
    /// The last deployments, the newest first.
    pub(crate) history: &'a [Deployment],
    /// The candidates of its application.
    pub(crate) pushed: &'a [Candidate],
    pub(crate) now: Time,
}

/// A summary in one line.
pub(crate) fn summary(site: &EnvironmentView) -> String {
    let runs = runs(site);
    let mut line = format!("{}: {runs}", site.place());
    if let Some(active) = site.active {
        line.push_str(&format!("; deployment {}", under_way(active)));
    }
    if !site.head.queue.is_empty() {
        line.push_str(&format!("; {} queued", site.head.queue.len()));
    }
    for (what, is_so) in
        [("on hold", site.head.hold.is_some()), ("paused", site.head.pause.is_some())]
    {
        if is_so {
            line.push_str(&format!("; {what}"));
        }
    }
    line
}

pub(crate) fn environment(seen: &Seen) -> Value {
    let Seen { site, history, pushed, now } = *seen;
    let head = site.head;
    let mut view = Map::new();
    view.insert("environment".into(), head.place.to_string().into());
    view.insert("runs".into(), runs(site).into());
    if let Some(live) = &head.live {
        view.insert("images".into(), json!(live.release.images));
        insert_origin(&mut view, &live.release);
    }
    if let Some(why) = why(site, history) {
        view.insert("asked_by".into(), why.into());
    }
    let mut some = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            view.insert(name.into(), value);
        }
    };
    some("under_way", site.active.map(active));
    some("waiting", not_empty(waiting(site)));
    some("incomplete", not_empty(incomplete(site, pushed)));
    some("hold", hold(site).map(Value::from));
    some("pause", pause(site).map(Value::from));
    some("frozen_until", frozen(site, now).map(Value::from));
    some("unfinished", unfinished(site).map(Value::from));
    some("good", not_empty(good(site)));
    some("bad", not_empty(bad(site)));
    some("ended", not_empty(ended(history)));
    view.into()
}

pub(crate) fn environment_lines(seen: &Seen) -> Vec<String> {
    let Seen { site, history, pushed, now } = *seen;
    let mut lines = vec![format!("{} {}", site.place(), runs(site))];
    let mut add = |what: &str, texts: Vec<String>| {
        lines.extend(texts.into_iter().map(|text| format!("  {what}: {text}")));
    };
    let origin = site.head.live.as_ref().and_then(|live| live.release.origin.text());
    add("built from", origin.into_iter().collect());
    add("requested by", why(site, history).into_iter().collect());
    if let Some(active) = site.active {
        add("in progress", vec![under_way(active)]);
    }
    if let Some(active) = site.active {
        lines.extend(timeline(active, LAST).into_iter().map(|line| format!("    {line}")));
    }
    let mut add = |what: &str, texts: Vec<String>| {
        lines.extend(texts.into_iter().map(|text| format!("  {what}: {text}")));
    };
    add("queued", waiting(site));
    add("incomplete", incomplete(site, pushed));
    add("on hold", hold(site).into_iter().collect());
    add("paused", pause(site).into_iter().collect());
    add("frozen until", frozen(site, now).into_iter().collect());
    add("unfinished", unfinished(site).into_iter().collect());
    add("good", good(site));
    add("bad", bad(site));
    add("ended", ended(history));
    lines
}

/// The last pushed versions, and which of their images are still missing.
pub(crate) fn releases(spec: &Application, pushed: &[Candidate]) -> Vec<String> {
    let line = |candidate: &Candidate| {
        let missing = spec.images.keys().filter(|image| !candidate.images.contains_key(*image));
        let missing: Vec<_> = missing.map(|image| image.as_str()).collect();
        let missing = match missing.is_empty() {
            true => String::new(),
            false => format!(", without {}", missing.join(", ")),
        };
        let (version, at) = (&candidate.version, candidate.last_pushed_at);
        format!("{} {version}, pushed at {at}{missing}", spec.application)
    };
    pushed.iter().take(RELEASES).map(line).collect()
}

/// One deployment with all of its events.
pub(crate) fn deployment(deployment: &Deployment) -> Value {
    let mut view = Map::new();
    view.insert("deployment".into(), deployment.id.to_string().into());
    view.insert("version".into(), deployment.request.release.version.as_str().into());
    view.insert("images".into(), json!(deployment.request.release.images));
    insert_origin(&mut view, &deployment.request.release);
    view.insert("asked_by".into(), deployment.request.asked_by.to_string().into());
    view.insert("started".into(), deployment.started_at.to_string().into());
    view.insert("state".into(), deployment.state.name().into());
    match &deployment.state {
        State::Ended { verdict, at } => {
            view.insert("verdict".into(), verdict.name().into());
            view.insert("because".into(), verdict.to_string().into());
            view.insert("ended".into(), at.to_string().into());
            view.insert("took".into(), at.since(deployment.started_at).to_string().into());
        }
        _ => {
            view.insert("waiting".into(), deployment.waiting().to_string().into());
        }
    }
    view.insert("services".into(), services(deployment).into());
    view.insert("timeline".into(), timeline(deployment, usize::MAX).into());
    view.into()
}

pub(crate) fn deployment_lines(deployment: &Deployment) -> Vec<String> {
    let head = format!(
        "deployment {} of {}, requested by {}",
        deployment.id, deployment.request.release.version, deployment.request.asked_by
    );
    let mut lines = vec![head, deployment.waiting().to_string()];
    let origin = deployment.request.release.origin.text();
    lines.extend(origin.map(|origin| format!("  built from {origin}")));
    lines.extend(services(deployment).into_iter().map(|line| format!("  {line}")));
    lines.extend(timeline(deployment, usize::MAX));
    lines
}

/// The commit and the source that the images of a release name.
fn insert_origin(view: &mut Map<String, Value>, release: &Release) {
    view.extend(release.origin.facts().map(|(name, said)| (name.to_owned(), said.into())));
}

fn active(deployment: &Deployment) -> Value {
    let mut view = json!({
        "deployment": deployment.id.number,
        "version": deployment.request.release.version,
        "asked_by": deployment.request.asked_by.to_string(),
        "started": deployment.started_at.to_string(),
        "state": deployment.state.name(),
        "waiting": deployment.waiting().to_string(),
        "services": services(deployment),
        "last": timeline(deployment, LAST),
    });
    for (name, said) in deployment.request.release.origin.facts() {
        view[name] = said.into();
    }
    view
}

fn runs(site: &EnvironmentView) -> String {
    match &site.head.live {
        Some(live) => format!(
            "runs {} since {} (deployment {})",
            live.release.version, live.since, live.number
        ),
        None if site.head.last_number == 0 => "nothing was deployed here yet".into(),
        None if site.head.good.is_empty() => "no deployment has succeeded here yet".into(),
        None => "live release unknown: the last deployment ended incompletely".into(),
    }
}

/// Who or what requested the live release.
fn why(site: &EnvironmentView, history: &[Deployment]) -> Option<String> {
    let live = site.head.live.as_ref()?;
    let brought = history.iter().find(|deployment| deployment.id.number == live.number)?;
    Some(brought.request.asked_by.to_string())
}

fn under_way(deployment: &Deployment) -> String {
    let (number, version) = (deployment.id.number, &deployment.request.release.version);
    format!("{number} of {version} is {}, {}", deployment.state.name(), deployment.waiting())
}

/// Why each request is queued.
fn waiting(site: &EnvironmentView) -> Vec<String> {
    let line = |waits: &pipeline::environment::QueuedRequest| {
        let request = &waits.request;
        format!("{}, requested by {}: {}", request.release.version, request.asked_by, waits.why)
    };
    site.head.queue.iter().map(line).collect()
}

/// The pushed versions that cannot be deployed yet, the newest first.
fn incomplete(site: &EnvironmentView, pushed: &[Candidate]) -> Vec<String> {
    let line = |candidate: &Candidate| {
        let missing = candidate.awaited(site.spec, site.head)?;
        let missing: Vec<_> = missing.iter().map(|image| image.as_str()).collect();
        let (version, at) = (&candidate.version, candidate.last_pushed_at);
        Some(format!("{version}, last pushed at {at}, still missing {}", missing.join(", ")))
    };
    pushed.iter().filter_map(line).take(RELEASES).collect()
}

fn hold(site: &EnvironmentView) -> Option<String> {
    let hold = site.head.hold.as_ref()?;
    let until = match &hold.until {
        HoldUntil::NewerThan(mark) => {
            format!("until a release newer than {} arrives", mark.version)
        }
        HoldUntil::Person => "until a person lifts it".to_owned(),
    };
    Some(format!("by {} since {}, {until}: {}", hold.by, hold.at, hold.why))
}

fn pause(site: &EnvironmentView) -> Option<String> {
    let pause = site.head.pause.as_ref()?;
    Some(format!("by {} since {}: {}", pause.by, pause.at, pause.why))
}

fn frozen(site: &EnvironmentView, now: Time) -> Option<String> {
    site.rules.frozen_until(now).map(|until| until.to_string())
}

fn unfinished(site: &EnvironmentView) -> Option<String> {
    site.head.unfinished.as_ref().map(UnfinishedTask::text)
}

fn good(site: &EnvironmentView) -> Vec<String> {
    let newest = site.head.good.iter().rev().take(GOOD);
    newest
        .map(|good| format!("{} (deployment {}, {})", good.release.version, good.number, good.at))
        .collect()
}

fn bad(site: &EnvironmentView) -> Vec<String> {
    let bad = site.head.bad.iter().rev();
    let bad = bad.map(|bad| format!("{} of {}: {}", bad.digest, bad.version, bad.why));
    let whole = |failed: &Failed| {
        let digests: Vec<_> = failed.images.values().map(Digest::as_str).collect();
        let Failed { version, why, .. } = failed;
        format!("exactly these images of {version}: {why}: {}", digests.join(", "))
    };
    bad.chain(unmarked(site).map(whole)).collect()
}

fn ended(history: &[Deployment]) -> Vec<String> {
    let line = |deployment: &Deployment| {
        let (number, version) = (deployment.id.number, &deployment.request.release.version);
        deployment.verdict().map(|verdict| format!("{number} of {version}: {verdict}"))
    };
    history.iter().filter_map(line).collect()
}

fn services(deployment: &Deployment) -> Vec<String> {
    let line = |service: &pipeline::deployment::Service| {
        let before = service.before.as_ref().map_or("nothing", |before| before.short());
        let standing = match &service.state {
            ServiceState::Untouched => "untouched".to_owned(),
            ServiceState::Updating { waiting, .. } => format!("updating: {waiting}"),
            ServiceState::Updated => "updated".to_owned(),
            ServiceState::RollingBack { waiting, .. } => format!("rolling back: {waiting}"),
            ServiceState::RolledBack => "rolled back".to_owned(),
            ServiceState::Deleting { .. } => "being deleted".to_owned(),
            ServiceState::Deleted => "deleted".to_owned(),
            ServiceState::Kept => "still on the new revision".to_owned(),
            ServiceState::NotRolledBack { why } => format!("not rolled back: {why}"),
            ServiceState::UpdatedOutside { revision: Some(by) } => {
                format!("updated to {} outside Slipway", by.short())
            }
            ServiceState::UpdatedOutside { revision: None } => "deleted outside Slipway".to_owned(),
        };
        format!("{}: {before} -> {}, {standing}", service.name, service.after.short())
    };
    deployment.services.iter().map(line).collect()
}

fn timeline(deployment: &Deployment, last: usize) -> Vec<String> {
    let entries = deployment.timeline.entries();
    let start = entries.len().saturating_sub(last);
    entries[start..].iter().map(|entry| format!("{} {}", entry.at, entry.text)).collect()
}

fn not_empty(lines: Vec<String>) -> Option<Value> {
    (!lines.is_empty()).then(|| lines.into())
}
