//! People: their requests in the console, and the answers.
//!
//! A mistake is an answer and not an error: a person who invokes a function at three in the morning
//! gets a sentence and a payload to paste. Only failures of AWS are errors.
#![cfg_attr(not(test), warn(unused_crate_dependencies))]

mod answer;
mod catalog;
mod form;
mod identity;
mod place;
mod reading;

mod duplicates;
mod plan;
mod view;

mod account;
mod audit;
mod changes;
mod cloudformation;
mod configure;
mod configure_request;
mod control;
mod deploy;
mod lifecycle;
mod marks;
mod overrides;
mod owners;
mod registry;
mod release;
mod removal;
mod rollback;
mod status;
mod version;

#[cfg(test)]
mod tests;

use answer::Caller;
use aws::Aws;
use aws::failure::Failure;
use pipeline::effect::Prepare;
use pipeline::names::{Revision, ServiceName};
use pipeline::spec::{Application, Target};
use serde_json::Value;
use std::collections::BTreeMap;
use targets::preview_way_back;

/// Whether this is a batch from a queue, and not a request of a person.
pub fn is_batch(payload: &Value) -> bool {
    let records = payload.get("Records").and_then(Value::as_array);
    records.and_then(|records| records.first()?.get("eventSource")?.as_str()) == Some("aws:sqs")
}

// Boxed: the combined future of all these calls is too deeply nested for the compiler.

/// Rolls back, as a person requests.
pub async fn roll_back(aws: &Aws, payload: &Value) -> Result<Value, Failure> {
    let look = async |target: &Target, revisions: &BTreeMap<ServiceName, Revision>| {
        preview_way_back(aws, target, revisions).await
    };
    Box::pin(rollback::roll_back(aws, look, &caller(aws, "rollback"), payload)).await
}

/// Deploys a version, as a person requests.
pub async fn deploy(aws: &Aws, payload: &Value) -> Result<Value, Failure> {
    let look =
        async |spec: &Application, prepare: &Prepare| deploy::foresee(aws, spec, prepare).await;
    Box::pin(deploy::deploy(aws, aws, look, &caller(aws, "deploy"), payload)).await
}

/// Approves, pauses, holds, marks: every other action of a person.
pub async fn control(aws: &Aws, payload: &Value) -> Result<Value, Failure> {
    Box::pin(control::control(aws, &caller(aws, "control"), payload)).await
}

/// Shows what runs where, and what is in progress.
pub async fn status(aws: &Aws, payload: &Value) -> Result<Value, Failure> {
    Box::pin(status::status(aws, &caller(aws, "status"), payload)).await
}

/// Stores the spec of an application from a person, CI, Terraform or CloudFormation.
pub async fn configure(aws: &Aws, payload: &Value) -> Result<Value, Failure> {
    Box::pin(configure::configure(aws, &caller(aws, "configure"), payload)).await
}

fn caller(aws: &Aws, role: &'static str) -> Caller {
    Caller::new(aws.settings.optional("AWS_LAMBDA_FUNCTION_NAME"), role)
}
