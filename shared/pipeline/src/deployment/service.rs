//! One service of a deployment, and where it stands.

use crate::names::{Revision, RolloutId, ServiceName, TaskId};
use crate::observation::Wanted;
use crate::time::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: ServiceName,
    pub wave: usize,
    /// What it ran before; `None`: it did not exist.
    pub before: Option<Revision>,
    pub after: Revision,
    /// New tasks are wanted although it runs this revision.
    pub fresh: bool,
    pub standing: Standing,
    /// The rollout that our update began.
    pub rollout: Option<RolloutId>,
    /// From then on ECS must show our last update; `None`: no worker has said that it was made.
    pub visible_from: Option<Time>,
    /// The newest observation; older ones say nothing any more.
    pub seen_at: Time,
    /// Tasks of our revision that died of the release's own fault.
    pub died: Vec<TaskId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It runs what it ran before.
    Untouched,
    Updating {
        deadline: Time,
        waiting: String,
    },
    /// It ran exactly our revision when it was last seen.
    Updated,
    PuttingBack {
        deadline: Time,
        waiting: String,
        by_ecs: bool,
    },
    /// It ran exactly what it ran before when it was last seen.
    PutBack,
    /// It did not exist before, and is deleted again.
    Removing {
        deadline: Time,
    },
    Removed,
    /// It did not exist before, and stays.
    Left,
    NotPutBack {
        why: String,
    },
    /// Somebody else updated it (`None`: deleted it) while it was on its way back.
    TakenOver {
        revision: Option<Revision>,
    },
}

impl Service {
    /// Whether this deployment may have changed it.
    pub fn touched(&self) -> bool {
        self.standing != Standing::Untouched
            && !(self.standing == Standing::Updated && self.is_unchanged())
    }

    /// Whether it runs what it should without any update.
    pub fn is_unchanged(&self) -> bool {
        self.before.as_ref() == Some(&self.after) && !self.fresh
    }

    /// What an observation must show for our revision.
    pub(super) fn wants_after(&self) -> Wanted<'_> {
        let from = if self.is_unchanged() { None } else { self.before.as_ref() };
        let (revision, rollout) = (&self.after, self.rollout.as_ref());
        Wanted { revision, from, rollout, visible_from: self.visible_from }
    }

    /// What an observation must show once it is put back to `before`.
    pub(super) fn wants_before<'a>(&'a self, before: &'a Revision) -> Wanted<'a> {
        let from = if self.after == *before { None } else { Some(&self.after) };
        Wanted { revision: before, from, rollout: None, visible_from: self.visible_from }
    }

    pub(super) fn is_back_or_given_up(&self) -> bool {
        !matches!(
            self.standing,
            Standing::Updating { .. }
                | Standing::Updated
                | Standing::PuttingBack { .. }
                | Standing::Removing { .. }
        ) || !self.touched()
    }
}
