//! What is different between two specs, in lines that a person can read.

use pipeline::spec::Application;
use pipeline::time::{Span, Time};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const LINES_MAX: usize = 100;
/// Keys whose values are spans of time, in seconds.
const SPANS: [&str; 5] = ["bake", "every", "expires", "patience", "timeout"];
const VALUE_MAX: usize = 120;

/// Every place where the new spec differs from the stored one; empty: nowhere.
pub(crate) fn changes(stored: Option<&Application>, new: &Application) -> Vec<String> {
    let Some(stored) = stored else {
        return vec![format!("{} is new", new.application)];
    };
    let [before, after] = [stored, new].map(|spec| {
        let mut value = serde_json::to_value(spec).unwrap_or_default();
        spell_moments(&mut value);
        value
    });
    let mut lines = Vec::new();
    compare("", &before, &after, &mut lines);
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.truncate(LINES_MAX);
        lines.push(format!("and {more} more"));
    }
    lines
}

fn compare(path: &str, before: &Value, after: &Value, lines: &mut Vec<String>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) if !is_another_kind(old, new) => {
            for (key, old) in old {
                match new.get(key) {
                    Some(new) => compare(&join(path, key), old, new, lines),
                    None => lines.push(format!("{} is gone", join(path, key))),
                }
            }
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
            lines.extend(added.map(|(key, new)| is_new(&join(path, key), new)));
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, lines);
            }
        }
        (Value::Array(old), Value::Array(new)) => compare_lists(path, old, new, lines),
        (Value::Null, new) => lines.push(is_new(path, new)),
        (_, Value::Null) => lines.push(format!("{path} is gone")),
        _ => lines.push(is_another(path, before, after)),
    }
}

/// What is longer or shorter than before: by the names of what is in it, if all of it has one.
fn compare_lists(path: &str, old: &[Value], new: &[Value], lines: &mut Vec<String>) {
    let (Some(before), Some(after)) = (by_name(old), by_name(new)) else {
        lines.push(is_another(path, &old.into(), &new.into()));
        return;
    };
    for (name, old) in &before {
        match after.get(name) {
            Some(new) => compare(&format!("{path}[{name}]"), old, new, lines),
            None => lines.push(format!("{path}: {name} is gone")),
        }
    }
    let added = after.keys().filter(|name| !before.contains_key(*name));
    lines.extend(added.map(|name| format!("{path}: {name} is new")));
}

fn by_name(values: &[Value]) -> Option<BTreeMap<String, &Value>> {
    let named = values.iter().map(|value| Some((name_of(value)?, value)));
    let named: BTreeMap<String, &Value> = named.collect::<Option<_>>()?;
    (named.len() == values.len()).then_some(named)
}

/// A wave of services is called what they are called.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::Array(values) => {
            let names: Option<Vec<String>> = values.iter().map(name_of).collect();
            names.map(|names| names.join(" and "))
        }
        value => value["name"].as_str().map(str::to_owned),
    }
}

/// When a freeze begins and ends is stored in milliseconds.
fn spell_moments(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value.as_object_mut().filter(|_| key == "once") {
                    Some(moments) => moments.values_mut().for_each(spell_moment),
                    None => spell_moments(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(spell_moments),
        _ => {}
    }
}

fn spell_moment(value: &mut Value) {
    if let Some(millis) = value.as_u64() {
        *value = Time::from_millis(millis).to_string().into();
    }
}

/// `{glob: …}` and `{moving: …}`: one thing in place of another.
fn is_another_kind(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let scalar = |value: &Value| !value.is_object();
    let one = |map: &Map<String, Value>| map.len() == 1 && map.values().all(scalar);
    one(old) && one(new) && old.keys().ne(new.keys())
}

fn is_another(path: &str, before: &Value, after: &Value) -> String {
    format!("{path}: {} -> {}", words(path, before), words(path, after))
}

fn is_new(path: &str, value: &Value) -> String {
    match value {
        Value::Object(_) => format!("{path} is new"),
        value => format!("{path} is new: {}", words(path, value)),
    }
}

/// A number of seconds as people write it.
fn words(path: &str, value: &Value) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let seconds = value.as_u64().filter(|_| SPANS.contains(&name));
    seconds.map_or_else(|| short(value), |seconds| Span::seconds(seconds).to_string())
}

fn join(path: &str, key: &str) -> String {
    // So people write it.
    let key = if key == "waves" { "services" } else { key };
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
