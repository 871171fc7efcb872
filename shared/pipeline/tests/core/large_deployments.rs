//! No record outgrows DynamoDB's limit for an item.

use super::events::{TASK, died, observation, revision, rollout, rollout_started, trouble};
use super::fixtures::{START, Story, place, request};
use super::scene::Scene;
use super::states::MINUTE;
use expect_test::expect;
use pipeline::deployment::{Deployment, Entry, ServiceState, State};
use pipeline::effect::Effect;
use pipeline::environment::Input;
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::names::{DeploymentId, Revision, ServiceName, TaskId};
use pipeline::notice::{News, Notice};
use pipeline::observation::Progress;
use pipeline::release::Origin;
use pipeline::request::{Kind, ManualRollback, Request};
use pipeline::size::{RECORD_MAX, bytes};
use pipeline::spec::{Application, Base, parse};
use pipeline::task::Fault;
use pipeline::verdict::{Cause, Verdict};
use pipeline::waits::WaitsFor;
use std::collections::BTreeMap;

fn large(services: usize, template: usize) -> String {
    let filler = "x".repeat(template);
    let services: Vec<String> = (0..services)
        .map(|number| match template {
            0 => format!("orders-{number:03}-service"),
            _ => format!(
                "{{name: orders-{number:03}-service, base: {{template: {{family: orders-{number:03}, \
                 cpu: '256', memory: '512', networkMode: awsvpc, requiresCompatibilities: [FARGATE], \
                 executionRoleArn: 'arn:aws:iam::123456789012:role/shop', \
                 containerDefinitions: [{{name: api, image: shop-api, essential: true, \
                 environment: [{{name: FILLER, value: {filler}}}]}}]}}}}}}"
            ),
        })
        .collect();
    format!(
        "application: shop\nimages: {{api: shop-api, web: shop-web}}\nenvironments:\n  staging: \
         {{cluster: shop-staging, services: [[{}]]}}\n",
        services.join(", ")
    )
}

/// A manual rollback: nothing ends it, however many tasks fail.
fn restore(spec: &Application) -> Story {
    let rules = spec.environments[&place().environment].clone();
    let revisions = rules.services().map(|(_, one)| (one.name.clone(), before(&one.name)));
    let restore = ManualRollback {
        from: "b2".into(),
        revisions: revisions.collect(),
        undo: false,
        undoes: None,
    };
    let request = Request { kind: Kind::ManualRollback(restore), ..request("b1", START) };
    let id = DeploymentId { place: place(), number: 7 };
    Story {
        deployment: Deployment::start(id, request, rules, spec.images.clone(), START),
        now: START,
    }
}

fn before(service: &ServiceName) -> Revision {
    revision(service.as_str(), 1)
}

fn names(story: &Story) -> Vec<ServiceName> {
    story.deployment.rules.services().map(|(_, service)| service.name.clone()).collect()
}

fn preparation_of(names: &[ServiceName]) -> Preparation {
    let services = names.iter().map(|name| PreparedService {
        name: name.clone(),
        before: Some(before(name)),
        after: revision(name.as_str(), 2),
    });
    Preparation { services: services.collect(), ..Preparation::default() }
}

fn check(story: &Story, when: &str) {
    let size = bytes(&story.deployment);
    assert!(size <= RECORD_MAX, "{size} bytes {when}");
}

/// Everything that can be written into it is, and as long as it can be.
fn play(spec: &Application) -> Story {
    let mut story = restore(spec);
    check(&story, "at the start");
    let names = names(&story);
    let warnings = names.iter().map(|name| format!("{name}: {}", "w".repeat(400))).collect();
    story.tell(Event::Prepared(Preparation { warnings, ..preparation_of(&names) }));
    check(&story, "prepared");
    for name in &names {
        story.tell(rollout_started(name.as_str()));
    }
    check(&story, "rolling out");
    // Every service has a long reason, and many failed tasks.
    let said = "a container could not be started, again and again ".repeat(6);
    for service in &mut story.deployment.services {
        let task = |number: usize| TaskId::new(format!("{TASK}-{}-{number:032x}", service.name));
        service.died = (0..100).map(task).collect();
        service.state =
            ServiceState::Updating { deadline: story.now, waiting: WaitsFor::Words(said.clone()) };
    }
    for name in names.iter().cycle().take(40) {
        story.tell(died(name.as_str(), &format!("last-of-{name}"), story.now));
    }
    check(&story, "while tasks die");
    for service in &mut story.deployment.services {
        service.state = ServiceState::NotRolledBack { why: said.clone() };
    }
    story.tell(died(names[0].as_str(), "the very last one", story.now));
    check(&story, "when nothing goes back");
    story
}

#[test]
fn a_template_stands_once_in_a_deployment() {
    let spec = parse(&large(40, 5000)).unwrap();
    let rules = &spec.environments[&place().environment];
    let story = restore(&spec);
    assert!(bytes(&story.deployment) < bytes(rules) + 50_000, "{}", bytes(&story.deployment));
    let asked = &story.deployment.outbox.entries()[0].effect;
    let Effect::Prepare(whole) = story.deployment.whole(asked) else { panic!("{asked:?}") };
    assert_eq!(*whole, story.deployment.preparation());
    assert_eq!(whole.services.len(), 40);
}

#[test]
fn what_an_older_slipway_asked_is_asked_as_it_stands() {
    let story = restore(&parse(&large(2, 100)).unwrap());
    let mut older = story.deployment.preparation();
    older.services.pop();
    let older = Effect::Prepare(Box::new(older));
    assert_eq!(story.deployment.whole(&older), older);
}

#[test]
fn the_largest_deployments_that_a_spec_allows_can_be_stored() {
    for services in [200, 40] {
        let fits = |template: usize| parse(&large(services, template)).is_ok();
        let (mut largest, mut too_large) = (0, 60_000);
        assert!(fits(largest));
        while too_large - largest > 50 {
            let middle = usize::midpoint(largest, too_large);
            *if fits(middle) { &mut largest } else { &mut too_large } = middle;
        }
        play(&parse(&large(services, largest)).unwrap());
    }
}

#[test]
fn tasks_are_counted_though_only_the_last_ones_are_known() {
    let mut story = restore(&parse(&large(2, 0)).unwrap());
    story.tell(Event::Prepared(preparation_of(&names(&story))));
    let name = names(&story)[1].clone();
    story.tell(rollout_started(name.as_str()));
    for number in 0..250 {
        for _ in 0..2 {
            story.tell(died(name.as_str(), &format!("{TASK}{number}"), story.now));
        }
    }
    let service = story.deployment.services.iter().find(|service| service.name == name).unwrap();
    assert_eq!((service.died_before, service.died.len()), (150, 100));
    let stored = serde_json::to_string(&story.deployment).unwrap();
    assert_eq!(serde_json::from_str::<Deployment>(&stored).unwrap(), story.deployment);
}

#[test]
fn a_long_list_of_faults_can_be_stored() {
    for services in [200, 3] {
        let mut story = restore(&parse(&large(services, 0)).unwrap());
        let faults = (0..900).map(|fault| format!("{fault}: {}", "x".repeat(900))).collect();
        story.tell(Event::PreparationFailed { faults });
        check(&story, "after it failed");
        let Some(Verdict::Failed { cause: Cause::Preflight { faults }, .. }) =
            story.deployment.verdict()
        else {
            panic!("{:?}", story.deployment.state)
        };
        assert_eq!((faults.len(), faults[30].as_str()), (31, "and 870 more"));
    }
}

#[test]
fn what_could_never_be_deployed_is_refused_with_a_number() {
    let refused = |services, template| parse(&large(services, template)).unwrap_err().to_string();
    expect!["environments.staging: a deployment of its 60 services takes up to 449 KB in the table, and it may take 400 KB; make the templates smaller, or split them into several applications"].assert_eq(&refused(60, 5000));
    expect![[r#"
        the spec takes 684 KB in the table, and it may take 400 KB; make its templates smaller, or split it into several applications
        environments.staging: a deployment of its 200 services takes up to 977 KB in the table, and it may take 400 KB; make the templates smaller, or split them into several applications"#]].assert_eq(&refused(200, 3000));
}

/// An older version stored such a spec, and every push was offered again endlessly.
#[test]
fn what_a_stored_spec_can_never_deploy_is_declined_with_a_notice() {
    let mut scene = Scene::new(&[]);
    let rules = scene.spec.environments.get_mut(&place().environment).unwrap();
    rules.waves[0][0].base = Base::Template {
        definition: serde_json::json!({"filler": "x".repeat(RECORD_MAX)}),
        parameters: BTreeMap::new(),
    };
    expect!["no: a deployment of its 3 services takes up to 455 KB in the table, and it may take 400 KB; make the templates smaller, or split them into several applications"].assert_eq(&scene.push("b1", 1));
    let asked = scene.head.outbox.entries().iter().map(|entry| &entry.effect);
    let told: Vec<_> = asked
        .map(|effect| match effect {
            Effect::Announce(notice) => matches!(notice.news, News::Declined { .. }),
            _ => false,
        })
        .collect();
    assert_eq!((told, scene.deployments.len()), (vec![true], 0));
}

#[test]
fn a_look_at_two_hundred_services_is_taken_in() {
    let name = |number: usize| format!("{}-{number:03}", "orders-of-the-whole-company".repeat(2));
    let now = START;
    let rollouts = |name: &str| {
        (1..=3)
            .map(|number| rollout(name, number, number == 1, Progress::Completed, 2))
            .collect::<Vec<_>>()
    };
    let services = (0..200).map(|number| observation(&name(number), now, rollouts(&name(number))));
    let input = Input::Happened(Event::Observed { services: services.collect() });
    assert!(bytes(&input) > 128 * 1024);
    assert_eq!(input.implausible(now), None);
}

/// However many notices wait for an answer, the last ones are kept, and what is asked of workers.
#[test]
fn notices_give_way_where_a_deployment_would_become_too_large() {
    let mut story = Story::begin(&[("approval", "")]);
    let outbox = &mut story.deployment.outbox;
    outbox.keep(|effect| !matches!(effect, Effect::Announce(_)));
    for number in 0..50 {
        let notice = Notice {
            place: place(),
            deployment: Some(7),
            version: format!("b{number}").as_str().into(),
            origin: Origin::default(),
            rolls_back_from: None,
            asked_by: "ann".into(),
            at: START,
            news: News::RollingBack { cause: "x".repeat(9000) },
        };
        outbox.add(Effect::Announce(Box::new(notice)), START);
    }
    story.tell(Event::Woken);
    check(&story, "with fifty notices");
    let kept = story.deployment.outbox.entries().iter().map(|entry| match &entry.effect {
        Effect::Announce(notice) => notice.version.to_string(),
        effect => effect.name().to_owned(),
    });
    assert_eq!(kept.collect::<Vec<_>>(), ["prepare", "b47", "b48", "b49"]);
}

#[test]
fn what_services_wait_for_gives_way_and_whose_fault_it_is_does_not() {
    let mut story = restore(&parse(&large(200, 0)).unwrap());
    story.tell(Event::Prepared(preparation_of(&names(&story))));
    let long = |letter: &str| letter.repeat(300);
    let trouble = |number: usize| {
        WaitsFor::Trouble(trouble(&format!("{number}{}", long("t")), Some(Fault::Capacity)))
    };
    let deadline = story.now;
    for service in &mut story.deployment.services {
        let words = (0..7).map(|number| WaitsFor::Words(format!("{number}{}", long("w"))));
        service.told = words.chain((0..3).map(trouble)).collect();
        service.state = ServiceState::Updating { deadline, waiting: trouble(9) };
    }
    let (waiting, refused) = (WaitsFor::Words(long("p")), Some(long("r")));
    let services = &mut story.deployment.services;
    services[1].state = ServiceState::RollingBack { deadline, waiting, by_ecs: false, refused };
    services[2].state = ServiceState::NotRolledBack { why: long("n") };
    story.tell(Event::Announced);
    check(&story, "with all that its services wait for");
    let cut = |letter: &str| format!("{}…", letter.repeat(100));
    let services = &story.deployment.services;
    for service in services {
        let faults = service.told.iter().filter_map(WaitsFor::trouble).map(|known| known.fault);
        assert_eq!(faults.collect::<Vec<_>>(), [Some(Fault::Capacity); 2]);
        assert_eq!(service.told.len(), 2, "{:?}", service.told);
    }
    let ServiceState::Updating { waiting, .. } = &services[0].state else { unreachable!() };
    assert_eq!(waiting.trouble().unwrap().text, format!("9{}…", "t".repeat(99)));
    let ServiceState::RollingBack { waiting, refused, .. } = &services[1].state else {
        unreachable!()
    };
    assert_eq!((waiting, refused), (&WaitsFor::Words(cut("p")), &Some(cut("r"))));
    assert_eq!(services[2].state, ServiceState::NotRolledBack { why: cut("n") });
}

#[test]
fn a_verdict_that_names_many_services_can_be_stored() {
    // In the table a quote takes two bytes, and a control character six.
    for (services, template, letter) in [(200, 0, "\u{1}"), (200, 1, "\""), (20, 15_500, "\u{1}")] {
        let long = letter.repeat(300);
        let mut story = restore(&parse(&large(services, template)).unwrap());
        story.tell(Event::Prepared(preparation_of(&names(&story))));
        for service in &mut story.deployment.services {
            service.state = ServiceState::NotRolledBack { why: long.clone() };
        }
        let (cause, since) = (Cause::ChecksTimedOut, story.now);
        story.deployment.state = State::RollingBack { cause, since, wave: 0, look_at: since };
        while story.deployment.verdict().is_none() {
            story = story.later(MINUTE);
        }
        check(&story, "when it is stuck");
        let mut news = story.deployment.outbox.entries().iter().filter_map(|entry| {
            let Effect::Announce(notice) = &entry.effect else { return None };
            let News::Ended { verdict, .. } = &notice.news else { return None };
            Some(verdict)
        });
        let told = news.next();
        assert_eq!(told, story.deployment.verdict());
        let Some(Verdict::Stuck { because, .. }) = told else { unreachable!("{told:?}") };
        assert!(because.len() < 2010 && because.ends_with('…'), "{because}");
    }
}

#[test]
fn the_middle_of_a_timeline_gives_way_where_a_deployment_would_become_too_large() {
    for (letters, first, last) in [(3000, 25, 75), (9000, 10, 30)] {
        let mut story = Story::begin(&[("approval", "")]);
        let text = |number: usize| format!("{number:03}{}", "x".repeat(letters));
        let entries = (0..300).map(|number| Entry { at: START, text: text(number) });
        let entries = serde_json::to_value(entries.collect::<Vec<_>>()).unwrap();
        story.deployment.timeline = serde_json::from_value(entries).unwrap();
        story.tell(Event::Woken);
        check(&story, "with a long timeline");
        let entries = story.deployment.timeline.entries().iter();
        let kept: Vec<usize> = entries.map(|entry| entry.text[..3].parse().unwrap()).collect();
        assert_eq!(kept, (0..first).chain(300 - last..300).collect::<Vec<_>>());
    }
}
