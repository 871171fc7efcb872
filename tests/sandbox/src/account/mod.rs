//! One AWS account: its services, its clock, what is planned in it and what happened.

mod call;
mod deliver;
mod stack;

pub(crate) use call::Outcome;
pub(crate) use stack::check;

use crate::{
    Answer, Error, PERSON,
    agenda::{Agenda, Asynchronous, Planned},
    events,
    faults::{EventFault, Faults},
    iam::Iam,
    service::{Desk, Emission},
    services::Services,
    sqs::Lineage,
    template::Deployed,
    trace::{Trace, What},
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Notify, oneshot};

/// One line that a function wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: u64,
    pub text: String,
}

#[derive(Debug)]
pub struct Account {
    /// Milliseconds since 1970. Stands still while a function works.
    pub now: u64,
    pub stack: Arc<Deployed>,
    pub iam: Iam,
    pub services: Services,
    pub faults: Faults,
    pub trace: Trace,
    pub(crate) agenda: Agenda,
    pub(crate) logs: BTreeMap<String, Vec<Line>>,
    /// When something last changed: reading and ticking alone do not count.
    pub(crate) moved_at: u64,
    problems: Vec<String>,
    keys: BTreeMap<String, String>,
    running: BTreeMap<String, Running>,
    calls: u64,
    requests: u64,
    events: u64,
}

/// A function at work.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) lineage: Lineage,
    pub(crate) kill: Arc<Notify>,
    /// Whether a fault lets it run out of time.
    pub(crate) timed_out: bool,
}

/// How long EventBridge takes.
const EVENT_MILLIS: u64 = 300;

impl Account {
    pub(crate) fn new(stack: Deployed, now: u64) -> Result<Self, Error> {
        let mut iam = Iam::new(&stack);
        check(&stack, &mut iam)?;
        let mut agenda = Agenda::default();
        for rule in stack.rules.values().filter(|rule| rule.enabled) {
            if let Some(seconds) = rule.every_seconds {
                agenda.add(now + seconds * 1000, Planned::Tick { rule: rule.id.clone() });
            }
        }
        Ok(Self {
            now,
            iam,
            services: Services::new(&stack)?,
            faults: Faults::default(),
            trace: Trace::default(),
            agenda,
            logs: BTreeMap::new(),
            moved_at: now,
            problems: Vec::new(),
            keys: BTreeMap::new(),
            running: BTreeMap::new(),
            calls: 0,
            requests: 0,
            events: 0,
            stack: Arc::new(stack),
        })
    }

    /// What a sound template and sound functions do not let happen.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// How many calls functions have made so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// What the functions' processes wrote, by logical id.
    pub fn logs(&self, function: &str) -> &[Line] {
        self.logs.get(function).map(Vec::as_slice).unwrap_or_default()
    }

    /// Puts an event on the bus, as a service of AWS does.
    pub fn emit(&mut self, emission: &Emission) {
        let at = self.now + EVENT_MILLIS;
        self.moved_at = self.now;
        let fault = self.faults.for_event(emission);
        if let Some(fault) = fault {
            self.add(What::Fault { what: format!("{fault:?} {}", emission.detail_type) });
        }
        let times = match fault {
            None => vec![at],
            Some(EventFault::Drop) => Vec::new(),
            Some(EventFault::DelaySeconds(seconds)) => vec![at + seconds * 1000],
            Some(EventFault::Duplicate) => vec![at, at + EVENT_MILLIS],
        };
        let envelope = self.envelope(emission);
        for at in times {
            self.agenda
                .add(at, Planned::Event { emission: emission.clone(), envelope: envelope.clone() });
        }
    }

    /// Lets `act` change the services as AWS itself would: what it emits and plans on the desk
    /// happens, and a bell rings at `service`.
    pub fn at_desk<T>(
        &mut self,
        service: &'static str,
        act: impl FnOnce(&mut Services, &mut Desk<'_>) -> T,
    ) -> T {
        let (mut emitted, mut later) = (Vec::new(), Vec::new());
        let stack = self.stack.clone();
        let mut desk = Desk {
            now: self.now,
            region: &stack.place.region,
            account: &stack.place.account,
            emitted: &mut emitted,
            later: &mut later,
        };
        let done = act(&mut self.services, &mut desk);
        for written in std::mem::take(&mut self.services.ecs.written) {
            self.services.logs.write(written);
        }
        for emission in &emitted {
            self.emit(emission);
        }
        for (at, what) in later {
            self.agenda.add(at.max(self.now), Planned::Bell { service, what });
        }
        done
    }

    /// What a service planned has come due.
    pub(crate) fn ring(&mut self, service: &'static str, what: Value) {
        self.moved_at = self.now;
        self.at_desk(service, |services, desk| {
            if let Some(service) = services.get(service) {
                service.rang(what, desk);
            }
        });
    }

    pub(crate) fn tick(&mut self, rule: &str) {
        let stack = self.stack.clone();
        let Some(rule) = stack.rules.get(rule) else { return };
        let seconds = rule.every_seconds.unwrap_or(60);
        self.agenda.add(self.now + seconds * 1000, Planned::Tick { rule: rule.id.clone() });
        let payload = self.envelope(&events::tick(&rule.arn));
        for target in &rule.targets {
            self.target(rule, target, &payload, true);
        }
    }

    /// Hands an event to the rules that want it.
    pub(crate) fn event(&mut self, emission: &Emission, payload: &Value) -> Vec<String> {
        let stack = self.stack.clone();
        let mut wanted = Vec::new();
        for rule in stack.rules.values().filter(|rule| rule.enabled) {
            if rule.pattern.as_ref().is_some_and(|pattern| events::wants(pattern, payload)) {
                wanted.push(rule.id.clone());
                for target in &rule.targets {
                    self.target(rule, target, payload, false);
                }
            }
        }
        let (detail_type, resources) = (emission.detail_type.clone(), emission.resources.clone());
        self.add(What::Event { detail_type, resources, rules: wanted.clone() });
        wanted
    }

    pub(crate) fn invoke_later(&mut self, function: &str, payload: Value, scheduled: bool) {
        let since = self.now;
        let invocation =
            Asynchronous { function: function.to_owned(), payload, since, failed: 0, scheduled };
        self.agenda.add(self.now, Planned::Invoke(invocation));
    }

    /// A person outside of the scenario invokes a function, at the next step.
    pub(crate) fn ask(
        &mut self,
        function: &str,
        payload: Value,
    ) -> Option<oneshot::Receiver<Answer>> {
        let function = self.stack.function(function)?.id.clone();
        let (reply, waiting) = oneshot::channel();
        self.agenda.add(self.now, Planned::Ask { function, payload, reply });
        Some(waiting)
    }

    pub(crate) fn add(&mut self, what: What) {
        self.trace.add(self.now, what);
    }

    pub(crate) fn problem(&mut self, what: String) {
        self.problems.push(what.clone());
        self.add(What::Problem { what });
    }

    pub(crate) fn caller(&self, key: &str) -> String {
        self.keys.get(key).cloned().unwrap_or_else(|| PERSON.to_owned())
    }

    pub(crate) fn remember_key(&mut self, key: &str, function: &str) {
        self.keys.insert(key.to_owned(), function.to_owned());
    }

    pub(crate) fn begin(&mut self, function: &str, running: Running) {
        self.running.insert(function.to_owned(), running);
    }

    pub(crate) fn end(&mut self, function: &str) -> Option<Running> {
        self.running.remove(function)
    }

    pub(crate) fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("{:08x}-a3a3-4000-8000-000000000000", self.requests)
    }

    fn envelope(&mut self, emission: &Emission) -> Value {
        self.events += 1;
        events::envelope(emission, self.events, self.now, &self.stack.place)
    }
}
