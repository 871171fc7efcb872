//! Events of ECS about services and tasks.

use super::field::{required_text, text};
use super::{Heard, arn, kind, task};
use crate::failure::Failure;
use pipeline::event::Event;
use pipeline::names::{Place, ServiceName};
use pipeline::task::TaskReport;
use serde_json::Value;

/// What an event of ECS means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EcsNews {
    /// Something about a service changed; only ECS itself knows what it runs now.
    Service { cluster: String, service: ServiceName },
    /// A task of a service stopped, or lost a container. ECS forgets it within an hour.
    Task { cluster: String, report: TaskReport },
    /// One of our one-off tasks stopped, or one that another installation of Slipway started.
    OneOff {
        /// `None`: an earlier version started it, which did not name it.
        installation: Option<String>,
        place: Place,
        deployment: u64,
        event: Event,
    },
}

pub fn ecs_news(payload: &Value) -> Result<Heard<EcsNews>, Failure> {
    match kind(payload) {
        Some("ECS Deployment State Change" | "ECS Service Action") => service_news(payload),
        Some("ECS Task State Change") => task::news(payload),
        Some(other) => Ok(Heard::NotForUs(other.to_owned())),
        None => Err(Failure::Unreadable(
            "`detail-type` is missing; this function takes ECS events from EventBridge".into(),
        )),
    }
}

/// A deployment state change event names its service only in `resources`.
fn service_news(payload: &Value) -> Result<Heard<EcsNews>, Failure> {
    let resource = required_text(payload, "resources.0")?;
    let Some((named, service)) = arn::service(resource) else {
        return Err(Failure::Unreadable(format!(
            "`resources.0` is {resource:.200}; it should be the ARN of a service"
        )));
    };
    let told = text(payload, "detail.clusterArn").and_then(arn::cluster);
    match named.or(told) {
        Some(cluster) => Ok(Heard::News(EcsNews::Service { cluster, service })),
        // The deployment's own deadline covers it.
        None => Ok(Heard::NotForUs(format!(
            "{resource} is an ARN in the old format, which does not name the cluster"
        ))),
    }
}
