//! Faceplate: a container on a host, reached by Run Command.

use crate::check;
use expect_test::expect;
use scenarios::Team;
use serde_json::json;

pub(crate) const PROD: &str = "faceplate/prod";
pub(crate) const HOST: &str = "i-0prod1";
pub(crate) const HEALTH: &str = "https://shifter.example.com/health";

/// With a release that succeeded, so that there is a rollback target of Slipway.
pub(crate) async fn faceplate() -> Team {
    let mut team = Team::start("faceplate").await.unwrap();
    team.push_all("main-0a1b2c3", "before").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    team
}

/// The next release, after something was made to go wrong with it.
pub(crate) async fn next(team: &mut Team) {
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_ended(PROD, 2).await.unwrap();
}

/// How often the scripts of the migration ran on the host.
pub(crate) fn migrations(team: &Team) -> usize {
    let applied = team.host(HOST, |host| host.read("/opt/faceplate/scripts/applied")).flatten();
    applied.unwrap_or_default().lines().count()
}

/// The containers of the host, whatever started them.
pub(crate) fn containers(team: &Team) -> String {
    let containers = team.host(HOST, |host| host.containers()).unwrap_or_default();
    let line = |container: &sandbox::ssm::Container| {
        let image = container.image.rsplit('/').next().unwrap_or_default();
        let image = image.get(..24).unwrap_or(image);
        format!("{} {image} {}\n", container.name, container.status)
    };
    containers.iter().map(line).collect()
}

#[tokio::test]
async fn the_scripts_run_and_then_the_container_is_replaced() {
    let mut team = Team::start("faceplate").await.unwrap();
    team.push_all("main-3f2a9c1", "first").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    check(
        &team,
        PROD,
        1,
        &expect![[r#"
            faceplate/prod/1 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-aa7714e2 -> faceplate:362486cbd020-0ce76f5e.
                0:00 The migration runs as task a30075d3-5176-47f5-4d9d-88a42d04f905.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:362486cbd020-0ce76f5e.
                0:33 https://shifter.example.com/health answers as expected (attempt 1).
                0:33 Watching alarms and tasks for 10m.
               10:33 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
        "#]],
    );
    expect![[r#"
        faceplate faceplate@sha256:362486c running
        faceplate.slipway-kept faceplate:by-hand exited
    "#]]
    .assert_eq(&containers(&team));
    assert_eq!(migrations(&team), 1);
}

#[tokio::test]
async fn the_tag_says_which_environment_a_push_is_for() {
    let mut team = Team::start("faceplate").await.unwrap();
    team.push_all("dev-3f2a9c1", "first").unwrap();
    team.until_ended("faceplate/dev", 1).await.unwrap();
    check(
        &team,
        "faceplate/dev",
        1,
        &expect![[r#"
            faceplate/dev/1 dev-3f2a9c1
                0:00 Deploying dev-3f2a9c1, requested by push of dev-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-18d32cf4 -> faceplate:362486cbd020-0ce76f5e.
                0:00 The migration runs as task a30075d3-5176-47f5-4d9d-88a42d04f905.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:362486cbd020-0ce76f5e.
                0:33 https://dev.shifter.example.com/health answers as expected (attempt 1).
                0:33 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:dev-3f2a9c1
            told
              faceplate/dev: deploying dev-3f2a9c1
              faceplate/dev: dev-3f2a9c1 is live
        "#]],
    );
    assert_eq!(migrations(&team), 0, "prod was left alone");
}

#[tokio::test]
async fn the_same_push_twice_is_one_deployment() {
    let mut team = faceplate().await;
    let digest = team.digest("shifter/faceplate", "main-0a1b2c3");
    let payload =
        json!({"repository": "shifter/faceplate", "tag": "main-0a1b2c3", "digest": digest});
    team.invoke("image-pushed", payload).await.unwrap();
    team.sandbox.run_for(600).await.unwrap();
    assert_eq!(team.deployments().len(), 1);
}

/// The content of that container is unknown, and it is restored nevertheless.
#[tokio::test]
async fn the_first_release_fails_and_what_was_started_by_hand_runs_again() {
    let mut team = Team::start("faceplate").await.unwrap();
    let before = team.host(HOST, |host| host.container("faceplate")).flatten().unwrap();
    team.web.answers(HEALTH, &[500]);
    team.push_all("main-3f2a9c1", "first").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    check(
        &team,
        PROD,
        1,
        &expect![[r#"
            faceplate/prod/1 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-aa7714e2 -> faceplate:362486cbd020-0ce76f5e.
                0:00 The migration runs as task a30075d3-5176-47f5-4d9d-88a42d04f905.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:362486cbd020-0ce76f5e.
                0:33 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 30).
                2:58 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 30 of 30).
                2:58 Rolling back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
                2:58 The migration is not undone: the previous release runs on the new schema.
                2:58 Rolling faceplate back to faceplate:as-found-aa7714e2.
                3:05 faceplate is rolled back.
                5:28 Ended: rolled back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
            runs
              faceplate: faceplate:by-hand
            told
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
    let after = team.host(HOST, |host| host.container("faceplate")).flatten().unwrap();
    assert_eq!((after.id, after.status), (before.id, "running".into()));
}

#[tokio::test]
async fn thirty_failed_health_checks_roll_back_to_what_ran() {
    let mut team = faceplate().await;
    team.web.answers(HEALTH, &[502]);
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 https://shifter.example.com/health: status 502 Bad Gateway: answer 502 (attempt 1 of 30).
                2:58 https://shifter.example.com/health: status 502 Bad Gateway: answer 502 (attempt 30 of 30).
                2:58 Rolling back: https://shifter.example.com/health: status 502 Bad Gateway: answer 502.
                2:58 The migration is not undone: the previous release runs on the new schema.
                2:58 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                3:05 faceplate is rolled back.
                5:28 Ended: rolled back: https://shifter.example.com/health: status 502 Bad Gateway: answer 502.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
    expect![[r#"
        faceplate faceplate@sha256:80be2a8 running
        faceplate.slipway-failed faceplate@sha256:ba8f76e exited
    "#]]
    .assert_eq(&containers(&team));
}

#[tokio::test]
async fn a_script_that_fails_leaves_the_container_alone() {
    let mut team = faceplate().await;
    let script = "#!/bin/bash\necho 'relation exists' >&2\nexit 3\n";
    team.on_hosts("prod", |host| host.write("/opt/faceplate/scripts/migrate.sh", script)).unwrap();
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 Ended: failed: the migration failed: exit code 3, its output is in /var/lib/slipway/faceplate/prod/one-off/2-migrate-1-1795252534200/output on i-0prod1.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn a_busy_host_in_the_bake_is_rolled_back() {
    let mut team = faceplate().await;
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_state(PROD, 2, "baking").await.unwrap();
    team.alarm("faceplate-prod-high-cpu", "ALARM", "2 datapoints were greater than 80.0");
    team.until_ended(PROD, 2).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 https://shifter.example.com/health answers as expected (attempt 1).
                0:33 Watching alarms and tasks for 10m.
                0:33 Alarm faceplate-prod-high-cpu is in ALARM.
                0:33 Rolling back: alarm faceplate-prod-high-cpu: 2 datapoints were greater than 80.0.
                0:33 The migration is not undone: the previous release runs on the new schema.
                0:33 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                0:40 faceplate is rolled back.
                3:03 Ended: rolled back: alarm faceplate-prod-high-cpu: 2 datapoints were greater than 80.0.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_not_switched_to() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.fault("pull", "fail manifest unknown")).unwrap();
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:06 Rolling back: faceplate failed: i-0prod1: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:ba8f76ebcbd8e3446405bb9f9a21da4681b9bd9ac9823a4ae5c89ead8e55a95c: Error response from daemon: manifest unknown.
                0:06 The migration is not undone: the previous release runs on the new schema.
                0:06 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                2:06 faceplate is rolled back.
                2:36 Ended: rolled back: faceplate failed: i-0prod1: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:ba8f76ebcbd8e3446405bb9f9a21da4681b9bd9ac9823a4ae5c89ead8e55a95c: Error response from daemon: manifest unknown.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_container_that_exits_at_once_is_rolled_back() {
    let mut team = faceplate().await;
    let digests = team.push_all("main-3f2a9c1", "next").unwrap();
    let digest = digests["shifter/faceplate"].clone();
    team.on_hosts("prod", |host| host.behave(&digest, "exits 1")).unwrap();
    team.until_ended(PROD, 2).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:31 Rolling back: faceplate failed: i-0prod1: the container exited at once with code 1; docker logs faceplate.slipway-failed on the host says more.
                0:31 The migration is not undone: the previous release runs on the new schema.
                0:31 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                0:36 faceplate is rolled back.
                3:01 Ended: rolled back: faceplate failed: i-0prod1: the container exited at once with code 1; docker logs faceplate.slipway-failed on the host says more.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 was rolled back
        "#]],
    );
}

#[tokio::test]
async fn a_migration_that_takes_too_long_is_ended() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.write("command-seconds", "3600")).unwrap();
    next(&mut team).await;
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
               10:00 The task timed out and is being stopped.
               10:01 Ended: failed: the migration timed out after 10m.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 failed; no service was changed
        "#]],
    );
}

#[tokio::test]
async fn a_person_rolls_back_to_an_earlier_release() {
    let mut team = faceplate().await;
    next(&mut team).await;
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_ended(PROD, 3).await.unwrap();
    let payload = json!({"application": "faceplate", "environment": "prod", "to": "main-0a1b2c3"});
    let answer = team.invoke("rollback", payload).await.unwrap();
    assert_eq!(answer.error, None, "{}", answer.payload);
    team.until_ended(PROD, 4).await.unwrap();
    check(
        &team,
        PROD,
        4,
        &expect![[r#"
            faceplate/prod/4 main-0a1b2c3
                0:00 Rolling back from main-7b41d0e to main-0a1b2c3, requested by unnamed caller of slipway-rollback (no reason given).
                0:00 The database schema stays as it is.
                0:00 Prepared: faceplate faceplate:b687f5ee4531-af34a92c -> faceplate:80be2a81e70a-3b323b1c.
                0:00 Updating faceplate.
                0:27 faceplate is stable on faceplate:80be2a81e70a-3b323b1c.
                0:27 https://shifter.example.com/health answers as expected (attempt 1).
                0:27 Watching alarms and tasks for 10m.
               10:27 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: deploying main-7b41d0e
              faceplate/prod: main-7b41d0e is live
              faceplate/prod: rolling back from main-7b41d0e to main-0a1b2c3
              faceplate/prod: rolled back to main-0a1b2c3
        "#]],
    );
    expect![[r#"
        faceplate faceplate@sha256:80be2a8 running
        faceplate.slipway-kept faceplate@sha256:b687f5e exited
    "#]]
    .assert_eq(&containers(&team));
}

/// One after another, and none after the first that fails.
#[tokio::test]
async fn of_two_hosts_both_or_none() {
    let mut team = faceplate().await;
    let rules = team.system.environments().find(|(name, _)| *name == "prod").unwrap().1.clone();
    let pipeline::spec::Target::Hosts(tags) = &rules.target else { panic!("faceplate has hosts") };
    team.add_host("i-0prod2", tags, &rules).unwrap();
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_ended(PROD, 2).await.unwrap();
    team.host("i-0prod2", |host| host.fault("pull", "fail no space left on device").unwrap());
    team.push_all("main-7b41d0e", "third").unwrap();
    team.until_ended(PROD, 3).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:as-found-e9ab4d57 -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 Warning: faceplate runs faceplate:as-found-e9ab4d57, but deployment 1 left it on faceplate:80be2a81e70a-3b323b1c.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                1:00 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                1:00 https://shifter.example.com/health answers as expected (attempt 1).
                1:00 Watching alarms and tasks for 10m.
               11:00 Ended: succeeded.
            faceplate/prod/3 main-7b41d0e
                0:00 Deploying main-7b41d0e, requested by push of main-7b41d0e.
                0:00 Prepared: faceplate faceplate:ba8f76ebcbd8-9733c8de -> faceplate:b687f5ee4531-af34a92c.
                0:00 The migration runs as task e7c29e40-6386-b6a7-bba7-cc39eeaa0faf.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 Rolling back: faceplate failed: i-0prod2: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:b687f5ee453115a5978dec1dad5c5f0dd76f32637899216d7b561e8c2e943ead: Error response from daemon: no space left on device.
                0:33 The migration is not undone: the previous release runs on the new schema.
                0:33 Rolling faceplate back to faceplate:ba8f76ebcbd8-9733c8de.
                0:40 faceplate is rolled back.
                3:03 Ended: rolled back: faceplate failed: i-0prod2: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:b687f5ee453115a5978dec1dad5c5f0dd76f32637899216d7b561e8c2e943ead: Error response from daemon: no space left on device.
            runs
              faceplate: shifter/faceplate:main-3f2a9c1, shifter/faceplate:main-3f2a9c1
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
