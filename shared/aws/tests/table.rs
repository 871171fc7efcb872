//! The engine's world against a real table: what the loop relies on.
//!
//! The table is an embedded engine; where `SLIPWAY_DYNAMODB_LOCAL` names an endpoint (CI starts
//! Amazon's own), the very same tests use that one as well.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

#[path = "table/batches.rs"]
mod batches;
#[path = "table/given.rs"]
mod given;
#[path = "table/lossy.rs"]
#[expect(dead_code, reason = "the tests of the console ask for more")]
mod lossy;
#[path = "table/sweeping.rs"]
mod sweeping;

use engine::{Due, Key, Lookup, Record, SaveError, World, Write};
use given::{head, spec, watched_world, world, write};
use pipeline::names::{AlarmName, Repository, ServiceName};
use pipeline::time::{Span, Time};

const NOON: Time = Time::from_millis(1_800_000_000_000);

#[tokio::test]
async fn what_was_saved_is_read_back_with_its_version() {
    for world in world().await {
        let key = Key::Head(head("scr/staging").place);
        assert_eq!(world.load(std::slice::from_ref(&key)).await.unwrap(), [None]);

        world.save(vec![write(head("scr/staging"), None)]).await.unwrap();

        let found = world.load(&[key]).await.unwrap();
        let stored = found[0].as_ref().unwrap();
        assert_eq!((stored.version, &stored.record), (1, &Record::Head(head("scr/staging"))));
    }
}

#[tokio::test]
async fn several_keys_come_back_in_the_order_they_were_asked_for() {
    for world in world().await {
        world.save(vec![write(head("b/one"), None)]).await.unwrap();
        world.save(vec![write(head("a/one"), None)]).await.unwrap();
        let keys = ["a/one", "c/one", "b/one"].map(|place| Key::Head(head(place).place));

        let found = world.load(&keys).await.unwrap();

        let records: Vec<_> = found.into_iter().map(|s| s.map(|stored| stored.record)).collect();
        let expected = [Some(Record::Head(head("a/one"))), None, Some(Record::Head(head("b/one")))];
        assert_eq!(records, expected);
    }
}

#[tokio::test]
async fn a_write_over_another_version_is_a_conflict_and_changes_nothing() {
    for world in world().await {
        world.save(vec![write(head("scr/staging"), None)]).await.unwrap();
        world.save(vec![write(head("scr/staging"), Some(1))]).await.unwrap();

        for stale in [None, Some(1), Some(3)] {
            let mut changed = head("scr/staging");
            changed.last_number = 99;
            let saved = world.save(vec![write(changed, stale)]).await;
            assert!(matches!(saved, Err(SaveError::Conflict)), "{stale:?}: {saved:?}");
        }

        let found = world.load(&[Key::Head(head("scr/staging").place)]).await.unwrap();
        let stored = found[0].as_ref().unwrap();
        assert_eq!((stored.version, &stored.record), (2, &Record::Head(head("scr/staging"))));
    }
}

#[tokio::test]
async fn several_records_are_written_all_or_none() {
    for world in world().await {
        world.save(vec![write(head("scr/staging"), None)]).await.unwrap();

        let both = vec![write(head("scr/production"), None), write(head("scr/staging"), None)];
        assert!(matches!(world.save(both).await, Err(SaveError::Conflict)));
        let production = Key::Head(head("scr/production").place);
        assert_eq!(world.load(std::slice::from_ref(&production)).await.unwrap(), [None]);

        let both = vec![write(head("scr/production"), None), write(head("scr/staging"), Some(1))];
        world.save(both).await.unwrap();
        assert!(world.load(&[production]).await.unwrap()[0].is_some());
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_ones_own_and_no_conflict() {
    for (world, way) in watched_world().await {
        for read in [None, Some(1)] {
            way.lose_the_next_answer();
            let saved = world.save(vec![write(head("scr/staging"), read)]).await;
            assert!(saved.is_ok() && way.has_lost_it(), "over {read:?}: {saved:?}");
        }
        way.lose_the_next_answer();
        let both = vec![write(head("scr/production"), None), write(head("scr/staging"), Some(2))];
        let saved = world.save(both).await;
        assert!(saved.is_ok() && way.has_lost_it(), "in a transaction: {saved:?}");
        let found = world.load(&[Key::Head(head("scr/staging").place)]).await.unwrap();
        assert_eq!(found[0].as_ref().unwrap().version, 3);

        let saved = world.save(vec![write(head("scr/staging"), Some(2))]).await;
        assert!(matches!(saved, Err(SaveError::Conflict)), "somebody else's: {saved:?}");
    }
}

#[tokio::test]
async fn the_sweep_finds_what_is_due_and_nothing_else() {
    for world in world().await {
        let due = |place: &str, at: Option<Time>| Write { due: at, ..write(head(place), None) };
        world.save(vec![due("a/past", Some(NOON))]).await.unwrap();
        world.save(vec![due("a/later", Some(NOON + Span::seconds(1)))]).await.unwrap();
        world.save(vec![due("a/never", None)]).await.unwrap();

        let past = Due { key: Key::Head(head("a/past").place), since: NOON };
        assert_eq!(world.due(NOON).await.unwrap(), [past]);

        world.save(vec![Write { due: None, ..write(head("a/past"), Some(1)) }]).await.unwrap();
        assert_eq!(world.due(NOON).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_application_is_found_by_all_that_its_spec_speaks_of() {
    for world in world().await {
        let lookups = vec![
            Lookup::Repository(Repository::new("scr-api")),
            Lookup::Service { cluster: "scr-staging".into(), service: ServiceName::new("scr-api") },
            Lookup::Alarm(AlarmName::new("scr-staging-5xx")),
        ];
        let spec = spec();
        let key = Key::Spec(spec.application.clone());
        let record = Record::Spec(spec.clone());
        let write = Write { key, read_version: None, record, due: None, lookups: lookups.clone() };
        world.save(vec![write]).await.unwrap();

        for lookup in &lookups {
            let found = world.find(lookup).await.unwrap();
            assert_eq!(found, std::slice::from_ref(&spec.application), "{lookup:?}");
        }
        let other = Lookup::Alarm(AlarmName::new("other"));
        assert_eq!(world.find(&other).await.unwrap(), []);
        assert_eq!(world.applications().await.unwrap(), [spec.application]);
    }
}
