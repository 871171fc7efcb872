//! What the table holds at the end of a history, judged by the rules that a team's own table is
//! judged by.

use crate::sim::Sim;
use engine::{Decide, Key, Record};
use pipeline::audit::{Audit, Report};
use pipeline::names::Place;
use pipeline::time::Span;

/// As long as a table keeps what has ended.
const KEPT: Span = Span::hours(24 * 400);

impl<D: Decide> Sim<D> {
    pub(crate) fn judge_the_records(&mut self, place: &Place) {
        let Some(report) = self.audit(place) else { return };
        for finding in report.findings {
            self.invariants.violated(finding.rule.name(), format!("{place}: {finding}"));
        }
    }

    fn audit(&self, place: &Place) -> Option<Report> {
        let mut audit = Audit::new(place.clone(), self.now, KEPT);
        let mut head = None;
        self.memory.visit(|key, stored| match (key, &stored.record) {
            (Key::Deployment(id), Record::Deployment(deployment)) if id.place == *place => {
                audit.deployment(id.number, deployment, stored.due);
            }
            (Key::Head(of), Record::Head(known)) if of == place => {
                head = Some((known.clone(), stored.due));
            }
            _ => {}
        });
        let (head, due) = head?;
        Some(audit.finish(&head, due))
    }
}
