//! Faceplate grows: a migration that lives in the image, and a second container beside the first.

use crate::faceplate::{HEALTH, HOST, PROD};
use crate::{check, ended, sound};
use expect_test::expect;
use scenarios::grown::EMBEDDER;
use scenarios::{System, Team};
use serde_json::json;

/// The migration is a command in the image; what it does there is a file of the sandbox's host.
async fn migrating_in_the_image() -> Team {
    let on_host =
        "      command: [/opt/faceplate/scripts/migrate.sh]    # the SQL scripts, with psql
      timeout: 10m
      on_host: true\n";
    let in_image = "      command: [python, -m, app.migrate, up]
      undo: [python, -m, app.migrate, down]\n";
    let text = System::example("faceplate").unwrap().text.replace(on_host, in_image);
    let mut team = Team::start_with(System::read(&text).unwrap(), 0).await.unwrap();
    in_image_does(&mut team, "echo \"$*\" >>\"${0%/*}/migrated\"");
    team.push_all("main-0a1b2c3", "before").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    team
}

fn in_image_does(team: &mut Team, what: &str) {
    let script = format!("#!/bin/bash\n{what}\n");
    team.on_hosts("prod", |host| host.write("in-image", &script)).unwrap();
}

/// What the migration did to the database, line by line.
fn migrated(team: &Team) -> String {
    team.host(HOST, |host| host.read("migrated")).flatten().unwrap_or_default()
}

/// The digests of the images in which one-off commands ran, in order.
fn migrated_in(team: &Team) -> Vec<String> {
    let calls = team.host(HOST, |host| host.calls()).unwrap_or_default();
    let runs = calls.iter().filter(|call| call.starts_with("docker run --rm"));
    let words =
        runs.filter_map(|call| call.split([' ', '@']).find(|word| word.starts_with("sha256:")));
    words.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_migration_runs_in_the_new_image_and_is_undone_in_it() {
    let mut team = migrating_in_the_image().await;
    let new = team.push_all("main-3f2a9c1", "next").unwrap()["shifter/faceplate"].clone();
    team.until_ended(PROD, 2).await.unwrap();
    let back = json!({
        "application": "faceplate", "environment": "prod", "undo": true,
        "by": "ann", "why": "loses messages",
    });
    let answer = team.ask("rollback", back).await.unwrap();
    assert_eq!(answer["accepted"], true, "{answer}");
    team.until_ended(PROD, 3).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de.
                0:00 The migration runs as task 1d388243-4d30-975d-79af-81baafe0f63e.
                0:26 The migration succeeded (exit code 0).
                0:26 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 https://shifter.example.com/health answers as expected (attempt 1).
                0:33 Watching alarms and tasks for 10m.
               10:33 Ended: succeeded.
            faceplate/prod/3 main-0a1b2c3
                0:00 Rolling back from main-3f2a9c1 to main-0a1b2c3, requested by ann (loses messages).
                0:00 Prepared: faceplate faceplate:ba8f76ebcbd8-9733c8de -> faceplate:80be2a81e70a-3b323b1c.
                0:00 Undoing the migration of main-3f2a9c1.
                0:00 The undo runs as task e7c29e40-6386-b6a7-bba7-cc39eeaa0faf.
                0:06 The migration is undone.
                0:06 Updating faceplate.
                0:13 faceplate is stable on faceplate:80be2a81e70a-3b323b1c.
                0:13 https://shifter.example.com/health answers as expected (attempt 1).
                0:13 Watching alarms and tasks for 10m.
               10:13 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
              faceplate/prod: rolling back from main-3f2a9c1 to main-0a1b2c3
              faceplate/prod: rolled back to main-0a1b2c3
        "#]],
    );
    expect![[r#"
        python -m app.migrate up
        python -m app.migrate up
        python -m app.migrate down
    "#]]
    .assert_eq(&migrated(&team));
    // Only the new image has the script that takes its migration back.
    assert_eq!(migrated_in(&team)[1..], [new.clone(), new]);
}

#[tokio::test]
async fn a_migration_that_fails_in_the_image_touches_no_container() {
    let mut team = migrating_in_the_image().await;
    in_image_does(&mut team, "echo 'relation exists' >&2; exit 3");
    team.push_all("main-3f2a9c1", "next").unwrap();
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
                0:26 Ended: failed: the migration failed: exit code 3, its output is in /var/lib/slipway/faceplate/prod/one-off/2-migrate-1-1795252534200/output on i-0prod1.
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
async fn where_the_spec_says_so_the_migration_is_undone_before_the_container_is_rolled_back() {
    let mut team = migrating_in_the_image().await;
    let text = team.system.text.replace("    bake: 10m", "    rollback: after_undo\n    bake: 10m");
    team.respecify(&text).await.unwrap();
    team.web.answers(HEALTH, &[500]);
    team.push_all("main-3f2a9c1", "next").unwrap();
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
                0:26 The migration succeeded (exit code 0).
                0:26 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 1 of 30).
                2:58 https://shifter.example.com/health: status 500 Internal Server Error: answer 500 (attempt 30 of 30).
                2:58 Undoing the migration.
                2:58 The undo runs as task f1cdd04f-e819-6e08-2d12-a257308bead4.
                3:04 The migration is undone.
                3:04 Rolling back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
                3:04 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                3:12 faceplate is rolled back.
                5:29 Ended: rolled back: https://shifter.example.com/health: status 500 Internal Server Error: answer 500.
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
        python -m app.migrate up
        python -m app.migrate up
        python -m app.migrate down
    "#]]
    .assert_eq(&migrated(&team));
}

/// Two containers on one host, of two images.
async fn two_services() -> Team {
    let grown = System::example("faceplate").unwrap().grown().unwrap();
    let system = System::read(&grown).unwrap();
    let mut team = Team::start_with(system, 0).await.unwrap();
    team.push_all("main-0a1b2c3", "before").unwrap();
    team.until_ended(PROD, 1).await.unwrap();
    team
}

#[tokio::test]
async fn two_containers_of_one_host_go_out_one_after_the_other() {
    let mut team = two_services().await;
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_ended(PROD, 2).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de, embedder embedder:bbc50b3ffd2d-76d5b8dd -> embedder:8f12e5b42f2c-4dcf62ff.
                0:00 The migration runs as task 3c474299-b474-3d97-3080-4b7c0d32c0cd.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 Updating embedder.
                1:00 embedder is stable on embedder:8f12e5b42f2c-4dcf62ff.
                1:00 https://shifter.example.com/health answers as expected (attempt 1).
                1:00 Watching alarms and tasks for 10m.
               11:00 Ended: succeeded.
            runs
              embedder: shifter/embedder:main-3f2a9c1
              faceplate: shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
        "#]],
    );
}

#[tokio::test]
async fn the_second_of_two_containers_fails_and_both_come_back() {
    let mut team = two_services().await;
    let digests = team.push_all("main-3f2a9c1", "next").unwrap();
    let digest = digests["shifter/embedder"].clone();
    team.on_hosts("prod", |host| host.behave(&digest, "exits 1")).unwrap();
    team.until_ended(PROD, 2).await.unwrap();
    check(
        &team,
        PROD,
        2,
        &expect![[r#"
            faceplate/prod/2 main-3f2a9c1
                0:00 Deploying main-3f2a9c1, requested by push of main-3f2a9c1.
                0:00 Prepared: faceplate faceplate:80be2a81e70a-3b323b1c -> faceplate:ba8f76ebcbd8-9733c8de, embedder embedder:bbc50b3ffd2d-76d5b8dd -> embedder:8f12e5b42f2c-4dcf62ff.
                0:00 The migration runs as task 3c474299-b474-3d97-3080-4b7c0d32c0cd.
                0:06 The migration succeeded (exit code 0).
                0:06 Updating faceplate.
                0:33 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                0:33 Updating embedder.
                0:58 Rolling back: embedder failed: i-0prod1: the container exited at once with code 1; docker logs embedder.slipway-failed on the host says more.
                0:58 The migration is not undone: the previous release runs on the new schema.
                0:58 Rolling embedder back to embedder:bbc50b3ffd2d-76d5b8dd.
                1:04 embedder is rolled back.
                1:04 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                1:11 faceplate is rolled back.
                3:29 Ended: rolled back: embedder failed: i-0prod1: the container exited at once with code 1; docker logs embedder.slipway-failed on the host says more.
            runs
              embedder: shifter/embedder:before=main-0a1b2c3
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

/// It no longer belongs to a deployment: it runs until a person stops it, and nothing waits for it.
#[tokio::test]
async fn a_container_that_leaves_the_spec_is_a_persons_to_stop() {
    let mut team = two_services().await;
    let without = team.system.text.replace(EMBEDDER, "");
    let answer = team.respecify(&without).await.unwrap();
    expect![[r#"
        [
          "environments.prod.services: embedder keeps running on its hosts, but Slipway no longer deploys it; remove its container by hand"
        ]
    "#]].assert_eq(&crate::pretty(&answer["warnings"]));
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_ended(PROD, 2).await.unwrap();
    let status = |team: &Team| {
        team.host(HOST, |host| host.container("embedder")).flatten().map(|one| one.status)
    };
    assert_eq!(status(&team).as_deref(), Some("running"));
    let stopped = team.host(HOST, |host| host.docker(&["container", "stop", "embedder"]));
    assert_eq!(stopped.unwrap().unwrap().code, Some(0));
    team.push_all("main-4b5c6d7", "third").unwrap();
    team.until_ended(PROD, 3).await.unwrap();
    assert_eq!(status(&team).as_deref(), Some("exited"));
    sound(&team);
    ended(
        &team,
        PROD,
        3,
        &expect![[r#"
        succeeded
        runs
          faceplate: shifter/faceplate:main-4b5c6d7
        told
          faceplate/prod: deploying main-0a1b2c3
          faceplate/prod: main-0a1b2c3 is live
          faceplate/prod: deploying main-3f2a9c1
          faceplate/prod: main-3f2a9c1 is live
          faceplate/prod: deploying main-4b5c6d7
          faceplate/prod: main-4b5c6d7 is live
    "#]],
    );
}
