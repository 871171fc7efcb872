//! Deployments of real systems with the functions' real binaries: the good days, and the bad ones.
//!
//! Each story is the whole deployment as its timeline shows it, what ECS runs at the end, the
//! notices, and what is left in a queue or an outbox: nothing, if all is well.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod alarms;
mod audits;
mod builds;
mod by_hand;
mod costs;
mod daemons;
mod deploying;
mod ecs_itself;
mod faceplate;
mod gone_images;
mod hosts_grown;
mod hosts_lost;
mod hosts_many;
mod hosts_refused;
mod kills;
mod kills_on_hosts;
mod lost;
mod monitoring;
mod notices;
mod omen;
mod omen_apart;
mod people;
mod permissions;
mod planning;
mod power_pto;
mod promoting;
mod repeats;
mod rolling_back;
mod schema;
mod scr_production;
mod scr_rules;
mod single_worker;
mod takeovers;
mod traps;
mod troubles;
mod unreadable;
mod upgrades;
mod wwhd;

use expect_test::Expect;
use scenarios::Team;
use serde_json::{Value, json};

pub(crate) const STAGING: &str = "scr/staging";

/// SCR with a release that succeeded, so that there is a rollback target.
pub(crate) async fn scr() -> Team {
    let mut team = Team::start("scr").await.unwrap();
    team.push_all("0a1b2c3", "before").unwrap();
    team.until_ended(STAGING, 1).await.unwrap();
    team
}

/// Compares the deployments from `first` on.
pub(crate) fn check(team: &Team, place: &str, first: u64, expect: &Expect) {
    expect.assert_eq(&team.story_from(place, first));
}

/// What a function answers a person who wants to read.
pub(crate) fn lines(answer: &Value) -> String {
    let lines = answer["text"].as_array().into_iter().flatten().filter_map(Value::as_str);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Compares how one deployment ended, where another story shows how such a one goes.
pub(crate) fn ended(team: &Team, place: &str, number: u64, expect: &Expect) {
    expect.assert_eq(&team.end_of(place, number));
}

/// Nothing happened that a sound template and sound functions do not let happen, and nothing waits.
pub(crate) fn sound(team: &Team) {
    assert_eq!(team.sandbox.problems(), Vec::<String>::new());
    assert_eq!(team.left_over(), Vec::<String>::new());
}

/// An answer as it stands in the console.
pub(crate) fn pretty(answer: &Value) -> String {
    format!("{answer:#}\n")
}

/// A task definition is registered outside Slipway: the newest one with a change.
pub(crate) fn register_outside_slipway(team: &Team, family: &str, change: impl FnOnce(&mut Value)) {
    let asked = json!({ "taskDefinition": family });
    let described = team.person("ecs", "DescribeTaskDefinition", asked).unwrap();
    let mut newer = described["taskDefinition"].clone();
    change(&mut newer);
    team.person("ecs", "RegisterTaskDefinition", newer).unwrap();
}

/// From now on a service is made from the newest task definition of its family.
pub(crate) async fn start_from_newest(team: &mut Team, service: &str) {
    let text = team.system.text.replace(
        &format!("      - {service}\n"),
        &format!("      - {{name: {service}, base: latest}}\n"),
    );
    assert_ne!(text, team.system.text);
    team.respecify(&text).await.unwrap();
}
