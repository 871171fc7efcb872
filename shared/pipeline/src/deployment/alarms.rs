//! Alarms before, during and after the rollout.

use super::{AlarmsRead, Deployment, Intent, Reply, State};
use crate::event::{AlarmReading, AlarmState};
use crate::names::AlarmName;
use crate::spec::NoData;
use crate::time::Time;
use crate::verdict::Cause;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known about one alarm. Its events arrive late, twice and out of order, so it matters
/// when it was in ALARM and when not, and not which event came last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmMemory {
    pub state: AlarmState,
    pub since: Time,
    pub muted: bool,
    /// It was in ALARM before anything was changed, so it does not count against the release until
    /// it has been OK once.
    pub discounted: bool,
    /// Since when it was in the state that pre-flight found. What it did before does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_since: Option<Time>,
    /// The first time after that at which it was not in ALARM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_at: Option<Time>,
    /// The last time after that at which it was in ALARM, and not muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_at: Option<Time>,
}

impl AlarmMemory {
    /// The first reading of it.
    fn new(reading: &AlarmReading) -> Self {
        let muted = reading.muted.unwrap_or_default();
        let is_on = reading.state == AlarmState::On && !muted;
        Self {
            state: reading.state,
            since: reading.since,
            muted,
            discounted: false,
            found_since: None,
            quiet_at: None,
            on_at: is_on.then_some(reading.since),
        }
    }

    /// Forgets what it did before the deployment changes anything.
    fn begin(&mut self) {
        self.discounted = self.state == AlarmState::On;
        self.found_since = Some(self.since);
        (self.quiet_at, self.on_at) = (None, None);
    }

    fn take_in(&mut self, reading: &AlarmReading) {
        let found_since = self.found_since.unwrap_or(self.since);
        let muted = reading.muted.unwrap_or(self.muted);
        let is_newest = reading.since >= self.since;
        if is_newest {
            (self.state, self.since, self.muted) = (reading.state, reading.since, muted);
        }
        let is_as_found = (reading.state == AlarmState::On) == self.discounted;
        let is_newer = reading.since > found_since;
        if !is_newer && (is_as_found || !is_newest) {
            return;
        }
        let just_before = Time::from_millis(reading.since.millis().saturating_sub(1));
        let told = [(Some(reading.state), reading.since), (reading.was, just_before)];
        for (state, at) in told.into_iter().filter(|(_, at)| *at >= found_since) {
            match state {
                Some(AlarmState::On) if !muted => self.on_at = self.on_at.max(Some(at)),
                Some(AlarmState::Quiet) => {
                    self.quiet_at = Some(self.quiet_at.map_or(at, |known| known.min(at)));
                }
                _ => {}
            }
        }
    }

    /// When it was last in ALARM in a way that counts against the release.
    pub(crate) fn rang_at(&self) -> Option<Time> {
        let has_been_quiet = |on_at| self.quiet_at.is_some_and(|quiet_at| quiet_at < on_at);
        self.on_at.filter(|on_at| !self.discounted || has_been_quiet(*on_at))
    }
}

impl Deployment {
    /// From now on alarms count, except those that are already in ALARM.
    pub(super) fn begin_to_watch_alarms(&mut self, now: Time) {
        self.alarms.values_mut().for_each(AlarmMemory::begin);
        self.watched_from = Some(now);
    }

    pub(super) fn alarm_changed(&mut self, reading: AlarmReading, now: Time) -> Reply {
        if !self.rules.alarms.names.contains(&reading.alarm) {
            return Reply::Ignored(format!(
                "alarm {} is not part of this deployment",
                reading.alarm
            ));
        }
        if self.remember(&reading) { self.alarm_fired(reading, now) } else { Reply::Done }
    }

    /// Records a reading, and returns whether it counts against the release.
    pub(super) fn remember(&mut self, reading: &AlarmReading) -> bool {
        if !self.rules.alarms.names.contains(&reading.alarm) {
            return false;
        }
        let Some(memory) = self.alarms.get_mut(&reading.alarm) else {
            let memory = AlarmMemory::new(reading);
            let rings = memory.on_at.is_some();
            self.alarms.insert(reading.alarm.clone(), memory);
            return rings;
        };
        let known = memory.rang_at();
        memory.take_in(reading);
        memory.rang_at() > known
    }

    fn alarm_fired(&mut self, reading: AlarmReading, now: Time) -> Reply {
        let AlarmReading { alarm, reason, .. } = reading;
        if self.is_manual_rollback() {
            // The release that is being rolled back triggers alarms; they do not stop the rollback.
            self.note(now, format!("Alarm {alarm} is in ALARM; the rollback continues anyway."));
            return Reply::Done;
        }
        let cause = Cause::Alarm { alarm: alarm.clone(), reason };
        match &self.state {
            State::Migrating { intent: Intent::Continue, .. } => {
                self.note(now, format!("Alarm {alarm} is in ALARM."));
                self.start_rollback(cause, now);
                Reply::Done
            }
            State::RollingOut { .. }
            | State::Checking { .. }
            | State::Baking { .. }
            | State::Confirming { .. } => {
                self.note(now, format!("Alarm {alarm} is in ALARM."));
                self.start_rollback(cause, now);
                Reply::Done
            }
            // Before: pre-flight reads it again. After: the deployment is rolling back, or has
            // ended.
            _ => Reply::Done,
        }
    }

    pub(super) fn alarms_read(
        &mut self,
        read_at: Time,
        readings: Vec<AlarmReading>,
        now: Time,
    ) -> Reply {
        let restore = self.is_manual_rollback();
        let mut missing: Vec<AlarmName> = self.rules.alarms.names.clone();
        for reading in readings {
            missing.retain(|name| *name != reading.alarm);
            if self.remember(&reading) {
                return self.alarm_fired(reading, now);
            }
        }
        let State::Confirming { since, alarms_read, .. } = &mut self.state else {
            return Reply::Done;
        };
        if read_at < *since {
            return Reply::Ignored("the alarms were read before the final check".into());
        }
        let told = *alarms_read != AlarmsRead::NOT_YET;
        *alarms_read = alarms_read.or_later(read_at);
        let silent = |memory: &AlarmMemory| memory.state == AlarmState::NoData && !memory.muted;
        let without =
            self.alarms.iter().filter(|(_, memory)| silent(memory)).map(|(name, _)| name.clone());
        let without: BTreeSet<AlarmName> = without.chain(missing).collect();
        for alarm in without {
            if self.rules.alarms.no_data == NoData::Fail && !restore {
                self.start_rollback(Cause::NoData { alarm }, now);
                return Reply::Done;
            }
            if !told {
                self.note(now, format!("Alarm {alarm} has no data (INSUFFICIENT_DATA)."));
            }
        }
        self.conclude_if_confirmed(now);
        Reply::Done
    }
}
