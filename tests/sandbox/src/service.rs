//! What every simulated service looks like to the front: JSON in, JSON out.
//!
//! The front speaks the wire protocols (JSON 1.0 and 1.1, query and XML, CBOR), asks IAM about what
//! a call needs, and hands the call on. A service never sees a socket, a clock or another service.

use serde_json::Value;
use std::collections::BTreeMap;

/// One service of AWS, as much of it as the scenarios need.
pub trait Service: Send {
    /// What the caller must be allowed to do for this call to be answered.
    fn needs(&self, call: &Call) -> Vec<Need>;

    /// Answers one call, and may emit events and plan what happens later.
    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal>;

    /// Something that the service planned with [`Desk::later`] has come due.
    fn rang(&mut self, what: Value, desk: &mut Desk<'_>);
}

/// One call of the API, whatever protocol it came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls: the logical id of a function in the template, or `person`.
    pub caller: String,
    /// `ecs`, `ecr`, `monitoring`, … as IAM spells it (`cloudwatch` for CloudWatch).
    pub service: &'static str,
    /// `DescribeServices`
    pub operation: String,
    pub input: Value,
}

/// One permission: an action on a resource, with what conditions may ask about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// `ecs:UpdateService`
    pub action: String,
    /// An ARN, or `*` where AWS has no resource for the action.
    pub resource: String,
    /// Condition keys and their values: `ecs:cluster`, `iam:PassedToService`.
    pub context: BTreeMap<String, Vec<String>>,
}

/// Why a call was not answered, as AWS says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// `ClusterNotFoundException`
    pub code: String,
    pub message: String,
    /// Further members of the error: `resourceIds`, `CancellationReasons`.
    pub members: Value,
}

/// What a service may ask of its surroundings while it answers.
#[derive(Debug)]
pub struct Desk<'a> {
    /// Milliseconds since 1970, in the sandbox's own time.
    pub now: u64,
    pub region: &'a str,
    pub account: &'a str,
    /// Events for the default bus, in order.
    pub emitted: &'a mut Vec<Emission>,
    /// What the service wants to be reminded of, and when (milliseconds since 1970).
    pub later: &'a mut Vec<(u64, Value)>,
}

/// An event of AWS's own on its way to the rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// `aws.ecs`
    pub source: String,
    /// `ECS Task State Change`
    pub detail_type: String,
    pub resources: Vec<String>,
    pub detail: Value,
}

impl Need {
    pub fn new(action: &str, resource: impl Into<String>) -> Self {
        Self { action: action.to_owned(), resource: resource.into(), context: BTreeMap::new() }
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.context.entry(key.to_owned()).or_default().push(value.into());
        self
    }
}

impl Refusal {
    /// A mistake of the caller's.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), members: Value::Null }
    }
}

impl Desk<'_> {
    pub fn emit(&mut self, emission: Emission) {
        self.emitted.push(emission);
    }

    /// Plans `what` for `seconds` from now.
    pub fn later(&mut self, seconds: f64, what: Value) {
        self.later.push((self.now + (seconds * 1000.0) as u64, what));
    }
}
