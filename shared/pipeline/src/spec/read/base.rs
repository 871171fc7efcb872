//! What a new revision is based on: the running one, the newest of its family, or a template.

use super::super::did_you_mean;
use super::super::model::{Base, Service};
use super::super::node::Node;
use super::super::template::{self, VERSION_PARAMETER};
use super::{Images, definition};
use std::collections::{BTreeMap, BTreeSet};

/// ECS's maximum for one task definition.
const MOST_BYTES: usize = 64 * 1024;
const MOST_PARAMETERS: usize = 200;
const MOST_VALUE_BYTES: usize = 4096;

pub(super) fn base(node: &Node, images: &Images) -> Option<Base> {
    if !node.is_map() {
        return node.choice(&[("running", Base::Running), ("latest", Base::Latest)]);
    }
    let mut entries = node.map("{template: {…}, parameters: {…}}")?;
    let definition = entries.require("template", "{family: …, containerDefinitions: […]}");
    let written = entries.get("parameters");
    entries.end();

    let parameters = written.map(|n| parameters(&n)).unwrap_or_default();
    let node = definition?;
    if template::is_too_deep(node.value()) {
        node.fault("it is nested too deeply; no task definition is");
        return None;
    }
    let definition = template::typed(node.value().clone());
    if definition.to_string().len() > MOST_BYTES {
        node.fault("it is larger than the 64 KiB that ECS takes; remove something");
        return None;
    }
    let names = template::names(&definition);
    check_parameters(&node, &names, &parameters);
    // With a placeholder for every missing value, the rest is checked in the same pass.
    let mut values = parameters.values.clone();
    for name in names {
        let itself = format!("${{{name}}}");
        values.entry(name).or_insert(itself);
    }
    if let Ok(rendered) = template::render(&definition, &values) {
        definition::check(&node.with(&rendered), images);
    }
    Some(Base::Template { definition, parameters: parameters.values })
}

#[derive(Default)]
struct Parameters<'a> {
    values: BTreeMap<String, String>,
    nodes: BTreeMap<String, Node<'a>>,
}

fn parameters<'a>(node: &Node<'a>) -> Parameters<'a> {
    let mut parameters = Parameters::default();
    for (name, node) in node.named("{name: value}, or remove parameters", MOST_PARAMETERS) {
        let value = node.text();
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            node.fault(format!(
                "{name} is empty: the container would start and fail; give it a value or remove the container from the template"
            ));
        }
        let mut value = value.unwrap_or_default();
        if value.len() > MOST_VALUE_BYTES {
            node.fault(format!("it is longer than {MOST_VALUE_BYTES} bytes; shorten it"));
            value.clear();
        }
        parameters.values.insert(name.to_owned(), value);
        parameters.nodes.insert(name.to_owned(), node);
    }
    parameters
}

fn check_parameters(template: &Node, names: &BTreeSet<String>, parameters: &Parameters) {
    let has_value =
        |name: &String| parameters.values.contains_key(name) || name == VERSION_PARAMETER;
    for name in names.iter().filter(|name| !has_value(name)) {
        template.fault(format!(
            "${{{name}}} has no value; write parameters: {{{name}: …}}, or $${{{name}}} if the \
             container is to see it as it is"
        ));
    }
    for (name, node) in parameters.nodes.iter().filter(|(name, _)| !names.contains(*name)) {
        node.fault(format!("nothing uses it; write ${{{name}}} in the template or remove it"));
    }
}

/// Reports a fault if the service has a template without this container.
pub(super) fn check_container(node: &Node, container: &str, service: Option<&Service>) {
    let Some(Base::Template { definition, .. }) = service.map(|service| &service.base) else {
        return;
    };
    let containers = definition["containerDefinitions"].as_array();
    let names = || containers.into_iter().flatten().filter_map(|entry| entry["name"].as_str());
    let is_known =
        names().next().is_none() || names().any(|name| name == container || name.contains("${"));
    if !is_known {
        node.fault_about(&format!(
            "is not in the template; {}",
            did_you_mean::instead(container, names())
        ));
    }
}
