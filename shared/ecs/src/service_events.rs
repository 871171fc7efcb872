//! A service's events: its current problems.
//!
//! These are sentences for people, in no documented form; they support a reason and never decide a
//! verdict.

use super::services::primary;
use aws_sdk_ecs::types::{Service, ServiceEvent};
use aws_smithy_types::DateTime;
use pipeline::task::Fault;
use pipeline::time::{Span, Time};
use pipeline::waits::{Teller, Trouble};

/// Older events are outdated: ECS repeats what still holds.
const RECENT: Span = Span::minutes(10);

/// A phrase of an event, and whose fault it is.
const TROUBLE: [(&str, Option<Fault>); 8] = [
    ("unable to place", Some(Fault::Capacity)),
    (VAGUE, None),
    ("unable to stop or start tasks", Some(Fault::Configuration)),
    ("unable to assume", Some(Fault::Configuration)),
    ("failed to launch a task", Some(Fault::Configuration)),
    ("failed to register targets", Some(Fault::Configuration)),
    ("failed container health checks", Some(Fault::Code)),
    ("is unhealthy", Some(Fault::Code)),
];

/// Matches any problem, and hides the cause.
const VAGUE: &str = "unable to consistently start tasks";

const SETTLED: [&str; 2] = ["has reached a steady state", "deployment completed"];

/// Why tasks cannot be placed or started, if an event says so now.
pub(super) fn of(service: &Service, now: Time) -> Option<Trouble> {
    let since = primary(service).and_then(|primary| millis(primary.created_at()));
    let says = |message: &str, words: &[&str]| words.iter().any(|word| message.contains(word));
    let recent = newest_first(service)
        .into_iter()
        .take_while(|(at, _)| since.is_none_or(|since| *at >= since))
        .take_while(|(at, _)| Time::from_millis(*at) + RECENT >= now);
    let messages = recent.map(|(_, message)| message);
    let troubles = messages
        .take_while(|message| !says(message, &SETTLED))
        .filter(|message| TROUBLE.iter().any(|(words, _)| message.contains(words)));
    let troubles: Vec<&str> = troubles.collect();
    let clear = troubles.iter().find(|message| !message.contains(VAGUE));
    clear.or(troubles.first()).map(|message| Trouble {
        told_by: Teller::Ecs,
        text: plain(message),
        fault: fault(message),
    })
}

/// Whose fault it is, where the sentence is unambiguous.
fn fault(message: &str) -> Option<Fault> {
    let (_, fault) = TROUBLE.iter().find(|(words, _)| message.contains(words))?;
    *fault
}

fn newest_first(service: &Service) -> Vec<(u64, &str)> {
    let mut events: Vec<(u64, &str)> = service.events().iter().filter_map(read).collect();
    events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    events
}

fn read(event: &ServiceEvent) -> Option<(u64, &str)> {
    Some((millis(event.created_at())?, event.message()?))
}

fn millis(time: Option<&DateTime>) -> Option<u64> {
    time.and_then(|time| time.to_millis().ok()).and_then(|millis| u64::try_from(millis).ok())
}

/// The sentence without its service, which the reader knows, and without task ids, which would make
/// the same problem look new.
fn plain(message: &str) -> String {
    let mut plain = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once('(') {
        let Some((inside, after)) = after.split_once(')') else { break };
        plain.push_str(before);
        let is_noise = ["service ", "task ", "taskSet ", "instance "];
        if !is_noise.iter().any(|noise| inside.starts_with(noise)) {
            plain.push_str(&format!("({inside})"));
        }
        rest = after;
    }
    plain.push_str(rest);
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}
