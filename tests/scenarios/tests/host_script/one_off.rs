//! One-off commands: once, in every case.

use crate::{Order, host, of_host, tell};
use expect_test::expect;
use sandbox::ssm::Host;

fn with_script(text: &str) -> Host {
    let host = host();
    host.write("/opt/migrate.sh", &format!("#!/bin/bash\necho ran >>\"${{0%/*}}/runs\"\n{text}\n"))
        .unwrap();
    host
}

fn runs(host: &Host) -> usize {
    host.read("/opt/runs").unwrap_or_default().lines().count()
}

fn check(host: &Host, order: &Order, expect: &expect_test::Expect) {
    let ran = order.send(host);
    expect.assert_eq(&of_host(host, &tell(host, &ran)));
}

#[test]
fn a_command_runs_once_however_often_it_is_sent() {
    let host = with_script("echo applied 3 scripts");
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    let expect = expect![[r#"
        ended with 0
          slipway {"ended":0,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
          slipway end 1
          | applied 3 scripts
    "#]];
    check(&host, &order, &expect);
    check(&host, &order, &expect);
    assert_eq!(runs(&host), 1);
}

#[test]
fn another_attempt_is_another_run() {
    let host = with_script("");
    Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')").send(&host);
    Order::one_off("2-migrate-2-99", "('/opt/migrate.sh')").send(&host);
    assert_eq!(runs(&host), 2);
}

/// Its output is foreign text: data from psql, or a line that imitates one of ours.
#[test]
fn what_a_command_prints_does_not_say_how_it_ended() {
    let forged = "echo 'slipway {\"ended\":0,\"output\":\"/x\"}'; echo 'slipway end 1'; exit 3";
    let host = with_script(forged);
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 1
              slipway {"ended":3,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
              | slipway {"ended":0,"output":"/x"}
              | slipway end 1
        "#]],
    );
}

/// With 194 the agent would reboot the host and run the script once more.
#[test]
fn no_exit_code_of_the_command_reaches_the_agent() {
    let host = with_script("echo no such table >&2; exit 194");
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 1
              slipway {"ended":194,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
              | no such table
        "#]],
    );
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let host = with_script("");
    host.write("command-seconds", "90").unwrap();
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 1
              slipway {"ended":124,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
        "#]],
    );
}

#[test]
fn a_command_that_was_killed_is_not_begun_again() {
    // The grandparent is the script, and between them is the stand-in that has become this command.
    let host = with_script("kill -9 $PPID");
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    check(
        &host,
        &order,
        &expect![[r#"
        was killed
    "#]],
    );
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 22
              slipway fault: the command was started, but its end was not recorded; its output is in /var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output on the host
        "#]],
    );
    assert_eq!(runs(&host), 1);
}

#[test]
fn a_command_in_the_new_image_gets_its_environment() {
    let host = host();
    host.write("/in-image", "#!/bin/bash\necho \"in the image: $*\"\n").unwrap();
    let order = Order::one_off("2-migrate-1-99", "('alembic' 'upgrade' 'head; rm -rf /')");
    let order = order.with("ON_HOST", "''");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 0
              slipway {"ended":0,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
              | in the image: alembic upgrade head; rm -rf /
        "#]],
    );
    let run: Vec<String> =
        host.calls().into_iter().filter(|call| call.starts_with("docker run")).collect();
    expect!["docker run --rm --name slipway-2-migrate-1-99 --label slipway.mark=slipway/708c7cd5/faceplate/prod/2 --env-file /etc/faceplate.env 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:0202020202020202020202020202020202020202020202020202020202020202 alembic upgrade head; rm -rf /"].assert_eq(&of_host(&host, &run.join("\n")));
}

/// The disk is full by the time that it ends: what it said itself is not forgotten.
#[test]
fn a_command_whose_end_cannot_be_noted_has_still_ended() {
    let host = with_script(
        "mkdir \"${0%/*/*}/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/ended.new\"; exit 3",
    );
    let order = Order::one_off("2-migrate-1-99", "('/opt/migrate.sh')");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 1
              slipway {"ended":3,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
        "#]],
    );
}

#[test]
fn a_pull_that_fails_has_begun_nothing() {
    let host = host();
    host.fault("pull", "fail manifest unknown").unwrap();
    let order = Order::one_off("2-migrate-1-99", "('alembic')").with("ON_HOST", "''");
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 14
              slipway fault: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:020202: Error response from daemon: manifest unknown
        "#]],
    );
    host.remove("faults/pull").unwrap();
    host.write("/in-image", "#!/bin/bash\n").unwrap();
    check(
        &host,
        &order,
        &expect![[r#"
            ended with 0
              slipway {"ended":0,"output":"/var/lib/slipway/faceplate/prod/one-off/2-migrate-1-99/output"}
              slipway end 1
        "#]],
    );
}
