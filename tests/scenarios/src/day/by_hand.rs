//! What people type on days on which nothing is pushed.

use super::Day;
use crate::Team;
use serde_json::{Value, json};

impl Day {
    /// The function and what it is given; `None`: a build pushes.
    pub(crate) fn words(self, team: &Team, environment: &str) -> Option<(&'static str, Value)> {
        let mut payload = team.wish(environment);
        let function = match self {
            Self::GoneBack => "rollback",
            Self::Undone => {
                payload["undo"] = true.into();
                "rollback"
            }
            Self::WithoutBuild | Self::Fresh => {
                let first = team.deployments().into_iter().next()?;
                payload["version"] = first.request.release.version.as_str().into();
                if self == Self::Fresh {
                    payload["fresh"] = true.into();
                }
                "deploy"
            }
            Self::Promoted | Self::WithoutWord => {
                payload["from"] = team.system.home()?.0.into();
                let word = team.system.rules(environment)?.confirm.clone();
                if let Some(word) = word.filter(|_| self == Self::Promoted) {
                    payload["confirm"] = word.into();
                }
                "deploy"
            }
            _ => return None,
        };
        Some((function, payload))
    }
}

impl Team {
    /// Who wants something from an environment, and why.
    pub(crate) fn wish(&self, environment: &str) -> Value {
        let application = self.system.spec.application.as_str();
        json!({
            "application": application, "environment": environment,
            "by": "ann", "why": "customers complain",
        })
    }
}
