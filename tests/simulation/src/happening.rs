//! Everything that may happen in a history, and its text in the log.

use crate::cloud::{Address, Disturbance, Tick};
use crate::specs::SpecChange;
use engine::{Key, Lookup, Message, Permit};
use pipeline::environment::Input;
use pipeline::event::{AlarmState, Event};
use pipeline::names::{AlarmName, ApplicationName, Place};
use pipeline::push::Push;

#[derive(Clone, Debug)]
pub enum Happening {
    Push {
        push: Push,
        tries: u32,
    },
    Fact {
        lookup: Option<Lookup>,
        place: Place,
        owner: Option<u64>,
        event: Event,
        tries: u32,
    },
    /// A hint about a service: a listener asks ECS and reports the answer.
    Look {
        address: Address,
        tries: u32,
    },
    Deliver {
        message: Message,
        receives: u32,
    },
    Act {
        message: Message,
        permit: Option<Permit>,
        receives: u32,
    },
    Report {
        message: Message,
        permit: Option<Permit>,
        event: Event,
        receives: u32,
    },
    Tick(Tick),
    Person {
        place: Place,
        input: Input,
    },
    Outsider(Address),
    /// A service is changed outside Slipway.
    Disturb(Address, Disturbance),
    /// An alarm takes this state.
    Alarm(AlarmName, AlarmState),
    /// A rule mutes an alarm, or no longer does.
    Mute(AlarmName, bool),
    /// A person changes a spec.
    ChangeSpec(ApplicationName, SpecChange),
    /// A timer rings.
    Wake(Key),
    Sweep,
}

pub(crate) fn describe(happening: &Happening) -> String {
    match happening {
        Happening::Push { push, .. } => {
            format!("push {} {:?} {}", push.repository, push.tag, push.digest.short())
        }
        Happening::Fact { event, place, .. } => format!("fact for {place}: {event:?}"),
        Happening::Look { address, .. } => format!("hint about {address:?}"),
        Happening::Deliver { message, receives } => {
            format!(
                "deliver {} #{} of {:?} ({receives})",
                message.effect.name(),
                message.number,
                message.from
            )
        }
        Happening::Act { message, .. } => {
            format!("act {} #{}", message.effect.name(), message.number)
        }
        Happening::Report { message, event, .. } => {
            format!("report #{}: {event:?}", message.number)
        }
        Happening::Tick(tick) => format!("tick {tick:?}"),
        Happening::Person { place, input } => format!("person at {place}: {input:?}"),
        Happening::ChangeSpec(of, change) => format!("the spec of {of} changes: {change:?}"),
        Happening::Outsider(address) => format!("outsider updates {address:?}"),
        Happening::Disturb(address, deed) => format!("somebody: {deed:?} {address:?}"),
        Happening::Alarm(name, state) => format!("alarm {name} is {state:?}"),
        Happening::Mute(name, muted) => format!("alarm {name} is muted: {muted}"),
        Happening::Wake(key) => format!("timer of {key}"),
        Happening::Sweep => "sweep".into(),
    }
}
