//! Audits: what single records must hold, and what is no fault of them.

use super::audit::{DAMAGES, KEPT, audit, good, one, verdict, words};
use super::events::report;
use super::fixtures::{place, release};
use super::scene::{Scene, at};
use super::schema::{ends, migrating, starts};
use expect_test::expect;
use pipeline::audit::{Audit, Rule};
use pipeline::deployment::{Schema, ServiceState, State};
use pipeline::effect::Purpose;
use pipeline::event::Event;
use pipeline::release::Release;
use pipeline::request::{Override, RequestedBy};
use pipeline::time::{Span, Time};
use pipeline::verdict::{Cause, Verdict};
use pipeline::waits::WaitsFor;

/// What is found against this rule.
fn found(scene: &Scene, rule: Rule) -> Vec<String> {
    let findings = audit(scene).findings.into_iter().filter(|finding| finding.rule == rule);
    findings.map(|finding| finding.found).collect()
}

fn damage(scene: &mut Scene, rule: Rule) {
    let (_, damage) = DAMAGES.iter().find(|(other, _)| *other == rule).unwrap();
    damage(scene);
}

#[test]
fn an_end_before_what_was_said_last_is_out_of_order() {
    let mut scene = good();
    let State::Ended { at: end, .. } = &mut one(&mut scene, 1).state else { unreachable!() };
    *end = at(0);
    expect![[r#"
        [
            "its end is at 2026-01-01T00:00:00Z, and \"Ended: succeeded.\" before it at 2026-01-01T01:04:31Z",
        ]
    "#]]
    .assert_debug_eq(&found(&scene, Rule::InTime));
}

#[test]
fn a_deployment_that_started_before_the_last_one_ended_is_one_too_many() {
    let started_before_the_end = |span: Span| {
        let mut scene = good();
        let State::Ended { at: end, .. } = one(&mut scene, 2).state else { unreachable!() };
        one(&mut scene, 3).started_at = Time::from_millis(end.millis() - span.as_seconds() * 1000);
        found(&scene, Rule::OneAtATime).concat()
    };
    expect![
        "it started at 2026-01-01T01:19:00Z, before deployment 2 ended at 2026-01-01T01:20:01Z"
    ]
    .assert_eq(&started_before_the_end(Span::seconds(61)));
    assert_eq!(started_before_the_end(Span::seconds(60)), "", "clocks differ by so much");
}

#[test]
fn what_is_no_deployment_at_all_is_found_where_the_environment_is() {
    let scene = good();
    let mut audit = Audit::new(place(), scene.now, KEPT);
    audit.odd("deployment#x is not a number");
    expect![[r#"
        the environment: deployment#x is not a number (the rule: every record can be read, and has its own number)
    "#]]
    .assert_eq(&words(&audit.finish_before(1, None)));
}

#[test]
fn only_a_person_who_overrules_a_freeze_starts_a_deployment_in_it() {
    let in_freeze = |asked_by: RequestedBy, overrides: &[Override]| {
        let mut scene = good();
        damage(&mut scene, Rule::NotFrozen);
        let request = &mut one(&mut scene, 1).request;
        request.asked_by = asked_by;
        request.overrides = overrides.iter().copied().collect();
        found(&scene, Rule::NotFrozen).len()
    };
    let ann = || RequestedBy::Person { name: "ann".into(), why: "a test".into() };
    let push = || RequestedBy::Push { tag: "b1".into() };
    assert_eq!(in_freeze(ann(), &[Override::Freeze]), 0);
    assert_eq!(in_freeze(ann(), &[Override::Hold]), 1);
    assert_eq!(in_freeze(push(), &[Override::Freeze]), 1);
    // A manual rollback passes a freeze.
    let mut scene = good();
    damage(&mut scene, Rule::NotFrozen);
    let kind = r#"{"restore": {"from": "b0", "revisions": {}, "undo": false}}"#;
    one(&mut scene, 1).request.kind = serde_json::from_str(kind).unwrap();
    assert_eq!(found(&scene, Rule::NotFrozen), Vec::<String>::new());
}

#[test]
fn a_success_without_one_of_its_services_is_not_complete() {
    let mut scene = good();
    one(&mut scene, 3).services.pop();
    expect![[r#"
        [
            "shop-web is not recorded",
        ]
    "#]]
    .assert_debug_eq(&found(&scene, Rule::Complete));
}

#[test]
fn a_stuck_deployment_names_what_is_not_back_as_far_as_its_reason_goes() {
    let stuck_because = |because: &str| {
        let mut scene = good();
        let why = "it does not start".to_owned();
        one(&mut scene, 2).services[0].state = ServiceState::NotRolledBack { why };
        let cause = Cause::Person { by: "ann".into(), why: "it looks odd".into() };
        verdict(&mut scene, 2, Verdict::Stuck { cause, because: because.into() });
        found(&scene, Rule::StuckNamed).len()
    };
    assert_eq!(stuck_because("not rolled back: shop-api (it does not start)"), 0);
    assert_eq!(stuck_because("not rolled back: shop-w"), 1);
    assert_eq!(stuck_because("not rolled back: shop-w…"), 0, "it was cut off");
}

#[test]
fn where_a_deployment_is_stuck_no_release_is_live() {
    let migration = "{service: shop-api, container: api, command: [up], timeout: 15m}";
    let mut scene = Scene::new(&[("migration", migration)]);
    scene.push("b1", 1);
    scene.stick();
    assert_eq!((scene.head.active, &scene.head.live), (None, &None));
    assert_eq!(words(&audit(&scene)), "");
}

/// The active deployment changes the database and two services, and nothing is rolled back.
fn fail_and_stay(scene: &mut Scene) {
    starts(scene, Purpose::Migrate);
    ends(scene, Purpose::Migrate, 0);
    for task in ["task/1", "task/2"] {
        scene.answer(Event::TaskReported(report("shop-api", task, 102, scene.now)));
    }
}

#[test]
fn a_failed_deployment_leaves_no_release_live_only_where_it_left_services_changed() {
    let mut scene = migrating(&[("rollback", "manual")]);
    fail_and_stay(&mut scene);
    assert_eq!((scene.head.active, &scene.head.live), (None, &None));
    assert_eq!(found(&scene, Rule::Live), Vec::<String>::new());

    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.answer(Event::PreparationFailed { faults: vec!["no such image".into()] });
    assert_eq!((scene.head.active, scene.live()), (None, "b1"));
    assert_eq!(found(&scene, Rule::Live), Vec::<String>::new());
}

#[test]
fn a_service_that_did_not_exist_before_is_back_once_it_is_deleted() {
    let not_back = |existed: bool| {
        let mut scene = good();
        let service = &mut one(&mut scene, 2).services[0];
        service.state = ServiceState::Deleted;
        service.before.take_if(|_| !existed);
        found(&scene, Rule::Back).concat()
    };
    assert_eq!(not_back(false), "");
    assert_eq!(not_back(true), "shop-api is deleted");
}

#[test]
fn a_migration_is_run_again_only_where_both_deployments_ran_one() {
    for [before, after] in [
        [Schema::Untouched, Schema::Migrated],
        [Schema::Migrated, Schema::Untouched],
        [Schema::Untouched, Schema::Untouched],
    ] {
        let mut scene = good();
        damage(&mut scene, Rule::FailsOnce);
        one(&mut scene, 2).schema = before;
        one(&mut scene, 3).schema = after;
        assert_eq!(found(&scene, Rule::FailsOnce).len(), 1, "{before:?}, {after:?}");
        assert_eq!(found(&scene, Rule::MigratesOnce), Vec::<String>::new());
    }
}

#[test]
fn what_a_newer_release_replaced_has_not_failed() {
    let mut scene = Scene::new(&[]);
    for (version, minutes) in [("b1", 1), ("b2", 2)] {
        scene.push(version, minutes);
        scene.succeed();
    }
    scene.push_release(Release { version: "b3".into(), ..release("b1", at(3)) });
    scene.succeed();
    assert_eq!(scene.live(), "b3");
    assert_eq!(words(&audit(&scene)), "");
}

#[test]
fn a_manual_rollback_may_undo_only_a_migration_that_ran() {
    let undone = |ran: Schema| {
        let mut scene = good();
        let kind = r#"{"restore": {"from": "b2", "revisions": {}, "undo": true,
            "undoes": {"number": 2, "version": "b2", "revision": null}}}"#;
        one(&mut scene, 3).request.kind = serde_json::from_str(kind).unwrap();
        one(&mut scene, 3).schema = Schema::Undone;
        one(&mut scene, 2).schema = ran;
        found(&scene, Rule::UndoneOnce)
    };
    assert_eq!(undone(Schema::Migrated), Vec::<String>::new());
    expect![[r#"
        [
            "it undid the migration of deployment 2, which ran none",
        ]
    "#]]
    .assert_debug_eq(&undone(Schema::Untouched));
}

#[test]
fn a_failed_deployment_names_what_is_left_and_not_what_ecs_rolls_back() {
    let named = |state: ServiceState, left: &[&str]| {
        let mut scene = good();
        one(&mut scene, 2).services[0].state = state;
        let cause = Cause::Person { by: "ann".into(), why: "a test".into() };
        let left = left.iter().map(|name| (*name).into()).collect();
        verdict(&mut scene, 2, Verdict::Failed { cause, left });
        found(&scene, Rule::LeftNamed).concat()
    };
    let (deadline, waiting) = (at(0), WaitsFor::RollbackByEcs);
    let by_ecs = ServiceState::RollingBack { deadline, waiting, by_ecs: true, refused: None };
    assert_eq!(named(by_ecs, &[]), "");
    assert_eq!(named(ServiceState::Updated, &["shop-api"]), "");
    assert_eq!(named(ServiceState::Updated, &[]), "shop-api is on the release");
}
