//! Task definitions kept in the table, for a rollback.
//!
//! Terraform, CloudFormation and other tools deregister what they replace, and it may even be
//! deleted. The revision that a service ran before a deployment must be available afterwards.

use super::definition::{self, Definition};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_dynamodb::types::AttributeValue;
use pipeline::names::Revision;
use serde_json::Value;

const SORT: &str = "definition";
const JSON: &str = "json";

pub async fn keep(aws: &Aws, revision: &Revision, json: &Value) -> Result<(), Failure> {
    let writing = aws
        .dynamodb()
        .put_item()
        .table_name(aws.table()?)
        .item("pk", AttributeValue::S(partition(revision)))
        .item("sk", AttributeValue::S(SORT.to_owned()))
        .item(JSON, AttributeValue::S(json.to_string()));
    writing.send().await.map_err(failure)?;
    Ok(())
}

/// The kept JSON of a revision.
pub async fn kept(aws: &Aws, revision: &Revision) -> Result<Option<Value>, Failure> {
    let item = aws.read_item(&partition(revision), SORT).await?;
    let json = item.as_ref().and_then(|item| item.get(JSON)).and_then(|json| json.as_s().ok());
    Ok(json.and_then(|json| serde_json::from_str(json).ok()))
}

/// A revision as ECS describes it, or as it was archived.
pub async fn find(aws: &Aws, revision: &Revision) -> Result<Option<Definition>, Failure> {
    if let Some(found) = definition::describe(aws, revision.as_str()).await? {
        return Ok(Some(found));
    }
    let json = kept(aws, revision).await?;
    Ok(json.map(|json| Definition { revision: revision.clone(), is_active: false, json }))
}

fn partition(revision: &Revision) -> String {
    format!("revision#{revision}")
}
