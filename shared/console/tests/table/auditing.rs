//! An audit reads everything that is recorded of an environment, however much it is.

use crate::given::{head, spec, watched_world, write};
use console::status;
use engine::{Key, Record, World, Write};
use pipeline::deployment::Deployment;
use pipeline::names::{DeploymentId, Tag};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::Time;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// One that fills a good part of what DynamoDB answers at once.
fn large(number: u64) -> Write {
    let id = DeploymentId { place: head("scr/staging").place, number };
    let rules = spec().environments[&id.place.environment].clone();
    let at = Time::from_millis(1_700_000_000_000 + number * 60_000);
    let request = Request {
        id: format!("push {number}").as_str().into(),
        kind: Kind::Deploy,
        release: Release::new(format!("{number:07}").as_str().into(), at, BTreeMap::new()),
        asked_by: RequestedBy::Push { tag: Tag::new("x".repeat(150_000)) },
        asked_at: at,
        confirm: None,
        overrides: BTreeSet::new(),
        fresh: false,
        skip_migration: None,
    };
    let deployment = Deployment::start(id.clone(), request, rules, BTreeMap::new(), at);
    let (key, record) = (Key::Deployment(id), Record::Deployment(deployment));
    Write { key, read_version: None, record, due: None, lookups: vec![] }
}

#[tokio::test]
async fn everything_that_is_recorded_is_read_page_by_page() {
    for (world, way) in watched_world().await {
        let mut known = head("scr/staging");
        known.last_number = 9;
        world.save(vec![write(known, None)]).await.unwrap();
        for number in 1..=9 {
            world.save(vec![large(number)]).await.unwrap();
        }
        way.take_asked();

        let asked = json!({"application": "scr", "environment": "staging", "audit": true});
        let answer = status(&world, &asked).await.unwrap();

        let summary = answer["summary"].as_str().unwrap();
        assert!(
            summary.ends_with("in 9 deployments (1 to 9) and the environment's record"),
            "{summary}"
        );
        let asked = way.take_asked();
        let pages = asked.iter().filter(|request| request.contains("deployment#"));
        assert!(pages.count() > 2, "{asked:?}");

        let before =
            json!({"application": "scr", "environment": "staging", "audit": true, "before": 4});
        let answer = status(&world, &before).await.unwrap();
        assert!(
            answer["summary"].as_str().unwrap().ends_with("3 deployments (1 to 3)"),
            "{answer}"
        );

        world.invoked(world.now().millis() + 5000);
        let failed = status(&world, &before).await.unwrap_err();
        assert!(
            failed.to_string().ends_with("timed out before any deployment was read"),
            "{failed}"
        );
    }
}
