//! How far a long search has come, once a minute.

use stateright::Model;
use stateright::report::{ReportData, ReportDiscovery, Reporter};
use std::collections::BTreeMap;
use std::time::Duration;

const EVERY: Duration = Duration::from_mins(1);

pub(super) struct Progress<F> {
    next: Duration,
    tell: F,
}

impl<F> Progress<F> {
    pub(super) fn new(tell: F) -> Self {
        Self { next: EVERY, tell }
    }
}

impl<M: Model, F: FnMut(&str)> Reporter<M> for Progress<F> {
    fn report_checking(&mut self, data: ReportData) {
        if data.duration < self.next {
            return;
        }
        self.next = data.duration + EVERY;
        let ReportData { total_states, unique_states, max_depth, duration, .. } = data;
        (self.tell)(&format!(
            "{unique_states} states, {total_states} transitions, depth {max_depth}, {duration:.0?}"
        ));
    }

    /// The report of the whole search shows what was found.
    fn report_discoveries(&mut self, _: &M, _: BTreeMap<&'static str, ReportDiscovery<M>>) {}

    /// A short search is over before.
    fn delay(&self) -> Duration {
        Duration::from_millis(100)
    }
}
