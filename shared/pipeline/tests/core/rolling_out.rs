//! Rolling out: how long each service has, what is asked again, and what a look of several says.

use super::events::*;
use super::fixtures::{PLAIN, Story};
use pipeline::deployment::{LOOK_EVERY, ServiceState};
use pipeline::event::Event;
use pipeline::observation::Progress;
use pipeline::spec::Target;
use pipeline::time::Span;
use std::collections::BTreeMap;

fn begin(changes: &[(&str, &str)]) -> Story {
    Story::begin(&[&PLAIN[..], changes].concat()).then(prepared())
}

#[test]
fn each_service_has_its_own_time_to_come_up() {
    let services = "[[shop-api, {name: shop-worker, timeout: 25m}], shop-web]";
    let story = begin(&[("services", services)]);
    let times = story.deployment.services.iter().map(|service| match service.state {
        ServiceState::Updating { deadline, .. } => Some(deadline.since(story.now)),
        _ => None,
    });
    let times: Vec<_> = times.collect();
    assert_eq!(times, [Some(Span::minutes(10)), Some(Span::minutes(25)), None]);
}

#[test]
fn an_update_that_is_still_asked_for_is_not_asked_for_twice() {
    let story = begin(&[]).then(rollout_started("shop-worker"));
    let story = story.later(LOOK_EVERY);
    assert_eq!(story.asks(), "roll out shop-api, observe shop-api+shop-worker");
}

#[test]
fn once_a_look_shows_one_service_failed_the_rest_of_it_is_for_the_way_back() {
    let story = begin(&[]).all([rollout_started("shop-api"), rollout_started("shop-worker")]);
    let story = story.quietly(VISIBLE);
    let failed = vec![rollout("shop-api", 2, true, Progress::Failed, 0)];
    let others = vec![rollout("shop-worker", 9, true, Progress::Completed, 2)];
    let services = vec![
        observation("shop-api", story.now, failed),
        observation("shop-worker", story.now, others),
    ];
    let seen_at = story.now;
    let story = story.then(Event::Observed { services });
    assert_eq!(story.state(), "rolling back");
    let story = story.all([rollback_started("shop-api"), left_alone("shop-worker", 9, seen_at)]);
    let story = story.then(asked("shop-worker", 9, false, seen_at));
    let runs = Some(revision("shop-worker", 9));
    assert_eq!(story.deployment.services[1].state, ServiceState::UpdatedOutside { revision: runs });
    assert_eq!(story.state(), "rolling back", "shop-api goes back all the same");
}

#[test]
fn only_a_target_on_hosts_has_tags() {
    let tags: BTreeMap<_, _> = [("Component".to_owned(), "shop".to_owned())].into();
    assert_eq!(Target::Hosts(tags.clone()).tags(), Some(&tags));
    assert_eq!(Target::Cluster("shop".to_owned()).tags(), None);
}
