//! What a command carries along, so that its events and a search find the way back to us.

use pipeline::effect::Purpose;
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place};
use std::fmt;

/// Which command of which deployment: `slipway/faceplate/prod/17/rollout/1`.
///
/// Run Command keeps a hundred characters; names of 32 and the rest make 95.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub id: DeploymentId,
    pub errand: Errand,
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    Rollout,
    Back,
    Remove,
    OneOff(Purpose),
}

impl Errand {
    /// What the script calls it, and what a mark says.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Back => "back",
            Self::Remove => "remove",
            Self::OneOff(Purpose::Migrate) => "migrate",
            Self::OneOff(Purpose::Undo) => "undo",
        }
    }

    /// A later step of the same deployment: hosts refuse an earlier one that comes after it.
    pub(super) fn step(self) -> u64 {
        match self {
            Self::Rollout | Self::OneOff(_) => 1,
            Self::Back | Self::Remove => 2,
        }
    }
}

impl Mark {
    pub(super) fn new(id: &DeploymentId, errand: Errand, attempt: u32) -> Self {
        Self { id: id.clone(), errand, attempt }
    }

    /// Reads the comment of a command; `None`: it is somebody else's.
    pub fn read(comment: &str) -> Option<Self> {
        let parts: Vec<&str> = comment.split('/').collect();
        let ["slipway", application, environment, number, word, attempt] = parts[..] else {
            return None;
        };
        let errands = [
            Errand::Rollout,
            Errand::Back,
            Errand::Remove,
            Errand::OneOff(Purpose::Migrate),
            Errand::OneOff(Purpose::Undo),
        ];
        let place = Place {
            application: ApplicationName::new(application),
            environment: EnvironmentName::new(environment),
        };
        Some(Self {
            id: DeploymentId { place, number: number.parse().ok()? },
            errand: errands.into_iter().find(|errand| errand.word() == word)?,
            attempt: attempt.parse().ok()?,
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", of(&self.id), self.errand.word(), self.attempt)
    }
}

/// What the containers of a deployment carry.
pub(super) fn of(id: &DeploymentId) -> String {
    format!("slipway/{id}")
}
