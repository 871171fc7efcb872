//! How an image behaves, which is what makes a day good or bad.

use crate::cloud::{Address, Tick};
use pipeline::event::Outcome;
use pipeline::names::{AlarmName, RolloutId};
use pipeline::task::{Fault, OneOffEnd, Stop};
use pipeline::time::Span;
use pipeline::waits::{Teller, Trouble};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Good,
    /// Its tasks die before they are healthy.
    CrashesAtStart,
    /// It becomes stable and its tasks fail after this long.
    CrashesAfter(Span),
    /// It never becomes healthy and never fails; ECS reports nothing.
    Hangs,
    /// There is no capacity for it.
    FindsNoRoom,
    /// There is no capacity for it at first.
    FindsRoomAfter(Span),
    /// AWS stops one of its tasks, this long after it became stable.
    TakenAway(Span),
    /// It runs and answers with a server error.
    FailsChecks,
    /// It answers this URL, and no other, with a server error.
    FailsCheckOf(&'static str),
    /// It answers only from this attempt on.
    PassesCheckAt(u32),
    /// This alarm goes to ALARM, this long after its rollout started.
    RaisesAlarm(AlarmName, Span),
    /// Its non-essential container fails.
    LosesSidecar,
    /// Its migration ends with this code; `None`: it never gets one.
    MigrationExits(Option<i32>),
    /// Its migration ends just so.
    MigrationEnds(OneOffEnd),
    MigrationTakes(Span),
    MigrationNeverEnds,
    /// The image cannot even be pulled, so the migration never starts.
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
            Self::FindsRoomAfter(span) => {
                vec![(*span, Tick::Complete(address.clone(), id.clone()))]
            }
            Self::TakenAway(span) => {
                vec![up, (UP_AFTER + *span, Tick::TaskDies(address.clone(), id.clone(), 1))]
            }
            Self::RaisesAlarm(alarm, span) => vec![up, (*span, Tick::AlarmFires(alarm.clone()))],
            Self::LosesSidecar => {
                vec![
                    up,
                    (UP_AFTER + Span::seconds(5), Tick::SidecarDies(address.clone(), id.clone())),
                ]
            }
            _ => vec![up],
        }
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        matches!(self, Self::FindsNoRoom | Self::FindsRoomAfter(_)).then(|| Trouble {
            told_by: Teller::Ecs,
            text: "unable to place a task: RESOURCE:MEMORY".into(),
            fault: Some(Fault::Capacity),
        })
    }

    pub(crate) fn one_off(&self, undo: bool) -> (Option<OneOffEnd>, Span) {
        let exited = |exit_code| OneOffEnd {
            exit_code,
            stop: essential_container_exited(),
            reason: None,
            beside: None,
        };
        match self {
            Self::UndoFails if undo => (Some(exited(Some(1))), ONE_OFF_TAKES),
            Self::MigrationExits(code) if !undo => (Some(exited(*code)), ONE_OFF_TAKES),
            Self::MigrationEnds(end) if !undo => (Some(end.clone()), ONE_OFF_TAKES),
            Self::MigrationTakes(span) if !undo => (Some(exited(Some(0))), *span),
            Self::MigrationNeverEnds if !undo => (None, ONE_OFF_TAKES),
            Self::CannotPull => (
                Some(OneOffEnd {
                    exit_code: None,
                    stop: cannot_pull(),
                    reason: None,
                    beside: None,
                }),
                ONE_OFF_TAKES,
            ),
            _ => (Some(exited(Some(0))), ONE_OFF_TAKES),
        }
    }

    /// How a task of a service stops when it does, with its container's exit code.
    pub(crate) fn stop(&self) -> (Stop, Option<i32>) {
        match self {
            Self::CannotPull => (cannot_pull(), None),
            Self::TakenAway(_) => {
                let reason = "Your Spot Task was interrupted.".into();
                (Stop { code: Some("SpotInterruption".into()), reason }, None)
            }
            _ => (essential_container_exited(), Some(1)),
        }
    }

    pub(crate) fn check(&self, url: &str, attempt: u32) -> Outcome {
        match self {
            Self::FailsCheckOf(other) if *other != url => Outcome::Passed,
            Self::FailsChecks | Self::FailsCheckOf(_) => {
                Outcome::Failed { reason: "answered 502".into() }
            }
            Self::PassesCheckAt(first) if attempt < *first => {
                Outcome::Failed { reason: "answered 503".into() }
            }
            _ => Outcome::Passed,
        }
    }
}

fn essential_container_exited() -> Stop {
    let reason = "Essential container in task exited".into();
    Stop { code: Some("EssentialContainerExited".into()), reason }
}

fn cannot_pull() -> Stop {
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s)".into();
    Stop { code: Some("TaskFailedToStart".into()), reason }
}
