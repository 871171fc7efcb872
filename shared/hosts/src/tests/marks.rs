//! The comments of commands.

use super::id;
use crate::command_tag::{CommandKind, CommandTag, aside};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::names::{DeploymentId, Place};

const ERRANDS: [CommandKind; 5] = [
    CommandKind::Rollout,
    CommandKind::Back,
    CommandKind::Remove,
    CommandKind::OneOff(Purpose::Migrate),
    CommandKind::OneOff(Purpose::Undo),
];

#[test]
fn a_mark_fits_into_a_comment_and_is_read_again() {
    let longest = "a".repeat(32);
    let place =
        Place { application: longest.as_str().into(), environment: longest.as_str().into() };
    for (number, attempt) in [(99_999, 999), (9_999_999, 9), (1, 1000)] {
        let id = DeploymentId { place: place.clone(), number };
        for kind in ERRANDS {
            let attempt = if matches!(kind, CommandKind::OneOff(_)) { attempt } else { 1 };
            let mark = CommandTag::new(Some("708c7cd5"), &id, kind, attempt);
            assert!(mark.to_string().len() <= 100, "{mark}");
            assert_eq!(CommandTag::read(&mark.to_string()), Some(mark));
        }
        assert!(aside("look", "708c7cd5", &id).len() <= 100);
    }
    for other in [
        "",
        "slipway-look/708c7cd5/a/b/17",
        "slipway/708c7cd5/a/b/17/dance/1",
        "slipway/708c7cd5/a/b/x/back",
        "slipway/a/b/17/dance/1",
        "slipway/a/b/x/back/1",
        "nightly backup",
    ] {
        assert_eq!(CommandTag::read(other), None, "{other}");
    }
}

#[test]
fn marks_name_the_installation_and_once_did_not() {
    let told: Vec<String> = [Some("708c7cd5"), None]
        .into_iter()
        .flat_map(|of| ERRANDS.map(|kind| CommandTag::new(of, &id(), kind, 1).to_string()))
        .collect();
    for mark in &told {
        assert_eq!(CommandTag::read(mark).unwrap().to_string(), *mark);
    }
    expect![[r#"
        slipway/708c7cd5/faceplate/prod/17/rollout
        slipway/708c7cd5/faceplate/prod/17/back
        slipway/708c7cd5/faceplate/prod/17/remove
        slipway/708c7cd5/faceplate/prod/17/migrate/1
        slipway/708c7cd5/faceplate/prod/17/undo/1
        slipway/faceplate/prod/17/rollout/1
        slipway/faceplate/prod/17/back/1
        slipway/faceplate/prod/17/remove/1
        slipway/faceplate/prod/17/migrate/1
        slipway/faceplate/prod/17/undo/1
    "#]]
    .assert_eq(&told.iter().map(|mark| format!("{mark}\n")).collect::<String>());
}
