//! A function is killed at every one of its calls except those to the table in turn, on a day with
//! a deployment to a host with a migration, and its rollback. Those to the table are made by the
//! same loop as for ECS, which the other sweep covers, and that says what differs in the ends. The
//! calls are counted for each service of AWS, so several tests share the work.
//!
//! SendCommand has no token: that nothing is done twice is seen to by the host itself.

use crate::kills::{Ended, count, end, strike, struck, sweep_of};
use expect_test::{Expect, expect};
use sandbox::faults::{Calls, Fault};
use scenarios::{System, Team};

/// One container with a migration on the host, an alarm and a check that fails.
const SHOP: &str = "
application: shop
images: {web: shop}
environments:
  live:
    hosts: {tags: {Component: shop}}
    deploy_on: {tags: [\"v*\"]}
    migration: {service: shop, command: [/opt/shop/migrate.sh], on_host: true}
    services: [{name: shop, container: {image: web, ports: [\"80:8000\"]}}]
    checks: [{url: \"https://shop.example.com/health\", attempts: 1}]
    alarms: [shop-5xx]
";
const LIVE: &str = "shop/live";
const HOST: &str = "i-0live1";
const COMMANDS: &[&str] = &["ssm"];
const OTHERS: &[&str] = &["sqs", "ecr", "s3", "sns", "cloudwatch", "secretsmanager"];

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_before_any_command() {
    sweep(
        COMMANDS,
        Fault::KillBefore,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2
        "#]],
    )
    .await;
}

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_after_any_command() {
    sweep(
        COMMANDS,
        Fault::KillAfter,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2
        "#]],
    )
    .await;
}

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_before_any_other_call() {
    sweep(
        OTHERS,
        Fault::KillBefore,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2

            or
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2

            or
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2
        "#]],
    )
    .await;
}

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_after_any_other_call() {
    sweep(
        OTHERS,
        Fault::KillAfter,
        &expect![[r#"
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2

            or
            shop/live/1: rolled back
            runs
              shop: shop:by-hand
            told
              shop/live: deploying v2
              shop/live: rolling back v2
              shop/live: v2 was rolled back
              shop/live: v2 was rolled back
            migrations: 1
            containers made: 2
        "#]],
    )
    .await;
}

async fn sweep(services: &[&str], fault: Fault, expect: &Expect) {
    let calls = |service: &&str| Calls { service: Some((*service).into()), ..Calls::default() };
    let kinds: Vec<Calls> = services.iter().map(calls).collect();
    sweep_of(there_and_back, &kinds, fault, expect).await;
}

async fn there_and_back(calls: &Calls, fault: Option<(u64, Fault)>) -> Ended {
    let mut team = Team::start_with(System::read(SHOP).unwrap(), 0).await.unwrap();
    strike(&team, calls, fault);
    let before = count(&team, calls);
    team.web.answers("https://shop.example.com/health", &[500]);
    team.push_all("v2", "new").unwrap();
    let mut text = end(&mut team, LIVE).await;
    let applied = team.host(HOST, |host| host.read("/opt/shop/applied")).flatten();
    let migrations = applied.unwrap_or_default().lines().count();
    let swept = [COMMANDS, OTHERS, &["dynamodb"]].concat();
    for (service, _) in team.sandbox.usage().calls.keys() {
        assert!(swept.contains(&service.as_str()), "nobody sweeps over {service}");
    }
    // The one that was found there, and one of ours.
    let typed = team.host(HOST, |host| host.calls()).unwrap_or_default();
    let made = typed.iter().filter(|call| call.starts_with("docker run --detach")).count();
    text.push_str(&format!("migrations: {migrations}\ncontainers made: {made}\n"));
    Ended { text, calls: count(&team, calls) - before, struck: struck(&team) }
}
