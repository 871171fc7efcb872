//! The simulation: a clock, what will happen, and the real engine in the middle.

use crate::behaviour::Behaviour;
use crate::cloud::{Address, Cloud, Disturbance, Tick, target_name};
use crate::faults::Plan;
use crate::happening::{Happening, describe};
use crate::invariants::Invariants;
use crate::sabotage::reviewed::Careless;
use crate::surroundings::Surroundings;
use crate::systems::System;
use engine::{Decide, Engine, Key, Message, Record};
use pipeline::deployment::{Deployment, Reply};
use pipeline::environment::{Control, Head, Input};
use pipeline::event::Event;
use pipeline::names::{Digest, Place, ServiceName};
use pipeline::notice::Notice;
use pipeline::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// More events than any history needs: one that reaches this runs in circles.
const HAPPENINGS_MAX: usize = 30_000;

pub struct Sim<D> {
    pub memory: Surroundings,
    pub cloud: Cloud,
    pub decide: D,
    pub plan: Plan,
    pub now: Time,
    pub systems: Vec<System>,
    pub invariants: Invariants,
    pub told: Vec<Notice>,
    pub answers: Vec<(Time, String)>,
    pub(crate) queue: BTreeMap<(Time, u64), Happening>,
    pub(crate) order: u64,
    pub(crate) sweep_at: Option<Time>,
    delivered: BTreeSet<(engine::Sender, u64)>,
    pub log: Option<Vec<String>>,
    pub happenings: usize,
    /// Whether timers ring at all; if not, the sweep alone wakes what is due.
    pub timers_ring: bool,
    /// Approvals are given at the last moment, or a little later.
    pub(crate) approves_late: bool,
    /// People and others act while workers are about to.
    pub(crate) hasty: bool,
    /// Services lose tasks for a while during a rollback.
    pub(crate) restless_on_the_way_back: bool,
    /// How often in a row sweeps have woken a record, and what its version was.
    pub(crate) woken: BTreeMap<Key, (u64, u32)>,
    /// Sabotage: what workers leave out.
    pub careless: Careless,
}

/// The first moment of every history: a Saturday morning.
pub const START: Time = Time::from_millis(1_795_248_000_000);

impl<D> Sim<D> {
    /// A copy that goes its own way from here, without faults.
    #[must_use]
    pub(crate) fn fork(&self) -> Self
    where
        D: Clone,
    {
        Self {
            memory: self.memory.fork(),
            cloud: self.cloud.clone(),
            decide: self.decide.clone(),
            plan: self.plan.clone(),
            now: self.now,
            systems: self.systems.clone(),
            invariants: self.invariants.clone(),
            told: self.told.clone(),
            answers: self.answers.clone(),
            queue: self.queue.clone(),
            order: self.order,
            sweep_at: self.sweep_at,
            delivered: self.delivered.clone(),
            log: self.log.clone(),
            happenings: self.happenings,
            timers_ring: self.timers_ring,
            approves_late: self.approves_late,
            hasty: self.hasty,
            restless_on_the_way_back: self.restless_on_the_way_back,
            woken: self.woken.clone(),
            careless: self.careless,
        }
    }

    /// What will happen, the next first.
    pub(crate) fn coming(&self) -> impl Iterator<Item = (Time, &Happening)> {
        self.queue.iter().map(|((time, _), happening)| (*time, happening))
    }
}

impl<D: Decide> Sim<D> {
    pub fn new(systems: Vec<System>, decide: D, plan: Plan) -> Self {
        let mut sim = Self {
            memory: Surroundings::default(),
            cloud: Cloud::default(),
            decide,
            plan,
            now: START,
            invariants: Invariants::new(&systems),
            systems,
            told: Vec::new(),
            answers: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            sweep_at: None,
            delivered: BTreeSet::new(),
            log: None,
            happenings: 0,
            timers_ring: true,
            approves_late: false,
            hasty: false,
            restless_on_the_way_back: false,
            woken: BTreeMap::new(),
            careless: Careless::default(),
        };
        sim.memory.set_now(START);
        sim.install();
        let plan = sim.plan.clone();
        sim.memory.set_faults(move |point| plan.fault(point));
        sim
    }

    pub fn after(&mut self, span: Span, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.now + span, self.order), happening);
    }

    /// Performs everything until nothing is left.
    pub fn run(&mut self) {
        self.run_until(Time::LAST);
    }

    pub fn run_until(&mut self, end: Time) {
        while let Some(time) = self.next_at() {
            if time > end {
                self.now = end;
                return;
            }
            if self.invariants.is_endless() {
                return;
            }
            if self.happenings > HAPPENINGS_MAX {
                self.invariants
                    .violated("every_deployment_ends", "the history goes round in circles".into());
                return;
            }
            if let Some((time, happening)) = self.take(0) {
                self.live(time, happening);
            }
        }
    }

    /// When something happens next.
    fn next_at(&mut self) -> Option<Time> {
        self.plan_sweep();
        self.queue.keys().next().map(|(time, _)| *time)
    }

    /// Advances time without any event.
    pub(crate) fn pass_to(&mut self, time: Time) {
        self.happenings += 1;
        self.now = self.now.max(time);
        self.memory.set_now(self.now);
    }

    /// The sweep did not come; the next one does.
    pub(crate) fn sweep_was_lost(&mut self) {
        self.sweep_at = None;
        self.plan_sweep();
    }

    /// Takes the happening that comes after `others` others.
    pub(crate) fn take(&mut self, others: usize) -> Option<(Time, Happening)> {
        self.plan_sweep();
        let (time, order) = *self.queue.keys().nth(others)?;
        self.queue.remove(&(time, order)).map(|happening| (time, happening))
    }

    /// Performs one event, with all that follows at once.
    pub(crate) fn live(&mut self, time: Time, happening: Happening) {
        self.pass_to(time);
        self.happen(happening);
        self.collect();
        self.plan_sweep();
    }

    fn happen(&mut self, happening: Happening) {
        self.log_line(|| describe(&happening));
        match happening {
            Happening::Push { push, tries } => {
                let result = pollster::block_on(self.engine().pushed(&push)).map(|_| ());
                self.retry_event(&result, tries, |tries| Happening::Push { push, tries }, true);
            }
            Happening::Fact { lookup, place, owner, event, tries } => {
                let result = match &lookup {
                    Some(lookup) => {
                        pollster::block_on(self.engine().happened(lookup, &event)).map(|_| ())
                    }
                    None => {
                        let input = match owner {
                            Some(deployment) => {
                                Input::HappenedTo { deployment, event: event.clone() }
                            }
                            None => Input::Happened(event.clone()),
                        };
                        pollster::block_on(self.engine().tell(&place, input)).map(|_| ())
                    }
                };
                let again = |tries| Happening::Fact { lookup, place, owner, event, tries };
                self.retry_event(&result, tries, again, false);
            }
            Happening::Look { address, tries } => {
                let lag =
                    Span::seconds(self.plan.below(self.plan.odds().delay_seconds_max.min(20)));
                let observation = self.cloud.describe(&address, self.now, lag, false);
                let event = Event::Observed { services: vec![observation] };
                let (lookup, place) = self.listener_of(&address);
                self.happen(Happening::Fact { lookup, place, owner: None, event, tries });
            }
            Happening::Deliver { message, receives } => self.deliver(message, receives),
            Happening::Act { message, permit, receives } => self.act(message, permit, receives),
            Happening::Report { message, permit, event, receives } => {
                let answer = event.clone();
                let result = pollster::block_on(self.engine().answer_on(permit, &message, event));
                if let (Ok(_), engine::Sender::Deployment(id)) = (&result, &message.from) {
                    self.invariants.calls.heard(id, &answer);
                }
                if result.is_err() || self.plan.worker_dies() {
                    self.redeliver(message, receives);
                }
            }
            Happening::Tick(tick) => {
                let (news, ticks) = self.cloud.tick(tick, self.now);
                self.emit(news);
                self.schedule(ticks);
            }
            Happening::Person { place, input } => {
                if let Input::Controlled { control, .. } = &input {
                    self.invariants.controlled(&place, control, self.now);
                }
                let control = match &input {
                    Input::Controlled { control, .. } => Some(control.clone()),
                    _ => None,
                };
                let before = self.head(&place).filter(|_| control.is_some());
                let said = pollster::block_on(self.engine().tell(&place, input.clone()));
                if matches!(control, Some(Control::Hold { .. })) {
                    self.invariants.held(before.as_ref(), self.head(&place).as_ref());
                }
                match said {
                    Ok(said) => {
                        if let Some(control) = &control {
                            let before = before.as_ref();
                            self.invariants.releases.controlled(&place, control, before);
                        }
                        self.answers.push((self.now, say(&said)));
                    }
                    // The console shows the error, and the person clicks again.
                    Err(_) => self.after(Span::seconds(15), Happening::Person { place, input }),
                }
            }
            Happening::ChangeSpec(application, change) => {
                self.change_the_spec(application, change);
            }
            Happening::Outsider(address) => self.update_from_outside(&address),
            // What failed in a deployment was the deployment's.
            Happening::Disturb(address, Disturbance::Fail) if self.is_deployed_to(&address) => {}
            Happening::Disturb(address, deed) => {
                let (news, ticks) = self.cloud.disturb(&address, deed, self.now);
                self.emit(news);
                self.schedule(ticks);
            }
            Happening::Alarm(name, state) => self.set_alarm(name.as_str(), state),
            Happening::Mute(name, true) => drop(self.cloud.muted.insert(name)),
            Happening::Mute(name, false) => drop(self.cloud.muted.remove(&name)),
            Happening::Wake(key) => {
                // What fails is due in the next sweep.
                let _ = pollster::block_on(self.engine().wake(&key));
            }
            Happening::Sweep => {
                self.sweep_at = None;
                // What fails is due again in a minute.
                if let Ok(swept) = pollster::block_on(self.engine().sweep()) {
                    self.count_what_is_woken(&swept);
                }
            }
        }
    }

    /// What the cloud does later.
    pub(crate) fn schedule(&mut self, ticks: Vec<(Span, Tick)>) {
        for (span, tick) in ticks {
            self.after(span, Happening::Tick(tick));
        }
    }

    pub fn engine(&self) -> Engine<'_, Surroundings, D> {
        Engine::new(&self.memory, &self.decide)
    }

    /// Records that a notice was sent; the reader sees each once.
    pub(crate) fn tell_people(&mut self, message: &Message, notice: &Notice) {
        if self.delivered.insert((message.from.clone(), message.number)) {
            self.told.push(notice.clone());
            self.approve_late(notice);
            self.instability_during_the_rollback(notice);
        }
    }

    pub fn head(&self, place: &Place) -> Option<Head> {
        Head::try_from(self.record(&Key::Head(place.clone()))?).ok()
    }

    pub fn deployments(&self, place: &Place) -> Vec<Deployment> {
        let keys = self.memory.keys().into_iter().filter(|key| match key {
            Key::Deployment(id) => id.place == *place,
            _ => false,
        });
        keys.filter_map(|key| Deployment::try_from(self.record(&key)?).ok()).collect()
    }

    pub fn record(&self, key: &Key) -> Option<Record> {
        self.memory.read(key)
    }

    pub fn address(&self, place: &Place, service: &ServiceName) -> Option<Address> {
        let system = self.systems.iter().find(|s| s.spec.application == place.application)?;
        let rules = system.spec.environments.get(&place.environment)?;
        Some((target_name(&rules.target), service.clone()))
    }

    pub fn behaves(&mut self, digest: &Digest, behaviour: Behaviour) {
        self.cloud.behaviours.insert(digest.clone(), behaviour);
    }

    fn log_line(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(log) = &mut self.log {
            log.push(format!("{now} {}", line()));
        }
    }
}

/// What a person reads in the console.
pub fn say(said: &Reply) -> String {
    match said {
        Reply::Done => "done".into(),
        Reply::Accepted(text) => format!("accepted: {text}"),
        Reply::Refused(text) => format!("refused: {text}"),
        Reply::Ignored(text) => format!("ignored: {text}"),
        Reply::Denied(text) => format!("denied: {text}"),
        Reply::Granted => "granted".into(),
    }
}
