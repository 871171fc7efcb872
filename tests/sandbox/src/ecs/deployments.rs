//! Deployments as the API shows them: `deployments[]`, service deployments, service revisions.

use super::definitions::required;
use super::rollout::{Deployment, Progress, ServiceDeployment, digits_of};
use super::services::{Address, service_not_found};
use super::{Ecs, invalid};
use crate::place::{arn, epoch, list, page, text, texts};
use crate::service::{Desk, Refusal};
use serde_json::{Value, json};

const ONGOING: [&str; 5] =
    ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"];

impl Address {
    pub(crate) fn revision(&self, digits: &str) -> String {
        arn("ecs", &format!("service-revision/{}/{}/{digits}", self.cluster, self.service))
    }
}

impl Deployment {
    pub(crate) fn revision(&self, address: &Address) -> String {
        address.revision(digits_of(&self.id))
    }
}

impl ServiceDeployment {
    pub(crate) fn arn(&self, address: &Address) -> String {
        let Address { cluster, service } = address;
        arn("ecs", &format!("service-deployment/{cluster}/{service}/{}", self.id))
    }

    /// A newer one takes its place, or the service goes.
    pub(crate) fn supersede(&mut self, now: u64) {
        if ONGOING.contains(&self.status) {
            self.status = "STOPPED";
            self.reason =
                Some("Service deployment stopped because a newer one was created.".into());
            (self.stopped, self.finished, self.updated) = (Some(now), Some(now), now);
        }
    }
}

impl Ecs {
    pub(super) fn wanted_of(&self, address: &Address, one: &Deployment) -> usize {
        let Some(service) = self.services.get(address) else { return 0 };
        let primary = service.deployments.first().is_some_and(|first| first.id == one.id);
        let counts = self.counts(address, Some(&one.id));
        if primary { service.desired } else { counts.running + counts.pending }
    }

    pub(super) fn deployment_documents(&self, address: &Address) -> Value {
        let Some(service) = self.services.get(address) else { return json!([]) };
        let shown = service.deployments.iter().enumerate().map(|(position, one)| {
            let counts = self.counts(address, Some(&one.id));
            let state = match one.progress {
                Progress::Running => "IN_PROGRESS",
                Progress::Failed => "FAILED",
                Progress::Completed => "COMPLETED",
            };
            let mut document = super::definitions::members(json!({
                "id": one.id,
                "status": if position == 0 { "PRIMARY" } else { "ACTIVE" },
                "taskDefinition": one.definition,
                "desiredCount": self.wanted_of(address, one),
                "pendingCount": counts.pending,
                "runningCount": counts.running,
                "failedTasks": one.failed,
                "createdAt": epoch(one.created),
                "updatedAt": epoch(one.updated),
            }));
            // The state is there only for ECS's own controller.
            if service.controller() == "ECS" {
                document.insert("rolloutState".into(), json!(state));
                document.insert("rolloutStateReason".into(), json!(one.reason));
            }
            let shared = [
                "networkConfiguration",
                "capacityProviderStrategy",
                "launchType",
                "serviceConnectConfiguration",
                "volumeConfigurations",
            ];
            for member in shared {
                if let Some(value) = one.given.get(member) {
                    document.insert(member.into(), value.clone());
                }
            }
            if self.fargate(service) {
                document.insert("platformVersion".into(), json!("1.4.0"));
                document.insert("platformFamily".into(), json!("Linux"));
            }
            Value::Object(document)
        });
        shown.collect()
    }

    pub(super) fn list_service_deployments(&self, input: &Value) -> Result<Value, Refusal> {
        let address = Address::of(input, "service")?;
        self.cluster(&address.cluster)?;
        let service = self.services.get(&address).ok_or_else(service_not_found)?;
        let statuses = texts(input, "status");
        let moment = |key: &str| {
            let at = input.pointer(&format!("/createdAt/{key}")).and_then(Value::as_f64);
            at.map(|seconds| (seconds * 1000.0) as u64)
        };
        let (after, before) = (moment("after"), moment("before"));
        let listed = service.history.iter().rev().filter(|one| {
            (statuses.is_empty() || statuses.contains(&one.status))
                && after.is_none_or(|after| one.created > after)
                && before.is_none_or(|before| one.created < before)
        });
        let briefs = listed.map(|one| {
            let mut brief = super::definitions::members(json!({
                "serviceDeploymentArn": one.arn(&address),
                "serviceArn": address.arn(),
                "clusterArn": address.cluster_arn(),
                "startedAt": epoch(one.created),
                "createdAt": epoch(one.created),
                "finishedAt": one.finished.map(epoch),
                "targetServiceRevisionArn": address.revision(&one.target),
                "status": one.status,
                "statusReason": one.reason,
            }));
            brief.retain(|_, value| !value.is_null());
            Value::Object(brief)
        });
        let briefs: Vec<_> = briefs.collect();
        let (briefs, next) = page(&briefs, input, ["nextToken", "maxResults"], 20)?;
        Ok(json!({ "serviceDeployments": briefs, "nextToken": next }))
    }

    pub(super) fn describe_service_deployments(&self, input: &Value) -> Result<Value, Refusal> {
        let arns = texts(input, "serviceDeploymentArns");
        if arns.is_empty() || arns.len() > 20 {
            return Err(invalid("Between 1 and 20 service deployments can be described."));
        }
        let (mut found, mut failures) = (vec![], vec![]);
        for named in arns {
            match self.service_deployment(named) {
                Some((address, one)) => found.push(self.service_deployment_document(&address, one)),
                None => failures.push(json!({ "arn": named, "reason": "MISSING" })),
            }
        }
        Ok(json!({ "serviceDeployments": found, "failures": failures }))
    }

    pub(super) fn stop_service_deployment(
        &mut self,
        input: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<Value, Refusal> {
        let named = required(input, "serviceDeploymentArn")?;
        if text(input, "stopType").unwrap_or("ROLLBACK") != "ROLLBACK" {
            return Err(invalid("The valid values of stopType are ROLLBACK."));
        }
        let missing =
            || Refusal::new("ServiceDeploymentNotFoundException", "Service deployment not found.");
        let (address, one) = self.service_deployment(named).ok_or_else(missing)?;
        let status = one.status;
        let answer = json!({ "serviceDeploymentArn": named });
        match status {
            "PENDING" | "IN_PROGRESS" => {}
            _ if ONGOING.contains(&status) => return Ok(answer),
            _ => {
                let mut refusal = Refusal::new(
                    "ConflictException",
                    format!("The service deployment cannot be stopped because it is {status}."),
                );
                refusal.members = json!({ "resourceIds": [named] });
                return Err(refusal);
            }
        }
        let why = |id: &str| format!("ECS deployment rolling back to deploymentId {id}.");
        let reason = "Service deployment rolled back because of a stop request.";
        if !self.roll_back(&address, why, reason, desk) {
            return Err(invalid("No rollback candidate was found to run the rollback."));
        }
        Ok(answer)
    }

    pub(super) fn describe_service_revisions(&self, input: &Value) -> Result<Value, Refusal> {
        let arns = texts(input, "serviceRevisionArns");
        if arns.is_empty() || arns.len() > 20 {
            return Err(invalid("Between 1 and 20 service revisions can be described."));
        }
        let (mut found, mut failures) = (vec![], vec![]);
        for named in arns {
            match self.revision_document(named) {
                Some(document) => found.push(document),
                None => failures.push(json!({ "arn": named, "reason": "MISSING" })),
            }
        }
        Ok(json!({ "serviceRevisions": found, "failures": failures }))
    }

    pub(super) fn service_deployment(&self, named: &str) -> Option<(Address, &ServiceDeployment)> {
        let (address, id) = within(named)?;
        let service = self.services.get(&address)?;
        let one = service.history.iter().find(|one| one.id == id)?;
        Some((address, one))
    }

    fn revision_document(&self, named: &str) -> Option<Value> {
        let (address, digits) = within(named)?;
        let service = self.services.get(&address)?;
        let mut known = service.deployments.iter().chain(service.past.iter().rev());
        let one = known.find(|one| digits_of(&one.id) == digits)?;
        let definition = self.definition(&one.definition)?;
        let images = definition.containers().iter().map(|container| {
            let image = text(container, "image").unwrap_or_default();
            json!({
                "containerName": container.get("name"),
                "imageDigest": self.script.digest(image),
                "image": image,
            })
        });
        let mut document = super::definitions::members(json!({
            "serviceRevisionArn": named,
            "serviceArn": address.arn(),
            "clusterArn": address.cluster_arn(),
            "taskDefinition": one.definition,
            "networkConfiguration": one.given.get("networkConfiguration"),
            "launchType": one.given.get("launchType"),
            "capacityProviderStrategy": one.given.get("capacityProviderStrategy"),
            "loadBalancers": list(&one.given, "loadBalancers"),
            "containerImages": images.collect::<Vec<_>>(),
            "guardDutyEnabled": self.script.injected.is_some(),
            "createdAt": epoch(one.created),
        }));
        document.retain(|_, value| !value.is_null());
        Some(Value::Object(document))
    }

    fn service_deployment_document(&self, address: &Address, one: &ServiceDeployment) -> Value {
        let Some(service) = self.services.get(address) else { return Value::Null };
        let summary = |digits: &String| {
            let counts = self.counts(address, Some(&format!("ecs-svc/{digits}")));
            json!({
                "arn": address.revision(digits),
                "requestedTaskCount": service.desired,
                "runningTaskCount": counts.running,
                "pendingTaskCount": counts.pending,
            })
        };
        let breaker = service.configured();
        let on = breaker.pointer("/deploymentCircuitBreaker/enable") == Some(&json!(true));
        let over = !ONGOING.contains(&one.status);
        let monitor = match (on, one.tripped, over) {
            (false, ..) => "DISABLED",
            (true, true, _) => "TRIGGERED",
            (true, false, true) => "MONITORING_COMPLETE",
            (true, false, false) => "MONITORING",
        };
        let mut document = super::definitions::members(json!({
            "serviceDeploymentArn": one.arn(address),
            "serviceArn": address.arn(),
            "clusterArn": address.cluster_arn(),
            "createdAt": epoch(one.created),
            "startedAt": epoch(one.created),
            "finishedAt": one.finished.map(epoch),
            "stoppedAt": one.stopped.map(epoch),
            "updatedAt": epoch(one.updated),
            "sourceServiceRevisions": one.source.iter().map(summary).collect::<Vec<_>>(),
            "targetServiceRevision": summary(&one.target),
            "status": one.status,
            "statusReason": one.reason,
            "deploymentConfiguration": breaker,
            "rollback": one.rollback.as_ref().map(|(reason, started, revision)| json!({
                "reason": reason,
                "startedAt": epoch(*started),
                "serviceRevisionArn": revision,
            })),
            "deploymentCircuitBreaker": {
                "status": monitor,
                "failureCount": one.failures,
                "threshold": service.threshold(),
            },
            "alarms": { "status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": [] },
        }));
        document.retain(|_, value| !value.is_null());
        Value::Object(document)
    }
}

/// The service that an ARN is within, and the last part of the ARN.
fn within(named: &str) -> Option<(Address, &str)> {
    let mut parts = named.split('/').skip(1);
    let (cluster, service, last) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Address { cluster: cluster.to_owned(), service: service.to_owned() }, last))
}
