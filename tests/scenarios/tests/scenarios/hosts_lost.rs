//! Commands, hosts and workers that are lost in the middle of a deployment to a host.

use crate::check;
use crate::faceplate::{HOST, PROD, containers, faceplate, migrations, next};
use expect_test::expect;
use sandbox::faults::{Calls, EventFault, Fault, When};
use sandbox::ssm::Standing;

/// The observation every two minutes compensates for it.
#[tokio::test]
async fn the_events_of_commands_are_lost() {
    let mut team = faceplate().await;
    team.sandbox.faults(|faults| {
        faults.on_events(
            Some("EC2 Command Status-change Notification"),
            When::Always,
            EventFault::Drop,
        );
    });
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
                2:00 The migration succeeded (exit code 0).
                2:00 Updating faceplate.
                4:00 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
                4:00 https://shifter.example.com/health answers as expected (attempt 1).
                4:00 Watching alarms and tasks for 10m.
               14:00 Ended: succeeded.
            runs
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
async fn a_host_that_goes_in_the_middle_needs_a_person() {
    let mut team = faceplate().await;
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_state(PROD, 2, "rolling out").await.unwrap();
    team.host_is(HOST, Standing::Lost);
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
                2:06 faceplate: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
                5:06 Rolling back: faceplate was not stable in time: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
                5:06 The migration is not undone: the previous release runs on the new schema.
                5:06 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
               11:06 faceplate could not be rolled back: the rollback timed out: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
               11:06 Ended: stuck: not rolled back: faceplate (the rollback timed out: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z)) (after: faceplate was not stable in time: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z)).
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: rolling back main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is stuck; a person must act
        "#]],
    );
}

/// Killed between the old container and the new one: nothing runs until a person rolls back.
#[tokio::test]
async fn a_script_that_is_killed_is_repaired_by_the_rollback() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.fault("run", "die")).unwrap();
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
                0:29 Rolling back: faceplate failed: i-0prod1: the script was killed.
                0:29 The migration is not undone: the previous release runs on the new schema.
                0:29 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                0:34 faceplate is rolled back.
                2:59 Ended: rolled back: faceplate failed: i-0prod1: the script was killed.
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
    "#]]
    .assert_eq(&containers(&team));
}

/// The same, and the whole machine goes down with it, and boots after some minutes.
#[tokio::test]
async fn a_host_that_dies_during_the_script_is_repaired_after_its_restart() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.fault("run", "die")).unwrap();
    team.sandbox.account().services.ssm.dies_with_a_script(HOST);
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_state(PROD, 2, "rolling back").await.unwrap();
    team.sandbox.run_for(120).await.unwrap();
    team.host_is(HOST, Standing::Online);
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
                2:06 faceplate: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
                5:06 Rolling back: faceplate was not stable in time: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
                5:06 The migration is not undone: the previous release runs on the new schema.
                5:06 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                7:11 faceplate is rolled back.
                7:36 Ended: rolled back: faceplate was not stable in time: Run Command: i-0prod1 is not connected to Systems Manager (last ping 2026-11-21T09:15:40Z).
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
    "#]]
    .assert_eq(&containers(&team));
}

/// The switch is undone in the middle; the rollback needs no image.
#[tokio::test]
async fn a_pull_that_hangs_is_rolled_back_at_its_deadline() {
    let mut team = faceplate().await;
    team.on_hosts("prod", |host| host.write("pull-seconds", "3600\n")).unwrap();
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
                5:06 Rolling back: faceplate was not stable in time: 0 of 1 tasks running.
                5:06 The migration is not undone: the previous release runs on the new schema.
                5:06 Rolling faceplate back to faceplate:80be2a81e70a-3b323b1c.
                5:13 faceplate is rolled back.
                7:36 Ended: rolled back: faceplate was not stable in time: 0 of 1 tasks running.
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

/// The worker is killed right after SendCommand: its command is unknown, and must not run twice.
#[tokio::test]
async fn a_worker_that_dies_does_not_migrate_twice() {
    for fault in [Fault::KillAfter, Fault::LoseAnswer, Fault::KillBefore] {
        let mut team = faceplate().await;
        let sending = Calls { caller: Some("Migrate".into()), ..Calls::to("ssm", "SendCommand") };
        team.sandbox.faults(|faults| faults.on_calls(sending, When::Nth(1), fault.clone()));
        next(&mut team).await;
        let ended = team.deployment(PROD, 2).unwrap();
        assert_eq!(ended.verdict().unwrap().name(), "succeeded", "{fault:?}");
        assert_eq!(migrations(&team), 2, "{fault:?}: once for each deployment");
    }
}

#[tokio::test]
async fn a_worker_that_dies_switches_exactly_once() {
    for fault in [Fault::KillAfter, Fault::LoseAnswer, Fault::KillBefore] {
        let mut team = faceplate().await;
        let sending = Calls { caller: Some("Rollout".into()), ..Calls::to("ssm", "SendCommand") };
        // The first one queries, the second one switches.
        team.sandbox.faults(|faults| faults.on_calls(sending, When::Nth(2), fault.clone()));
        next(&mut team).await;
        let ended = team.deployment(PROD, 2).unwrap();
        assert_eq!(ended.verdict().unwrap().name(), "succeeded", "{fault:?}");
        let calls = team.host(HOST, |host| host.calls()).unwrap();
        let runs =
            calls.iter().filter(|call| call.starts_with("docker run --detach --name faceplate"));
        // By hand, and once for each release.
        assert_eq!(runs.count(), 3, "{fault:?}");
    }
}

/// The agent does not respond when the migration ends, and reconnects without its answer: the host
/// has it.
#[tokio::test]
async fn a_migration_whose_end_was_not_heard_of_is_asked_for_on_the_host() {
    let mut team = faceplate().await;
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_state(PROD, 2, "migrating").await.unwrap();
    team.sandbox.run_for(2).await.unwrap();
    team.host_is(HOST, Standing::Lost);
    team.sandbox.run_for(300).await.unwrap();
    team.host_is(HOST, Standing::Online);
    team.until_ended(PROD, 2).await.unwrap();
    assert_eq!(migrations(&team), 2, "once for each deployment");
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
               12:00 The migration succeeded (exit code 0).
               12:00 Updating faceplate.
               12:27 faceplate is stable on faceplate:ba8f76ebcbd8-9733c8de.
               12:27 https://shifter.example.com/health answers as expected (attempt 1).
               12:27 Watching alarms and tasks for 10m.
               22:27 Ended: succeeded.
            runs
              faceplate: shifter/faceplate:main-3f2a9c1
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is live
        "#]],
    );
}

/// It is never delivered, and Run Command calls that "Delivery Timed Out": it may have run.
#[tokio::test]
async fn a_migration_that_nothing_is_heard_of_is_not_called_not_started() {
    let mut team = faceplate().await;
    team.push_all("main-3f2a9c1", "next").unwrap();
    team.until_state(PROD, 2, "migrating").await.unwrap();
    team.host_is(HOST, Standing::Deaf);
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
               10:00 The task timed out and is being stopped.
               17:00 Ended: stuck: the task was asked to stop and may still be running; check the database before you deploy anything else (after: it is unknown whether the migration ran).
            runs
              faceplate: shifter/faceplate:before=main-0a1b2c3
            told
              faceplate/prod: deploying main-0a1b2c3
              faceplate/prod: main-0a1b2c3 is live
              faceplate/prod: deploying main-3f2a9c1
              faceplate/prod: main-3f2a9c1 is stuck; a person must act
        "#]],
    );
    // And then it never does.
    let ran = migrations(&team);
    team.host_is(HOST, Standing::Online);
    team.sandbox.run_for(3600).await.unwrap();
    assert_eq!(migrations(&team), ran);
}
