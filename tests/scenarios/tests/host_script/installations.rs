//! Notes and marks name the installation that made them: another one, or a new one after the table
//! is gone, counts its deployments from one again.

use crate::{INSTALLATION, Order, host, host_with_old_container, tell};
use expect_test::expect;
use sandbox::ssm::Host;
use std::fs::File;
use std::time::{Duration, SystemTime};

const OTHER: &str = "0badcafe";
const TURN: &str = "/var/lib/slipway/faceplate/prod/turn.faceplate";
const BEFORE: &str = "/var/lib/slipway/faceplate/prod/before.faceplate";

#[test]
fn a_new_installation_is_not_refused_for_what_the_old_one_did() {
    let host = host();
    assert_eq!(Order::rollout(40, 1).send(&host).code, Some(0));
    let ran = Order::rollout(1, 2).from(OTHER).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:2","ours":true}
          slipway end 1
        faceplate faceplate@sha256:020202 running 8daac7 8000:8000
        faceplate.slipway-kept faceplate@sha256:010101 exited 3f2da1 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
}

/// Deployment 1 of the old installation kept a container; deployment 1 of the new one never came here.
#[test]
fn a_new_installation_does_not_take_old_notes_for_its_own() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    let runs = host.container("faceplate").unwrap().id;
    let ran = Order::back(1, None).from(OTHER).send(&host);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(host.container("faceplate").unwrap().id, runs, "it never came here");
    let ran = Order::remove(1).from(OTHER).send(&host);
    expect![[r#"
        ended with 18
          slipway fault: this deployment did not start the running faceplate; it is left unchanged
        faceplate faceplate@sha256:010101 running f51aa8 8000:8000
        faceplate.slipway-kept faceplate:old exited 9beae5 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
}

/// As the version before marks named the installation left it, in the middle of a deployment.
fn rolled_out_by_an_earlier_version() -> Host {
    let host = host_with_old_container();
    let old = "slipway/faceplate/prod/1";
    Order::rollout(1, 1).with("MARK", &format!("'{old}'")).send(&host);
    let note = host.read(BEFORE).unwrap();
    assert!(note.starts_with(old), "{note}");
    host.write(TURN, "1 1\n").unwrap();
    host
}

fn after_the_update(order: Order) -> Order {
    order.with("OLD_MARK", "'slipway/faceplate/prod/1'")
}

#[test]
fn after_an_update_a_deployment_still_finds_its_containers() {
    let host = rolled_out_by_an_earlier_version();
    let again = after_the_update(Order::rollout(1, 1).with("FRESH", "'yes'")).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running f51aa8 8000:8000
        faceplate.slipway-kept faceplate:old exited 9beae5 8000:8000
    "#]]
    .assert_eq(&tell(&host, &again));
    let back = after_the_update(Order::back(1, None)).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &back));
    let late = after_the_update(Order::rollout(1, 1)).send(&host);
    assert_eq!(late.code, Some(16), "{late:?}");
}

/// The table says that no earlier version was here for this deployment: it was another installation.
#[test]
fn an_old_mark_counts_only_if_the_table_confirms_it() {
    let host = rolled_out_by_an_earlier_version();
    let runs = host.container("faceplate").unwrap().id;
    assert_eq!(Order::back(1, None).send(&host).code, Some(0));
    assert_eq!(host.container("faceplate").unwrap().id, runs);
}

/// An earlier version reads what this one wrote, and the other way round.
#[test]
fn scripts_of_earlier_versions_read_the_first_line_of_the_turn() {
    let host = host();
    Order::rollout(7, 1).send(&host);
    let turn = host.read(TURN).unwrap();
    assert_eq!(turn, format!("7 1\n{INSTALLATION} 65\n"));
}

#[test]
fn a_turn_counts_as_long_as_an_earlier_command_may_come() {
    let host = host();
    Order::rollout(7, 1).with("LATE_MINUTES", "120").send(&host);
    let rewind = |minutes: u64| {
        let at = SystemTime::now() - Duration::from_secs(minutes * 60);
        File::open(host.folder().join(TURN.trim_start_matches('/'))).unwrap().set_modified(at)
    };
    rewind(110).unwrap();
    assert_eq!(Order::rollout(6, 2).send(&host).code, Some(16));
    rewind(130).unwrap();
    assert_eq!(Order::rollout(6, 2).send(&host).code, Some(0));
}

/// It was started outside Slipway after the preparation, before the deployment reached this host.
#[test]
fn a_container_started_outside_slipway_meanwhile_runs_again_instead_of_nothing() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    let ran = Order::remove(1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let again = Order::remove(1).send(&host);
    assert_eq!((again.code, again.stdout), (ran.code, ran.stdout));
}

/// The deployment says what ran when it was prepared.
#[test]
fn a_container_started_outside_slipway_in_its_place_is_left_unchanged() {
    let host = host_with_old_container();
    let runs = host.container("faceplate").unwrap().id;
    let rollout = |before: &str| Order::rollout(1, 1).with("BEFORE", before).send(&host);
    let ran = rollout("('hosts/faceplate:7' '0a1b2c')");
    expect![[r#"
        ended with 18
          slipway fault: another faceplate was started outside Slipway; it is left unchanged
        faceplate faceplate:old running 9beae5 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    assert_eq!(host.container("faceplate").unwrap().id, runs);
    // At the rollback, there is nothing to restore.
    assert_eq!(Order::back(1, None).send(&host).code, Some(0));
    assert_eq!(host.container("faceplate").unwrap().id, runs);
    // The deployment continues with the running container, and a copy of the command finds its own
    // container.
    let known = format!("('{runs}')");
    assert_eq!(Order::rollout(2, 1).with("BEFORE", &known).send(&host).code, Some(0));
    let again = Order::rollout(2, 1).with("BEFORE", &known).with("FRESH", "'yes'");
    assert_eq!(again.send(&host).code, Some(0));
    let by_revision = Order::rollout(3, 2).with("BEFORE", "('hosts/faceplate:1')");
    assert_eq!(by_revision.send(&host).code, Some(0));
}

#[test]
fn only_what_this_deployment_started_is_removed() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    let ran = Order::remove(2).send(&host);
    expect![[r#"
        ended with 18
          slipway fault: this deployment did not start the running faceplate; it is left unchanged
        faceplate faceplate@sha256:010101 running 3f2da1 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let ran = Order::remove(1).with("NUMBER", "3").send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate"}
          slipway end 1
    "#]]
    .assert_eq(&tell(&host, &ran));
}
