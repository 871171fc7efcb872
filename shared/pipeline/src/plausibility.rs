//! Implausible input: what cannot be true changes nothing, and is reported.
//!
//! Types reject input of the wrong shape: a negative count, a missing field. This module rejects
//! input that has the right shape and cannot be true: times in the future, numbers that ECS does
//! not reach, texts that would fill our table.

use crate::environment::Input;
use crate::event::Event;
use crate::observation::Observation;
use crate::push::Push;
use crate::time::{Span, Time};
use serde::Serialize;
use serde_json::Value;

/// The maximum difference between the clocks of two machines.
const SKEW_MAX: Span = Span::minutes(5);
/// ECS runs at most 5,000 tasks per service.
const COUNT_MAX: u32 = 100_000;
/// No name and no reason of AWS is longer.
const TEXT_MAX: usize = 8 * 1024;
const ITEMS_MAX: usize = 1000;
/// An observation of two hundred services, each with a long name and three rollouts, takes half of
/// it.
const INPUT_MAX: usize = 1024 * 1024;

impl Input {
    /// Parses an input from text; the error says what is wrong with it.
    pub fn parse(text: &str, now: Time) -> Result<Self, String> {
        if text.len() > INPUT_MAX {
            return Err(format!("it has {} bytes; the limit is {INPUT_MAX}", text.len()));
        }
        let input: Self =
            serde_json::from_str(text).map_err(|error| format!("cannot be read: {error}"))?;
        match input.implausible(now) {
            Some(implausible) => Err(implausible),
            None => Ok(input),
        }
    }

    /// Returns what about it cannot be true; `None`: nothing.
    pub fn implausible(&self, now: Time) -> Option<String> {
        let event = match self {
            Self::Happened(event)
            | Self::HappenedTo { event, .. }
            | Self::Answered { event, .. } => event,
            Self::Requested(request) => {
                let times = [request.asked_at, request.release.built_at];
                return times
                    .into_iter()
                    .find_map(|time| future(time, now))
                    .or_else(|| too_long(self));
            }
            Self::Woken | Self::HeadAnswered { .. } => return None,
            Self::RollbackRequested { .. } | Self::Controlled { .. } | Self::Promotable { .. } => {
                return too_long(self);
            }
        };
        event.implausible(now)
    }
}

impl Event {
    fn implausible(&self, now: Time) -> Option<String> {
        let found = match self {
            Self::Observed { services } => services.iter().find_map(|seen| seen.implausible(now)),
            Self::LeftAlone { seen } => seen.implausible(now),
            Self::TaskReported(report) => future(report.seen_at, now),
            Self::AlarmChanged(reading) => future(reading.since, now),
            Self::AlarmsRead { read_at, readings } => {
                let times = readings.iter().map(|reading| reading.since);
                times.chain([*read_at]).find_map(|time| future(time, now))
            }
            Self::Prepared(preparation) => {
                preparation.alarms.iter().find_map(|reading| future(reading.since, now))
            }
            _ => None,
        };
        found.or_else(|| too_long(self))
    }
}

impl Observation {
    fn implausible(&self, now: Time) -> Option<String> {
        let rollouts = self.found.iter().flat_map(|found| &found.rollouts);
        let counts =
            rollouts.flat_map(|rollout| [rollout.desired, rollout.running, rollout.failed]);
        let large = counts.into_iter().find(|count| *count > COUNT_MAX);
        future(self.seen_at, now).or(large.map(|count| format!("{count} tasks of one service")))
    }
}

impl Push {
    /// Returns what about it cannot be true; `None`: nothing.
    pub fn implausible(&self, now: Time) -> Option<String> {
        future(self.pushed_at, now).or_else(|| too_long(self))
    }
}

fn future(time: Time, now: Time) -> Option<String> {
    (time > now + SKEW_MAX).then(|| format!("its time {time} is in the future (now: {now})"))
}

/// Finds a text or a list of implausible length.
fn too_long(input: &impl Serialize) -> Option<String> {
    let size = serde_json::to_string(input).ok()?.len();
    if size > INPUT_MAX {
        return Some(format!("it contains {size} bytes"));
    }
    let value = serde_json::to_value(input).ok()?;
    let mut open = vec![&value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.len() > TEXT_MAX => {
                return Some(format!("it contains a text of {} bytes", text.len()));
            }
            Value::Array(items) if items.len() > ITEMS_MAX => {
                return Some(format!("it contains a list of {} items", items.len()));
            }
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    None
}
