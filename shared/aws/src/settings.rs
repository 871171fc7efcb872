//! The environment variables of the functions.

use crate::failure::Failure;
use crate::hex::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The variables of the template. A test compares them with those of each function there.
pub const TABLE: &str = "SLIPWAY_TABLE";
pub const ROLLOUT_QUEUE: &str = "SLIPWAY_ROLLOUT_QUEUE";
pub const MIGRATE_QUEUE: &str = "SLIPWAY_MIGRATE_QUEUE";
pub const VERIFY_QUEUE: &str = "SLIPWAY_VERIFY_QUEUE";
pub const ROLLBACK_QUEUE: &str = "SLIPWAY_ROLLBACK_QUEUE";
pub const WAKE_QUEUE: &str = "SLIPWAY_WAKE_QUEUE";
pub const NOTIFY_QUEUE: &str = "SLIPWAY_NOTIFY_QUEUE";
pub const TOPIC: &str = "SLIPWAY_TOPIC";
pub const SLACK_SECRET: &str = "SLIPWAY_SLACK_SECRET";
pub const SLACK_CHANNEL: &str = "SLIPWAY_SLACK_CHANNEL";
pub const ROLLBACK_FUNCTION: &str = "SLIPWAY_ROLLBACK_FUNCTION";
/// The log groups of tasks that notices may quote from.
pub const TASK_LOGS: &str = "SLIPWAY_TASK_LOGS";
/// Whether services may be deleted: `true` or `false`.
pub const DELETES_SERVICES: &str = "SLIPWAY_DELETES_SERVICES";
/// The dead-letter queue of events, and the functions that receive events.
pub const EVENT_DEAD_LETTERS: &str = "SLIPWAY_EVENT_DEAD_LETTERS";
pub const IMAGE_PUSHED: &str = "SLIPWAY_IMAGE_PUSHED";
pub const ECS_CHANGED: &str = "SLIPWAY_ECS_CHANGED";
pub const ALARM_CHANGED: &str = "SLIPWAY_ALARM_CHANGED";
/// The roles that may be passed to ECS, as in the template's parameter.
pub const TASK_ROLES: &str = "SLIPWAY_TASK_ROLES";
/// For every function that changes deployments: it sends every overdue message in their outboxes,
/// to any worker.
pub const QUEUES: [&str; 6] =
    [ROLLOUT_QUEUE, MIGRATE_QUEUE, VERIFY_QUEUE, ROLLBACK_QUEUE, WAKE_QUEUE, NOTIFY_QUEUE];
/// For a function that only handles pushes: offers, timers and notices.
pub const PUSHES: [&str; 2] = [WAKE_QUEUE, NOTIFY_QUEUE];
/// Only for wake, which sends dead-lettered events to their functions again.
pub const REPLAYS: [&str; 4] = [EVENT_DEAD_LETTERS, IMAGE_PUSHED, ECS_CHANGED, ALARM_CHANGED];
/// Only for notify.
pub const PEOPLE: [&str; 5] = [TOPIC, SLACK_SECRET, SLACK_CHANNEL, ROLLBACK_FUNCTION, TASK_LOGS];

/// Set by the sandbox only, whose time jumps: see `clock`.
pub const CLOCK_FROM_DEADLINE: &str = "SLIPWAY_CLOCK_FROM_DEADLINE";

/// The variables: those of the process, or those of a test.
#[derive(Clone, Debug)]
pub struct Settings {
    given: Option<BTreeMap<String, String>>,
}

impl Settings {
    pub fn from_environment() -> Self {
        Self { given: None }
    }

    /// For tests.
    pub fn given(variables: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self { given: Some(variables.collect()) }
    }

    /// Returns a mandatory variable.
    pub fn required(&self, name: &str) -> Result<String, Failure> {
        self.optional(name).ok_or_else(|| {
            Failure::Misconfigured(format!(
                "the environment variable {name} is missing; deploy infra/template.yaml again"
            ))
        })
    }

    /// Returns eight characters that identify this installation: those of its table, which every
    /// new installation creates. Tasks and commands carry them, so that two stacks in one account
    /// never confuse their tasks.
    pub fn installation(&self) -> Result<String, Failure> {
        let hash = Sha256::digest(self.required(TABLE)?);
        Ok(hex(&hash[..4]))
    }

    /// Returns an optional variable; empty counts as missing.
    pub fn optional(&self, name: &str) -> Option<String> {
        let value = match &self.given {
            Some(given) => given.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_is_known_by_its_table() {
        let of = |table: &str| Settings::given([(TABLE, table.to_owned())]).installation();
        assert_eq!(of("slipway-Table-A").unwrap(), "708c7cd5");
        assert_ne!(of("slipway-Table-A").unwrap(), of("slipway-Table-B").unwrap());
        assert!(Settings::given([]).installation().is_err());
    }
}
