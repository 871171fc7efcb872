//! Reads a person's input with patience: all mistakes are collected, none stops the reading.
//!
//! The Lambda console sends its test event, which starts as AWS's sample event. Values may be
//! strings in place of numbers or booleans, and field names may have capitals or dashes.

use pipeline::spec::instead;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One field: its name, and its aliases.
pub(crate) type Field = (&'static str, &'static [&'static str]);

/// Who requests it, and why; every form has them.
pub(crate) const BY: Field = ("by", &["who"]);
pub(crate) const WHY: Field = ("why", &["reason", "because"]);
pub(crate) const APPLICATION: Field = ("application", &["app"]);
pub(crate) const ENVIRONMENT: Field = ("environment", &["env"]);
pub(crate) const DRY_RUN: Field = ("dry_run", &["dryrun", "dry", "plan"]);
pub(crate) const REQUEST: Field = ("request", &["request_id"]);

#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: BTreeMap<&'static str, Value>,
    /// Each mistake, and what to write instead.
    pub(crate) mistakes: Vec<String>,
    /// Unknown fields that resemble no known one.
    pub(crate) ignored: Vec<String>,
}

impl Form {
    /// Reads the fields that a function knows. `meant_otherwise` are fields that belong elsewhere,
    /// with what to pass instead.
    pub(crate) fn read(
        payload: &Value,
        known: &[Field],
        meant_otherwise: &[(&'static str, &'static str)],
    ) -> Self {
        let mut form = Self::default();
        let Some(typed) = form.object(payload) else { return form };
        if is_the_consoles_example(&typed) {
            let why = "this is the Lambda console's sample event; replace it with your own";
            form.mistakes.push(why.into());
            return form;
        }
        for (key, value) in typed {
            form.take(&key, &value, known, meant_otherwise);
        }
        if form.fields.is_empty() && !form.ignored.is_empty() && form.mistakes.is_empty() {
            // Perhaps an event of AWS. It must not count as a request without fields.
            let fields: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            let why = format!("none of these fields is known; use {}", fields.join(", "));
            form.mistakes.push(why);
        }
        form
    }

    fn object(&mut self, payload: &Value) -> Option<Map<String, Value>> {
        match payload {
            Value::Object(typed) => Some(typed.clone()),
            Value::Null => Some(Map::new()),
            // Some tools send the JSON once more as a text.
            Value::String(text) if text.trim().is_empty() => Some(Map::new()),
            Value::String(text) => match serde_json::from_str(text) {
                Ok(Value::Object(typed)) => Some(typed),
                _ => self.not_an_object(),
            },
            _ => self.not_an_object(),
        }
    }

    fn not_an_object<T>(&mut self) -> Option<T> {
        self.mistakes.push("this is not a JSON object; write {…}".into());
        None
    }

    fn take(
        &mut self,
        key: &str,
        value: &Value,
        known: &[Field],
        meant_otherwise: &[(&'static str, &'static str)],
    ) {
        if is_empty(value) {
            return;
        }
        let word = plain(key);
        let field = known.iter().find(|(name, others)| *name == word || others.contains(&&*word));
        if let Some((name, _)) = field {
            let twice = self.fields.insert(name, value.clone());
            if twice.is_some_and(|other| other != *value) {
                let why = format!("\"{name}\" was given twice with different values; keep one");
                self.mistakes.push(why);
            }
            return;
        }
        if let Some((_, what)) = meant_otherwise.iter().find(|(name, _)| *name == word) {
            self.mistakes.push(format!("{key}: {what}"));
            return;
        }
        let hint = instead(&word, known.iter().map(|(name, _)| *name));
        if hint.starts_with("did you mean") {
            self.mistakes.push(format!("there is no field {key}; {hint}"));
        } else {
            self.ignored.push(key.to_owned());
        }
    }

    /// Whether the field is absent.
    pub(crate) fn lacks(&self, name: &str) -> bool {
        !self.fields.contains_key(name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The input, for a payload to send again.
    pub(crate) fn typed(&self) -> Map<String, Value> {
        self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                let what = kind(other);
                self.cannot_read(name, &format!("{what}; write a string"))
            }
        }
    }

    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let Some(value) = self.fields.get(name) else { return false };
        let word = match value {
            Value::Bool(flag) => return *flag,
            Value::String(text) => text.trim().to_lowercase(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "y" | "on" | "1" => true,
            "false" | "no" | "n" | "off" | "0" => false,
            _ => {
                let message = format!("{value}; write true or false");
                self.cannot_read::<bool>(name, &message).unwrap_or_default()
            }
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.fields.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().trim_start_matches('#').parse().ok(),
            _ => None,
        };
        if number.is_none() {
            let message = format!("{value}; write a number");
            return self.cannot_read(name, &message);
        }
        number
    }

    /// A value that cannot be read is not offered again.
    fn cannot_read<T>(&mut self, name: &str, what: &str) -> Option<T> {
        self.mistakes.push(format!("{name} is {what}"));
        self.fields.remove(name);
        None
    }

    /// A list, a single word, or words with commas.
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        let items: Vec<String> = match self.fields.get(name) {
            None => return Vec::new(),
            Some(Value::String(text)) => text.split(',').map(ToOwned::to_owned).collect(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
            }
            Some(other) => {
                let message = format!("{other}; write a list of words");
                return self.cannot_read(name, &message).unwrap_or_default();
            }
        };
        let words = items.iter().map(|item| item.trim().to_owned());
        words.filter(|word| !word.is_empty()).collect()
    }

    /// Names, each with a text.
    pub(crate) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let entries = match self.fields.get(name) {
            None => return BTreeMap::new(),
            Some(Value::Object(entries)) if entries.values().all(Value::is_string) => entries,
            Some(other) => {
                let message = format!("{other}; write {{\"name\": \"…\"}}");
                return self.cannot_read(name, &message).unwrap_or_default();
            }
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
        entries.iter().map(|(key, value)| (key.trim().to_owned(), text(value))).collect()
    }
}

/// `dryRun`, `Dry-Run` and `dry run` are `dry_run`.
pub(crate) fn plain(key: &str) -> String {
    let mut word = String::new();
    for letter in key.trim().chars() {
        if letter.is_uppercase() && word.ends_with(|c: char| c.is_lowercase()) {
            word.push('_');
        }
        match letter {
            '-' | ' ' => word.push('_'),
            letter => word.extend(letter.to_lowercase()),
        }
    }
    word
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a boolean",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Null | Value::Number(_) | Value::String(_) => "not a string",
    }
}

/// `{"key1": "value1", "key2": "value2", "key3": "value3"}`.
pub(crate) fn is_the_consoles_example(typed: &Map<String, Value>) -> bool {
    let example =
        |key: &String| key.strip_prefix("key").is_some_and(|number| number.parse::<u8>().is_ok());
    !typed.is_empty() && typed.keys().all(example)
}
