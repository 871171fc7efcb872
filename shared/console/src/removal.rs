//! Removing an application or an environment from Slipway. Services keep running: Slipway no longer
//! deploys them, queued requests are declined, and the history stays.
//!
//! A removed application keeps a spec without environments. So no delete permission is needed, and
//! a new spec of the same name continues the numbering.

use super::answer::Caller;
use super::catalog::Records;
use super::configure_request::{Removal, Wish};
use super::reading::{load, load_readable};
use aws::failure::Failure;
use engine::{Engine, EngineError, Key, Pipeline};
use pipeline::environment::Head;
use pipeline::names::{ApplicationName, EnvironmentName, Place};
use pipeline::spec::{Application, Fault, Faults, Target, instead};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tracing::info;

pub(crate) async fn remove(
    world: &impl Records,
    caller: &Caller,
    wish: &Wish,
    removal: &Removal,
) -> Result<Value, Failure> {
    let name = ApplicationName::new(removal.application.as_str());
    let stored = load::<Application>(world, &[Key::Spec(name.clone())]).await?.pop().flatten();
    let stored = match stored.filter(|spec| !spec.environments.is_empty()) {
        Some(stored) => stored,
        None if removal.is_deletion => {
            let text = "it is not configured; nothing was removed";
            return Ok(answer(&name, &[], text, vec![]).into());
        }
        None => {
            let mut names = world.applications().await?;
            names.retain(|other| *other != name);
            let hint = instead(name.as_str(), names.iter().map(ApplicationName::as_str));
            return refuse("application", format!("there is no application {name}; {hint}"));
        }
    };
    let rest = match rest_of(&stored, removal.environment.as_deref()) {
        Ok(rest) => rest,
        Err(why) => return refuse("environment", why),
    };
    let leaving: Vec<&EnvironmentName> =
        stored.environments.keys().filter(|name| !rest.environments.contains_key(*name)).collect();
    let (mut warnings, under_way) = look(world, &stored, &leaving).await?;
    match wish.force {
        true => warnings.extend(under_way),
        false if under_way.is_empty() => {}
        false => {
            let why = under_way.join("; ");
            return refuse(
                "application",
                format!(
                    "{why}; wait for the verdict or stop it first, or add \"force\": true: then it \
                     continues to its end and cannot be stopped"
                ),
            );
        }
    }
    let environments: Vec<&str> = rest.environments.keys().map(EnvironmentName::as_str).collect();
    let text = "removed from Slipway; services keep running, and the history stays";
    let mut answer = answer(&name, &environments, text, warnings);
    if wish.dry_run {
        answer.insert("dry_run".into(), "nothing was removed".into());
        return Ok(answer.into());
    }
    Engine::new(world, &Pipeline).store(rest).await?;
    answer.insert("changed".into(), true.into());
    let by = wish.by.clone().unwrap_or_else(|| caller.somebody());
    let why = wish.why.as_deref().unwrap_or("no reason given");
    info!(application = %name, ?leaving, by, why, "removed");
    Ok(answer.into())
}

/// The remaining spec.
fn rest_of(stored: &Application, environment: Option<&str>) -> Result<Application, String> {
    let mut rest = stored.clone();
    let Some(name) = environment else {
        (rest.environments, rest.images) = (BTreeMap::new(), BTreeMap::new());
        return Ok(rest);
    };
    let name = EnvironmentName::new(name);
    if rest.environments.remove(&name).is_none() {
        let known = stored.environments.keys().map(EnvironmentName::as_str);
        let hint = instead(name.as_str(), known);
        return Err(format!("{} has no environment {name}; {hint}", stored.application));
    }
    if rest.environments.is_empty() {
        return Err(format!(
            "{name} is the only environment of {}; leave \"environment\" out to remove the \
             application",
            stored.application
        ));
    }
    let follows = rest.environments.iter().find(|(_, rules)| {
        let source = rules.deploy_on.as_ref().and_then(|on| on.promoted_from.as_ref());
        source == Some(&name)
    });
    match follows {
        Some((other, _)) => Err(format!(
            "{other} is promoted from {name}; change environments.{other}.deploy_on first"
        )),
        None => Ok(rest),
    }
}

/// What happens to each environment, and what is in progress there.
async fn look(
    world: &impl Records,
    stored: &Application,
    leaving: &[&EnvironmentName],
) -> Result<(Vec<String>, Vec<String>), Failure> {
    let application = &stored.application;
    let place = |environment: &EnvironmentName| Place {
        application: application.clone(),
        environment: environment.clone(),
    };
    let keys: Vec<Key> = leaving.iter().map(|name| Key::Head(place(name))).collect();
    let heads = load_readable::<Head>(world, &keys).await?;
    let (mut warnings, mut under_way) = (Vec::new(), Vec::new());
    for (name, head) in leaving.iter().zip(heads) {
        let Some(rules) = stored.environments.get(*name) else { continue };
        let services: Vec<&str> =
            rules.services().map(|(_, service)| service.name.as_str()).collect();
        let place = match &rules.target {
            Target::Cluster(cluster) => format!("in the cluster {cluster}"),
            Target::Hosts(_) => "on its hosts".to_owned(),
        };
        let services = services.join(", ");
        warnings.push(format!(
            "environments.{name}: {services} keeps running {place}; Slipway no longer deploys it \
             or rolls it back"
        ));
        match head {
            Ok(head) => {
                let head = head.unwrap_or_else(|| {
                    Head::new(Place {
                        application: application.clone(),
                        environment: (*name).clone(),
                    })
                });
                if let Some(number) = head.active {
                    under_way.push(format!("deployment {number} is in progress in {}", head.place));
                }
                if !head.queue.is_empty() {
                    let count = head.queue.len();
                    warnings.push(format!("environments.{name}: {count} queued, will be declined"));
                }
            }
            Err(why) => warnings.push(format!("environments.{name}: {why}")),
        }
    }
    Ok((warnings, under_way))
}

fn refuse(path: &str, message: String) -> Result<Value, Failure> {
    let fault = Fault { path: path.to_owned(), message };
    Faults::refuse_for(vec![fault]).map_err(EngineError::Spec)?;
    Ok(Value::Null)
}

fn answer(
    name: &ApplicationName,
    environments: &[&str],
    text: &str,
    warnings: Vec<String>,
) -> Map<String, Value> {
    let mut answer = Map::new();
    answer.insert("accepted".into(), true.into());
    answer.insert("answer".into(), text.into());
    answer.insert("application".into(), name.as_str().into());
    answer.insert("changed".into(), false.into());
    answer.insert("environments".into(), environments.into());
    if !warnings.is_empty() {
        answer.insert("warnings".into(), warnings.into());
    }
    answer
}
