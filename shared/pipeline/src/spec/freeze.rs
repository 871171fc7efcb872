//! When nothing may start, in local time.

use super::model::{Environment, Freeze, WeekTime};
use crate::time::Time;
use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// No more adjacent windows are joined: the result is only shown to people.
const MOST_WINDOWS: usize = 64;

impl Environment {
    /// Returns the end of the freeze at `now`, across adjacent and overlapping windows.
    pub fn frozen_until(&self, now: Time) -> Option<Time> {
        frozen_until(&self.freeze, now)
    }
}

pub(super) fn frozen_until(windows: &[Freeze], now: Time) -> Option<Time> {
    let mut end = None;
    for _ in 0..MOST_WINDOWS {
        let moment = end.unwrap_or(now);
        let later = windows.iter().filter_map(|window| window.end_of_last(moment)).max();
        match later {
            Some(later) if later > moment => end = Some(later),
            _ => break,
        }
    }
    end
}

impl Freeze {
    /// Returns when the last window that started by `now` ends, or ended.
    fn end_of_last(&self, now: Time) -> Option<Time> {
        match self {
            Self::Once { from, to } => (*from <= now).then_some(*to),
            Self::Weekly { from, to, time_zone } => {
                // The zone was checked when the spec was read.
                let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
                end_of_last_weekly(*from, *to, &zone, now)
            }
        }
    }
}

fn end_of_last_weekly(from: WeekTime, to: WeekTime, zone: &TimeZone, now: Time) -> Option<Time> {
    let today = now.timestamp().to_zoned(zone.clone()).date();
    // The window that contains `now` started within the last week; one more day for clocks set
    // back.
    let first_days = (0..=8).filter_map(|ago: i64| today.checked_sub(ago.days()).ok());
    first_days
        .filter(|day| i64::from(day.weekday().to_monday_zero_offset()) == i64::from(from.day))
        .filter_map(|day| window(day, from, to, zone))
        .filter(|(start, _)| *start <= now)
        .map(|(_, end)| end)
        .max()
}

/// Returns the window that starts on `first_day`.
///
/// A local time that exists twice or never is read so that the window is longer.
fn window(first_day: Date, from: WeekTime, to: WeekTime, zone: &TimeZone) -> Option<(Time, Time)> {
    let wraps = (to.day, to.minute_of_day) <= (from.day, from.minute_of_day);
    let days = i64::from(to.day) - i64::from(from.day) + if wraps { 7 } else { 0 };
    let last_day = first_day.checked_add(days.days()).ok()?;
    let start = zone.to_ambiguous_timestamp(at(first_day, from)?).earlier().ok()?;
    let end = zone.to_ambiguous_timestamp(at(last_day, to)?).later().ok()?;
    Some((time_of(start)?, time_of(end)?))
}

fn at(day: Date, time: WeekTime) -> Option<civil::DateTime> {
    let hour = i8::try_from(time.minute_of_day / 60).ok()?;
    let minute = i8::try_from(time.minute_of_day % 60).ok()?;
    Some(day.to_datetime(civil::Time::new(hour, minute, 0, 0).ok()?))
}

pub(super) fn time_of(timestamp: Timestamp) -> Option<Time> {
    u64::try_from(timestamp.as_millisecond()).ok().map(Time::from_millis)
}
