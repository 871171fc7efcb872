//! What something costs: every call of AWS, DynamoDB's units, and dollars at list price.
//!
//! Calls, units and invocations are counted in the sandbox. How long an invocation lasts on AWS is
//! unknown here; the assumptions are at the top of `bill`.

mod bill;
mod expense;
pub mod prices;

pub use bill::Bill;
pub use expense::{Expense, idle_hour};

use crate::Team;
use sandbox::PERSON;
use sandbox::trace::{Entry, Trigger, Units, What};
use std::collections::{BTreeMap, BTreeSet};

/// A moment to count from.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    entries: usize,
    at: u64,
}

/// What happened since a mark, invocation by invocation.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    pub invocations: Vec<Invocation>,
    log_bytes: usize,
}

#[derive(Clone, Debug)]
pub struct Invocation {
    pub function: String,
    pub trigger: Trigger,
    pub cold: bool,
    /// Service and operation.
    pub calls: Vec<(String, String)>,
    pub units: Units,
    megabytes: u64,
}

impl Team {
    pub fn mark(&self) -> Mark {
        let account = self.sandbox.account();
        Mark { entries: account.trace.entries().len(), at: account.now }
    }

    /// What was done since `mark`, apart from the sweep: that comes every minute anyhow.
    pub fn costs_since(&self, mark: Mark) -> Costs {
        let mut costs = self.everything_since(mark);
        costs.invocations.retain(|invocation| invocation.trigger != Trigger::Schedule);
        costs
    }

    pub(crate) fn everything_since(&self, mark: Mark) -> Costs {
        let account = self.sandbox.account();
        let mut invocations = invocations(&account.trace.entries()[mark.entries..]);
        for invocation in &mut invocations {
            let function = account.stack.functions.get(&invocation.function);
            invocation.megabytes = function.map_or(0, |function| function.memory_megabytes);
        }
        let lines = account.stack.functions.keys().flat_map(|function| account.logs(function));
        let written = lines.filter(|line| line.at >= mark.at);
        let log_bytes = written.map(|line| line.text.len()).sum();
        Costs { invocations, log_bytes }
    }
}

/// The sandbox runs one invocation at a time, and notes it after the calls that it made.
fn invocations(entries: &[Entry]) -> Vec<Invocation> {
    let mut invocations = Vec::new();
    let (mut calls, mut units) = (Vec::new(), Units::default());
    for entry in entries {
        match &entry.what {
            What::Called { caller, service, operation, units: taken, .. } if caller != PERSON => {
                calls.push((service.clone(), operation.clone()));
                units.read += taken.read;
                units.written += taken.written;
            }
            What::Invoked { function, trigger, cold, .. } => invocations.push(Invocation {
                function: function.clone(),
                trigger: *trigger,
                cold: *cold,
                calls: std::mem::take(&mut calls),
                units: std::mem::take(&mut units),
                megabytes: 0,
            }),
            _ => {}
        }
    }
    invocations
}

impl Costs {
    /// How often each operation was called.
    pub fn calls(&self) -> BTreeMap<(&str, &str), u64> {
        let mut counts = BTreeMap::new();
        for (service, operation) in self.invocations.iter().flat_map(|one| &one.calls) {
            *counts.entry((service.as_str(), operation.as_str())).or_default() += 1;
        }
        counts
    }

    /// How many calls there were to the services of AWS that Slipway is there for, and not to its
    /// own table and queues.
    pub fn calls_outside(&self) -> u64 {
        let own = |service: &str| ["dynamodb", "sqs"].contains(&service);
        self.calls().iter().filter(|((service, _), _)| !own(service)).map(|(_, count)| count).sum()
    }

    pub fn units(&self) -> Units {
        let mut units = Units::default();
        for invocation in &self.invocations {
            units.read += invocation.units.read;
            units.written += invocation.units.written;
        }
        units
    }

    /// How often each function was invoked.
    pub fn by_function(&self) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for invocation in &self.invocations {
            *counts.entry(invocation.function.as_str()).or_default() += 1;
        }
        counts
    }

    /// How many calls of a service each invocation of a function makes, from fewest to most.
    pub fn calls_of(&self, service: &str) -> BTreeMap<&str, Vec<usize>> {
        let mut calls: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for invocation in &self.invocations {
            let called = invocation.calls_of(service);
            calls.entry(invocation.function.as_str()).or_default().push(called);
        }
        calls.values_mut().for_each(|calls| calls.sort_unstable());
        calls
    }
}

impl Invocation {
    /// The services that it called.
    pub fn hosts(&self) -> BTreeSet<&str> {
        self.calls.iter().map(|(service, _)| service.as_str()).collect()
    }

    /// How often it called one service.
    pub fn calls_of(&self, service: &str) -> usize {
        self.calls.iter().filter(|(called, _)| called == service).count()
    }
}
