//! Task definitions as raw JSON: described, and registered again without losing a field.

use super::compare;
use super::wire::{Answer, Document};
use crate::clients::Aws;
use crate::failure::{Failure, failure};
use aws_sdk_ecs::types::TaskDefinitionField;
use pipeline::names::Revision;
use pipeline::spec::ANSWERED;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub revision: Revision,
    /// An inactive one can still be described, but ECS starts nothing new from it.
    pub is_active: bool,
    /// As it would be registered, with its tags.
    pub json: Value,
}

pub struct Registered {
    pub revision: Revision,
    /// The paths that ECS did not keep.
    pub lost: Vec<String>,
}

/// Describes a revision, or the newest of a family; `None`: ECS does not have it.
pub async fn describe(aws: &Aws, name: &str) -> Result<Option<Definition>, Failure> {
    let answer = Answer::default();
    let asking = aws.ecs().describe_task_definition().task_definition(name);
    let asking = asking.include(TaskDefinitionField::Tags).customize();
    match asking.interceptor(answer.clone()).send().await.map_err(failure) {
        Ok(_) => read(&answer.read()?).map(Some),
        // ECS's answer for one that was deleted or never existed.
        Err(refused) if refused.is("ClientException") => Ok(None),
        Err(other) => Err(other),
    }
}

/// Registers a new revision and compares the result with the request.
pub async fn register(aws: &Aws, json: &Value) -> Result<Registered, Failure> {
    let answer = Answer::default();
    let asking = aws.ecs().register_task_definition().customize();
    let asking = asking.interceptor(Document::new(json)).interceptor(answer.clone());
    asking.send().await.map_err(|error| match failure(error) {
        Failure::Refused { message, .. } if message.contains("concurrent attempts") => {
            Failure::Passing(message)
        }
        other => other,
    })?;
    let registered = read(&answer.read()?)?;
    let lost = compare::lost(json, &registered.json);
    Ok(Registered { revision: registered.revision, lost })
}

fn read(answer: &Value) -> Result<Definition, Failure> {
    let described = &answer["taskDefinition"];
    let Some(arn) = described["taskDefinitionArn"].as_str() else {
        return Err(Failure::Passing("ECS returned no task definition".into()));
    };
    Ok(Definition {
        revision: Revision::new(arn),
        is_active: described["status"].as_str().is_none_or(|status| status == "ACTIVE"),
        json: registrable(described, &answer["tags"]),
    })
}

/// A described task definition as it would be registered.
fn registrable(described: &Value, tags: &Value) -> Value {
    let mut json = described.clone();
    if let Value::Object(members) = &mut json {
        members.retain(|name, _| !ANSWERED.contains(&name.as_str()));
        // Only AWS can set its own tags, such as CloudFormation's.
        let is_ours = |tag: &&Value| tag["key"].as_str().is_some_and(|k| !k.starts_with("aws:"));
        let tags: Vec<Value> =
            tags.as_array().into_iter().flatten().filter(is_ours).cloned().collect();
        if !tags.is_empty() {
            members.insert("tags".into(), tags.into());
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::read;
    use expect_test::expect;
    use serde_json::json;

    #[test]
    fn read_only_fields_of_ecs_are_not_registered_again() {
        let answer = json!({
            "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12",
                "family": "scr-api", "revision": 12, "status": "INACTIVE",
                "requiresAttributes": [{"name": "ecs.capability.x"}], "compatibilities": ["FARGATE"],
                "registeredAt": 1763700000.123, "registeredBy": "terraform",
                "deregisteredAt": 1763700001.0, "deleteRequestedAt": 1763700002.0,
                "volumes": [], "pidMode": null, "newerThanTheSdk": {"mode": "strict"},
                "containerDefinitions": [{"name": "api", "environment": [{"name": "EMPTY", "value": ""}]}],
            },
            "tags": [
                {"key": "team", "value": "scr"},
                {"key": "aws:cloudformation:stack-name", "value": "scr"},
            ],
        });
        let definition = read(&answer).unwrap();
        expect![[r#"
            arn:aws:ecs:eu-central-1:123456789012:task-definition/scr-api:12, active: false
            {
              "containerDefinitions": [
                {
                  "environment": [
                    {
                      "name": "EMPTY",
                      "value": ""
                    }
                  ],
                  "name": "api"
                }
              ],
              "family": "scr-api",
              "newerThanTheSdk": {
                "mode": "strict"
              },
              "pidMode": null,
              "tags": [
                {
                  "key": "team",
                  "value": "scr"
                }
              ],
              "volumes": []
            }"#]]
        .assert_eq(&format!(
            "{}, active: {}\n{:#}",
            definition.revision, definition.is_active, definition.json
        ));
    }
}
