//! Baking, and the final verification before a deployment succeeds.

use super::prepare::PREPARATION_PATIENCE;
use super::state::AlarmsRead;
use super::{Deployment, FRESH, GRACE, LOOK_EVERY, LOOK_SOON, Reply, Service, State};
use crate::doubt::Doubt;
use crate::effect::Effect;
use crate::names::ServiceName;
use crate::time::{Span, Time};
use crate::verdict::{Cause, Verdict};
use crate::waits::WaitsFor;
use std::collections::BTreeMap;

impl Deployment {
    pub(super) fn bake(&mut self, now: Time) {
        if self.rules.bake == Span::default() {
            return self.confirm(now);
        }
        let what = if self.rules.alarms.names.is_empty() { "tasks" } else { "alarms and tasks" };
        self.note(now, format!("Watching {what} for {}.", self.rules.bake));
        self.state = State::Baking { until: now + self.rules.bake };
        self.read_alarms(now);
    }

    pub(super) fn confirm(&mut self, now: Time) {
        let names = self.named(|_| true);
        let longest = names.iter().map(|name| self.timeout_of(name)).max().unwrap_or_default();
        self.drop_all_but_announcements(now);
        self.services.iter_mut().for_each(|service| service.told.clear());
        self.state = State::Confirming {
            since: now,
            unseen: names.iter().cloned().collect(),
            alarms_read: AlarmsRead::NOT_YET,
            look_at: now + LOOK_EVERY,
            deadline: now + longest,
        };
        self.look(names, now);
        self.read_alarms(now);
    }

    fn read_alarms(&mut self, now: Time) {
        let names = self.rules.alarms.names.clone();
        let asked = |effect: &Effect| matches!(effect, Effect::ReadAlarms { .. });
        if !names.is_empty() && !self.outbox.waits_for(asked) {
            let since = self.watched_from.map(|from| self.looked_at_first(from));
            self.ask(Effect::ReadAlarms { names, since }, now);
        }
    }

    /// Alarms may have changed between pre-flight's reading and its answer.
    fn looked_at_first(&self, watched_from: Time) -> Time {
        let millis = watched_from.millis().saturating_sub(PREPARATION_PATIENCE.as_seconds() * 1000);
        Time::from_millis(millis).max(self.started_at)
    }

    fn alarms_are_fresh(&self, now: Time) -> bool {
        let State::Confirming { alarms_read, .. } = &self.state else { return false };
        self.rules.alarms.names.is_empty() || alarms_read.is_fresh(now)
    }

    /// A service was seen to run exactly our revision, at or after the start of the verification.
    pub(super) fn confirmed_service(&mut self, name: &ServiceName, seen_at: Time, now: Time) {
        self.judged(name, None, seen_at, now);
    }

    /// A service that this release does not change does not run correctly. That counts neither
    /// against the release nor for it.
    pub(super) fn doubted(&mut self, name: &ServiceName, doubt: Doubt, seen_at: Time, now: Time) {
        self.judged(name, Some(doubt), seen_at, now);
    }

    fn judged(&mut self, name: &ServiceName, doubt: Option<Doubt>, seen_at: Time, now: Time) {
        if let State::Confirming { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
            if let Some(service) = self.service_mut(name) {
                service.doubt = doubt;
                service.is_restless = false;
            }
            self.conclude_if_confirmed(now);
        }
    }

    pub(super) fn conclude_if_confirmed(&mut self, now: Time) {
        // Nothing more is expected of a service that was given up.
        let is_given_up =
            |service: &Service| matches!(service.doubt, Some(Doubt::NotAtRest { .. }));
        let stale = self.named(|s| s.seen_at + FRESH < now && !is_given_up(s));
        let alarms_are_fresh = self.alarms_are_fresh(now);
        let State::Confirming { unseen, .. } = &mut self.state else { return };
        if !unseen.is_empty() {
            return;
        }
        // Observations of single services and alarms may be far apart; the verdict is about all of
        // them at once.
        unseen.extend(stale.iter().cloned());
        if stale.is_empty() && alarms_are_fresh {
            return self.end_well(now);
        }
        self.look(stale, now);
        if !alarms_are_fresh {
            self.read_alarms(now);
        }
    }

    /// Every service is on the release. Whether that proves anything is decided separately.
    fn end_well(&mut self, now: Time) {
        let changed = self.services.iter().any(|service| !service.is_unchanged());
        let concerned = |service: &&Service| !changed || !service.is_unchanged();
        let nothing_ran = !self.services.iter().filter(concerned).any(|service| service.ran);
        let doubted = self.services.iter().any(|service| service.doubt.is_some());
        let doubts = self.services.iter().filter_map(|service| {
            let no_task = (concerned(&service) && !service.ran).then_some(Doubt::NoTask);
            Some((service.name.clone(), service.doubt.clone().or(no_task)?))
        });
        let doubts: BTreeMap<ServiceName, Doubt> = doubts.collect();
        for (name, doubt) in &doubts {
            self.note(now, format!("Warning: {}.", doubt.of(name)));
        }
        // The target of a manual rollback has run before.
        let is_unproven = doubted || (nothing_ran && !self.is_manual_rollback());
        let verdict = if is_unproven { Verdict::Unproven { doubts } } else { Verdict::Succeeded };
        self.end(verdict, now);
    }

    /// A service that was up is not stable now: tasks move and scale. During the verification it
    /// has to become stable.
    pub(super) fn not_stable_yet(&mut self, name: &ServiceName, waiting: WaitsFor, now: Time) {
        let Some(service) = self.services.iter_mut().find(|service| service.name == *name) else {
            return;
        };
        let State::Confirming { unseen, look_at, deadline, .. } = &mut self.state else { return };
        // Earlier observations of it no longer hold.
        unseen.insert(name.clone());
        service.is_restless = true;
        if now >= *deadline {
            return self.not_at_rest(name, waiting, now);
        }
        *look_at = (now + LOOK_SOON).min(*deadline);
        if service.is_news(&waiting) {
            self.note(now, format!("{name} is not stable yet: {waiting}."));
        }
    }

    /// The time for the verification is over, and this service was not seen stable.
    fn not_at_rest(&mut self, name: &ServiceName, waiting: WaitsFor, now: Time) {
        let Some(service) = self.service_mut(name) else { return };
        if service.is_unchanged() {
            service.doubt = Some(Doubt::NotAtRest { waiting });
            if let State::Confirming { unseen, .. } = &mut self.state {
                unseen.remove(name);
            }
            return self.conclude_if_confirmed(now);
        }
        let fault = service.fault(waiting.trouble());
        self.start_rollback(Cause::NotStable { service: name.clone(), waiting, fault }, now);
    }

    pub(super) fn woken_confirming(&mut self, now: Time) -> Reply {
        let State::Confirming { unseen, deadline, .. } = &self.state else {
            return Reply::Ignored("not confirming".into());
        };
        let open: Vec<_> = unseen.iter().cloned().collect();
        let stale = |s: &Service| !s.is_restless && s.seen_at + FRESH < now;
        let stale = self.named(|service| open.contains(&service.name) && stale(service));
        let asked = |e: &Effect| matches!(e, Effect::Observe { returns: true, .. });
        let mut ends = self.given_up_from(&stale, *deadline);
        if self.outbox.waits_for(asked) {
            ends = ends.max(*deadline + GRACE + GRACE);
        }
        let State::Confirming { look_at, deadline, .. } = &mut self.state else {
            return Reply::Ignored("not confirming".into());
        };
        if now < *look_at {
            return Reply::Ignored("woken early".into());
        }
        // A record that was woken late asks ECS first.
        let is_over = now >= ends && now < *look_at + GRACE;
        *look_at = if now >= *deadline { now + GRACE } else { (now + LOOK_EVERY).min(*deadline) };
        if is_over {
            self.last_look_is_over(&open, now);
            return Reply::Done;
        }
        self.look(open, now);
        if !self.alarms_are_fresh(now) {
            self.read_alarms(now);
        }
        Reply::Done
    }

    fn last_look_is_over(&mut self, open: &[ServiceName], now: Time) {
        let unanswered = self.outbox.waits_for(|e| matches!(e, Effect::ReadAlarms { .. }));
        for name in open {
            // A changed one starts the rollback.
            if !matches!(self.state, State::Confirming { .. }) {
                return;
            }
            self.not_at_rest(name, WaitsFor::Look, now);
        }
        self.conclude_if_confirmed(now);
        if unanswered && matches!(self.state, State::Confirming { .. }) {
            self.start_rollback(Cause::AlarmsUnreadable, now);
        }
    }
}
