//! How a one-off command ended, for whom Run Command did not say, and how one is ended.

use crate::{Order, host, of_host, tell};
use expect_test::{Expect, expect};
use sandbox::ssm::Host;
use std::process::{Child, Command, Stdio};

const CLAIM: &str = "2-migrate-1-99";

fn order() -> Order {
    Order::one_off(CLAIM, "('/opt/migrate.sh')")
}

fn check(host: &Host, what: &str, expect: &Expect) {
    let ran = order().with("DO", what).send(host);
    expect.assert_eq(&of_host(host, &tell(host, &ran)));
}

fn with_script(text: &str) -> Host {
    let host = host();
    host.write("/opt/migrate.sh", &format!("#!/bin/bash\necho ran >>\"${{0%/*}}/runs\"\n{text}\n"))
        .unwrap();
    host
}

fn runs(host: &Host) -> usize {
    host.read("/opt/runs").unwrap_or_default().lines().count()
}

#[test]
fn the_host_says_how_a_command_ended() {
    let host = with_script("echo no such table; exit 3");
    order().send(&host);
    check(
        &host,
        "'end'",
        &expect![[r#"
            ended with 1
              slipway {"ended":3,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
              | no such table
        "#]],
    );
}

/// It was never delivered, as far as Run Command knows; now it may still be, and must not run.
#[test]
fn a_command_that_the_host_was_asked_about_never_begins() {
    let host = with_script("");
    check(
        &host,
        "'end'",
        &expect![[r#"
            ended with 23
              slipway fault: the command was cancelled before it started and will not run
        "#]],
    );
    check(
        &host,
        "'one-off'",
        &expect![[r#"
            ended with 23
              slipway fault: the command was cancelled before it started and will not run
        "#]],
    );
    assert_eq!(runs(&host), 0);
}

#[test]
fn a_command_that_was_asked_to_stop_never_starts() {
    let host = with_script("");
    check(
        &host,
        "'stop'",
        &expect![[r#"
            ended with 0
              slipway end 0
        "#]],
    );
    check(
        &host,
        "'one-off'",
        &expect![[r#"
            ended with 23
              slipway fault: the command was cancelled before it started and will not run
        "#]],
    );
    assert_eq!(runs(&host), 0);
}

#[test]
fn a_command_whose_script_was_killed_is_known_to_run_as_long_as_it_does() {
    let host = with_script("");
    let mut process = begun(&host);
    note_process(&host, &process, "");
    check(
        &host,
        "'end'",
        &expect![[r#"
            ended with 0
              slipway {"running":true}
              slipway end 1
        "#]],
    );
    check(
        &host,
        "'one-off'",
        &expect![[r#"
            ended with 0
              slipway {"running":true}
              slipway end 1
        "#]],
    );
    process.kill().unwrap();
    process.wait().unwrap();
    check(
        &host,
        "'end'",
        &expect![[r#"
            ended with 22
              slipway fault: the command was started, but its end was not recorded; its output is in /var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output on the host
        "#]],
    );
    assert_eq!(runs(&host), 0);
}

#[test]
fn a_command_that_runs_is_ended() {
    let host = with_script("");
    let mut process = begun(&host);
    note_process(&host, &process, "");
    assert_eq!(order().with("DO", "'stop'").send(&host).code, Some(0));
    let ended = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        process.try_wait().unwrap()
    });
    process.kill().unwrap();
    assert_eq!(ended.map(|status| status.code()), Some(None), "it was ended");
}

/// The number is another process's by now: after a reboot, or because numbers came round.
#[test]
fn no_other_process_is_ended() {
    for other in ["boot", "start", "nothing but the number"] {
        let host = with_script("");
        let mut process = begun(&host);
        note_process(&host, &process, other);
        assert_eq!(order().with("DO", "'stop'").send(&host).code, Some(0));
        assert_eq!(process.try_wait().unwrap(), None, "{other}");
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

/// A command that was begun, and that nothing says the end of.
fn begun(host: &Host) -> Child {
    let claim = host.folder().join("var/lib/slipway/faceplate/prod/one-off").join(CLAIM);
    std::fs::create_dir_all(claim).unwrap();
    Command::new("sleep").arg("300").stdout(Stdio::null()).spawn().unwrap()
}

/// The note about the process; with `other`, about one that had its number before.
fn note_process(host: &Host, process: &Child, other: &str) {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    let start: u64 = stat.rsplit(')').next().unwrap().split(' ').nth(20).unwrap().parse().unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let note = match other {
        "boot" => format!("{} {start} 00000000-0000-0000-0000-000000000000\n", process.id()),
        "start" => format!("{} {} {boot}", process.id(), start - 1),
        "" => format!("{} {start} {boot}", process.id()),
        _ => format!("{}\n", process.id()),
    };
    let file = format!("/var/lib/slipway/faceplate/prod/one-off/{CLAIM}/process");
    host.write(&file, &note).unwrap();
}

#[test]
fn the_script_notes_which_process_it_began() {
    let host = with_script("");
    order().send(&host);
    let file = format!("/var/lib/slipway/faceplate/prod/one-off/{CLAIM}/process");
    let note = host.read(&file).unwrap();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let words: Vec<&str> = note.split(' ').collect();
    assert!(words[0].parse::<u32>().is_ok() && words[1].parse::<u64>().is_ok(), "{note}");
    assert_eq!(words[2], boot);
}
