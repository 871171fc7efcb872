//! The days that `cargo run` can show: what goes wrong, and how it should end.

use crate::{Error, System, Team};
use sandbox::ecs::{Behaviour, Ending};
use std::fmt::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    Good,
    BadImage,
    MigrationFails,
    CheckFails,
    AlarmInTheBake,
    Hangs,
}

/// Every day: its name, what happens, and the verdict it should end with.
const DAYS: [(Day, &str, &str, &str); 6] = [
    (Day::Good, "good", "everything works", "succeeded"),
    (Day::BadImage, "bad-image", "the new image crashes at start", "rolled back"),
    (Day::MigrationFails, "migration-fails", "the migration exits 1", "failed"),
    (Day::CheckFails, "check-fails", "a site answers 500", "rolled back"),
    (Day::AlarmInTheBake, "alarm", "an alarm goes off in the bake", "rolled back"),
    (Day::Hangs, "hangs", "the new tasks never start", "rolled back"),
];

/// What everybody can ask for.
pub fn list() -> String {
    let mut text = String::from("systems\n");
    for system in System::names() {
        let _ = writeln!(text, "  {system}");
    }
    text.push_str("days\n");
    for (_, name, what, verdict) in DAYS {
        let _ = writeln!(text, "  {name:<18}{what}: {verdict}");
    }
    text
}

impl Day {
    pub fn named(name: &str) -> Result<Self, Error> {
        let found = DAYS.iter().find(|(_, known, ..)| *known == name);
        let known = || DAYS.map(|(_, name, ..)| name).join(", ");
        let day = found.ok_or_else(|| {
            Error::Unknown(format!("there is no day {name}; there are {}", known()))
        })?;
        Ok(day.0)
    }

    pub fn what(self) -> &'static str {
        DAYS.iter().find(|(day, ..)| *day == self).map_or("", |(_, _, what, _)| what)
    }

    /// The name of the verdict that it should end with, in a system with or without a migration.
    pub fn verdict(self, team: &Team, environment: &str) -> &'static str {
        let rules = team.system.environments().find(|(name, _)| *name == environment);
        let (migrates, checks, watches) = rules.map_or((false, false, false), |(_, rules)| {
            (rules.migration.is_some(), !rules.checks.is_empty(), !rules.alarms.names.is_empty())
        });
        let happens = match self {
            Self::MigrationFails => migrates,
            Self::CheckFails => checks,
            Self::AlarmInTheBake => watches,
            Self::Good | Self::BadImage | Self::Hangs => true,
        };
        match DAYS.iter().find(|(day, ..)| *day == self) {
            Some((.., verdict)) if happens => verdict,
            _ => "succeeded",
        }
    }

    /// Lets what goes wrong on this day be wrong. `digest`: one of the release.
    pub fn prepare(self, team: &mut Team, environment: &str, digest: &str) -> Result<(), Error> {
        let has_hosts = team.on_hosts(environment, |_| Ok(())).is_ok();
        match self {
            Self::BadImage if has_hosts => {
                team.on_hosts(environment, |host| host.behave(digest, "exits 1"))?;
            }
            Self::Hangs if has_hosts => {
                team.on_hosts(environment, |host| host.write("pull-seconds", "3600\n"))?;
            }
            Self::MigrationFails if has_hosts => team.break_scripts(environment)?,
            Self::Good | Self::AlarmInTheBake => {}
            Self::BadImage => team.behave(digest, Behaviour::CrashesAtStart { exit_code: 1 }),
            Self::Hangs => team.behave(digest, Behaviour::Hangs),
            Self::MigrationFails => {
                team.one_off("", "", Ending::Exits { code: 1, seconds: 20 });
            }
            Self::CheckFails => {
                let rules = team.system.environments().find(|(name, _)| *name == environment);
                let url = rules.and_then(|(_, rules)| rules.checks.first()).map(|c| c.url.clone());
                if let Some(url) = url {
                    team.web.answers(&url, &[500]);
                }
            }
        }
        Ok(())
    }

    /// What happens on this day once the deployment has come so far.
    pub fn go_on(self, team: &mut Team, environment: &str, state: &str) {
        if self == Self::AlarmInTheBake && state == "baking" {
            let rules = team.system.environments().find(|(name, _)| *name == environment);
            let alarm = rules.and_then(|(_, rules)| rules.alarms.names.first().cloned());
            if let Some(alarm) = alarm {
                team.alarm(alarm.as_str(), "ALARM", "3 datapoints were greater than the threshold");
            }
        }
    }
}
