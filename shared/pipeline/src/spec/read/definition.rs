//! A task definition in a template, checked as strictly as ECS checks it.

use super::super::node::Node;
use super::super::syntax;
use super::super::template::{Kind, kind_of};
use super::{Images, variables};
use serde_json::Value;
use std::collections::BTreeSet;

/// What `describe-task-definition` returns and `register-task-definition` rejects.
pub const ANSWERED: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

pub(super) fn check(node: &Node, images: &Images) {
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
    check_types(node, false);
    for key in ANSWERED.iter().filter(|key| entries.contains_key(**key)) {
        node.fault_at(key, "ECS sets this; remove it");
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
        check_words(container);
        variables::check(container);
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

/// Values where ECS needs a number or a boolean, and that are neither.
fn check_types(node: &Node, in_container: bool) {
    match node.value() {
        Value::Number(_) => check_fraction(node),
        Value::Array(_) => {
            node.list("", 0..=usize::MAX).iter().for_each(|item| check_types(item, in_container));
        }
        Value::Object(entries) => {
            for (key, value) in entries.iter().filter(|(_, value)| !is_open(value)) {
                let node = node.below(key, value);
                match kind_of(key, in_container) {
                    Some(Kind::Whole) if !value.is_i64() => {
                        node.fault_about("is not a whole number; write one");
                    }
                    Some(Kind::Flag) if !value.is_boolean() => {
                        node.fault_about("is neither true nor false; write one of them");
                    }
                    // The keys below are chosen by the team, whatever their names.
                    Some(Kind::FreeMap) => {
                        let entries = value.as_object().into_iter().flatten();
                        entries.for_each(|(key, value)| check_fraction(&node.below(key, value)));
                    }
                    _ => check_types(&node, key == "containerDefinitions"),
                }
            }
        }
        _ => {}
    }
}

/// No number in a task definition has a fraction, so this one should be text.
fn check_fraction(node: &Node) {
    if node.value().is_f64() {
        node.fault("this number has a fraction; if it is text, put it in quotes");
    }
}

/// A missing value, or one that needs a parameter that is missing.
fn is_open(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.contains("${"))
}

fn check_words(container: &Node) {
    for key in ["command", "entryPoint"] {
        let words = container.value().get(key).filter(|words| !words.is_null());
        if let Some(words) = words {
            container.below(key, words).list("each word as an item: [python, -m, app]", 0..=1000);
        }
    }
}
