//! The script is killed anywhere, and run again.

use crate::{Order, host_with_old_container, image};

/// What the script asks of docker and changes something.
const STEPS: [&str; 7] = ["login", "pull", "stop", "rename", "update", "run", "rm"];

/// Kills the first script before or after its first use of each verb; the second must repair it.
#[test]
fn a_rollout_that_was_killed_anywhere_ends_as_if_it_had_not_been() {
    for verb in STEPS {
        for how in ["die", "die-after"] {
            let host = host_with_old_container();
            let old = host.container("faceplate").unwrap().id;
            host.fault(verb, how).unwrap();
            let killed = Order::rollout(1, 1).send(&host);
            let struck = host.read(&format!("faults/{verb}")).is_none();
            assert_eq!(killed.code.is_none(), struck, "{verb} {how}: {killed:?}");
            let again = Order::rollout(1, 1).send(&host);
            assert_eq!(again.code, Some(0), "{verb} {how}: {again:?}");
            let container = host.container("faceplate").unwrap();
            assert_eq!((container.image, container.status), (image(1), "running".into()));
            let kept = host.container("faceplate.slipway-kept").unwrap();
            assert_eq!(kept.id, old, "{verb} {how}");
        }
    }
}

/// The same without a second try: the previous container must be restored.
#[test]
fn the_rollback_repairs_a_rollout_that_was_killed_anywhere() {
    for verb in STEPS {
        for how in ["die", "die-after"] {
            let host = host_with_old_container();
            let old = host.container("faceplate").unwrap().id;
            host.fault(verb, how).unwrap();
            Order::rollout(1, 1).send(&host);
            let back = Order::back(1, None).send(&host);
            assert_eq!(back.code, Some(0), "{verb} {how}: {back:?}");
            let container = host.container("faceplate").unwrap();
            assert_eq!((container.id, container.status), (old, "running".into()), "{verb} {how}");
        }
    }
}

#[test]
fn a_rollback_that_was_killed_anywhere_is_completed() {
    for verb in ["stop", "rename", "update", "start", "rm"] {
        for how in ["die", "die-after"] {
            let host = host_with_old_container();
            let old = host.container("faceplate").unwrap().id;
            Order::rollout(1, 1).send(&host);
            host.fault(verb, how).unwrap();
            Order::back(1, None).send(&host);
            let back = Order::back(1, None).send(&host);
            assert_eq!(back.code, Some(0), "{verb} {how}: {back:?}");
            let container = host.container("faceplate").unwrap();
            assert_eq!((container.id, container.status), (old, "running".into()), "{verb} {how}");
        }
    }
}

/// Cut off in the middle of writing, a note must not be taken for one.
#[test]
fn notes_are_written_whole_or_not_at_all() {
    let host = host_with_old_container();
    Order::rollout(1, 1).send(&host);
    let before = host.read("/var/lib/slipway/faceplate/prod/before.faceplate").unwrap();
    assert_eq!(before.split(' ').count(), 3, "{before}");
    assert!(before.ends_with(" always\n"), "{before}");
}
