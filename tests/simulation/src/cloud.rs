//! The model of AWS: services that roll out, fail and return, one-off tasks, alarms, URLs.
//!
//! It is as rude as the real one: an update shows late, a rollout may hang for ever, ECS may go
//! back by itself, and an event is only a hint that something changed.

use crate::behaviour::Behaviour;
use pipeline::effect::Purpose;
use pipeline::event::{AlarmReading, AlarmState};
use pipeline::names::{
    AlarmName, DeploymentId, Digest, Repository, Revision, RolloutId, ServiceName, TaskId,
};
use pipeline::observation::{Found, Observation, Progress, Rollout};
use pipeline::spec::Target;
use pipeline::task::{ContainerReport, OneOffEnd, Stop, TaskReport};
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
    pub alarms: BTreeMap<AlarmName, Vec<(AlarmState, Time)>>,
    /// Every call that changed something, for the invariants.
    pub calls: Vec<Call>,
    /// What workers noted before they updated or created a service.
    pub notes: BTreeMap<(DeploymentId, Address), Note>,
    /// Targets where nothing is ever finished.
    pub silent: BTreeSet<String>,
    /// How often there is still no room for a one-off task.
    pub refusals: u32,
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

/// What ECS does by itself when tasks fail to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    Off,
    Stop,
    RollBack,
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

/// What a task is started by, which comes back with its events.
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
    TaskDies(Address, RolloutId, u32),
    SidecarDies(Address, RolloutId),
    /// As many tasks run as are wanted.
    Settles(Address),
    OneOffEnds(TaskId),
    AlarmFires(AlarmName),
}

/// What a listener would be told.
#[derive(Clone, Debug)]
pub enum News {
    Service(Address),
    Task(Address, TaskReport),
    OneOff(TaskId),
    Alarm(AlarmReading),
}

fn reading(
    name: &AlarmName,
    (state, since): (AlarmState, Time),
    was: Option<AlarmState>,
) -> AlarmReading {
    let reason = if state == AlarmState::On { "threshold crossed" } else { "" };
    AlarmReading {
        alarm: name.clone(),
        state,
        since,
        reason: reason.into(),
        muted: Some(false),
        was,
    }
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
            begun: Vec::new(),
            history: vec![(Time::default(), found)],
        };
        self.services.insert(address, service);
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
        self.services.get(address)?.rollouts.iter().find(|rollout| rollout.primary)
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

    pub fn delete(&mut self, address: &Address, by: Caller, now: Time) {
        self.calls.push(Call { at: now, address: address.clone(), revision: None, by });
        if let Some(service) = self.services.get_mut(address) {
            service.rollouts.clear();
        }
        self.remember(address, now);
    }

    /// The first rollout that began at `since` or later, as `ListServiceDeployments` tells.
    pub fn first_since(&self, address: &Address, since: Time) -> Option<RolloutId> {
        let begun = &self.services.get(address)?.begun;
        begun.iter().find(|(at, _)| *at >= since).map(|(_, id)| id.clone())
    }

    /// `DescribeServices` as it answers `lag` late. Only who asks for it is told that ECS returned
    /// from a rollout that has drained.
    pub fn describe(&self, address: &Address, now: Time, lag: Span, returns: bool) -> Observation {
        let mut seen = self.described(address, now, lag);
        if let Some(found) = &mut seen.found {
            let drains = |id: &RolloutId| found.rollouts.iter().any(|rollout| rollout.id == *id);
            if !returns && !found.returned_from.as_ref().is_some_and(drains) {
                (found.returned_from, found.return_reason) = (None, None);
            }
            found.returns_asked = returns;
        }
        seen
    }

    fn described(&self, address: &Address, now: Time, lag: Span) -> Observation {
        let service = address.1.clone();
        let lag = lag.max(self.lag);
        let at = Time::from_millis(now.millis().saturating_sub(lag.as_seconds() * 1000));
        let history = self.services.get(address).map(|service| &service.history);
        let seen = history.and_then(|history| history.iter().rev().find(|(since, _)| *since <= at));
        Observation { service, seen_at: now, found: seen.and_then(|(_, found)| found.clone()) }
    }

    pub fn tick(&mut self, tick: Tick, now: Time) -> (Vec<News>, Vec<(Span, Tick)>) {
        match tick {
            Tick::Complete(address, id) => (self.complete(&address, &id, now), vec![]),
            Tick::TaskDies(address, id, nth) => self.task_dies(&address, &id, nth, now),
            Tick::SidecarDies(address, id) => (self.sidecar_dies(&address, &id, now), vec![]),
            Tick::Settles(address) => (self.settles(&address, now), vec![]),
            Tick::OneOffEnds(id) => (vec![News::OneOff(id)], vec![]),
            Tick::AlarmFires(name) => (self.set_alarm(&name, AlarmState::On, now), vec![]),
        }
    }

    pub fn set_alarm(&mut self, name: &AlarmName, state: AlarmState, now: Time) -> Vec<News> {
        let taken = self.alarms.entry(name.clone()).or_default();
        // The state that it has already is no news.
        if taken.last().is_some_and(|(known, _)| *known == state) {
            return vec![];
        }
        taken.push((state, now));
        vec![News::Alarm(self.reading(name))]
    }

    pub fn reading(&self, name: &AlarmName) -> AlarmReading {
        let taken = self.alarms.get(name).map(Vec::as_slice).unwrap_or_default();
        let newest = taken.last().copied().unwrap_or((AlarmState::Quiet, Time::default()));
        let was = taken.iter().rev().nth(1).map(|(state, _)| *state);
        reading(name, newest, was.or(Some(AlarmState::Quiet)))
    }

    /// What an alarm did since then, and how it is.
    pub fn readings(&self, name: &AlarmName, since: Option<Time>) -> Vec<AlarmReading> {
        let taken = self.alarms.get(name).into_iter().flatten();
        let changes = taken.filter(|(_, at)| since.is_some_and(|since| *at > since));
        let newest = AlarmReading { was: None, ..self.reading(name) };
        changes.map(|change| reading(name, *change, None)).chain([newest]).collect()
    }

    /// Somebody or something wants another number of tasks.
    pub fn scale(&mut self, address: &Address, desired: u32, now: Time) -> Vec<(Span, Tick)> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        service.desired = desired;
        if let Some(primary) = service.rollouts.iter_mut().find(|rollout| rollout.primary) {
            primary.desired = desired;
        }
        self.remember(address, now);
        vec![(Span::seconds(40), Tick::Settles(address.clone()))]
    }

    /// Tasks come and go without any event about the service.
    fn settles(&mut self, address: &Address, now: Time) -> Vec<News> {
        let settled =
            |rollout: &&mut Rollout| rollout.primary && rollout.progress == Progress::Completed;
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        if let Some(primary) = service.rollouts.iter_mut().find(settled) {
            primary.running = primary.desired;
        }
        self.remember(address, now);
        vec![]
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

    fn task_dies(
        &mut self,
        address: &Address,
        id: &RolloutId,
        nth: u32,
        now: Time,
    ) -> (Vec<News>, Vec<(Span, Tick)>) {
        let task = TaskId::new(self.next("arn:aws:ecs:eu-west-1:123456789012:task/x/"));
        let primary = self.primary(address).map(|primary| primary.revision.clone());
        let behaviour = primary.map_or(Behaviour::Good, |primary| self.behaviour_of(&primary));
        let Some(service) = self.services.get_mut(address) else { return (vec![], vec![]) };
        let breaker = service.breaker;
        let Some(rollout) = service.rollouts.iter_mut().find(|r| r.id == *id && r.primary) else {
            return (vec![], vec![]);
        };
        let starting = rollout.progress == Progress::InProgress;
        rollout.failed += 1;
        let revision = rollout.revision.clone();
        let (stop, exit_code) = behaviour.stop();
        let container =
            ContainerReport { name: "app".into(), essential: true, exit_code, reason: None };
        let report = TaskReport {
            service: address.1.clone(),
            task,
            revision,
            seen_at: now,
            stop: Some(stop),
            containers: vec![container],
        };
        let mut news = vec![News::Task(address.clone(), report)];
        let mut ticks =
            vec![(Span::seconds(25), Tick::TaskDies(address.clone(), id.clone(), nth + 1))];
        if !starting {
            rollout.running = rollout.running.saturating_sub(1);
        }
        if starting && nth >= 3 && breaker != Breaker::Off {
            news.push(News::Service(address.clone()));
            ticks = self.trip(address, id, breaker);
        }
        if matches!(behaviour, Behaviour::TakenAway(_)) {
            ticks = vec![(Span::seconds(40), Tick::Settles(address.clone()))];
        } else if nth >= 30 {
            ticks.clear();
        }
        self.remember(address, now);
        (news, ticks)
    }

    /// The circuit breaker: stop launching, and perhaps return to the rollout before.
    fn trip(&mut self, address: &Address, id: &RolloutId, breaker: Breaker) -> Vec<(Span, Tick)> {
        let Some(service) = self.services.get_mut(address) else { return vec![] };
        let failed = "ECS deployment circuit breaker: task failed to start.";
        if let Some(rollout) = service.rollouts.iter_mut().find(|r| r.id == *id) {
            rollout.progress = Progress::Failed;
            rollout.reason = failed.into();
        }
        let can_return =
            service.rollouts.iter().any(|r| !r.primary && r.progress == Progress::Completed);
        if breaker != Breaker::RollBack || !can_return {
            return vec![];
        }
        for rollout in &mut service.rollouts {
            rollout.primary = false;
        }
        service.returned_from = Some((id.clone(), failed.to_owned()));
        let old = service.rollouts.iter_mut().find(|r| r.progress == Progress::Completed);
        let Some(old) = old else { return vec![] };
        old.primary = true;
        old.progress = Progress::InProgress;
        old.reason =
            format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", old.id);
        vec![(Span::seconds(45), Tick::Complete(address.clone(), old.id.clone()))]
    }

    fn sidecar_dies(&mut self, address: &Address, id: &RolloutId, now: Time) -> Vec<News> {
        let Some(primary) = self.primary(address).filter(|r| r.id == *id).cloned() else {
            return vec![];
        };
        let container = ContainerReport {
            name: "audit-worker".into(),
            essential: false,
            exit_code: Some(1),
            reason: None,
        };
        let task = TaskId::new(self.next("task/"));
        let report = TaskReport {
            service: address.1.clone(),
            task,
            revision: primary.revision,
            seen_at: now,
            stop: None,
            containers: vec![container],
        };
        vec![News::Task(address.clone(), report)]
    }

    /// The task that ECS answers with when the token comes again, if it remembers it.
    pub fn task_of(&self, cluster: &str, token: &str, now: Time) -> Option<&OneOffTask> {
        let hour = Span::hours(1);
        self.tasks.iter().find(|task| {
            let remembered = task.ends.as_ref().is_none_or(|(end, _)| now < *end + hour);
            task.cluster == cluster && task.token == token && remembered
        })
    }

    /// `RunTask` with a client token: the same token gives the same task while AWS remembers it.
    pub fn run_task(
        &mut self,
        cluster: &str,
        token: &str,
        owner: Owner,
        revision: &Revision,
        now: Time,
    ) -> (TaskId, Vec<(Span, Tick)>) {
        if let Some(task) = self.task_of(cluster, token, now) {
            return (task.id.clone(), vec![]);
        }
        let id = TaskId::new(self.next("arn:aws:ecs:eu-west-1:123456789012:task/one-off/"));
        let behaviour = self.behaviour_of(revision);
        let (ends, after) = behaviour.one_off(owner.purpose == Purpose::Undo);
        let ends = ends.filter(|_| !self.silent.contains(cluster));
        let task = OneOffTask {
            id: id.clone(),
            cluster: cluster.into(),
            token: token.into(),
            owner,
            started_at: now,
            ends: ends.map(|end| (now + after, end)),
            stopped: false,
        };
        let ticks = task.ends.iter().map(|_| (after, Tick::OneOffEnds(id.clone()))).collect();
        self.tasks.push(task);
        (id, ticks)
    }

    pub fn stop_task(&mut self, id: &TaskId, now: Time) -> Vec<(Span, Tick)> {
        let Some(task) = self.tasks.iter_mut().find(|task| task.id == *id) else { return vec![] };
        if task.stopped || task.ends.as_ref().is_some_and(|(end, _)| *end <= now) {
            return vec![];
        }
        task.stopped = true;
        let stop =
            Stop { code: Some("UserInitiated".into()), reason: "slipway: out of time".into() };
        task.ends = Some((
            now + Span::seconds(30),
            OneOffEnd { exit_code: Some(137), stop, reason: None, beside: None },
        ));
        vec![(Span::seconds(30), Tick::OneOffEnds(id.clone()))]
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

    fn remember(&mut self, address: &Address, now: Time) {
        if let Some(service) = self.services.get_mut(address) {
            let found = (!service.rollouts.is_empty()).then(|| Found {
                rollouts: service.rollouts.clone(),
                returned_from: service.returned_from.as_ref().map(|(id, _)| id.clone()),
                return_reason: service.returned_from.as_ref().map(|(_, why)| why.clone()),
                returns_asked: true,
                trouble: service.trouble.clone(),
                draining: false,
            });
            service.history.push((now, found));
        }
    }

    fn next(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{:08}", self.counter)
    }
}
