//! Creating a service that the application's spec describes.

use super::definitions::render;
use aws::clients::Aws;
use aws::definitions::archived;
use aws::failure::{Failure, failure};
use aws::step_error::{StepError, asked_to};
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration,
    LaunchType, LoadBalancer, NetworkConfiguration, Service,
};
use pipeline::effect::RollOut;
use pipeline::names::{DeploymentId, Revision};
use pipeline::spec::{self, Create};
use serde_json::{Value, json};

/// The health check grace period of a new task behind a load balancer.
const GRACE_SECONDS: i32 = 60;

/// The maximum length of ECS's client token.
const TOKEN_LENGTH: usize = 36;

pub(super) async fn create(
    aws: &Aws,
    id: &DeploymentId,
    cluster: &str,
    effect: &RollOut,
    wanted: &Create,
) -> Result<Service, StepError> {
    let name = &effect.service;
    let manner = Manner::of(aws, &effect.revision).await.map_err(StepError::Later)?;
    let creating = aws
        .ecs()
        .create_service()
        .cluster(cluster)
        .service_name(name.as_str())
        .task_definition(effect.revision.as_str())
        .client_token(token(id, effect))
        .desired_count(i32::try_from(wanted.desired_count).unwrap_or(i32::MAX))
        .deployment_configuration(configuration())
        .set_launch_type(manner.launch_type.clone())
        .set_network_configuration(manner.network(wanted).map_err(StepError::Later)?)
        .set_load_balancers(wanted.load_balancer.as_ref().map(|balancer| vec![attach(balancer)]))
        .set_health_check_grace_period_seconds(
            wanted.load_balancer.as_ref().map(|_| GRACE_SECONDS),
        );
    let answer = creating.send().await.map_err(failure);
    let answer = answer.map_err(asked_to(format!("create {name}")))?;
    answer
        .service
        .ok_or_else(|| StepError::Later(Failure::Passing("ECS returned no service".into())))
}

/// How tasks of a revision are started, as far as the task definition determines it.
pub(super) struct Manner {
    pub(super) launch_type: Option<LaunchType>,
    is_awsvpc: bool,
}

impl Manner {
    /// Reads it from the definition that was archived at registration. Without one it assumes the
    /// common case.
    pub(super) async fn of(aws: &Aws, revision: &Revision) -> Result<Self, Failure> {
        let kept = archived::kept(aws, revision).await?;
        let definition = kept.unwrap_or_else(
            || json!({"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}),
        );
        Ok(Self::read(&definition))
    }

    fn read(definition: &Value) -> Self {
        let kinds = definition["requiresCompatibilities"].as_array().into_iter().flatten();
        let kinds: Vec<&str> = kinds.filter_map(Value::as_str).collect();
        let launch_type = match kinds.as_slice() {
            kinds if kinds.contains(&"FARGATE") => Some(LaunchType::Fargate),
            [kind, ..] => Some(LaunchType::from(*kind)),
            [] => None,
        };
        Self { launch_type, is_awsvpc: definition["networkMode"] == "awsvpc" }
    }

    pub(super) fn network(&self, wanted: &Create) -> Result<Option<NetworkConfiguration>, Failure> {
        if !self.is_awsvpc {
            return Ok(None);
        }
        let address =
            if wanted.public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
        let network = AwsVpcConfiguration::builder()
            .set_subnets(Some(wanted.subnets.clone()))
            .set_security_groups(Some(wanted.security_groups.clone()))
            .assign_public_ip(address);
        let network = network.build().map_err(|e| Failure::Misconfigured(e.to_string()))?;
        Ok(Some(NetworkConfiguration::builder().awsvpc_configuration(network).build()))
    }
}

/// ECS stops a rollout that cannot work, and leaves the rollback to Slipway: two rollbacks at once
/// would start a third rollout.
fn configuration() -> DeploymentConfiguration {
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(false).build();
    DeploymentConfiguration::builder()
        .deployment_circuit_breaker(breaker)
        .minimum_healthy_percent(100)
        .maximum_percent(200)
        .build()
}

fn attach(balancer: &spec::LoadBalancer) -> LoadBalancer {
    LoadBalancer::builder()
        .target_group_arn(&balancer.target_group)
        .container_name(balancer.container.as_str())
        .container_port(i32::from(balancer.port))
        .build()
}

/// The same token whenever the same deployment creates the same service.
fn token(id: &DeploymentId, effect: &RollOut) -> String {
    let whole = render::hash(&json!([id.to_string(), effect.service, effect.revision]));
    whole.chars().take(TOKEN_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::Manner;
    use aws_sdk_ecs::types::LaunchType;
    use serde_json::json;

    #[test]
    fn the_task_definition_says_how_its_tasks_are_started() {
        let of = |kinds, mode| {
            let definition = json!({"requiresCompatibilities": kinds, "networkMode": mode});
            let manner = Manner::read(&definition);
            (manner.launch_type, manner.is_awsvpc)
        };
        assert_eq!(of(json!(["EC2", "FARGATE"]), "awsvpc"), (Some(LaunchType::Fargate), true));
        assert_eq!(of(json!(["EC2"]), "bridge"), (Some(LaunchType::Ec2), false));
        assert_eq!(of(json!(null), "host"), (None, false));
    }
}
