//! A function is killed at every one of its calls in turn, before it and after it, and the end is
//! the same: the calls are counted over all functions, from the push to the last notice.
//!
//! Two ends differ, and only in the notices. Progress news that is late is not sent at all. And a
//! function that is killed between SNS's answer and the note of it publishes again: SNS cannot be
//! asked what was published, and an outcome sent twice is better than one that is never sent.

use expect_test::{Expect, expect};
use sandbox::ecs::Behaviour;
use sandbox::faults::{Calls, Fault, When};
use sandbox::trace::{Entry, What};
use scenarios::{System, Team};
use std::collections::BTreeSet;

/// One service with a migration, an alarm and a check.
pub(crate) const SHOP: &str = "
application: shop
images: {web: shop}
environments:
  live:
    cluster: shop
    deploy_on: {tags: [\"v*\"]}
    migration: {service: shop, container: web, command: [migrate]}
    services: [shop]
    checks: [{url: \"https://shop.example.com/health\"}]
    alarms: [shop-5xx]
    bake: 1m
";
pub(crate) const LIVE: &str = "shop/live";

#[derive(Clone, Copy)]
pub(crate) enum Image {
    Good,
    Crashes,
}

#[tokio::test]
async fn a_deployment_survives_a_kill_before_any_call() {
    sweep(
        Image::Good,
        Fault::KillBefore,
        &expect![[r#"
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
            migrations: 1

            or
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
              shop/live: v2 is live
            migrations: 1

            or
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: v2 is live
            migrations: 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_deployment_survives_a_kill_after_any_call() {
    sweep(
        Image::Good,
        Fault::KillAfter,
        &expect![[r#"
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
            migrations: 1

            or
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
              shop/live: v2 is live
            migrations: 1

            or
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: v2 is live
            migrations: 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_rollback_survives_a_kill_before_any_call() {
    sweep(
        Image::Crashes,
        Fault::KillBefore,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_rollback_survives_a_kill_after_any_call() {
    sweep(
        Image::Crashes,
        Fault::KillAfter,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: v2 was rolled back
            migrations: 1

            or
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
        "#]],
    )
    .await;
}

async fn sweep(image: Image, fault: Fault, expect: &Expect) {
    let play = async |calls: &Calls, fault| play(image, calls, fault).await;
    sweep_of(play, &[Calls::default()], fault, expect).await;
}

/// Plays a day once for every one of these calls in it; shows the undisturbed end, and every other.
pub(crate) async fn sweep_of(
    play: impl AsyncFn(&Calls, Option<(u64, Fault)>) -> Ended,
    kinds: &[Calls],
    fault: Fault,
    expect: &Expect,
) {
    let (mut usual, mut others) = (String::new(), BTreeSet::new());
    for calls in kinds {
        let undisturbed = play(calls, None).await;
        let mut killed = 0;
        loop {
            let ended = play(calls, Some((killed + 1, fault.clone()))).await;
            if !ended.struck {
                break;
            }
            killed += 1;
            if ended.text != undisturbed.text {
                others.insert(ended.text);
            }
        }
        assert!(undisturbed.calls > 0, "nobody calls {calls:?}");
        assert!(killed >= undisturbed.calls, "only {killed} of {} calls", undisturbed.calls);
        assert!(usual.is_empty() || usual == undisturbed.text);
        usual = undisturbed.text;
    }
    // Some calls go out side by side, and which of them is the n-th is chance: so the ends are
    // compared, without the calls that led to them.
    let shown: String = others.iter().map(|text| format!("\nor\n{text}")).collect();
    expect.assert_eq(&(usual + &shown));
}

/// How a day ended on which the n-th call may have been the last one of its function.
pub(crate) struct Ended {
    pub(crate) text: String,
    /// How many calls there were.
    pub(crate) calls: u64,
    /// Whether there were enough calls for the fault to strike.
    pub(crate) struck: bool,
}

async fn play(image: Image, calls: &Calls, fault: Option<(u64, Fault)>) -> Ended {
    let mut team = Team::start_with(System::read(SHOP).unwrap(), 0).await.unwrap();
    strike(&team, calls, fault);
    let before = count(&team, calls);
    let digests = team.push_all("v2", "new").unwrap();
    if matches!(image, Image::Crashes) {
        team.behave(&digests["shop"], Behaviour::CrashesAtStart { exit_code: 1 });
    }
    let mut text = end(&mut team, LIVE).await;
    let migrations = team.sandbox.account().services.ecs.started("/shop/live/1/migrate/");
    text.push_str(&format!("migrations: {migrations}\n"));
    Ended { text, calls: count(&team, calls) - before, struck: struck(&team) }
}

/// The n-th of these calls from now on is the last of its function.
pub(crate) fn strike(team: &Team, calls: &Calls, fault: Option<(u64, Fault)>) {
    if let Some((number, fault)) = fault {
        let calls = calls.clone();
        team.sandbox.faults(|faults| faults.on_calls(calls, When::Nth(number), fault));
    }
}

/// How many such calls there were.
pub(crate) fn count(team: &Team, calls: &Calls) -> u64 {
    let is_one = |service: &String| calls.service.as_ref().is_none_or(|wanted| wanted == service);
    let usage = team.sandbox.usage();
    usage.calls.iter().filter(|((service, _), _)| is_one(service)).map(|(_, times)| times).sum()
}

pub(crate) fn struck(team: &Team) -> bool {
    let is_fault = |entry: &Entry| matches!(entry.what, What::Fault { .. });
    team.sandbox.account().trace.entries().iter().any(is_fault)
}

/// Plays the first deployment to its end, and returns its text.
pub(crate) async fn end(team: &mut Team, place: &str) -> String {
    let ended = team.until_ended(place, 1).await;
    let late = ended.err().map(|error| format!("{error}\n")).unwrap_or_default();
    late + &team.ending(place)
}
