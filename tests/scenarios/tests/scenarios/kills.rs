//! A function dies at every one of its calls in turn, before it and after it, and the end is the
//! same: the calls are counted over all functions, from the push to the last word.
//!
//! Two ends differ, and only in what people read. Passing news that comes too late is not told at
//! all. And who dies between SNS's yes and the note of it tells the topic again: SNS cannot be asked
//! what it was told, and an outcome told twice is better than one that nobody hears of.

use expect_test::{Expect, expect};
use sandbox::ecs::Behaviour;
use sandbox::faults::Fault;
use sandbox::trace::What;
use scenarios::{System, Team};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// One service with a migration, an alarm and a check.
const SHOP: &str = "
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
const LIVE: &str = "shop/live";

#[derive(Clone, Copy)]
enum Image {
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

            KillBefore at Notify -> dynamodb:PutItem
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
              shop/live: v2 is live
            migrations: 1

            KillBefore at Notify -> dynamodb:BatchGetItem
            KillBefore at Notify -> dynamodb:GetItem
            KillBefore at Notify -> dynamodb:PutItem
            KillBefore at Notify -> sns:Publish
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

            KillAfter at Notify -> sns:Publish
            shop/live/1: succeeded
            runs
              shop: shop:v2, shop:v2
            told
              shop/live: deploying v2
              shop/live: v2 is live
              shop/live: v2 is live
            migrations: 1

            KillAfter at Notify -> dynamodb:BatchGetItem
            KillAfter at Notify -> dynamodb:GetItem
            KillAfter at Notify -> dynamodb:PutItem
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
              shop/live: going back from v2
              shop/live: v2 was rolled back
            migrations: 1

            KillBefore at Notify -> dynamodb:PutItem
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: going back from v2
              shop/live: v2 was rolled back
              shop/live: v2 was rolled back
            migrations: 1

            KillBefore at EcsChanged -> sqs:SendMessageBatch
            KillBefore at Notify -> dynamodb:BatchGetItem
            KillBefore at Notify -> dynamodb:GetItem
            KillBefore at Notify -> dynamodb:PutItem
            KillBefore at Notify -> sns:Publish
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: v2 was rolled back
            migrations: 1

            KillBefore at Notify -> dynamodb:BatchGetItem
            KillBefore at Notify -> dynamodb:GetItem
            KillBefore at Notify -> dynamodb:PutItem
            KillBefore at Notify -> sns:Publish
            KillBefore at Wake -> sqs:SendMessageBatch
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: going back from v2
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
              shop/live: going back from v2
              shop/live: v2 was rolled back
            migrations: 1

            KillAfter at Notify -> sns:Publish
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: going back from v2
              shop/live: v2 was rolled back
              shop/live: v2 was rolled back
            migrations: 1

            KillAfter at EcsChanged -> dynamodb:PutItem
            KillAfter at Notify -> dynamodb:BatchGetItem
            KillAfter at Notify -> dynamodb:GetItem
            KillAfter at Notify -> dynamodb:PutItem
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: deploying v2
              shop/live: v2 was rolled back
            migrations: 1

            KillAfter at Notify -> dynamodb:BatchGetItem
            KillAfter at Notify -> dynamodb:GetItem
            KillAfter at Notify -> dynamodb:PutItem
            KillAfter at Wake -> dynamodb:TransactWriteItems
            shop/live/1: rolled back
            runs
              shop: shop:before, shop:before
            told
              shop/live: going back from v2
              shop/live: v2 was rolled back
            migrations: 1
        "#]],
    )
    .await;
}

/// Plays the day once for every call in it; shows the undisturbed end, and every other one.
async fn sweep(image: Image, fault: Fault, expect: &Expect) {
    let undisturbed = play(image, None).await;
    let (mut killed, mut others) = (0, BTreeMap::<String, BTreeSet<String>>::new());
    loop {
        let ended = play(image, Some((killed + 1, fault.clone()))).await;
        let Some(struck) = ended.struck else { break };
        killed += 1;
        if ended.text != undisturbed.text {
            others.entry(ended.text).or_default().insert(struck);
        }
    }
    assert!(killed >= undisturbed.calls, "only {killed} of {} calls", undisturbed.calls);
    let mut shown = undisturbed.text;
    for (text, struck) in others {
        let struck: Vec<String> = struck.into_iter().collect();
        let _ = write!(shown, "\n{}\n{text}", struck.join("\n"));
    }
    expect.assert_eq(&shown);
}

struct Ended {
    text: String,
    /// How many calls there were.
    calls: u64,
    /// Which call the fault struck, if there were so many.
    struck: Option<String>,
}

async fn play(image: Image, fault: Option<(u64, Fault)>) -> Ended {
    let mut team = Team::start_with(System::read(SHOP).unwrap(), 0).await.unwrap();
    let calls = |team: &Team| team.sandbox.usage().calls.values().sum::<u64>();
    let before = calls(&team);
    if let Some((number, fault)) = fault {
        team.sandbox.faults(|faults| faults.at_call(number, fault));
    }
    let digests = team.push_all("v2", "new").unwrap();
    if matches!(image, Image::Crashes) {
        team.behave(&digests["shop"], Behaviour::CrashesAtStart { exit_code: 1 });
    }
    let ended = team.until_ended(LIVE, 1).await;
    let late = ended.err().map(|error| format!("{error}\n")).unwrap_or_default();
    let after = calls(&team);
    let account = team.sandbox.account();
    let struck = account.trace.entries().iter().find_map(|entry| match &entry.what {
        What::Fault { what } => Some(what.clone()),
        _ => None,
    });
    let migrations = account.services.ecs.started("slipway/shop/live/1/migrate/");
    drop(account);
    let text = format!("{late}{}migrations: {migrations}\n", team.ending(LIVE));
    Ended { text, calls: after - before, struck }
}
