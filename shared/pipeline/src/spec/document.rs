//! From text, JSON or YAML, to values. Limits ensure that no document exhausts memory.

use super::advice::advised;
use super::fault::Faults;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

const MOST_BYTES: usize = 1024 * 1024;
const MOST_NODES: usize = 100_000;

/// Reads `text` as JSON if it looks like it, and as YAML otherwise.
pub(super) fn value_of(text: &str) -> Result<Value, Faults> {
    if text.len() > MOST_BYTES {
        let size = text.len();
        return Err(Faults::of_document(format!(
            "the spec has {size} bytes; at most 1 MiB is read"
        )));
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Err(Faults::of_document("the spec is empty; begin with application: and its name"));
    }
    if text.starts_with('{') { json(text) } else { yaml(text) }
}

fn json(text: &str) -> Result<Value, Faults> {
    let error = match serde_json::from_str::<Strict>(text) {
        Ok(Strict(value)) => return Ok(value),
        Err(error) => error,
    };
    // Braces without quotes, such as {application: scr}, are YAML; other errors are reported for
    // JSON.
    yaml(text).map_err(|_| Faults::of_document(advised(&format!("the spec is not JSON: {error}"))))
}

fn yaml(text: &str) -> Result<Value, Faults> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(MOST_BYTES),
            max_events: 2 * MOST_NODES,
            max_nodes: MOST_NODES,
            max_total_scalar_bytes: 4 * MOST_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_NODES },
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options::<Strict>(text, options).map(|Strict(value)| value).map_err(
        |error| {
            let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            Faults::of_document(advised(&format!("the spec is not YAML: {message}")))
        },
    )
}

/// A value none of whose maps has a key twice: `serde_json` alone would keep the last silently.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    // #[gamma::skip(fn_value.ok_default, reason = "no reader hands over anything else")]
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map, a list, text, a number, true or false")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    // #[gamma::skip(fn_value.ok_default, reason = "the default value is null")]
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    // #[gamma::skip(fn_value.ok_default, reason = "the default value is null")]
    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} appears twice")));
            }
            let Strict(value) = entries.next_value()?;
            map.insert(key, value);
        }
        Ok(map.into())
    }
}
