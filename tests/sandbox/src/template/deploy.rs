//! From resolved properties to the resources of a stack.

use super::{
    AsyncConfig, Deployed, Function, Mapping, Permission, Role, Secret, Table, Topic, names,
    parts::{kebab, queue, rule, statements_of, table},
    read::Properties,
    resolve::Resolver,
};
use crate::Error;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn deploy(resolver: &Resolver<'_>) -> Result<Deployed, Error> {
    let mut stack = Deployed {
        place: resolver.place.clone(),
        functions: BTreeMap::new(),
        queues: BTreeMap::new(),
        mappings: BTreeMap::new(),
        rules: BTreeMap::new(),
        permissions: BTreeMap::new(),
        roles: BTreeMap::new(),
        tables: BTreeMap::new(),
        topics: BTreeMap::new(),
        secrets: BTreeMap::new(),
        log_groups: BTreeMap::new(),
        queue_policies: BTreeMap::new(),
    };
    let mut resources = Vec::new();
    for (id, kind, properties) in resolver.resources()? {
        // Resources that the sandbox does not run may use what it does not know.
        if !KNOWN.contains(&kind) {
            continue;
        }
        let value = resolver.resolve(properties, id)?.unwrap_or(Value::Null);
        let name = resolver.name(id)?;
        let arn = names::arn(kind, &name, resolver.place).unwrap_or_default();
        resources
            .push((kind, Item { id, name, arn, at: Properties { path: id.to_owned(), value } }));
    }
    // What others refer to comes first: roles before functions, functions before their settings.
    resources.sort_by_key(|(kind, _)| KNOWN.iter().position(|known| known == kind));
    for (kind, item) in &resources {
        stack.add(kind, item)?;
    }
    Ok(stack)
}

const KNOWN: [&str; 14] = [
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::DynamoDB::Table",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::Logs::LogGroup",
    "AWS::Lambda::Function",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::Events::Rule",
];

/// One resource on its way in.
struct Item<'a> {
    id: &'a str,
    name: String,
    arn: String,
    at: Properties,
}

impl Deployed {
    fn add(&mut self, kind: &str, item: &Item<'_>) -> Result<(), Error> {
        let Item { id, name, arn, at } = item;
        let id = (*id).to_owned();
        let (name, arn) = (name.clone(), arn.clone());
        match kind {
            "AWS::IAM::Role" => {
                let mut statements = Vec::new();
                for policy in at.each("Policies") {
                    let title = policy.text("PolicyName")?;
                    statements.extend(statements_of(&policy, &title)?);
                }
                let mut trusts = Vec::new();
                for statement in at.inner("AssumeRolePolicyDocument").each("Statement") {
                    trusts.extend(statement.inner("Principal").texts("Service")?);
                }
                let managed = at.texts("ManagedPolicyArns")?;
                self.roles.insert(id.clone(), Role { id, name, arn, statements, managed, trusts });
            }
            "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
                let statements = statements_of(at, &id)?;
                for role in self.roles.values_mut() {
                    let attached = kind == "AWS::IAM::ManagedPolicy" && role.managed.contains(&arn);
                    if attached || at.texts("Roles")?.contains(&role.name) {
                        role.statements.extend(statements.clone());
                        role.managed.retain(|managed| *managed != arn);
                    }
                }
            }
            "AWS::SQS::Queue" => {
                self.queues.insert(id.clone(), queue(id, name, arn, at, &self.place)?);
            }
            "AWS::SQS::QueuePolicy" => {
                let statements = statements_of(at, &id)?;
                for url in at.texts("Queues")? {
                    let queue = self.queues.values().find(|queue| queue.url == url);
                    let queue = queue
                        .ok_or_else(|| Error::template(format!("{id}.Queues"), "no such queue"))?;
                    self.queue_policies
                        .entry(queue.arn.clone())
                        .or_default()
                        .extend(statements.clone());
                }
            }
            "AWS::DynamoDB::Table" => {
                let expires = at.inner("TimeToLiveSpecification");
                let enabled = expires.maybe("Enabled").as_deref() == Some("true");
                let expires = enabled.then(|| expires.text("AttributeName")).transpose()?;
                self.tables
                    .insert(id.clone(), Table { create: table(&name, at), id, name, arn, expires });
            }
            "AWS::SNS::Topic" => {
                self.topics.insert(id, Topic { name, arn });
            }
            "AWS::SecretsManager::Secret" => {
                self.secrets.insert(id, Secret { name, arn, value: at.maybe("SecretString") });
            }
            "AWS::Logs::LogGroup" => {
                self.log_groups.insert(id, name);
            }
            "AWS::Lambda::Function" => {
                let function = self.read_function(&id, name, arn, at)?;
                self.functions.insert(id, function);
            }
            "AWS::Lambda::EventInvokeConfig" => {
                let function = self.function_at(at, "FunctionName")?;
                let config = AsyncConfig {
                    retries: at.number("MaximumRetryAttempts", 2)?,
                    maximum_age_seconds: at.number("MaximumEventAgeInSeconds", 21_600)?,
                    on_failure: at
                        .inner("DestinationConfig")
                        .inner("OnFailure")
                        .maybe("Destination"),
                    dead_letters: None,
                };
                if let Some(function) = self.functions.get_mut(&function) {
                    let dead_letters = function.asynchronous.dead_letters.take();
                    function.asynchronous = AsyncConfig { dead_letters, ..config };
                }
            }
            "AWS::Lambda::EventSourceMapping" => {
                let mapping = Mapping {
                    id: id.clone(),
                    queue: self.queue_at(at, "EventSourceArn")?,
                    function: self.function_at(at, "FunctionName")?,
                    batch_size: usize::try_from(at.number("BatchSize", 10)?).unwrap_or(10),
                    partial_failures: at
                        .texts("FunctionResponseTypes")?
                        .contains(&"ReportBatchItemFailures".to_owned()),
                    enabled: at.maybe("Enabled").as_deref() != Some("false"),
                };
                self.mappings.insert(id, mapping);
            }
            "AWS::Lambda::Permission" => {
                let permission = Permission {
                    function: self.function_at(at, "FunctionName")?,
                    principal: at.text("Principal")?,
                    source_arn: at.maybe("SourceArn"),
                    source_account: at.maybe("SourceAccount"),
                };
                if at.text("Action")? == "lambda:InvokeFunction" {
                    self.permissions.insert(id, permission);
                }
            }
            "AWS::Events::Rule" => {
                let rule = rule(id.clone(), name, arn, at)?;
                self.rules.insert(id, rule);
            }
            _ => {}
        }
        Ok(())
    }

    fn read_function(
        &self,
        id: &str,
        name: String,
        arn: String,
        at: &Properties,
    ) -> Result<Function, Error> {
        let role = at.text("Role")?;
        let role = self.roles.values().find(|each| each.arn == role);
        let role = role.ok_or_else(|| {
            Error::template(format!("{id}.Role"), "the role is not in this template")
        })?;
        let variables = at.inner("Environment").inner("Variables");
        let mut environment = BTreeMap::new();
        for key in variables.value.as_object().into_iter().flatten().map(|(key, _)| key) {
            environment.insert(key.clone(), variables.text(key)?);
        }
        let log_group = at.inner("LoggingConfig").maybe("LogGroup");
        Ok(Function {
            id: id.to_owned(),
            binary: kebab(id),
            log_group: log_group.unwrap_or_else(|| format!("/aws/lambda/{name}")),
            name,
            arn,
            role: role.id.clone(),
            environment,
            timeout_seconds: at.number("Timeout", 3)?,
            memory_megabytes: at.number("MemorySize", 128)?,
            loops: at.maybe("RecursiveLoop").as_deref() == Some("Allow"),
            asynchronous: AsyncConfig {
                retries: 2,
                maximum_age_seconds: 21_600,
                on_failure: None,
                dead_letters: at.inner("DeadLetterConfig").maybe("TargetArn"),
            },
        })
    }

    fn function_at(&self, at: &Properties, key: &str) -> Result<String, Error> {
        let called = at.text(key)?;
        let found = self.function(&called).map(|function| function.id.clone());
        found.ok_or_else(|| {
            Error::template(format!("{}.{key}", at.path), format!("there is no function {called}"))
        })
    }

    fn queue_at(&self, at: &Properties, key: &str) -> Result<String, Error> {
        let arn = at.text(key)?;
        let found = self.queue_by_arn(&arn).map(|queue| queue.id.clone());
        found.ok_or_else(|| {
            Error::template(format!("{}.{key}", at.path), format!("there is no queue {arn}"))
        })
    }
}
