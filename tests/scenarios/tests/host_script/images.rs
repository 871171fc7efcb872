//! What stays on the disk of a host.

use crate::{Order, digest, host, host_with_old_container, image, tell};
use expect_test::expect;
use sandbox::ssm::Host;

/// The images on the host, by their references.
fn images(host: &Host) -> Vec<String> {
    let folders = std::fs::read_dir(host.folder().join("docker/images")).unwrap();
    let read = |folder: std::fs::DirEntry| {
        let reference = std::fs::read_to_string(folder.path().join("reference")).unwrap();
        let reference = reference.trim_end();
        let release = (1..9).find(|release| image(*release) == reference);
        release.map_or(reference.to_owned(), |release| format!("release {release}"))
    };
    let mut images: Vec<String> = folders.flatten().map(read).collect();
    images.sort();
    images
}

#[test]
fn deployments_that_fail_leave_one_image_and_not_one_each() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    for release in 2..6 {
        host.behave(&digest(release), "exits 1").unwrap();
        let ran = Order::rollout(release.into(), release).send(&host);
        assert_eq!(ran.code, Some(19), "{ran:?}");
        Order::back(release.into(), Some(1)).send(&host);
    }
    // What runs, and what the last one failed with.
    assert_eq!(images(&host), ["release 1", "release 5"]);
    let ran = Order::rollout(6, 6).send(&host);
    expect![[r#"
        ended with 0
          slipway {"s":"faceplate","is":"running","code":0,"r":"hosts/faceplate:6","ours":true}
          slipway end 1
        faceplate faceplate@sha256:060606 running d4072c 8000:8000
        faceplate.slipway-failed faceplate@sha256:050505 exited 126a96 8000:8000
        faceplate.slipway-kept faceplate@sha256:010101 exited f51aa8 8000:8000
    "#]]
    .assert_eq(&tell(&host, &ran));
    assert_eq!(images(&host), ["release 1", "release 5", "release 6"]);
}

#[test]
fn an_image_that_only_a_migration_needed_goes_with_the_next_deployment() {
    let host = host();
    host.write("/in-image", "#!/bin/bash\nexit 3\n").unwrap();
    Order::rollout(1, 1).send(&host);
    let migrate = |release: u8| {
        let order = Order::one_off(&format!("{release}-migrate-1-99"), "('alembic')");
        let mark = format!("'slipway/{}/faceplate/prod/{release}'", crate::INSTALLATION);
        let order = order.with("ON_HOST", "''").with("MARK", &mark);
        order.with("IMAGE", &format!("'{}'", image(release))).send(&host)
    };
    assert_eq!(migrate(2).code, Some(1));
    assert_eq!(migrate(3).code, Some(1));
    assert_eq!(images(&host), ["release 1", "release 2", "release 3"]);
    Order::rollout(4, 4).send(&host);
    assert_eq!(images(&host), ["release 1", "release 4"]);
}

/// The migration comes first, and another container of the same deployment between.
#[test]
fn what_this_deployment_pulled_is_there_until_it_is_over() {
    let host = host();
    host.write("/in-image", "#!/bin/bash\n").unwrap();
    let order = Order::one_off("2-migrate-1-99", "('alembic')").with("ON_HOST", "''");
    assert_eq!(order.send(&host).code, Some(0));
    let other = Order::rollout(2, 7).with("SERVICE", "'worker'").with("PORTS", "()");
    assert_eq!(other.send(&host).code, Some(0));
    assert_eq!(images(&host), ["release 2", "release 7"]);
}

#[test]
fn images_pulled_outside_slipway_stay() {
    let host = host();
    host.have_image(&image(1)).unwrap();
    host.have_image("postgres:16").unwrap();
    for release in 1..4 {
        assert_eq!(Order::rollout(release.into(), release).send(&host).code, Some(0));
    }
    Order::rollout(4, 4).send(&host);
    assert_eq!(images(&host), ["postgres:16", "release 3", "release 4"]);
}
