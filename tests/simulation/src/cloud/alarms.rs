//! Alarms: what they did, and their events.

use super::{Cloud, News};
use pipeline::event::{AlarmReading, AlarmState};
use pipeline::names::AlarmName;
use pipeline::time::Time;

/// A state that an alarm took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub state: AlarmState,
    pub at: Time,
    /// A rule muted the alarm then.
    pub muted: bool,
}

impl Change {
    fn read(self, name: &AlarmName, was: Option<AlarmState>) -> AlarmReading {
        let reason = if self.state == AlarmState::On { "threshold crossed" } else { "" };
        AlarmReading {
            alarm: name.clone(),
            state: self.state,
            since: self.at,
            reason: reason.into(),
            muted: Some(self.muted),
            was,
        }
    }
}

impl Cloud {
    pub fn set_alarm(&mut self, name: &AlarmName, state: AlarmState, now: Time) -> Vec<News> {
        let muted = self.muted.contains(name);
        let taken = self.alarms.entry(name.clone()).or_default();
        // The state that it has already is no news.
        if taken.last().is_some_and(|known| known.state == state) {
            return vec![];
        }
        taken.push(Change { state, at: now, muted });
        vec![News::Alarm(self.reading(name))]
    }

    pub fn reading(&self, name: &AlarmName) -> AlarmReading {
        let taken = self.alarms.get(name).map(Vec::as_slice).unwrap_or_default();
        let quiet = Change { state: AlarmState::Quiet, at: Time::default(), muted: false };
        let was = taken.iter().rev().nth(1).map(|change| change.state);
        taken.last().copied().unwrap_or(quiet).read(name, was.or(Some(AlarmState::Quiet)))
    }

    /// What an alarm did since then, and how it is.
    pub fn readings(&self, name: &AlarmName, since: Option<Time>) -> Vec<AlarmReading> {
        let taken = self.alarms.get(name).into_iter().flatten();
        let changes = taken.filter(|change| since.is_some_and(|since| change.at > since));
        let newest = AlarmReading { was: None, ..self.reading(name) };
        changes.map(|change| change.read(name, None)).chain([newest]).collect()
    }
}
