//! What a person is shown, read from a real table: the embedded one, and Amazon's own where
//! `SLIPWAY_DYNAMODB_LOCAL` names it.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[path = "table/auditing.rs"]
mod auditing;
#[path = "../../aws/tests/table/given.rs"]
#[expect(dead_code, reason = "the tests of the table use all of it")]
mod given;
#[path = "../../aws/tests/table/lossy.rs"]
#[expect(dead_code, reason = "the tests of the table use all of it")]
mod lossy;

use engine::{Engine, Pipeline};
use given::{spec, watched_world};
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Time;
use serde_json::{Value, json};

fn push(number: u64) -> Push {
    Push {
        repository: Repository::new("scr-api"),
        digest: Digest::new(format!("sha256:{number:064}")),
        tag: Some(Tag::new(format!("{number:08}"))),
        artifact_media_type: None,
        pushed_at: Time::from_millis(1_700_000_000_000 + number * 60_000),
        details: Details::default(),
    }
}

#[tokio::test]
async fn status_reads_the_last_pushes_and_not_all_there_ever_were() {
    for (world, way) in watched_world().await {
        let engine = Engine::new(&world, &Pipeline);
        engine.store(spec()).await.unwrap();
        for number in 0..60 {
            engine.pushed(&push(number)).await.unwrap_err(); // There is no queue to send to.
        }
        way.take_asked();

        let asked = json!({"application": "scr", "releases": true});
        let answer = console::status(&world, &asked).await.unwrap();

        let newest: Vec<&str> =
            answer["releases"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(newest.len(), 10);
        assert!(newest[0].starts_with("scr 00000059, pushed at"), "{newest:?}");
        let asked = way.take_asked();
        let is_all = |request: &&String| request.contains("release#") && request.contains("Query");
        assert_eq!(asked.iter().find(is_all), None);
    }
}
