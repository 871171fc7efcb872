//! Notes about what a deployment is about to do, or did, where AWS offers no idempotency.
//!
//! RegisterTaskDefinition and forceNewDeployment accept no client token: done twice they take
//! effect twice. A note is written before the call, so that a worker can check it after a crash.

use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use pipeline::names::DeploymentId;
use pipeline::time::Span;
use std::collections::BTreeMap;

/// Long after the end of the deployment.
const KEPT: Span = Span::hours(24 * 30);

pub type Note = BTreeMap<String, String>;

pub async fn read(aws: &Aws, id: &DeploymentId, about: &str) -> Result<Option<Note>, Failure> {
    let item = aws.read_item(&partition(id), about).await?;
    Ok(item.map(|item| {
        let texts = item.into_iter().filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, text)),
            _ => None,
        });
        texts.collect()
    }))
}

pub async fn write(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    note: &[(&str, &str)],
) -> Result<(), Failure> {
    writing(aws, id, about, note)?.send().await.map_err(failure)?;
    Ok(())
}

/// Writes a note if there is none yet; otherwise returns the existing one.
pub async fn claim(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    note: &[(&str, String)],
) -> Result<Option<Note>, Failure> {
    let writing = writing(aws, id, about, note)?.condition_expression("attribute_not_exists(pk)");
    match writing.send().await.map_err(failure) {
        Ok(_) => Ok(None),
        Err(taken) if taken.is("ConditionalCheckFailedException") => {
            Ok(Some(read(aws, id, about).await?.unwrap_or_default()))
        }
        Err(other) => Err(other),
    }
}

/// Replaces a note if it still equals `known`; `false`: another worker has replaced it.
pub async fn replace(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    known: (&str, &str),
    note: &[(&str, String)],
) -> Result<bool, Failure> {
    let (name, value) = known;
    let writing = writing(aws, id, about, note)?
        .condition_expression("#known = :known")
        .expression_attribute_names("#known", name)
        .expression_attribute_values(":known", AttributeValue::S(value.to_owned()));
    match writing.send().await.map_err(failure) {
        Ok(_) => Ok(true),
        Err(taken) if taken.is("ConditionalCheckFailedException") => Ok(false),
        Err(other) => Err(other),
    }
}

fn writing<V: AsRef<str>>(
    aws: &Aws,
    id: &DeploymentId,
    about: &str,
    note: &[(&str, V)],
) -> Result<PutItemFluentBuilder, Failure> {
    let expires = (aws.clock.now() + KEPT).millis() / 1000;
    let mut writing = aws
        .dynamodb()
        .put_item()
        .table_name(aws.table()?)
        .item("pk", AttributeValue::S(partition(id)))
        .item("sk", AttributeValue::S(about.to_owned()))
        .item("expires", AttributeValue::N(expires.to_string()));
    for (name, value) in note {
        writing = writing.item(*name, AttributeValue::S(value.as_ref().to_owned()));
    }
    Ok(writing)
}

fn partition(id: &DeploymentId) -> String {
    format!("registered#{id}")
}
