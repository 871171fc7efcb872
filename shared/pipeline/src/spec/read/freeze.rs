//! Windows in which nothing starts: every week, or once.

use super::super::fault::quoted;
use super::super::freeze::{frozen_until, time_of};
use super::super::model::{Freeze, WeekTime};
use super::super::node::Node;
use crate::time::{Span, Time};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const LONGEST: Span = Span::hours(366 * 24);

const MOST_WINDOWS: usize = 50;

/// Any Monday will do to check whether a week has a gap.
const SOME_MONDAY: Time = Time::from_millis(1_704_067_200_000);

/// A time as it is written, before the time zone is known.
enum Moment {
    Weekly(WeekTime),
    Once(DateTime),
}

pub(super) fn windows(node: &Node) -> Vec<Freeze> {
    let example = "[{from: \"fri 18:00\", to: \"mon 08:00\", time_zone: Europe/Berlin}]";
    let windows = node.list(example, 0..=MOST_WINDOWS);
    let windows: Vec<Freeze> = windows.iter().filter_map(freeze).collect();
    let weekly: Vec<Freeze> =
        windows.iter().filter(|window| matches!(window, Freeze::Weekly { .. })).cloned().collect();
    let thaw = frozen_until(&weekly, SOME_MONDAY).unwrap_or(SOME_MONDAY);
    if thaw.since(SOME_MONDAY) > Span::hours(21 * 24) {
        node.fault("the weekly windows leave no gap, so nothing could ever start; shorten one");
    }
    windows
}

fn freeze(node: &Node) -> Option<Freeze> {
    let mut entries =
        node.map("{from: \"fri 18:00\", to: \"mon 08:00\", time_zone: Europe/Berlin}")?;
    let from = entries.require("from", "\"fri 18:00\"").and_then(|n| moment(&n));
    let to = entries.require("to", "\"mon 08:00\"").and_then(|n| moment(&n));
    let zone = entries.require("time_zone", "Europe/Berlin").and_then(|n| zone(&n));
    entries.end();
    match (from?, to?, zone?) {
        (Moment::Weekly(from), Moment::Weekly(to), (_, time_zone)) => {
            if from == to {
                node.fault("it ends when it begins; write a later day or time");
            }
            Some(Freeze::Weekly { from, to, time_zone })
        }
        (Moment::Once(from), Moment::Once(to), (zone, _)) => once(node, from, to, &zone),
        _ => {
            node.fault("one end is a day of the week and the other a date; write two of a kind");
            None
        }
    }
}

fn once(node: &Node, from: DateTime, to: DateTime, zone: &TimeZone) -> Option<Freeze> {
    let from = zone.to_ambiguous_timestamp(from).earlier().ok().and_then(time_of);
    let to = zone.to_ambiguous_timestamp(to).later().ok().and_then(time_of);
    match (from, to) {
        (Some(from), Some(to)) if from >= to => {
            node.fault("it ends before it begins; swap from and to");
            None
        }
        (Some(from), Some(to)) if to <= Time::LAST && to.since(from) <= LONGEST => {
            Some(Freeze::Once { from, to })
        }
        _ => {
            node.fault("it is longer than a year, or centuries away; correct the dates");
            None
        }
    }
}

fn zone(node: &Node) -> Option<(TimeZone, String)> {
    let name = node.text()?;
    match TimeZone::get(&name) {
        Ok(zone) if !zone.is_unknown() => Some((zone, name)),
        _ => {
            node.fault_about(
                "is not a time zone; write its IANA name, such as Europe/Berlin or UTC",
            );
            None
        }
    }
}

fn moment(node: &Node) -> Option<Moment> {
    let text = node.text()?;
    let moment =
        week_time(&text).map(Moment::Weekly).or_else(|| date_time(&text).map(Moment::Once));
    if moment.is_none() {
        let text = quoted(&text);
        node.fault(format!(
            "{text} is neither a day and time of the week nor a date and time; write \"fri 18:00\" \
             or 2026-12-20T00:00"
        ));
    }
    moment
}

fn week_time(text: &str) -> Option<WeekTime> {
    let (day, time) = text.trim().split_once(char::is_whitespace)?;
    let day = day.to_ascii_lowercase();
    let named = |name: &&str| day == **name || day == name[..3];
    let day = DAYS.iter().position(named).and_then(|day| u8::try_from(day).ok())?;
    let (hour, minute) = time.trim().split_once(':')?;
    let digits = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute): (u16, u16) = if digits(hour) && minute.len() == 2 && digits(minute) {
        (hour.parse().ok()?, minute.parse().ok()?)
    } else {
        return None;
    };
    (hour < 24 && minute < 60).then_some(WeekTime { day, minute_of_day: hour * 60 + minute })
}

/// Reads `2026-12-20T00:00`; a date alone would not say whether it includes that day.
fn date_time(text: &str) -> Option<DateTime> {
    let has_time = text.contains(':');
    has_time.then(|| text.trim().parse().ok()).flatten()
}
