//! After each happening: what was sent is delivered, what was written is watched, what is due is
//! swept.

use crate::happening::Happening;
use crate::sim::Sim;
use engine::{Decide, Key, Record, Swept};
use pipeline::time::{Span, Time};
use std::collections::BTreeMap;

/// How many sweeps in a row may wake a record without changing it.
const WOKEN_MAX: u32 = 30;

impl<D: Decide> Sim<D> {
    /// Every sent message is delivered; every write is watched.
    pub(crate) fn collect(&mut self) {
        for message in self.memory.take_sent() {
            let copies = if self.plan.chance(self.plan.odds().duplicate) { 2 } else { 1 };
            for copy in 0..copies {
                let late = self.lateness()
                    + Span::seconds(if copy == 0 { 0 } else { self.plan.below(600) });
                let pause = match &message.effect {
                    pipeline::effect::Effect::Check { pause, .. } => *pause,
                    pipeline::effect::Effect::RunOneOff(one_off) => one_off.pause,
                    _ => Span::default(),
                };
                self.after(
                    pause + late,
                    Happening::Deliver { message: message.clone(), receives: 1 },
                );
            }
        }
        for timer in self.memory.take_timers() {
            let is_lost = !self.timers_ring || self.plan.chance(self.plan.odds().drop);
            if !is_lost {
                let span =
                    Span::seconds(timer.at.since(self.now).as_seconds() + 1) + self.lateness();
                self.after(span, Happening::Wake(timer.key));
            }
        }
        let mut changed = self.memory.take_changed();
        changed.sort();
        changed.dedup();
        // Deployments first: they are judged by what the head said before this write.
        changed.sort_by_key(|key| matches!(key, Key::Head(_)));
        for key in changed.iter().filter(|key| matches!(key, Key::Head(_) | Key::Deployment(_))) {
            if let Some(record) = self.memory.read(key) {
                let spec = match &record {
                    Record::Deployment(new) if self.invariants.is_new(new) => {
                        self.stored_spec(&new.id.place.application)
                    }
                    _ => None,
                };
                self.invariants.written(&record, spec.as_ref(), &self.cloud, self.now);
            }
        }
    }

    /// The sweep comes every minute; those that would find nothing are left out.
    pub(crate) fn plan_sweep(&mut self) {
        let Some(due) = self.memory.next_due() else { return };
        let time = next_minute(due.max(self.now + Span::seconds(1)));
        if self.sweep_at.is_none_or(|planned| time < planned) {
            self.sweep_at = Some(time);
            self.order += 1;
            self.queue.insert((time, self.order), Happening::Sweep);
        }
    }

    /// A record that is woken again and again without any effect is due endlessly.
    pub(crate) fn count_what_is_woken(&mut self, swept: &Swept) {
        let heard = swept.woken.iter().filter(|(_, said)| said.is_ok());
        let keys: Vec<&Key> = heard.map(|(key, _)| key).collect();
        let before = std::mem::take(&mut self.woken);
        let mut counts = BTreeMap::new();
        self.memory.visit(|key, stored| {
            if keys.contains(&key) {
                let known = before.get(key).filter(|(version, _)| *version == stored.version);
                let count = known.map_or(1, |(_, count)| count + 1);
                counts.insert(key.clone(), (stored.version, count));
            }
        });
        self.woken = counts;
        if let Some((key, _)) = self.woken.iter().find(|(_, (_, count))| *count > WOKEN_MAX) {
            self.invariants.violated("nothing_is_woken_endlessly", key.to_string());
        }
    }
}

fn next_minute(time: Time) -> Time {
    Time::from_millis(time.millis().div_ceil(60_000) * 60_000)
}
