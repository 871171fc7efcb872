//! The JSON protocols, 1.0 and 1.1: an operation in a header, a map in the body.

use crate::service::Refusal;
use axum::body::Body;
use serde_json::{Value, json};

/// The service behind the first half of `X-Amz-Target`, and the content type that it speaks.
pub(super) fn service(prefix: &str) -> Option<(&'static str, &'static str)> {
    const OLD: &str = "application/x-amz-json-1.0";
    const NEW: &str = "application/x-amz-json-1.1";
    Some(match prefix {
        "DynamoDB_20120810" => ("dynamodb", OLD),
        "AmazonSQS" => ("sqs", OLD),
        "AmazonEC2ContainerServiceV20141113" => ("ecs", NEW),
        "AmazonEC2ContainerRegistry_V20150921" => ("ecr", NEW),
        "Logs_20140328" => ("logs", NEW),
        "secretsmanager" => ("secretsmanager", NEW),
        "AmazonSSM" => ("ssm", NEW),
        // What the AWS CLI speaks to CloudWatch where it does not speak CBOR.
        "GraniteServiceVersion20100801" => ("cloudwatch", OLD),
        _ => return None,
    })
}

pub(super) fn input(body: &[u8]) -> Result<Value, String> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|problem| format!("the body is not JSON: {problem}\n"))
}

pub(super) fn answer(value: &Value) -> Body {
    plain(value).to_string().into()
}

pub(super) fn refusal(refusal: &Refusal) -> Body {
    named(refusal, "message").to_string().into()
}

/// The members of an error with its name and its message.
pub(super) fn named(refusal: &Refusal, message: &str) -> Value {
    let mut members = if refusal.members.is_object() { refusal.members.clone() } else { json!({}) };
    members["__type"] = json!(refusal.code);
    members[message] = json!(refusal.message);
    members
}

/// The name of an error without the namespace before it.
pub(super) fn short(code: &str) -> &str {
    code.rsplit('#').next().unwrap_or(code)
}

/// The value as JSON writes it: a moment is a number.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => match members.get("$time") {
            Some(time) if members.len() == 1 => time.clone(),
            _ => Value::Object(
                members.iter().map(|(key, member)| (key.clone(), plain(member))).collect(),
            ),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}
