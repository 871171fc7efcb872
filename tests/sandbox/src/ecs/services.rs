//! Services: what callers create, change, describe and delete.

use super::definitions::{members, required};
use super::rollout::{Deployment, ServiceDeployment};
use super::{Ecs, invalid};
use crate::place::{ACCOUNT, arn, list, text};
use crate::service::{Call, Desk, Refusal};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) cluster: String,
    pub(crate) service: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// What the caller said, as far as ECS gives it back.
    pub(crate) given: Map<String, Value>,
    pub(crate) tags: Value,
    pub(crate) status: &'static str,
    /// The ARN that CreateService or UpdateService named last.
    pub(crate) definition: String,
    pub(crate) desired: usize,
    /// The primary one first.
    pub(crate) deployments: Vec<Deployment>,
    /// What was replaced, for those who ask about its revision.
    pub(crate) past: Vec<Deployment>,
    /// The oldest first.
    pub(crate) history: Vec<ServiceDeployment>,
    pub(crate) events: VecDeque<Value>,
    pub(crate) created: u64,
    pub(crate) creator: String,
}

/// Members of a request that the answer shows elsewhere or not at all.
const NOT_ECHOED: [&str; 12] = [
    "cluster",
    "service",
    "serviceName",
    "taskDefinition",
    "desiredCount",
    "clientToken",
    "role",
    "tags",
    "forceNewDeployment",
    "gatewayConnectors",
    "monitoring",
    "vpcLatticeConfigurations",
];

/// What starts a deployment when it changes; the rest of a service changes in place.
const DEPLOYED: [&str; 6] = [
    "networkConfiguration",
    "platformVersion",
    "loadBalancers",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
];

impl Address {
    pub(crate) fn of(input: &Value, member: &str) -> Result<Self, Refusal> {
        let named = required(input, member)?;
        let cluster = cluster_of(input);
        Ok(Self::parse(named, &cluster))
    }

    /// From a name or from an ARN, which has the cluster in it.
    pub(crate) fn parse(named: &str, cluster: &str) -> Self {
        let parts: Vec<_> = named.split('/').collect();
        match parts.as_slice() {
            [_, cluster, service] => {
                Self { cluster: (*cluster).to_owned(), service: (*service).to_owned() }
            }
            _ => Self {
                cluster: cluster.to_owned(),
                service: parts.last().copied().unwrap_or_default().to_owned(),
            },
        }
    }

    pub(crate) fn arn(&self) -> String {
        arn("ecs", &format!("service/{}/{}", self.cluster, self.service))
    }

    pub(crate) fn cluster_arn(&self) -> String {
        arn("ecs", &format!("cluster/{}", self.cluster))
    }
}

/// The cluster that a call is about, by name.
pub(crate) fn cluster_of(input: &Value) -> String {
    let cluster = text(input, "cluster").unwrap_or("default");
    cluster.rsplit('/').next().unwrap_or(cluster).to_owned()
}

impl Service {
    pub(crate) fn balanced(&self) -> bool {
        self.given.get("loadBalancers").and_then(Value::as_array).is_some_and(|all| !all.is_empty())
    }

    /// Whether it runs one task on each container instance.
    pub(crate) fn is_daemon(&self) -> bool {
        is_daemon(self.given.get("schedulingStrategy"))
    }

    /// A member of the deployment configuration, or what ECS assumes.
    pub(crate) fn configured(&self) -> Value {
        let [least, most] = if self.is_daemon() { [0, 100] } else { [100, 200] };
        let mut configuration = members(json!({
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
            "maximumPercent": most,
            "minimumHealthyPercent": least,
            "deploymentCircuitBreaker": { "enable": false, "rollback": false },
        }));
        if let Some(Value::Object(given)) = self.given.get("deploymentConfiguration") {
            configuration.extend(given.clone());
        }
        Value::Object(configuration)
    }

    pub(crate) fn controller(&self) -> &str {
        let given = self.given.get("deploymentController");
        given.and_then(|given| text(given, "type")).unwrap_or("ECS")
    }
}

impl Ecs {
    pub(super) fn create_service(
        &mut self,
        call: &Call,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let input = &call.input;
        let address = Address::of(input, "serviceName")?;
        self.cluster(&address.cluster)?;
        if self.services.get(&address).is_some_and(|known| known.status != "INACTIVE") {
            return Err(invalid("Creation of service was not idempotent."));
        }
        let definition = self.usable(required(input, "taskDefinition")?)?.clone();
        if definition.awsvpc() && input.get("networkConfiguration").is_none() {
            return Err(no_network());
        }
        one_of_launch_type_and_strategy(input)?;
        let daemon = is_daemon(input.get("schedulingStrategy"));
        if daemon {
            fit_for_a_daemon(input)?;
        }
        let assumed = if daemon { INSTANCES } else { 1 };
        let desired = input.get("desiredCount").and_then(Value::as_u64).unwrap_or(assumed);
        let given = input.as_object().cloned().unwrap_or_default();
        let service = Service {
            given: given
                .into_iter()
                .filter(|(key, _)| !NOT_ECHOED.contains(&key.as_str()))
                .collect(),
            tags: input.get("tags").cloned().unwrap_or_else(|| json!([])),
            status: "ACTIVE",
            definition: definition.arn().to_owned(),
            desired: usize::try_from(desired).unwrap_or(usize::MAX),
            deployments: vec![],
            past: vec![],
            history: vec![],
            events: VecDeque::new(),
            created: desk.now,
            creator: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{0}/{0}", call.caller),
        };
        self.services.insert(address.clone(), service);
        self.deploy(&address, desk);
        Ok(json!({ "service": self.service_document(&address, true) }))
    }

    pub(super) fn update_service(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let address = Address::of(input, "service")?;
        self.cluster(&address.cluster)?;
        let wanted = text(input, "taskDefinition");
        let found = self.services.get(&address);
        let found = found.ok_or_else(service_not_found)?;
        if found.status != "ACTIVE" {
            return Err(Refusal::new("ServiceNotActiveException", "Service was not ACTIVE."));
        }
        let controller = found.controller();
        if controller != "ECS"
            && (wanted.is_some() || DEPLOYED.iter().any(|d| input.get(d).is_some()))
        {
            return Err(invalid(format!(
                "Unable to update task definition on services with a {controller} deployment \
                 controller."
            )));
        }
        one_of_launch_type_and_strategy(input)?;
        if found.is_daemon() && input.get("desiredCount").is_some() {
            return Err(no_desired_count());
        }
        let wanted = match wanted {
            // A definition that the service has already stays usable when it is deregistered.
            Some(named) => match self.definition(named) {
                Some(known) if known.arn() == found.definition => Some(found.definition.clone()),
                _ => Some(self.usable(named)?.arn().to_owned()),
            },
            None => None,
        };
        let fresh = input.get("forceNewDeployment") == Some(&json!(true));
        let Some(service) = self.services.get_mut(&address) else {
            return Err(service_not_found());
        };
        let mut changes = fresh;
        if let Some(wanted) = wanted {
            changes |= wanted != service.definition;
            service.definition = wanted;
        }
        for (key, value) in input.as_object().into_iter().flatten() {
            if NOT_ECHOED.contains(&key.as_str()) {
                continue;
            }
            if key == "deploymentConfiguration" {
                // Members that are left out stay as they were.
                let mut merged = members(service.configured());
                merged.extend(members(value.clone()));
                service.given.insert(key.clone(), Value::Object(merged));
                continue;
            }
            let before = service.given.insert(key.clone(), value.clone());
            match key.as_str() {
                "capacityProviderStrategy" => service.given.remove("launchType"),
                "launchType" => service.given.remove("capacityProviderStrategy"),
                _ => None,
            };
            changes |= DEPLOYED.contains(&key.as_str()) && before.as_ref() != Some(value);
        }
        if let Some(desired) = input.get("desiredCount").and_then(Value::as_u64) {
            service.desired = usize::try_from(desired).unwrap_or(usize::MAX);
        }
        if changes {
            self.deploy(&address, desk);
        } else {
            self.reconcile(&address, desk);
        }
        Ok(json!({ "service": self.service_document(&address, true) }))
    }

    pub(super) fn delete_service(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let address = Address::of(input, "service")?;
        self.cluster(&address.cluster)?;
        let found = self.services.get_mut(&address).filter(|known| known.status == "ACTIVE");
        let service = found.ok_or_else(service_not_found)?;
        let force = input.get("force") == Some(&json!(true));
        if service.desired > 0 && !force && !service.is_daemon() {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.status = "DRAINING";
        service.desired = 0;
        for deployment in &mut service.history {
            deployment.supersede(desk.now);
        }
        let document = self.service_document(&address, true);
        self.reconcile(&address, desk);
        Ok(json!({ "service": document }))
    }
}

/// The number of container instances of every cluster, for daemons.
const INSTANCES: u64 = 3;

fn is_daemon(strategy: Option<&Value>) -> bool {
    strategy.and_then(Value::as_str) == Some("DAEMON")
}

fn fit_for_a_daemon(input: &Value) -> Result<(), Refusal> {
    if input.get("desiredCount").is_some() {
        return Err(no_desired_count());
    }
    if text(input, "launchType") == Some("FARGATE") {
        return Err(invalid(
            "The daemon scheduling strategy does not support the Fargate launch type.",
        ));
    }
    Ok(())
}

fn no_desired_count() -> Refusal {
    invalid(
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again",
    )
}

pub(super) fn service_not_found() -> Refusal {
    Refusal::new("ServiceNotFoundException", "Service not found.")
}

pub(super) fn no_network() -> Refusal {
    invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
}

pub(super) fn one_of_launch_type_and_strategy(input: &Value) -> Result<(), Refusal> {
    let strategy = !list(input, "capacityProviderStrategy").is_empty();
    if strategy && input.get("launchType").is_some() {
        return Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    Ok(())
}
