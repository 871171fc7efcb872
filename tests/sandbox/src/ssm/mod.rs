//! Systems Manager: managed instances and Run Command.
//!
//! A command really runs the moment that it reaches its host, and its end is reported when the time
//! has passed that it would have taken. One that takes none ends at once, so a worker that waits
//! for it within one invocation sees its end.

mod agent;
mod command;
mod host;

pub use host::{Container, Host, Ran, Standing};

use crate::place::{ACCOUNT, Ids, REGION, arn, epoch, list, page, text, texts};
use crate::service::{Call, Desk, Need, Refusal, Service};
use command::{Command, Invocation};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Ssm {
    hosts: BTreeMap<String, Host>,
    /// The oldest first.
    commands: Vec<Command>,
    ids: Ids,
    /// The names in Parameter Store.
    parameters: BTreeSet<String>,
}

const DOCUMENT: &str = "AWS-RunShellScript";
const MOST_INSTANCES: usize = 50;
const MOST_COMMENT: usize = 100;

impl Service for Ssm {
    /// Of these only SendCommand knows resources: the document, and every instance with its tags.
    fn needs(&self, call: &Call) -> Vec<Need> {
        let action = format!("ssm:{}", call.operation);
        if call.operation != "SendCommand" {
            return vec![Need::new(&action, "*")];
        }
        let document = text(&call.input, "DocumentName").unwrap_or_default();
        // A document of AWS's own belongs to no account.
        let document = Need::new(&action, format!("arn:aws:ssm:{REGION}::document/{document}"));
        let instances = self.meant(&call.input).into_iter().map(|instance| {
            let host = self.hosts.get(&instance);
            let need = Need::new(&action, arn("ec2", &format!("instance/{instance}")));
            host.into_iter().flat_map(|host| &host.tags).fold(need, |need, (key, value)| {
                let need = need.with(&format!("ssm:resourceTag/{key}"), value);
                need.with(&format!("aws:ResourceTag/{key}"), value)
            })
        });
        std::iter::once(document).chain(instances).collect()
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        match call.operation.as_str() {
            "DescribeInstanceInformation" => self.describe(&call.input, desk),
            "SendCommand" => self.send(&call.input, desk),
            "ListCommands" => self.list_commands(&call.input),
            "ListCommandInvocations" => self.list_invocations(&call.input),
            "GetCommandInvocation" => self.get_invocation(&call.input),
            "DescribeParameters" => self.describe_parameters(&call.input),
            "CancelCommand" => self.cancel(&call.input, desk),
            other => Err(Refusal::new(
                "InvalidAction",
                format!("The sandbox's Systems Manager knows nothing of {other}."),
            )),
        }
    }

    fn rang(&mut self, what: Value, desk: &mut Desk<'_>) {
        self.goes_on(&what, desk);
    }
}

impl Ssm {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn put_parameter(&mut self, name: &str) {
        self.parameters.insert(name.to_owned());
    }

    fn describe_parameters(&self, input: &Value) -> Result<Value, Refusal> {
        let [filter] = list(input, "ParameterFilters") else { return Err(no_filter()) };
        let (key, option) = (text(filter, "Key"), text(filter, "Option"));
        if (key, option) != (Some("Name"), Some("Equals")) {
            return Err(no_filter());
        }
        let wanted = texts(filter, "Values");
        let known = self.parameters.iter().filter(|name| wanted.contains(&name.as_str()));
        let known = known.map(|name| json!({ "Name": name, "Type": "SecureString" }));
        Ok(json!({ "Parameters": known.collect::<Vec<_>>() }))
    }

    /// A machine registers itself.
    pub fn add(&mut self, host: Host) {
        self.hosts.insert(host.instance.clone(), host);
    }

    pub fn host(&self, instance: &str) -> Option<&Host> {
        self.hosts.get(instance)
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.values()
    }

    /// Hosts that carry all of these tags.
    pub fn tagged(&self, tags: &BTreeMap<String, String>) -> impl Iterator<Item = &Host> {
        let carries = |host: &&Host| tags.iter().all(|(key, tag)| host.tags.get(key) == Some(tag));
        self.hosts.values().filter(move |host| carries(host))
    }

    /// The agent of a host comes, goes, or turns deaf; what waits for it is delivered.
    pub fn set_standing(&mut self, instance: &str, standing: Standing, desk: &mut Desk<'_>) {
        let Some(host) = self.hosts.get_mut(instance) else { return };
        host.standing = standing;
        host.lost_at = (standing == Standing::Lost).then_some(desk.now);
        self.deliver_all(desk);
    }

    /// From now on the machine of an instance goes down with a script that is killed.
    pub fn dies_with_a_script(&mut self, instance: &str) {
        if let Some(host) = self.hosts.get_mut(instance) {
            host.dies_with_a_script = true;
        }
    }

    /// The comments of all commands, in the order in which they were sent.
    pub fn comments(&self) -> Vec<&str> {
        self.commands.iter().map(|command| command.comment.as_str()).collect()
    }

    /// The texts of all commands.
    pub fn scripts(&self) -> Vec<&str> {
        self.commands.iter().map(|command| command.script.as_str()).collect()
    }

    fn describe(&self, input: &Value, desk: &Desk<'_>) -> Result<Value, Refusal> {
        let mut tags = BTreeMap::new();
        for filter in list(input, "Filters") {
            let key = text(filter, "Key").and_then(|key| key.strip_prefix("tag:"));
            let [value] = texts(filter, "Values")[..] else { return Err(no_filter()) };
            tags.insert(key.ok_or_else(no_filter)?.to_owned(), value.to_owned());
        }
        let known = self.tagged(&tags).filter(|host| host.standing != Standing::Terminated);
        let known: Vec<&Host> = known.collect();
        let (hosts, next) = page(&known, input, ["NextToken", "MaxResults"], 50)?;
        let shown = hosts.into_iter().map(|host| {
            let ping = match host.standing {
                Standing::Online | Standing::Deaf | Standing::Leaving => "Online",
                Standing::Lost | Standing::Terminated => "ConnectionLost",
            };
            json!({
                "InstanceId": host.instance,
                "PingStatus": ping,
                "LastPingDateTime": epoch(host.lost_at.unwrap_or(desk.now)),
                "AgentVersion": "3.3.2299.0",
                "IsLatestVersion": true,
                "PlatformType": "Linux",
                "PlatformName": "Amazon Linux",
                "PlatformVersion": "2023",
                "ResourceType": "EC2Instance",
                "IPAddress": "10.0.1.12",
                "ComputerName": format!("{}.eu-central-1.compute.internal", host.instance),
            })
        });
        let answer = json!({ "InstanceInformationList": shown.collect::<Vec<_>>() });
        Ok(with_next(answer, next))
    }

    /// The instances that a command is for.
    fn meant(&self, input: &Value) -> Vec<String> {
        let named = texts(input, "InstanceIds").into_iter().map(str::to_owned);
        let mut tags = BTreeMap::new();
        for target in list(input, "Targets") {
            let key = text(target, "Key").and_then(|key| key.strip_prefix("tag:"));
            if let (Some(key), [value]) = (key, &texts(target, "Values")[..]) {
                tags.insert(key.to_owned(), (*value).to_owned());
            }
        }
        let tagged = self.tagged(&tags).filter(|_| !tags.is_empty());
        named.chain(tagged.map(|host| host.instance.clone())).collect()
    }

    fn send(&mut self, input: &Value, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        let instances = self.meant(input);
        let refuse = |code: &str, why: &str| Err(Refusal::new(code, why));
        if text(input, "DocumentName") != Some(DOCUMENT) {
            return refuse("InvalidDocument", "document does not exist");
        }
        if text(input, "Comment").is_some_and(|comment| comment.chars().count() > MOST_COMMENT) {
            return refuse("ValidationException", "Comment has more than 100 characters");
        }
        if texts(input, "InstanceIds").len() > MOST_INSTANCES {
            return refuse("ValidationException", "InstanceIds has more than 50 members");
        }
        let seconds = input.get("TimeoutSeconds").and_then(Value::as_u64).unwrap_or(3600);
        if !(30..=2_592_000).contains(&seconds) {
            return refuse("ValidationException", "TimeoutSeconds is 30 to 2592000");
        }
        let parameters = input.get("Parameters").cloned().unwrap_or_default();
        if parameters.to_string().contains("{{") {
            return refuse(
                "InvalidParameters",
                "Parameters refer to a parameter in Parameter Store",
            );
        }
        let unknown = |instance: &&String| {
            let host = self.hosts.get(*instance);
            host.is_none_or(|host| {
                matches!(host.standing, Standing::Leaving | Standing::Terminated)
            })
        };
        if instances.iter().any(|instance| unknown(&instance)) {
            let why = format!("Instances {instances:?} not in a valid state for account {ACCOUNT}");
            return Err(Refusal::new("InvalidInstanceId", why));
        }
        let id = self.ids.uuid("command");
        let command = Command::new(id.clone(), input, parameters, seconds, instances, desk.now);
        let shown = command.document();
        desk.later(command.expires_after_seconds(), json!({ "expire": id }));
        self.commands.push(command);
        self.deliver_all(desk);
        Ok(json!({ "Command": shown }))
    }

    fn list_commands(&self, input: &Value) -> Result<Value, Refusal> {
        let id = text(input, "CommandId");
        let instance = text(input, "InstanceId");
        let asked = self.commands.iter().rev().filter(|command| {
            id.is_none_or(|id| command.id == id)
                && instance.is_none_or(|instance| command.invocations.contains_key(instance))
        });
        let asked: Vec<&Command> = asked.collect();
        let (commands, next) = page(&asked, input, ["NextToken", "MaxResults"], 50)?;
        let commands: Vec<Value> = commands.into_iter().map(Command::document).collect();
        Ok(with_next(json!({ "Commands": commands }), next))
    }

    fn list_invocations(&self, input: &Value) -> Result<Value, Refusal> {
        let details = input.get("Details").and_then(Value::as_bool).unwrap_or(false);
        let id = text(input, "CommandId");
        let instance = text(input, "InstanceId");
        let commands =
            self.commands.iter().rev().filter(|command| id.is_none_or(|id| command.id == id));
        let asked = commands.flat_map(|command| {
            let invocations = command.invocations.iter();
            invocations.map(move |(instance, invocation)| (command, instance, invocation))
        });
        let asked: Vec<(&Command, &String, &Invocation)> = asked
            .filter(|(_, known, _)| instance.is_none_or(|instance| *known == instance))
            .collect();
        let (invocations, next) = page(&asked, input, ["NextToken", "MaxResults"], 50)?;
        let shown: Vec<Value> = invocations
            .into_iter()
            .map(|(command, instance, invocation)| invocation.document(command, instance, details))
            .collect();
        Ok(with_next(json!({ "CommandInvocations": shown }), next))
    }

    fn get_invocation(&self, input: &Value) -> Result<Value, Refusal> {
        let instance = text(input, "InstanceId").unwrap_or_default();
        let command =
            self.commands.iter().find(|command| Some(&*command.id) == text(input, "CommandId"));
        let found = command.and_then(|command| Some((command, command.invocations.get(instance)?)));
        let (command, invocation) =
            found.ok_or_else(|| Refusal::new("InvocationDoesNotExist", "no such invocation"))?;
        Ok(invocation.alone(command, instance))
    }
}

fn no_filter() -> Refusal {
    Refusal::new(
        "InvalidFilterKey",
        "The sandbox filters instances by tag:KEY and one value, and parameters by their names.",
    )
}

fn with_next(answer: Value, next: Option<String>) -> Value {
    let Value::Object(mut answer) = answer else { return Value::Object(Map::new()) };
    answer.extend(next.map(|next| ("NextToken".to_owned(), json!(next))));
    Value::Object(answer)
}
