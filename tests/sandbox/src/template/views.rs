//! The resources of a stack with types.

use super::Place;
use crate::iam::Statement;
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything of a stack that the sandbox runs, by logical id.
#[derive(Clone, Debug)]
pub struct Deployed {
    pub place: Place,
    pub functions: BTreeMap<String, Function>,
    pub queues: BTreeMap<String, Queue>,
    pub mappings: BTreeMap<String, Mapping>,
    pub rules: BTreeMap<String, Rule>,
    pub permissions: BTreeMap<String, Permission>,
    pub roles: BTreeMap<String, Role>,
    pub tables: BTreeMap<String, Table>,
    pub topics: BTreeMap<String, Topic>,
    pub secrets: BTreeMap<String, Secret>,
    pub log_groups: BTreeMap<String, String>,
    /// Policies on queues, by the queue's ARN.
    pub queue_policies: BTreeMap<String, Vec<Statement>>,
}

#[derive(Clone, Debug)]
pub struct Function {
    pub id: String,
    /// The crate and the binary: `image-pushed` for `ImagePushed`.
    pub binary: String,
    pub name: String,
    pub arn: String,
    /// The role's logical id.
    pub role: String,
    pub environment: BTreeMap<String, String>,
    pub timeout_seconds: u64,
    pub memory_megabytes: u64,
    /// Whether Lambda lets the function go on in a loop, which it stops otherwise.
    pub loops: bool,
    pub log_group: String,
    pub asynchronous: AsyncConfig,
}

/// What becomes of an event that the function fails on.
#[derive(Clone, Debug)]
pub struct AsyncConfig {
    pub retries: u64,
    pub maximum_age_seconds: u64,
    /// The destination `OnFailure`, which receives the failure.
    pub on_failure: Option<String>,
    /// The dead-letter queue of the function, which gets the bare event.
    pub dead_letters: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Queue {
    pub id: String,
    pub name: String,
    pub arn: String,
    pub url: String,
    pub delay_seconds: u64,
    pub visibility_seconds: u64,
    pub retention_seconds: u64,
    pub redrive: Option<Redrive>,
}

#[derive(Clone, Debug)]
pub struct Redrive {
    pub to: String,
    pub after: u64,
}

/// An event source mapping: a queue that a function works off.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub id: String,
    pub queue: String,
    /// The function's logical id.
    pub function: String,
    pub batch_size: usize,
    pub partial_failures: bool,
    pub enabled: bool,
}

#[derive(Clone, Debug)]
pub struct Rule {
    pub id: String,
    pub name: String,
    pub arn: String,
    pub pattern: Option<Value>,
    pub every_seconds: Option<u64>,
    pub targets: Vec<Target>,
    pub enabled: bool,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub arn: String,
    pub dead_letters: Option<String>,
    /// A constant that is sent instead of the event.
    pub input: Option<Value>,
}

/// Who may invoke a function, besides those whose own policies allow it.
#[derive(Clone, Debug)]
pub struct Permission {
    pub function: String,
    pub principal: String,
    pub source_arn: Option<String>,
    pub source_account: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Role {
    pub id: String,
    pub name: String,
    pub arn: String,
    pub statements: Vec<Statement>,
    pub managed: Vec<String>,
    /// The services that may take the role.
    pub trusts: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub id: String,
    pub name: String,
    pub arn: String,
    /// The properties as `CreateTable` wants them.
    pub create: Value,
    pub expires: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    pub arn: String,
}

#[derive(Clone, Debug)]
pub struct Secret {
    pub name: String,
    pub arn: String,
    pub value: Option<String>,
}

impl Deployed {
    /// The function that a name, an ARN or a logical id means.
    pub fn function(&self, called: &str) -> Option<&Function> {
        self.functions.values().find(|function| {
            let names = [&function.id, &function.binary, &function.name, &function.arn];
            names.iter().any(|name| *name == called)
        })
    }

    pub fn queue_by_arn(&self, arn: &str) -> Option<&Queue> {
        self.queues.values().find(|queue| queue.arn == arn)
    }
}
