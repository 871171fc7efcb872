//! What the table holds at the end of a history, judged by the rules that a team's own table is
//! judged by.

use crate::sim::Sim;
use engine::{Decide, Key, Record};
use pipeline::audit::{Audit, Report};
use pipeline::names::{Place, Version};
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

    /// Each tag means what it was put on last, once the registry was asked.
    pub(crate) fn judge_the_tags(&mut self) {
        for (application, tag, image, digest) in std::mem::take(&mut self.invariants.tags) {
            if self.invariants.releases.has_changed(&application)
                || self.invariants.admissions.has_shrunk(&application)
            {
                continue;
            }
            let version = Version::new(tag.as_str());
            let key = Key::Candidate { application, version };
            let Some(Record::Candidate(candidate)) = self.record(&key) else { continue };
            let holds = candidate.images.get(&image).map(|arrived| &arrived.digest);
            if holds.is_some_and(|holds| *holds != digest) {
                let what = format!("{tag} of {image}: {holds:?} and not {digest}");
                self.invariants.violated("a_candidate_holds_what_its_tag_points_to", what);
            }
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
