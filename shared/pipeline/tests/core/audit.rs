//! Audits: a good history holds every rule, and each rule sees a record that breaks it.

use super::fixtures::{place, spec};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::audit::{Audit, Report, Rule};
use pipeline::deployment::{Deployment, Schema, ServiceState, State};
use pipeline::effect::Effect;
use pipeline::environment::{Migration, MigrationState};
use pipeline::request::RequestedBy;
use pipeline::spec::Environment;
use pipeline::time::{Span, Time};
use pipeline::verdict::{Cause, Verdict};

pub(crate) const KEPT: Span = Span::hours(24 * 400);

/// Two releases that succeeded, one in between that was rolled back, and the next one in progress.
pub(crate) fn good() -> Scene {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.now = scene.now + Span::minutes(10);
    scene.push("b2", 2);
    scene.fail();
    scene.now = scene.now + Span::minutes(10);
    scene.push("b3", 3);
    scene.succeed();
    scene.now = scene.now + Span::minutes(10);
    scene.push("b4", 4);
    scene.begin_rolling_out();
    // All notices are sent.
    for deployment in scene.deployments.values_mut() {
        deployment.outbox.keep(|effect| !matches!(effect, Effect::Announce(_)));
    }
    scene.head.outbox.keep(|_| false);
    scene
}

pub(crate) fn audit(scene: &Scene) -> Report {
    let mut audit = Audit::new(place(), scene.now, KEPT);
    for (number, deployment) in &scene.deployments {
        audit.deployment(*number, deployment, deployment.due());
    }
    audit.finish(&scene.head, scene.head.due())
}

pub(crate) fn words(report: &Report) -> String {
    report.findings.iter().map(|finding| format!("{finding}\n")).collect()
}

#[test]
fn a_good_history_holds_every_rule() {
    let report = audit(&good());
    assert_eq!(words(&report), "");
    assert_eq!(report.deployments, [1, 2, 3, 4]);
}

pub(crate) type Damage = fn(&mut Scene);

pub(crate) fn one(scene: &mut Scene, number: u64) -> &mut Deployment {
    scene.deployments.get_mut(&number).unwrap()
}

pub(crate) fn verdict(scene: &mut Scene, number: u64, verdict: Verdict) {
    let State::Ended { at, .. } = one(scene, number).state else { unreachable!("it has ended") };
    one(scene, number).state = State::Ended { verdict, at };
}

/// The rules of an environment with a migration.
fn with_migration() -> Environment {
    let spec = spec(&[("approval", ""), ("checks", ""), ("alarms", ""), ("bake", "")]);
    spec.environments[&place().environment].clone()
}

fn person() -> Cause {
    Cause::Person { by: "ann".into(), why: "it looks odd".into() }
}

/// Each rule, and a record that breaks it and no other one, as far as that can be.
pub(crate) const DAMAGES: &[(Rule, Damage)] = &[
    (Rule::Readable, |scene| one(scene, 2).id.number = 9),
    (Rule::Small, |scene| {
        one(scene, 3).request.asked_by =
            RequestedBy::Push { tag: "x".repeat(400_000).as_str().into() }
    }),
    (Rule::InTime, |scene| one(scene, 2).started_at = at(6000)),
    (Rule::Woken, |scene| scene.now = scene.now + Span::hours(3)),
    (Rule::OnlyNotices, |scene| {
        one(scene, 3).outbox = one(scene, 4).outbox.clone();
    }),
    (Rule::MigratedFirst, |scene| one(scene, 4).rules = with_migration()),
    (Rule::NotFrozen, |scene| {
        let spec = spec(&[("freeze", FREEZE), ("approval", ""), ("migration", "")]);
        one(scene, 1).rules = spec.environments[&place().environment].clone();
    }),
    (Rule::Complete, |scene| {
        one(scene, 3).services[2].state = ServiceState::RolledBack;
    }),
    (Rule::Proven, |scene| {
        one(scene, 3).services.iter_mut().for_each(|service| service.ran = false);
    }),
    (Rule::Quiet, |scene| {
        let reading = r#"{"state": "on", "since": 1767229200000, "muted": false,
            "discounted": false, "on_at": 1767229200000}"#;
        let memory = serde_json::from_str(reading).unwrap();
        one(scene, 3).alarms.insert("shop-5xx".into(), memory);
    }),
    (Rule::Migrated, |scene| one(scene, 3).schema = Schema::Migrated),
    (Rule::Back, |scene| {
        one(scene, 2).services[0].state = ServiceState::Updated;
    }),
    (Rule::LeftNamed, |scene| {
        let failed = Verdict::Failed { cause: person(), left: vec!["shop-web".into()] };
        one(scene, 2).services[0].state = ServiceState::Kept;
        verdict(scene, 2, failed);
    }),
    (Rule::StuckNamed, |scene| {
        let why = "it does not start".to_owned();
        one(scene, 2).services[0].state = ServiceState::NotRolledBack { why };
        verdict(scene, 2, Verdict::Stuck { cause: person(), because: "it hangs".into() });
    }),
    (Rule::Untouched, |scene| {
        verdict(scene, 2, Verdict::Cancelled { by: "ann".into(), why: "a mistake".into() });
    }),
    (Rule::Numbered, |scene| drop(scene.deployments.remove(&2))),
    (Rule::OneAtATime, |scene| scene.head.active = None),
    (Rule::NewerOnly, |scene| one(scene, 3).request.release.built_at = at(0)),
    (Rule::MigratesOnce, |scene| {
        let images = one(scene, 2).request.release.images.clone();
        one(scene, 3).request.release.images = images;
        for service in &mut one(scene, 2).services {
            service.state = ServiceState::Untouched;
        }
        one(scene, 2).rules = with_migration();
        one(scene, 2).schema = Schema::MigrationFailed;
        let cause = Cause::MigrationFailed { how: "exit code 1".into() };
        verdict(scene, 2, Verdict::Failed { cause, left: vec![] });
        one(scene, 3).rules = with_migration();
        one(scene, 3).schema = Schema::Migrated;
    }),
    (Rule::FailsOnce, |scene| {
        one(scene, 3).request.release.images = one(scene, 2).request.release.images.clone();
    }),
    (Rule::UndoneOnce, |scene| {
        scene.now = scene.now + Span::minutes(5);
        for number in [2, 3] {
            let kind = r#"{"restore": {"from": "b1", "revisions": {}, "undo": true,
                "undoes": {"number": 1, "version": "b1", "revision": null}}}"#;
            one(scene, number).request.kind = serde_json::from_str(kind).unwrap();
            one(scene, number).schema = Schema::Undone;
        }
    }),
    (Rule::Live, |scene| scene.head.live.as_mut().unwrap().number = 1),
    (Rule::Good, |scene| scene.head.good[0].number = 2),
    (Rule::Newest, |scene| {
        scene.head.high_water = Some(one(scene, 1).request.release.order().into());
    }),
    (Rule::Schema, |scene| {
        let mark = one(scene, 3).request.release.order();
        let state = MigrationState::Done;
        scene.head.migrations.push(Migration { number: 3, mark, revision: None, state });
    }),
];

const FREEZE: &str = "[{from: 2026-01-01T00:00, to: 2026-01-01T03:00, time_zone: UTC}]";

#[test]
fn each_rule_sees_what_breaks_it() {
    let mut told = String::new();
    for (rule, damage) in DAMAGES {
        let mut scene = good();
        damage(&mut scene);
        let report = audit(&scene);
        let seen = report.findings.iter().any(|finding| finding.rule == *rule);
        assert!(seen, "{}: {}", rule.name(), words(&report));
        told.push_str(&format!("{}\n", rule.name()));
        let found = |finding: &pipeline::audit::Finding| {
            let (whose, mark) = (finding.deployment, if finding.rule == *rule { "" } else { "+ " });
            let whose = whose.map_or("environment".to_owned(), |number| number.to_string());
            format!("  {mark}{whose}: {}\n", finding.found)
        };
        told.extend(report.findings.iter().map(found));
    }
    expect![[r#"
        every_record_can_be_read
          2: it is the record of shop/staging/9
        every_record_is_small_enough
          3: it has 403143 bytes; the limit is 400000
        times_are_in_order
          2: "Deploying b2, requested by push of b2." is at 2026-01-01T01:14:31Z, and its start before it at 2026-01-05T04:00:00Z
        nothing_is_due_for_ever
          4: it was due at 2026-01-01T01:44:32Z, 3h ago, and was not woken
        an_ended_deployment_asks_for_nothing
          3: it has ended, but still requests roll out, roll out
        nothing_is_touched_before_the_migration
          4: updated before the migration had succeeded: shop-api, shop-worker
        nothing_starts_in_a_freeze
          1: it started at 2026-01-01T01:00:00Z, in a freeze until 2026-01-01T03:00:00Z
        a_success_is_about_every_service
          3: shop-web was not observed on shop-web:103: it is rolled back
        a_success_ran_a_task
          3: no task of it was observed on any service
        a_success_had_no_alarm
          3: shop-5xx was in ALARM at 2026-01-01T01:00:00Z
        a_success_has_migrated
          3: the migration succeeded; expected: no migration ran
        rolled_back_is_back
          2: shop-api is on the release
        failed_names_what_is_left
          2: shop-api was left as it was
          2: it says that shop-web stayed on the new revision, which is wrong
        stuck_names_what_is_not_back
          2: not rolled back, and not named in "it hangs": shop-api
        called_off_touched_nothing
          2: shop-api is rolled back, shop-worker is rolled back
        numbers_have_no_gaps
          2: it has no record, although an earlier deployment has one
        one_deployment_at_a_time
          environment: it says that no deployment is in progress, but 4 has not ended
        automation_goes_forward_only
          3: it deployed b3 after b1 (deployment 1)
        automation_repeats_no_failed_migration
          + 3: it deployed b3, whose images failed as b2 in deployment 2
          3: it ran the migration of b3 again, which had failed with the same images in deployment 2
          + environment: it says that b3 is live, from deployment 3, but deployment 3 left b3 with other images
          + environment: it says that b3 is good, but deployment 3 succeeded with other images
        automation_repeats_no_failure
          3: it deployed b3, whose images failed as b2 in deployment 2
          + environment: it says that b3 is live, from deployment 3, but deployment 3 left b3 with other images
          + environment: it says that b3 is good, but deployment 3 succeeded with other images
        a_migration_is_undone_once
          2: it undid the migration of deployment 1, which ran none
          3: it undid the migration of deployment 1, as 2 had before
          3: it undid the migration of deployment 1, which ran none
        the_environment_knows_what_runs
          environment: it says that b3 is live, from deployment 1, but deployment 3 left b3
        what_is_good_has_succeeded
          environment: it says that b1 is good, but deployment 2 ended rolled back
        the_environment_knows_the_newest
          environment: it says that b1 is the newest, but b4 was deployed
        the_environment_knows_its_migrations
          environment: it says that the migration of deployment 3 succeeded, but the record of that deployment says that no migration ran
    "#]].assert_eq(&told);
    let damaged: Vec<Rule> = DAMAGES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(damaged, Rule::ALL, "each rule has a record that breaks it");
}

#[test]
fn names_are_names_and_words_are_sentences() {
    for rule in Rule::ALL {
        let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        assert!(rule.name().chars().all(is_name), "{}", rule.name());
        assert!(!rule.words().ends_with('.') && !rule.words().contains("  "), "{}", rule.words());
    }
}

#[test]
fn what_expired_leaves_no_gap() {
    let mut scene = good();
    scene.deployments.remove(&1);
    assert_eq!(words(&audit(&scene)), "");
    scene.deployments.remove(&2);
    assert_eq!(words(&audit(&scene)), "");
    let mut scene = good();
    scene.deployments.remove(&2);
    let later = scene.now + KEPT + Span::hours(24);
    let mut audit = Audit::new(place(), later, KEPT);
    for (number, deployment) in &scene.deployments {
        audit.deployment(*number, deployment, deployment.due());
    }
    let report = audit.finish(&scene.head, Some(Time::default()));
    let gaps = report.findings.iter().filter(|finding| finding.rule == Rule::Numbered);
    assert_eq!(gaps.count(), 0);
}

/// Whether any due record is found that is not woken.
fn not_woken(scene: &Scene, woken_at: Time) -> Vec<String> {
    let mut audit = Audit::new(place(), scene.now, KEPT);
    for (number, deployment) in &scene.deployments {
        audit.deployment(*number, deployment, deployment.due().map(|_| woken_at));
    }
    let findings = audit.finish(&scene.head, scene.head.due()).findings.into_iter();
    let not_woken = findings.filter(|finding| finding.rule == Rule::Woken);
    not_woken.map(|finding| finding.found).collect()
}

#[test]
fn what_is_woken_in_time_or_before_is_no_fault() {
    let scene = good();
    let due = scene.deployments[&4].due().unwrap();
    assert_eq!(not_woken(&scene, due), Vec::<String>::new());
    assert_eq!(not_woken(&scene, at(0)), Vec::<String>::new());
    assert_eq!(not_woken(&scene, due + Span::minutes(1)).len(), 1);
}

#[test]
fn a_migration_that_the_environment_has_forgotten_is_found() {
    // 1 may have been forgotten, 2 is known, 3 should be, and 4 has not ended.
    let mut scene = good();
    for number in 1..=4 {
        one(&mut scene, number).schema = Schema::Migrated;
    }
    let (mark, state) = (one(&mut scene, 2).request.release.order(), MigrationState::Done);
    scene.head.migrations.push(Migration { number: 2, mark, revision: None, state });
    let of_schema = |scene: &Scene| {
        let findings = audit(scene).findings.into_iter();
        let found = findings.filter(|finding| finding.rule == Rule::Schema);
        found.map(|finding| finding.found).collect::<Vec<_>>()
    };
    let found = of_schema(&scene);
    assert!(found.len() == 1 && found[0].ends_with("the migration of deployment 3"), "{found:?}");
    // A rollback by hand runs no migration of its own.
    let kind = r#"{"restore": {"from": "b1", "revisions": {}, "undo": false}}"#;
    one(&mut scene, 3).request.kind = serde_json::from_str(kind).unwrap();
    assert_eq!(of_schema(&scene), Vec::<String>::new());
}

#[test]
fn the_older_half_is_judged_without_the_environment() {
    let scene = good();
    let mut audit = Audit::new(place(), scene.now, KEPT);
    for number in [1, 2] {
        audit.deployment(number, &scene.deployments[&number], None);
    }
    assert_eq!(words(&audit.clone().finish_before(3, Some(&scene.head))), "");
    assert!(words(&audit.finish_before(4, None)).contains("deployment 3: it has no record"));
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing_else() {
    let scene = good();
    let mut audit = Audit::new(place(), scene.now, KEPT);
    for number in [1, 2, 4] {
        let deployment = &scene.deployments[&number];
        audit.deployment(number, deployment, deployment.due());
    }
    audit.unreadable(3, "it is not a Slipway record");
    let report = audit.finish(&scene.head, scene.head.due());
    expect![[r#"
        deployment 3: it is not a Slipway record (the rule: every record can be read, and has its own number)
    "#]]
    .assert_eq(&words(&report));
    assert_eq!(report.deployments, [1, 2, 3, 4]);
}
