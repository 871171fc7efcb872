//! What people type and builds push on a day, one after the other.

use super::Day;
use crate::Team;
use serde_json::{Value, json};

/// A rule of an environment. It holds for an hour from when the sandbox's clock begins.
pub const FREEZE: &str = "freeze: [{from: 2026-11-21T08:00, to: 2026-11-21T10:00, time_zone: UTC}]";

/// What a person does.
pub(crate) enum Act {
    /// A person calls a function, which says yes or no.
    Ask { function: &'static str, payload: Value, accepted: bool },
    /// A person gives Slipway this spec from now on, which says more than the one before.
    Configure { text: String, more: String },
    /// A build pushes a release.
    Push { tag: String, content: String },
    /// Everybody waits: for a verdict, or for the word that nothing starts.
    Wait,
}

impl Day {
    /// What is done on it, in order; `None`: the system lacks something that it needs.
    pub(crate) fn acts(self, team: &Team, environment: &str) -> Option<Vec<Act>> {
        let [_, tag] = team.tags(environment);
        let push = Act::Push { tag: tag.clone(), content: format!("for {self:?}") };
        let ask = |function, accepted, more| {
            let payload = team.wish(environment, more);
            Act::Ask { function, payload, accepted }
        };
        Some(match self {
            Self::Grown => {
                let (text, more) = (team.system.grown()?, "one service more".to_owned());
                vec![Act::Configure { text, more }, push, Act::Wait]
            }
            Self::Frozen => {
                let text = team.system.with_rule(environment, FREEZE)?;
                let more = format!("for {environment} {FREEZE}");
                let deploy = ask("deploy", false, json!({ "version": tag }));
                vec![Act::Configure { text, more }, push, Act::Wait, deploy, Act::Wait]
            }
            Self::Held => {
                let why = "it was the network";
                let let_in = json!({"version": tag, "why": why});
                let unmark = json!({"action": "unmark_bad", "version": tag, "why": why});
                let tag = team.build_tag(environment, "4b5c6d7", "20261121T1100");
                vec![
                    ask("rollback", true, json!({})),
                    Act::Wait,
                    // The very images that were left.
                    Act::Push { tag, content: "number 2".to_owned() },
                    Act::Wait,
                    ask("deploy", false, let_in.clone()),
                    ask("control", true, json!({"action": "unhold", "why": why})),
                    ask("control", true, unmark),
                    ask("deploy", true, let_in),
                    Act::Wait,
                ]
            }
            Self::GoneBack => vec![ask("rollback", true, json!({})), Act::Wait],
            Self::Undone => vec![ask("rollback", true, json!({"undo": true})), Act::Wait],
            Self::WithoutBuild => {
                // What is older than what runs has a migration that is older, too.
                let has_migration = team.system.rules(environment)?.migration.is_some();
                let mut first = json!({"version": first_version(team)?});
                if has_migration {
                    first["skip_migration"] = true.into();
                }
                vec![ask("deploy", true, first), Act::Wait]
            }
            Self::Fresh => {
                let again = json!({"version": first_version(team)?, "fresh": true});
                vec![ask("deploy", true, again), Act::Wait]
            }
            Self::Promoted => {
                let word = team.system.rules(environment)?.confirm.clone()?;
                let promotion = json!({"from": team.system.home()?.0, "confirm": word});
                vec![ask("deploy", true, promotion), Act::Wait]
            }
            Self::WithoutWord => {
                vec![ask("deploy", false, json!({"from": team.system.home()?.0}))]
            }
            Self::Good
            | Self::BadImage
            | Self::NeverHealthy
            | Self::CrashesLater
            | Self::SidecarDies
            | Self::Hangs
            | Self::MigrationFails
            | Self::CheckFails
            | Self::AlarmInTheBake
            | Self::Scaled
            | Self::ImageMissing
            | Self::TurnedRound => vec![push, Act::Wait],
        })
    }
}

fn first_version(team: &Team) -> Option<String> {
    let first = team.deployments().into_iter().next()?;
    Some(first.request.release.version.to_string())
}

impl Team {
    /// Who wants something from an environment, and why, and `more`.
    pub(crate) fn wish(&self, environment: &str, more: Value) -> Value {
        let application = self.system.spec.application.as_str();
        let mut wish = json!({
            "application": application, "environment": environment,
            "by": "ann", "why": "customers complain",
        });
        if let (Value::Object(wish), Value::Object(more)) = (&mut wish, more) {
            wish.extend(more);
        }
        wish
    }
}
