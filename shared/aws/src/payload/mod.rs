//! AWS's payloads, turned into our own types.
//!
//! AWS adds fields and words without notice, so nothing here insists on more than what is needed:
//! what is unknown is passed over, what is missing is an error that names the path to it, and what
//! is about something else is said to be so, which is no error.

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

/// What a payload means to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<T> {
    News(T),
    /// It is in order and none of our business; what it was, for the log.
    NotForUs(String),
}

/// Returns the moment of an event that EventBridge delivered.
pub fn moment(payload: &Value) -> Result<Time, Failure> {
    field::required_time(payload, "time")
}

/// Returns the variable that names the function which hears an event like this; `None`: none does.
pub fn listener(event: &Value) -> Option<&'static str> {
    match field::text(event, "source")? {
        "aws.ecr" => Some(settings::IMAGE_PUSHED),
        "aws.ecs" | "aws.ssm" => Some(settings::ECS_CHANGED),
        "aws.cloudwatch" => Some(settings::ALARM_CHANGED),
        _ => None,
    }
}

/// Says what kind of event this is; `None`: EventBridge did not send it.
fn kind(payload: &Value) -> Option<&str> {
    field::text(payload, "detail-type")
}
