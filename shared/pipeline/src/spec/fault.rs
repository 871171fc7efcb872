//! The mistakes in a spec: all at once, each with its path and what to write instead.

use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// More than a person reads.
const MOST_FAULTS: usize = 100;

/// No more are searched: a document may consist of mistakes only.
const MOST_FINDINGS: usize = 1000;

/// One mistake in a spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Where: `environments.staging.services[1].timeout`; empty for the document as a whole.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Every mistake in a spec, in the order of their paths; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(transparent)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Returns the mistakes of a document that could not be read at all.
    pub(super) fn of_document(message: impl Into<String>) -> Self {
        Self(vec![Fault { path: String::new(), message: message.into() }])
    }

    /// Rejects a valid document because of faults that were found elsewhere, if any.
    pub fn refuse_for(faults: Vec<Fault>) -> Result<(), Self> {
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "{path}: {}", self.message),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{fault}")?;
        }
        Ok(())
    }
}

/// A path in the document. It sorts in document order: `[2]` comes before `[10]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Key(String),
    Index(usize),
}

impl Path {
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_plain(key) => write!(f, "[{}]", quoted(key))?,
                Segment::Key(key) if position == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 60
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Returns `text` in quotes, on one line, and short.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        format!("{text:?}")
    } else {
        let start: String = text.chars().take(MOST).collect();
        format!("{:?}", format!("{start}…"))
    }
}

/// Collects mistakes while the document is read, so reading continues after each.
#[derive(Debug, Default)]
pub(super) struct Findings(RefCell<BTreeSet<(Path, String)>>);

impl Findings {
    pub(super) fn add(&self, path: &Path, message: impl Into<String>) {
        if !self.is_full() {
            self.0.borrow_mut().insert((path.clone(), message.into()));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.borrow().len() >= MOST_FINDINGS
    }

    /// Returns `found`, unless there are mistakes.
    pub(super) fn or<T>(self, found: Option<T>) -> Result<T, Faults> {
        let findings = self.0.into_inner();
        match found {
            Some(found) if findings.is_empty() => Ok(found),
            _ => Err(Faults(listed(findings))),
        }
    }
}

fn listed(findings: BTreeSet<(Path, String)>) -> Vec<Fault> {
    let more = findings.len().saturating_sub(MOST_FAULTS);
    let mut faults: Vec<Fault> = findings
        .into_iter()
        .take(MOST_FAULTS)
        .map(|(path, message)| Fault { path: path.to_string(), message })
        .collect();
    if more > 0 {
        let message = format!("and at least {more} more mistakes");
        faults.push(Fault { path: String::new(), message });
    }
    faults
}
