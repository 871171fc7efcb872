//! Task definitions as templates: `${name}` is replaced by the parameter.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A parameter that needs no value in the spec: the version of the release.
pub const VERSION_PARAMETER: &str = "version";

/// Task definitions are much flatter; deeper ones are rejected before any recursion.
const DEEPEST: usize = 40;

/// Numbers in a task definition, wherever the key is.
const WHOLE: [&str; 16] = [
    "containerPort",
    "hardLimit",
    "hostPort",
    "interval",
    "maxSwap",
    "memoryReservation",
    "retries",
    "sharedMemorySize",
    "size",
    "sizeInGiB",
    "softLimit",
    "startPeriod",
    "startTimeout",
    "stopTimeout",
    "swappiness",
    "timeout",
];

/// Booleans in a task definition, wherever the key is.
const FLAGS: [&str; 10] = [
    "autoprovision",
    "disableNetworking",
    "enableFaultInjection",
    "essential",
    "initProcessEnabled",
    "interactive",
    "privileged",
    "pseudoTerminal",
    "readOnly",
    "readonlyRootFilesystem",
];

/// Maps whose keys the team chooses, and whose values are text.
const FREE_MAPS: [&str; 4] = ["dockerLabels", "driverOpts", "labels", "options"];

/// The type that ECS needs at a key.
pub(super) enum Kind {
    Whole,
    Flag,
    Text,
    FreeMap,
}

/// Returns the type that ECS needs at a key; `None`: the value has its own type.
pub(super) fn kind_of(key: &str, in_container: bool) -> Option<Kind> {
    let is_limit = key == "cpu" || key == "memory";
    if WHOLE.contains(&key) || (is_limit && in_container) {
        Some(Kind::Whole)
    } else if FLAGS.contains(&key) {
        Some(Kind::Flag)
    } else if key == "value" || is_limit {
        Some(Kind::Text)
    } else {
        FREE_MAPS.contains(&key).then_some(Kind::FreeMap)
    }
}

/// Replaces the parameters in a task definition; the error is the names without a value.
///
/// `$${name}` stays as `${name}`, for a shell in the container.
pub fn render(
    definition: &Value,
    parameters: &BTreeMap<String, String>,
) -> Result<Value, Vec<String>> {
    let mut missing = BTreeSet::new();
    let mut rendered = definition.clone();
    fill(&mut rendered, &mut |name| match parameters.get(name) {
        Some(value) => value.clone(),
        None => {
            missing.insert(name.to_owned());
            String::new()
        }
    });
    if missing.is_empty() { Ok(typed(rendered)) } else { Err(missing.into_iter().collect()) }
}

/// Returns the parameter names in a task definition.
pub(super) fn names(definition: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    fill(&mut definition.clone(), &mut |name| {
        names.insert(name.to_owned());
        String::new()
    });
    names
}

fn fill(value: &mut Value, lookup: &mut impl FnMut(&str) -> String) {
    match value {
        Value::String(text) => *text = filled(text, lookup),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, lookup)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| fill(entry, lookup)),
        _ => {}
    }
}

fn filled(text: &str, lookup: &mut impl FnMut(&str) -> String) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after_name)) = after.split_once('}') else { break };
        match before.strip_suffix('$') {
            Some(before) => {
                filled.push_str(before);
                filled.push_str(&format!("${{{name}}}"));
            }
            None => {
                filled.push_str(before);
                filled.push_str(&lookup(name));
            }
        }
        rest = after_name;
    }
    filled.push_str(rest);
    filled
}

/// Gives every value of a task definition the type that ECS needs.
///
/// CloudFormation turns numbers into text, and YAML turns text into numbers.
pub(super) fn typed(mut definition: Value) -> Value {
    give_types(&mut definition, false);
    definition
}

fn give_types(value: &mut Value, in_container: bool) {
    match value {
        Value::Array(items) => {
            for item in items {
                // A list of scalars is a command, an entry point, addresses: always text.
                to_text(item);
                give_types(item, in_container);
            }
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                match (kind_of(key, in_container), &mut *entry) {
                    (Some(Kind::Whole), entry) => to_whole(entry),
                    (Some(Kind::Flag), entry) => to_flag(entry),
                    (Some(Kind::Text), entry) => to_text(entry),
                    (Some(Kind::FreeMap), Value::Object(free)) => {
                        free.values_mut().for_each(to_text);
                        continue;
                    }
                    _ => {}
                }
                give_types(entry, key == "containerDefinitions");
            }
        }
        _ => {}
    }
}

/// A fraction stays: `1.10` was read as `1.1`, and the original text is lost.
fn to_text(value: &mut Value) {
    if (value.is_number() && !value.is_f64()) || value.is_boolean() {
        *value = Value::String(value.to_string());
    }
}

fn to_whole(value: &mut Value) {
    if let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok()) {
        *value = number.into();
    }
}

fn to_flag(value: &mut Value) {
    if let Some(flag) = value.as_str().and_then(|text| text.parse::<bool>().ok()) {
        *value = flag.into();
    }
}

/// Returns whether the value is nested deeper than any task definition; never recurses deeper
/// itself.
pub(super) fn is_too_deep(value: &Value) -> bool {
    fn exceeds(value: &Value, levels_left: usize) -> bool {
        let Some(levels_left) = levels_left.checked_sub(1) else { return true };
        match value {
            Value::Array(items) => items.iter().any(|item| exceeds(item, levels_left)),
            Value::Object(entries) => entries.values().any(|entry| exceeds(entry, levels_left)),
            _ => false,
        }
    }
    exceeds(value, DEEPEST)
}
