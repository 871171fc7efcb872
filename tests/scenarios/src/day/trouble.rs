//! What goes wrong, or only differently, while a release goes out.

use super::{Day, sidecar};
use crate::{Deployment, Error, Team};
use pipeline::names::ServiceName;
use pipeline::spec::{Environment, Target};
use sandbox::ecs::{Behaviour, Ending};
use serde_json::json;

/// Later than ECS calls it healthy, and often enough within every bake.
const CRASHES_AFTER_SECONDS: u32 = 30;
const SCALED_TO: usize = 4;

impl Day {
    /// Sets up the faults of this day. `digest`: one of the release.
    pub(crate) fn prepare(
        self,
        team: &mut Team,
        environment: &str,
        digest: &str,
    ) -> Result<(), Error> {
        let has_hosts = team.on_hosts(environment, |_| Ok(())).is_ok();
        match self {
            Self::BadImage if has_hosts => {
                team.on_hosts(environment, |host| host.behave(digest, "exits 1"))?;
            }
            Self::Hangs if has_hosts => {
                team.on_hosts(environment, |host| host.write("pull-seconds", "3600\n"))?;
            }
            Self::MigrationFails if has_hosts => team.break_scripts(environment)?,
            Self::MigrationFails => team.one_off("", "", Ending::Exits { code: 1, seconds: 20 }),
            Self::CheckFails => {
                let rules = team.system.rules(environment);
                let url = rules.and_then(|rules| rules.checks.first()).map(|c| c.url.clone());
                if let Some(url) = url {
                    team.web.answers(&url, &[500]);
                }
            }
            _ => {
                if let Some(behaviour) = self.behaviour(team, environment) {
                    team.behave(digest, behaviour);
                }
            }
        }
        Ok(())
    }

    fn behaviour(self, team: &Team, environment: &str) -> Option<Behaviour> {
        match self {
            Self::BadImage => Some(Behaviour::CrashesAtStart { exit_code: 1 }),
            Self::Hangs => Some(Behaviour::Hangs),
            Self::NeverHealthy => Some(Behaviour::NeverHealthy),
            Self::CrashesLater => {
                Some(Behaviour::CrashesAfter { seconds: CRASHES_AFTER_SECONDS, exit_code: 1 })
            }
            Self::SidecarDies => {
                let container = sidecar(team.system.rules(environment)?)?.to_owned();
                Some(Behaviour::SidecarCrashes { container, seconds: 20, exit_code: 1 })
            }
            _ => None,
        }
    }

    /// What happens on this day once the deployment has come so far.
    pub(crate) async fn go_on(
        self,
        team: &mut Team,
        environment: &str,
        state: &str,
    ) -> Result<(), Error> {
        match (self, state) {
            (Self::AlarmInTheBake, "baking") => {
                let rules = team.system.rules(environment);
                let alarm = rules.and_then(|rules| rules.alarms.names.first().cloned());
                if let Some(alarm) = alarm {
                    let why = "3 datapoints were greater than the threshold";
                    team.alarm(alarm.as_str(), "ALARM", why);
                }
            }
            (Self::Scaled, "rolling out") => scale(team, environment),
            (Self::TurnedRound, "rolling out") => {
                let payload = team.wish(environment, json!({}));
                team.ask("rollback", payload).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Day {
    /// Whether what it is about was seen, where its verdict does not say so.
    pub(crate) fn was_seen(
        self,
        team: &Team,
        environment: &str,
        last: Option<&Deployment>,
    ) -> bool {
        let entries = last.map(|last| last.timeline.entries()).unwrap_or_default();
        let said = |text: &str| entries.iter().any(|entry| entry.text.contains(text));
        let rules = team.system.rules(environment);
        match self {
            Self::SidecarDies => rules
                .and_then(sidecar)
                .is_some_and(|container| said(&format!("Container {container} of"))),
            Self::Scaled => rules.and_then(first_service).is_some_and(|(cluster, service)| {
                let tasks = team.sandbox.account().services.ecs.serving(&cluster, service.as_str());
                tasks.len() == SCALED_TO
            }),
            Self::Fresh => said("Updating "),
            Self::Grown => rules.is_some_and(|rules| {
                let running = team.running(environment);
                rules.services().count() > 1
                    && rules.services().all(|(_, service)| {
                        running.get(service.name.as_str()).is_some_and(|images| !images.is_empty())
                    })
            }),
            _ => true,
        }
    }
}

/// Autoscaling changes the first service.
fn scale(team: &mut Team, environment: &str) {
    let Some((cluster, service)) = team.system.rules(environment).and_then(first_service) else {
        return;
    };
    team.sandbox.at_desk("ecs", |services, desk| {
        services.ecs.scale(&cluster, service.as_str(), SCALED_TO, desk);
    });
}

/// With its cluster.
fn first_service(rules: &Environment) -> Option<(String, ServiceName)> {
    let Target::Cluster(cluster) = &rules.target else { return None };
    let (_, service) = rules.services().next()?;
    Some((cluster.clone(), service.name.clone()))
}
