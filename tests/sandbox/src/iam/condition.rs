//! The conditions of a statement: `StringEquals`, `ArnLike` and their like.

use super::statement::{matches, texts};
use crate::Error;
use serde_json::Value;
use std::collections::BTreeMap;

/// One key that has to compare in one way with one of several values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
    set: Option<Set>,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equals,
    EqualsIgnoringCase,
    Like,
    Null,
}

#[derive(Clone, Copy, Debug)]
enum Set {
    All,
    Any,
}

impl Condition {
    pub(super) fn read_all(value: Option<&Value>, path: &str) -> Result<Vec<Self>, Error> {
        let Some(value) = value else { return Ok(Vec::new()) };
        let operators =
            value.as_object().ok_or_else(|| Error::template(path, "conditions are a map"))?;
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let path = format!("{path}.{operator}");
            let keys = keys
                .as_object()
                .ok_or_else(|| Error::template(&*path, "a condition names keys"))?;
            for (key, values) in keys {
                let values = texts(Some(values), &format!("{path}.{key}"))?;
                let condition = Self::read(operator, key, values);
                conditions.push(condition.ok_or_else(|| {
                    Error::template(
                        &*path,
                        format!("the sandbox does not know the condition operator {operator}"),
                    )
                })?);
            }
        }
        Ok(conditions)
    }

    fn read(operator: &str, key: &str, values: Vec<String>) -> Option<Self> {
        let (set, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Set::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Set::Any), rest),
            Some(_) => return None,
            None => (None, operator),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let (comparison, negated) = match rest {
            "StringEquals" => (Comparison::Equals, false),
            "StringNotEquals" => (Comparison::Equals, true),
            "StringEqualsIgnoreCase" | "Bool" => (Comparison::EqualsIgnoringCase, false),
            "StringNotEqualsIgnoreCase" => (Comparison::EqualsIgnoringCase, true),
            // Equals and Like are the same for ARNs: both know `*`.
            "StringLike" | "ArnLike" | "ArnEquals" => (Comparison::Like, false),
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (Comparison::Like, true),
            "Null" => (Comparison::Null, false),
            _ => return None,
        };
        Some(Self { comparison, negated, if_exists, set, key: key.to_lowercase(), values })
    }

    pub(super) fn holds(&self, context: &BTreeMap<String, Vec<String>>) -> bool {
        // IAM does not mind the case of a key.
        let found = context
            .iter()
            .find(|(key, _)| key.to_lowercase() == self.key)
            .map(|(_, values)| values);
        let found = found.filter(|values| !values.is_empty());
        if matches!(self.comparison, Comparison::Null) {
            return self.values.iter().all(|value| (value == "true") == found.is_none());
        }
        let Some(found) = found else {
            return self.if_exists || self.negated || matches!(self.set, Some(Set::All));
        };
        let fits = |asked: &String| {
            self.values.iter().any(|value| self.compares(value, asked)) != self.negated
        };
        match self.set {
            Some(Set::Any) => found.iter().any(fits),
            Some(Set::All) | None => found.iter().all(fits),
        }
    }

    fn compares(&self, value: &str, asked: &str) -> bool {
        match self.comparison {
            Comparison::Equals => value == asked,
            Comparison::EqualsIgnoringCase => value.eq_ignore_ascii_case(asked),
            Comparison::Like => matches(value, asked, false),
            Comparison::Null => false,
        }
    }
}
