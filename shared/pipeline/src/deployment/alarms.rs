//! Alarms before, during and after the rollout.

use super::{Deployment, Intent, Said, State};
use crate::event::{AlarmReading, AlarmState};
use crate::names::AlarmName;
use crate::spec::NoData;
use crate::time::Time;
use crate::verdict::Cause;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known about one alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMemory {
    pub state: AlarmState,
    pub since: Time,
    pub muted: bool,
    /// It was on before we touched anything, so that it says nothing against the release until it
    /// has been quiet once.
    pub discounted: bool,
}

impl From<&AlarmReading> for AlarmMemory {
    fn from(reading: &AlarmReading) -> Self {
        Self { state: reading.state, since: reading.since, muted: reading.muted, discounted: false }
    }
}

impl Deployment {
    pub(super) fn discount_alarms_that_are_on(&mut self) {
        for memory in self.alarms.values_mut().filter(|memory| memory.state == AlarmState::On) {
            memory.discounted = true;
        }
    }

    pub(super) fn alarm_changed(&mut self, reading: AlarmReading, now: Time) -> Said {
        if !self.rules.alarms.names.contains(&reading.alarm) {
            return Said::Ignored(format!(
                "alarm {} is not part of this deployment",
                reading.alarm
            ));
        }
        if self.remember(&reading) { self.alarm_fired(reading, now) } else { Said::Done }
    }

    /// Takes in a reading, and says whether it speaks against the release.
    pub(super) fn remember(&mut self, reading: &AlarmReading) -> bool {
        if !self.rules.alarms.names.contains(&reading.alarm) {
            return false;
        }
        let known = self.alarms.get(&reading.alarm);
        if known.is_some_and(|memory| reading.since < memory.since) {
            return false;
        }
        let mut memory = AlarmMemory::from(reading);
        memory.discounted =
            known.is_some_and(|m| m.discounted) && reading.state != AlarmState::Quiet;
        let counts = memory.state == AlarmState::On && !memory.muted && !memory.discounted;
        self.alarms.insert(reading.alarm.clone(), memory);
        counts
    }

    fn alarm_fired(&mut self, reading: AlarmReading, now: Time) -> Said {
        let AlarmReading { alarm, reason, .. } = reading;
        if self.is_restore() {
            // What is being left sets alarms off; that is no reason to stop half-way back.
            self.note(now, format!("Alarm {alarm} is on; it goes back all the same."));
            return Said::Done;
        }
        let cause = Cause::Alarm { alarm: alarm.clone(), reason };
        match &self.state {
            State::Migrating { intent: Intent::GoOn, .. } => {
                self.note(now, format!("Alarm {alarm} is on."));
                self.go_back(cause, now);
                Said::Done
            }
            State::RollingOut { .. }
            | State::Checking { .. }
            | State::Baking { .. }
            | State::Confirming { .. } => {
                self.note(now, format!("Alarm {alarm} is on."));
                self.go_back(cause, now);
                Said::Done
            }
            // Before: pre-flight asks again. After: it is on its way back, or over.
            _ => Said::Done,
        }
    }

    pub(super) fn alarms_read(
        &mut self,
        read_at: Time,
        readings: Vec<AlarmReading>,
        now: Time,
    ) -> Said {
        let restore = self.is_restore();
        let mut missing: Vec<AlarmName> = self.rules.alarms.names.clone();
        for reading in readings {
            missing.retain(|name| *name != reading.alarm);
            if self.remember(&reading) {
                return self.alarm_fired(reading, now);
            }
        }
        let State::Confirming { since, alarms_read, .. } = &mut self.state else {
            return Said::Done;
        };
        if read_at < *since {
            return Said::Ignored("the alarms were read before the last look".into());
        }
        let told = std::mem::replace(alarms_read, true);
        let silent = |memory: &super::alarms::AlarmMemory| {
            memory.state == AlarmState::NoData && !memory.muted
        };
        let without =
            self.alarms.iter().filter(|(_, memory)| silent(memory)).map(|(name, _)| name.clone());
        let without: BTreeSet<AlarmName> = without.chain(missing).collect();
        for alarm in without {
            if self.rules.alarms.no_data == NoData::Fail && !restore {
                self.go_back(Cause::NoData { alarm }, now);
                return Said::Done;
            }
            if !told {
                self.note(now, format!("Alarm {alarm} has no data: nothing was measured."));
            }
        }
        self.conclude_if_confirmed(now);
        Said::Done
    }
}
