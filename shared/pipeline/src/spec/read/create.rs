//! How a service that does not exist yet is created.

use super::super::model::{Base, Create, LoadBalancer, Service};
use super::super::node::Node;
use super::super::syntax::{self, Rule};
use super::base;
use crate::names::ContainerName;

pub(super) fn create(node: &Node, service: &Service) -> Option<Create> {
    let mut entries =
        node.map("{desired_count: 1, subnets: [subnet-…], security_groups: [sg-…]}")?;
    let count = entries.get("desired_count").and_then(|n| n.whole(0..=1000));
    let subnets = entries.require("subnets", "[subnet-…]").map(|n| ids(&n, syntax::subnet, 16));
    let groups = entries.require("security_groups", "[sg-…]");
    let groups = groups.map(|n| ids(&n, syntax::security_group, 5));
    let public_ip = entries.get("public_ip").and_then(|n| n.flag());
    let load_balancer = entries.get("load_balancer").and_then(|n| load_balancer(&n, service));
    entries.end();

    if !matches!(service.base, Base::Template { .. }) {
        node.fault(
            "a service that does not exist runs no task definition to start from; write \
             base: {template: …} beside it",
        );
    }
    Some(Create {
        desired_count: count.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        subnets: subnets.unwrap_or_default(),
        security_groups: groups.unwrap_or_default(),
        public_ip: public_ip.unwrap_or(false),
        load_balancer,
    })
}

fn ids(node: &Node, rule: Rule, most: usize) -> Vec<String> {
    let items = node.list("their ids, each an item", 1..=most);
    items.iter().filter_map(|n| n.name(rule)).collect()
}

fn load_balancer(node: &Node, service: &Service) -> Option<LoadBalancer> {
    let mut entries = node.map("{target_group: arn:…, container: api, port: 8000}")?;
    let target_group = entries.require("target_group", "its ARN");
    let target_group = target_group.and_then(|n| n.name(syntax::target_group));
    let container = entries.require("container", "the container that takes the requests");
    let port = entries.require("port", "8000").and_then(|n| n.whole(1..=65535));
    entries.end();

    let container = container.and_then(|n| {
        let container = n.name(syntax::container)?;
        base::check_container(&n, &container, Some(service));
        Some(container)
    });
    Some(LoadBalancer {
        target_group: target_group?,
        container: ContainerName::new(container?),
        port: u16::try_from(port?).ok()?,
    })
}
