//! The schema where the same images migrate once more, and where older Slipways wrote the record.

use super::schema::{good, start_rollback, succeed};
use expect_test::expect;
use pipeline::names::Revision;
use pipeline::request::Kind;

#[test]
fn images_that_migrated_again_need_their_last_migration() {
    let mut scene = good(&["b1", "b2"]);
    expect!["yes: deployment 3 of b2 has started"].assert_eq(&scene.deploy("b2", 2, &[]));
    succeed(&mut scene);
    scene.push("b4", 4);
    succeed(&mut scene);
    // Between b4 and them there is one migration.
    expect!["yes: deployment 5 of b2 has started"]
        .assert_eq(&start_rollback(&mut scene, "b2", true));
}

#[test]
fn a_migration_that_was_not_written_down_is_undone_with_the_revision_of_its_own_release() {
    let mut scene = good(&["b1", "b2", "b3"]);
    scene.head.migrations.clear();
    scene.head.good.iter_mut().for_each(|good| good.needs = None);
    start_rollback(&mut scene, "b2", true);
    let Kind::ManualRollback(restore) = &scene.active().request.kind else { unreachable!() };
    let undoes = restore.undoes.as_ref().unwrap();
    let revision = undoes.revision.as_ref().map(Revision::short);
    assert_eq!((undoes.version.as_str(), revision), ("b3", Some("shop-api:103")));
}
