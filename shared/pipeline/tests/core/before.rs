//! What there was before: services that are not changed, and such as do not exist yet.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use super::scene::Scene;
use super::states::{MINUTE, died_twice};
use expect_test::expect;
use pipeline::effect::{Effect, RollOut};
use pipeline::environment::Input;
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::spec::{Create, Target};

#[test]
fn a_service_that_was_not_changed_and_is_deleted_is_noticed_at_the_end() {
    let mut preparation = preparation(&SERVICES);
    preparation.services[2].after = revision("shop-web", 1);
    let story = Story::begin(&PLAIN).then(Event::Prepared(preparation));
    let story =
        story.all([rollout_started("shop-api"), rollout_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    assert_eq!(story.state(), "confirming");
    expect!["superseded: shop-web was deleted outside Slipway"]
        .assert_eq(&story.then(gone("shop-web", seen_at)).outcome());
}

/// `shop-web` is created where it does not exist.
const CREATES_WEB: (&str, &str) = (
    "services",
    "[[shop-api, shop-worker], {name: shop-web, base: {template: {family: shop-web, cpu: '256', \
     memory: '512', networkMode: awsvpc, requiresCompatibilities: [FARGATE], \
     executionRoleArn: 'arn:aws:iam::123456789012:role/shop', \
     containerDefinitions: [{name: web, image: shop-web, essential: true}]}}, create: \
     {desired_count: 2, subnets: [subnet-0a1b2c3d4e5f60001], security_groups: \
     [sg-0a1b2c3d4e5f60003]}}]",
);

/// `shop-web` does not exist yet, is created, and its tasks fail.
pub(crate) fn first_deploy_fails(policy: &str) -> Story {
    let mut preparation = preparation(&SERVICES);
    preparation.services[2].before = None;
    let changes = [("first_deploy", policy), CREATES_WEB, ("migration", ""), ("approval", "")];
    let story = Story::begin(&changes).then(Event::Prepared(preparation)).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 2, seen_at), up("shop-worker", 2, seen_at)]);
    let story = story.then(rollout_started("shop-web"));
    let deaths = died_twice(&story, "shop-web");
    story.all(deaths)
}

fn first_deploy(policy: &str) -> Story {
    let story = first_deploy_fails(policy);
    let story = story.then(Event::Removed { service: "shop-web".into() });
    let story =
        story.all([rollback_started("shop-api"), rollback_started("shop-worker")]).quietly(VISIBLE);
    let seen_at = story.now;
    let story = story.all([up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)]);
    let story = story.later(MINUTE + MINUTE);
    let seen_at = story.now;
    let back = [up("shop-api", 1, seen_at), up("shop-worker", 1, seen_at)];
    story.all(back.into_iter().chain([gone("shop-web", seen_at)]))
}

#[test]
fn trap_10_a_first_deploy_that_fails_is_left_or_removed_as_the_spec_says() {
    expect!["failed: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited; still on the new revision: shop-web"].assert_eq(&first_deploy("leave").outcome());
    expect!["rolled back: 2 tasks of shop-web failed: container api exited with 1, Essential container in task exited"].assert_eq(&first_deploy("remove").outcome());
}

#[test]
fn a_migration_takes_its_network_from_the_spec_only_while_its_own_service_is_new() {
    let migration = ("migration", "{service: shop-web, container: web, command: [up]}");
    let created_with = |new: &[&str]| {
        let mut preparation = preparation(&SERVICES);
        for service in &mut preparation.services {
            service.before.take_if(|_| new.contains(&service.name.as_str()));
        }
        let story = Story::begin(&[CREATES_WEB, migration, ("approval", "")]);
        let story = story.then(Event::Prepared(preparation));
        let entries = story.deployment.outbox.entries().iter();
        let mut one_offs = entries.filter_map(|entry| match &entry.effect {
            Effect::RunOneOff(one_off) => Some(one_off.create.as_ref()?.desired_count),
            _ => None,
        });
        one_offs.next()
    };
    assert_eq!(created_with(&["shop-web"]), Some(2));
    assert_eq!(created_with(&["shop-api"]), None);
    assert_eq!(created_with(&[]), None);
}

/// `shop-api` was updated outside Slipway since `b1` succeeded, and goes back to that.
#[test]
fn what_ran_in_place_of_a_good_revision_does_not_become_good_by_rolling_back_to_it() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    let ran = [("shop-api", 8), ("shop-worker", 101), ("shop-web", 101)];
    let services = ran.map(|(name, number)| PreparedService {
        name: name.into(),
        before: Some(revision(name, number)),
        after: revision(name, 102),
    });
    let prepared = Preparation { services: services.into(), ..Preparation::default() };
    scene.answer(Event::Prepared(prepared));
    assert!(scene.active().timeline.last(2)[0].starts_with("Warning: shop-api runs shop-api:8"));
    scene.roll_back(None);
    for (name, number) in ran {
        let revision = revision(name, number);
        scene.answer(Event::RollbackStarted { service: name.into(), revision, rollout: None });
    }
    while scene.head.active.is_some() {
        scene.now = scene.now + MINUTE;
        scene.tell(Input::Woken);
        for (name, number) in ran {
            if scene.head.active.is_some() {
                scene.answer(up(name, number, scene.now));
            }
        }
    }
    expect![[r#"
        1 b1: succeeded
        2 b2: rolled back: requested by ann: it looks odd
    "#]]
    .assert_eq(&scene.verdicts());
    assert_eq!(scene.head.good[0].revisions[&"shop-api".into()], revision("shop-api", 101));
}

#[test]
fn a_restart_is_of_the_same_revision_and_creates_nothing() {
    let create = first_create();
    let roll_out = |before: Option<u32>, fresh: bool, create: Option<&Create>| RollOut {
        target: Target::Cluster("shop".into()),
        service: "shop-api".into(),
        before: before.map(|number| revision("shop-api", number)),
        revision: revision("shop-api", 2),
        create: create.cloned(),
        fresh,
        container: None,
    };
    assert!(roll_out(Some(2), true, None).restarts());
    assert!(roll_out(None, true, None).restarts());
    assert!(!roll_out(Some(2), false, None).restarts());
    assert!(!roll_out(Some(1), true, None).restarts());
    assert!(!roll_out(None, true, Some(&create)).restarts());
    assert!(roll_out(Some(1), false, None).knows_before());
    assert!(roll_out(None, false, Some(&create)).knows_before());
    assert!(!roll_out(None, false, None).knows_before());
}

fn first_create() -> Create {
    Create {
        desired_count: 1,
        subnets: vec![],
        security_groups: vec![],
        public_ip: false,
        load_balancer: None,
    }
}
