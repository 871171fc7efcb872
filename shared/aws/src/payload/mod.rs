//! AWS's payloads, turned into our own types.
//!
//! AWS adds fields and values without notice, so nothing here requires more than is needed: unknown
//! fields are ignored, a missing one is an error that names its path, and a payload about something
//! else is reported as such, which is no error.

mod alarm;
mod arn;
mod ecr;
mod ecs;
mod field;
mod ssm;
mod task;
#[cfg(test)]
mod tests;

pub use alarm::alarms;
pub use alarm::state;
pub use ecr::push;
pub use ecs::{EcsNews, ecs_news};
pub use ssm::command_news;
pub use task::is_injected;

use crate::failure::Failure;
use crate::settings;
use pipeline::time::Time;
use serde_json::Value;

/// The meaning of a payload for Slipway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<T> {
    News(T),
    /// It is valid but does not concern Slipway; the text is for the log.
    NotForUs(String),
}

/// Returns the time of an event that EventBridge delivered.
pub fn moment(payload: &Value) -> Result<Time, Failure> {
    field::required_time(payload, "time")
}

/// Returns the variable that names the function for an event like this; `None`: there is none.
pub fn listener(event: &Value) -> Option<&'static str> {
    match field::text(event, "source")? {
        "aws.ecr" => Some(settings::IMAGE_PUSHED),
        "aws.ecs" | "aws.ssm" => Some(settings::ECS_CHANGED),
        "aws.cloudwatch" => Some(settings::ALARM_CHANGED),
        _ => None,
    }
}

/// The kind of an event; `None`: EventBridge did not send it.
fn kind(payload: &Value) -> Option<&str> {
    field::text(payload, "detail-type")
}
