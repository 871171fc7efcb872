//! How large a record may become: DynamoDB takes 400 KB in one item.

use super::fixtures::{digest, place};
use super::scene::{Scene, at};
use pipeline::effect::Effect;
use pipeline::environment::{Context, Control, Environment, Failed, Good, Head, Input, advance};
use pipeline::names::{EnvironmentName, ImageName, Revision, ServiceName};
use pipeline::push::{Candidate, Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::spec::{Application, parse};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What DynamoDB takes in one item, with some room for what lies beside a record.
const ITEM_MAX: usize = 400 * 1024 - 1024;

/// A spec with as many services and images as it may have, and with names as long as they may be.
fn large(services: usize, letters: usize, images: usize) -> Application {
    let mut text = String::from("application: large\nimages:\n");
    for image in 0..images {
        let _ = writeln!(text, "  {image:a>32}: large-{image}");
    }
    let names: Vec<_> = (0..services).map(|number| format!("{number:s>letters$}")).collect();
    let _ = write!(
        text,
        "environments:\n  staging:\n    cluster: c\n    queue: every\n    services: [[{}]]\n    \
         deploy_on: {{tags: [\"v*\"]}}\n",
        names.join(", ")
    );
    parse(&text).unwrap()
}

fn release_of(spec: &Application, number: u64) -> Release {
    let images =
        spec.images.keys().map(|image| (image.clone(), digest(&format!("{image}{number}"))));
    Release::new(format!("v1.{number}.0").as_str().into(), at(number), images.collect())
}

/// What ECS calls the revisions; a family may be as long as a service.
fn revisions_of(spec: &Application) -> BTreeMap<ServiceName, Revision> {
    let rules = &spec.environments[&place().environment];
    let arn = "arn:aws:ecs:ap-southeast-2:123456789012:task-definition";
    let revision = |name: &ServiceName| Revision::new(format!("{arn}/{name}:12345"));
    rules.services().map(|(_, service)| (service.name.clone(), revision(&service.name))).collect()
}

fn push_of(spec: &Application, number: u64) -> Input {
    let release = release_of(spec, number);
    Input::Requested(Box::new(Request {
        id: format!("push {}", release.version).as_str().into(),
        kind: Kind::Deploy,
        asked_by: RequestedBy::Push { tag: release.version.as_str().into() },
        asked_at: release.built_at,
        release,
        confirm: None,
        overrides: Default::default(),
        fresh: false,
        skip_migration: None,
    }))
}

/// Lets so much happen there that nothing in its head is empty, and returns the head.
fn busy_head(spec: &Application) -> Head {
    let followers: Vec<EnvironmentName> =
        (0..19).map(|number| EnvironmentName::new(format!("{number:f>32}"))).collect();
    let context = Context {
        rules: spec.environments.get(&place().environment),
        repositories: &spec.images,
        promotes_to: &followers,
        promoted_from: None,
        is_source_unreadable: false,
    };
    let mut head = Head::new(place());
    for number in 0..20 {
        let release = release_of(spec, number);
        head.good.push(Good {
            release,
            number,
            at: at(number),
            revisions: revisions_of(spec),
            needs: None,
        });
        head.older_good.push(release_of(spec, 100 + number));
    }
    let why = "because ".repeat(70);
    head.failed = (200..250)
        .map(|number| {
            let Release { images, version, .. } = release_of(spec, number);
            Failed { images, version, number, why: why.clone(), migration: true }
        })
        .collect();
    let long = "because ".repeat(1000);
    let mut told = Vec::new();
    let said = |control| Input::Controlled { by: long.clone(), why: long.clone(), control };
    told.extend(
        (0..150)
            .map(|n| said(Control::MarkBad { digest: digest(&format!("b{n}")), version: None })),
    );
    told.extend([said(Control::Hold { firm: true }), said(Control::Pause)]);
    told.extend((30..60).map(|number| push_of(spec, number)));
    for input in told {
        let environment = Environment { head, deployment: None };
        head = advance(environment, input, &context, at(70)).head;
    }
    head
}

#[test]
fn a_head_fits_into_an_item_however_many_services_there_are() {
    for (services, letters, images) in [(3, 20, 3), (50, 40, 50), (200, 40, 50), (75, 255, 50)] {
        let head = busy_head(&large(services, letters, images));
        let size = serde_json::to_string(&head).unwrap().len();
        assert!(size < ITEM_MAX, "{services} services of {letters} letters: {size} bytes");
        assert!(!head.good.is_empty() && !head.queue.is_empty());
        assert_eq!(head.queue.len() < 20, services > 3, "as long as it fits");
        if services == 3 {
            assert_eq!((head.good.len(), head.queue.len(), head.bad.len()), (20, 20, 100));
            assert_eq!(head.failed.len(), 50);
        }
    }
}

#[test]
fn a_success_in_a_large_environment_is_remembered() {
    let mut scene = Scene::new(&[]);
    for number in 1..=30 {
        scene.push(&format!("b{number}"), number);
        scene.succeed();
    }
    assert_eq!((scene.head.good.len(), scene.head.older_good.len()), (20, 10));
}

#[test]
fn a_tag_that_is_pushed_endlessly_does_not_fill_its_candidate() {
    let spec = super::fixtures::spec(&[("deploy_on", "{tags: [\"r*\"], images: [api]}")]);
    let push = |number: u64| Push {
        repository: "shop-api".into(),
        digest: digest(&format!("build-{number}-")),
        tag: Some("r1".into()),
        artifact_media_type: None,
        pushed_at: at(number),
        details: Details::default(),
    };
    let belongs = push(0).belongs(&spec).unwrap().into_iter().next().unwrap();
    let mut candidate = Candidate::new("shop".into(), &belongs, &push(0));
    for number in 0..500 {
        candidate.pushed(&ImageName::from("api"), &push(number), &spec, at(number));
        candidate.outbox = Default::default();
    }
    assert!(candidate.replaced.len() <= 100, "{}", candidate.replaced.len());
}

#[test]
fn what_succeeded_long_ago_is_forgotten_before_anything_else() {
    let head = busy_head(&large(75, 255, 50));
    assert!(head.older_good.is_empty());
}

#[test]
fn releases_that_wait_to_be_promoted_count_for_the_size_of_a_head() {
    let spec = large(3, 20, 50);
    let mut head = Head::new(place());
    head.older_good.push(release_of(&spec, 1));
    for number in 2..=4 {
        for follower in 0..19 {
            let environment = EnvironmentName::new(format!("{follower:f>32}"));
            let release = release_of(&spec, number);
            head.outbox.add(Effect::Promote { environment, release }, at(number));
        }
    }
    let context = Context {
        rules: spec.environments.get(&place().environment),
        repositories: &spec.images,
        promotes_to: &[],
        promoted_from: None,
        is_source_unreadable: false,
    };
    let environment = Environment { head, deployment: None };
    let head = advance(environment, Input::Woken, &context, at(70)).head;
    assert!(head.older_good.is_empty(), "it gives way");
    assert_eq!(head.outbox.entries().len(), 57, "they do not");
}
