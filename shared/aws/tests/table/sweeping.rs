//! Due records are found however many there are, whatever else is in the index; and many concurrent
//! writers of one record all succeed.

use crate::given::{head, spec, world, write};
use aws::Aws;
use aws::settings::TABLE;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::{Engine, EngineError, Key, Pipeline, Record, World, Write};
use futures_util::future::join_all;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Time;

/// A record that no Slipway can read, at this place.
async fn put_nonsense(world: &Aws, partition: &str, sort: &str) {
    let text = |text: &str| AttributeValue::S(text.into());
    let number = |number: u64| AttributeValue::N(number.to_string());
    let putting = world.dynamodb().put_item().table_name(world.settings.required(TABLE).unwrap());
    let putting = putting.item("pk", text(partition)).item("sk", text(sort));
    let putting = putting.item("version", number(1)).item("record", text("{\"format\": 99}"));
    putting.item("due", text("due")).item("due_at", number(1)).send().await.unwrap();
}

#[tokio::test]
async fn an_unreadable_record_hides_nothing_that_is_due() {
    for world in world().await {
        let now = world.now();
        for number in 0..250 {
            put_nonsense(&world, &format!("env#x{number}/staging"), "head").await;
        }
        put_nonsense(&world, "whatever", "this is").await;
        let due = Write { due: Some(now), ..write(head("scr/staging"), None) };
        world.save(vec![due]).await.unwrap();

        let swept = Engine::new(&world, &Pipeline).sweep().await.unwrap();

        assert_eq!(swept.oldest, Some(Time::from_millis(1)));
        assert_eq!((swept.woken.len(), swept.left.len()), (251, 0));
        let (woken, failed): (Vec<_>, Vec<_>) =
            swept.woken.into_iter().partition(|(_, result)| result.is_ok());
        assert_eq!(failed.len(), 250);
        assert_eq!(woken[0].0, Key::Head(head("scr/staging").place));
    }
}

#[tokio::test]
async fn a_sweep_ends_before_its_invocation_does() {
    for world in world().await {
        let due = Write { due: Some(world.now()), ..write(head("scr/staging"), None) };
        world.save(vec![due]).await.unwrap();
        world.invoked(world.now().millis() + 5000);

        let swept = Engine::new(&world, &Pipeline).sweep().await.unwrap();

        assert_eq!((swept.woken.len(), swept.left.len()), (0, 1), "it is left for the next one");
    }
}

/// A build that pushes many images at once, or one that is reported many times.
#[tokio::test]
async fn many_pushes_at_once_are_all_taken_in() {
    for world in world().await {
        let engine = Engine::new(&world, &Pipeline);
        engine.store(spec()).await.unwrap();
        let now = world.now();
        let pushes: Vec<Push> = (0..50)
            .map(|number| Push {
                repository: Repository::new("scr-api"),
                digest: Digest::new(format!("sha256:{number}")),
                tag: Some(Tag::new("3f2a9c1")),
                artifact_media_type: None,
                pushed_at: Time::from_millis(now.millis() - 1000 * number),
                details: Details::default(),
            })
            .collect();

        let taken = join_all(pushes.iter().map(|push| engine.pushed(push))).await;

        // There are no queues here, so the first one cannot set its timer.
        let busy = taken.iter().filter(|taken| matches!(taken, Err(EngineError::Busy(_)))).count();
        assert_eq!(busy, 0, "of 50 gave up");
        let key = Key::Candidate { application: "scr".into(), version: "3f2a9c1".into() };
        let stored = world.load(&[key]).await.unwrap().remove(0).unwrap();
        let Record::Candidate(candidate) = stored.record else { unreachable!("a candidate") };
        assert_eq!(candidate.replaced.len(), 49);
        assert_eq!(candidate.images.len(), 1);
    }
}
