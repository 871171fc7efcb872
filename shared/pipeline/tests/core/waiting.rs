//! The queue: a request starts, or its sender is notified why it does not.

use super::fixtures::{digest, release, spec};
use super::scene::{Scene, at};
use expect_test::expect;
use pipeline::environment::{Control, Input, RequestOutcome};
use pipeline::request::Override;
use pipeline::time::Span;

fn request_outcome(scene: &Scene, id: &str) -> String {
    let request_outcomes = &scene.head.request_outcomes;
    let fate =
        request_outcomes.iter().find(|(known, _)| known.as_str() == id).map(|(_, fate)| fate);
    match fate {
        Some(RequestOutcome::Started { number }) => format!("started as {number}"),
        Some(RequestOutcome::Declined { why }) => format!("declined: {why}"),
        None => "unknown".to_owned(),
    }
}

#[test]
fn a_release_that_waits_is_declined_when_the_spec_renames_its_image() {
    let mut scene = Scene::new(&[]);
    scene.control(Control::Hold { firm: true });
    scene.push("b1", 1);
    scene.rename_image("web", "frontend");
    scene.control(Control::Unhold);
    assert_eq!(scene.head.active, None);
    expect![[r#"
        b1: the spec has no image called web; deploy it by hand
    "#]]
    .assert_eq(&scene.declined());
}

#[test]
fn a_release_that_waits_is_declined_when_the_spec_asks_for_one_more_image() {
    let mut scene = Scene::new(&[]);
    scene.control(Control::Hold { firm: true });
    scene.push("b1", 1);
    scene.spec.images.insert("cron".into(), "shop-cron".into());
    let rules = scene.spec.environments.get_mut(&"staging".into()).unwrap();
    rules.deploy_on.as_mut().unwrap().images.push("cron".into());
    scene.control(Control::Unhold);
    assert_eq!(scene.head.active, None);
    expect![[r#"
        b1: it has no image cron, which deploy_on.images requires; deploy it by hand
    "#]]
    .assert_eq(&scene.declined());
}

#[test]
fn a_promotion_whose_image_was_renamed_is_declined_with_a_notice() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{promoted_from: dev}")]);
    scene.dev_succeeded("b1", 1);
    scene.rename_image("web", "frontend");
    expect!["no: the spec has no image called web; deploy it by hand"]
        .assert_eq(&scene.promote("b1", 1));
    expect![[r#"
        b1: the spec has no image called web; deploy it by hand
    "#]]
    .assert_eq(&scene.declined());
    expect!["declined: the spec has no image called web; deploy it by hand"]
        .assert_eq(&request_outcome(&scene, "promotion of b1 from dev by deployment 1"));
}

#[test]
fn half_a_release_is_not_promoted() {
    let mut scene = Scene::new_promoted(&[("deploy_on", "{promoted_from: dev}")]);
    let mut half = release("b1", at(1));
    half.images.remove(&"web".into());
    scene.dev_succeeded("b1", 1);
    let promotable = Input::Promotable { from: "dev".into(), release: half };
    expect!["no: it has no image web, which deploy_on.images requires; deploy it by hand"]
        .assert_eq(&scene.tell(promotable));
    expect![[r#"
        b1: it has no image web, which deploy_on.images requires; deploy it by hand
    "#]]
    .assert_eq(&scene.declined());
    assert!(scene.deployments.is_empty());
}

#[test]
fn waiting_for_a_success_elsewhere_has_an_end() {
    let changes = [("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")];
    let mut scene = Scene::new_promoted(&changes);
    expect!["yes: queued: it has not succeeded in dev yet"].assert_eq(&scene.push("v1.0.0", 1));
    let due = scene.head.queue[0].until.unwrap();
    expect!["168h"].assert_eq(&due.since(scene.now).to_string());
    scene.now = due;
    scene.tell(Input::Woken);
    assert!(scene.head.queue.is_empty());
    expect![[r#"
        v1.0.0: it has not succeeded in dev yet; it was queued for too long
    "#]]
    .assert_eq(&scene.declined());
}

#[test]
fn waiting_for_a_person_has_an_end() {
    let mut scene = Scene::new(&[]);
    scene.control(Control::Pause);
    scene.push("b1", 1);
    // Other events do not extend the wait.
    scene.now = scene.now + Span::hours(24 * 29);
    scene.control(Control::Hold { firm: true });
    assert_eq!(scene.head.queue.len(), 1);
    scene.now = scene.now + Span::hours(24);
    scene.tell(Input::Woken);
    expect![[r#"
        b1: on hold by ann: a holiday; it was queued for too long
    "#]]
    .assert_eq(&scene.declined());
    assert!(scene.head.queue.is_empty());
}

#[test]
fn a_release_that_succeeded_long_ago_is_still_promoted() {
    let changes = [("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")];
    let mut scene = Scene::new_promoted(&changes);
    let mut dev = Scene::new(&[]);
    for number in 1..=30 {
        dev.push(&format!("b{number}"), number);
        dev.succeed();
    }
    scene.source = Some(dev.head);
    let mut tagged = release("b1", at(40));
    tagged.version = "v1.0.0".into();
    expect!["yes: deployment 1 of v1.0.0 has started"].assert_eq(&scene.push_release(tagged));
}

#[test]
fn a_release_that_was_rolled_back_long_ago_is_not_promoted() {
    let changes = [("deploy_on", "{tags: [\"v*\"], promoted_from: dev}")];
    let mut scene = Scene::new_promoted(&changes);
    let mut dev = Scene::new(&[]);
    for number in 1..=2 {
        dev.push(&format!("b{number}"), number);
        dev.succeed();
    }
    dev.roll_back(None);
    dev.succeed();
    for number in 3..=30 {
        dev.push(&format!("b{number}"), number);
        dev.succeed();
    }
    dev.head.bad.clear();
    scene.source = Some(dev.head);
    let mut tagged = release("b2", at(40));
    tagged.version = "v1.0.0".into();
    expect!["yes: queued: it has not succeeded in dev yet"].assert_eq(&scene.push_release(tagged));
}

#[test]
fn the_oldest_release_gives_way_where_every_one_waits() {
    let mut scene = Scene::new(&[("queue", "every")]);
    scene.control(Control::Hold { firm: true });
    for number in 1..=21 {
        scene.push(&format!("b{number}"), number);
    }
    expect![[r#"
        b1: the queue is full, and this is its oldest release
    "#]]
    .assert_eq(&scene.declined());
    let last = scene.head.queue.last().unwrap();
    assert_eq!(last.request.release.version.as_str(), "b21");
    // A late older one is dropped itself.
    expect!["no: the queue is full, and this is its oldest release"]
        .assert_eq(&scene.push("b0", 0));
    // Automation does not block a person, nor another one.
    expect!["yes: deployment 1 of b30 has started"].assert_eq(&scene.deploy(
        "b30",
        30,
        &[Override::Hold],
    ));
    expect!["yes: queued: deployment 1 is in progress"].assert_eq(&scene.deploy("b31", 31, &[]));
}

#[test]
fn a_release_that_may_not_start_leaves_the_one_that_waits_for_approval() {
    for keep_out in [Control::Pause, Control::Hold { firm: true }] {
        let mut scene = Scene::new(&[("approval", "true")]);
        scene.push("b1", 1);
        scene.control(keep_out.clone());
        scene.push("b2", 2);
        expect![[r#"
            1 b1: under way
        "#]]
        .assert_eq(&scene.verdicts());
        // As soon as it may start, it takes the place of the older one.
        scene.control(match keep_out {
            Control::Pause => Control::Resume,
            _ => Control::Unhold,
        });
        expect![[r#"
            1 b1: superseded: b2 is newer
            2 b2: under way
        "#]]
        .assert_eq(&scene.verdicts());
    }
}

#[test]
fn what_waits_for_the_end_of_a_freeze_behind_an_approval_takes_its_place_then() {
    let freeze = "[{from: 2026-01-01T00:30, to: 2026-01-01T03:00, time_zone: UTC}]";
    let mut scene = Scene::new(&[("approval", "{expires: 24h}"), ("freeze", freeze)]);
    scene.now = at(20);
    scene.push("b1", 1);
    scene.now = at(60);
    scene.push("b2", 2);
    expect![[r#"
        b2: frozen until 2026-01-01T03:00:00Z
    "#]]
    .assert_eq(&scene.queue());
    assert_eq!(scene.head.queue[0].until, Some(at(180)));
    scene.now = at(180);
    scene.tell(Input::Woken);
    expect![[r#"
        1 b1: superseded: b2 is newer
        2 b2: under way
    "#]]
    .assert_eq(&scene.verdicts());
}

#[test]
fn what_a_person_asked_for_starts_after_a_rollback_if_it_is_newer() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.deploy("b3", 3, &[]);
    scene.fail();
    expect![[r#"
        1 b1: succeeded
        2 b2: rolled back: requested by ann: it looks odd
        3 b3: under way
    "#]]
    .assert_eq(&scene.verdicts());
}

/// A hold that is restored, because the deployment that overrode it has left no trace, does not
/// apply to earlier requests.
#[test]
fn a_persons_request_starts_despite_a_restored_hold_if_it_is_newer() {
    for later in [Span::default(), Span::minutes(1)] {
        let mut scene = Scene::new(&[]);
        scene.push("b1", 1);
        scene.succeed();
        scene.push("b2", 2);
        scene.fail();
        scene.push("b3", 3);
        scene.deploy("b4", 4, &[]);
        scene.now = scene.now + later;
        scene.control(Control::Cancel);
        expect![[r#"
            1 b1: succeeded
            2 b2: rolled back: requested by ann: it looks odd
            3 b3: cancelled by ann: a holiday
            4 b4: under way
        "#]]
        .assert_eq(&scene.verdicts());
    }
}

#[test]
fn what_a_person_asked_for_is_declined_with_the_words_where_it_may_not_start() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.succeed();
    scene.push("b2", 2);
    scene.deploy("b0", 0, &[]);
    scene.fail();
    expect![[r#"
        b0: the environment is on hold by ann (b2 was rolled back: requested by ann: it looks odd); to deploy anyway, add "override": ["hold"]
    "#]].assert_eq(&scene.declined());
    expect![[r#"declined: the environment is on hold by ann (b2 was rolled back: requested by ann: it looks odd); to deploy anyway, add "override": ["hold"]"#]].assert_eq(&request_outcome(&scene, "click 1"));
}

#[test]
fn nothing_starts_where_the_environment_left_the_spec() {
    let mut scene = Scene::new(&[]);
    scene.push("b1", 1);
    scene.push("b2", 2);
    scene.leave_the_spec();
    scene.succeed();
    expect![[r#"
        1 b1: succeeded
    "#]]
    .assert_eq(&scene.verdicts());
    expect![[r#"
        b2: the spec has no environment shop/staging
    "#]]
    .assert_eq(&scene.declined());
    expect!["no: the spec has no environment shop/staging"].assert_eq(&scene.push("b3", 3));
    expect!["no: the spec has no environment shop/staging"].assert_eq(&scene.roll_back(Some("b1")));
    // It is added again, and everything works again.
    scene.spec = spec(&super::fixtures::PLAIN);
    expect!["yes: deployment 2 of b4 has started"].assert_eq(&scene.push("b4", 4));
}

#[test]
fn no_approval_starts_anything_where_the_environment_left_the_spec() {
    let mut scene = Scene::new(&[("approval", "{expires: 2h}")]);
    scene.push("b1", 1);
    scene.leave_the_spec();
    let approve = Control::Approve { version: "b1".into(), overrides: Default::default() };
    expect!["no: the spec has no environment shop/staging"].assert_eq(&scene.control(approve));
    scene.now = scene.now + Span::hours(2);
    scene.tell(Input::Woken);
    expect![[r#"
        1 b1: rejected by timeout: not approved in time; deploy it again to request approval again
    "#]]
    .assert_eq(&scene.verdicts());
    scene.tell(Input::HeadAnswered { effect: 1 });
    assert_eq!(scene.head.due(), None);
}

#[test]
fn a_digest_marked_by_a_person_is_not_forgotten_for_others() {
    let mut scene = Scene::new(&[]);
    let by_hand = digest("by-hand");
    scene.control(Control::MarkBad { digest: by_hand.clone(), version: None });
    for number in 1..=60 {
        scene.push(&format!("b{number}"), number);
        scene.fail();
    }
    assert_eq!(scene.head.bad.len(), 100);
    assert!(scene.head.bad.iter().any(|bad| bad.digest == by_hand));
    for number in 1..=200 {
        scene
            .control(Control::MarkBad { digest: digest(&format!("more-{number}")), version: None });
    }
    assert_eq!(scene.head.bad.len(), 100);
}

/// A person waits for the end like automation, and replaces nothing of it.
#[test]
fn what_a_person_deploys_does_not_replace_what_waits_for_approval() {
    let mut scene = Scene::new(&[("approval", "true")]);
    scene.push("b1", 1);
    scene.deploy("b2", 2, &[]);
    assert_eq!((scene.head.active, scene.head.queue.len()), (Some(1), 1));
}
