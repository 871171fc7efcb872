//! The services of an environment, in the order of the rollout.

use super::super::did_you_mean;
use super::super::model::{Base, HostContainer, Service};
use super::super::node::Node;
use super::super::syntax;
use super::{Images, base, create};
use crate::names::{ImageName, ServiceName};
use crate::time::Span;
use std::collections::BTreeSet;

pub(super) const SHORTEST: Span = Span::seconds(10);
pub(super) const USUAL: Span = Span::minutes(10);
pub(super) const LONGEST: Span = Span::hours(24);

const MOST_WAVES: usize = 50;
const MOST_SERVICES: usize = 200;
/// A host reports all its services in one answer, and Run Command keeps 24,000 characters of it.
const MOST_SERVICES_ON_HOSTS: usize = 50;
const EXAMPLE: &str = "[scr-api, scr-web]; an inner list goes out together";

/// The keys of a service.
const KEYS: [&str; 5] = ["name", "timeout", "base", "create", "container"];

/// The environment's values for all of its services.
pub(super) struct Defaults<'a> {
    pub(super) on_hosts: bool,
    pub(super) timeout: Span,
    pub(super) base: Option<Base>,
    pub(super) images: &'a Images,
}

pub(super) fn waves(node: &Node, defaults: &Defaults) -> Vec<Vec<Service>> {
    let mut names = BTreeSet::new();
    let mut waves = Vec::new();
    for item in node.list(EXAMPLE, 1..=MOST_WAVES) {
        let wave = if item.is_list() { item.list(EXAMPLE, 1..=MOST_SERVICES) } else { vec![item] };
        let mut services = Vec::new();
        for item in wave {
            let Some(service) = service(&item, defaults) else { continue };
            if !names.insert(service.name.clone()) {
                item.fault(format!("{} is listed twice; keep one", service.name));
            }
            services.push(service);
        }
        waves.push(services);
    }
    if names.len() > MOST_SERVICES {
        node.fault(format!("there are {}; at most {MOST_SERVICES} are allowed", names.len()));
    } else if defaults.on_hosts && names.len() > MOST_SERVICES_ON_HOSTS {
        node.fault(format!(
            "there are {}; at most {MOST_SERVICES_ON_HOSTS} are allowed on hosts, so move some to another environment",
            names.len()
        ));
    }
    waves
}

fn service(node: &Node, defaults: &Defaults) -> Option<Service> {
    let rule = if defaults.on_hosts { syntax::host_container } else { syntax::service };
    if !node.is_map() {
        let name = node.name(rule)?;
        if defaults.on_hosts {
            node.fault(format!(
                "nothing says how it is run; write {{name: {name}, container: {{image: …}}}}"
            ));
        }
        return Some(plain(name, defaults));
    }
    if let Some(name) = name_as_key(node) {
        node.fault(format!("its name is written as a key; write {{name: {name}, …}}"));
        return Some(plain(name.to_owned(), defaults));
    }
    let mut entries = node.map("{name: scr-api, timeout: 5m}")?;
    let name = entries.require("name", "scr-api").and_then(|n| n.name(rule));
    let timeout = entries.get("timeout").and_then(|n| n.span(SHORTEST, LONGEST));
    let own_base = entries.get("base");
    let create = entries.get("create");
    let container = entries.get("container");
    entries.end();

    if defaults.on_hosts {
        for entry in own_base.iter().chain(&create) {
            entry.fault("this is for services of a cluster; hosts run containers, remove it");
        }
        if container.is_none() {
            node.fault_at(
                "container",
                "it is missing; write container: {image: api, ports: [\"8000:8000\"]}",
            );
        }
    } else if let Some(container) = &container {
        container
            .fault("this is for containers on hosts; the task definition says it here, remove it");
    }
    let mut service = plain(name?, defaults);
    service.timeout = timeout.unwrap_or(defaults.timeout);
    if let Some(own_base) = own_base.and_then(|n| base::base(&n, defaults.images)) {
        service.base = own_base;
    }
    service.create = create.and_then(|n| create::create(&n, &service));
    service.container = container.and_then(|n| host_container(&n, defaults.images));
    Some(service)
}

/// The only key of a service that has nothing else: `scr-api: {timeout: 5m}`.
fn name_as_key<'a>(node: &Node<'a>) -> Option<&'a str> {
    let entries = node.value().as_object().filter(|entries| entries.len() == 1)?;
    let (key, value) = entries.iter().next()?;
    let is_block = value.is_object() || value.is_null();
    (is_block && !KEYS.contains(&key.as_str()) && syntax::service(key).is_ok()).then_some(key)
}

fn plain(name: String, defaults: &Defaults) -> Service {
    Service {
        name: ServiceName::new(name),
        timeout: defaults.timeout,
        base: defaults.base.clone().unwrap_or(Base::Running),
        create: None,
        container: None,
    }
}

fn host_container(node: &Node, images: &Images) -> Option<HostContainer> {
    let mut entries = node.map("{image: api, ports: [\"8000:8000\"]}")?;
    let image = entries.require("image", "the short name of one of the images");
    let ports = entries.get("ports").map(|n| n.list("[\"8000:8000\"]", 1..=20)).unwrap_or_default();
    let env_file = entries.get("env_file").and_then(|n| n.name(syntax::host_file));
    entries.end();

    let name = image.as_ref().and_then(Node::text).map(ImageName::new)?;
    // If no image could be read at all, that is already reported.
    if let Some(image) = image.filter(|_| !images.is_empty() && !images.contains_key(&name)) {
        let instead = did_you_mean::instead(name.as_str(), images.keys().map(ImageName::as_str));
        image.fault_about(&format!("is not one of the images; {instead}"));
    }
    let ports = ports.iter().filter_map(|n| n.name(syntax::port_mapping)).collect();
    Some(HostContainer { image: name, ports, env_file })
}
