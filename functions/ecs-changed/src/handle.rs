//! From an event of ECS or Run Command to the deployments that it concerns.

use crate::active::places;
use ecs::observe;

use aws::payload::{EcsNews, Heard, command_news, ecs_news};
use aws::{Aws, Failure};
use engine::Lookup;
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::spec::Target;
use serde_json::Value;
use std::slice::from_ref;
use tracing::info;

pub(crate) async fn handle(aws: &Aws, payload: Value) -> Result<Value, Failure> {
    if let Some(news) = command_news(&payload) {
        match news? {
            Heard::NotForUs(what) => info!("ignored: {what}"),
            Heard::News(command) => command_ended(aws, &command).await?,
        }
        return Ok(Value::Null);
    }
    match ecs_news(&payload)? {
        Heard::NotForUs(what) => info!("ignored: {what}"),
        Heard::News(EcsNews::OneOff { installation: Some(other), place, deployment, .. })
            if other != aws.settings.installation()? =>
        {
            info!("ignored: a task of {place}/{deployment} of installation {other}");
        }
        Heard::News(EcsNews::OneOff { place, deployment, event, .. }) => {
            let name = event.name();
            let said = aws.engine().tell(&place, Input::HappenedTo { deployment, event }).await?;
            info!(deployment = %format!("{place}/{deployment}"), "{name}: {said:?}");
        }
        Heard::News(EcsNews::Task { cluster, report }) => {
            let lookup = Lookup::Service { cluster, service: report.service.clone() };
            tell(aws, &lookup, async || Ok(Event::TaskReported(report.clone()))).await?;
        }
        Heard::News(EcsNews::Service { cluster, service }) => {
            let lookup = Lookup::Service { cluster: cluster.clone(), service: service.clone() };
            let target = Target::Cluster(cluster);
            let look = async || observe(aws, &target, from_ref(&service), false).await;
            tell(aws, &lookup, look).await?;
        }
    }
    Ok(Value::Null)
}

/// The tag of a command on hosts names its deployment.
async fn command_ended(aws: &Aws, command: &str) -> Result<(), Failure> {
    let Some((mark, event)) = hosts::heard(aws, command).await? else {
        info!("ignored: command {command}");
        return Ok(());
    };
    let name = event.name();
    let input = Input::HappenedTo { deployment: mark.id.number, event };
    let said = aws.engine().tell(&mark.id.place, input).await?;
    info!(deployment = %mark.id, "{name}: {said:?}");
    Ok(())
}

/// Reports the news to every environment that waits for this service. Computes `event` only then.
async fn tell(
    aws: &Aws,
    lookup: &Lookup,
    event: impl AsyncFn() -> Result<Event, Failure>,
) -> Result<(), Failure> {
    let places = places(aws, lookup).await?;
    if places.is_empty() {
        info!("no deployment is in progress for {lookup:?}");
        return Ok(());
    }
    let event = event().await?;
    let mut result = Ok(());
    for (place, active) in places {
        match aws.engine().tell_active(&place, active, event.clone()).await {
            Ok(said) => info!(environment = %place, "{}: {said:?}", event.name()),
            // The event is delivered again to all of them; a second delivery is harmless.
            Err(error) => result = Err(error.into()),
        }
    }
    result
}
