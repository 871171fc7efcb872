//! Load balancers: whether their targets exist, checked before ECS refuses the service.

use super::findings::{Plan, Planned};
use aws::clients::{Aws, in_time};
use aws::failure::{Failure, failure, not_asked};
use aws_sdk_ecs::types::Service;
use aws_sdk_elasticloadbalancingv2::types::{TargetGroup, TargetTypeEnum};
use futures_util::future::join_all;
use pipeline::effect::Prepare;
use pipeline::names::ServiceName;
use pipeline::spec::LoadBalancer;
use serde_json::Value;
use std::collections::BTreeMap;

/// Adds mismatches to the plan. For an existing service only its containers are checked: ECS has
/// accepted its target groups.
pub(super) async fn check(
    aws: &Aws,
    prepare: &Prepare,
    described: &BTreeMap<ServiceName, Service>,
    plan: &mut Plan,
) {
    let (mut faults, mut new) = (Vec::new(), Vec::new());
    for planned in &plan.services {
        if let Some(service) = described.get(&planned.name) {
            for balancer in service.load_balancers() {
                let sends = balancer.container_name().zip(balancer.container_port());
                let fault = sends.and_then(|(to, port)| nobody_listens(planned, to, port.into()));
                faults.extend(fault.map(|fault| format!("{fault}, or change its load balancer")));
            }
        } else if let Some(balancer) = to_be_attached(prepare, &planned.name) {
            let (to, port) = (balancer.container.as_str(), balancer.port.into());
            let fault = nobody_listens(planned, to, port);
            let fault = fault.map(|fault| format!("{fault}, or correct load_balancer in the spec"));
            faults.extend(fault);
            new.push((planned, balancer));
        }
    }
    let looking = new.iter().map(async |(planned, balancer)| {
        (&planned.name, in_time(&aws.clock, unfit(aws, balancer, planned)).await)
    });
    for (name, looked) in join_all(looking).await {
        match looked {
            Ok(fault) => faults.extend(fault.map(|fault| format!("{name}: {fault}"))),
            Err(failure) => {
                let group = format!("the target group of {name}");
                plan.warnings.push(not_asked(&group, &failure));
            }
        }
    }
    plan.faults.extend(faults);
}

fn to_be_attached<'a>(prepare: &'a Prepare, name: &ServiceName) -> Option<&'a LoadBalancer> {
    let wanted = prepare.services.iter().find(|wanted| wanted.spec.name == *name)?;
    wanted.spec.create.as_ref()?.load_balancer.as_ref()
}

/// ECS accepts no task definition without the container and port of the service's load balancer.
fn nobody_listens(planned: &Planned, container: &str, port: i64) -> Option<String> {
    let mut containers = planned.after.json()["containerDefinitions"].as_array()?.iter();
    let listens = |mapping: &Value| match mapping["containerPortRange"].as_str() {
        Some(range) => is_in(range, port),
        None => mapping["containerPort"] == port,
    };
    let lacks = match containers.find(|one| one["name"] == container) {
        None => "container",
        Some(one) if !one["portMappings"].as_array().is_some_and(|all| all.iter().any(listens)) => {
            "port"
        }
        Some(_) => return None,
    };
    Some(format!(
        "{}: its load balancer sends to port {port} of {container}, and the task definition has no \
         such {lacks}; add it to the task definition",
        planned.name
    ))
}

/// `8000-8010`
fn is_in(range: &str, port: i64) -> bool {
    let ends = range.split_once('-').and_then(|(first, last)| {
        Some(first.trim().parse::<i64>().ok()?..=last.trim().parse::<i64>().ok()?)
    });
    ends.is_some_and(|ends| ends.contains(&port))
}

/// Why ECS would not create a service behind a target group.
async fn unfit(
    aws: &Aws,
    balancer: &LoadBalancer,
    planned: &Planned,
) -> Result<Option<String>, Failure> {
    let arn = &balancer.target_group;
    let (region, here) = (arn.split(':').nth(3), aws.settings.optional("AWS_REGION"));
    if region != here.as_deref() {
        return Ok(Some(format!(
            "target group {arn} is in another region, so ECS cannot create the service; correct \
             load_balancer.target_group in the spec"
        )));
    }
    let asking = aws.balancers().describe_target_groups().target_group_arns(arn);
    let found = match asking.send().await.map_err(failure) {
        Ok(answer) => answer.target_groups.unwrap_or_default().pop(),
        Err(error) if error.is("TargetGroupNotFound") => None,
        Err(error) => return Err(error),
    };
    let Some(group) = found else {
        return Ok(Some(format!(
            "there is no target group {arn}, so ECS cannot create the service; create it, or \
             correct load_balancer.target_group in the spec"
        )));
    };
    let awsvpc = planned.after.json()["networkMode"] == "awsvpc";
    Ok(misfit(&group, awsvpc).map(|(why, advice)| {
        format!("target group {arn} {why}, so ECS cannot create the service; {advice}")
    }))
}

/// What is wrong with a target group, and what to do.
fn misfit(group: &TargetGroup, awsvpc: bool) -> Option<(String, String)> {
    let wanted = if awsvpc { TargetTypeEnum::Ip } else { TargetTypeEnum::Instance };
    let kind = group.target_type();
    if let Some(kind) = kind.filter(|kind| **kind != wanted) {
        let (kind, wanted) = (kind.as_str(), wanted.as_str());
        let why = format!("has target type {kind}");
        return Some((why, format!("use one with target type {wanted}")));
    }
    if group.load_balancer_arns().is_empty() {
        return Some(("has no load balancer".into(), "add it to a listener".into()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{is_in, misfit};
    use aws_sdk_elasticloadbalancingv2::types::{TargetGroup, TargetTypeEnum};

    #[test]
    fn ports_of_a_range() {
        let held = [7999, 8000, 8010, 8011].map(|port| is_in("8000-8010", port));
        assert_eq!(held, [false, true, true, false]);
        assert!(!is_in("8000", 8000));
    }

    #[test]
    fn a_target_group_fits_tasks_with_their_own_addresses_or_hosts() {
        let group = |kind| {
            let group = TargetGroup::builder().target_type(kind).load_balancer_arns("arn");
            group.build()
        };
        let (ip, instance) = (group(TargetTypeEnum::Ip), group(TargetTypeEnum::Instance));
        assert_eq!((misfit(&ip, true), misfit(&instance, false)), (None, None));
        assert_eq!(misfit(&ip, false).unwrap().0, "has target type ip");
        assert_eq!(misfit(&instance, true).unwrap().0, "has target type instance");
        let alone = TargetGroup::builder().target_type(TargetTypeEnum::Ip).build();
        assert_eq!(misfit(&alone, true).unwrap().0, "has no load balancer");
    }
}
