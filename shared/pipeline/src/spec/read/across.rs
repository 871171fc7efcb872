//! Mistakes that only a comparison of the environments shows.

use super::super::did_you_mean;
use super::super::model::{Application, Environment};
use super::super::node::Node;
use crate::names::EnvironmentName;
use std::collections::BTreeSet;

pub(super) fn check(application: &Application, root: &Node) {
    for (name, environment) in &application.environments {
        let node = root.at("environments").at(name.as_str());
        check_promotion(application, name, environment, &node);
        check_tag(application, environment, &node);
        check_services(application, name, environment, &node);
        if let Some(why) = environment.too_large(&application.images) {
            node.fault(why);
        }
    }
    if let Some(why) = application.too_large() {
        root.fault(why);
    }
}

fn promoted_from(environment: &Environment) -> Option<&EnvironmentName> {
    environment.deploy_on.as_ref()?.promoted_from.as_ref()
}

fn check_promotion(
    application: &Application,
    name: &EnvironmentName,
    environment: &Environment,
    node: &Node,
) {
    let Some(source) = promoted_from(environment) else { return };
    let fault = |message: String| node.at("deploy_on").fault_at("promoted_from", message);
    if source == name {
        return fault(
            "an environment cannot wait for itself; name the one that comes before it".into(),
        );
    }
    if !application.environments.contains_key(source) {
        let others = application.environments.keys().filter(|other| *other != name);
        let instead = did_you_mean::instead(source.as_str(), others.map(EnvironmentName::as_str));
        return fault(format!("there is no environment {source}; {instead}"));
    }
    let mut way = vec![name];
    let mut next = Some(source);
    while let Some(current) = next {
        if way.contains(&current) {
            way.push(current);
            break;
        }
        way.push(current);
        next = application.environments.get(current).and_then(promoted_from);
    }
    // A cycle is one mistake: it is reported once, at its first name.
    if way.last() == Some(&name) && way.iter().min() == Some(&name) {
        let way: Vec<&str> = way.iter().map(|name| name.as_str()).collect();
        fault(format!("promotion goes in a circle: {}; remove one of them", way.join(" from ")));
    }
}

/// A tag that Slipway puts and also deploys would start deployments endlessly.
fn check_tag(application: &Application, environment: &Environment, node: &Node) {
    let Some(tag) = &environment.tag else { return };
    for (other, listening) in &application.environments {
        let patterns = listening.deploy_on.iter().flat_map(|deploy_on| &deploy_on.tags);
        if patterns.into_iter().any(|pattern| pattern.matches(tag)) {
            node.fault_at(
                "tag",
                format!(
                    "{other} deploys pushes of {tag}, so this would loop; choose a tag that no deploy_on.tags matches"
                ),
            );
        }
    }
}

fn check_services(
    application: &Application,
    name: &EnvironmentName,
    environment: &Environment,
    node: &Node,
) {
    let before = application.environments.iter().take_while(|(other, _)| *other != name);
    for (other, twin) in before.filter(|(_, twin)| twin.target.overlaps(&environment.target)) {
        let theirs: BTreeSet<_> = twin.services().map(|(_, service)| &service.name).collect();
        for (_, service) in environment.services().filter(|(_, s)| theirs.contains(&s.name)) {
            node.fault_at(
                "services",
                format!(
                    "{} is also in {other}, on the same cluster or hosts; a service belongs to one environment",
                    service.name
                ),
            );
        }
    }
}
