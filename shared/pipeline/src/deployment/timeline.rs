//! The timeline: what happened, in plain words, for a person who was not there.

use crate::text::shorten;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// In a longer timeline the first and the last entries are the important ones.
const ENTRIES_MAX: usize = 300;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeline(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Time,
    pub text: String,
}

impl Timeline {
    pub(super) fn add(&mut self, at: Time, mut text: String) {
        // The reason at the end may have its own full stop.
        if text.ends_with("..") {
            text.pop();
        }
        if self.0.len() == ENTRIES_MAX {
            self.0.remove(ENTRIES_MAX / 2);
        }
        self.0.push(Entry { at, text: shorten(text) });
    }

    /// Keeps this many entries, the first ones and the last ones.
    pub(super) fn keep(&mut self, most: usize) {
        let more = self.0.len().saturating_sub(most);
        let first = most / 4;
        self.0.drain(first.min(self.0.len())..(first + more).min(self.0.len()));
    }

    /// Like `add`, but replaces an entry with the same beginning: a repeated message stays one
    /// entry.
    pub(super) fn renew(&mut self, at: Time, beginning: &str, text: String) {
        self.0.retain(|entry| !entry.text.starts_with(beginning));
        self.add(at, text);
    }

    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub fn last(&self, count: usize) -> Vec<String> {
        let start = self.0.len().saturating_sub(count);
        self.0[start..].iter().map(|entry| entry.text.clone()).collect()
    }
}
