//! What the team's account holds before Slipway: repositories, clusters, services and alarms.

use crate::{BOT_TOKEN, Error, Team};
use pipeline::spec::{Application, Base, Environment, Service, Target};
use sandbox::balancers::TargetGroup;
use sandbox::cloudwatch::Kind;
use sandbox::ecr::{Ecr, Image, Mutability};
use sandbox::service::Refusal;
use sandbox::services::Services;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Long enough for every first rollout to end.
pub(crate) const SETTLED_SECONDS: u64 = 300;
/// What ran before Slipway was installed.
pub(crate) const OLD_TAG: &str = "before";
const ACCOUNT_ROLES: &str = "arn:aws:iam::123456789012:role";
const TASKS: &str = "ecs-tasks.amazonaws.com";
const SLACK_SECRET: &str = "slipway/slack";

/// The roles that Slipway may hand to tasks: those of the old tasks, and those in the spec.
pub(crate) fn roles(spec: &Application) -> String {
    let mut roles = BTreeSet::from([format!("{ACCOUNT_ROLES}/team-*")]);
    let services = spec.environments.values().flat_map(|rules| rules.services());
    for (_, service) in services {
        let Base::Template { definition, .. } = &service.base else { continue };
        let of = |member: &str| definition[member].as_str().map(str::to_owned);
        roles.extend(of("executionRoleArn"));
        roles.extend(of("taskRoleArn"));
    }
    roles.into_iter().collect::<Vec<_>>().join(",")
}

/// What templates name, and what new services are to stand behind.
fn have_what_is_named(services: &mut Services, rules: &Environment, now: u64) {
    for (_, service) in rules.services() {
        if let Some(balancer) = service.create.as_ref().and_then(|new| new.load_balancer.as_ref()) {
            let balancers = vec![sandbox::place::arn("elasticloadbalancing", "loadbalancer/app/1")];
            let group = TargetGroup { targets: "ip".into(), balancers };
            services.balancers.put(&balancer.target_group, group);
        }
        let Base::Template { definition, parameters } = &service.base else { continue };
        for role in ["executionRoleArn", "taskRoleArn"] {
            let role = definition[role].as_str();
            role.into_iter().for_each(|role| services.roles.create(role, TASKS));
        }
        for container in definition["containerDefinitions"].as_array().into_iter().flatten() {
            for secret in container["secrets"].as_array().into_iter().flatten() {
                let from = secret["valueFrom"].as_str();
                from.into_iter().for_each(|arn| services.secrets.put_at(arn, "a value", now));
            }
            let group = container["logConfiguration"]["options"]["awslogs-group"].as_str();
            let written = |group: &str| {
                let mut group = group.to_owned();
                for (name, value) in parameters {
                    group = group.replace(&format!("${{{name}}}"), value);
                }
                group
            };
            group.map(written).into_iter().for_each(|group| services.logs.create_group(&group));
        }
    }
}

/// Its ARN; Secrets Manager makes it of the name.
pub(crate) fn slack_secret() -> String {
    sandbox::secrets::Secrets::new().put(SLACK_SECRET, "", 0)
}

impl Team {
    pub(crate) fn have_what_was_there_before(&mut self) -> Result<(), Error> {
        let system = self.system.clone();
        let now = self.sandbox.now();
        self.sandbox.at_desk("ecr", |services, desk| {
            let token = json!({ "bot_token": BOT_TOKEN }).to_string();
            services.secrets.put(SLACK_SECRET, &token, now);
            for repository in system.spec.images.values() {
                services.ecr.create_repository(repository.as_str(), Mutability::default());
                let image = Image::buildx(&format!("{repository} {OLD_TAG}"), &["linux/amd64"]);
                let pushed = services.ecr.push(repository.as_str(), OLD_TAG, &image, desk);
                let digest = pushed.map_err(|refusal| refused("push", refusal))?;
                let name = format!("{}:{OLD_TAG}", Ecr::uri(repository.as_str()));
                services.ecs.point(&name, &digest);
            }
            for role in ["team-execution", "team-task"] {
                services.roles.create(&format!("{ACCOUNT_ROLES}/{role}"), TASKS);
            }
            for (_, rules) in system.environments() {
                have_what_is_named(services, rules, now);
                for alarm in &rules.alarms.names {
                    let (namespace, metric) =
                        (system.spec.application.to_string(), alarm.to_string());
                    let kind = Kind::Metric { namespace, metric, threshold: 1.0 };
                    services.cloudwatch.create(alarm.as_str(), kind, now);
                }
            }
            Ok::<(), Error>(())
        })?;
        for (name, rules) in system.environments() {
            self.run_old_services(rules)?;
            self.have_hosts(name, rules)?;
        }
        Ok(())
    }

    fn run_old_services(&mut self, rules: &Environment) -> Result<(), Error> {
        let Target::Cluster(cluster) = &rules.target else { return Ok(()) };
        self.sandbox.account().services.ecs.create_cluster(cluster);
        for (_, service) in rules.services().filter(|(_, service)| service.create.is_none()) {
            let definition = self.old_definition(service);
            let group = format!("/ecs/{}", service.name);
            self.sandbox.account().services.logs.create_group(&group);
            let registered = self.person("ecs", "RegisterTaskDefinition", definition)?;
            let revision = &registered["taskDefinition"]["taskDefinitionArn"];
            self.person(
                "ecs",
                "CreateService",
                json!({
                    "cluster": cluster,
                    "serviceName": service.name,
                    "taskDefinition": revision,
                    "desiredCount": 2,
                    "launchType": "FARGATE",
                    "networkConfiguration": {"awsvpcConfiguration": {
                        "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0f1e2d3c4b5a69788"],
                        "securityGroups": ["sg-0123456789abcdef0"],
                        "assignPublicIp": "DISABLED",
                    }},
                    "deploymentConfiguration": {
                        "minimumHealthyPercent": 100,
                        "maximumPercent": 200,
                        "deploymentCircuitBreaker": {"enable": true, "rollback": false},
                    },
                }),
            )?;
        }
        Ok(())
    }

    /// As the team's Terraform registered it, with a setting that is newer than our SDK.
    fn old_definition(&self, service: &Service) -> Value {
        let container = |container: crate::system::Container| {
            json!({
                "name": container.name,
                "image": format!("{}:{OLD_TAG}", Ecr::uri(container.repository.as_str())),
                "essential": container.essential,
                "portMappings": [{"containerPort": 8000, "protocol": "tcp"}],
                "environment": [{"name": "LOG_LEVEL", "value": "info"}],
                "logConfiguration": {"logDriver": "awslogs", "options": {
                    "awslogs-group": format!("/ecs/{}", service.name),
                    "awslogs-region": "eu-central-1",
                    "awslogs-stream-prefix": "app",
                }},
            })
        };
        let containers: Vec<Value> =
            self.system.containers(&service.name).into_iter().map(container).collect();
        json!({
            "family": service.name,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "512",
            "memory": "1024",
            "executionRoleArn": format!("{ACCOUNT_ROLES}/team-execution"),
            "taskRoleArn": format!("{ACCOUNT_ROLES}/team-task"),
            "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
            "containerDefinitions": containers,
            "tags": [{"key": "team", "value": self.system.spec.application.as_str()}],
            "settingOfNextYear": {"enabled": true},
        })
    }

    /// Calls AWS as a member of the team does.
    pub fn person(
        &self,
        service: &'static str,
        operation: &str,
        input: Value,
    ) -> Result<Value, Error> {
        let answer = self.sandbox.call(service, operation, input);
        answer.map_err(|refusal| refused(operation, refusal))
    }
}

pub(crate) fn refused(operation: &str, refusal: Refusal) -> Error {
    Error::Refused { operation: operation.to_owned(), refusal }
}
