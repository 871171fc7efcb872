//! What a new revision is made from; a template is read as closely as ECS would read it.

use super::super::model::{Base, Service};
use super::super::near;
use super::super::node::Node;
use super::super::{secrets, syntax, template};
use super::Images;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `describe-task-definition` answers and `register-task-definition` refuses.
const ANSWERED: [&str; 8] = [
    "compatibilities",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// What ECS takes as one task definition.
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
        node.fault("it is larger than the 64 KiB that ECS takes; take something out");
        return None;
    }
    let names = template::names(&definition);
    check_parameters(&node, &names, &parameters);
    // With every name filled in, somehow, the rest is checked in the same pass.
    let mut values = parameters.values.clone();
    for name in names {
        let itself = format!("${{{name}}}");
        values.entry(name).or_insert(itself);
    }
    if let Ok(rendered) = template::render(&definition, &values) {
        check_definition(&node.with(&rendered), images);
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
    for (name, node) in node.named("{name: value}, or take parameters out", MOST_PARAMETERS) {
        let value = node.text();
        if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
            node.fault(format!(
                "{name} is empty: the container would start and fail; give it a value or take the \
                 container out of the template"
            ));
        }
        let value = value.unwrap_or_default();
        if value.len() > MOST_VALUE_BYTES {
            node.fault(format!("it is longer than {MOST_VALUE_BYTES} bytes; shorten it"));
            continue;
        }
        parameters.values.insert(name.to_owned(), value);
        parameters.nodes.insert(name.to_owned(), node);
    }
    parameters
}

fn check_parameters(template: &Node, names: &BTreeSet<String>, parameters: &Parameters) {
    for name in names.iter().filter(|name| !parameters.values.contains_key(*name)) {
        template.fault(format!(
            "${{{name}}} has no value; write parameters: {{{name}: …}}, or $${{{name}}} if the \
             container is to see it as it is"
        ));
    }
    for (name, node) in parameters.nodes.iter().filter(|(name, _)| !names.contains(*name)) {
        node.fault(format!("nothing uses it; write ${{{name}}} in the template or take it out"));
    }
}

fn check_definition(node: &Node, images: &Images) {
    let Value::Object(entries) = node.value() else {
        node.fault_about("is not a map; write {family: …, containerDefinitions: […]}");
        return;
    };
    if entries.get("family").and_then(Value::as_str).is_none_or(str::is_empty) {
        node.fault_at(
            "family",
            "it is missing; write the task definition's family, such as scr-api",
        );
    }
    for key in ANSWERED.iter().filter(|key| entries.contains_key(**key)) {
        node.fault_at(key, "ECS fills this in by itself; take it out");
    }
    let Some(containers) = entries.get("containerDefinitions") else {
        let message = "it is missing; write [{name: api, image: scr-api}]";
        return node.fault_at("containerDefinitions", message);
    };
    let containers = node.below("containerDefinitions", containers);
    let mut names = BTreeSet::new();
    let mut is_ours = false;
    let items = containers.list("[{name: api, image: scr-api}]", 1..=10);
    for container in &items {
        for key in ["name", "image"] {
            if container.value()[key].as_str().is_none_or(str::is_empty) {
                container.fault_at(key, "it is missing; every container has a name and an image");
            }
        }
        let image = container.value()["image"].as_str().unwrap_or_default();
        let repository = syntax::repository_of(image);
        is_ours |= image.contains("${") || images.values().any(|ours| ours.as_str() == repository);
        let name = container.value()["name"].as_str().unwrap_or_default();
        if !names.insert(name) {
            container.fault_at("name", "another container has this name; choose another");
        }
        check_variables(container);
    }
    if !is_ours && !items.is_empty() {
        let ours: Vec<&str> = images.values().map(|repository| repository.as_str()).collect();
        containers.fault(format!(
            "no container runs an image of this application; write one of its repositories as \
             image: {}",
            ours.join(", ")
        ));
    }
}

/// Everybody who may look at a task definition reads its variables.
fn check_variables(container: &Node) {
    let Some(variables) = container.value().get("environment") else { return };
    let variables = container.below("environment", variables);
    for variable in variables.list("[{name: LOG_LEVEL, value: info}]", 0..=500) {
        let name = variable.value()["name"].as_str().unwrap_or_default();
        let value = variable.value()["value"].as_str().unwrap_or_default();
        let is_secret = secrets::is_secret_name(name) && !value.is_empty();
        if is_secret || secrets::carries_login(value) {
            variable.fault(format!(
                "{name} is a secret that everybody could read here; move it to secrets: [{{name: \
                 {name}, valueFrom: the ARN of its secret}}]"
            ));
        }
    }
}

/// Complains if the service is made from a template that has no such container.
pub(super) fn check_container(node: &Node, container: &str, service: Option<&Service>) {
    let Some(Base::Template { definition, .. }) = service.map(|service| &service.base) else {
        return;
    };
    let containers = definition["containerDefinitions"].as_array();
    let names = || containers.into_iter().flatten().filter_map(|entry| entry["name"].as_str());
    let is_known =
        names().next().is_none() || names().any(|name| name == container || name.contains("${"));
    if !is_known {
        node.fault_about(&format!("is not in the template; {}", near::instead(container, names())));
    }
}
