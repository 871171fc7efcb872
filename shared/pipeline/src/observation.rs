//! Observations: ECS's answers about a service, the only source of truth.

use crate::names::{Revision, RolloutId, ServiceName};
use crate::time::Time;
use crate::waits::{Trouble, WaitsFor};
use serde::{Deserialize, Serialize};

/// One service at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub service: ServiceName,
    pub seen_at: Time,
    /// `None`: the service does not exist (any longer).
    pub found: Option<Found>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// ECS's `deployments`: the primary one and those that it replaces.
    pub rollouts: Vec<Rollout>,
    /// ECS rolled back this rollout.
    pub returned_from: Option<RolloutId>,
    /// Why ECS rolled back.
    #[serde(default)]
    pub return_reason: Option<String>,
    /// Whether ECS was asked for that. If not, only a rollout that is still draining shows it.
    #[serde(default)]
    pub returns_asked: bool,
    /// Why tasks cannot be placed or started now.
    pub trouble: Option<Trouble>,
    /// It is being deleted: it starts no more tasks, and its last ones stop.
    #[serde(default)]
    pub draining: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    pub id: RolloutId,
    pub revision: Revision,
    pub primary: bool,
    pub progress: Progress,
    pub reason: String,
    pub desired: u32,
    pub running: u32,
    pub failed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    InProgress,
    Completed,
    Failed,
}

/// What we requested of a service, to compare an observation with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub revision: &'a Revision,
    /// What the service would run if our update had not arrived.
    pub from: Option<&'a Revision>,
    /// The rollout that the update started. If the service ran the same revision before, only this
    /// distinguishes the new tasks from the old.
    pub rollout: Option<&'a RolloutId>,
    /// The same for copies of the message that were also performed.
    pub other_rollouts: &'a [RolloutId],
    /// From then on an observation must show our update.
    pub visible_from: Option<Time>,
}

/// What an observation means for our request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Exactly the requested revision runs, and nothing else.
    Done,
    /// It is in progress, or the update is not visible yet.
    Underway { waiting: WaitsFor },
    /// The rollout failed.
    Failed { reason: String },
    /// ECS itself rolled back to the last revision that became stable: not to the previous one, if
    /// the rollout of that one was still in progress.
    Returned { reason: String, to: Revision },
    /// Another revision runs. ECS has to be asked whether it rolled back, or whether the service
    /// was updated outside Slipway.
    Replaced { revision: Revision },
    /// The service was updated outside Slipway.
    TakenOver { revision: Revision },
    /// The service does not exist.
    Gone,
}

impl Observation {
    /// Whether a task of `revision` runs.
    pub fn runs_a_task_of(&self, revision: &Revision) -> bool {
        let mut rollouts = self.found.iter().flat_map(|found| &found.rollouts);
        rollouts.any(|rollout| rollout.revision == *revision && rollout.running > 0)
    }

    pub fn trouble(&self) -> Option<&Trouble> {
        self.found.as_ref().and_then(|found| found.trouble.as_ref())
    }

    pub fn read(&self, wanted: Wanted<'_>) -> Reading {
        // A service that is being deleted never runs again.
        let Some(found) = self.found.as_ref().filter(|found| !found.draining) else {
            return match wanted.visible_from {
                // A service that we create does not exist at first.
                Some(time) if self.seen_at >= time => Reading::Gone,
                _ if wanted.from.is_none() => Reading::Underway { waiting: WaitsFor::Creation },
                _ => Reading::Gone,
            };
        };
        let Some(primary) = found.primary() else {
            return Reading::Underway { waiting: WaitsFor::Primary };
        };
        let same_before = wanted.from == Some(wanted.revision);
        let ours =
            primary.revision == *wanted.revision && (!same_before || wanted.began(&primary.id));
        if ours { found.read_ours(primary) } else { self.read_other(found, primary, wanted) }
    }

    fn read_other(&self, found: &Found, primary: &Rollout, wanted: Wanted<'_>) -> Reading {
        let returned = |reason: &String| Reading::Returned {
            reason: reason.clone(),
            to: primary.revision.clone(),
        };
        if found.returned_from.as_ref().is_some_and(|rollout| wanted.began(rollout)) {
            return returned(found.return_reason.as_ref().unwrap_or(&primary.reason));
        }
        let is_from = Some(&primary.revision) == wanted.from;
        if is_from || primary.revision == *wanted.revision {
            // An earlier attempt at the same revision may have failed, which says nothing about
            // ours.
            let failed = |rollout: &&Rollout| {
                !rollout.primary
                    && rollout.revision == *wanted.revision
                    && rollout.progress == Progress::Failed
                    && wanted.began(&rollout.id)
            };
            if let Some(rollout) = found.rollouts.iter().find(failed) {
                return returned(&rollout.reason);
            }
            if wanted.visible_from.is_none_or(|time| self.seen_at < time) {
                return Reading::Underway { waiting: WaitsFor::Visibility };
            }
        }
        // ECS returns to the last revision that had come up, which may be another one.
        if wanted.rollout.is_some() && !found.returns_asked {
            return Reading::Replaced { revision: primary.revision.clone() };
        }
        Reading::TakenOver { revision: primary.revision.clone() }
    }
}

impl Wanted<'_> {
    /// Whether our update started this rollout.
    fn began(&self, rollout: &RolloutId) -> bool {
        self.rollout == Some(rollout) || self.other_rollouts.contains(rollout)
    }
}

impl Found {
    pub fn primary(&self) -> Option<&Rollout> {
        self.rollouts.iter().find(|rollout| rollout.primary)
    }

    fn read_ours(&self, primary: &Rollout) -> Reading {
        let others = self.rollouts.iter().filter(|rollout| !rollout.primary);
        let others_running: u64 = others.map(|rollout| u64::from(rollout.running)).sum();
        match primary.progress {
            Progress::Failed => Reading::Failed { reason: primary.reason.clone() },
            Progress::Completed if others_running == 0 && primary.running >= primary.desired => {
                Reading::Done
            }
            Progress::Completed | Progress::InProgress => Reading::Underway {
                waiting: match &self.trouble {
                    Some(trouble) => WaitsFor::Trouble(trouble.clone()),
                    None => WaitsFor::Tasks {
                        running: primary.running,
                        desired: primary.desired,
                        others: others_running,
                    },
                },
            },
        }
    }
}
