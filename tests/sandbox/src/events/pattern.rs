//! EventBridge's event patterns: which events a rule wants.

use crate::{Error, iam::matches as like};
use serde_json::Value;

/// Whether an event is one that the pattern wants.
pub fn wants(pattern: &Value, event: &Value) -> bool {
    let Some(members) = pattern.as_object() else { return false };
    members.iter().all(|(key, inner)| match (key.as_str(), inner) {
        ("$or", Value::Array(ways)) => ways.iter().any(|way| wants(way, event)),
        (_, Value::Array(filters)) => accepts(filters, event.get(key)),
        (_, Value::Object(_)) => match event.get(key) {
            // A list of maps is wanted where one of its maps is.
            Some(Value::Array(items)) => items.iter().any(|item| wants(inner, item)),
            Some(value) => wants(inner, value),
            // Only `exists: false` is true of what is not there.
            None => wants(inner, &Value::Null),
        },
        _ => false,
    })
}

/// Checks that the sandbox understands a pattern, so that none is only partly applied.
pub fn check(pattern: &Value, path: &str) -> Result<(), Error> {
    let wrong = |path: &str, problem: &str| Err(Error::template(path, problem));
    let Some(members) = pattern.as_object() else { return wrong(path, "a pattern is a map") };
    if members.is_empty() {
        return wrong(path, "an empty pattern is not allowed");
    }
    for (key, inner) in members {
        let path = format!("{path}.{key}");
        match (key.as_str(), inner) {
            ("$or", Value::Array(ways)) => {
                for way in ways {
                    check(way, &path)?;
                }
            }
            (_, Value::Object(_)) => check(inner, &path)?,
            (_, Value::Array(filters)) if filters.is_empty() => {
                return wrong(&path, "an empty list wants nothing");
            }
            (_, Value::Array(filters)) => {
                for filter in filters {
                    if !known(filter) {
                        return wrong(
                            &path,
                            &format!("the sandbox does not know the filter {filter}"),
                        );
                    }
                }
            }
            _ => return wrong(&path, "a pattern has lists of values, and maps"),
        }
    }
    Ok(())
}

fn known(filter: &Value) -> bool {
    match filter {
        Value::Object(members) => {
            let one = if members.len() == 1 { members.iter().next() } else { None };
            match one.map(|(name, argument)| (name.as_str(), argument)) {
                Some(("prefix" | "suffix", Value::Object(inner))) => {
                    inner.len() == 1
                        && inner.get("equals-ignore-case").is_some_and(Value::is_string)
                }
                Some(("prefix" | "suffix" | "equals-ignore-case" | "wildcard", argument)) => {
                    argument.is_string()
                }
                Some(("exists", argument)) => argument.is_boolean(),
                Some(("numeric", Value::Array(parts))) => numeric(parts, 0.0).is_some(),
                Some(("anything-but", Value::Object(inner))) => {
                    let each = inner.iter().flat_map(|(name, argument)| ways(name, argument));
                    let mut each = each.peekable();
                    inner.len() == 1
                        && inner.get("exists").is_none()
                        && each.peek().is_some()
                        && each.all(|filter| known(&filter))
                }
                Some(("anything-but", argument)) => !argument.is_null(),
                _ => false,
            }
        }
        Value::Array(_) => false,
        _ => true,
    }
}

/// Inside of `anything-but` a filter may have a list: it is one filter for each of them.
fn ways(name: &str, argument: &Value) -> Vec<Value> {
    let arguments = argument.as_array().map_or(std::slice::from_ref(argument), Vec::as_slice);
    arguments.iter().map(|one| serde_json::json!({ name: one })).collect()
}

fn accepts(filters: &[Value], value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(items)) if !items.is_empty() => {
            filters.iter().any(|filter| items.iter().any(|item| accept(filter, Some(item))))
        }
        // A filter sees an empty list as nothing at all.
        Some(Value::Array(_)) => filters.iter().any(|filter| accept(filter, None)),
        value => filters.iter().any(|filter| accept(filter, value)),
    }
}

fn accept(filter: &Value, value: Option<&Value>) -> bool {
    let Value::Object(members) = filter else {
        return match (filter, value) {
            (Value::Number(one), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
            (filter, Some(value)) => filter == value,
            (_, None) => false,
        };
    };
    let Some((name, argument)) = members.iter().next() else { return false };
    if name == "exists" {
        // A map has no value of its own: `exists` checks leaves only.
        return argument.as_bool() == Some(value.is_some_and(|value| !value.is_object()));
    }
    let Some(value) = value else { return false };
    match (name.as_str(), argument) {
        ("anything-but", Value::Object(inner)) => {
            let mut each = inner.iter().flat_map(|(name, argument)| ways(name, argument));
            value.is_string() && !each.any(|filter| accept(&filter, Some(value)))
        }
        ("anything-but", Value::Array(others)) => {
            !others.iter().any(|other| accept(other, Some(value)))
        }
        ("anything-but", other) => !accept(other, Some(value)),
        ("numeric", Value::Array(parts)) => {
            value.as_f64().is_some_and(|number| numeric(parts, number) == Some(true))
        }
        (_, argument) => value.as_str().is_some_and(|text| fits(name, argument, text)),
    }
}

fn fits(name: &str, argument: &Value, text: &str) -> bool {
    let ignoring = argument.get("equals-ignore-case").and_then(Value::as_str);
    match (name, argument.as_str(), ignoring) {
        ("prefix", Some(prefix), _) => text.starts_with(prefix),
        ("suffix", Some(suffix), _) => text.ends_with(suffix),
        ("prefix", None, Some(prefix)) => text.to_lowercase().starts_with(&prefix.to_lowercase()),
        ("suffix", None, Some(suffix)) => text.to_lowercase().ends_with(&suffix.to_lowercase()),
        ("equals-ignore-case", Some(other), _) => text.to_lowercase() == other.to_lowercase(),
        // IAM's `?` is an ordinary character here, and none of our patterns has one.
        ("wildcard", Some(pattern), _) => like(pattern, text, false),
        _ => false,
    }
}

/// Whether a number is in a range such as `[">=", 1, "<", 5]`; nothing where it is no range.
fn numeric(parts: &[Value], number: f64) -> Option<bool> {
    if parts.is_empty() || !parts.len().is_multiple_of(2) {
        return None;
    }
    let mut inside = true;
    for pair in parts.chunks_exact(2) {
        let bound = pair[1].as_f64()?;
        inside &= match pair[0].as_str()? {
            "=" => number == bound,
            ">" => number > bound,
            ">=" => number >= bound,
            "<" => number < bound,
            "<=" => number <= bound,
            _ => return None,
        };
    }
    Some(inside)
}
