//! One message of a batch that takes too long is done again; the others are answered.

use crate::given::{spec, world};
use aws::{Aws, Failure};
use engine::memory::Memory;
use engine::{Engine, Key, Message, Pipeline, Sender, World, Write};
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::names::{Digest, Repository, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Time;
use serde_json::{Value, json};
use std::future::pending;
use std::time::{Duration, Instant};

/// Deploys in a world of its own up to the first effects, and puts what is stored then into `world`.
async fn first_effects(world: &Aws) -> Vec<Message> {
    let memory = Memory::default();
    memory.set_now(world.now());
    let engine = Engine::new(&memory, &Pipeline);
    engine.store(spec()).await.unwrap();
    for repository in ["scr-api", "scr-ai-gateway", "scr-web"] {
        let push = Push {
            repository: Repository::new(repository),
            digest: Digest::new(format!("sha256:{repository}")),
            tag: Some(Tag::new("3f2a9c1")),
            artifact_media_type: None,
            pushed_at: Time::from_millis(world.now().millis() / 1000 * 1000),
            details: Details::default(),
        };
        engine.pushed(&push).await.unwrap();
    }
    for offer in memory.take_sent() {
        engine.relay(&offer).await.unwrap();
    }
    for key in memory.keys() {
        let record = memory.read(&key).unwrap();
        let write = Write { key, read_version: None, record, due: None, lookups: vec![] };
        if !matches!(write.key, Key::Spec(_)) {
            world.save(vec![write]).await.unwrap();
        }
    }
    let sent = memory.take_sent();
    sent.into_iter().filter(|one| matches!(one.from, Sender::Deployment(_))).collect()
}

fn batch(messages: &[Message]) -> Value {
    let record = |message: &Message| {
        let body = serde_json::to_string(message).unwrap();
        json!({"messageId": message.effect.name(), "body": body})
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

async fn is_open(world: &Aws, message: &Message) -> bool {
    Engine::new(world, &Pipeline).permits(message).await.unwrap().is_some()
}

/// Preparing never ends.
async fn perform(_: &Aws, message: &Message) -> Result<Event, Failure> {
    match message.effect {
        Effect::Prepare(_) => pending().await,
        _ => Ok(Event::Announced),
    }
}

#[tokio::test]
async fn a_message_that_takes_too_long_takes_no_other_one_along() {
    for world in world().await {
        let mut messages = first_effects(&world).await;
        // The slow one comes first: the others wait for it only briefly.
        messages.sort_by_key(|message| !matches!(message.effect, Effect::Prepare(_)));
        assert!(messages.len() >= 2, "{messages:?}");
        world.invoked(world.now().millis() + 10_000);
        let began = Instant::now();

        let answer = aws::work(&world, batch(&messages), perform).await.unwrap();

        assert!(began.elapsed() < Duration::from_secs(8), "Lambda would have ended it");
        assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "prepare"}]}));
        for message in &messages {
            let is_slow = matches!(message.effect, Effect::Prepare(_));
            assert_eq!(is_open(&world, message).await, is_slow, "{}", message.effect.name());
        }
    }
}

#[tokio::test]
async fn a_slow_message_is_not_waited_for_by_the_others() {
    for world in world().await {
        let mut messages = first_effects(&world).await;
        messages.sort_by_key(|message| !matches!(message.effect, Effect::Prepare(_)));
        world.invoked(world.now().millis() + 20_000);
        let (batch, began) = (batch(&messages), Instant::now());
        let work = aws::work(&world, batch, perform);
        let answered = async {
            while is_open(&world, &messages[1]).await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            began.elapsed()
        };

        let (_, after) = tokio::join!(work, answered);

        assert!(
            after < Duration::from_secs(9),
            "answered after {after:?}, while the first goes on"
        );
    }
}
