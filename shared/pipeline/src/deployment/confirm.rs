//! Baking, and the last look before anything is called a success.

use super::{Deployment, FRESH, GRACE, LOOK_EVERY, LOOK_SOON, Said, State};
use crate::effect::Effect;
use crate::names::ServiceName;
use crate::time::{Span, Time};
use crate::verdict::{Cause, Verdict};

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
        self.drop_all_but_announcements();
        self.state = State::Confirming {
            since: now,
            unseen: names.iter().cloned().collect(),
            alarms_read: self.rules.alarms.names.is_empty(),
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
            self.ask(Effect::ReadAlarms { names }, now);
        }
    }

    /// A service was seen to run exactly our revision, at or after the start of the last look.
    pub(super) fn confirmed_service(&mut self, name: &ServiceName, seen_at: Time, now: Time) {
        if let State::Confirming { since, unseen, .. } = &mut self.state
            && seen_at >= *since
        {
            unseen.remove(name);
            self.conclude_if_confirmed(now);
        }
    }

    pub(super) fn conclude_if_confirmed(&mut self, now: Time) {
        let stale = self.named(|service| service.seen_at + FRESH < now);
        let State::Confirming { unseen, alarms_read: true, .. } = &mut self.state else { return };
        if !unseen.is_empty() {
            return;
        }
        // Looks at single services may lie far apart; the verdict is about all of them at once.
        unseen.extend(stale.iter().cloned());
        if stale.is_empty() {
            self.end(Verdict::Succeeded, now);
        } else {
            self.look(stale, now);
        }
    }

    /// A service that was up is not quite up now: tasks move and scale. In the last look that has
    /// to come to rest.
    pub(super) fn unsettled(&mut self, name: &ServiceName, waiting: String, now: Time) {
        if let State::Confirming { unseen, look_at, deadline, .. } = &mut self.state {
            // Whatever was seen of it before is not so any more.
            unseen.insert(name.clone());
            if now >= *deadline {
                return self.go_back(Cause::DidNotSettle { service: name.clone(), waiting }, now);
            }
            *look_at = (now + LOOK_SOON).min(*deadline);
            let text = format!("{name} is not at rest yet: {waiting}.");
            if self.timeline.entries().iter().all(|entry| entry.text != text) {
                self.note(now, text);
            }
        }
    }

    pub(super) fn woken_confirming(&mut self, now: Time) -> Said {
        let State::Confirming { unseen, alarms_read, look_at, deadline, .. } = &mut self.state
        else {
            return Said::Ignored("not confirming".into());
        };
        if now < *look_at {
            return Said::Ignored("woken before its time".into());
        }
        let (open, alarms_read) = (unseen.iter().cloned().collect::<Vec<_>>(), *alarms_read);
        // Whoever overslept asks first.
        if now >= *deadline + GRACE && now < *look_at + GRACE {
            let cause = match open.first() {
                Some(service) => {
                    let waiting = "for ECS to say what it runs".to_owned();
                    Cause::DidNotSettle { service: service.clone(), waiting }
                }
                None => Cause::AlarmsUnreadable,
            };
            self.go_back(cause, now);
            return Said::Done;
        }
        *look_at = if now >= *deadline { now + GRACE } else { (now + LOOK_EVERY).min(*deadline) };
        self.look(open, now);
        if !alarms_read {
            self.read_alarms(now);
        }
        Said::Done
    }
}
