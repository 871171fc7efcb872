//! Task definitions: kept as documents, so no field of a caller is ever lost.

use super::{Ecs, client, invalid};
use crate::place::{ACCOUNT, arn, epoch, list, page, text, texts};
use crate::service::{Call, Desk, Refusal};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) document: Value,
    pub(crate) tags: Value,
}

impl Definition {
    pub(crate) fn arn(&self) -> &str {
        text(&self.document, "taskDefinitionArn").unwrap_or_default()
    }

    pub(crate) fn family(&self) -> &str {
        text(&self.document, "family").unwrap_or_default()
    }

    pub(crate) fn active(&self) -> bool {
        text(&self.document, "status") == Some("ACTIVE")
    }

    pub(crate) fn containers(&self) -> &[Value] {
        list(&self.document, "containerDefinitions")
    }

    pub(crate) fn awsvpc(&self) -> bool {
        text(&self.document, "networkMode") == Some("awsvpc")
    }

    /// The roles that its tasks run with, which the caller must be allowed to pass.
    pub(crate) fn roles(&self) -> Vec<&str> {
        roles(&self.document)
    }
}

pub(crate) fn roles(document: &Value) -> Vec<&str> {
    ["taskRoleArn", "executionRoleArn"].iter().filter_map(|role| text(document, role)).collect()
}

impl Ecs {
    /// By ARN, by `family:revision`, or by family: then the latest that is active.
    pub(crate) fn definition(&self, reference: &str) -> Option<&Definition> {
        let short = reference.rsplit_once('/').map_or(reference, |(_, short)| short);
        match short.split_once(':') {
            Some((family, revision)) => {
                let revision: usize = revision.parse().ok()?;
                self.definitions.get(family)?.get(revision.checked_sub(1)?)
            }
            None => self.definitions.get(short)?.iter().rev().find(|known| known.active()),
        }
    }

    /// A definition that new tasks may be started from.
    pub(crate) fn usable(&self, reference: &str) -> Result<&Definition, Refusal> {
        let found = self.definition(reference);
        let found = found.ok_or_else(|| client("TaskDefinition not found."))?;
        if !found.active() {
            return Err(client("TaskDefinition is inactive"));
        }
        Ok(found)
    }

    pub(super) fn register(&mut self, call: &Call, desk: &Desk<'_>) -> Result<Value, Refusal> {
        let input = &call.input;
        validate(input)?;
        let family = text(input, "family").unwrap_or_default().to_owned();
        let known = self.definitions.entry(family.clone()).or_default();
        let revision = known.len() + 1;
        let mut document = input.as_object().cloned().unwrap_or_default();
        let tags = document.remove("tags").unwrap_or_else(|| json!([]));
        let fargate = fits_fargate(input);
        document.insert("containerDefinitions".into(), containers_with_defaults(input));
        for empty in ["volumes", "placementConstraints"] {
            document.entry(empty).or_insert_with(|| json!([]));
        }
        let compatibilities = if fargate { json!(["EC2", "FARGATE"]) } else { json!(["EC2"]) };
        let arn = arn("ecs", &format!("task-definition/{family}:{revision}"));
        let caller = format!("arn:aws:sts::{ACCOUNT}:assumed-role/{0}/{0}", call.caller);
        document.extend(members(json!({
            "taskDefinitionArn": arn,
            "revision": revision,
            "status": "ACTIVE",
            "requiresAttributes": attributes(input),
            "compatibilities": compatibilities,
            "registeredAt": epoch(desk.now),
            "registeredBy": caller,
        })));
        let definition = Definition { document: Value::Object(document), tags };
        known.push(definition.clone());
        Ok(with_tags("taskDefinition", definition.document, definition.tags))
    }

    pub(super) fn describe_definition(&self, input: &Value) -> Result<Value, Refusal> {
        let reference = required(input, "taskDefinition")?;
        let found = self.definition(reference);
        let found = found.ok_or_else(|| client("Unable to describe task definition."))?.clone();
        if texts(input, "include").contains(&"TAGS") {
            return Ok(with_tags("taskDefinition", found.document, found.tags));
        }
        Ok(json!({ "taskDefinition": found.document }))
    }

    pub(super) fn deregister(&mut self, input: &Value, desk: &Desk<'_>) -> Result<Value, Refusal> {
        let reference = required(input, "taskDefinition")?;
        if !reference.rsplit('/').next().is_some_and(|short| short.contains(':')) {
            return Err(client("Task definition must have revision"));
        }
        let arn = self.definition(reference).map(|found| found.arn().to_owned());
        let arn = arn.ok_or_else(|| client("The specified task definition does not exist."))?;
        let every = self.definitions.values_mut().flatten();
        let Some(found) = every.into_iter().find(|known| known.arn() == arn) else {
            return Err(client("The specified task definition does not exist."));
        };
        if let Value::Object(document) = &mut found.document {
            document.insert("status".into(), json!("INACTIVE"));
            document.insert("deregisteredAt".into(), epoch(desk.now));
        }
        Ok(json!({ "taskDefinition": found.document }))
    }

    pub(super) fn list_definitions(&self, input: &Value) -> Result<Value, Refusal> {
        let prefix = text(input, "familyPrefix");
        let status = text(input, "status").unwrap_or("ACTIVE");
        let families = self
            .definitions
            .iter()
            .filter(|(family, _)| prefix.is_none_or(|p| p == family.as_str()));
        let mut arns: Vec<_> = families
            .flat_map(|(_, known)| known)
            .filter(|known| text(&known.document, "status") == Some(status))
            .map(|known| known.arn().to_owned())
            .collect();
        if text(input, "sort") == Some("DESC") {
            arns.reverse();
        }
        let (arns, next) = page(&arns, input, ["nextToken", "maxResults"], 100)?;
        Ok(json!({ "taskDefinitionArns": arns, "nextToken": next }))
    }
}

pub(super) fn required<'a>(input: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    text(input, member).ok_or_else(|| invalid(format!("{member} can not be blank.")))
}

pub(super) fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

fn with_tags(member: &str, document: Value, tags: Value) -> Value {
    Value::Object(Map::from_iter([(member.to_owned(), document), ("tags".to_owned(), tags)]))
}

fn validate(input: &Value) -> Result<(), Refusal> {
    let family = text(input, "family").ok_or_else(|| client("Family should not be null."))?;
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if family.len() > 255 || !family.chars().all(letters) {
        return Err(client("Family contains invalid characters."));
    }
    let containers = list(input, "containerDefinitions");
    if containers.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    let mut names = Vec::new();
    for container in containers {
        let name = text(container, "name");
        let name = name.ok_or_else(|| client("Container.name should not be null or empty."))?;
        if text(container, "image").is_none() {
            return Err(client("Container.image should not be null or empty."));
        }
        if names.contains(&name) {
            return Err(client(format!("The container name '{name}' is used more than once.")));
        }
        let sized =
            ["memory", "memoryReservation"].iter().any(|size| container.get(size).is_some());
        if !sized && input.get("memory").is_none() {
            return Err(client(format!(
                "Invalid setting for container '{name}'. At least one of 'memory' or \
                 'memoryReservation' must be specified."
            )));
        }
        names.push(name);
    }
    let essential = |container: &Value| container.get("essential") != Some(&json!(false));
    if !containers.iter().any(essential) {
        return Err(client("At least one container must be marked essential."));
    }
    if texts(input, "requiresCompatibilities").contains(&"FARGATE") {
        if text(input, "networkMode") != Some("awsvpc") {
            return Err(client("Fargate only supports network mode 'awsvpc'."));
        }
        for size in ["cpu", "memory"] {
            if text(input, size).is_none() {
                return Err(client(format!(
                    "Fargate requires that '{size}' be defined at the task level."
                )));
            }
        }
    }
    Ok(())
}

fn fits_fargate(input: &Value) -> bool {
    let sized = ["cpu", "memory"].iter().all(|size| text(input, size).is_some());
    sized && text(input, "networkMode") == Some("awsvpc")
}

/// ECS answers with the empty lists that the caller left out.
fn containers_with_defaults(input: &Value) -> Value {
    let awsvpc = text(input, "networkMode") == Some("awsvpc");
    let filled = list(input, "containerDefinitions").iter().map(|container| {
        let mut container = container.as_object().cloned().unwrap_or_default();
        container.entry("cpu").or_insert_with(|| json!(0));
        container.entry("essential").or_insert_with(|| json!(true));
        let lists = ["portMappings", "environment", "mountPoints", "volumesFrom", "systemControls"];
        for empty in lists {
            container.entry(empty).or_insert_with(|| json!([]));
        }
        if let Some(Value::Array(ports)) = container.get_mut("portMappings") {
            for port in ports.iter_mut().filter_map(Value::as_object_mut) {
                port.entry("protocol").or_insert_with(|| json!("tcp"));
                if awsvpc && let Some(number) = port.get("containerPort").cloned() {
                    port.entry("hostPort").or_insert(number);
                }
            }
        }
        Value::Object(container)
    });
    filled.collect()
}

fn attributes(input: &Value) -> Value {
    let mut names = vec!["com.amazonaws.ecs.capability.docker-remote-api.1.18"];
    if list(input, "containerDefinitions").iter().any(|one| one.get("logConfiguration").is_some()) {
        names.push("com.amazonaws.ecs.capability.logging-driver.awslogs");
    }
    if text(input, "executionRoleArn").is_some() {
        names.push("ecs.capability.execution-role-ecr-pull");
    }
    if text(input, "taskRoleArn").is_some() {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if text(input, "networkMode") == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    names.iter().map(|name| json!({ "name": name })).collect()
}
