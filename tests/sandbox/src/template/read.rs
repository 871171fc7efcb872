//! Reading resolved properties: what is asked for, or an error that says where it is missing.

use crate::Error;
use serde_json::Value;

/// Resolved properties of one resource, with the path to them.
#[derive(Clone, Debug)]
pub(super) struct Properties {
    pub(super) path: String,
    pub(super) value: Value,
}

impl Properties {
    pub(super) fn inner(&self, key: &str) -> Self {
        let value = self.value.get(key).cloned().unwrap_or(Value::Null);
        Self { path: format!("{}.{key}", self.path), value }
    }

    /// The members of a list; none where there is no list.
    pub(super) fn each(&self, key: &str) -> Vec<Self> {
        let inner = self.inner(key);
        let items = inner.value.as_array().cloned().unwrap_or_default();
        let path = |index| format!("{}[{index}]", inner.path);
        items
            .into_iter()
            .enumerate()
            .map(|(index, value)| Self { path: path(index), value })
            .collect()
    }

    pub(super) fn text(&self, key: &str) -> Result<String, Error> {
        self.maybe(key)
            .ok_or_else(|| Error::template(format!("{}.{key}", self.path), "a text is needed here"))
    }

    pub(super) fn maybe(&self, key: &str) -> Option<String> {
        match self.value.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// A number, which parameters write as a text.
    pub(super) fn number(&self, key: &str, otherwise: u64) -> Result<u64, Error> {
        match self.maybe(key) {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| {
                Error::template(
                    format!("{}.{key}", self.path),
                    format!("`{text}` is not a whole number"),
                )
            }),
        }
    }

    /// One text or a list of texts, as policies have them.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Error> {
        match self.value.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or_else(|| {
                    Error::template(format!("{}.{key}", self.path), "a list of texts is needed")
                }),
            Some(_) => Ok(vec![self.text(key)?]),
        }
    }
}
