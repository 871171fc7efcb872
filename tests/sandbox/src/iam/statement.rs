//! One statement of a policy.

use super::condition::Condition;
use crate::{Error, service::Need};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub struct Statement {
    /// The policy, and the statement's `Sid` or its number.
    pub name: String,
    pub effect: Effect,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    /// The services and accounts that a policy on a resource speaks of.
    principals: Vec<String>,
    conditions: Vec<Condition>,
}

impl Statement {
    /// Reads one statement; what the sandbox does not understand is an error and never ignored.
    pub fn read(policy: &str, index: usize, value: &Value, path: &str) -> Result<Self, Error> {
        let members =
            value.as_object().ok_or_else(|| Error::template(path, "a statement is a map"))?;
        for key in members.keys() {
            if !["Sid", "Effect", "Action", "Resource", "Principal", "Condition"]
                .contains(&key.as_str())
            {
                return Err(Error::template(
                    format!("{path}.{key}"),
                    "the sandbox does not know this in a statement",
                ));
            }
        }
        let effect = match value.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(Error::template(format!("{path}.Effect"), "it is Allow or Deny")),
        };
        let actions = texts(value.get("Action"), &format!("{path}.Action"))?;
        if actions.is_empty() {
            return Err(Error::template(format!("{path}.Action"), "a statement has actions"));
        }
        let mut principals = Vec::new();
        match value.get("Principal") {
            Some(Value::Object(kinds)) => {
                for named in kinds.values() {
                    principals.extend(texts(Some(named), &format!("{path}.Principal"))?);
                }
            }
            anybody => principals.extend(texts(anybody, &format!("{path}.Principal"))?),
        }
        let sid = value
            .get("Sid")
            .and_then(Value::as_str)
            .map_or_else(|| format!("#{index}"), str::to_owned);
        Ok(Self {
            name: format!("{policy}/{sid}"),
            effect,
            actions,
            resources: texts(value.get("Resource"), &format!("{path}.Resource"))?,
            principals,
            conditions: Condition::read_all(value.get("Condition"), &format!("{path}.Condition"))?,
        })
    }

    pub(super) fn allow(name: &str, actions: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            effect: Effect::Allow,
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            resources: vec!["*".to_owned()],
            principals: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Whether the action, the resource and every condition fit.
    pub(super) fn speaks_of(&self, need: &Need) -> bool {
        self.actions.iter().any(|action| matches(action, &need.action, true))
            && self.resources.iter().any(|resource| matches(resource, &need.resource, false))
            && self.conditions.iter().all(|condition| condition.holds(&need.context))
    }

    pub(super) fn is_for(&self, principal: &str) -> bool {
        self.principals.iter().any(|each| each == "*" || each == principal)
    }
}

/// Whether a text fits a pattern in which `*` stands for anything and `?` for one character.
pub fn matches(pattern: &str, text: &str, ignore_case: bool) -> bool {
    let letters = |text: &str| -> Vec<char> {
        if ignore_case { text.to_lowercase().chars().collect() } else { text.chars().collect() }
    };
    let (pattern, text) = (letters(pattern), letters(text));
    let (mut at, mut seen) = (0, 0);
    // The last star, and how much of the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((star_at, swallowed)) => {
                    star = Some((star_at, swallowed + 1));
                    at = star_at + 1;
                    seen = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

pub(super) fn texts(value: Option<&Value>, path: &str) -> Result<Vec<String>, Error> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Error::template(path, "a text or a list of texts is needed")),
    };
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => Ok(vec![text(one)?]),
    }
}
