//! Single values. CloudFormation sends each as a string and YAML guesses types, so both are
//! accepted.

use super::did_you_mean;
use super::node::Node;
use super::syntax::Rule;
use crate::time::Span;
use serde_json::Value;
use std::ops::RangeInclusive;

const LONGEST_SPAN: Span = Span::hours(7 * 24);

impl Node<'_> {
    /// Reads text; a whole number is text without quotes.
    pub(super) fn text(&self) -> Option<String> {
        match self.value() {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) if !number.is_f64() => Some(number.to_string()),
            Value::Number(_) | Value::Bool(_) => {
                self.fault_about("is not text; put it in quotes, exactly as it is meant");
                None
            }
            Value::Array(_) => {
                self.fault_about("is not text; write one value, without brackets and dashes");
                None
            }
            _ => {
                self.fault_about("is not text; write one value, in quotes if it has a colon");
                None
            }
        }
    }

    /// Reads text that follows a rule. An invalid one is returned too: names are compared later.
    pub(super) fn name(&self, rule: Rule) -> Option<String> {
        let text = self.text()?;
        if let Err(message) = rule(&text) {
            self.fault_about(&message);
        }
        Some(text)
    }

    pub(super) fn whole(&self, allowed: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.value() {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| allowed.contains(number));
        if number.is_none() {
            let (least, most) = (allowed.start(), allowed.end());
            self.fault_about(&format!("is not a whole number from {least} to {most}"));
        }
        number
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self.value() {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => {
                self.fault_about("is neither true nor false; write one of them");
                None
            }
        }
    }

    pub(super) fn span(&self, shortest: Span, longest: Span) -> Option<Span> {
        let written = match self.value() {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => String::new(),
        };
        // Some people mean seconds and some mean minutes: five of either is a very different wait.
        if written != "0" && is_whole(&written) {
            self.fault_about("has no unit; write 90s, 15m or 2h");
            return None;
        }
        let Some(span) = parse_span(&written) else {
            self.fault_about("is not a duration; write 90s, 15m or 2h");
            return None;
        };
        let longest = longest.min(LONGEST_SPAN);
        if span < shortest || span > longest {
            self.fault_about(&format!("is out of bounds; write {shortest} to {longest}"));
            return None;
        }
        Some(span)
    }

    /// Reads one of several words.
    pub(super) fn choice<T: Clone>(&self, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.value().as_str().unwrap_or_default();
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let instead = did_you_mean::instead(text, choices.iter().map(|(word, _)| *word));
            self.fault_about(&format!("is not known here; {instead}"));
        }
        found.map(|(_, choice)| choice.clone())
    }
}

/// Reads `90s`, `15m`, `1h30m`; nothing is `0`.
fn parse_span(text: &str) -> Option<Span> {
    if text == "0" {
        return Some(Span::default());
    }
    let mut total = Span::default();
    let mut rest = text;
    for (letter, unit) in [('h', Span::hours(1)), ('m', Span::minutes(1)), ('s', Span::seconds(1))]
    {
        if let Some((count, after)) = rest.split_once(letter) {
            // `parse` would accept a sign, and trimming would hide a blank; neither is valid here.
            total = total + unit.times(count.parse().ok().filter(|_| is_whole(count))?);
            rest = after;
        }
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
