//! Running, describing and stopping tasks.

use super::definitions::{Definition, required};
use super::services::Address;
use super::services::{cluster_of, no_network, one_of_launch_type_and_strategy, service_not_found};
use super::task::{Owner, Status, Task};
use super::{Ecs, invalid};
use crate::place::{arn, list, page, text, texts};
use crate::service::{Desk, Refusal};
use serde_json::{Value, json};

/// What RunTask was asked under a client token, and the tasks that came of it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) cluster: String,
    pub(crate) token: String,
    input: Value,
    tasks: Vec<String>,
    answer: Value,
    asked: u64,
}

const DAY: u64 = 24 * 3600 * 1000;
const MOST_OVERRIDES: usize = 8192;

impl Ecs {
    pub(super) fn run_task(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        let definition = self.usable(required(input, "taskDefinition")?)?.clone();
        validate(input, &definition)?;
        self.tokens.retain(|known| known.asked + DAY > desk.now);
        let token = text(input, "clientToken").map(str::to_owned);
        if let Some(token) = &token
            && let Some(answer) = self.again(&cluster, token, input)?
        {
            return Ok(answer);
        }
        if let Some(reason) = self.refuses(&cluster, input, &definition) {
            return Ok(
                json!({ "tasks": [], "failures": [{ "arn": definition.arn(), "reason": reason }] }),
            );
        }
        let group = text(input, "group").map(str::to_owned);
        let owner = Owner::Person {
            started_by: text(input, "startedBy").map(str::to_owned),
            group: group.unwrap_or_else(|| format!("family:{}", definition.family())),
        };
        let mut given = input.clone();
        if text(input, "propagateTags") == Some("TASK_DEFINITION")
            && let Value::Object(given) = &mut given
        {
            let mut tags = list(input, "tags").to_vec();
            tags.extend(definition.tags.as_array().cloned().unwrap_or_default());
            given.insert("tags".into(), json!(tags));
        }
        let count = input.get("count").and_then(Value::as_u64).unwrap_or(1);
        let mut ids = vec![];
        for _ in 0..count {
            ids.push(self.launch(&cluster, owner.clone(), &definition, given.clone(), desk));
        }
        let started = self.tasks.iter().filter(|task| ids.contains(&task.id));
        let tasks: Vec<_> = started.map(|task| task.document(true)).collect();
        let answer = json!({ "tasks": tasks, "failures": [] });
        if let Some(token) = token {
            let (input, answer) = (input.clone(), answer.clone());
            self.tokens.push(Token { cluster, token, input, tasks: ids, answer, asked: desk.now });
        }
        Ok(answer)
    }

    /// What an earlier call with the same token was answered, as long as ECS remembers it: a day,
    /// or an hour longer than its task lives.
    fn again(&self, cluster: &str, token: &str, input: &Value) -> Result<Option<Value>, Refusal> {
        let known =
            self.tokens.iter().find(|known| known.cluster == cluster && known.token == token);
        let Some(known) = known else { return Ok(None) };
        let alive = self.tasks.iter().filter(|task| known.tasks.contains(&task.id));
        let alive: Vec<_> = alive.collect();
        if alive.is_empty() {
            return Ok(None);
        }
        if known.input != *input {
            let mut refusal = Refusal::new(
                "ConflictException",
                "The clientToken was used before with other parameters.",
            );
            let arns: Vec<_> = known.tasks.iter().map(|id| task_arn(cluster, id)).collect();
            refusal.members = json!({ "resourceIds": arns });
            return Err(refusal);
        }
        if alive.iter().all(|task| task.status < Status::Stopped) {
            return Ok(Some(known.answer.clone()));
        }
        // Of a task that is over, ECS repeats only these.
        let short = alive.iter().map(|task| {
            json!({ "taskArn": task.arn(), "lastStatus": task.status.name(), "desiredStatus": "STOPPED" })
        });
        Ok(Some(json!({ "tasks": short.collect::<Vec<_>>(), "failures": [] })))
    }

    fn refuses(&mut self, cluster: &str, input: &Value, definition: &Definition) -> Option<String> {
        if let Some(reason) = self.script.full.get(cluster) {
            return Some(reason.clone());
        }
        let images = definition.containers().iter().filter_map(|one| text(one, "image"));
        let images: Vec<_> = images.map(str::to_owned).collect();
        let overrides = input.pointer("/overrides/containerOverrides/0/command");
        let command: Vec<_> = overrides
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.script.refusal(&images, &command.join(" "))
    }

    pub(super) fn describe_tasks(&self, input: &Value) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        let named = texts(input, "tasks");
        if named.is_empty() || named.len() > 100 {
            return Err(invalid("Between 1 and 100 tasks can be described."));
        }
        let tags = texts(input, "include").contains(&"TAGS");
        let (mut tasks, mut failures) = (vec![], vec![]);
        for name in named {
            match self.task(&cluster, name) {
                Some(task) => tasks.push(task.document(tags)),
                None => {
                    let id = name.rsplit('/').next().unwrap_or(name);
                    failures.push(json!({ "arn": task_arn(&cluster, id), "reason": "MISSING" }));
                }
            }
        }
        Ok(json!({ "tasks": tasks, "failures": failures }))
    }

    pub(super) fn stop_task(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        let found = self.task(&cluster, required(input, "task")?);
        let gone = || invalid("The referenced task was not found.");
        let id = found.map(|task| task.id.clone()).ok_or_else(gone)?;
        let owner = found.map(|task| task.owner.clone());
        let reason = text(input, "reason").unwrap_or("Task stopped by user").to_owned();
        self.stop(&id, "UserInitiated", &reason, desk);
        let answer = self.task(&cluster, &id).map(|task| task.document(false));
        if let Some(Owner::Service { name, .. }) = owner {
            self.reconcile(&Address { cluster, service: name }, desk);
        }
        Ok(json!({ "task": answer }))
    }

    pub(super) fn list_tasks(&self, input: &Value) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        if let Some(service) = text(input, "serviceName") {
            let address = Address::parse(service, &cluster);
            self.services.get(&address).ok_or_else(service_not_found)?;
        }
        let wanted = text(input, "desiredStatus").unwrap_or("RUNNING") == "RUNNING";
        let fits = |task: &&Task| {
            let service =
                text(input, "serviceName").map(|name| name.rsplit('/').next().unwrap_or(name));
            task.cluster == cluster
                && task.wanted == wanted
                && service.is_none_or(|name| task.belongs_to(&cluster, name))
                && text(input, "family").is_none_or(|family| task.definition.family() == family)
                && text(input, "startedBy").is_none_or(|by| task.started_by() == Some(by))
        };
        let arns: Vec<_> = self.tasks.iter().filter(fits).map(Task::arn).collect();
        let (arns, next) = page(&arns, input, ["nextToken", "maxResults"], 100)?;
        Ok(json!({ "taskArns": arns, "nextToken": next }))
    }

    fn task(&self, cluster: &str, named: &str) -> Option<&Task> {
        let id = named.rsplit('/').next()?;
        self.tasks.iter().find(|task| task.cluster == cluster && task.id == id)
    }
}

fn task_arn(cluster: &str, id: &str) -> String {
    arn("ecs", &format!("task/{cluster}/{id}"))
}

fn validate(input: &Value, definition: &Definition) -> Result<(), Refusal> {
    let count = input.get("count").and_then(Value::as_u64).unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("Tasks cannot be started: count must be between 1 and 10."));
    }
    if let Some(by) = text(input, "startedBy") {
        let letter = |c: char| c.is_ascii_alphanumeric() || "-/_".contains(c);
        if by.len() > 128 || !by.chars().all(letter) {
            return Err(invalid(
                "Invalid identifier: startedBy has up to 128 letters, numbers, hyphens, forward \
                 slashes and underscores.",
            ));
        }
    }
    if let Some(token) = text(input, "clientToken")
        && (token.len() > 64 || !token.bytes().all(|byte| (33..=126).contains(&byte)))
    {
        return Err(invalid("clientToken has up to 64 characters in the range of 33 to 126."));
    }
    if text(input, "propagateTags") == Some("SERVICE") {
        return Err(invalid("Invalid value for propagateTags: SERVICE is not supported."));
    }
    one_of_launch_type_and_strategy(input)?;
    if definition.awsvpc() && input.get("networkConfiguration").is_none() {
        return Err(no_network());
    }
    let Some(overrides) = input.get("overrides") else { return Ok(()) };
    if overrides.to_string().len() > MOST_OVERRIDES {
        return Err(invalid("Overrides length must be at most 8192."));
    }
    for one in list(overrides, "containerOverrides") {
        let name = text(one, "name").ok_or_else(|| invalid("Container override has no name."))?;
        let known = definition.containers().iter().any(|known| text(known, "name") == Some(name));
        if !known {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
    }
    Ok(())
}
