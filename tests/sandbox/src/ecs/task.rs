//! One task: what it is, where it stands, and how API and events show it.

use super::definitions::Definition;
use super::launch::Plan;
use crate::place::{arn, epoch, iso, list, text};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) cluster: String,
    pub(crate) owner: Owner,
    pub(crate) definition: Definition,
    /// What RunTask or the service said about how to run it.
    pub(crate) given: Value,
    pub(crate) containers: Vec<Container>,
    pub(crate) status: Status,
    /// Whether ECS still wants it to run.
    pub(crate) wanted: bool,
    pub(crate) healthy: bool,
    pub(crate) was_healthy: bool,
    pub(crate) version: u64,
    pub(crate) times: Times,
    pub(crate) stop: Option<(String, String)>,
    pub(crate) plan: Plan,
    pub(crate) interface: Interface,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Service { name: String, deployment: String },
    Person { started_by: Option<String>, group: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Provisioning,
    Pending,
    Running,
    Deprovisioning,
    Stopped,
}

#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// `None` for what AWS itself adds.
    pub(crate) image: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) essential: bool,
    pub(crate) cpu: String,
    pub(crate) memory: Option<String>,
    pub(crate) id: String,
    pub(crate) runtime: Option<String>,
    pub(crate) status: Status,
    pub(crate) exit_code: Option<i64>,
    pub(crate) reason: Option<String>,
}

/// Milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) connected: Option<u64>,
    pub(crate) pull_started: Option<u64>,
    pub(crate) pull_stopped: Option<u64>,
    pub(crate) started: Option<u64>,
    pub(crate) stopping: Option<u64>,
    pub(crate) execution_stopped: Option<u64>,
    pub(crate) stopped: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Interface {
    pub(crate) attachment: String,
    pub(crate) eni: String,
    pub(crate) subnet: String,
    pub(crate) address: String,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

impl Task {
    pub(crate) fn arn(&self) -> String {
        arn("ecs", &format!("task/{}/{}", self.cluster, self.id))
    }

    pub(crate) fn belongs_to(&self, cluster: &str, service: &str) -> bool {
        self.cluster == cluster
            && matches!(&self.owner, Owner::Service { name, .. } if name == service)
    }

    pub(crate) fn deployment(&self) -> Option<&str> {
        match &self.owner {
            Owner::Service { deployment, .. } => Some(deployment),
            Owner::Person { .. } => None,
        }
    }

    pub(crate) fn started_by(&self) -> Option<&str> {
        match &self.owner {
            Owner::Service { deployment, .. } => Some(deployment),
            Owner::Person { started_by, .. } => started_by.as_deref(),
        }
    }

    /// What DescribeTasks says: moments as numbers, and health.
    pub(crate) fn document(&self, tags: bool) -> Value {
        let mut document = self.shown(epoch, "ElasticNetworkInterface");
        let watched =
            self.definition.containers().iter().any(|one| one.get("healthCheck").is_some());
        let health = match (watched, self.healthy) {
            (false, _) => "UNKNOWN",
            (true, true) => "HEALTHY",
            (true, false) => "UNHEALTHY",
        };
        document.insert("healthStatus".into(), json!(health));
        document.insert("platformFamily".into(), json!("Linux"));
        if tags {
            let tags = self.given.get("tags").cloned();
            document.insert("tags".into(), tags.unwrap_or_else(|| json!([])));
        }
        Value::Object(document)
    }

    /// What the event says: moments as text, no health, no tags.
    pub(crate) fn detail(&self) -> Value {
        let mut detail = self.shown(iso, "eni");
        detail.insert("updatedAt".into(), iso(self.times.updated));
        Value::Object(detail)
    }

    fn shown(&self, moment: fn(u64) -> Value, attachment: &str) -> Map<String, Value> {
        let document = &self.definition.document;
        let times = &self.times;
        let when = |time: Option<u64>| time.map(moment);
        let group = match &self.owner {
            Owner::Service { name, .. } => format!("service:{name}"),
            Owner::Person { group, .. } => group.clone(),
        };
        let capacity = list(&self.given, "capacityProviderStrategy").first();
        let provider = capacity.and_then(|first| text(first, "capacityProvider"));
        let fargate = provider.map_or_else(
            || text(&self.given, "launchType") == Some("FARGATE"),
            |provider| provider.starts_with("FARGATE"),
        );
        let architecture = document.pointer("/runtimePlatform/cpuArchitecture");
        let architecture = architecture.and_then(Value::as_str).unwrap_or("X86_64").to_lowercase();
        let overrides = |member: &str| self.given.get("overrides").and_then(|o| text(o, member));
        let shown = json!({
            "attachments": self.attachments(attachment),
            "attributes": [{ "name": "ecs.cpu-architecture", "value": architecture }],
            "availabilityZone": format!("{}a", crate::place::REGION),
            "capacityProviderName": provider,
            "clusterArn": arn("ecs", &format!("cluster/{}", self.cluster)),
            "connectivity": times.connected.map(|_| "CONNECTED"),
            "connectivityAt": when(times.connected),
            "containers": self.containers.iter().map(|c| self.container(c)).collect::<Vec<_>>(),
            "cpu": overrides("cpu").or_else(|| text(document, "cpu")).unwrap_or("0"),
            "createdAt": moment(times.created),
            "desiredStatus": if self.wanted { "RUNNING" } else { "STOPPED" },
            "enableExecuteCommand": self.given.get("enableExecuteCommand") == Some(&json!(true)),
            "ephemeralStorage": fargate.then(|| {
                document.get("ephemeralStorage").cloned().unwrap_or_else(|| json!({ "sizeInGiB": 20 }))
            }),
            "executionStoppedAt": when(times.execution_stopped),
            "group": group,
            "launchType": if fargate { "FARGATE" } else { "EC2" },
            "lastStatus": self.status.name(),
            "memory": overrides("memory").or_else(|| text(document, "memory")).unwrap_or("512"),
            "overrides": self.overrides(),
            "platformVersion": fargate.then_some("1.4.0"),
            "pullStartedAt": when(times.pull_started),
            "pullStoppedAt": when(times.pull_stopped),
            "startedAt": when(times.started),
            "startedBy": self.started_by(),
            "stopCode": self.stop.as_ref().map(|(code, _)| code),
            "stoppedReason": self.stop.as_ref().map(|(_, reason)| reason),
            "stoppingAt": when(times.stopping),
            "stoppedAt": when(times.stopped),
            "taskArn": self.arn(),
            "taskDefinitionArn": self.definition.arn(),
            "version": self.version,
        });
        // AWS leaves out what there is nothing to say about, and so do we: absent is not null.
        let mut members = super::definitions::members(shown);
        members.retain(|_, value| !value.is_null());
        members
    }

    fn attachments(&self, kind: &str) -> Value {
        if !self.definition.awsvpc() {
            return json!([]);
        }
        let at = &self.interface;
        let status = match self.status {
            Status::Provisioning => "PRECREATED",
            Status::Stopped => "DELETED",
            _ => "ATTACHED",
        };
        let dashed = at.address.replace('.', "-");
        json!([{
            "id": at.attachment,
            "type": kind,
            "status": status,
            "details": [
                { "name": "subnetId", "value": at.subnet },
                { "name": "networkInterfaceId", "value": at.eni },
                { "name": "macAddress", "value": "0a:50:d1:c1:77:81" },
                { "name": "privateDnsName", "value": format!("ip-{dashed}.{}.compute.internal", crate::place::REGION) },
                { "name": "privateIPv4Address", "value": at.address },
            ],
        }])
    }

    fn container(&self, container: &Container) -> Value {
        let injected = container.image.is_none();
        let interfaces = json!([{
            "attachmentId": self.interface.attachment,
            "privateIpv4Address": self.interface.address,
        }]);
        let prefix = format!("container/{}/{}/{}", self.cluster, self.id, container.id);
        let shown = json!({
            "containerArn": arn("ecs", &prefix),
            "exitCode": container.exit_code,
            "lastStatus": container.status.name(),
            "name": container.name,
            "image": container.image,
            "imageDigest": container.digest,
            "reason": container.reason,
            "runtimeId": container.runtime,
            "taskArn": self.arn(),
            "networkInterfaces": if self.definition.awsvpc() { interfaces } else { json!([]) },
            // The text `null` is what AWS really sends for a container of its own.
            "cpu": if injected { "null" } else { &container.cpu },
            "memory": container.memory,
        });
        let mut members = super::definitions::members(shown);
        members.retain(|_, value| !value.is_null());
        Value::Object(members)
    }

    /// Every container has its place among the overrides, even where nothing is overridden.
    fn overrides(&self) -> Value {
        let mut overrides = self.given.get("overrides").cloned().unwrap_or_else(|| json!({}));
        let given = list(&overrides, "containerOverrides").to_vec();
        let named = |container: &Container| {
            let known = given.iter().find(|one| text(one, "name") == Some(&container.name));
            known.cloned().unwrap_or_else(|| match container.image {
                Some(_) => json!({ "name": container.name }),
                None => json!({
                    "environment": [{ "name": "AGENT_RUNTIME_ENVIRONMENT", "value": "ecsfargate" }],
                    "memory": 128,
                    "name": container.name,
                }),
            })
        };
        let every: Vec<_> = self.containers.iter().map(named).collect();
        if let Value::Object(members) = &mut overrides {
            members.insert("containerOverrides".into(), json!(every));
        }
        overrides
    }
}
