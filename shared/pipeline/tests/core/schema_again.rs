//! The schema where the same images migrate once more, and where older Slipways wrote the record.

use super::events::{SERVICES, up};
use super::schema::{ends, good, migrating, start_rollback, starts, succeed};
use expect_test::expect;
use pipeline::effect::Purpose;
use pipeline::environment::Input;
use pipeline::names::Revision;
use pipeline::request::Kind;
use pipeline::time::Span;

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

#[test]
fn a_deployment_that_undid_its_own_migration_leaves_none_behind() {
    let mut scene = migrating(&[("rollback", "after_undo")]);
    let known = scene.head.migrations.len();
    starts(&mut scene, Purpose::Migrate);
    ends(&mut scene, Purpose::Migrate, 0);
    scene.roll_back(None);
    starts(&mut scene, Purpose::Undo);
    ends(&mut scene, Purpose::Undo, 0);
    for _ in 0..20 {
        scene.now = scene.now + Span::minutes(2);
        scene.tell(Input::Woken);
        for service in
            SERVICES.into_iter().filter(|_| scene.head.active.is_some()).collect::<Vec<_>>()
        {
            if scene.head.active.is_some() {
                scene.answer(up(service, 101, scene.now));
            }
        }
    }
    assert_eq!(scene.head.active, None, "{}", scene.verdicts());
    assert_eq!(scene.head.migrations.len(), known);
}
