//! A function dies at every one of its calls to Run Command in turn, on a day that goes to a host and
//! back again. Its other calls are those of a deployment to ECS, over which the other sweep goes.
//!
//! SendCommand has no token: that nothing is done twice is seen to by the host itself.

use crate::kills::{Ended, count, end, strike, struck, sweep_of};
use expect_test::expect;
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

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_before_any_command() {
    sweep_of(
        there_and_back,
        Fault::KillBefore,
        &expect![[r#"
        shop/live/1: rolled back
        runs
          shop: shop:by-hand
        told
          shop/live: deploying v2
          shop/live: going back from v2
          shop/live: v2 was rolled back
        migrations: 1
        containers made: 2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn there_and_back_on_a_host_survives_a_kill_after_any_command() {
    sweep_of(
        there_and_back,
        Fault::KillAfter,
        &expect![[r#"
        shop/live/1: rolled back
        runs
          shop: shop:by-hand
        told
          shop/live: deploying v2
          shop/live: going back from v2
          shop/live: v2 was rolled back
        migrations: 1
        containers made: 2
    "#]],
    )
    .await;
}

async fn there_and_back(fault: Option<(u64, Fault)>) -> Ended {
    let mut team = Team::start_with(System::read(SHOP).unwrap(), 0).await.unwrap();
    let commands = Calls { service: Some("ssm".into()), ..Calls::default() };
    strike(&team, &commands, fault);
    let before = count(&team, &commands);
    team.web.answers("https://shop.example.com/health", &[500]);
    team.push_all("v2", "new").unwrap();
    let mut text = end(&mut team, LIVE).await;
    let applied = team.host(HOST, |host| host.read("/opt/shop/applied")).flatten();
    let migrations = applied.unwrap_or_default().lines().count();
    // The one that was found there, and one of ours.
    let calls = team.host(HOST, |host| host.calls()).unwrap_or_default();
    let made = calls.iter().filter(|call| call.starts_with("docker run --detach")).count();
    text.push_str(&format!("migrations: {migrations}\ncontainers made: {made}\n"));
    Ended { text, calls: count(&team, &commands) - before, struck: struck(&team) }
}
