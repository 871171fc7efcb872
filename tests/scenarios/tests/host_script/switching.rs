//! From one release to the next, and back.

use crate::{Order, digest, host, host_with_old_container, image, tell, without_machine};
use expect_test::expect;

#[test]
fn the_first_container_is_run_as_the_spec_says() {
    let host = host();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running 3f2da1 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let asked: Vec<String> =
        host.calls().into_iter().filter(|call| !call.contains("inspect")).collect();
    expect![[r#"
        docker container ls --quiet
        aws ecr get-login-password --region eu-central-1
        docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com
        docker pull 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:0101010101010101010101010101010101010101010101010101010101010101
        docker run --detach --name faceplate --restart unless-stopped --label slipway.revision=hosts/faceplate:1 --label slipway.mark=slipway/708c7cd5/faceplate/prod/1 --env-file /etc/faceplate.env --publish 8000:8000 123456789012.dkr.ecr.eu-central-1.amazonaws.com/shifter/faceplate@sha256:0101010101010101010101010101010101010101010101010101010101010101"#]].assert_eq(&crate::of_host(&host, &asked.join("\n")));
}

#[test]
fn the_previous_container_is_kept_and_restored_unchanged() {
    let host = host_with_old_container();
    let before = host.container("faceplate").unwrap();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running f51aa8 8000:8000
        faceplate.slipway-kept faceplate:old exited 9beae5 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let ran = Order::back(1, None).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    assert_eq!(host.container("faceplate").unwrap().id, before.id);
}

/// Docker would start both when the host boots, and only one can have the port.
#[test]
fn a_kept_container_does_not_start_on_its_own() {
    let host = host_with_old_container();
    let before = host.container("faceplate").unwrap();
    let policy =
        || host.read(&format!("docker/containers/{}/HostConfig.RestartPolicy.Name", before.id));
    assert_eq!(policy().as_deref(), Some("always\n"));
    Order::rollout(1, 1).send(&host);
    assert_eq!(policy().as_deref(), Some("no\n"));
    Order::back(1, None).send(&host);
    assert_eq!(policy().as_deref(), Some("always\n"));
}

#[test]
fn the_next_deployment_keeps_the_last_one_only() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    Order::rollout(2, 2).send(&host);
    let ran = Order::rollout(3, 3).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:3","ours":true}
          slipway end 1
        faceplate faceplate@sha256:030303 running 9273e1 8000:8000
        faceplate.slipway-kept faceplate@sha256:020202 exited 8dc8e1 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let images = std::fs::read_dir(host.folder().join("docker/images")).unwrap().count();
    assert_eq!(images, 2, "an image that nothing needs any more takes no room");
}

/// Its image is the one of the container that is kept, and that makes room.
#[test]
fn the_release_before_is_rolled_out_again() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    Order::rollout(2, 2).send(&host);
    let ran = Order::rollout(3, 1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running c3d4f6 8000:8000
        faceplate.slipway-kept faceplate@sha256:020202 exited 8dc8e1 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    let images = std::fs::read_dir(host.folder().join("docker/images")).unwrap().count();
    assert_eq!(images, 2);
}

#[test]
fn the_same_command_twice_changes_nothing() {
    let host = host_with_old_container();
    let first = Order::rollout(1, 1).send(&host);
    let second = Order::rollout(1, 1).send(&host);
    assert_eq!(first.stdout, second.stdout);
    let back = Order::back(1, None).send(&host);
    let again = Order::back(1, None).send(&host);
    assert_eq!(back.stdout, again.stdout);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &again));
}

#[test]
fn a_fresh_container_of_the_same_release_is_another_container() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    let first = host.container("faceplate").unwrap().id;
    Order::rollout(2, 1).send(&host);
    assert_eq!(host.container("faceplate").unwrap().id, first, "nothing was to change");
    Order::rollout(3, 1).with("FRESH", "'yes'").send(&host);
    let fresh = host.container("faceplate").unwrap().id;
    assert_ne!(fresh, first);
    Order::rollout(3, 1).with("FRESH", "'yes'").send(&host);
    assert_eq!(host.container("faceplate").unwrap().id, fresh, "once is enough");
}

#[test]
fn a_container_that_exits_at_once_gives_its_place_back() {
    let host = host_with_old_container();
    host.behave(&digest(1), "exits 3").unwrap();
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 19
          slipway fault: the container exited at once with code 3; docker logs faceplate.slipway-failed on the host says more
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]].assert_eq(&tell(&host, &ran));
    let ran = Order::back(1, None).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
}

#[test]
fn a_late_rollout_does_not_undo_its_own_rollback() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    Order::back(1, None).send(&host);
    let ran = Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 16
          slipway fault: a newer Slipway command (deployment 1) already ran on the host; this one came too late
        faceplate faceplate:old running 9beae5 8000:8000
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]].assert_eq(&tell(&host, &ran));
}

#[test]
fn what_was_pruned_is_made_again_if_it_was_ours() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    Order::rollout(2, 2).send(&host);
    host.docker(&["container", "rm", "--force", "faceplate.slipway-kept"]).unwrap();
    let ran = Order::back(2, Some(1)).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 1
        faceplate faceplate@sha256:010101 running d00104 8000:8000
        faceplate.slipway-failed faceplate@sha256:020202 exited 8daac7 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));

    let foreign = host_with_old_container();
    Order::rollout(1, 1).send(&foreign);
    foreign.docker(&["container", "rm", "--force", "faceplate.slipway-kept"]).unwrap();
    let ran = Order::back(1, None).send(&foreign);
    expect![[r#"
        ended with 20
          slipway fault: the previous container was not started by Slipway and has been removed; start it again by hand
        faceplate.slipway-failed faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]].assert_eq(&tell(&foreign, &ran));
}

#[test]
fn a_deployment_that_never_reached_the_host_has_nothing_to_roll_back() {
    let host = host_with_old_container();
    let ran = Order::back(7, None).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"id":"9beae5"}
          slipway end 1
        faceplate faceplate:old running 9beae5 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
}

#[test]
fn a_foreign_container_is_left_unchanged() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    host.docker(&["container", "rm", "--force", "faceplate"]).unwrap();
    host.have_image("nginx").unwrap();
    host.docker(&["run", "--detach", "--name", "faceplate", "nginx"]).unwrap();
    let ran = Order::back(1, None).send(&host);
    expect![[r#"
        ended with 18
          slipway fault: another faceplate was started outside Slipway; it is left unchanged
        faceplate nginx running 153932 
    "#]]
    .assert_eq(&tell(&host, &ran));
}

#[test]
fn a_report_says_what_runs_and_what_is_missing() {
    let host = host();
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate"}
          slipway end 2
    "#]]
    .assert_eq(&without_machine(&tell(&host, &Order::look().send(&host))));
    Order::rollout(1, 1).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:1","ours":true}
          slipway end 2
        faceplate faceplate@sha256:010101 running 3f2da1 8000:8000
    "#]]
    .assert_eq(&without_machine(&tell(&host, &Order::look().send(&host))));
    host.remove("/etc/faceplate.env").unwrap();
    expect![[r#"
        ended with 12
          slipway fault: there is no file /etc/faceplate.env on the host; put it there, or correct env_file
        faceplate faceplate@sha256:010101 running 3f2da1 8000:8000
    "#]].assert_eq(&without_machine(&tell(&host, &Order::look().send(&host))));
}

/// Docker takes the beginning of an id where it expects a name.
#[test]
fn a_name_that_begins_an_id_is_a_name() {
    let host = host();
    host.have_image("nginx").unwrap();
    host.docker(&["run", "--detach", "--name", "web", "nginx"]).unwrap();
    let id = host.container("web").unwrap().id;
    let beginning = format!("('{}')", &id[..4]);
    let ran = Order::look().with("SERVICES", &beginning).send(&host);
    assert!(
        ran.stdout.contains(&format!("slipway {{\"s\":\"{}\"}}\n", &id[..4])),
        "{}",
        ran.stdout
    );
}

#[test]
fn no_login_stays_behind() {
    let host = host();
    Order::rollout(1, 1).send(&host);
    let left = std::fs::read_dir(host.folder().join("var/lib/slipway/faceplate/prod")).unwrap();
    let mut left: Vec<String> =
        left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["before.faceplate", "images", "lock", "turn.faceplate"]);
    assert!(host.calls().iter().any(|call| call == &format!("docker pull {}", image(1))));
}
