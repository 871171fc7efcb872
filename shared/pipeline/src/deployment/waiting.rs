//! What a deployment waits for, as a reason for people.

use super::{AfterUndo, Deployment, RunProgress, ServiceState, State};
use crate::names::ServiceName;
use crate::time::Time;
use crate::verdict::Verdict;
use crate::waits::WaitsFor;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    Approval { until: Time },
    Preparation { until: Time },
    OneOff { what: &'static str, progress: &'static str, until: Time },
    Services { services: Vec<(ServiceName, WaitsFor)> },
    Checks { urls: Vec<String>, until: Time },
    Bake { until: Time },
    LastLook { services: Vec<ServiceName>, until: Time },
    Nothing { verdict: Verdict },
}

impl Deployment {
    pub fn waiting(&self) -> Waiting {
        match &self.state {
            State::AwaitingApproval { deadline } => Waiting::Approval { until: *deadline },
            State::Preparing { deadline } => Waiting::Preparation { until: *deadline },
            State::Migrating { run, .. }
            | State::UndoingMigration {
                run,
                then: AfterUndo::RollOut | AfterUndo::RollBack { .. },
            } => {
                let migrating = matches!(self.state, State::Migrating { .. });
                let what = if migrating { "the migration" } else { "the undo of the migration" };
                let progress = match run.progress {
                    RunProgress::Asked => "not started yet",
                    RunProgress::Claimed { .. } => "being started",
                    RunProgress::Started { .. } => "running",
                    RunProgress::Stopping { .. } => "being stopped",
                };
                Waiting::OneOff { what, progress, until: run.deadline }
            }
            State::RollingOut { .. } | State::RollingBack { .. } => {
                Waiting::Services { services: self.waiting_services() }
            }
            State::Checking { progress, deadline } => {
                let open = self.rules.checks.iter().zip(progress).filter(|(_, p)| !p.passed);
                let urls = open.map(|(check, _)| check.shown()).collect();
                Waiting::Checks { urls, until: *deadline }
            }
            State::Baking { until } => Waiting::Bake { until: *until },
            State::Confirming { unseen, deadline, .. }
            | State::VerifyingRollback { unseen, deadline, .. } => {
                Waiting::LastLook { services: unseen.iter().cloned().collect(), until: *deadline }
            }
            State::Ended { verdict, .. } => Waiting::Nothing { verdict: verdict.clone() },
        }
    }

    fn waiting_services(&self) -> Vec<(ServiceName, WaitsFor)> {
        let waiting = self.services.iter().filter_map(|service| match &service.state {
            ServiceState::Updating { waiting, .. } | ServiceState::RollingBack { waiting, .. } => {
                Some((service.name.clone(), waiting.clone()))
            }
            ServiceState::Deleting { .. } => Some((service.name.clone(), WaitsFor::Deletion)),
            _ => None,
        });
        waiting.collect()
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approval { until } => write!(f, "the approval expires at {until}"),
            Self::Preparation { until } => write!(f, "pre-flight until {until} at the latest"),
            Self::OneOff { what, progress, until } => {
                write!(f, "waiting for {what}: {progress}, until {until} at the latest")
            }
            Self::Services { services } => {
                let texts: Vec<_> =
                    services.iter().map(|(name, why)| format!("{name}: {why}")).collect();
                write!(f, "{}", texts.join("; "))
            }
            Self::Checks { urls, until } => {
                write!(f, "waiting for {} to answer, until {until} at the latest", urls.join(", "))
            }
            Self::Bake { until } => write!(f, "watching alarms and tasks until {until}"),
            Self::LastLook { services, .. } if services.is_empty() => {
                f.write_str("final check of the alarms")
            }
            Self::LastLook { services, .. } => {
                write!(f, "final check of {}", crate::verdict::list(services))
            }
            Self::Nothing { verdict } => write!(f, "ended: {verdict}"),
        }
    }
}
