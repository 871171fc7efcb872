//! Answers: what a person reads in the console after invoking a function.

use super::form::Form;
use pipeline::deployment::Reply;
use pipeline::names::Place;
use serde_json::{Map, Value, json};

/// The function that was invoked.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its name in AWS: `slipway-rollback`.
    function: String,
    /// Its name in Slipway: `rollback`.
    role: &'static str,
}

impl Caller {
    pub(crate) fn new(function: Option<String>, role: &'static str) -> Self {
        Self { function: function.unwrap_or_else(|| role.to_owned()), role }
    }

    /// Lambda does not say who invoked it.
    pub(crate) fn somebody(&self) -> String {
        format!("unnamed caller of {}", self.function)
    }

    /// Another function of the same installation.
    pub(crate) fn sibling(&self, role: &str) -> String {
        match self.function.strip_suffix(self.role) {
            Some(stack) => format!("{stack}{role}"),
            None => role.to_owned(),
        }
    }

    /// How to watch it: which function to invoke, with which payload.
    pub(crate) fn watch(&self, place: &Place, deployment: Option<u64>) -> Value {
        let mut payload = place_fields(place);
        if let Some(number) = deployment {
            payload.insert("deployment".into(), number.into());
        }
        json!({"function": self.sibling("status"), "payload": payload})
    }
}

/// A refusal, with everything that is needed to correct the request.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) because: Vec<String>,
    /// A payload to use instead.
    pub(crate) example: Option<Value>,
    /// All possible payloads, if there are several.
    pub(crate) choices: Vec<Value>,
}

impl Refusal {
    pub(crate) fn into_value(self, form: &Form) -> Value {
        let mut answer = Map::new();
        answer.insert("accepted".into(), false.into());
        answer.insert("because".into(), self.because.join("; ").into());
        if let Some(example) = self.example {
            answer.insert("example".into(), example);
        }
        if !self.choices.is_empty() {
            answer.insert("choices".into(), self.choices.into());
        }
        mention_ignored(&mut answer, form);
        answer.into()
    }
}

/// The core's reply as yes or no.
pub(crate) fn yes_or_no(said: &Reply) -> (bool, String) {
    match said {
        Reply::Accepted(text) => (true, text.clone()),
        Reply::Done | Reply::Granted => (true, "done".to_owned()),
        Reply::Refused(text) | Reply::Denied(text) | Reply::Ignored(text) => (false, text.clone()),
    }
}

/// Starts the answer to a valid request.
pub(crate) fn begin(said: &Reply, dry_run: bool, form: &Form) -> Map<String, Value> {
    let (accepted, text) = yes_or_no(said);
    let mut answer = Map::new();
    answer.insert("accepted".into(), accepted.into());
    match (accepted, dry_run) {
        (false, _) => answer.insert("because".into(), text.into()),
        (true, false) => answer.insert("answer".into(), text.into()),
        (true, true) => {
            answer.insert("dry_run".into(), "nothing was done".into());
            answer.insert("answer_would_be".into(), text.into())
        }
    };
    mention_ignored(&mut answer, form);
    answer
}

fn mention_ignored(answer: &mut Map<String, Value>, form: &Form) {
    if !form.ignored.is_empty() {
        answer.insert("ignored".into(), form.ignored.clone().into());
    }
}

pub(crate) fn place_fields(place: &Place) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("application".into(), place.application.as_str().into());
    fields.insert("environment".into(), place.environment.as_str().into());
    fields
}

/// The same twice: for programs, and for people.
pub(super) struct Shown {
    pub(super) json: Value,
    pub(super) lines: Vec<String>,
}
