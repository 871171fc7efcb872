//! The states of a deployment, each with exactly its own data.

use super::FRESH;
use crate::names::{ServiceName, TaskId};
use crate::task::OneOffEnd;
use crate::time::Time;
use crate::verdict::{Cause, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A person has to agree before anything is touched.
    AwaitingApproval {
        deadline: Time,
    },
    /// Revisions are being registered and everything is looked at; no service is touched.
    Preparing {
        deadline: Time,
    },
    /// The migration runs, or is about to; no service is touched.
    Migrating {
        run: Run,
        intent: Intent,
    },
    /// The services of this wave are being updated; those of earlier waves are.
    RollingOut {
        wave: usize,
        look_at: Time,
    },
    /// Every service runs the release; its URLs are being asked.
    Checking {
        progress: Vec<CheckProgress>,
        deadline: Time,
    },
    /// The checks passed; alarms and tasks are watched.
    Baking {
        until: Time,
    },
    /// One last look at every service and every alarm before it may be called a success.
    Confirming {
        since: Time,
        unseen: BTreeSet<ServiceName>,
        alarms_read: AlarmsRead,
        look_at: Time,
        deadline: Time,
    },
    /// The migration is being taken back, because the old code cannot live with it.
    #[serde(rename = "undoing")]
    UndoingMigration {
        run: Run,
        then: AfterUndo,
    },
    /// The touched services of this wave are on their way back; those of later waves are back.
    RollingBack {
        cause: Cause,
        since: Time,
        wave: usize,
        look_at: Time,
    },
    /// Everything is back; one last look, after the last worker that could still disturb is gone.
    #[serde(rename = "settling")]
    VerifyingRollback {
        cause: Cause,
        since: Time,
        unseen: BTreeSet<ServiceName>,
        look_at: Time,
        deadline: Time,
    },
    Ended {
        verdict: Verdict,
        at: Time,
    },
}

/// One run of a one-off task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub attempt: u32,
    pub progress: RunProgress,
    pub look_at: Time,
    pub deadline: Time,
    /// Until then a task that AWS has no room for is tried again; `None`: until `deadline`, because
    /// no task has been started yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub try_until: Option<Time>,
    /// What an event said last. It counts only for our own task, and only where AWS has forgotten
    /// that task when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
}

/// A task of which an event said that it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    pub task: TaskId,
    pub end: Option<OneOffEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunProgress {
    /// A worker was asked.
    Asked,
    /// A worker took it on, and may have started the task.
    Claimed {
        at: Time,
        /// When a worker was let through last.
        granted_at: Time,
    },
    Started {
        task: TaskId,
    },
    /// It ran out of time and is being stopped.
    Stopping {
        task: TaskId,
    },
}

impl RunProgress {
    pub(super) fn task(&self) -> Option<&TaskId> {
        match self {
            Self::Started { task } | Self::Stopping { task } => Some(task),
            Self::Asked | Self::Claimed { .. } => None,
        }
    }
}

/// What follows the migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    #[serde(rename = "go_on")]
    Continue,
    /// Something spoke against the release while the migration ran, which is never cut short.
    #[serde(rename = "go_back")]
    RollBack { cause: Cause, undo: bool },
}

/// What follows the undoing of the migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterUndo {
    #[serde(rename = "put_back")]
    RollBack { cause: Cause },
    /// A rollback by hand: the recorded revisions go out.
    RollOut,
}

/// What the database has been through in this deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// It is certain that no command ran.
    Untouched,
    Migrated,
    Undone,
    /// The migration ran and did not end well, or nobody knows: the database may be half changed.
    MigrationFailed,
    /// So did its undoing.
    UndoFailed,
}

/// When the alarms were read in the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AlarmsRead {
    At(Time),
    /// `false`: not yet. An older version wrote `true`, and not when.
    Ever(bool),
}

impl AlarmsRead {
    pub(super) const NOT_YET: Self = Self::Ever(false);

    pub(super) fn or_later(self, read_at: Time) -> Self {
        match self {
            Self::At(known) => Self::At(known.max(read_at)),
            Self::Ever(_) => Self::At(read_at),
        }
    }

    /// Whether what was read says something about `now`.
    pub(super) fn is_fresh(self, now: Time) -> bool {
        matches!(self, Self::At(read_at) if read_at + FRESH >= now)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckProgress {
    pub attempt: u32,
    pub passed: bool,
}

impl State {
    /// When time alone changes something.
    pub(super) fn due(&self) -> Option<Time> {
        match self {
            Self::AwaitingApproval { deadline }
            | Self::Preparing { deadline }
            | Self::Checking { deadline, .. } => Some(*deadline),
            Self::Migrating { run, .. } | Self::UndoingMigration { run, .. } => Some(run.look_at),
            Self::Baking { until } => Some(*until),
            Self::RollingOut { look_at, .. }
            | Self::RollingBack { look_at, .. }
            | Self::Confirming { look_at, .. }
            | Self::VerifyingRollback { look_at, .. } => Some(*look_at),
            Self::Ended { .. } => None,
        }
    }

    /// Its name for logs, metrics and tests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AwaitingApproval { .. } => "awaiting approval",
            Self::Preparing { .. } => "preparing",
            Self::Migrating { .. } => "migrating",
            Self::RollingOut { .. } => "rolling out",
            Self::Checking { .. } => "checking",
            Self::Baking { .. } => "baking",
            Self::Confirming { .. } => "confirming",
            Self::UndoingMigration { .. } => "undoing migration",
            Self::RollingBack { .. } => "rolling back",
            Self::VerifyingRollback { .. } => "verifying rollback",
            Self::Ended { .. } => "ended",
        }
    }
}
