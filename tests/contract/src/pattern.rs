//! EventBridge's event patterns, as far as the template uses them.

use serde_json::{Map, Value};

/// Whether a rule with this pattern would be told of this event.
pub fn matches(pattern: &Value, event: &Value) -> bool {
    pattern.as_object().is_some_and(|fields| all_match(fields, event))
}

fn all_match(fields: &Map<String, Value>, event: &Value) -> bool {
    fields.iter().all(|(name, wanted)| match wanted {
        Value::Array(ways) if name == "$or" => ways.iter().any(|way| matches(way, event)),
        Value::Array(tests) => tests.iter().any(|test| leaf_matches(test, event.get(name))),
        // A list of objects matches if one of them does.
        Value::Object(inner) => match event.get(name) {
            Some(Value::Array(items)) => items.iter().any(|item| all_match(inner, item)),
            Some(item) => all_match(inner, item),
            None => false,
        },
        _ => false,
    })
}

fn leaf_matches(test: &Value, found: Option<&Value>) -> bool {
    if let Some(wanted) = test.get("exists") {
        let exists = found.is_some_and(|value| !value.is_object());
        return wanted.as_bool() == Some(exists);
    }
    match found {
        None | Some(Value::Object(_)) => false,
        Some(Value::Array(values)) => values.iter().any(|value| scalar_matches(test, value)),
        Some(value) => scalar_matches(test, value),
    }
}

fn scalar_matches(test: &Value, value: &Value) -> bool {
    if let Some(prefix) = test.get("prefix").and_then(Value::as_str) {
        return value.as_str().is_some_and(|text| text.starts_with(prefix));
    }
    match test.get("anything-but") {
        Some(Value::Array(others)) => !others.contains(value),
        Some(other) => other != value,
        None => test == value,
    }
}
