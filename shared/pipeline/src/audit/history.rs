//! Rules for the deployments of an environment together.

use super::{Audit, Brief, BriefKind, Rule, SKEW};
use crate::deployment::Schema;
use crate::verdict::list;
use std::collections::BTreeMap;

impl Audit {
    /// `below` is one more than the last number.
    pub(super) fn history(&mut self, below: Option<u64>) {
        let found = [self.gaps(below), self.overlaps(), self.undone_twice()];
        for (number, rule, found) in found.into_iter().flatten() {
            self.find(number, rule, found);
        }
    }

    /// A deployment whose record is gone too early. Deployments that ended earlier expire earlier.
    fn gaps(&self, below: Option<u64>) -> Vec<(u64, Rule, String)> {
        let last = below.map(|below| below.saturating_sub(1));
        let numbers: Vec<u64> = self.seen.keys().copied().collect();
        let Some(first) = numbers.first().copied() else { return vec![] };
        let last = last.unwrap_or(first).max(numbers.last().copied().unwrap_or(first));
        let mut found = Vec::new();
        let mut is_kept = false;
        for number in first..=last {
            if let Some(seen) = self.seen.get(&number) {
                let ended = seen.read.as_ref().and_then(|brief| brief.ended.as_ref());
                is_kept |= ended.is_some_and(|(_, at)| *at + self.kept > self.now);
            } else if is_kept {
                let why = "it has no record, although an earlier deployment has one";
                found.push((number, Rule::Numbered, why.to_owned()));
            }
        }
        if let (Some(below), Some(highest)) = (below, numbers.last())
            && *highest >= below
        {
            let why = format!("the environment says that its last number is {}", below - 1);
            found.push((*highest, Rule::Numbered, why));
        }
        found
    }

    /// A deployment that started before the previous one had ended.
    fn overlaps(&self) -> Vec<(u64, Rule, String)> {
        let pairs = self.briefs().zip(self.briefs().skip(1));
        let found = pairs.filter_map(|((before, earlier), (number, later))| {
            let why = match &earlier.ended {
                None => format!("it started before deployment {before} had ended"),
                Some((_, at)) if later.started_at + SKEW < *at => {
                    let started_at = later.started_at;
                    format!("it started at {started_at}, before deployment {before} ended at {at}")
                }
                Some(_) => return None,
            };
            Some((number, Rule::OneAtATime, why))
        });
        found.collect()
    }

    fn undone_twice(&self) -> Vec<(u64, Rule, String)> {
        let mut undone: BTreeMap<u64, u64> = BTreeMap::new();
        let mut found = Vec::new();
        for (number, brief) in self.briefs() {
            let is_undone = matches!(brief.schema, Schema::Undone | Schema::UndoFailed);
            let of = match &brief.kind {
                BriefKind::Deploy => Some(number),
                BriefKind::ManualRollback { undoes } => *undoes,
            };
            let Some(of) = of.filter(|_| is_undone) else { continue };
            if let Some(before) = undone.insert(of, number) {
                let why =
                    format!("it undid the migration of deployment {of}, as {before} had before");
                found.push((number, Rule::UndoneOnce, why));
            }
            let ran = self.brief(of).map(|brief| brief.schema);
            if ran == Some(Schema::Untouched) {
                let why = format!("it undid the migration of deployment {of}, which ran none");
                found.push((number, Rule::UndoneOnce, why));
            }
        }
        found
    }

    /// Compares the deployments in progress with the environment's record.
    pub(super) fn under_way(&mut self, active: Option<u64>) {
        let open = |(number, brief): (u64, &Brief)| brief.ended.is_none().then_some(number);
        let open: Vec<u64> = self.briefs().filter_map(open).collect();
        let others: Vec<u64> =
            open.iter().copied().filter(|number| Some(*number) != active).collect();
        if !others.is_empty() {
            let says = match active {
                Some(active) => format!("deployment {active} is in progress"),
                None => "no deployment is in progress".to_owned(),
            };
            let found = format!("it says that {says}, but {} has not ended", list(others));
            self.find_in_head(Rule::OneAtATime, found);
        }
        let has_ended = |number: &u64| self.brief(*number).is_some_and(|one| one.ended.is_some());
        if let Some(active) = active.filter(has_ended) {
            let found =
                format!("it says that deployment {active} is in progress, but it has ended");
            self.find_in_head(Rule::OneAtATime, found);
        }
    }
}
