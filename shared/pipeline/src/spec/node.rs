//! One node of the document: reads its value, or says what it should be.

use super::did_you_mean;
use super::fault::{Findings, Path, quoted};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

#[derive(Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: Path,
    findings: &'a Findings,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, findings: &'a Findings) -> Self {
        Self { value, path: Path::default(), findings }
    }

    pub(super) fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn fault(&self, message: impl Into<String>) {
        self.findings.add(&self.path, message);
    }

    /// Reports a fault at a key of this map, whether the key exists or not.
    pub(super) fn fault_at(&self, key: &str, message: impl Into<String>) {
        self.findings.add(&self.path.key(key), message);
    }

    /// Reports a fault about the value: the message follows it, as in `"5 parsecs" is not …`.
    pub(super) fn fault_about(&self, message: &str) {
        self.fault(format!("{} {message}", shown(self.value)));
    }

    pub(super) fn below(&self, key: &str, value: &'a Value) -> Self {
        Self { value, path: self.path.key(key), findings: self.findings }
    }

    /// Returns the node of a key, to report what is missing or does not fit there.
    pub(super) fn at(&self, key: &str) -> Self {
        self.below(key, self.value)
    }

    /// Reads another value as if it were written here.
    pub(super) fn with<'b>(&self, value: &'b Value) -> Node<'b>
    where
        'a: 'b,
    {
        Node { value, path: self.path.clone(), findings: self.findings }
    }

    pub(super) fn is_map(&self) -> bool {
        self.value.is_object()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Reads a map with known keys.
    pub(super) fn map(&self, example: &str) -> Option<Entries<'a>> {
        let Value::Object(map) = self.value else {
            self.fault_about(&format!("is not a map; write {example}"));
            return None;
        };
        Some(Entries { node: self.clone(), map, known: BTreeSet::new() })
    }

    /// Reads a map whose keys are names that the team chooses.
    pub(super) fn named(&self, example: &str, most: usize) -> Vec<(&'a str, Node<'a>)> {
        let Value::Object(map) = self.value else {
            self.fault_about(&format!("is not a map; write {example}"));
            return Vec::new();
        };
        match map.len() {
            0 => self.fault(format!("there is nothing in it; write {example}")),
            many if many > most => {
                self.fault(format!("there are {many}; at most {most} are allowed"));
            }
            _ => {}
        }
        map.iter().take(most).map(|(key, value)| (key.as_str(), self.below(key, value))).collect()
    }

    /// Reads a list with an allowed number of items.
    pub(super) fn list(&self, example: &str, allowed: RangeInclusive<usize>) -> Vec<Node<'a>> {
        let Value::Array(items) = self.value else {
            self.fault_about(&format!("is not a list; write {example}"));
            return Vec::new();
        };
        if items.len() < *allowed.start() {
            self.fault(format!("the list is empty; write {example}"));
        } else if items.len() > *allowed.end() {
            let (many, most) = (items.len(), allowed.end());
            self.fault(format!("there are {many}; at most {most} are allowed"));
        }
        let item =
            |(index, value)| Node { value, path: self.path.index(index), findings: self.findings };
        items.iter().enumerate().take(*allowed.end()).map(item).collect()
    }

    /// Reads a list, or the only item of one written without brackets.
    pub(super) fn list_or_one(
        &self,
        example: &str,
        allowed: RangeInclusive<usize>,
    ) -> Vec<Node<'a>> {
        match self.value {
            Value::String(_) | Value::Number(_) => vec![self.clone()],
            _ => self.list(example, allowed),
        }
    }
}

/// The entries of a map. A key that was never read is unknown.
pub(super) struct Entries<'a> {
    node: Node<'a>,
    map: &'a Map<String, Value>,
    known: BTreeSet<&'static str>,
}

impl<'a> Entries<'a> {
    /// Returns the value at `key`; null, as Terraform writes unset values, counts as missing.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Node<'a>> {
        self.known.insert(key);
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(self.node.below(key, value))
    }

    pub(super) fn require(&mut self, key: &'static str, example: &str) -> Option<Node<'a>> {
        let found = self.get(key);
        if found.is_none() {
            self.node.fault_at(key, format!("it is missing; write {key}: {example}"));
        }
        found
    }

    /// Reports every key that was not read.
    pub(super) fn end(self) {
        let unknown = self.map.iter().filter(|(key, _)| !self.known.contains(key.as_str()));
        for (key, value) in unknown.take_while(|_| !self.node.findings.is_full()) {
            let mut instead = did_you_mean::instead(key, self.known.iter().copied());
            // A key with a whole block below it is rarely mistyped, and often misplaced.
            if value.is_object() && !instead.ends_with('?') {
                instead.push_str(", or indent it if it belongs to what stands before it");
            }
            self.node.fault_at(key, format!("this key is not known; {instead}"));
        }
    }
}

/// Returns how a value looks in a message; messages are stored and sent, so no login is shown.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.contains("://") && text.contains('@') => {
            "a text with a login in it".to_owned()
        }
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}
