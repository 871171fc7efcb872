//! One service of a deployment, and its state.

use crate::doubt::Doubt;
use crate::event::PreparedService;
use crate::names::{ContainerName, Revision, RolloutId, ServiceName, TaskId};
use crate::observation::{Found, Observation, Wanted};
use crate::task::Fault;
use crate::time::Time;
use crate::waits::{Trouble, WaitsFor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many different waits of one service are noted.
const TOLD_MAX: usize = 10;

/// The most copies of one message that start a rollout.
const COPIES_MAX: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: ServiceName,
    pub wave: usize,
    /// Its previous revision; `None`: it did not exist.
    pub before: Option<Revision>,
    pub after: Revision,
    /// Forces new tasks although it already runs this revision.
    pub fresh: bool,
    #[serde(rename = "standing")]
    pub state: ServiceState,
    /// The rollout that our update started.
    pub rollout: Option<RolloutId>,
    /// Rollouts that copies of the same message started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_rollouts: Vec<RolloutId>,
    /// From then on ECS must show our last update, or, if it is unchanged, what the preparation
    /// found. `None`: no worker has reported the update yet.
    pub visible_from: Option<Time>,
    /// The newest observation; older ones are ignored.
    pub seen_at: Time,
    /// The last tasks of our revision that failed because of the release itself.
    pub died: Vec<TaskId>,
    /// How many more failed before these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub died_before: u32,
    /// The fault of those: the program's, if any was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub died_of: Option<Fault>,
    /// Containers whose failure was noted, each with its task.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub dead_containers: BTreeSet<(ContainerName, TaskId)>,
    /// A task of our revision was seen running.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ran: bool,
    /// It was not stable in the last observation of the final verification.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_restless: bool,
    /// What it waited for, as noted in the timeline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<WaitsFor>,
    /// This release does not change it, and it does not run correctly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// The latest end of its rollback, however often it has to be rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_by: Option<Time>,
    /// Where a worker may still roll it back to, although ECS has rolled it back meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_rollback_to: Option<Revision>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How many failed tasks are recognized when they are reported twice.
const DIED_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It runs its previous revision.
    Untouched,
    Updating {
        deadline: Time,
        waiting: WaitsFor,
    },
    /// It ran exactly our revision when last observed.
    Updated,
    #[serde(rename = "putting_back")]
    RollingBack {
        deadline: Time,
        waiting: WaitsFor,
        by_ecs: bool,
        /// Why AWS rejected its rollback. It may be rolled back nevertheless, as an observation
        /// will show.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// It ran exactly its previous revision when last observed.
    #[serde(rename = "put_back")]
    RolledBack,
    /// It did not exist before, and is being deleted again.
    #[serde(rename = "removing")]
    Deleting {
        deadline: Time,
        /// Why AWS rejected its deletion. It may be gone nevertheless.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    #[serde(rename = "removed")]
    Deleted,
    /// It did not exist before, and stays.
    #[serde(rename = "left")]
    Kept,
    #[serde(rename = "not_put_back")]
    NotRolledBack {
        why: String,
    },
    /// It was updated (`None`: deleted) outside Slipway during its rollback.
    #[serde(rename = "taken_over")]
    UpdatedOutside {
        revision: Option<Revision>,
    },
}

impl Service {
    pub(super) fn new(
        prepared: PreparedService,
        wave: usize,
        fresh: bool,
        visible_from: Time,
    ) -> Self {
        Self {
            name: prepared.name,
            wave,
            before: prepared.before,
            after: prepared.after,
            fresh,
            state: ServiceState::Untouched,
            rollout: None,
            other_rollouts: Vec::new(),
            visible_from: Some(visible_from),
            seen_at: Time::default(),
            died: Vec::new(),
            died_before: 0,
            died_of: None,
            dead_containers: BTreeSet::new(),
            ran: false,
            is_restless: false,
            told: Vec::new(),
            doubt: None,
            back_by: None,
            dropped_rollback_to: None,
        }
    }

    /// Records an observation; returns `false` for one that is older than the last.
    pub(super) fn seen(&mut self, observation: &Observation) -> bool {
        if observation.seen_at < self.seen_at {
            return false;
        }
        self.seen_at = observation.seen_at;
        self.ran |= observation.runs_a_task_of(&self.after);
        true
    }

    /// Whether this wait was not noted yet. It counts as noted from now on.
    pub(super) fn is_news(&mut self, waiting: &WaitsFor) -> bool {
        let is_news = self.told.len() < TOLD_MAX && !self.told.contains(waiting);
        if is_news {
            self.told.push(waiting.clone());
        }
        is_news
    }

    /// Whose fault it is that it does not start or stay up, as far as failed tasks and ECS show.
    pub(super) fn fault(&self, trouble: Option<&Trouble>) -> Option<Fault> {
        let told = self.told.iter().filter_map(WaitsFor::trouble);
        let told = trouble.into_iter().chain(told).filter_map(|trouble| trouble.fault);
        let faults: Vec<Fault> = self.died_of.into_iter().chain(told).collect();
        let code = faults.iter().find(|fault| **fault == Fault::Code);
        code.or(faults.first()).copied()
    }

    /// Whether this deployment may have changed it.
    pub fn touched(&self) -> bool {
        self.state != ServiceState::Untouched
            && !(self.state == ServiceState::Updated && self.is_unchanged())
    }

    /// Counts a failed task, and returns how many there are.
    pub(super) fn add_died(&mut self, task: TaskId) -> u32 {
        self.died.push(task);
        self.keep_died(DIED_MAX);
        self.died_before.saturating_add(u32::try_from(self.died.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn keep_died(&mut self, most: usize) {
        while self.dead_containers.len() > most {
            self.dead_containers.pop_first();
        }
        let more = self.died.len().saturating_sub(most);
        self.died.drain(..more);
        self.died_before = self.died_before.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
    }

    /// Whether it runs the wanted revision without any update.
    pub fn is_unchanged(&self) -> bool {
        self.before.as_ref() == Some(&self.after) && !self.fresh
    }

    /// What an observation must show for our revision.
    pub(super) fn wants_after(&self) -> Wanted<'_> {
        let from = if self.is_unchanged() { None } else { self.before.as_ref() };
        let (revision, rollout) = (&self.after, self.rollout.as_ref());
        let (other_rollouts, visible_from) = (&self.other_rollouts, self.visible_from);
        Wanted { revision, from, rollout, other_rollouts, visible_from }
    }

    /// What an observation must show once it is rolled back to `before`.
    pub(super) fn wants_before<'a>(&'a self, before: &'a Revision) -> Wanted<'a> {
        let from = if self.after == *before { None } else { Some(&self.after) };
        let visible_from = self.visible_from;
        // Until the update is answered, the rollout is the one of the release.
        let rollout = self.rollout.as_ref();
        let other_rollouts = &self.other_rollouts;
        Wanted { revision: before, from, rollout, other_rollouts, visible_from }
    }

    /// Our worker had checked the service before ECS rolled it back, and has updated it since.
    pub(super) fn recognize_dropped_rollback(&mut self, seen: &Observation) {
        let runs = seen.found.as_ref().and_then(Found::primary).map(|primary| &primary.revision);
        let Some(to) = self.dropped_rollback_to.take_if(|to| Some(&*to) == runs) else { return };
        self.before = Some(to);
        if let ServiceState::RollingBack { by_ecs, .. } = &mut self.state {
            *by_ecs = false;
        }
    }

    /// Whether it was updated (`None`: deleted) outside Slipway since it was prepared, and before
    /// Slipway changed it.
    pub(super) fn taken_over_before(&self, seen: &Observation) -> Option<Option<Revision>> {
        self.visible_from.filter(|from| seen.seen_at >= *from)?;
        let Some(found) = &seen.found else {
            return self.before.is_some().then_some(None);
        };
        let runs = &found.primary()?.revision;
        let is_known = self.before.as_ref() == Some(runs) || self.after == *runs;
        (!is_known).then(|| Some(runs.clone()))
    }

    /// A worker reports which rollout it started. A second answer comes from a copy of the message,
    /// in any order.
    pub(super) fn began(&mut self, rollout: RolloutId) {
        let is_known = self.rollout.as_ref() == Some(&rollout);
        if self.rollout.is_none() {
            self.rollout = Some(rollout);
        } else if !is_known
            && !self.other_rollouts.contains(&rollout)
            && self.other_rollouts.len() < COPIES_MAX
        {
            self.other_rollouts.push(rollout);
        }
    }

    pub(crate) fn is_rolled_back_by_ecs(&self) -> bool {
        matches!(self.state, ServiceState::RollingBack { by_ecs: true, .. })
    }

    pub(super) fn is_back(&self) -> bool {
        matches!(self.state, ServiceState::RolledBack | ServiceState::Deleted)
    }

    /// Whether the final observation includes it: it is rolled back, or was given up and may be
    /// rolled back nevertheless.
    pub(super) fn is_looked_at_last(&self) -> bool {
        self.is_back() || self.is_given_up()
    }

    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.state, ServiceState::NotRolledBack { .. })
    }

    pub(super) fn is_back_or_given_up(&self) -> bool {
        !matches!(
            self.state,
            ServiceState::Updating { .. }
                | ServiceState::Updated
                | ServiceState::RollingBack { .. }
                | ServiceState::Deleting { .. }
        ) || !self.touched()
    }
}
