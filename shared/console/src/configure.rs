//! Applications as code: a spec is read, compared with the account, and stored as a whole.
//!
//! Here a mistake is an error and not an answer: Terraform, CloudFormation and CI would treat any
//! answer as success.

use super::account::{self, Facts};
use super::answer::Caller;
use super::catalog::Records;
use super::changes::changes;
use super::cloudformation::Order;
use super::configure_request::{Document, What, Wish, read};
use super::owners;
use super::reading::load;
use super::removal::remove;
use aws::Aws;
use aws::failure::{Failure, chain};
use engine::{Engine, EngineError, Key, Pipeline};
use pipeline::environment::Head;
use pipeline::names::{EnvironmentName, Place};
use pipeline::spec::{self, Application, Fault, Faults, Service, Target};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tracing::info;

/// The function has 30 seconds, and the answer to CloudFormation takes up to 8 of them.
const TAKE_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) async fn configure(
    aws: &Aws,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure> {
    let look = async |spec: &Application| account::look(aws, spec).await;
    let Some(order) = Order::read(payload) else { return take(aws, look, caller, payload).await };
    // CloudFormation waits up to an hour for an answer, so it always gets one.
    let taken = in_time_to_answer(take(aws, look, caller, payload)).await;
    let why = taken.as_ref().err().map(|failure| chain(failure));
    order.answer(aws, &taken).await?;
    info!("reported to CloudFormation: {}", why.as_deref().unwrap_or("SUCCESS"));
    Ok(taken.unwrap_or_else(|_| json!({"accepted": false, "because": why})))
}

async fn in_time_to_answer(
    taking: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    let late = |_| Err(Failure::Passing("AWS did not answer in time; try again".into()));
    timeout(TAKE_TIMEOUT, taking).await.unwrap_or_else(late)
}

/// Everything except the answer to CloudFormation.
pub(crate) async fn take<L>(
    world: &impl Records,
    look: L,
    caller: &Caller,
    payload: &Value,
) -> Result<Value, Failure>
where
    L: AsyncFn(&Application) -> Result<Facts, Failure>,
{
    let wish = match read(payload) {
        Ok(wish) => wish,
        Err(answer) => return Ok(answer),
    };
    let spec = match &wish.what {
        What::Remove(removal) => return remove(world, caller, &wish, removal).await,
        What::Store(Document::Text(text)) => spec::parse(text),
        What::Store(Document::Value(value)) => spec::read(value),
    };
    let spec = spec.map_err(EngineError::Spec)?;
    let facts = look(&spec).await?;
    let owned = owners::look(world, &spec).await?;
    let mut warnings = facts.warnings(&spec);
    warnings.extend(owned.warnings);
    let faults: Vec<Fault> = facts.faults(&spec).into_iter().chain(owned.faults).collect();
    match wish.force {
        true => warnings.extend(faults.iter().map(ToString::to_string)),
        false => Faults::refuse_for(faults).map_err(EngineError::Spec)?,
    }
    let key = Key::Spec(spec.application.clone());
    let stored = load::<Application>(world, &[key]).await?.pop().flatten();
    // A removed application has nothing to compare with.
    let stored = stored.filter(|stored| !stored.environments.is_empty());
    warnings.extend(losses(world, stored.as_ref(), &spec).await?);
    let differs = changes(stored.as_ref(), &spec);
    let changed = match wish.dry_run {
        true => !differs.is_empty(),
        false => Engine::new(world, &Pipeline).store(spec.clone()).await?.changed,
    };
    if !wish.dry_run {
        let by = wish.by.clone().unwrap_or_else(|| caller.somebody());
        let why = wish.why.as_deref().unwrap_or("no reason given");
        info!(application = %spec.application, changed, by, why, "configured");
    }
    Ok(answer(&wish, &spec, changed, differs, warnings))
}

fn answer(
    wish: &Wish,
    spec: &Application,
    changed: bool,
    differs: Vec<String>,
    warnings: Vec<String>,
) -> Value {
    let mut answer = Map::new();
    answer.insert("accepted".into(), true.into());
    if wish.dry_run {
        answer.insert("dry_run".into(), "nothing was stored".into());
    }
    answer.insert("application".into(), spec.application.as_str().into());
    let environments: Vec<&str> = spec.environments.keys().map(EnvironmentName::as_str).collect();
    answer.insert("environments".into(), environments.into());
    answer.insert("changed".into(), changed.into());
    if !differs.is_empty() {
        answer.insert("changes".into(), differs.into());
    }
    if !warnings.is_empty() {
        answer.insert("warnings".into(), warnings.into());
    }
    answer.into()
}

/// What is removed from the spec, and may be needed.
async fn losses(
    world: &impl Records,
    stored: Option<&Application>,
    spec: &Application,
) -> Result<Vec<String>, Failure> {
    let Some(stored) = stored else { return Ok(Vec::new()) };
    let gone = stored.environments.keys().filter(|name| !spec.environments.contains_key(*name));
    let places: Vec<Place> = gone
        .map(|name| Place { application: spec.application.clone(), environment: name.clone() })
        .collect();
    let keys: Vec<Key> = places.iter().cloned().map(Key::Head).collect();
    let heads: Vec<Option<Head>> = load(world, &keys).await?;
    let warnings = places.iter().zip(heads).map(|(place, head)| {
        let name = &place.environment;
        match head.and_then(|head| head.active) {
            Some(number) => format!(
                "environments.{name} is removed from the spec; deployment {number} there continues \
                 to its end"
            ),
            None => {
                format!(
                    "environments.{name} is removed from the spec; Slipway no longer deploys it"
                )
            }
        }
    });
    Ok(warnings.chain(services_lost(stored, spec)).collect())
}

/// A service that is removed from the spec keeps running: Slipway does not stop it. One that only
/// moves to another environment with the same target is still deployed.
fn services_lost(stored: &Application, spec: &Application) -> Vec<String> {
    let mut warnings = Vec::new();
    let environments = stored.environments.iter();
    for (name, before) in environments.filter(|(name, _)| spec.environments.contains_key(*name)) {
        let stays = |lost: &Service| {
            let mut there = spec.environments.values().filter(|one| one.target == before.target);
            there.any(|one| one.services().any(|(_, service)| service.name == lost.name))
        };
        for (_, lost) in before.services().filter(|(_, service)| !stays(service)) {
            let (place, what) = match &before.target {
                Target::Cluster(cluster) => {
                    (format!("in the cluster {cluster}"), "scale it down and delete it")
                }
                Target::Hosts(_) => ("on its hosts".to_owned(), "remove its container"),
            };
            warnings.push(format!(
                "environments.{name}.services: {} keeps running {place}, but Slipway no longer \
                 deploys it; {what} by hand",
                lost.name
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::{Failure, Order, in_time_to_answer};
    use serde_json::json;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn cloudformation_gets_the_failure_while_there_is_time() {
        let taken = in_time_to_answer(pending()).await;
        assert!(matches!(taken, Err(Failure::Passing(_))), "{taken:?}");
        let order =
            json!({"RequestType": "Create", "ResponseURL": "https://cloudformation.example"});
        let body = Order::read(&order).map(|order| order.body(&taken)).unwrap_or_default();
        assert_eq!(body["Status"], "FAILED");
        let reason = body["Reason"].as_str().unwrap_or_default();
        assert!(reason.contains("AWS did not answer in time; try again"), "{reason}");
    }
}
