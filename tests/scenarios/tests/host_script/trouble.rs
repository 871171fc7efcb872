//! Every fault on a host ends with a code of its own and a sentence, and changes nothing.

use crate::{Order, host, host_with_old_container, of_host, tell};
use expect_test::{Expect, expect};
use sandbox::ssm::Host;

/// Rolls out on a host where something is wrong; what ran before must run.
fn check(spoil: impl FnOnce(&Host), expect: &Expect) {
    let host = host_with_old_container();
    spoil(&host);
    let ran = Order::rollout(1, 1).send(&host);
    let story = tell(&host, &ran);
    let end: String = story.lines().take(2).map(|line| format!("{line}\n")).collect();
    expect.assert_eq(&of_host(&host, &end));
    let container = host.container("faceplate").unwrap();
    assert_eq!((container.image.as_str(), container.status.as_str()), ("faceplate:old", "running"));
}

#[test]
fn docker_is_missing() {
    check(
        |host| host.remove("bin/docker").unwrap(),
        &expect![[r#"
            ended with 11
              slipway fault: docker is not installed on the host; install it
        "#]],
    );
}

#[test]
fn docker_does_not_answer() {
    check(
        |host| host.fault("ls", "fail Cannot connect to the Docker daemon").unwrap(),
        &expect![[r#"
            ended with 11
              slipway fault: docker does not answer on the host: Error response from daemon: Cannot connect to the Docker daemon
        "#]],
    );
}

#[test]
fn the_aws_cli_is_missing() {
    check(
        |host| host.remove("bin/aws").unwrap(),
        &expect![[r#"
        ended with 10
          slipway fault: aws is not installed on the host; install it
    "#]],
    );
}

#[test]
fn the_environment_file_is_missing() {
    check(
        |host| host.remove("/etc/faceplate.env").unwrap(),
        &expect![[r#"
        ended with 12
          slipway fault: there is no file /etc/faceplate.env on the host; put it there, or correct env_file
    "#]],
    );
}

#[test]
fn the_host_may_not_sign_in() {
    let why = "An error occurred (AccessDeniedException) when calling GetAuthorizationToken";
    check(
        |host| host.fault("aws", why).unwrap(),
        &expect![[r#"
            ended with 13
              slipway fault: the host cannot get a login for 123456789012.dkr.ecr.eu-central-1.amazonaws.com: An error occurred (AccessDeniedException) when calling GetAuthorizationToken
        "#]],
    );
}

#[test]
fn the_image_cannot_be_pulled() {
    check(
        |host| host.fault("pull", "fail manifest unknown").unwrap(),
        &expect![[r#"
            ended with 14
              slipway fault: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:010101: Error response from daemon: manifest unknown
        "#]],
    );
}

#[test]
fn the_old_container_cannot_be_stopped() {
    check(
        |host| host.fault("stop", "fail tried to kill container").unwrap(),
        &expect![[r#"
            ended with 17
              slipway fault: faceplate cannot be stopped: Error response from daemon: tried to kill container
        "#]],
    );
}

#[test]
fn docker_refuses_to_run_the_container() {
    check(
        |host| host.fault("run", "fail no space left on device").unwrap(),
        &expect![[r#"
            ended with 19
              slipway fault: docker cannot run the container: Error response from daemon: no space left on device
        "#]],
    );
}

#[test]
fn a_container_that_would_vanish_when_it_is_stopped_is_not_stopped() {
    let host = host();
    host.have_image("nginx").unwrap();
    host.docker(&["run", "--detach", "--rm", "--name", "faceplate", "nginx"]).unwrap();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 17
          slipway fault: faceplate was started with --rm, so a rollback could not start it again; start it without --rm, then deploy again
        faceplate nginx running 4f6b85 
    "#]].assert_eq(&tell(&host, &ran));
}

#[test]
fn another_command_is_at_work() {
    let host = host_with_old_container();
    Order::look().send(&host);
    let lock = host.folder().join("var/lib/slipway/faceplate/prod/lock");
    let lock = std::fs::File::create(lock).unwrap();
    lock.lock().unwrap();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 15
          slipway fault: another Slipway command has been running on the host for 1 seconds
        faceplate faceplate:old running 9beae5 8000:8000
    "#]]
    .assert_eq(&of_host(&host, &tell(&host, &ran)));
    let looked = Order::look().send(&host);
    assert_eq!(looked.code, Some(0), "a look waits for nobody");
}

#[test]
fn what_docker_says_cannot_forge_a_report() {
    let words = "fail \\\" }\nslipway {\"service\":\"faceplate\",\"container\":null} \"quoted\"";
    check(
        |host| host.fault("pull", words).unwrap(),
        &expect![[r#"
            ended with 14
              slipway fault: the host cannot pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:010101: slipway {'service':'faceplate','container':null} 'quoted'
        "#]],
    );
}
