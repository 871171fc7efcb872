//! Sweeps: every due record is woken, and no record prevents another from being woken.

use engine::memory::Memory;
use engine::{
    Due, Engine, Key, Lookup, Message, Pipeline, SaveError, Stored, Timer, World, WorldError, Write,
};
use pipeline::names::{ApplicationName, Digest, Place, Repository, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::{Span, Time};
use pollster::block_on;
use std::cell::Cell;
use std::collections::BTreeSet;

const NOON: Time = Time::from_millis(1_800_000_000_000);

const SPEC: &str = "
application: shop
images: {api: shop-api, web: shop-web}
environments:
  staging:
    cluster: shop-staging
    deploy_on: {tags: ['[0-9a-f]*'], images: all, patience: 30m}
    services: [shop-api, shop-web]
  production: {cluster: shop-production, services: [shop-api, shop-web]}
";

/// Many records that stay due whatever is done, and little time to wake them.
struct Hurried {
    memory: Memory,
    due: Vec<Due>,
    per_sweep: usize,
    begun: Cell<usize>,
}

impl World for Hurried {
    fn now(&self) -> Time {
        self.memory.now()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        self.memory.load(keys).await
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        self.memory.save(writes).await
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        self.memory.send(messages, timers).await
    }

    async fn due(&self, _now: Time) -> Result<Vec<Due>, WorldError> {
        self.begun.set(0);
        Ok(self.due.clone())
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        self.memory.find(lookup).await
    }

    async fn pause(&self, _tries: usize) {}

    async fn within_limits<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.begun.set(self.begun.get() + 1);
        if self.begun.get() > self.per_sweep { None } else { Some(work.await) }
    }
}

fn due(number: usize) -> Due {
    let place =
        Place { application: format!("{number:03}").as_str().into(), environment: "one".into() };
    Due { key: Key::Head(place), since: NOON }
}

#[test]
fn however_many_stay_due_each_is_woken_before_long() {
    for (count, per_sweep) in [(300, 10), (300, 1), (7, 3), (1000, 400)] {
        let world = Hurried {
            memory: Memory::default(),
            due: (0..count).map(due).collect(),
            per_sweep,
            begun: Cell::new(0),
        };
        let mut woken = BTreeSet::new();
        let sweeps = 4 * count.div_ceil(per_sweep);
        for minute in 0..sweeps {
            world.memory.set_now(NOON + Span::minutes(minute as u64));
            let swept = block_on(Engine::new(&world, &Pipeline).sweep()).unwrap();
            assert_eq!(swept.oldest, Some(NOON));
            assert_eq!((swept.woken.len(), swept.left.len()), (per_sweep, count - per_sweep));
            woken.extend(swept.woken.into_iter().map(|(key, _)| key));
        }
        assert_eq!(woken.len(), count, "{per_sweep} of {count} in each of {sweeps} sweeps");
    }
}

fn push(repository: &str, tag: &str) -> Push {
    Push {
        repository: Repository::new(repository),
        digest: Digest::new(format!("sha256:{repository}-{tag}")),
        tag: Some(Tag::new(tag)),
        artifact_media_type: None,
        pushed_at: NOON,
        details: Details::default(),
    }
}

#[test]
fn of_many_pushes_those_that_are_known_are_no_news() {
    let world = Memory::default();
    world.set_now(NOON);
    let engine = Engine::new(&world, &Pipeline);
    block_on(engine.configure(SPEC)).unwrap();
    let tags: Vec<String> = (0..250).map(|number| format!("{number:07x}")).collect();
    let pushes =
        |repository: &str| -> Vec<Push> { tags.iter().map(|tag| push(repository, tag)).collect() };
    for push in pushes("shop-api").iter().filter(|push| push.tag != Some(Tag::new("0000007"))) {
        block_on(engine.pushed(push)).unwrap();
    }
    let Some(engine::Record::Spec(spec)) = world.read(&Key::Spec("shop".into())) else {
        unreachable!("it was configured")
    };
    let specs = [spec];
    let news = |pushes| block_on(engine.news_among(&specs, pushes));

    assert_eq!(news(pushes("shop-api")), [push("shop-api", "0000007")]);
    assert_eq!(news(pushes("shop-web")).len(), 250, "the other image of each is not there yet");
    let moved = Push { digest: Digest::new("sha256:other"), ..push("shop-api", "0000001") };
    assert_eq!(news(vec![moved.clone()]), [moved], "another image under a known tag");
    assert_eq!(news(vec![push("shop-api", "latest")]), [], "no environment wants it");
}
