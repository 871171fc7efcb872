//! Manual rollback: what a test event of the function `rollback` does.

use super::answer::{Caller, Refusal, begin};
use super::catalog::{Catalog, EnvironmentView, Records};
use super::duplicates;
use super::form::{APPLICATION, BY, DRY_RUN, ENVIRONMENT, Field, Form, REQUEST, WHY};
use super::identity::{is_known, request_id};
use super::place::{choose, named, showcase, with_place};
use super::plan;
use aws::failure::Failure;
use aws::preview::Preview;
use engine::{Engine, Pipeline, Rehearsal};
use pipeline::deployment::Reply;
use pipeline::environment::Input;
use pipeline::names::{RequestId, Revision, ServiceName, Version};
use pipeline::release::{Meant, meant};
use pipeline::request::Kind;
use pipeline::spec::Target;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tracing::info;

const FIELDS: [Field; 8] = [
    APPLICATION,
    ENVIRONMENT,
    ("to", &["version", "target", "release", "tag"]),
    ("undo", &["undo_migration"]),
    WHY,
    BY,
    DRY_RUN,
    REQUEST,
];
const WHOLE: &str = "a rollback always covers all services of a release; remove this field";
const MEANT_OTHERWISE: [(&str, &str); 6] = [
    ("service", WHOLE),
    ("services", WHOLE),
    ("image", WHOLE),
    ("images", WHOLE),
    ("cluster", "pass \"application\" and \"environment\" instead"),
    ("revision", "pass \"to\" with a version instead"),
];

/// The parsed request.
struct Asked<'a> {
    site: EnvironmentView<'a>,
    id: RequestId,
    to: Option<Version>,
    undo: bool,
    by: String,
    why: String,
    dry_run: bool,
}

/// Handles a request; for a dry run, `look` checks whether the previous revisions can still be
/// started.
pub(crate) async fn roll_back(
    world: &impl Records,
    look: impl AsyncFn(&Target, &BTreeMap<ServiceName, Revision>) -> Preview,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure> {
    let mut form = Form::read(payload, &FIELDS, &MEANT_OTHERWISE);
    let known = Catalog::load(world, &named(&mut form)).await?;
    let asked = match read(&mut form, &known, caller) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(refusal.into_value(&form)),
    };
    let place = asked.site.place();
    if is_known(&asked.site, &asked.id) {
        return duplicates::answer(world, caller, &asked.site, &asked.id, &form).await;
    }
    let engine = Engine::new(world, &Pipeline);
    let input = asked.input();
    let Some(rehearsal) = engine.rehearse(place, &input).await? else {
        let because = vec![format!("{place} was just removed from the spec")];
        return Ok(Refusal { because, ..Refusal::default() }.into_value(&form));
    };
    let said = match asked.dry_run {
        true => rehearsal.said.clone(),
        false => engine.tell(place, input).await?,
    };
    info!(%place, dry_run = asked.dry_run, by = asked.by, why = asked.why, "manual rollback: {said:?}");
    let mut answer = answer(caller, &asked, &form, &rehearsal, &said);
    let plan = answer.get_mut("plan").filter(|_| asked.dry_run);
    if let Some((plan, (target, revisions))) = plan.zip(way_back(&rehearsal)) {
        plan::mention_what_is_in_the_way(plan, look(target, &revisions).await);
    }
    Ok(answer)
}

/// Which revisions services are rolled back to, and where; `None`: no service has to be updated.
fn way_back(rehearsal: &Rehearsal) -> Option<(&Target, BTreeMap<ServiceName, Revision>)> {
    let restores = rehearsal.started.as_ref().and_then(|started| match &started.request.kind {
        Kind::ManualRollback(restore) => Some((started, restore)),
        Kind::Deploy => None,
    });
    if let Some((started, restore)) = restores {
        let services = started.rules.services().map(|(_, service)| &service.name);
        let recorded = services.filter_map(|name| restore.revisions.get_key_value(name));
        let recorded = recorded.map(|(name, revision)| (name.clone(), revision.clone()));
        return Some((&started.rules.target, recorded.collect()));
    }
    let turned = rehearsal.deployment.as_ref().filter(|turned| turned.verdict().is_none())?;
    let touched = turned.services.iter().filter(|service| service.touched());
    let before =
        touched.filter_map(|service| Some((service.name.clone(), service.before.clone()?)));
    Some((&turned.rules.target, before.collect()))
}

fn read<'a>(form: &mut Form, known: &'a Catalog, caller: &Caller) -> Result<Asked<'a>, Refusal> {
    let mut refusal = Refusal::default();
    let (to, undo, dry_run) = (form.text("to"), form.flag("undo"), form.flag("dry_run"));
    let (by, why, given) = (form.text("by"), form.text("why"), form.text("request"));
    let under_way = |site: &EnvironmentView| site.active.is_some();
    let site = choose(form, known, under_way, &mut refusal);
    refusal.because.splice(0..0, form.mistakes.drain(..));
    let Some(site) = site.filter(|_| refusal.because.is_empty()) else {
        refusal.example = site.or(showcase(known)).map(|site| example(&site));
        return Err(refusal);
    };
    let to = to.map(|typed| name_here(&site, typed));
    let content = json!([site.place().to_string(), to, undo]);
    let id = request_id(&site, "rollback", &content, given.as_deref(), known.now);
    Ok(Asked {
        site,
        id,
        to: to.map(Version::new),
        undo,
        by: by.unwrap_or_else(|| caller.somebody()),
        why: why.unwrap_or_else(|| "no reason given".into()),
        dry_run,
    })
}

/// The release's name here, if the environment that this one is promoted from has another name for
/// the same images: a commit there may be a version here.
fn name_here(site: &EnvironmentView, typed: String) -> String {
    let good = || site.head.good.iter().rev().map(|good| &good.release);
    if good().any(|release| release.version.is_meant_by(&typed)) {
        return typed;
    }
    let there = site.source.iter().flat_map(|head| &head.good).map(|good| &good.release);
    let there = there.map(|release| (&release.version, release));
    let Meant::One(meant) = meant(&typed, there) else { return typed };
    let here = good().find(|release| release.same_images(meant));
    here.map_or(typed, |release| release.version.to_string())
}

impl Asked<'_> {
    fn input(&self) -> Input {
        Input::RollbackRequested {
            id: self.id.clone(),
            by: self.by.clone(),
            why: self.why.clone(),
            to: self.to.clone(),
            undo: self.undo,
        }
    }
}

fn answer(
    caller: &Caller,
    asked: &Asked,
    form: &Form,
    rehearsal: &Rehearsal,
    said: &Reply,
) -> Value {
    let mut answer = begin(said, asked.dry_run, form);
    if !matches!(said, Reply::Accepted(_)) {
        let choices = choices(asked, form);
        if !choices.is_empty() {
            answer.insert("choices".into(), choices.into());
        }
        return answer.into();
    }
    // Another request may have arrived since the rehearsal.
    if *said == rehearsal.said
        && let Some(plan) = plan::of_rolling_back(&asked.site, rehearsal)
    {
        answer.insert("plan".into(), plan);
    }
    let started = rehearsal.started.as_ref().or(rehearsal.deployment.as_ref());
    let number = started.filter(|_| *said == rehearsal.said).map(|started| started.id.number);
    if asked.dry_run {
        let mut typed = form.typed();
        typed.remove("dry_run");
        answer.insert("to_do_it".into(), with_place(typed, &asked.site));
    } else {
        if let Some(number) = number {
            answer.insert("deployment".into(), number.into());
        }
        answer.insert("watch".into(), caller.watch(asked.site.place(), number));
    }
    answer.into()
}

/// Every version that a rollback can go to, as a payload.
fn choices(asked: &Asked, form: &Form) -> Vec<Value> {
    let mut typed = form.typed();
    if asked.site.rules.migration.as_ref().is_none_or(|migration| migration.undo.is_none()) {
        typed.remove("undo");
    }
    if asked.site.active.is_some() {
        typed.remove("to");
        return vec![with_place(typed, &asked.site)];
    }
    let live = asked.site.head.live.as_ref().map(|live| &live.release.version);
    let good = asked.site.head.good.iter().rev().map(|good| &good.release.version);
    let others = good.filter(|version| Some(*version) != live);
    let payload = |version: &Version| {
        let mut typed = typed.clone();
        typed.insert("to".into(), version.as_str().into());
        with_place(typed, &asked.site)
    };
    others.map(payload).collect()
}

fn example(site: &EnvironmentView) -> Value {
    let mut fields = Map::new();
    fields.insert("why".into(), "customers complain".into());
    fields.insert("by".into(), "your name".into());
    fields.insert("dry_run".into(), true.into());
    with_place(fields, site)
}
