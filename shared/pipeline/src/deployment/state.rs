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
    /// A person has to approve before anything is changed.
    AwaitingApproval {
        deadline: Time,
    },
    /// Revisions are being registered and everything is checked; no service is changed.
    Preparing {
        deadline: Time,
    },
    /// The migration runs, or is about to; no service is changed.
    Migrating {
        run: Run,
        intent: Intent,
    },
    /// The services of this wave are being updated; those of earlier waves are updated.
    RollingOut {
        wave: usize,
        look_at: Time,
    },
    /// Every service runs the release; its URLs are being checked.
    Checking {
        progress: Vec<CheckProgress>,
        deadline: Time,
    },
    /// The checks passed; alarms and tasks are watched.
    Baking {
        until: Time,
    },
    /// The final verification of every service and every alarm before the deployment succeeds.
    Confirming {
        since: Time,
        unseen: BTreeSet<ServiceName>,
        alarms_read: AlarmsRead,
        look_at: Time,
        deadline: Time,
    },
    /// The migration is being undone, because the old code does not work with its schema.
    #[serde(rename = "undoing")]
    UndoingMigration {
        run: Run,
        then: AfterUndo,
    },
    /// The changed services of this wave are being rolled back; those of later waves are rolled
    /// back.
    RollingBack {
        cause: Cause,
        since: Time,
        wave: usize,
        look_at: Time,
    },
    /// Everything is rolled back; the final observation, after the last worker that could
    /// interfere.
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
    /// Until then a task without capacity is tried again; `None`: until `deadline`, because no task
    /// has been started yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub try_until: Option<Time>,
    /// What the last event said. It counts only for our own task, and only if AWS no longer knows
    /// that task when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
}

/// A task that ended, according to an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    pub task: TaskId,
    pub end: Option<OneOffEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunProgress {
    /// A worker was asked to run it.
    Asked,
    /// A worker claimed it, and may have started the task.
    Claimed {
        at: Time,
        /// When a worker was last permitted to start it.
        granted_at: Time,
    },
    Started {
        task: TaskId,
    },
    /// It timed out and is being stopped.
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
    /// A reason to roll back occurred while the migration ran, which is never aborted.
    #[serde(rename = "go_back")]
    RollBack { cause: Cause, undo: bool },
}

/// What follows the undo of the migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterUndo {
    #[serde(rename = "put_back")]
    RollBack { cause: Cause },
    /// A manual rollback: the recorded revisions are rolled out.
    RollOut,
}

/// What this deployment did to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schema {
    /// Certainly no command ran.
    Untouched,
    Migrated,
    Undone,
    /// The migration ran and failed, or its outcome is unknown: the database may be partially
    /// migrated.
    MigrationFailed,
    /// The same for its undo.
    UndoFailed,
}

/// When the final verification read the alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AlarmsRead {
    At(Time),
    /// `false`: not yet. An older version wrote `true`, without the time.
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

    /// Whether the readings are fresh enough at `now`.
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
