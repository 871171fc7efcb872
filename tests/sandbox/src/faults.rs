//! A rude world on demand: calls that fail, processes that die, events that come twice or never.

use crate::{
    PERSON,
    service::{Call, Emission, Refusal},
};
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS is too busy.
    Throttle,
    /// AWS refuses, in these words.
    Refuse(Refusal),
    /// The call is done, and the connection breaks before the answer arrives.
    LoseAnswer,
    /// The connection breaks, and nothing is done.
    LoseCall,
    /// The calling process is killed, and the call is not done.
    KillBefore,
    /// The calling process is killed, and the call is done.
    KillAfter,
    /// The function runs out of time over this call, which is done.
    TimeOut,
    /// The call is done, and its answer takes this long in real time, as on a busy machine. The
    /// sandbox's own time does not advance meanwhile.
    Slow(Duration),
}

/// Which calls a fault is for; what is not said does not matter.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// The logical id of a function; any function where there is none. People are spared.
    pub caller: Option<String>,
    pub service: Option<String>,
    pub operation: Option<String>,
}

/// When, among the calls that it is for, a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// At one of them, counted from 1.
    Nth(u64),
    First(u64),
    /// At this percentage, drawn from the seed.
    Share {
        percent: u64,
        seed: u64,
    },
}

/// What happens to an event on its way to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFault {
    Drop,
    Duplicate,
    DelaySeconds(u64),
}

#[derive(Clone, Debug)]
struct Planned {
    calls: Calls,
    when: When,
    fault: Fault,
    seen: u64,
}

#[derive(Clone, Debug)]
struct PlannedEvent {
    detail_type: Option<String>,
    when: When,
    fault: EventFault,
    seen: u64,
}

/// The faults of a run.
#[derive(Debug, Default)]
pub struct Faults {
    calls: Vec<Planned>,
    events: Vec<PlannedEvent>,
}

impl Faults {
    pub fn on_calls(&mut self, calls: Calls, when: When, fault: Fault) {
        self.calls.push(Planned { calls, when, fault, seen: 0 });
    }

    /// Strikes at the `number`-th call of any function from now on.
    pub fn at_call(&mut self, number: u64, fault: Fault) {
        self.on_calls(Calls::default(), When::Nth(number), fault);
    }

    /// Strikes at events of one kind, or of any.
    pub fn on_events(&mut self, detail_type: Option<&str>, when: When, fault: EventFault) {
        self.events.push(PlannedEvent {
            detail_type: detail_type.map(str::to_owned),
            when,
            fault,
            seen: 0,
        });
    }

    /// Takes every fault back.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.events.clear();
    }

    pub(crate) fn for_call(&mut self, call: &Call) -> Option<Fault> {
        if call.caller == PERSON {
            return None;
        }
        let mut struck = None;
        for planned in &mut self.calls {
            if planned.calls.include(call) {
                planned.seen += 1;
                if planned.when.strikes(planned.seen) {
                    struck.get_or_insert(planned.fault.clone());
                }
            }
        }
        struck
    }

    pub(crate) fn for_event(&mut self, emission: &Emission) -> Option<EventFault> {
        let mut struck = None;
        for planned in &mut self.events {
            if planned.detail_type.as_ref().is_none_or(|kind| *kind == emission.detail_type) {
                planned.seen += 1;
                if planned.when.strikes(planned.seen) {
                    struck.get_or_insert(planned.fault);
                }
            }
        }
        struck
    }
}

impl Calls {
    pub fn of(caller: &str) -> Self {
        Self { caller: Some(caller.to_owned()), ..Self::default() }
    }

    pub fn to(service: &str, operation: &str) -> Self {
        Self {
            caller: None,
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
        }
    }

    fn include(&self, call: &Call) -> bool {
        self.caller.as_ref().is_none_or(|caller| *caller == call.caller)
            && self.service.as_ref().is_none_or(|service| service == call.service)
            && self.operation.as_ref().is_none_or(|operation| *operation == call.operation)
    }
}

impl When {
    fn strikes(self, number: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(nth) => number == nth,
            Self::First(count) => number <= count,
            Self::Share { percent, seed } => scatter(seed.wrapping_add(number)) % 100 < percent,
        }
    }
}

/// A number that looks random and follows from `seed` alone.
fn scatter(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}
