//! What is due: no record stays due endlessly, whatever happens to the spec.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why by stopping")]

use engine::memory::Memory;
use engine::{Engine, Key, Message, Pipeline, Timer, World};
use expect_test::{Expect, expect};
use pipeline::effect::Effect;
use pipeline::environment::{Control, Head, Input};
use pipeline::event::{Event, Preparation, PreparedService};
use pipeline::names::{Digest, Place, ServiceName};
use pipeline::notice::News;
use pipeline::push::{Details, Push};
use pipeline::release::Release;
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::{Span, Time};
use pollster::block_on;

const NOW: Time = Time::from_millis(1_767_700_800_000);
const BEFORE: &str = "
application: shop
images: {api: shop-api, web: shop-web}
environments:
  a:
    cluster: shop-a
    deploy_on: {tags: ['[0-9a-f]*'], images: all}
    services: [shop-api]
    FREEZE
  b: {cluster: shop-b, services: [shop-api]}
";
/// Without `a`.
const AFTER: &str = "
application: shop
images: {api: shop-api, web: shop-web}
environments:
  b: {cluster: shop-b, services: [shop-api]}
";

struct Shop {
    world: Memory,
    open: Vec<Message>,
}

impl Shop {
    fn new(freeze: &str) -> Self {
        let shop = Self { world: Memory::default(), open: Vec::new() };
        shop.world.set_now(NOW);
        shop.configure(&BEFORE.replace("FREEZE", freeze));
        shop
    }

    fn engine(&self) -> Engine<'_, Memory> {
        Engine::new(&self.world, &Pipeline)
    }

    fn configure(&self, text: &str) {
        block_on(self.engine().configure(text)).unwrap();
    }

    fn tell(&self, input: Input) -> String {
        format!("{:?}", block_on(self.engine().tell(&place(), input)).unwrap())
    }

    fn push(&self, image: &str, tag: &str) {
        let push = Push {
            repository: format!("shop-{image}").as_str().into(),
            digest: digest(&format!("{image}-{tag}")),
            tag: Some(tag.into()),
            artifact_media_type: None,
            pushed_at: self.world.now(),
            details: Details::default(),
        };
        block_on(self.engine().pushed(&push)).unwrap();
    }

    /// Notices and effects on other records are answered; the others stay open.
    fn deliver(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        for message in self.world.take_sent() {
            match &message.effect {
                Effect::Announce(notice) => {
                    if let News::Declined { why } = &notice.news {
                        told.push(format!("{}: {why}", notice.version));
                    }
                    block_on(self.engine().answer(&message, Event::Announced)).unwrap();
                }
                Effect::Offer { .. } | Effect::Promote { .. } => {
                    block_on(self.engine().relay(&message)).unwrap();
                }
                _ => self.open.push(message),
            }
        }
        told
    }

    /// A worker answers what was asked first.
    fn answer(&mut self, event: Event) {
        let message = self.open.remove(0);
        block_on(self.engine().answer(&message, event)).unwrap();
    }

    /// The sweep runs every minute for this long; returns how often something was due.
    fn sweep_for(&mut self, minutes: u64) -> (usize, Vec<String>) {
        let (mut woken, mut told) = (0, Vec::new());
        for _ in 0..minutes {
            self.world.set_now(self.world.now() + Span::minutes(1));
            woken += block_on(self.engine().sweep()).unwrap().woken.len();
            told.extend(self.deliver());
        }
        (woken, told)
    }

    fn head(&self) -> Head {
        Head::try_from(self.world.read(&Key::Head(place())).unwrap()).unwrap()
    }
}

fn place() -> Place {
    Place { application: "shop".into(), environment: "a".into() }
}

fn digest(text: &str) -> Digest {
    Digest::new(format!("sha256:{text:0<64}"))
}

fn request(version: &str) -> Input {
    let images = ["api", "web"].map(|image| (image.into(), digest(&format!("{image}-{version}"))));
    Input::Requested(Box::new(Request {
        id: format!("push {version}").as_str().into(),
        kind: Kind::Deploy,
        release: Release::new(version.into(), NOW, images.into_iter().collect()),
        asked_by: RequestedBy::Push { tag: version.into() },
        asked_at: NOW,
        confirm: None,
        overrides: Default::default(),
        fresh: false,
        skip_migration: None,
    }))
}

fn check(told: &[String], expected: &Expect) {
    expected.assert_eq(&told.join("\n"));
}

#[test]
fn a_candidate_that_no_environment_wants_has_no_due_time() {
    let mut shop = Shop::new("");
    shop.push("api", "b1");
    shop.configure(AFTER);
    assert!(shop.world.next_due().is_some());
    let (woken, _) = shop.sweep_for(120);
    assert_eq!((woken, shop.world.next_due()), (1, None));
}

#[test]
fn a_candidate_that_the_spec_makes_whole_is_offered_when_it_is_woken() {
    let mut shop = Shop::new("");
    shop.push("api", "b1");
    shop.configure(&BEFORE.replace("FREEZE", "").replace("images: all", "images: [api]"));
    // It is complete by now, and is not pushed again: the next scan offers it.
    shop.sweep_for(60);
    assert_eq!(shop.head().last_number, 1);
}

#[test]
fn what_waits_where_the_environment_left_the_spec_is_declined_with_a_notice() {
    // 2026-01-06T12:00:00Z is in it.
    let mut shop =
        Shop::new("freeze: [{from: 2026-01-06T10:00, to: 2026-01-06T13:00, time_zone: UTC}]");
    shop.tell(request("b1"));
    shop.deliver();
    shop.configure(AFTER);
    let (woken, told) = shop.sweep_for(120);
    check(&told, &expect!["b1: the spec has no environment shop/a"]);
    assert_eq!((woken, shop.world.next_due()), (1, None));
    assert!(shop.head().queue.is_empty());
}

#[test]
fn what_waits_for_a_person_is_declined_as_soon_as_the_environment_leaves_the_spec() {
    let mut shop = Shop::new("");
    shop.tell(Input::Controlled {
        by: "ann".into(),
        why: "a holiday".into(),
        control: Control::Hold { firm: true },
    });
    shop.tell(request("b1"));
    shop.deliver();
    shop.configure(AFTER);
    assert!(shop.head().queue.is_empty());
    // Configuring has no queues: the sweep sends it.
    let (_, told) = shop.sweep_for(10);
    check(&told, &expect!["b1: the spec has no environment shop/a"]);
    assert_eq!(shop.world.next_due(), None);
}

#[test]
fn a_deployment_goes_on_to_its_end_where_the_environment_left_the_spec_and_none_follows() {
    let mut shop = Shop::new("");
    shop.tell(request("b1"));
    let mut later = request("b2");
    if let Input::Requested(request) = &mut later {
        request.release.built_at = NOW + Span::seconds(1);
    }
    shop.tell(later);
    shop.deliver();
    shop.configure(AFTER);
    let service = ServiceName::from("shop-api");
    let revision = |number: u32| format!("td/shop-api:{number}").as_str().into();
    let prepared = PreparedService { name: service, before: Some(revision(1)), after: revision(2) };
    shop.answer(Event::Prepared(Preparation { services: vec![prepared], ..Default::default() }));
    shop.deliver();
    shop.answer(Event::RolloutRefused { service: "shop-api".into(), reason: "no".into() });
    let told = shop.deliver();
    check(&told, &expect![[r#""#]]);
    let (_, told) = shop.sweep_for(60);
    check(&told, &expect!["b2: the spec has no environment shop/a"]);
    let head = shop.head();
    assert_eq!((head.active, head.last_number, head.queue.len()), (None, 1, 0));
    assert_eq!(shop.world.next_due(), None);
}

#[test]
fn nothing_is_written_for_an_environment_that_never_was() {
    let shop = Shop::new("");
    let place = Place { application: "shop".into(), environment: "moon".into() };
    block_on(shop.engine().tell(&place, request("b1"))).unwrap();
    assert_eq!(shop.world.read(&Key::Head(place)), None);
}

#[test]
fn a_timer_is_set_for_what_no_answer_wakes_and_once_for_each_time() {
    // 2026-01-06T12:00:00Z is in it.
    let mut shop =
        Shop::new("freeze: [{from: 2026-01-06T10:00, to: 2026-01-06T13:00, time_zone: UTC}]");
    shop.tell(request("b1"));
    assert_eq!(shop.world.take_timers(), [], "the notice has not been answered");
    shop.deliver();
    let thaw = Timer { key: Key::Head(place()), at: NOW + Span::hours(1) };
    assert_eq!(shop.world.take_timers(), [thaw]);
    // What changes nothing about that time sets no second timer.
    let control = Control::MarkBad { digest: digest("api-b0"), version: None };
    shop.tell(Input::Controlled { by: "ann".into(), why: "it crashes".into(), control });
    assert_eq!(shop.head().bad.len(), 1);
    assert_eq!(shop.world.take_timers(), []);
}
