//! Slipway is updated in the middle of a deployment, after every invocation in turn, and the deployment
//! ends as it would have. Then the stack is updated function by function, so that both versions work on
//! the same deployment. It goes from the earlier version to this one, and back.
//!
//! `SLIPWAY_EARLIER` names the folder of the earlier version's binaries; `.ci/upgrade` builds them and
//! sets it. Without it the earlier version is this one: then a test shows that no process knows
//! something that its successor needs.

use crate::kills::{Image, LIVE, SHOP};
use expect_test::{Expect, expect};
use sandbox::binaries;
use sandbox::ecs::Behaviour;
use scenarios::{System, Team};
use std::path::PathBuf;

/// How the functions are updated.
#[derive(Clone, Copy)]
enum Update {
    Never,
    /// All of them after so many invocations.
    After(u64),
    /// One after each invocation.
    OneByOne,
}

struct Versions {
    first: PathBuf,
    second: PathBuf,
}

impl Versions {
    fn upgrade() -> Self {
        let second = binaries::build().unwrap();
        let earlier = std::env::var_os("SLIPWAY_EARLIER").map(PathBuf::from);
        Self { first: earlier.unwrap_or_else(|| second.clone()), second }
    }

    fn downgrade() -> Self {
        let Self { first, second } = Self::upgrade();
        Self { first: second, second: first }
    }
}

#[tokio::test]
async fn a_deployment_goes_on_through_an_upgrade_at_any_step() {
    at_any_step(
        Image::Good,
        &Versions::upgrade(),
        &expect![[r#"
        shop/live/1: succeeded
        runs
          shop: shop:v2, shop:v2
        migrations: 1
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_deployment_goes_on_through_a_downgrade_at_any_step() {
    at_any_step(
        Image::Good,
        &Versions::downgrade(),
        &expect![[r#"
        shop/live/1: succeeded
        runs
          shop: shop:v2, shop:v2
        migrations: 1
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_rollback_goes_on_through_an_upgrade_at_any_step() {
    at_any_step(
        Image::Crashes,
        &Versions::upgrade(),
        &expect![[r#"
        shop/live/1: rolled back
        runs
          shop: shop:before, shop:before
        migrations: 1
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_rollback_goes_on_through_a_downgrade_at_any_step() {
    at_any_step(
        Image::Crashes,
        &Versions::downgrade(),
        &expect![[r#"
        shop/live/1: rolled back
        runs
          shop: shop:before, shop:before
        migrations: 1
    "#]],
    )
    .await;
}

async fn at_any_step(image: Image, versions: &Versions, expect: &Expect) {
    let (usual, invocations) = play(image, versions, Update::Never).await;
    expect.assert_eq(&usual);
    for update in (0..invocations).map(Update::After).chain([Update::OneByOne]) {
        let (ending, _) = play(image, versions, update).await;
        assert_eq!(ending, usual, "{}", described(update));
    }
}

fn described(update: Update) -> String {
    match update {
        Update::Never => "without an update".to_owned(),
        Update::After(invocations) => format!("updated after {invocations} invocations"),
        Update::OneByOne => "updated function by function".to_owned(),
    }
}

/// How the day ends, and how many invocations it took from the push.
async fn play(image: Image, versions: &Versions, update: Update) -> (String, u64) {
    let mut team = Team::start_with(System::read(SHOP).unwrap(), 0).await.unwrap();
    let functions: Vec<String> =
        team.sandbox.stack().functions.values().map(|function| function.binary.clone()).collect();
    for function in &functions {
        team.sandbox.update(function, &versions.first).unwrap();
    }
    let digests = team.push_all("v2", "new").unwrap();
    if matches!(image, Image::Crashes) {
        team.behave(&digests["shop"], Behaviour::CrashesAtStart { exit_code: 1 });
    }
    let before = invocations(&team);
    let mut waiting = functions.iter();
    let mut seen = None;
    team.until(3 * 3600, |team| {
        let count = invocations(team) - before;
        if seen.replace(count) != Some(count) {
            let due = match update {
                Update::Never => 0,
                Update::After(after) => {
                    if count == after {
                        functions.len()
                    } else {
                        0
                    }
                }
                Update::OneByOne => 1,
            };
            for function in waiting.by_ref().take(due) {
                team.sandbox.update(function, &versions.second).unwrap();
            }
        }
        let ended = team.deployment(LIVE, 1).is_some_and(|d| d.verdict().is_some());
        ended && team.left_over().is_empty()
    })
    .await
    .unwrap();
    let started = team.sandbox.account().services.ecs.started("/shop/live/1/migrate/");
    let ending = team.ending(LIVE);
    // A version may say the same in other words.
    let (ending, _) = ending.split_once("told\n").unwrap();
    (format!("{ending}migrations: {started}\n"), invocations(&team) - before)
}

fn invocations(team: &Team) -> u64 {
    team.sandbox.usage().invocations.values().sum()
}
