//! What is counted: good days, a rollback, and an hour in which nothing happens.

use super::Costs;
use crate::{Error, System, Team};
use sandbox::ecs::Behaviour;

/// What a push led to.
#[derive(Clone, Debug)]
pub struct Expense {
    pub what: String,
    pub verdict: &'static str,
    /// From the push until the deployment had its verdict.
    pub until_verdict: Costs,
    /// From the push until all notices are sent.
    pub whole: Costs,
}

const HOUR: u64 = 3600;

impl Expense {
    /// One service, no migration, no checks and no alarms, in an ECS that needs this many seconds.
    pub async fn plain(seconds: f64) -> Result<Self, Error> {
        let mut team = Team::start_with(System::read(include_str!("plain.yaml"))?, 0).await?;
        {
            let mut account = team.sandbox.account();
            let pace = account.services.ecs.pace();
            (pace.startup, pace.health, pace.stop, pace.settling) = (seconds, 0.0, 0.0, 0.0);
        }
        let what = format!("one service, ECS takes {seconds} s");
        Self::of(&mut team, what, "plain/production", 1).await
    }

    /// A good day of one of the examples, whose first push goes to this place.
    pub async fn good(system: &str, place: &str) -> Result<Self, Error> {
        let mut team = Team::start(system).await?;
        Self::of(&mut team, format!("{place}, a good day"), place, 1).await
    }

    /// A release of SCR whose last service crashes at its start, after the others were updated.
    pub async fn rollback() -> Result<Self, Error> {
        let mut team = Team::start("scr").await?;
        let place = "scr/staging";
        let [before, _] = team.tags("staging");
        team.push_all(&before, "before")?;
        team.until_ended(place, 1).await?;
        let crashing = Behaviour::CrashesAtStart { exit_code: 1 };
        // The digest of an image is known before it is pushed under its tag.
        let digest = team.push("scr-web", "not-deployed-by-this", "now")?;
        team.behave(&digest, crashing);
        team.sandbox.run_for(60).await?;
        Self::of(&mut team, format!("{place}, a rollback"), place, 2).await
    }

    async fn of(team: &mut Team, what: String, place: &str, number: u64) -> Result<Self, Error> {
        let mark = team.mark();
        let (_, environment) = place.split_once('/').unwrap_or(("", place));
        let [_, tag] = team.tags(environment);
        team.push_all(&tag, "now")?;
        let has_verdict = |team: &mut Team| {
            team.deployment(place, number).is_some_and(|deployment| deployment.verdict().is_some())
        };
        team.until(3 * HOUR, has_verdict).await?;
        let until_verdict = team.costs_since(mark);
        let ended = team.until_ended(place, number).await?;
        let whole = team.costs_since(mark);
        let verdict = ended.verdict().map_or("none", |verdict| verdict.name());
        Ok(Self { what, verdict, until_verdict, whole })
    }
}

/// An hour of an idle installation with SCR on it.
pub async fn idle_hour() -> Result<Costs, Error> {
    let mut team = Team::start("scr").await?;
    team.sandbox.run_for(HOUR).await?;
    let mark = team.mark();
    team.sandbox.run_for(HOUR).await?;
    Ok(team.everything_since(mark))
}
