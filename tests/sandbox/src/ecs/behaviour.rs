//! What images do when they run: the script that a scenario writes for ECS.

use std::collections::BTreeMap;

/// How tasks of a service with a certain image behave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    #[default]
    Good,
    /// A non-essential container fails some seconds after the start.
    SidecarCrashes {
        container: String,
        seconds: u32,
        exit_code: i64,
    },
    /// Runs well for a while first, so no circuit breaker ever sees it.
    CrashesAfter {
        seconds: u32,
        exit_code: i64,
    },
    /// Runs for a while, then wants more memory than it has.
    OutOfMemory {
        seconds: u32,
    },
    /// Runs but never answers its health check, so that ECS replaces it.
    NeverHealthy,
    /// Stays in PENDING.
    Hangs,
    /// Exits before it ever ran.
    CrashesAtStart {
        exit_code: i64,
    },
    CannotPull,
}

/// How a one-off task ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Exits {
        code: i64,
        seconds: u32,
    },
    OutOfMemory {
        seconds: u32,
    },
    /// A Spot interruption after this many seconds.
    Interrupted {
        seconds: u32,
    },
    CannotPull,
    /// A reason such as `ResourceInitializationError: unable to pull secrets or registry auth`.
    CannotStart {
        reason: String,
    },
    /// RunTask answers 200 with this reason among its failures, and starts nothing.
    Refused {
        reason: String,
    },
    /// Never stops.
    Hangs,
}

/// Everything that a scenario has said about what runs.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// By digest, or by the whole name of an image.
    pub(crate) images: BTreeMap<String, Behaviour>,
    /// What tags point at: `…/scr-api:latest` to a digest.
    pub(crate) tags: BTreeMap<String, String>,
    one_offs: Vec<OneOff>,
    /// Clusters without room, and what ECS says about it.
    pub(crate) full: BTreeMap<String, String>,
    /// The container that AWS injects into every task.
    pub(crate) injected: Option<String>,
    pub(crate) pace: Pace,
}

#[derive(Debug)]
struct OneOff {
    image: String,
    command: String,
    ending: Ending,
    /// How often it still applies; `None`: always.
    left: Option<u32>,
}

/// How long things take, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the start of a task until it runs.
    pub startup: f64,
    /// From running until a load balancer or a health check is content.
    pub health: f64,
    /// Until ECS gives up on a task that never becomes healthy.
    pub patience: f64,
    /// From the order to stop until a task has stopped.
    pub stop: f64,
    /// From the last change of tasks until ECS calls a service steady.
    pub settling: f64,
    /// Between two attempts to place a task where there is no room.
    pub placement: f64,
}

impl Default for Pace {
    fn default() -> Self {
        let (startup, health, patience) = (20.0, 10.0, 60.0);
        Self { startup, health, patience, stop: 10.0, settling: 5.0, placement: 30.0 }
    }
}

impl Script {
    pub(crate) fn add(&mut self, image: &str, command: &str, ending: Ending, left: Option<u32>) {
        let (image, command) = (image.to_owned(), command.to_owned());
        self.one_offs.push(OneOff { image, command, ending, left });
    }

    /// The digest of a tag; an image that was not pushed still has a digest of its own.
    pub(crate) fn digest(&self, image: &str) -> String {
        if let Some((_, digest)) = image.split_once('@') {
            return digest.to_owned();
        }
        let unknown = || format!("sha256:{}", crate::place::sha256(image.as_bytes()));
        self.tags.get(image).cloned().unwrap_or_else(unknown)
    }

    pub(crate) fn behaviour(&self, image: &str) -> Behaviour {
        let by_name = self.images.get(image);
        by_name.or_else(|| self.images.get(&self.digest(image))).cloned().unwrap_or_default()
    }

    /// How a one-off task ends; the rule that was added last counts.
    pub(crate) fn ending(&mut self, images: &[String], command: &str) -> Ending {
        if images.iter().any(|image| self.behaviour(image) == Behaviour::CannotPull) {
            return Ending::CannotPull;
        }
        let rule = self.rule(images, command).and_then(|at| self.one_offs.get_mut(at));
        rule.map_or(Ending::Exits { code: 0, seconds: 8 }, OneOff::apply)
    }

    /// The refusal of a one-off task that shall not even begin.
    pub(crate) fn refusal(&mut self, images: &[String], command: &str) -> Option<String> {
        let rule = self.rule(images, command).and_then(|at| self.one_offs.get_mut(at))?;
        let Ending::Refused { reason } = rule.ending.clone() else { return None };
        rule.apply();
        Some(reason)
    }

    fn rule(&self, images: &[String], command: &str) -> Option<usize> {
        let digests: Vec<_> = images.iter().map(|image| self.digest(image)).collect();
        self.one_offs.iter().rposition(|rule| {
            let mut named = images.iter().chain(&digests);
            named.any(|name| name.contains(&rule.image))
                && command.contains(&rule.command)
                && rule.left != Some(0)
        })
    }
}

impl OneOff {
    fn apply(&mut self) -> Ending {
        self.left = self.left.map(|left| left - 1);
        self.ending.clone()
    }
}

impl Behaviour {
    /// A whole task behaves as the worst of its images.
    pub(crate) fn badness(&self) -> u32 {
        match self {
            Self::Good => 0,
            Self::SidecarCrashes { .. } => 1,
            Self::CrashesAfter { .. } => 2,
            Self::OutOfMemory { .. } => 3,
            Self::NeverHealthy => 4,
            Self::Hangs => 5,
            Self::CrashesAtStart { .. } => 6,
            Self::CannotPull => 7,
        }
    }
}
