//! Many services on a host, several hosts, and hosts that go away meanwhile.

use crate::faceplate::{HEALTH, HOST, PROD, faceplate, next};
use crate::{check, ended};
use expect_test::expect;
use sandbox::ssm::Standing;
use scenarios::{System, Team};
use std::fmt::Write;

const LIVE: &str = "shop/live";
const CHECK: &str = "https://shop.example.com/health";
const OTHER: &str = "i-0prod2";

/// This many containers on one host, with names as long as people make them.
pub(crate) fn with_services(count: usize) -> System {
    let mut text = String::from(
        "application: shop
images: {web: shop}
environments:
  live:
    hosts: {tags: {Component: shop}}
    deploy_on: {tags: [\"v*\"]}
    checks: [{url: \"https://shop.example.com/health\", attempts: 1}]
    alarms: [shop-5xx]
    services:
",
    );
    for number in 1..=count {
        let name = format!("shop-notification-and-delivery-worker-of-the-warehouse-{number}");
        writeln!(text, "      - {{name: {name}, container: {{image: web}}}}").unwrap();
    }
    System::read(&text).unwrap()
}

/// What they say takes more room than Run Command shows of one host where it lists them all.
#[tokio::test]
async fn services_that_do_not_fit_into_one_answer_are_not_missing() {
    let mut team = Team::start_with(with_services(14), 0).await.unwrap();
    team.push_all("v1", "first").unwrap();
    team.until_ended(LIVE, 1).await.unwrap();
    team.web.answers(CHECK, &[500]);
    team.push_all("v2", "second").unwrap();
    team.until_ended(LIVE, 2).await.unwrap();
    let verdicts = [1, 2].map(|number| {
        let deployment = team.deployment(LIVE, number).unwrap();
        format!("{}\n", deployment.verdict().unwrap())
    });
    expect![[r#"
        succeeded
        rolled back: https://shop.example.com/health: status 500 Internal Server Error: answer 500
    "#]]
    .assert_eq(&verdicts.concat());
    let first = team.digest("shop", "v1").unwrap();
    let containers = team.host("i-0live1", |host| host.containers()).unwrap();
    let running = containers.iter().filter(|one| one.status == "running");
    assert_eq!(running.filter(|one| one.image.ends_with(&first)).count(), 14);
    crate::sound(&team);
}

/// Two hosts that run the same release of ours.
async fn two_hosts() -> Team {
    let mut team = faceplate().await;
    let rules = team.system.environments().find(|(name, _)| *name == "prod").unwrap().1.clone();
    let tags = match &rules.target {
        pipeline::spec::Target::Hosts(tags) => Some(tags),
        pipeline::spec::Target::Cluster(_) => None,
    };
    team.add_host(OTHER, tags.unwrap(), &rules).unwrap();
    next(&mut team).await;
    team
}

/// What runs on the first host, which is well.
fn runs(team: &Team) -> String {
    let container = team.host(HOST, |host| host.container("faceplate")).flatten().unwrap();
    let digest = team.digest("shifter/faceplate", "main-3f2a9c1").unwrap();
    let release = if container.image.ends_with(&digest) { "the release before" } else { "another" };
    format!("{release}, {}", container.status)
}

/// An instance of an auto-scaling group is being terminated: Run Command rejects every command that
/// names it.
#[tokio::test]
async fn a_host_that_is_shutting_down_keeps_no_other_from_rolling_back() {
    let mut team = two_hosts().await;
    team.web.answers(HEALTH, &[500]);
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_state(PROD, 3, "checking").await.unwrap();
    team.host_is(OTHER, Standing::Leaving);
    team.until_state(PROD, 3, "rolling back").await.unwrap();
    team.sandbox.run_for(60).await.unwrap();
    assert_eq!(runs(&team), "the release before, running");
    team.until_ended(PROD, 3).await.unwrap();
    check(
        &team,
        PROD,
        3,
        &expect![[r#"
            faceplate/prod/3 main-7b41d0e
                0:00 Deploying main-7b41d0e, requested by push of main-7b41d0e.
                0:00 Prepared: faceplate faceplate:ba8f76ebcbd8-9733c8de -> faceplate:b687f5ee4531-af34a92c.
                0:00 The migration runs as task e7c29e40-6386-b6a7-bba7-cc39eeaa0faf.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                1:00 faceplate is stable on faceplate:b687f5ee4531-af34a92c.
                1:00 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 30).
                3:25 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 30 of 30).
                3:25 Rolling back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
                3:25 The migration is not undone: the previous release runs on the new schema.
                3:25 Rolling faceplate back to faceplate:ba8f76ebcbd8-9733c8de.
                9:25 faceplate could not be rolled back: the rollback timed out: Run Command: i-0prod2 takes no commands: shutting down or gone, or without a running SSM agent.
                9:25 Ended: stuck: not rolled back: faceplate (the rollback timed out: Run Command: i-0prod2 takes no commands: shutting down or gone, or without a running SSM agent) (after: https://shifter.example.com/health: status 500 Internal Server Error: answer 500).
            runs
              faceplate: shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-7b41d0e
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: deploying main-7b41d0e
              faceplate/prod: rolling back main-7b41d0e
              faceplate/prod: main-7b41d0e is stuck; a person must act
        "#]],
    );
}

#[tokio::test]
async fn once_it_is_gone_only_the_others_are_rolled_back() {
    let mut team = two_hosts().await;
    team.web.answers(HEALTH, &[500]);
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_state(PROD, 3, "checking").await.unwrap();
    team.host_is(OTHER, Standing::Leaving);
    team.until_state(PROD, 3, "rolling back").await.unwrap();
    team.sandbox.run_for(60).await.unwrap();
    team.host_is(OTHER, Standing::Terminated);
    team.until_ended(PROD, 3).await.unwrap();
    assert_eq!(runs(&team), "the release before, running");
    check(
        &team,
        PROD,
        3,
        &expect![[r#"
            faceplate/prod/3 main-7b41d0e
                0:00 Deploying main-7b41d0e, requested by push of main-7b41d0e.
                0:00 Prepared: faceplate faceplate:ba8f76ebcbd8-9733c8de -> faceplate:b687f5ee4531-af34a92c.
                0:00 The migration runs as task e7c29e40-6386-b6a7-bba7-cc39eeaa0faf.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                1:00 faceplate is stable on faceplate:b687f5ee4531-af34a92c.
                1:00 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 30).
                3:25 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 30 of 30).
                3:25 Rolling back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
                3:25 The migration is not undone: the previous release runs on the new schema.
                3:25 Rolling faceplate back to faceplate:ba8f76ebcbd8-9733c8de.
                5:25 faceplate is rolled back.
                5:55 Ended: rolled back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
            runs
              faceplate: shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-7b41d0e
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: deploying main-7b41d0e
              faceplate/prod: rolling back main-7b41d0e
              faceplate/prod: main-7b41d0e was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_rollout_goes_on_without_a_host_that_goes_away() {
    let mut team = two_hosts().await;
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_state(PROD, 3, "migrating").await.unwrap();
    team.host_is(OTHER, Standing::Leaving);
    team.until_state(PROD, 3, "rolling out").await.unwrap();
    team.sandbox.run_for(60).await.unwrap();
    team.host_is(OTHER, Standing::Terminated);
    team.until_ended(PROD, 3).await.unwrap();
    check(
        &team,
        PROD,
        3,
        &expect![[r#"
            faceplate/prod/3 main-7b41d0e
                0:00 Deploying main-7b41d0e, requested by push of main-7b41d0e.
                0:00 Prepared: faceplate faceplate:ba8f76ebcbd8-9733c8de -> faceplate:b687f5ee4531-af34a92c.
                0:00 The migration runs as task e7c29e40-6386-b6a7-bba7-cc39eeaa0faf.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate: Run Command: i-0prod2 takes no commands: shutting down or gone, or without a running SSM agent.
                2:06 faceplate is stable on faceplate:b687f5ee4531-af34a92c.
                2:06 https://shifter.example.com/health answers as expected (attempt 1).
                2:06 Watching alarms and tasks for 10m.
               12:06 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:main-7b41d0e, shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: deploying main-7b41d0e
              faceplate/prod: main-7b41d0e is live
        "#]],
    );
}

/// Its agent stops responding in the rollout, and the other one is rolled back at once.
#[tokio::test]
async fn a_host_whose_agent_dies_keeps_no_other_from_rolling_back() {
    let mut team = two_hosts().await;
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_state(PROD, 3, "rolling out").await.unwrap();
    team.host_is(OTHER, Standing::Lost);
    team.until_ended(PROD, 3).await.unwrap();
    assert_eq!(runs(&team), "the release before, running");
    ended(
        &team,
        PROD,
        3,
        &expect![[r#"
            stuck: not rolled back: faceplate (the rollback timed out: Run Command: i-0prod2 is not connected to Systems Manager (last ping 2026-11-21T09:26:41Z)) (after: faceplate was not stable in time: Run Command: i-0prod2 is not connected to Systems Manager (last ping 2026-11-21T09:26:41Z))
            runs
              faceplate: shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: deploying main-7b41d0e
              faceplate/prod: rolling back main-7b41d0e
              faceplate/prod: main-7b41d0e is stuck; a person must act
        "#]],
    );
}

/// Three hosts of fifty minutes each: more than an hour, and less than the spec allows.
#[tokio::test]
async fn a_rollout_over_several_hosts_has_the_time_that_the_spec_gives_it() {
    let mut team = Team::start("faceplate").await.unwrap();
    let rules = team.system.environments().find(|(name, _)| *name == "prod").unwrap().1.clone();
    let pipeline::spec::Target::Hosts(tags) = &rules.target else { panic!("faceplate has hosts") };
    for host in [OTHER, "i-0prod3"] {
        team.add_host(host, tags, &rules).unwrap();
    }
    let text = team.system.text.replace("        timeout: 5m", "        timeout: 170m");
    team.respecify(&text).await.unwrap();
    team.on_hosts("prod", |host| host.write("pull-seconds", "3000\n")).unwrap();
    team.push_all("main-3f2a9c1", "slow").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    check(
        &team,
        PROD,
        1,
        &expect![[r#"
            faceplate/prod/1 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-a10b8a9f -> faceplate:acda7121e2a4-b6f05d4d.
                0:00 The migration runs as task a30075d3-5176-47f5-4d9d-88a42d04f905.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
              150:27 faceplate is stable on faceplate:acda7121e2a4-b6f05d4d.
              150:27 https://shifter.example.com/health answers as expected (attempt 1).
              150:27 Watching alarms and tasks for 10m.
              160:27 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
        "#]],
    );
}

/// Many hosts in little time: it is said before anything begins.
#[tokio::test]
async fn too_little_time_for_many_hosts_is_said() {
    let mut team = faceplate().await;
    let text = team.system.text.replace("        timeout: 5m", "        timeout: 20s");
    team.respecify(&text).await.unwrap();
    let rules = team.system.environments().find(|(name, _)| *name == "prod").unwrap().1.clone();
    let tags = match &rules.target {
        pipeline::spec::Target::Hosts(tags) => Some(tags),
        pipeline::spec::Target::Cluster(_) => None,
    };
    team.add_host(OTHER, tags.unwrap(), &rules).unwrap();
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-e9ab4d57 -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 Warning: faceplate runs faceplate:as-found-e9ab4d57, but deployment 1 left it on faceplate:80be2a81e70a-3b323b1c.
                0:00 Warning: faceplate is updated on 2 hosts, one after another, and timeout: 20s is less than 15s for each; raise it.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:26 Rolling back: faceplate was not stable in time: 0 of 2 tasks running.
                0:26 The migration is not undone: the previous release runs on the new schema.
                0:26 Rolling faceplate back to faceplate:as-found-e9ab4d57.
                0:33 faceplate is rolled back.
                2:56 Ended: rolled back: faceplate was not stable in time: 0 of 2 tasks running.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3, faceplate:by-hand
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
}
