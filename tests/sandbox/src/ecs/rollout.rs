//! How ECS replaces the tasks of a service: the scheduler and its circuit breaker.

use super::Ecs;
use super::services::Address;
use super::task::{Owner, Status, Task};
use crate::service::Desk;
use serde_json::Value;
use std::cmp::min;

/// One of `deployments[]`.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    /// `ecs-svc/` and nineteen digits
    pub(crate) id: String,
    pub(crate) definition: String,
    pub(crate) progress: Progress,
    pub(crate) reason: String,
    /// Tasks in a row that never became healthy.
    pub(crate) failed: usize,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    /// Since when there is nothing left to do.
    pub(crate) settled: Option<u64>,
    /// Whether it was said that the service is steady.
    pub(crate) steady: bool,
    /// No task is started before.
    pub(crate) next_start: u64,
    /// Already reported that the percentages allow no step.
    pub(crate) stuck: bool,
    /// The desired service when this started.
    pub(crate) given: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Completed,
    Failed,
}

/// A service deployment: the same rollout as the newer part of the API shows it.
#[derive(Clone, Debug)]
pub(crate) struct ServiceDeployment {
    pub(crate) id: String,
    /// The digits behind `ecs-svc/`, which are those of the revision, too.
    pub(crate) target: String,
    pub(crate) source: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) finished: Option<u64>,
    pub(crate) stopped: Option<u64>,
    /// Why it is rolled back, since when, and to which revision.
    pub(crate) rollback: Option<(String, u64, String)>,
    pub(crate) failures: usize,
    pub(crate) tripped: bool,
}

/// Tasks as the scheduler counts them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) running: usize,
    pub(crate) pending: usize,
    pub(crate) healthy: usize,
}

impl Ecs {
    /// Begins a new deployment of what the service says now.
    pub(super) fn deploy(&mut self, address: &Address, desk: &mut Desk<'_>) {
        let digits = self.ids.digits("deployment");
        let history = self.ids.hex("service deployment", 21);
        let Some(service) = self.services.get_mut(address) else { return };
        let id = format!("ecs-svc/{digits}");
        let source = service.deployments.first().map(|one| digits_of(&one.id).to_owned());
        if let Some(before) = service.history.last_mut() {
            before.supersede(desk.now);
        }
        service.deployments.insert(
            0,
            Deployment {
                reason: format!("ECS deployment {id} in progress."),
                id,
                definition: service.definition.clone(),
                progress: Progress::Running,
                failed: 0,
                created: desk.now,
                updated: desk.now,
                settled: None,
                steady: false,
                next_start: desk.now,
                stuck: false,
                given: Value::Object(service.given.clone()),
            },
        );
        service.history.push(ServiceDeployment {
            id: history,
            target: digits,
            source,
            status: "IN_PROGRESS",
            reason: None,
            created: desk.now,
            updated: desk.now,
            finished: None,
            stopped: None,
            rollback: None,
            failures: 0,
            tripped: false,
        });
        self.tell_deployment(address, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", None, desk);
        self.reconcile(address, desk);
    }

    /// Starts and stops tasks until the service has its desired state.
    pub(super) fn reconcile(&mut self, address: &Address, desk: &mut Desk<'_>) {
        let Some(service) = self.services.get(address) else { return };
        if service.status == "DRAINING" {
            return self.drain(address, desk);
        }
        let Some(primary) = service.deployments.first().cloned() else { return };
        let configured = service.configured();
        let percent =
            |key: &str| configured.get(key).and_then(Value::as_u64).unwrap_or(100) as usize;
        let desired = service.desired;
        let lower = (desired * percent("minimumHealthyPercent")).div_ceil(100);
        let upper = desired * percent("maximumPercent") / 100;
        let ours = self.counts(address, Some(&primary.id));
        let every = self.counts(address, None);
        let failed = primary.progress == Progress::Failed;
        let Steps { starts, surplus, stops, stuck } =
            steps(ours, every, desired, [lower, upper], failed);
        if stuck && primary.progress == Progress::Running {
            self.say_stuck(address, desk);
        }
        let reason = format!("Scaling activity initiated by (deployment {})", primary.id);
        for id in self.to_stop(address, |task| task.deployment() == Some(&primary.id), surplus) {
            self.stop(&id, "ServiceSchedulerInitiated", &reason, desk);
        }
        for id in self.to_stop(address, |task| task.deployment() != Some(&primary.id), stops) {
            self.stop(&id, "ServiceSchedulerInitiated", &reason, desk);
        }
        self.start(address, &primary, starts, desk);
        self.settle(address, desk);
    }

    fn start(
        &mut self,
        address: &Address,
        primary: &Deployment,
        count: usize,
        desk: &mut Desk<'_>,
    ) {
        if count == 0 || primary.next_start > desk.now {
            return;
        }
        if let Some(reason) = self.script.full.get(&address.cluster).cloned() {
            return self.cannot_place(address, &reason, desk);
        }
        let Some(definition) = self.definition(&primary.definition).cloned() else { return };
        let owner =
            Owner::Service { name: address.service.clone(), deployment: primary.id.clone() };
        let mut given = primary.given.clone();
        if let Value::Object(given) = &mut given {
            given.retain(|key, _| HOW_TASKS_RUN.contains(&key.as_str()));
        }
        let mut started = vec![];
        for _ in 0..count {
            let id = self.launch(&address.cluster, owner.clone(), &definition, given.clone(), desk);
            started.push(format!("(task {id})"));
        }
        let noun = if count == 1 { "task" } else { "tasks" };
        let named = started.join(" ");
        self.note(address, &format!("has started {count} {noun}: {named}."), desk);
    }

    /// The weakest tasks first, then the oldest.
    pub(super) fn to_stop(
        &self,
        address: &Address,
        which: impl Fn(&Task) -> bool,
        count: usize,
    ) -> Vec<String> {
        let of_service = |task: &&Task| {
            task.belongs_to(&address.cluster, &address.service) && task.wanted && which(task)
        };
        let mut tasks: Vec<_> = self.tasks.iter().filter(of_service).collect();
        tasks.sort_by_key(|task| (task.healthy, task.status));
        tasks.into_iter().take(count).map(|task| task.id.clone()).collect()
    }

    pub(super) fn counts(&self, address: &Address, deployment: Option<&str>) -> Counts {
        let mut counts = Counts::default();
        for task in &self.tasks {
            let ours = deployment.is_none_or(|id| task.deployment() == Some(id));
            if !task.wanted || !ours || !task.belongs_to(&address.cluster, &address.service) {
                continue;
            }
            if task.status == Status::Running {
                counts.running += 1;
                counts.healthy += usize::from(task.healthy);
            } else {
                counts.pending += 1;
            }
        }
        counts
    }
}

/// What the scheduler does next: start tasks of the primary deployment, stop those of it that are
/// too many, and stop tasks of the others.
struct Steps {
    starts: usize,
    surplus: usize,
    stops: usize,
    /// Something is missing, and the percentages forbid every step.
    stuck: bool,
}

fn steps(
    ours: Counts,
    every: Counts,
    desired: usize,
    [lower, upper]: [usize; 2],
    failed: bool,
) -> Steps {
    let (mine, all) = (ours.running + ours.pending, every.running + every.pending);
    let others = all - mine;
    let missing = desired.saturating_sub(mine);
    let starts = if failed { 0 } else { min(missing, upper.saturating_sub(all)) };
    // Unhealthy ones are no loss; of the healthy, as many as their successors replace or as must
    // make room, and never below the minimum.
    let weak = others - (every.healthy - ours.healthy);
    let replaced = (ours.healthy + others).saturating_sub(desired);
    let room = missing.saturating_sub(starts);
    let spare = every.healthy.saturating_sub(lower);
    let stops = if failed {
        others.saturating_sub(missing)
    } else {
        min(others, weak + min(spare, replaced.max(room)))
    };
    let idle = starts == 0 && stops == 0;
    let stuck = idle && missing > 0 && others > 0 && all == every.healthy;
    Steps { starts, surplus: mine.saturating_sub(desired), stops, stuck }
}

/// What tasks take over from their service.
const HOW_TASKS_RUN: [&str; 5] = [
    "networkConfiguration",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "enableExecuteCommand",
];

pub(crate) fn digits_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
