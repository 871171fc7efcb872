//! The outbox: effects that were decided and have not been answered.
//!
//! An effect is added in the same write as the state that wants it, and removed when its answer
//! arrives, not when it was sent. So a crash before sending, a lost message and a dead worker are
//! one case with one remedy: the next turn, or the sweep, sends it again. Every effect may
//! therefore be performed twice, and a worker performs one only while it is in the outbox.

use crate::effect::Effect;
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// How many notices are kept at most; the oldest are dropped.
const ANNOUNCEMENTS_MAX: usize = 50;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    last: u64,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub number: u64,
    pub effect: Effect,
    /// When it is sent (again), unless it is answered before.
    pub send_at: Time,
    /// How many times it was sent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sends: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Outbox {
    /// Adds `effect`, to be sent at once.
    pub fn add(&mut self, effect: Effect, now: Time) {
        if matches!(effect, Effect::Announce(_)) {
            self.forget_old_announcements();
        }
        self.last += 1;
        self.entries.push(Entry { number: self.last, effect, send_at: now, sends: 0 });
    }

    /// The function notify may be broken for weeks, and that must not fill our table.
    fn forget_old_announcements(&mut self) {
        let is_announcement = |entry: &Entry| matches!(entry.effect, Effect::Announce(_));
        let count = self.entries.iter().filter(|entry| is_announcement(entry)).count();
        if count >= ANNOUNCEMENTS_MAX {
            self.forget_oldest_announcement();
        }
    }

    pub(crate) fn forget_oldest_announcement(&mut self) {
        let is_announcement = |entry: &Entry| matches!(entry.effect, Effect::Announce(_));
        if let Some(oldest) = self.entries.iter().position(is_announcement) {
            self.entries.remove(oldest);
        }
    }

    /// Removes the answered effect, if it is still there.
    pub fn answered(&mut self, number: u64) -> Option<Entry> {
        let found = self.entries.iter().position(|entry| entry.number == number)?;
        Some(self.entries.remove(found))
    }

    /// Drops what is no longer wanted.
    pub fn keep(&mut self, mut wanted: impl FnMut(&Effect) -> bool) {
        self.entries.retain(|entry| wanted(&entry.effect));
    }

    /// Changes the data of an effect, not what it does.
    pub(crate) fn change(&mut self, change: impl Fn(&mut Effect)) {
        self.entries.iter_mut().for_each(|entry| change(&mut entry.effect));
    }

    /// Sends these not before `until`.
    pub(crate) fn delay(&mut self, until: Time, concerns: impl Fn(&Effect) -> bool) {
        let concerned = self.entries.iter_mut().filter(|entry| concerns(&entry.effect));
        concerned.for_each(|entry| entry.send_at = entry.send_at.max(until));
    }

    pub fn waits_for(&self, matches: impl Fn(&Effect) -> bool) -> bool {
        self.entries.iter().any(|entry| matches(&entry.effect))
    }

    pub fn get(&self, number: u64) -> Option<&Effect> {
        self.entries.iter().find(|entry| entry.number == number).map(|entry| &entry.effect)
    }

    /// Returns what has to be sent now and sets when it would be sent again.
    pub fn send(&mut self, now: Time) -> Vec<(u64, Effect)> {
        let due = self.entries.iter_mut().filter(|entry| entry.send_at <= now);
        due.map(|entry| {
            entry.send_at = now + entry.effect.patience();
            entry.sends = entry.sends.saturating_add(1);
            (entry.number, entry.effect.clone())
        })
        .collect()
    }

    /// When something has to be sent next.
    pub fn due(&self) -> Option<Time> {
        self.entries.iter().map(|entry| entry.send_at).min()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
