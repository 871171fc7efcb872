//! Messages on their way: a worker asks whether it may, acts a little later, and reports.

use crate::happening::Happening;
use engine::{Decide, Message, Permit, Sender};
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::event::Event;
use pipeline::names::{Place, RequestId};
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::time::Span;

use crate::sim::Sim;

const VISIBILITY: Span = Span::seconds(60);
const RECEIVES_MAX: u32 = 5;

impl<D: Decide> Sim<D> {
    pub(crate) fn deliver(&mut self, message: Message, receives: u32) {
        let mut permit = match pollster::block_on(self.engine().permits(&message)) {
            Ok(Some(permit)) => Some(permit),
            Ok(None) => return,
            Err(_) => return self.redeliver(message, receives),
        };
        if let Effect::RunOneOff(one_off) = &message.effect {
            let claim = Event::OneOffClaimed { purpose: one_off.purpose, attempt: one_off.attempt };
            match pollster::block_on(self.engine().answer(&message, claim)) {
                Ok(Reply::Granted) => permit = None,
                Ok(_) => return,
                Err(_) => return self.redeliver(message, receives),
            }
        }
        // Between the permit and the deed time passes, and others act.
        let slow = Span::seconds(1 + self.plan.below(self.plan.odds().delay_seconds_max.min(40)));
        let slow = slow + self.meanwhile(&message);
        self.after(slow, Happening::Act { message, permit, receives });
    }

    pub(crate) fn act(&mut self, message: Message, permit: Option<Permit>, receives: u32) {
        if self.plan.worker_dies() {
            return self.redeliver(message, receives);
        }
        self.note_what_is_asked(&message);
        match pollster::block_on(self.engine().relay(&message)) {
            Ok(None) => {}
            Ok(Some(_)) => return self.note_what_was_promoted(&message),
            Err(_) => return self.redeliver(message, receives),
        }
        let whole =
            permit.as_ref().map_or_else(|| message.clone(), |permit| permit.whole(&message));
        let Some(event) = self.perform(&whole) else {
            return self.redeliver(message, receives);
        };
        if self.plan.worker_dies() {
            return self.redeliver(message, receives);
        }
        let slow = Span::seconds(self.plan.below(self.plan.odds().delay_seconds_max.min(20)));
        self.after(slow, Happening::Report { message, permit, event, receives });
    }

    /// A release is offered or promoted to an environment.
    fn note_what_is_asked(&mut self, message: &Message) {
        if let Effect::Offer { environment, request } = &message.effect
            && let Sender::Candidate { application, .. } = &message.from
        {
            let (application, environment) = (application.clone(), environment.clone());
            let place = Place { application, environment };
            self.invariants.releases.asked(&place, request);
        }
        if let Some((place, request)) = self.promotion(message) {
            self.invariants.releases.asked(&place, &request);
        }
    }

    /// It was reported to its environment, if every success elsewhere starts there automatically.
    fn note_what_was_promoted(&mut self, message: &Message) {
        let Some((place, request)) = self.promotion(message) else { return };
        let spec = self.stored_spec(&place.application);
        let rules = spec.and_then(|spec| spec.environments.get(&place.environment).cloned());
        let deploy_on = rules.and_then(|rules| rules.deploy_on);
        let RequestedBy::Promotion { from } = &request.asked_by else { return };
        if deploy_on.is_some_and(|on| on.tags.is_empty() && on.promoted_from.as_ref() == Some(from))
        {
            self.invariants.admissions.accepts(&place, request);
        }
    }

    /// A worker was killed or failed: the queue delivers its message again, a few times.
    pub(crate) fn redeliver(&mut self, message: Message, receives: u32) {
        if receives < RECEIVES_MAX {
            self.after(VISIBILITY, Happening::Deliver { message, receives: receives + 1 });
        }
    }

    /// The request that a promotion comes to, and where. Each success there is a promotion of its own.
    fn promotion(&self, message: &Message) -> Option<(Place, Request)> {
        let Effect::Promote { environment, release } = &message.effect else { return None };
        let Sender::Head(Place { application, environment: from }) = &message.from else {
            return None;
        };
        let place = Place { application: application.clone(), environment: environment.clone() };
        let source = Place { application: application.clone(), environment: from.clone() };
        let source = self.head(&source);
        let mut good = source.iter().flat_map(|source| source.good.iter().rev());
        let succeeded = good.find(|good| good.release.same_images(release));
        let times =
            succeeded.map_or(String::new(), |good| format!(" by deployment {}", good.number));
        let request = Request {
            id: RequestId::new(format!("promotion of {} from {from}{times}", release.version)),
            kind: Kind::Deploy,
            release: release.clone(),
            asked_by: RequestedBy::Promotion { from: from.clone() },
            asked_at: self.now,
            confirm: None,
            overrides: Default::default(),
            fresh: false,
            skip_migration: None,
        };
        Some((place, request))
    }
}
