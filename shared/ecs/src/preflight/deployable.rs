//! Reasons not to update a service, checked before anything is changed.

use crate::services::{self, primary};
use aws_sdk_ecs::types::{
    DeploymentConfiguration, DeploymentControllerType, DeploymentRolloutState, DeploymentStrategy,
    ResourceManagementType, SchedulingStrategy, Service,
};

/// Reasons not to start, without the service's name.
pub(super) fn faults(service: &Service) -> Vec<String> {
    let mut faults = Vec::new();
    if service.status() == Some("DRAINING") {
        faults.push("is being deleted; wait until it is gone, or remove it from the spec".into());
    }
    faults.extend(other_controller(service));
    if service.resource_management_type() == Some(&ResourceManagementType::Ecs) {
        faults.push(
            "is an Express service, which needs an update call of its own; create a standard \
             service instead"
                .into(),
        );
    }
    let strategy = service.deployment_configuration().and_then(DeploymentConfiguration::strategy);
    if let Some(strategy) = strategy.filter(|strategy| **strategy != DeploymentStrategy::Rolling) {
        let strategy = strategy.as_str();
        faults.push(format!(
            "uses deployment strategy {strategy}, which rewrites the rules of its load balancer; \
             set the strategy in its deploymentConfiguration to ROLLING"
        ));
    }
    faults.extend(deadlock(service));
    faults
}

/// The fault for a service with another deployment controller than ECS.
pub fn other_controller(service: &Service) -> Option<String> {
    let controller = service.deployment_controller().map(|controller| controller.r#type());
    let kind = controller.filter(|kind| **kind != DeploymentControllerType::Ecs)?.as_str();
    Some(format!(
        "uses deployment controller {kind}, so ECS cannot update it; create it with deployment \
         controller ECS"
    ))
}

/// Warnings before the update; they do not prevent it.
pub(super) fn warnings(service: &Service) -> Vec<String> {
    let Some(primary) = primary(service) else { return vec![] };
    let reason = services::reason(primary).unwrap_or("no reason given");
    let rollout = match primary.rollout_state() {
        Some(DeploymentRolloutState::InProgress) => Some(format!(
            "has another rollout in progress ({} of {} tasks running), which this deployment \
             replaces",
            primary.running_count(),
            primary.desired_count()
        )),
        Some(DeploymentRolloutState::Failed) => Some(format!(
            "runs a revision whose rollout failed, and a rollback would restore that revision: \
             {reason}"
        )),
        _ => None,
    };
    let is_idle = primary.desired_count() == 0 && service.desired_count() == 0;
    let idle = is_idle.then(|| {
        let why = match is_daemon(service) {
            true => "its cluster has no container instance",
            false => "its desired count is 0",
        };
        format!("runs no task ({why}), so it cannot show that a release works")
    });
    rollout.into_iter().chain(idle).collect()
}

/// Whether it is a daemon service: one task on each container instance. ECS reports the number of
/// instances as its desired count, and updates it like any other service.
fn is_daemon(service: &Service) -> bool {
    service.scheduling_strategy() == Some(&SchedulingStrategy::Daemon)
}

/// Whether ECS can neither stop an old task nor start a new one.
fn deadlock(service: &Service) -> Option<String> {
    let configuration = service.deployment_configuration()?;
    let desired = i64::from(service.desired_count());
    let (least, most) = bounds(configuration, desired)?;
    if desired == 0 || least < desired || most > desired {
        return None;
    }
    // A daemon service runs one task on each instance, so the new task has to replace the old one.
    let advice = match is_daemon(service) {
        true => "lower minimumHealthyPercent",
        false => "lower minimumHealthyPercent or raise maximumPercent",
    };
    Some(format!(
        "cannot be updated: with desired count {desired}, ECS can neither stop an old task nor \
         start a new one (minimumHealthyPercent {}, maximumPercent {}); {advice}",
        configuration.minimum_healthy_percent().unwrap_or_default(),
        configuration.maximum_percent().unwrap_or_default()
    ))
}

/// The minimum and maximum number of tasks during a rolling update.
fn bounds(configuration: &DeploymentConfiguration, desired: i64) -> Option<(i64, i64)> {
    if configuration.strategy().is_some_and(|strategy| *strategy != DeploymentStrategy::Rolling) {
        return None;
    }
    let least = i64::from(configuration.minimum_healthy_percent()?) * desired;
    let most = i64::from(configuration.maximum_percent()?) * desired;
    Some(((least + 99) / 100, most / 100))
}

#[cfg(test)]
mod tests {
    use super::{faults, warnings};
    use aws_sdk_ecs::types::{
        Deployment, DeploymentConfiguration, DeploymentController, DeploymentControllerType,
        DeploymentRolloutState, DeploymentStrategy, ResourceManagementType, SchedulingStrategy,
        Service,
    };
    use expect_test::{Expect, expect};

    fn check(service: &Service, expected: &Expect) {
        let text: Vec<String> = faults(service).into_iter().chain(warnings(service)).collect();
        expected.assert_eq(&text.join("\n"));
    }

    fn sized(desired: i32, least: i32, most: i32) -> Service {
        let configuration = DeploymentConfiguration::builder()
            .minimum_healthy_percent(least)
            .maximum_percent(most)
            .build();
        Service::builder().desired_count(desired).deployment_configuration(configuration).build()
    }

    #[test]
    fn a_service_that_can_neither_stop_nor_start_a_task_is_refused() {
        check(
            &sized(1, 100, 134),
            &expect![
                "cannot be updated: with desired count 1, ECS can neither stop an old task nor start a new one (minimumHealthyPercent 100, maximumPercent 134); lower minimumHealthyPercent or raise maximumPercent"
            ],
        );
        check(
            &sized(3, 67, 133),
            &expect![
                "cannot be updated: with desired count 3, ECS can neither stop an old task nor start a new one (minimumHealthyPercent 67, maximumPercent 133); lower minimumHealthyPercent or raise maximumPercent"
            ],
        );
    }

    #[test]
    fn one_way_out_is_enough() {
        for service in [
            sized(1, 100, 200),
            sized(1, 0, 100),
            sized(3, 66, 100),
            sized(3, 100, 134),
            sized(0, 100, 100),
        ] {
            check(&service, &expect![""]);
        }
    }

    #[test]
    fn what_others_deploy_or_delete_is_refused() {
        let controller = |kind| DeploymentController::builder().r#type(kind).build().unwrap();
        let service = Service::builder()
            .status("DRAINING")
            .deployment_controller(controller(DeploymentControllerType::CodeDeploy))
            .build();
        check(
            &service,
            &expect![[r#"
                is being deleted; wait until it is gone, or remove it from the spec
                uses deployment controller CODE_DEPLOY, so ECS cannot update it; create it with deployment controller ECS"#]],
        );
    }

    #[test]
    fn what_is_not_updated_by_an_ordinary_rollout_is_refused() {
        let external = DeploymentController::builder().r#type(DeploymentControllerType::External);
        let configuration =
            DeploymentConfiguration::builder().strategy(DeploymentStrategy::BlueGreen).build();
        let service = Service::builder()
            .deployment_controller(external.build().unwrap())
            .resource_management_type(ResourceManagementType::Ecs)
            .deployment_configuration(configuration)
            .build();
        check(
            &service,
            &expect![[r#"
                uses deployment controller EXTERNAL, so ECS cannot update it; create it with deployment controller ECS
                is an Express service, which needs an update call of its own; create a standard service instead
                uses deployment strategy BLUE_GREEN, which rewrites the rules of its load balancer; set the strategy in its deploymentConfiguration to ROLLING"#]],
        );
    }

    #[test]
    fn a_rollout_outside_slipway_is_mentioned() {
        let rollout = |state| {
            let deployment = Deployment::builder()
                .status("PRIMARY")
                .rollout_state(state)
                .rollout_state_reason("ECS deployment circuit breaker: tasks failed to start.")
                .desired_count(3)
                .running_count(1);
            Service::builder().desired_count(3).deployments(deployment.build()).build()
        };
        check(
            &rollout(DeploymentRolloutState::InProgress),
            &expect![
                "has another rollout in progress (1 of 3 tasks running), which this deployment replaces"
            ],
        );
        check(
            &rollout(DeploymentRolloutState::Failed),
            &expect![
                "runs a revision whose rollout failed, and a rollback would restore that revision: ECS deployment circuit breaker: tasks failed to start"
            ],
        );
        check(&rollout(DeploymentRolloutState::Completed), &expect![""]);
    }

    #[test]
    fn a_service_that_is_to_run_no_task_is_mentioned() {
        let primary = Deployment::builder()
            .status("PRIMARY")
            .rollout_state(DeploymentRolloutState::Completed)
            .desired_count(0);
        let service = Service::builder().desired_count(0).deployments(primary.build()).build();
        check(
            &service,
            &expect![[r#"
                runs no task (its desired count is 0), so it cannot show that a release works"#]],
        );
    }

    fn daemon(desired: i32, least: i32) -> Service {
        let configuration = DeploymentConfiguration::builder()
            .minimum_healthy_percent(least)
            .maximum_percent(100)
            .build();
        let primary = Deployment::builder()
            .status("PRIMARY")
            .rollout_state(DeploymentRolloutState::Completed)
            .desired_count(desired);
        Service::builder()
            .scheduling_strategy(SchedulingStrategy::Daemon)
            .desired_count(desired)
            .deployment_configuration(configuration)
            .deployments(primary.build())
            .build()
    }

    #[test]
    fn a_daemon_is_updated_where_its_old_tasks_may_be_stopped() {
        check(&daemon(3, 0), &expect![""]);
        check(
            &daemon(3, 100),
            &expect![
                "cannot be updated: with desired count 3, ECS can neither stop an old task nor start a new one (minimumHealthyPercent 100, maximumPercent 100); lower minimumHealthyPercent"
            ],
        );
        check(
            &daemon(0, 0),
            &expect![
                "runs no task (its cluster has no container instance), so it cannot show that a release works"
            ],
        );
    }
}
