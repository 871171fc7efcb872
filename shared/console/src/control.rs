//! The actions of a person on an environment other than "deploy" and "roll back".

use super::answer::{Caller, Refusal, begin, yes_or_no};
use super::catalog::{Catalog, EnvironmentView, Named, Records};
use super::form::{APPLICATION, BY, DRY_RUN, ENVIRONMENT, Field, Form, WHY};
use super::marks::{Words, digests, marked, releases};
use super::overrides::{overrides, what_would_do_to_approve};
use super::place::{choose, named, showcase, with_place};
use aws::failure::Failure;
use engine::{Engine, Pipeline};
use pipeline::deployment::{Reply, State};
use pipeline::environment::{Control, Input};
use pipeline::names::{Digest, Version};
use pipeline::request::Override;
use pipeline::spec::instead;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use tracing::info;

const FIELDS: [Field; 10] = [
    APPLICATION,
    ENVIRONMENT,
    ("action", &["do", "command", "control"]),
    ("version", &["release", "tag"]),
    ("image", &[]),
    ("digest", &[]),
    ("firm", &[]),
    ("override", &["overrides", "overrule"]),
    WHY,
    BY,
];
const MEANT_OTHERWISE: [(&str, &str); 2] = [
    ("to", "to run another version, use the function rollback or deploy"),
    ("undo", "to undo a migration, use the function rollback"),
];
const ACTIONS: [&str; 10] = [
    "approve",
    "reject",
    "cancel",
    "pause",
    "resume",
    "hold",
    "unhold",
    "mark_bad",
    "unmark_bad",
    "forget_newest",
];

struct Asked<'a> {
    site: EnvironmentView<'a>,
    controls: Vec<Control>,
    by: String,
    why: String,
    dry_run: bool,
}

pub(crate) async fn control(
    world: &impl Records,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure> {
    let fields: Vec<Field> = FIELDS.into_iter().chain([DRY_RUN]).collect();
    let mut form = Form::read(payload, &fields, &MEANT_OTHERWISE);
    let known = Catalog::load(world, &named(&mut form)).await?;
    let asked = match read(&mut form, &known, caller) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refusal.into_value(&form)),
    };
    let engine = Engine::new(world, &Pipeline);
    let place = asked.site.place();
    let mut all_said: Vec<Reply> = Vec::new();
    for control in &asked.controls {
        let (by, why) = (asked.by.clone(), asked.why.clone());
        let input = Input::Controlled { by, why, control: control.clone() };
        all_said.push(match asked.dry_run {
            true => match engine.rehearse(place, &input).await? {
                Some(rehearsal) => rehearsal.said,
                None => Reply::Refused(format!("{place} was just removed from the spec")),
            },
            false => engine.tell(place, input).await?,
        });
    }
    let said = all_said.into_iter().reduce(worse).unwrap_or(Reply::Done);
    let Asked { by, why, dry_run, controls, .. } = &asked;
    info!(%place, dry_run, by, why, "{controls:?}: {said:?}");
    let mut answer = begin(&said, asked.dry_run, &form);
    if let [Control::Approve { overrides, .. }] = controls.as_slice()
        && !yes_or_no(&said).0
        && let Some(version) = waiting_for_approval(&asked.site)
    {
        let mut typed = form.typed();
        typed.insert("version".into(), version.as_str().into());
        let overruling = what_would_do_to_approve(&asked.site, typed.clone(), overrides, known.now);
        match overruling {
            Some(payload) => answer.insert("to_do_it_all_the_same".into(), payload),
            None => answer.insert("choices".into(), vec![with_place(typed, &asked.site)].into()),
        };
    }
    answer.insert("environment".into(), place.to_string().into());
    if asked.dry_run {
        let mut typed = form.typed();
        typed.remove("dry_run");
        answer.insert("to_do_it".into(), with_place(typed, &asked.site));
    } else {
        answer.insert("watch".into(), caller.watch(place, None));
    }
    Ok(answer.into())
}

fn worse(one: Reply, other: Reply) -> Reply {
    if yes_or_no(&one).0 { other } else { one }
}

fn read<'a>(form: &mut Form, known: &'a Catalog, caller: &Caller) -> Result<Asked<'a>, Refusal> {
    let mut refusal = Refusal::default();
    let action = form.text("action").map(|action| action.to_lowercase().replace(['-', ' '], "_"));
    let action = action.filter(|action| match ACTIONS.contains(&action.as_str()) {
        true => true,
        false => {
            let hint = instead(action, ACTIONS);
            form.mistakes.push(format!("there is no action {action}; {hint}"));
            false
        }
    });
    if form.lacks("action") && form.mistakes.is_empty() {
        form.mistakes.push(format!("pass \"action\" with one of: {}", ACTIONS.join(", ")));
    }
    let words = Words {
        version: form.text("version"),
        image: form.text("image"),
        digest: form.text("digest"),
        firm: form.flag("firm"),
    };
    let (by, why, dry_run) = (form.text("by"), form.text("why"), form.flag("dry_run"));
    let overrides = overruled(form, action.as_deref());
    let site = find(form, known, action.as_deref(), &mut refusal);
    refusal.because.splice(0..0, form.mistakes.drain(..));
    let controls = match (&site, &action) {
        (Some(site), Some(action)) => {
            controls(site, action, &words, &overrides, form, &mut refusal)
        }
        _ => Vec::new(),
    };
    let Some(site) = site.filter(|_| refusal.because.is_empty()) else {
        let shown = site.or(showcase(known));
        refusal.example = shown.map(|site| example(&site, action.as_deref()));
        return Err(refusal);
    };
    let by = by.unwrap_or_else(|| caller.somebody());
    let why = why.unwrap_or_else(|| "no reason given".into());
    Ok(Asked { site, controls, by, why, dry_run })
}

/// What the request overrides, if the action can override anything.
fn overruled(form: &mut Form, action: Option<&str>) -> BTreeSet<Override> {
    let overrides = overrides(form);
    let only_unfinished = overrides.iter().all(|what| *what == Override::Unfinished);
    let mistake = match action {
        Some("approve") | None => None,
        Some("unhold") if only_unfinished => None,
        Some("unhold") => Some("unhold can override only \"unfinished\""),
        Some(_) if overrides.is_empty() => None,
        Some(_) => Some("\"override\" is only for approve and unhold; remove it"),
    };
    form.mistakes.extend(mistake.map(ToOwned::to_owned));
    overrides
}

/// The environment of the request: most actions have few candidates.
fn find<'a>(
    form: &mut Form,
    known: &'a Catalog,
    action: Option<&str>,
    refusal: &mut Refusal,
) -> Option<EnvironmentView<'a>> {
    let likely = |site: &EnvironmentView| action.is_some_and(|action| is_likely(site, action));
    let nowhere = match action {
        Some("approve" | "reject") => Some("no deployment is waiting for approval"),
        Some("cancel") => Some("no deployment is in progress"),
        Some("resume") => Some("nothing is paused anywhere"),
        Some("unhold") => Some("nothing is on hold anywhere"),
        _ => None,
    };
    // All environments were read, and none of them matches.
    let is_sure = named(form) == Named::default() && known.unreadable(&Named::default()).is_empty();
    if let Some(nowhere) = nowhere.filter(|_| is_sure && !known.sites().any(|s| likely(&s))) {
        refusal.because.push(nowhere.into());
        return None;
    }
    let site = choose(form, known, likely, refusal);
    if action.is_none() {
        // The choices would be refused because they have no action.
        refusal.choices.clear();
    }
    site
}

fn is_likely(site: &EnvironmentView, action: &str) -> bool {
    match action {
        "approve" | "reject" => waiting_for_approval(site).is_some(),
        "cancel" => site.active.is_some(),
        "resume" => site.head.pause.is_some(),
        "unhold" => site.head.hold.is_some() || site.head.unfinished.is_some(),
        _ => false,
    }
}

fn waiting_for_approval<'a>(site: &EnvironmentView<'a>) -> Option<&'a Version> {
    let active = site.active?;
    let waits = matches!(active.state, State::AwaitingApproval { .. });
    waits.then_some(&active.request.release.version)
}

fn controls(
    site: &EnvironmentView,
    action: &str,
    words: &Words,
    overrides: &BTreeSet<Override>,
    form: &Form,
    refusal: &mut Refusal,
) -> Vec<Control> {
    match action {
        "approve" => {
            let version = approved(site, words, form, refusal);
            let approve = |version| Control::Approve { version, overrides: overrides.clone() };
            version.map(approve).into_iter().collect()
        }
        "reject" | "cancel" if is_another(site, words, refusal) => Vec::new(),
        "reject" => vec![Control::Reject],
        "cancel" => vec![Control::Cancel],
        "pause" => vec![Control::Pause],
        "resume" => vec![Control::Resume],
        "hold" => vec![Control::Hold { firm: words.firm }],
        "forget_newest" => vec![Control::ForgetNewest],
        "unhold" if overrides.is_empty() => vec![Control::Unhold],
        "unhold" => vec![Control::ForgetTask, Control::Unhold],
        "mark_bad" => {
            let digests = digests(site, &releases(site), words, form, refusal);
            let mark = |(digest, version)| Control::MarkBad { digest, version };
            digests.into_iter().map(mark).collect()
        }
        _ => {
            let digests = marked(site, &releases(site), words, form, refusal);
            digests.into_iter().map(|digest| Control::UnmarkBad { digest }).collect()
        }
    }
}

/// A person who names a version does not want to cancel another one.
fn is_another(site: &EnvironmentView, words: &Words, refusal: &mut Refusal) -> bool {
    let active = site.active.map(|active| &active.request.release.version);
    match (&words.version, active) {
        (Some(typed), Some(active)) if !active.is_meant_by(typed) => {
            refusal.because.push(format!("{active} is in progress, not {typed}"));
            true
        }
        _ => false,
    }
}

/// An approval names its version: another one may be waiting by now.
fn approved(
    site: &EnvironmentView,
    words: &Words,
    form: &Form,
    refusal: &mut Refusal,
) -> Option<Version> {
    let waits = waiting_for_approval(site);
    let Some(typed) = &words.version else {
        match waits {
            Some(version) => {
                let why = format!("pass \"version\"; {version} is waiting for approval");
                refusal.because.push(why);
                let mut fields = form.typed();
                fields.insert("version".into(), version.as_str().into());
                refusal.choices.push(with_place(fields, site));
            }
            None => {
                let why = format!("no deployment is waiting for approval in {}", site.place());
                refusal.because.push(why);
            }
        }
        return None;
    };
    let version = waits.filter(|version| version.is_meant_by(typed)).cloned();
    Some(version.unwrap_or_else(|| Version::new(typed.as_str())))
}

fn example(site: &EnvironmentView, action: Option<&str>) -> Value {
    let mut fields = Map::new();
    let action = action.unwrap_or("pause");
    fields.insert("action".into(), action.into());
    match action {
        "approve" => {
            let version = waiting_for_approval(site)
                .map_or("the version waiting for approval", |v| v.as_str());
            fields.insert("version".into(), version.into());
        }
        "mark_bad" | "unmark_bad" => {
            let releases = releases(site);
            let digest = releases.first().and_then(|release| release.images.values().next());
            let digest = digest.map_or("sha256:…", Digest::as_str);
            fields.insert("digest".into(), digest.into());
        }
        _ => {}
    }
    fields.insert("why".into(), "investigating an incident".into());
    fields.insert("by".into(), "your name".into());
    with_place(fields, site)
}
