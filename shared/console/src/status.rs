//! What runs where, what is in progress, and why. Changes nothing.

use super::answer::{Caller, Refusal, Shown};
use super::audit::audit;
use super::catalog::{Catalog, EnvironmentView, Named, Records};
use super::form::{APPLICATION, ENVIRONMENT, Field, Form};
use super::place::{choose, named};
use super::reading::load;
use super::view;
use aws::failure::Failure;
use engine::Key;
use pipeline::deployment::Deployment;
use pipeline::names::{ApplicationName, DeploymentId, Place};
use pipeline::push::Candidate;
use pipeline::spec::{Application, instead};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const FIELDS: [Field; 7] = [
    APPLICATION,
    ENVIRONMENT,
    ("audit", &["check", "verify"]),
    ("before", &["below"]),
    ("deployment", &["number", "id"]),
    ("format", &["as"]),
    ("releases", &["pushes", "versions"]),
];
/// How many of the last deployments are shown for each environment.
const HISTORY: u64 = 5;

pub(crate) async fn status(
    world: &impl Records,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure> {
    let mut form = Form::read(payload, &FIELDS, &[]);
    let named = named(&mut form);
    let known = Catalog::load(world, &named).await?;
    let format = form.text("format").unwrap_or_else(|| "json".into()).to_lowercase();
    if !["json", "text"].contains(&format.as_str()) {
        let hint = instead(&format, ["json", "text"]);
        form.mistakes.push(format!("there is no format {format}; {hint}"));
    }
    let (is_audit, number) = (form.flag("audit"), form.number("deployment"));
    if is_audit && number.is_some() {
        let why = "an audit covers every deployment; remove \"deployment\" or \"audit\"";
        form.mistakes.push(why.into());
    }
    if !is_audit && !form.lacks("before") {
        let why = "\"before\" is where an audit continues; add \"audit\": true";
        form.mistakes.push(why.into());
    }
    let answer = match number.filter(|_| form.mistakes.is_empty()) {
        _ if is_audit => audit(world, caller, &known, &mut form).await?,
        Some(number) => one_deployment(world, &known, number, &mut form).await?,
        None => everything(world, caller, &known, &named, &mut form).await?,
    };
    Ok(match (answer, format.as_str()) {
        (Ok(told), "text") => json!({"text": told.lines}),
        (Ok(told), _) => told.json,
        (Err(refusal), _) => refusal.into_value(&form),
    })
}

async fn one_deployment(
    world: &impl Records,
    known: &Catalog,
    number: u64,
    form: &mut Form,
) -> Result<Result<Shown, Refusal>, Failure> {
    let mut refusal = Refusal::default();
    let had_it = |site: &EnvironmentView| site.head.last_number >= number;
    let Some(site) = choose(form, known, had_it, &mut refusal) else { return Ok(Err(refusal)) };
    let place = site.place();
    let key = Key::Deployment(DeploymentId { place: place.clone(), number });
    let found = load::<Deployment>(world, &[key]).await?.pop().flatten();
    Ok(found.map_or_else(
        || {
            let last = site.head.last_number;
            let why = match last {
                0 => format!("nothing was ever deployed to {place}"),
                _ => format!("{place} has no deployment {number}; the last one is {last}"),
            };
            let example = json!({"application": place.application, "environment": place.environment, "deployment": last});
            let example = (last > 0).then_some(example);
            Err(Refusal { because: vec![why], example, ..Refusal::default() })
        },
        |deployment| {
            let (json, lines) = (view::deployment(&deployment), view::deployment_lines(&deployment));
            Ok(Shown { json, lines })
        },
    ))
}

async fn everything(
    world: &impl Records,
    caller: &Caller,
    known: &Catalog,
    named: &Named,
    form: &mut Form,
) -> Result<Result<Shown, Refusal>, Failure> {
    let mut refusal = Refusal { because: form.mistakes.drain(..).collect(), ..Refusal::default() };
    let unreadable = known.unreadable(named);
    let sites = wanted(named, known, &unreadable, &mut refusal);
    if !refusal.because.is_empty() {
        refusal.example = Some(json!({}));
        return Ok(Err(refusal));
    }
    let history = histories(world, &sites).await?;
    let pushed = pushed(world, &sites).await?;
    let (mut environments, mut lines) = (Vec::new(), Vec::new());
    for site in &sites {
        let last = history.get(site.place()).map_or(&[][..], Vec::as_slice);
        let pushed = pushed.get(&site.spec.application).map_or(&[][..], Vec::as_slice);
        let seen = view::Seen { site, history: last, pushed, now: known.now };
        environments.push(view::environment(&seen));
        lines.extend(view::environment_lines(&seen));
    }
    let mut json = Map::new();
    if form.flag("releases") {
        let mut specs: Vec<&Application> = sites.iter().map(|site| site.spec).collect();
        specs.dedup_by_key(|spec| &spec.application);
        let of = |spec: &Application| pushed.get(&spec.application).map_or(&[][..], Vec::as_slice);
        let releases: Vec<String> =
            specs.into_iter().flat_map(|spec| view::releases(spec, of(spec))).collect();
        lines.extend(releases.iter().cloned());
        json.insert("releases".into(), releases.into());
    }
    json.insert("now".into(), known.now.to_string().into());
    let mut summary: Vec<String> = sites.iter().map(view::summary).collect();
    if !unreadable.is_empty() {
        lines.extend(unreadable.iter().cloned());
        json.insert("unreadable".into(), unreadable.clone().into());
    }
    if sites.is_empty() && unreadable.is_empty() {
        let nothing = "nothing is configured yet; give the function configure a spec first";
        summary.push(nothing.into());
        lines.push(nothing.into());
    }
    json.insert("at_a_glance".into(), summary.into());
    json.insert("details".into(), environments.into());
    if let Some(site) = sites.iter().find(|site| site.head.last_number > 0) {
        let one = caller.watch(site.place(), Some(site.head.last_number));
        json.insert("more".into(), one);
    }
    Ok(Ok(Shown { json: json.into(), lines }))
}

/// All environments, or the named ones.
fn wanted<'a>(
    named: &Named,
    known: &'a Catalog,
    unreadable: &[String],
    refusal: &mut Refusal,
) -> Vec<EnvironmentView<'a>> {
    let mut chosen: Vec<EnvironmentView> = known.sites().collect();
    let mut narrow = |name: &Option<String>, what: &str, of: fn(&Place) -> &str| {
        let Some(name) = name else { return };
        let names: Vec<&str> = chosen.iter().map(|site| of(site.place())).collect();
        if !names.contains(&name.to_lowercase().as_str()) && unreadable.is_empty() {
            let hint = instead(name, names);
            refusal.because.push(format!("there is no {what} {name}; {hint}"));
            return;
        }
        chosen.retain(|site| of(site.place()) == name.to_lowercase());
    };
    narrow(&named.application, "application", |place| place.application.as_str());
    narrow(&named.environment, "environment", |place| place.environment.as_str());
    chosen
}

/// The candidates of each application.
async fn pushed(
    world: &impl Records,
    sites: &[EnvironmentView<'_>],
) -> Result<BTreeMap<ApplicationName, Vec<Candidate>>, Failure> {
    let mut pushed = BTreeMap::new();
    for site in sites {
        let name = &site.spec.application;
        if !pushed.contains_key(name) {
            pushed.insert(name.clone(), world.newest(name).await?);
        }
    }
    Ok(pushed)
}

/// The last deployments of each environment, the newest first; then the live one, however old it
/// is.
async fn histories(
    world: &impl Records,
    sites: &[EnvironmentView<'_>],
) -> Result<BTreeMap<Place, Vec<Deployment>>, Failure> {
    let keys = sites.iter().flat_map(|site| {
        let (place, last) = (site.place().clone(), site.head.last_number);
        let first = last.saturating_sub(HISTORY) + 1;
        let live = site.head.live.as_ref().map(|live| live.number).filter(|live| *live < first);
        let numbers = (first..=last).rev().chain(live);
        numbers.map(move |number| Key::Deployment(DeploymentId { place: place.clone(), number }))
    });
    let mut found: BTreeMap<Place, Vec<Deployment>> = BTreeMap::new();
    let deployments = load::<Deployment>(world, &keys.collect::<Vec<_>>()).await?;
    for deployment in deployments.into_iter().flatten() {
        found.entry(deployment.id.place.clone()).or_default().push(deployment);
    }
    Ok(found)
}
