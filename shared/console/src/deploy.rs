//! Deploying by hand: a version, or the live release of another environment.

use super::account;
use super::answer::{Caller, Refusal, begin};
use super::catalog::{Catalog, EnvironmentView, Records};
use super::duplicates;
use super::form::{APPLICATION, BY, DRY_RUN, ENVIRONMENT, Field, Form, REQUEST, WHY};
use super::identity::{is_known, request_id};
use super::overrides::{overrides, what_would_do};
use super::place::{choose, named, showcase, with_place};
use super::plan;
use super::registry::Registry;
use super::release::{TypedRelease, find};
use super::version::wanted;
use aws::clients::{Aws, in_time};
use aws::failure::{Failure, not_asked};
use aws::preview::Preview;
use engine::{Engine, Pipeline, Rehearsal};
use futures_util::future::join;
use pipeline::deployment::Reply;
use pipeline::effect::Prepare;
use pipeline::environment::Input;
use pipeline::release::Release;
use pipeline::request::{Kind, Override, Request, RequestedBy};
use pipeline::spec::Application;
use pipeline::time::Time;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use targets::preview;
use tracing::info;

const FIELDS: [Field; 13] = [
    APPLICATION,
    ENVIRONMENT,
    ("version", &["tag", "release", "to", "image_tag"]),
    ("from", &["promote_from", "promote"]),
    ("images", &["image", "digests"]),
    ("confirm", &["confirmation"]),
    ("override", &["overrides", "overrule"]),
    ("fresh", &["restart", "force_new_deployment"]),
    (SKIP_MIGRATION, &["no_migration", "without_migration", "skip_migrations"]),
    WHY,
    BY,
    DRY_RUN,
    REQUEST,
];
const SKIP_MIGRATION: &str = "skip_migration";
const WHOLE: &str = "a deployment always covers all services of an environment; remove this field";
const MEANT_OTHERWISE: [(&str, &str); 4] = [
    ("service", WHOLE),
    ("services", WHOLE),
    ("cluster", "pass \"application\" and \"environment\" instead"),
    ("force", "pass \"override\" with what to override, or \"fresh\": true for new tasks"),
];
/// How many of the last versions are offered if the request names none.
const CHOICES: usize = 5;

/// The parsed request.
struct Asked<'a> {
    site: EnvironmentView<'a>,
    wish: TypedRelease,
    given: Option<String>,
    confirm: Option<String>,
    overrides: BTreeSet<Override>,
    fresh: bool,
    skip_migration: Option<bool>,
    by: String,
    why: String,
    dry_run: bool,
}

/// Handles a request; for a dry run, `look` finds what it would change.
pub(crate) async fn deploy(
    world: &impl Records,
    registry: &impl Registry,
    look: impl AsyncFn(&Application, &Prepare) -> Result<Preview, Failure>,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure> {
    let mut form = Form::read(payload, &FIELDS, &MEANT_OTHERWISE);
    let known = Catalog::load(world, &named(&mut form)).await?;
    let asked = match read(&mut form, &known, caller) {
        Ok(asked) => asked,
        Err((refusal, site)) => return refuse(world, refusal, site, &form).await,
    };
    let place = asked.site.place();
    let installed = known.applications.iter().find(|i| i.spec.application == place.application);
    let found = match installed {
        Some(installed) => {
            find(world, registry, installed, &asked.site, &asked.wish, known.now).await?
        }
        None => Err(vec![format!("there is no application {}", place.application)]),
    };
    let release = match found {
        Ok(release) => release,
        Err(because) => {
            let refusal = Refusal { because, ..Refusal::default() };
            return refuse(world, refusal, Some(asked.site), &form).await;
        }
    };
    let request = asked.request(release, known.now);
    if is_known(&asked.site, &request.id) {
        return duplicates::answer(world, caller, &asked.site, &request.id, &form).await;
    }
    let engine = Engine::new(world, &Pipeline);
    let input = Input::Requested(Box::new(request.clone()));
    let Some(rehearsal) = engine.rehearse(place, &input).await? else {
        let because = vec![format!("{place} was just removed from the spec")];
        return Ok(Refusal { because, ..Refusal::default() }.into_value(&form));
    };
    let said = match asked.dry_run {
        true => rehearsal.said.clone(),
        false => engine.tell(place, input).await?,
    };
    info!(%place, dry_run = asked.dry_run, by = asked.by, why = asked.why, "manual deployment: {said:?}");
    let mut answer = answer(caller, &asked, &form, &request, &rehearsal, &said, known.now);
    let plan = answer.get_mut("plan").filter(|_| asked.dry_run);
    if let Some((plan, installed)) = plan.zip(installed) {
        let seen = look(&installed.spec, &asked.site.preparation(request, known.now)).await;
        plan::mention_what_is_found(&asked.site, plan, seen);
    }
    Ok(answer)
}

/// The preview of a deployment, with the risks for a later rollback.
pub(crate) async fn foresee(
    aws: &Aws,
    spec: &Application,
    prepare: &Prepare,
) -> Result<Preview, Failure> {
    let dangers = in_time(&aws.clock, account::look_at_lifecycles(aws, spec));
    let (preview, dangers) = join(preview(aws, prepare), dangers).await;
    let mut preview = preview?;
    match dangers {
        Ok(dangers) => preview.warnings.extend(
            dangers.into_iter().map(|(repository, danger)| format!("{repository}: {danger}")),
        ),
        Err(failure) => preview.warnings.push(not_asked("lifecycle rules", &failure)),
    }
    Ok(preview)
}

/// A refusal, with the last pushed versions as choices.
async fn refuse(
    world: &impl Records,
    mut refusal: Refusal,
    site: Option<EnvironmentView<'_>>,
    form: &Form,
) -> Result<Value, Failure> {
    if let Some(site) = site {
        refusal.example = Some(example(&site));
        let mut pushed = world.newest(&site.place().application).await?;
        let wanted = wanted(&site, &BTreeMap::new());
        pushed.retain(|pushed| wanted.iter().all(|image| pushed.images.contains_key(image)));
        for candidate in pushed.iter().take(CHOICES) {
            let mut fields = form.typed();
            fields.retain(|name, _| name != "from" && name != "images");
            fields.insert("version".into(), candidate.version.as_str().into());
            if let Some(confirm) = &site.rules.confirm {
                fields.insert("confirm".into(), confirm.as_str().into());
            }
            refusal.choices.push(with_place(fields, &site));
        }
    }
    Ok(refusal.into_value(form))
}

fn read<'a>(
    form: &mut Form,
    known: &'a Catalog,
    caller: &Caller,
) -> Result<Asked<'a>, (Refusal, Option<EnvironmentView<'a>>)> {
    let mut refusal = Refusal::default();
    let site = choose(form, known, |_| false, &mut refusal);
    let overrides = overrides(form);
    let images = match form.value("images") {
        // A single digest is enough if there is one image.
        Some(Value::String(_)) => {
            let only = site.filter(|site| site.spec.images.len() == 1);
            let only = only.and_then(|site| site.spec.images.keys().next());
            let text = form.text("images").unwrap_or_default();
            match only {
                Some(image) => [(image.to_string(), text)].into_iter().collect(),
                None => form.map("images"),
            }
        }
        _ => form.map("images"),
    };
    let wish = TypedRelease { version: form.text("version"), from: form.text("from"), images };
    let (fresh, dry_run) = (form.flag("fresh"), form.flag("dry_run"));
    let (by, why) = (form.text("by"), form.text("why"));
    let (confirm, given) = (form.text("confirm"), form.text("request"));
    let said = !form.lacks(SKIP_MIGRATION);
    let skip_migration = Some(form.flag(SKIP_MIGRATION)).filter(|_| said);
    if let Some(site) = site.filter(|site| site.rules.migration.is_none())
        && skip_migration == Some(true)
    {
        let place = site.place();
        form.mistakes.push(format!("{place} has no migration to skip; leave {SKIP_MIGRATION} out"));
    }
    if wish.version.is_none() && wish.from.is_none() && wish.images.is_empty() {
        form.mistakes.push("pass \"version\", or \"from\" with an environment".into());
    }
    refusal.because.splice(0..0, form.mistakes.drain(..));
    let Some(site) = site.filter(|_| refusal.because.is_empty()) else {
        refusal.example = showcase(known).map(|site| example(&site));
        return Err((refusal, site));
    };
    let by = by.unwrap_or_else(|| caller.somebody());
    let why = why.unwrap_or_default();
    Ok(Asked { site, wish, given, confirm, overrides, fresh, skip_migration, by, why, dry_run })
}

impl Asked<'_> {
    fn request(&self, release: Release, now: Time) -> Request {
        let overrides: Vec<_> = self.overrides.iter().map(|what| what.word()).collect();
        let place = self.site.place().to_string();
        let mut content = vec![
            json!(place),
            json!(release.images),
            json!(overrides),
            json!(self.fresh),
            json!(self.confirm),
        ];
        content.extend(self.skip_migration.map(|skip| json!({ SKIP_MIGRATION: skip })));
        let content = Value::Array(content);
        let id = request_id(&self.site, "deploy", &content, self.given.as_deref(), now);
        let mut request = Request {
            id,
            kind: Kind::Deploy,
            release,
            asked_by: RequestedBy::Person { name: self.by.clone(), why: self.why.clone() },
            asked_at: now,
            confirm: self.confirm.clone(),
            overrides: self.overrides.clone(),
            fresh: self.fresh,
            skip_migration: self.skip_migration,
        };
        // The same request of a person that is queued or in progress makes this one a duplicate.
        let active = self.site.active.map(|active| &active.request);
        let waiting = self.site.head.queue.iter().map(|waits| &waits.request);
        let same = active.into_iter().chain(waiting).find(|other| {
            other.is_by_person()
                && other.kind == Kind::Deploy
                && other.fresh == request.fresh
                && other.skip_migration == request.skip_migration
                && other.release.same_images(&request.release)
        });
        if let Some(same) = same.filter(|_| self.given.is_none()) {
            request.id = same.id.clone();
        }
        request
    }
}

fn answer(
    caller: &Caller,
    asked: &Asked,
    form: &Form,
    request: &Request,
    rehearsal: &Rehearsal,
    said: &Reply,
    now: Time,
) -> Value {
    let mut answer = begin(said, asked.dry_run, form);
    let plan = plan::of_deploying(&asked.site, request);
    if !matches!(said, Reply::Accepted(_)) {
        if let Some(instead) = what_would_do(&asked.site, form, request, now) {
            answer.insert("to_do_it_all_the_same".into(), instead);
        }
        if asked.dry_run {
            answer.insert("plan".into(), plan);
        }
        return answer.into();
    }
    answer.insert("plan".into(), plan);
    if asked.dry_run {
        let mut typed = form.typed();
        typed.remove("dry_run");
        answer.insert("to_do_it".into(), with_place(typed, &asked.site));
        return answer.into();
    }
    let started = rehearsal.started.as_ref().filter(|_| *said == rehearsal.said);
    let started = started.filter(|started| started.request.id == request.id);
    let number = started.map(|started| started.id.number);
    if let Some(number) = number {
        answer.insert("deployment".into(), number.into());
    }
    answer.insert("watch".into(), caller.watch(asked.site.place(), number));
    answer.into()
}

/// A payload with existing names.
fn example(site: &EnvironmentView) -> Value {
    let mut fields = Map::new();
    let promoted_from = site.rules.deploy_on.as_ref().and_then(|on| on.promoted_from.as_ref());
    let good = site.head.good.last().map(|good| good.release.version.as_str());
    match promoted_from {
        Some(from) => fields.insert("from".into(), from.as_str().into()),
        None => fields.insert("version".into(), good.unwrap_or("v1.2.3").into()),
    };
    if let Some(confirm) = &site.rules.confirm {
        fields.insert("confirm".into(), confirm.as_str().into());
    }
    fields.insert("why".into(), "a customer is waiting for it".into());
    fields.insert("by".into(), "your name".into());
    fields.insert("dry_run".into(), true.into());
    with_place(fields, site)
}
