//! The comment of a command, which leads from its events and from a search to its deployment.

use pipeline::effect::Purpose;
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place};
use std::fmt;

/// A command of a deployment of an installation: `slipway/708c7cd5/faceplate/prod/17/rollout`, or
/// `…/17/migrate/1` with the attempt.
///
/// Run Command keeps 100 characters; names of 32 and the rest leave room for eight digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandTag {
    /// `None`: an earlier version did not name it.
    pub(super) installation: Option<String>,
    pub id: DeploymentId,
    pub kind: CommandKind,
    pub attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    Rollout,
    Back,
    Remove,
    OneOff(Purpose),
}

impl CommandKind {
    fn of(word: &str) -> Option<Self> {
        let errands = [
            Self::Rollout,
            Self::Back,
            Self::Remove,
            Self::OneOff(Purpose::Migrate),
            Self::OneOff(Purpose::Undo),
        ];
        errands.into_iter().find(|kind| kind.word() == word)
    }

    /// Its name in the script and in a mark.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::Back => "back",
            Self::Remove => "remove",
            Self::OneOff(Purpose::Migrate) => "migrate",
            Self::OneOff(Purpose::Undo) => "undo",
        }
    }

    /// A later step of the same deployment has a higher number: hosts refuse an earlier one that
    /// arrives after it.
    pub(super) fn step(self) -> u64 {
        match self {
            Self::Rollout | Self::OneOff(_) => 1,
            Self::Back | Self::Remove => 2,
        }
    }
}

impl CommandTag {
    pub(super) fn new(
        installation: Option<&str>,
        id: &DeploymentId,
        kind: CommandKind,
        attempt: u32,
    ) -> Self {
        Self { installation: installation.map(str::to_owned), id: id.clone(), kind, attempt }
    }

    /// Reads the comment of a command; `None`: it is not Slipway's.
    pub fn read(comment: &str) -> Option<Self> {
        let parts: Vec<&str> = comment.split('/').collect();
        match parts[..] {
            ["slipway", application, environment, number, word, attempt]
                if CommandKind::of(word).is_some() =>
            {
                Self::of_parts(None, [application, environment, number, word], Some(attempt))
            }
            ["slipway", installation, application, environment, number, word] => {
                let rest = [application, environment, number, word];
                Self::of_parts(Some(installation), rest, None)
            }
            ["slipway", installation, application, environment, number, word, attempt] => {
                let rest = [application, environment, number, word];
                Self::of_parts(Some(installation), rest, Some(attempt))
            }
            _ => None,
        }
    }

    fn of_parts(
        installation: Option<&str>,
        [application, environment, number, word]: [&str; 4],
        attempt: Option<&str>,
    ) -> Option<Self> {
        let place = Place {
            application: ApplicationName::new(application),
            environment: EnvironmentName::new(environment),
        };
        let id = DeploymentId { place, number: number.parse().ok()? };
        let attempt = attempt.map_or(Some(1), |attempt| attempt.parse().ok())?;
        Some(Self::new(installation, &id, CommandKind::of(word)?, attempt))
    }
}

impl fmt::Display for CommandTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.kind.word();
        match (&self.installation, self.kind) {
            (None, _) => write!(f, "{}/{word}/{}", old(&self.id), self.attempt),
            (Some(installation), CommandKind::OneOff(_)) => {
                write!(f, "{}/{word}/{}", of(installation, &self.id), self.attempt)
            }
            (Some(installation), _) => write!(f, "{}/{word}", of(installation, &self.id)),
        }
    }
}

/// The mark of the containers of a deployment.
pub(super) fn of(installation: &str, id: &DeploymentId) -> String {
    format!("slipway/{installation}/{id}")
}

/// The same mark from versions that did not name the installation.
pub(super) fn old(id: &DeploymentId) -> String {
    format!("slipway/{id}")
}

/// The comment of a command whose end is ignored: the template's rule does not match it.
pub(super) fn aside(word: &str, installation: &str, id: &DeploymentId) -> String {
    format!("slipway-{word}/{installation}/{id}")
}
