//! The differences between two specs, in lines that a person can read.

use pipeline::spec::{Application, may_be_secret, without_query};
use pipeline::time::{Span, Time};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const LINES_MAX: usize = 100;
/// Keys whose values are durations, in seconds.
const SPANS: [&str; 5] = ["bake", "every", "expires", "patience", "timeout"];
const VALUE_MAX: usize = 120;

/// Every path where the new spec differs from the stored one; empty: none.
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
                    Some(new) if key == "waves" && is_environment(path) => {
                        // In the document they are called services.
                        compare_waves(&join(path, "services"), old, new, lines);
                    }
                    Some(new) => compare(&join(path, key), old, new, lines),
                    None => lines.push(format!("{} is gone", join(path, key))),
                }
            }
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
            lines.extend(added.map(|(key, new)| is_new(&join(path, key), new)));
        }
        (Value::Array(old), Value::Array(new)) => match (by_name(old), by_name(new)) {
            (Some(old), Some(new)) => compare_named(path, &old, &new, lines),
            _ if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    compare(&format!("{path}[{index}]"), old, new, lines);
                }
            }
            _ => lines.push(is_another(path, before, after)),
        },
        (Value::Null, new) => lines.push(is_new(path, new)),
        (_, Value::Null) => lines.push(format!("{path} is gone")),
        _ => lines.push(is_another(path, before, after)),
    }
}

/// Compares lists by the names of their items, if all items have one.
fn compare_named(path: &str, before: &Named, after: &Named, lines: &mut Vec<String>) {
    for (name, old) in before {
        match after.get(name) {
            Some(new) => compare(&format!("{path}[{name}]"), old, new, lines),
            None => lines.push(format!("{path}: {name} is gone")),
        }
    }
    let added = after.keys().filter(|name| !before.contains_key(*name));
    lines.extend(added.map(|name| format!("{path}: {name} is new")));
}

/// Compares services by name, whatever their waves; and then the waves, if they change for services
/// in both specs.
fn compare_waves(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    let (before, after) = (services(old), services(new));
    if let (Some(before), Some(after)) = (by_name(&before), by_name(&after)) {
        compare_named(path, &before, &after, lines);
    }
    let [before, after] = [(old, &after), (new, &before)].map(|(waves, others)| {
        let stays = |service: &&Value| others.iter().any(|other| other["name"] == service["name"]);
        let names = |wave: &Value| {
            let services = wave.as_array().into_iter().flatten().filter(stays);
            services.filter_map(|one| one["name"].as_str()).collect::<Vec<_>>().join(" and ")
        };
        let waves = waves.as_array().into_iter().flatten().map(names);
        waves.filter(|wave| !wave.is_empty()).collect::<Vec<_>>().join(", ")
    });
    if before != after {
        lines.push(format!("{path}: {before} -> {after}"));
    }
}

fn services(waves: &Value) -> Vec<Value> {
    let waves = waves.as_array().into_iter().flatten();
    waves.flat_map(|wave| wave.as_array().into_iter().flatten()).cloned().collect()
}

type Named<'a> = BTreeMap<&'a str, &'a Value>;

fn by_name(values: &[Value]) -> Option<Named<'_>> {
    let named = values.iter().map(|value| Some((value["name"].as_str()?, value)));
    let named: Named = named.collect::<Option<_>>()?;
    (named.len() == values.len()).then_some(named)
}

/// The start and end of a freeze are stored in milliseconds.
fn spell_moments(spec: &mut Value) {
    let environments = spec["environments"].as_object_mut().into_iter().flatten();
    for (_, rules) in environments {
        let Some(freezes) = rules.get_mut("freeze").and_then(Value::as_array_mut) else { continue };
        for freeze in freezes {
            let once = freeze.get_mut("once").and_then(Value::as_object_mut);
            once.into_iter().flat_map(Map::values_mut).for_each(spell_moment);
        }
    }
}

fn spell_moment(value: &mut Value) {
    if let Some(millis) = value.as_u64() {
        *value = Time::from_millis(millis).to_string().into();
    }
}

/// `{glob: …}` and `{moving: …}`: another variant of an enum.
fn is_another_kind(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let scalar = |value: &Value| !value.is_object();
    let one = |map: &Map<String, Value>| map.len() == 1 && map.values().all(scalar);
    one(old) && one(new) && old.keys().ne(new.keys())
}

fn is_another(path: &str, before: &Value, after: &Value) -> String {
    if is_hidden(path, before) || is_hidden(path, after) {
        return format!("{path}: changes; its value is not shown");
    }
    format!("{path}: {} -> {}", words(path, before), words(path, after))
}

fn is_new(path: &str, value: &Value) -> String {
    match value {
        Value::Object(_) => format!("{path} is new"),
        value if is_hidden(path, value) => format!("{path} is new; its value is not shown"),
        value => format!("{path} is new: {}", words(path, value)),
    }
}

/// An image may have the name `auth`.
fn is_hidden(path: &str, value: &Value) -> bool {
    !path.starts_with("images.") && may_be_secret(path, value)
}

/// Seconds as a duration that people write.
fn words(path: &str, value: &Value) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    let seconds = value.as_u64().filter(|_| SPANS.contains(&name));
    let mut value = value.clone();
    hide_queries(name, &mut value);
    seconds.map_or_else(|| short(&value), |seconds| Span::seconds(seconds).to_string())
}

/// The query of a URL can contain a token.
fn hide_queries(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if name == "url" => *text = without_query(text),
        Value::Array(values) => values.iter_mut().for_each(|value| hide_queries(name, value)),
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| hide_queries(name, value));
        }
        _ => {}
    }
}

/// `environments.staging`
fn is_environment(path: &str) -> bool {
    path.strip_prefix("environments.").is_some_and(|name| !name.contains('.'))
}

/// For a variable the name is enough.
fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "value" | "valueFrom") if path.ends_with(']') => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
