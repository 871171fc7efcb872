//! How an image behaves, which is what makes a day good or bad.

use crate::cloud::{Address, Tick};
use pipeline::event::Outcome;
use pipeline::names::{AlarmName, RolloutId};
use pipeline::task::{OneOffEnd, Stop};
use pipeline::time::Span;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Good,
    /// Its tasks die before they are healthy.
    CrashesAtStart,
    /// It comes up and its tasks die after so long.
    CrashesAfter(Span),
    /// It never becomes healthy and never dies; ECS says nothing.
    Hangs,
    /// There is no room for it.
    FindsNoRoom,
    /// It runs and answers with a server error.
    FailsChecks,
    /// It answers only from this attempt on.
    PassesCheckAt(u32),
    /// It makes this alarm go on, so long after its rollout began.
    RaisesAlarm(AlarmName, Span),
    /// Its non-essential container dies.
    LosesSidecar,
    /// Its migration ends with this code; `None`: it never gets one.
    MigrationExits(Option<i32>),
    MigrationTakes(Span),
    MigrationNeverEnds,
    /// The image cannot even be pulled, so that the migration never starts.
    CannotPull,
    UndoFails,
}

const UP_AFTER: Span = Span::seconds(40);
const ONE_OFF_TAKES: Span = Span::seconds(30);

impl Behaviour {
    pub(crate) fn ticks(&self, address: &Address, id: &RolloutId) -> Vec<(Span, Tick)> {
        let up = (UP_AFTER, Tick::Complete(address.clone(), id.clone()));
        match self {
            Self::CrashesAtStart | Self::CannotPull => {
                vec![(Span::seconds(20), Tick::TaskDies(address.clone(), id.clone(), 1))]
            }
            Self::CrashesAfter(span) => {
                vec![up, (UP_AFTER + *span, Tick::TaskDies(address.clone(), id.clone(), 1))]
            }
            Self::Hangs | Self::FindsNoRoom => vec![],
            Self::RaisesAlarm(alarm, span) => vec![up, (*span, Tick::AlarmFires(alarm.clone()))],
            Self::LosesSidecar => {
                vec![up, (UP_AFTER + Span::seconds(5), Tick::SidecarDies(address.clone(), id.clone()))]
            }
            _ => vec![up],
        }
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        (*self == Self::FindsNoRoom).then(|| "unable to place a task: RESOURCE:MEMORY".to_owned())
    }

    pub(crate) fn one_off(&self, undo: bool) -> (Option<OneOffEnd>, Span) {
        let exited = |exit_code| {
            let stop = Stop {
                code: Some("EssentialContainerExited".into()),
                reason: "Essential container in task exited".into(),
            };
            OneOffEnd { exit_code, stop, reason: None }
        };
        match self {
            Self::UndoFails if undo => (Some(exited(Some(1))), ONE_OFF_TAKES),
            Self::MigrationExits(code) if !undo => (Some(exited(*code)), ONE_OFF_TAKES),
            Self::MigrationTakes(span) if !undo => (Some(exited(Some(0))), *span),
            Self::MigrationNeverEnds if !undo => (None, ONE_OFF_TAKES),
            Self::CannotPull => {
                let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s)";
                let stop = Stop { code: Some("TaskFailedToStart".into()), reason: reason.into() };
                (Some(OneOffEnd { exit_code: None, stop, reason: None }), ONE_OFF_TAKES)
            }
            _ => (Some(exited(Some(0))), ONE_OFF_TAKES),
        }
    }

    pub(crate) fn check(&self, attempt: u32) -> Outcome {
        match self {
            Self::FailsChecks => Outcome::Failed { reason: "answered 502".into() },
            Self::PassesCheckAt(first) if attempt < *first => {
                Outcome::Failed { reason: "answered 503".into() }
            }
            _ => Outcome::Passed,
        }
    }
}
