//! Services as DescribeServices shows them.

use super::definitions::members;
use super::services::{Address, Service, cluster_of};
use super::{Ecs, invalid};
use crate::place::{ACCOUNT, epoch, list, page, text, texts};
use crate::service::Refusal;
use serde_json::{Value, json};

/// Members that only a deployment shows.
const OF_A_DEPLOYMENT: [&str; 2] = ["serviceConnectConfiguration", "volumeConfigurations"];

impl Ecs {
    pub(super) fn describe_services(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        let named = texts(input, "services");
        if named.is_empty() {
            return Err(invalid("Services cannot be empty."));
        }
        if named.len() > 10 {
            return Err(invalid("Services must have a length of at most 10."));
        }
        let tags = texts(input, "include").contains(&"TAGS");
        let (mut services, mut failures) = (vec![], vec![]);
        for name in named {
            let address = Address::parse(name, &cluster);
            match self.seen(&address, tags, now) {
                Some(document) => services.push(document),
                None => failures.push(json!({ "arn": address.arn(), "reason": "MISSING" })),
            }
        }
        Ok(json!({ "services": services, "failures": failures }))
    }

    /// What DescribeServices knows at `now`, which may be a while behind.
    fn seen(&self, address: &Address, tags: bool, now: u64) -> Option<Value> {
        if self.lag == 0 {
            return self
                .services
                .contains_key(address)
                .then(|| self.service_document(address, tags));
        }
        let history = self.shown.get(address)?.iter().rev();
        let (_, seen) = history.clone().find(|(since, _)| *since + self.lag <= now)?;
        let mut seen = seen.clone();
        if let (false, Value::Object(members)) = (tags, &mut seen) {
            members.remove("tags");
        }
        Some(seen)
    }

    /// Keeps what there is to see now, for when it may be seen.
    pub(super) fn remember(&mut self, now: u64) {
        if self.lag == 0 {
            return;
        }
        for address in self.services.keys().cloned().collect::<Vec<_>>() {
            let document = self.service_document(&address, true);
            let history = self.shown.entry(address).or_default();
            if history.last().is_none_or(|(_, last)| *last != document) {
                history.push((now, document));
            }
        }
    }

    pub(super) fn list_services(&self, input: &Value) -> Result<Value, Refusal> {
        let cluster = cluster_of(input);
        self.cluster(&cluster)?;
        let listed =
            self.services.iter().filter(|(at, s)| at.cluster == cluster && s.status == "ACTIVE");
        let arns: Vec<_> = listed.map(|(address, _)| address.arn()).collect();
        let (arns, next) = page(&arns, input, ["nextToken", "maxResults"], 100)?;
        Ok(json!({ "serviceArns": arns, "nextToken": next }))
    }

    pub(super) fn service_document(&self, address: &Address, tags: bool) -> Value {
        let Some(service) = self.services.get(address) else { return Value::Null };
        let mut document = service.given.clone();
        for member in OF_A_DEPLOYMENT {
            document.remove(member);
        }
        for empty in
            ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy"]
        {
            document.entry(empty).or_insert_with(|| json!([]));
        }
        if list(&Value::Object(document.clone()), "capacityProviderStrategy").is_empty() {
            document.entry("launchType").or_insert_with(|| json!("EC2"));
            document.remove("capacityProviderStrategy");
        }
        let fargate = self.fargate(service);
        if fargate {
            document.entry("platformVersion").or_insert_with(|| json!("LATEST"));
            document.insert("platformFamily".into(), json!("Linux"));
        }
        for (flag, default) in [("enableECSManagedTags", false), ("enableExecuteCommand", false)] {
            document.entry(flag).or_insert_with(|| json!(default));
        }
        document.entry("propagateTags").or_insert_with(|| json!("NONE"));
        document.entry("schedulingStrategy").or_insert_with(|| json!("REPLICA"));
        document.entry("healthCheckGracePeriodSeconds").or_insert_with(|| json!(0));
        document.entry("availabilityZoneRebalancing").or_insert_with(|| json!("DISABLED"));
        let counts = self.counts(address, None);
        let latest = service.history.last();
        document.extend(members(json!({
            "serviceArn": address.arn(),
            "serviceName": address.service,
            "clusterArn": address.cluster_arn(),
            "status": service.status,
            "desiredCount": service.desired,
            "runningCount": counts.running,
            "pendingCount": counts.pending,
            "taskDefinition": service.definition,
            "deploymentConfiguration": service.configured(),
            "deploymentController": { "type": service.controller() },
            "deployments": self.deployment_documents(address),
            "roleArn": arn_of_service_role(),
            "events": service.events,
            "createdAt": epoch(service.created),
            "createdBy": service.creator,
        })));
        if let Some(latest) = latest {
            document.insert("currentServiceDeployment".into(), json!(latest.arn(address)));
        }
        let revisions = service.deployments.iter().map(|one| {
            let counts = self.counts(address, Some(&one.id));
            json!({
                "arn": one.revision(address),
                "requestedTaskCount": self.wanted_of(address, one),
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending,
            })
        });
        document.insert("currentServiceRevisions".into(), revisions.collect());
        if tags {
            document.insert("tags".into(), service.tags.clone());
        }
        Value::Object(document)
    }

    pub(super) fn fargate(&self, service: &Service) -> bool {
        let strategy = service.given.get("capacityProviderStrategy").and_then(|all| all.get(0));
        let provider = strategy.and_then(|first| text(first, "capacityProvider"));
        let launch = service.given.get("launchType").and_then(Value::as_str);
        provider.map_or(launch == Some("FARGATE"), |provider| provider.starts_with("FARGATE"))
    }
}

fn arn_of_service_role() -> String {
    let role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    format!("arn:aws:iam::{ACCOUNT}:{role}")
}
