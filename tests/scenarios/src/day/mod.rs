//! The days that `cargo run` can show: what happens on them, in which systems, and how they end.

mod by_hand;
mod trouble;

pub(crate) use by_hand::Act;
pub use by_hand::FREEZE;

use crate::{Error, System};
use pipeline::spec::{Base, Environment, Service, TagPattern, Target};
use serde_json::Value;
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Good,
    BadImage,
    NeverHealthy,
    CrashesLater,
    SidecarDies,
    Hangs,
    MigrationFails,
    CheckFails,
    AlarmInTheBake,
    Scaled,
    ImageMissing,
    TurnedRound,
    GoneBack,
    Undone,
    WithoutBuild,
    Fresh,
    Promoted,
    WithoutWord,
    Grown,
    Frozen,
    Held,
}

/// Every day: its name, what happens, and how it should end: with a verdict, or none at all.
const DAYS: [(Day, &str, &str, &str); 21] = [
    (Day::Good, "good", "everything works", "succeeded"),
    (Day::BadImage, "bad-image", "the new image crashes at start", "rolled back"),
    (
        Day::NeverHealthy,
        "never-healthy",
        "the new tasks start and never get healthy",
        "rolled back",
    ),
    (Day::CrashesLater, "crashes-later", "the new tasks die after half a minute", "rolled back"),
    (Day::SidecarDies, "sidecar-dies", "a container that is not essential dies", "succeeded"),
    (Day::Hangs, "hangs", "the new tasks never start", "rolled back"),
    (Day::MigrationFails, "migration-fails", "the migration exits 1", "failed"),
    (Day::CheckFails, "check-fails", "a site answers 500", "rolled back"),
    (Day::AlarmInTheBake, "alarm", "an alarm goes off in the bake", "rolled back"),
    (Day::Scaled, "scaled", "autoscaling changes the number of tasks meanwhile", "succeeded"),
    (Day::ImageMissing, "image-missing", "one of the images is never pushed", NOTHING_STARTED),
    (Day::TurnedRound, "turned-round", "a person goes back in the rollout", "rolled back"),
    (Day::GoneBack, "gone-back", "a person goes back to the release before", "succeeded"),
    (Day::Undone, "undone", "a person goes back and undoes the migration", "succeeded"),
    (Day::WithoutBuild, "without-build", "a person deploys an image that is there", "succeeded"),
    (Day::Fresh, "fresh", "a person wants new tasks of the same image", "succeeded"),
    (Day::Promoted, "promoted", "a person brings what succeeded to production", "succeeded"),
    (Day::WithoutWord, "without-word", "a person promotes and forgets the word", REFUSED),
    (Day::Grown, "grown", "the spec gets one service more", "succeeded"),
    (Day::Frozen, "frozen", "a push and a person meet a freeze", "succeeded"),
    (Day::Held, "held", "a person goes back; what was left stays out until let in", "succeeded"),
];

/// How a day ends on which there is no deployment to speak of.
pub(crate) const NOTHING_STARTED: &str = "nothing started";
pub(crate) const REFUSED: &str = "refused";

/// What everybody can ask for.
pub fn list() -> String {
    let mut text = String::from("days\n");
    for (_, name, what, end) in DAYS {
        let _ = writeln!(text, "  {name:<17}{what}: {end}");
    }
    text.push_str("systems\n");
    for system in System::names() {
        let _ = writeln!(text, "  {system:<12}{}", names(system).join(" "));
    }
    text
}

/// The names of a system's days.
fn names(system: &str) -> Vec<&'static str> {
    let Ok(system) = System::example(system) else { return Vec::new() };
    let days = DAYS.iter().filter(|(day, ..)| day.fits(&system));
    days.map(|(_, name, ..)| *name).collect()
}

impl Day {
    /// Every day of a system.
    pub fn of(system: &System) -> impl Iterator<Item = Self> {
        DAYS.iter().map(|(day, ..)| *day).filter(|day| day.fits(system))
    }

    /// The day of this name, if the system has such days.
    pub fn named(name: &str, system: &str) -> Result<Self, Error> {
        let known = System::example(system)?;
        let found = DAYS.iter().find(|(day, its, ..)| *its == name && day.fits(&known));
        found.map(|(day, ..)| *day).ok_or_else(|| {
            let names = names(system).join(", ");
            Error::Unknown(format!("{system} has no day {name}; it has {names}"))
        })
    }

    pub fn what(self) -> &'static str {
        self.row().map_or("", |(_, _, what, _)| what)
    }

    /// How it should end.
    pub fn end(self) -> &'static str {
        self.row().map_or("", |(.., end)| end)
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static str, &'static str)> {
        DAYS.iter().find(|(day, ..)| *day == self)
    }

    /// Where it takes place.
    pub(crate) fn environment(self, system: &System) -> Option<&str> {
        match self {
            Self::Promoted | Self::WithoutWord => system.promoted().map(|(name, _)| name),
            _ => system.home().map(|(name, _)| name),
        }
    }

    /// How many releases succeed before it.
    pub(crate) fn releases_before(self) -> usize {
        match self {
            Self::Good => 0,
            Self::GoneBack | Self::Undone | Self::WithoutBuild | Self::Held => 2,
            _ => 1,
        }
    }

    /// Whether a system has what this day needs.
    fn fits(self, system: &System) -> bool {
        let Some((_, rules)) = system.home() else { return false };
        let on_cluster = matches!(rules.target, Target::Cluster(_));
        match self {
            Self::MigrationFails => rules.migration.is_some(),
            Self::Undone => rules.migration.as_ref().is_some_and(|one| one.undo.is_some()),
            Self::CheckFails => !rules.checks.is_empty(),
            Self::AlarmInTheBake => !rules.alarms.names.is_empty(),
            Self::NeverHealthy | Self::CrashesLater | Self::Scaled => on_cluster,
            Self::SidecarDies => sidecar(rules).is_some(),
            Self::ImageMissing => system.spec.images.len() > 1,
            Self::Promoted => system.promoted().is_some(),
            Self::WithoutWord => {
                system.promoted().is_some_and(|(_, rules)| rules.confirm.is_some())
            }
            Self::Grown => system.grown().is_some(),
            // The same tag with the same images is no push.
            Self::Held => !moves(rules),
            Self::Good
            | Self::BadImage
            | Self::Hangs
            | Self::TurnedRound
            | Self::GoneBack
            | Self::WithoutBuild
            | Self::Fresh
            | Self::Frozen => true,
        }
    }
}

/// Whether every push has the same tag.
fn moves(rules: &Environment) -> bool {
    let tags = rules.deploy_on.iter().flat_map(|deploy_on| &deploy_on.tags);
    tags.into_iter().any(|tag| matches!(tag, TagPattern::Moving(_)))
}

/// The name of a container that is not essential.
fn sidecar(rules: &Environment) -> Option<&str> {
    let mut containers = rules.services().filter_map(|(_, service)| containers(service)).flatten();
    containers.find(|one| one["essential"] == false)?["name"].as_str()
}

/// The containers of a service whose task definition is in the spec.
fn containers(service: &Service) -> Option<&Vec<Value>> {
    match &service.base {
        Base::Template { definition, .. } => definition["containerDefinitions"].as_array(),
        _ => None,
    }
}
