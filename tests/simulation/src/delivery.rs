//! Messages on their way: a worker asks whether it may, acts a little later, and reports.

use crate::happening::Happening;
use engine::{Decide, Message, Permit};
use pipeline::deployment::Said;
use pipeline::event::Event;
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
        if let pipeline::effect::Effect::RunOneOff(one_off) = &message.effect {
            let claim = Event::OneOffClaimed { purpose: one_off.purpose, attempt: one_off.attempt };
            match pollster::block_on(self.engine().answer(&message, claim)) {
                Ok(Said::Granted) => permit = None,
                Ok(_) => return,
                Err(_) => return self.redeliver(message, receives),
            }
        }
        // Between the permit and the deed time passes, and others act.
        let slow = Span::seconds(1 + self.plan.below(self.plan.odds().delay_seconds_max.min(40)));
        self.after(slow, Happening::Act { message, permit, receives });
    }

    pub(crate) fn act(&mut self, message: Message, permit: Option<Permit>, receives: u32) {
        if self.plan.worker_dies() {
            return self.redeliver(message, receives);
        }
        match pollster::block_on(self.engine().relay(&message)) {
            Ok(None) => {}
            Ok(Some(_)) => return,
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

    /// A worker died or failed: the queue shows its message again, a few times.
    pub(crate) fn redeliver(&mut self, message: Message, receives: u32) {
        if receives < RECEIVES_MAX {
            self.after(VISIBILITY, Happening::Deliver { message, receives: receives + 1 });
        }
    }
}
