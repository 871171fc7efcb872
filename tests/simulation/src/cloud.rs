//! The model of AWS: services that roll out, fail and return, one-off tasks, alarms, URLs.
//!
//! It is as unreliable as the real one: an update is visible late, a rollout may hang, ECS itself
//! may roll back, and an event is only a hint that something changed.

mod alarms;
mod dying;
mod one_offs;
mod others;
mod seen;

pub use alarms::Change;
pub use others::Disturbance;

use crate::behaviour::Behaviour;
use pipeline::effect::Purpose;
use pipeline::event::{AlarmReading, AlarmState};
use pipeline::names::{
    AlarmName, DeploymentId, Digest, Repository, Revision, RolloutId, ServiceName, TaskId,
};
use pipeline::observation::{Found, Progress, Rollout};
use pipeline::spec::Target;
use pipeline::task::{OneOffEnd, TaskReport};
use pipeline::time::{Span, Time};
use pipeline::waits::Trouble;
use std::collections::{BTreeMap, BTreeSet};

/// Where a service is: its cluster or hosts, and its name.
pub type Address = (String, ServiceName);

#[derive(Clone, Debug, Default)]
pub struct Cloud {
    pub services: BTreeMap<Address, Service>,
    pub revisions: BTreeMap<Revision, BTreeMap<Repository, Digest>>,
    pub behaviours: BTreeMap<Digest, Behaviour>,
    pub tasks: Vec<OneOffTask>,
    /// Every state that an alarm took, the last one last.
    pub alarms: BTreeMap<AlarmName, Vec<Change>>,
    /// Alarms that a rule mutes.
    pub muted: BTreeSet<AlarmName>,
    /// Every call that changed something, for the invariants.
    pub calls: Vec<Call>,
    /// What workers noted before they updated or created a service.
    pub notes: BTreeMap<(DeploymentId, Address), Note>,
    /// Targets where nothing is ever finished.
    pub silent: BTreeSet<String>,
    /// How often there is still no capacity for a one-off task.
    pub refusals: u32,
    /// How many one-off tasks are taken next, and find no room then.
    pub no_room_for: u32,
    /// `StopTask` is answered, and stops nothing.
    pub stops_in_vain: bool,
    /// Every refusal has a very long text.
    pub reasons_are_long: bool,
    /// Services for which calls are denied, until when, and when that happened.
    pub refused: BTreeMap<Address, Time>,
    pub refusals_made: Vec<(Time, Address)>,
    /// Services that lost all their tasks, and when.
    pub losses: Vec<(Time, Address)>,
    /// How long a deleted service is still there.
    pub drains: Span,
    pub returns: Returns,
    /// How late `describe` is, at least.
    pub lag: Span,
    counter: u64,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub breaker: Breaker,
    pub desired: u32,
    pub rollouts: Vec<Rollout>,
    /// The newest rollout, if ECS returned from it, and why.
    pub returned_from: Option<(RolloutId, String)>,
    pub trouble: Option<Trouble>,
    /// It is being deleted.
    pub draining: bool,
    /// When each rollout began, the oldest first.
    begun: Vec<(Time, RolloutId)>,
    /// What `describe` would have said, since when.
    history: Vec<(Time, Option<Found>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub at: Time,
    pub creates: bool,
}

/// What ECS itself does when tasks fail to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    Off,
    Stop,
    RollBack,
}

/// How a rollback by ECS goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Returns {
    #[default]
    Well,
    /// It never comes to an end.
    Hang,
    /// What ran before does not come up either.
    Fail,
}

#[derive(Clone, Debug)]
pub struct OneOffTask {
    pub id: TaskId,
    pub cluster: String,
    pub token: String,
    pub owner: Owner,
    pub started_at: Time,
    pub ends: Option<(Time, OneOffEnd)>,
    pub stopped: bool,
}

/// The `startedBy` of a task, which its events contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub deployment: DeploymentId,
    pub purpose: Purpose,
    pub attempt: u32,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub at: Time,
    pub address: Address,
    /// What was asked for; `None`: deletion.
    pub revision: Option<Revision>,
    pub by: Caller,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    Deployment(DeploymentId),
    Outsider,
}

/// Something that the model does later.
#[derive(Clone, Debug)]
pub enum Tick {
    Complete(Address, RolloutId),
    /// The rollback of ECS fails.
    GivesUp(Address, RolloutId),
    TaskDies(Address, RolloutId, u32),
    SidecarDies(Address, RolloutId),
    /// As many tasks run as are wanted.
    Settles(Address),
    /// The last task of a deleted service has stopped.
    Drained(Address),
    OneOffEnds(TaskId),
    AlarmFires(AlarmName),
}

/// The event that a listener would get.
#[derive(Clone, Debug)]
pub enum News {
    Service(Address),
    Task(Address, TaskReport),
    OneOff(TaskId),
    Alarm(AlarmReading),
}

pub fn target_name(target: &Target) -> String {
    match target {
        Target::Cluster(cluster) => cluster.clone(),
        Target::Hosts(tags) => {
            tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
        }
    }
}

impl Cloud {
    pub fn create(
        &mut self,
        address: Address,
        revision: Option<Revision>,
        desired: u32,
        breaker: Breaker,
    ) {
        self.create_at(address, revision, desired, breaker, Time::default());
    }

    fn create_at(
        &mut self,
        address: Address,
        revision: Option<Revision>,
        desired: u32,
        breaker: Breaker,
        now: Time,
    ) {
        let id = self.next("ecs-svc/");
        let rollout = revision.map(|revision| Rollout {
            id: RolloutId::new(id),
            revision,
            primary: true,
            progress: Progress::Completed,
            reason: "completed".into(),
            desired,
            running: desired,
            failed: 0,
        });
        let found =
            rollout.clone().map(|rollout| Found { rollouts: vec![rollout], ..Found::default() });
        let service = Service {
            breaker,
            desired,
            rollouts: rollout.into_iter().collect(),
            returned_from: None,
            trouble: None,
            draining: false,
            begun: Vec::new(),
            history: Vec::new(),
        };
        // A late observation still shows the previous state.
        let before = self.services.remove(&address).map(|before| before.history);
        let history = before.into_iter().flatten().chain([(now, found)]).collect();
        self.services.insert(address, Service { history, ..service });
    }

    /// Registers a revision, or returns the identical one.
    pub fn register(&mut self, family: &str, images: BTreeMap<Repository, Digest>) -> Revision {
        let same = self.revisions.iter().find(|(revision, known)| {
            revision.short().split(':').next() == Some(family) && **known == images
        });
        if let Some((revision, _)) = same {
            return revision.clone();
        }
        let count =
            self.revisions.keys().filter(|r| r.short().split(':').next() == Some(family)).count();
        let revision = Revision::new(format!(
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/{family}:{}",
            count + 1
        ));
        self.revisions.insert(revision.clone(), images);
        revision
    }

    pub fn primary(&self, address: &Address) -> Option<&Rollout> {
        let service = self.services.get(address).filter(|service| !service.draining)?;
        service.rollouts.iter().find(|rollout| rollout.primary)
    }

    /// `UpdateService`: the same revision again changes nothing, unless tasks are to be fresh.
    pub fn update(
        &mut self,
        address: &Address,
        revision: &Revision,
        fresh: bool,
        by: Caller,
        now: Time,
    ) -> Option<(RolloutId, Vec<(Span, Tick)>)> {
        let primary = self.primary(address).cloned();
        let id = match &primary {
            Some(primary) if primary.revision == *revision && !fresh => {
                return Some((primary.id.clone(), vec![]));
            }
            _ => RolloutId::new(self.next("ecs-svc/")),
        };
        self.calls.push(Call {
            at: now,
            address: address.clone(),
            revision: Some(revision.clone()),
            by,
        });
        let behaviour = self.behaviour_of(revision);
        let service = self.services.get_mut(address)?;
        let desired = service.desired;
        for rollout in &mut service.rollouts {
            rollout.primary = false;
        }
        service.rollouts.retain(|rollout| rollout.running > 0);
        service.rollouts.insert(
            0,
            Rollout {
                id: id.clone(),
                revision: revision.clone(),
                primary: true,
                progress: Progress::InProgress,
                reason: format!("ECS deployment {id} in progress."),
                desired,
                running: 0,
                failed: 0,
            },
        );
        service.returned_from = None;
        service.begun.push((now, id.clone()));
        service.trouble = behaviour.trouble();
        self.remember(address, now);
        let silent = self.silent.contains(&address.0);
        let ticks = if silent { vec![] } else { behaviour.ticks(address, &id) };
        Some((id, ticks))
    }

    pub fn tick(&mut self, tick: Tick, now: Time) -> (Vec<News>, Vec<(Span, Tick)>) {
        match tick {
            Tick::Complete(address, id) => (self.complete(&address, &id, now), vec![]),
            Tick::TaskDies(address, id, nth) => self.task_dies(&address, &id, nth, now),
            Tick::SidecarDies(address, id) => (self.sidecar_dies(&address, &id, now), vec![]),
            Tick::Settles(address) => (self.settles(&address, now), vec![]),
            Tick::GivesUp(address, id) => (self.gives_up(&address, &id, now), vec![]),
            Tick::Drained(address) => (self.drained(&address, now), vec![]),
            Tick::OneOffEnds(id) => (vec![News::OneOff(id)], vec![]),
            Tick::AlarmFires(name) => (self.set_alarm(&name, AlarmState::On, now), vec![]),
        }
    }

    fn complete(&mut self, address: &Address, id: &RolloutId, now: Time) -> Vec<News> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        let desired = service.desired;
        let Some(rollout) = service.rollouts.iter_mut().find(|r| r.id == *id && r.primary) else {
            return vec![];
        };
        if rollout.progress != Progress::InProgress {
            return vec![];
        }
        rollout.progress = Progress::Completed;
        rollout.reason = format!("ECS deployment {id} completed.");
        (rollout.desired, rollout.running) = (desired, desired);
        service.rollouts.retain(|rollout| rollout.primary);
        service.trouble = None;
        self.remember(address, now);
        vec![News::Service(address.clone())]
    }

    pub fn behaviour_of(&self, revision: &Revision) -> Behaviour {
        let images = self.revisions.get(revision).into_iter().flat_map(BTreeMap::values);
        let mut behaviours = images.filter_map(|digest| self.behaviours.get(digest));
        behaviours.find(|b| **b != Behaviour::Good).cloned().unwrap_or(Behaviour::Good)
    }

    /// Which revisions run anywhere in a target.
    pub fn running_in(&self, target: &str) -> BTreeSet<Revision> {
        let services = self.services.iter().filter(|((place, _), _)| place == target);
        services
            .flat_map(|(_, service)| service.rollouts.iter().map(|r| r.revision.clone()))
            .collect()
    }

    fn next(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:08}", self.counter)
    }
}
