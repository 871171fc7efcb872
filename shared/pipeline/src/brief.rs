//! The texts of workers' answers, cut to a length that can be stored.
//!
//! An answer counts however long its reasons are: AWS, a registry or fifty containers may return
//! long texts, and a deployment that rejected such an answer would never end.

use crate::environment::Input;
use crate::event::{AlarmReading, Event, Outcome, Preparation};
use crate::observation::Observation;
use crate::task::{OneOffEnd, Stop};

/// How much of one reason is kept.
const TEXT_MAX: usize = 2048;
/// How much of a list of reasons is kept in total.
const LIST_MAX: usize = 16 * 1024;

impl Input {
    /// Cuts the answer of a worker; other input stays unchanged, and is refused if it is too long.
    pub(crate) fn brief(self) -> Self {
        match self {
            Self::Answered { deployment, effect, event } => {
                Self::Answered { deployment, effect, event: event.brief() }
            }
            other => other,
        }
    }
}

impl Event {
    fn brief(mut self) -> Self {
        match &mut self {
            Self::PreparationFailed { faults } => list(faults),
            Self::Prepared(Preparation { alarms, warnings, .. }) => {
                list(warnings);
                alarms.iter_mut().for_each(reading);
            }
            Self::OneOffNotStarted { reason, .. }
            | Self::RolloutRefused { reason, .. }
            | Self::RollbackRefused { reason, .. }
            | Self::Checked { outcome: Outcome::Failed { reason }, .. } => text(reason),
            Self::OneOffSeen { end: Some(end), .. }
            | Self::OneOffReported { end: Some(end), .. } => one_off(end),
            Self::Observed { services } => services.iter_mut().for_each(observation),
            Self::LeftAlone { seen } => observation(seen),
            Self::AlarmsRead { readings, .. } => readings.iter_mut().for_each(reading),
            Self::AlarmChanged(changed) => reading(changed),
            Self::TaskReported(report) => {
                report.stop.iter_mut().for_each(stop);
                let reasons = report.containers.iter_mut().filter_map(|one| one.reason.as_mut());
                reasons.for_each(text);
            }
            // They contain no foreign text.
            Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::CancelRequested { .. }
            | Self::RollbackRequested { .. }
            | Self::OneOffClaimed { .. }
            | Self::OneOffStarted { .. }
            | Self::OneOffSeen { end: None, .. }
            | Self::OneOffReported { end: None, .. }
            | Self::OneOffLost { .. }
            | Self::OneOffStopAsked { .. }
            | Self::RolloutStarted { .. }
            | Self::Checked { outcome: Outcome::Passed, .. }
            | Self::RollbackStarted { .. }
            | Self::Removed { .. }
            | Self::Announced
            | Self::Woken => {}
        }
        self
    }
}

fn reading(reading: &mut AlarmReading) {
    text(&mut reading.reason);
}

fn observation(observation: &mut Observation) {
    let Some(found) = &mut observation.found else { return };
    found.rollouts.iter_mut().for_each(|rollout| text(&mut rollout.reason));
    found.return_reason.iter_mut().for_each(text);
    found.trouble.iter_mut().for_each(|trouble| text(&mut trouble.text));
}

fn one_off(end: &mut OneOffEnd) {
    stop(&mut end.stop);
    end.reason.iter_mut().chain(end.beside.iter_mut()).for_each(text);
}

fn stop(stop: &mut Stop) {
    stop.code.iter_mut().for_each(text);
    text(&mut stop.reason);
}

fn text(text: &mut String) {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

/// Keeps the first ones, and says how many more there were.
fn list(texts: &mut Vec<String>) {
    let mut length = 0;
    let all = texts.len();
    texts.iter_mut().for_each(text);
    texts.retain(|text| {
        length += text.len();
        length <= LIST_MAX
    });
    let left_out = all - texts.len();
    if left_out > 0 {
        texts.push(format!("and {left_out} more"));
    }
}
