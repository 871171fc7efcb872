//! The script's report about containers: complete, or visibly incomplete.

use crate::{INSTALLATION, Order, host, tell};
use expect_test::expect;
use sandbox::ssm::Host;
use std::fmt::Write;

/// Run Command keeps so much of an output where it lists all hosts, and so much where one is asked.
const LISTED: usize = 2_500;
const WHOLE: usize = 24_000;

/// Puts a container on the host, started by Slipway or outside it.
fn have_container(host: &Host, number: usize, name: &str, is_ours: bool) {
    let folder = format!("docker/containers/{number:064x}");
    let write = |file: &str, text: &str| host.write(&format!("{folder}/{file}"), text).unwrap();
    write("name", name);
    write("State.Status", "running");
    write("State.ExitCode", "0");
    write("RestartCount", "0");
    write("HostConfig.RestartPolicy.Name", "unless-stopped");
    write("HostConfig.AutoRemove", "false");
    if is_ours {
        write("slipway.revision", &format!("hosts/{name}:0316a2a1a943-ff3aa658"));
        write("slipway.mark", &format!("slipway/{INSTALLATION}/faceplate/prod/1"));
    }
}

/// Queries containers of these names.
fn look(names: &[String], is_ours: bool) -> String {
    let host = host();
    let mut list = String::new();
    for (number, name) in names.iter().enumerate() {
        have_container(&host, number, name, is_ours);
        write!(list, "'{name}' ").unwrap();
    }
    let ran = Order::look().with("SERVICES", &format!("({list})")).send(&host);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let end = format!("slipway end {}\n", names.len() + 1);
    assert!(ran.stdout.ends_with(&end), "{}", ran.stdout);
    ran.stdout
}

#[test]
fn ten_services_fit_into_what_is_listed() {
    let names: Vec<String> =
        (0..10).map(|number| format!("faceplate-notification-worker-{number}")).collect();
    for is_ours in [true, false] {
        let said = look(&names, is_ours);
        assert!(said.len() < LISTED, "{} of {said}", said.len());
    }
}

/// As many as a spec may have, with the longest names that it may give them.
#[test]
fn fifty_services_fit_into_what_one_host_is_asked_for() {
    let names: Vec<String> = (0..50).map(|number| format!("{number:0>128}")).collect();
    for is_ours in [true, false] {
        let said = look(&names, is_ours);
        assert!(said.len() < WHOLE, "{}", said.len());
    }
}

/// Docker's API takes no restart policy for an empty one: compose, Ansible and others leave it so.
#[test]
fn a_container_without_a_restart_policy_is_seen_and_restored() {
    let host = host();
    host.have_image("faceplate:old").unwrap();
    host.docker(&["run", "--detach", "--name", "faceplate", "--restart", "", "faceplate:old"])
        .unwrap();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running f51aa8 8000:8000
        faceplate.slipway-kept faceplate:old exited 9beae5 
    "#]]
    .assert_eq(&tell(&host, &ran));
    let ran = Order::back(1, None).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
}

/// An error of docker does not mean "no container".
#[test]
fn docker_that_does_not_answer_is_not_a_container_that_is_not_there() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    host.fault("inspect", "fail Cannot connect to the Docker daemon").unwrap();
    expect![[r#"
        ended with 11
          slipway fault: docker cannot inspect faceplate: Error response from daemon: Cannot connect to the Docker daemon
        faceplate faceplate@sha256:010101 running 3f2da1 8000:8000
    "#]]
    .assert_eq(&crate::without_machine(&tell(&host, &Order::look().send(&host))));
}

/// A label of a foreign image is foreign text.
#[test]
fn a_foreign_label_is_no_revision_of_ours() {
    let host = host();
    have_container(&host, 1, "faceplate", false);
    let folder = format!("docker/containers/{:064x}", 1);
    for label in ["hosts/faceplate:1\\\"}", "hosts/web:1-2", "sha256:1"] {
        host.write(&format!("{folder}/slipway.revision"), label).unwrap();
        let said = Order::look().send(&host).stdout;
        assert!(said.contains(r#""id":"0000"#), "{said}");
        assert!(!said.contains("ours"), "{said}");
    }
}
