//! What people type and builds push on a day, one after the other.

use super::Day;
use crate::Team;
use serde_json::{Value, json};

/// A rule of an environment. It holds for an hour from when the sandbox's clock begins.
pub const FREEZE: &str = "freeze: [{from: 2026-11-21T08:00, to: 2026-11-21T10:00, time_zone: UTC}]";

/// What somebody does.
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
    /// What is done on it, in order.
    pub(crate) fn acts(self, team: &Team, environment: &str) -> Vec<Act> {
        let [_, tag] = team.tags(environment);
        let push = Act::Push { tag: tag.clone(), content: format!("for {self:?}") };
        let configure = |text: Option<String>, more: &str| Act::Configure {
            text: text.unwrap_or_default(),
            more: more.to_owned(),
        };
        let ask = |function, accepted, more| {
            let payload = team.wish(environment, more);
            Act::Ask { function, payload, accepted }
        };
        match self {
            Self::Grown => {
                vec![configure(team.system.grown(), "one service more"), push, Act::Wait]
            }
            Self::Frozen => {
                let frozen = team.system.with_rule(environment, FREEZE);
                let more = format!("for {environment} {FREEZE}");
                let deploy = ask("deploy", false, json!({ "version": tag }));
                vec![configure(frozen, &more), push, Act::Wait, deploy, Act::Wait]
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
            Self::WithoutWord => self.one_wish(team, environment, false).into_iter().collect(),
            _ => vec![self.one_wish(team, environment, true).unwrap_or(push), Act::Wait],
        }
    }

    /// The one thing that a person wants; `None`: a build pushes.
    fn one_wish(self, team: &Team, environment: &str, accepted: bool) -> Option<Act> {
        let mut more = json!({});
        let function = match self {
            Self::GoneBack => "rollback",
            Self::Undone => {
                more["undo"] = true.into();
                "rollback"
            }
            Self::WithoutBuild | Self::Fresh => {
                let first = team.deployments().into_iter().next()?;
                more["version"] = first.request.release.version.as_str().into();
                if self == Self::Fresh {
                    more["fresh"] = true.into();
                }
                "deploy"
            }
            Self::Promoted | Self::WithoutWord => {
                more["from"] = team.system.home()?.0.into();
                let word = team.system.rules(environment)?.confirm.clone();
                if let Some(word) = word.filter(|_| self == Self::Promoted) {
                    more["confirm"] = word.into();
                }
                "deploy"
            }
            _ => return None,
        };
        Some(Act::Ask { function, payload: team.wish(environment, more), accepted })
    }
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
