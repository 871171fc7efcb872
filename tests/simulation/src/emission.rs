//! Events on their way: late, twice, or not at all.

use crate::cloud::{Address, Caller, News, target_name};
use crate::happening::Happening;
use engine::{Decide, EngineError, Lookup};
use pipeline::event::Event;
use pipeline::names::{DeploymentId, Digest, Place};
use pipeline::time::Span;
use std::collections::BTreeMap;

use crate::sim::Sim;

const EVENT_TRIES_MAX: u32 = 3;

impl<D: Decide> Sim<D> {
    /// Lambda tries an event three times. A push that is lost even then is found by the sweep.
    pub(crate) fn retry_event(
        &mut self,
        result: &Result<(), EngineError>,
        tries: u32,
        again: impl FnOnce(u32) -> Happening,
        found_later: bool,
    ) {
        if result.is_ok() {
        } else if tries < EVENT_TRIES_MAX {
            self.after(Span::minutes(u64::from(tries)), again(tries + 1));
        } else if found_later {
            self.after(Span::minutes(10), again(1));
        }
    }

    /// Sends events, late, twice or not at all.
    pub(crate) fn emit(&mut self, news: Vec<News>) {
        for news in news {
            let odds = self.plan.odds();
            if odds.lose_every_event || self.plan.chance(odds.drop) {
                continue;
            }
            let copies = if self.plan.chance(odds.duplicate) { 2 } else { 1 };
            for _ in 0..copies {
                let late = self.lateness();
                let happening = self.news_event(news.clone());
                self.after(late, happening);
            }
        }
    }

    fn news_event(&self, news: News) -> Happening {
        match news {
            News::Service(address) => Happening::Look { address, tries: 1 },
            News::Task(address, report) => {
                let (lookup, place) = self.listener_of(&address);
                Happening::Fact {
                    lookup,
                    place,
                    owner: None,
                    event: Event::TaskReported(report),
                    tries: 1,
                }
            }
            News::OneOff(id) => {
                let task = self.cloud.tasks.iter().find(|task| task.id == id);
                let (place, owner, event) = task.map_or_else(
                    || (self.any_place(), None, Event::Woken),
                    |task| {
                        let DeploymentId { place, number } = task.owner.deployment.clone();
                        (place, Some(number), task.reported(self.now))
                    },
                );
                Happening::Fact { lookup: None, place, owner, event, tries: 1 }
            }
            News::Alarm(reading) => {
                let lookup = Some(Lookup::Alarm(reading.alarm.clone()));
                let place = self.any_place();
                Happening::Fact {
                    lookup,
                    place,
                    owner: None,
                    event: Event::AlarmChanged(reading),
                    tries: 1,
                }
            }
        }
    }

    pub fn set_alarm(&mut self, name: &str, state: pipeline::event::AlarmState) {
        let news = self.cloud.set_alarm(&name.into(), state, self.now);
        self.emit(news);
    }

    pub(crate) fn update_from_outside(&mut self, address: &Address) {
        // ECS updates nothing that is being deleted.
        if self.cloud.services.get(address).is_some_and(|service| !service.draining) {
            let family = address.1.as_str().to_owned();
            let images = BTreeMap::from([(
                "somebody-else".into(),
                Digest::new(format!("sha256:outside-{}", self.cloud.revisions.len())),
            )]);
            let revision = self.cloud.register(&family, images);
            if let Some((_, ticks)) =
                self.cloud.update(address, &revision, false, Caller::Outsider, self.now)
            {
                self.schedule(ticks);
            }
            self.emit(vec![News::Service(address.clone())]);
        }
    }

    pub(crate) fn lateness(&self) -> Span {
        Span::seconds(self.plan.below(self.plan.odds().delay_seconds_max))
    }

    /// How a listener finds whom an event about this service concerns.
    pub(crate) fn listener_of(&self, address: &Address) -> (Option<Lookup>, Place) {
        for system in &self.systems {
            for (environment, rules) in &system.spec.environments {
                let is_here = target_name(&rules.target) == address.0
                    && rules.services().any(|(_, service)| service.name == address.1);
                if is_here {
                    let application = system.spec.application.clone();
                    let place = Place { application, environment: environment.clone() };
                    return (Lookup::service(&rules.target, &address.1), place);
                }
            }
        }
        (None, self.any_place())
    }

    /// Whether a deployment is in progress for this service.
    pub(crate) fn is_deployed_to(&self, address: &Address) -> bool {
        let (_, place) = self.listener_of(address);
        self.head(&place).is_some_and(|head| head.active.is_some())
    }

    pub(crate) fn any_place(&self) -> Place {
        Place { application: "nobody".into(), environment: "nowhere".into() }
    }
}
