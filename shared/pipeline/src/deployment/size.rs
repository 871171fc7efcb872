//! How large a deployment may become: what it needs is known from its rules before it starts, and
//! anything else that it collects is dropped if necessary.

use super::{Deployment, Service, ServiceState, State};
use crate::effect::Effect;
use crate::notice::News;
use crate::size::{RECORD_MAX, bytes};
use crate::verdict::{Cause, Verdict};
use crate::waits::WaitsFor;

/// With no more entries than these a deployment with small rules is small.
const ENTRIES_FEW: usize = 100;
const EFFECTS_FEW: usize = 20;

/// How many droppable entries are always kept.
const ENTRIES_MIN: usize = 40;
const DIED_SOME: usize = 10;
const DIED_MIN: usize = 1;
const NOTICES_MIN: usize = 3;
const TOLD_MIN: usize = 2;
const FAULTS_MIN: usize = 30;
const TEXT_MIN: usize = 100;
const BECAUSE_MIN: usize = 2000;

impl Deployment {
    /// Drops collected entries until the rest can be stored, starting with the least important.
    pub(super) fn fit(&mut self) {
        if self.rules.is_small() && !self.has_gathered_much() {
            return;
        }
        let steps: [fn(&mut Self); 7] = [
            |all| all.timeline.keep(ENTRIES_FEW),
            |all| all.forget_died(DIED_SOME),
            |all| all.forget_notices(),
            |all| all.shorten_verdict(),
            |all| all.timeline.keep(ENTRIES_MIN),
            |all| all.forget_died(DIED_MIN),
            |all| all.shorten_standings(),
        ];
        for step in steps {
            if bytes(self) <= RECORD_MAX {
                return;
            }
            step(self);
        }
    }

    // #[gamma::skip(fn_value.bool_true, reason = "little is only spared the counting")]
    fn has_gathered_much(&self) -> bool {
        let died = |service: &Service| service.died.len() + service.dead_containers.len();
        let died: usize = self.services.iter().map(died).sum();
        let faults = match &self.state {
            State::Ended { verdict, .. } => verdict.cause().map_or(0, faults_of),
            _ => 0,
        };
        self.timeline.entries().len().max(died).max(faults) > ENTRIES_FEW
            || self.outbox.entries().len() > EFFECTS_FEW
    }

    fn forget_died(&mut self, kept: usize) {
        self.services.iter_mut().for_each(|service| service.keep_died(kept));
    }

    fn forget_notices(&mut self) {
        let is_notice = |effect: &Effect| matches!(effect, Effect::Announce(_));
        let entries = self.outbox.entries().iter();
        let mut most = entries.filter(|entry| is_notice(&entry.effect)).count();
        self.outbox.keep(|effect| {
            let is_kept = !is_notice(effect) || most <= NOTICES_MIN;
            most -= usize::from(is_notice(effect) && most > 0);
            is_kept
        });
    }

    /// The verdict, and the notice of it.
    fn shorten_verdict(&mut self) {
        if let State::Ended { verdict, .. } = &mut self.state {
            shorten_verdict(verdict);
        }
        self.outbox.change(|effect| {
            if let Effect::Announce(notice) = effect
                && let News::Ended { verdict, .. } = &mut notice.news
            {
                shorten_verdict(verdict);
            }
        });
    }

    fn shorten_standings(&mut self) {
        for service in &mut self.services {
            // The problems that AWS reported are needed to find whose fault it was.
            service.told.retain(|waiting| waiting.trouble().is_some());
            service.told.truncate(TOLD_MIN);
            service.told.iter_mut().for_each(shorten_wait);
            match &mut service.state {
                ServiceState::Updating { waiting, .. } => shorten_wait(waiting),
                ServiceState::RollingBack { waiting, refused, .. } => {
                    shorten_wait(waiting);
                    refused.iter_mut().for_each(|why| shorten(why, TEXT_MIN));
                }
                ServiceState::NotRolledBack { why } => shorten(why, TEXT_MIN),
                _ => {}
            }
        }
    }
}

fn shorten_wait(waiting: &mut WaitsFor) {
    match waiting {
        WaitsFor::Trouble(trouble) => shorten(&mut trouble.text, TEXT_MIN),
        WaitsFor::Words(text) => shorten(text, TEXT_MIN),
        _ => {}
    }
}

fn faults_of(cause: &Cause) -> usize {
    match cause {
        Cause::Preflight { faults } => faults.len(),
        _ => 0,
    }
}

fn shorten_verdict(verdict: &mut Verdict) {
    match verdict {
        Verdict::Failed { cause: Cause::Preflight { faults }, .. } => {
            let more = faults.len().saturating_sub(FAULTS_MIN);
            faults.truncate(FAULTS_MIN);
            faults.iter_mut().for_each(|fault| shorten(fault, 3 * TEXT_MIN));
            if more > 0 {
                faults.push(format!("and {more} more"));
            }
        }
        Verdict::Stuck { because, .. } => shorten(because, BECAUSE_MIN),
        _ => {}
    }
}

fn shorten(text: &mut String, max: usize) {
    *text = crate::text::shorten_to(std::mem::take(text), max);
}
