//! Everything that happened, with the sandbox's time: for the live view, for tests and for the bill.

use std::{collections::BTreeMap, fmt};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Milliseconds since 1970, in the sandbox's own time.
    pub at: u64,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// An event reached the bus, and these rules wanted it.
    Event { detail_type: String, resources: Vec<String>, rules: Vec<String> },
    /// A function was invoked and ended.
    Invoked {
        function: String,
        trigger: Trigger,
        cold: bool,
        wall_micros: u64,
        cpu_micros: u64,
        failure: Option<String>,
    },
    /// A call of AWS.
    Called {
        number: u64,
        caller: String,
        service: String,
        operation: String,
        refused: Option<String>,
        units: Units,
    },
    /// Messages stay in their queue, because the function did not take them.
    Returned { queue: String, count: usize },
    /// A message was moved to a dead-letter queue, or sent there.
    DeadLetter { queue: String, body: String },
    /// A fault was put in.
    Fault { what: String },
    /// Something that a sound template and sound functions do not let happen.
    Problem { what: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    Person,
    Event,
    Schedule,
    Queue,
}

/// What DynamoDB counts for a call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    pub read: f64,
    pub written: f64,
}

/// How much AWS would charge for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Calls by service and operation.
    pub calls: BTreeMap<(String, String), u64>,
    /// Invocations by function.
    pub invocations: BTreeMap<String, u64>,
    pub cold_starts: u64,
    pub units: Units,
}

#[derive(Debug, Default)]
pub struct Trace {
    entries: Vec<Entry>,
}

impl Trace {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn add(&mut self, at: u64, what: What) {
        self.entries.push(Entry { at, what });
    }

    /// The last `count` lines, for a message about what went wrong.
    pub fn tail(&self, count: usize) -> String {
        let from = self.entries.len().saturating_sub(count);
        self.entries.iter().skip(from).map(|entry| format!("  {entry}\n")).collect()
    }

    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for entry in &self.entries {
            match &entry.what {
                What::Called { caller, service, operation, units, .. }
                    if caller != crate::PERSON =>
                {
                    *usage.calls.entry((service.clone(), operation.clone())).or_default() += 1;
                    usage.units.read += units.read;
                    usage.units.written += units.written;
                }
                What::Invoked { function, cold, .. } => {
                    *usage.invocations.entry(function.clone()).or_default() += 1;
                    usage.cold_starts += u64::from(*cold);
                }
                _ => {}
            }
        }
        usage
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", clock(self.at), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { detail_type, rules, .. } if rules.is_empty() => {
                write!(f, "event {detail_type}: no rule")
            }
            Self::Event { detail_type, rules, .. } => {
                write!(f, "event {detail_type}: {}", rules.join(", "))
            }
            Self::Invoked { function, trigger, cold, failure, .. } => {
                write!(f, "{function}{} by {trigger}", if *cold { " (cold)" } else { "" })?;
                failure.as_ref().map_or(Ok(()), |failure| write!(f, " failed: {failure}"))
            }
            Self::Called { caller, service, operation, refused, .. } => {
                write!(f, "{caller} -> {service}:{operation}")?;
                refused.as_ref().map_or(Ok(()), |code| write!(f, " refused: {code}"))
            }
            Self::Returned { queue, count } => write!(f, "{count} back in {queue}"),
            Self::DeadLetter { queue, body } => write!(f, "dead letter in {queue}: {body}"),
            Self::Fault { what } => write!(f, "fault: {what}"),
            Self::Problem { what } => write!(f, "PROBLEM: {what}"),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Person => "a person",
            Self::Event => "an event",
            Self::Schedule => "the schedule",
            Self::Queue => "its queue",
        })
    }
}

/// The time of day, which is enough to read a story by.
pub fn clock(at: u64) -> String {
    let seconds = at / 1000;
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        at % 1000
    )
}
