//! What is different between two specs, in lines that a person can read.

use pipeline::spec::Application;
use pipeline::time::Span;
use serde_json::{Map, Value};

const LINES_MAX: usize = 100;
/// Keys whose values are spans of time, in seconds.
const SPANS: [&str; 5] = ["bake", "every", "expires", "patience", "timeout"];
const VALUE_MAX: usize = 120;

/// Every place where the new spec differs from the stored one; empty: nowhere.
pub(crate) fn changes(stored: Option<&Application>, new: &Application) -> Vec<String> {
    let Some(stored) = stored else {
        return vec![format!("{} is new", new.application)];
    };
    let [before, after] = [stored, new].map(|spec| serde_json::to_value(spec).unwrap_or_default());
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
        (Value::Null, new) => lines.push(is_new(path, new)),
        (_, Value::Null) => lines.push(format!("{path} is gone")),
        _ => lines.push(format!("{path}: {} -> {}", words(path, before), words(path, after))),
    }
}

/// `{glob: …}` and `{moving: …}`: one thing in place of another.
fn is_another_kind(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let scalar = |value: &Value| !value.is_object();
    let one = |map: &Map<String, Value>| map.len() == 1 && map.values().all(scalar);
    one(old) && one(new) && old.keys().ne(new.keys())
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
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn short(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
