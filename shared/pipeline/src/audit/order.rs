//! What automation may start after the previous deployments.

use super::{Audit, Brief, BriefKind, Rule};
use crate::deployment::Schema;
use crate::environment::{CHANGES_MAX, Head, migration_failed, went_wrong};
use crate::release::{Newest, ReleaseOrder};
use crate::verdict::Verdict;

impl Audit {
    pub(super) fn order(&mut self, head: &Head) {
        let (_, downgrades) = self.newest(head);
        for (number, rule, found) in downgrades.into_iter().chain(self.failures_again(head)) {
            self.find(number, rule, found);
        }
    }

    /// The newest release by the deployments, as an environment counts it, and the older ones that
    /// automation deployed. An unreadable record may have lowered it.
    pub(super) fn newest(&self, head: &Head) -> (Option<Newest>, Vec<(u64, Rule, String)>) {
        let lowered = Changes(&head.lowered_after);
        let mut newest: Option<Newest> = None;
        let mut found = Vec::new();
        let mut last = None;
        for (number, brief) in self.briefs() {
            let is_next = last.is_some_and(|last| last + 1 == number);
            newest = newest.filter(|_| is_next && !lowered.between(last, number));
            last = Some(number);
            if !lowered.all_known_before(number) {
                continue;
            }
            let mark = brief.mark.clone();
            if let Some(known) = newest.as_ref().and_then(|newest| newest.beyond(&mark))
                && brief.kind == BriefKind::Deploy
                && brief.by_automation
            {
                found.push((number, Rule::NewerOnly, self.older(number, brief, &known)));
            }
            newest = match (&brief.kind, newest) {
                (BriefKind::Deploy, newest) if brief.is_gone() => newest,
                (BriefKind::Deploy, Some(newest)) => Some(newest.with(mark)),
                (BriefKind::ManualRollback { .. }, newest) if !brief.is_live() => newest,
                (BriefKind::Deploy | BriefKind::ManualRollback { .. }, _) => Some(mark.into()),
            };
        }
        let is_all = last == Some(head.last_number);
        (newest.filter(|_| is_all && !lowered.between(last, head.last_number + 1)), found)
    }

    fn older(&self, number: u64, brief: &Brief, newest: &ReleaseOrder) -> String {
        let (version, newest) = (&brief.version, &newest.version);
        let mut before = self.briefs().rev().filter(|(before, _)| *before < number);
        match before.find(|(_, before)| before.version == *newest) {
            Some((before, _)) => {
                format!("it deployed {version} after {newest} (deployment {before})")
            }
            None => format!("it deployed {version} after {newest}"),
        }
    }

    /// Images that failed together, or that a person rolled back from, and that automation deployed
    /// again.
    fn failures_again(&self, head: &Head) -> Vec<(u64, Rule, String)> {
        let let_in = Changes(&head.let_in_after);
        // The last failure of each set of images.
        let mut failed: Vec<(&Brief, u64)> = Vec::new();
        let mut runs: Option<&Brief> = None;
        let mut found = Vec::new();
        let mut last = None;
        for (number, brief) in self.briefs() {
            let ran = runs.filter(|_| last.is_some_and(|last| last + 1 == number));
            runs = brief.left_running().unwrap_or(ran);
            if let_in.between(last, number) {
                failed.clear();
            }
            last = Some(number);
            if !let_in.all_known_before(number) {
                continue;
            }
            let known = failed.iter().rev().find(|(known, _)| known.has_images_of(brief));
            if let Some((_, before)) = known {
                found.extend(self.again(number, brief, *before));
            }
            if brief.verdict() == Some(&Verdict::Succeeded) {
                failed.retain(|(known, _)| !known.has_images_of(brief));
            }
            let other = ran.filter(|ran| !ran.has_images_of(brief));
            if let Some(left) = other.filter(|_| brief.is_live() && brief.kind != BriefKind::Deploy)
            {
                failed.push((left, number));
            }
            // A release that was live before and after it has not failed.
            let is_other = ran.is_none() || other.is_some();
            if brief.migration_failed() || (is_other && brief.verdict().is_some_and(went_wrong)) {
                failed.push((brief, number));
            }
        }
        found
    }

    /// What a deployment repeats of one that failed with the same images.
    fn again(&self, number: u64, brief: &Brief, before: u64) -> Vec<(u64, Rule, String)> {
        if brief.kind != BriefKind::Deploy || !brief.by_automation {
            return vec![];
        }
        let version = &brief.version;
        let failed = self.brief(before).filter(|failed| failed.has_images_of(brief));
        let what = match failed {
            Some(failed) => format!("failed as {} in deployment {before}", failed.version),
            None => format!("deployment {before} went back from"),
        };
        let why = format!("it deployed {version}, whose images {what}");
        let mut found = vec![(number, Rule::FailsOnce, why)];
        if brief.has_run() && failed.is_some_and(Brief::has_run) {
            let why = format!(
                "it ran the migration of {version} again, which had failed with the same images in deployment \
                 {before}"
            );
            found.push((number, Rule::MigratesOnce, why));
        }
        found
    }
}

/// The deployments after which a person changed something; the environment keeps the last ones.
struct Changes<'a>(&'a [u64]);

impl Changes<'_> {
    /// Whether something was changed after `last` had started and before `number` did.
    fn between(&self, last: Option<u64>, number: u64) -> bool {
        self.0.iter().any(|change| last.is_none_or(|last| last <= *change) && *change < number)
    }

    /// Before this deployment there may have been changes that are no longer recorded.
    fn all_known_before(&self, number: u64) -> bool {
        self.0.len() < CHANGES_MAX || self.0.first().is_none_or(|first| *first < number)
    }
}

impl Brief {
    /// Whether the environment no longer counts it for the newest release.
    fn is_gone(&self) -> bool {
        self.without_trace || matches!(self.verdict(), Some(Verdict::RolledBack { .. }))
    }

    /// Whether its migration ran, successfully or not.
    fn has_run(&self) -> bool {
        self.kind == BriefKind::Deploy && self.schema != Schema::Untouched
    }

    /// Whether its migration failed, so the database may have changed.
    fn migration_failed(&self) -> bool {
        let failed = |verdict| migration_failed(self.schema, verdict);
        self.kind == BriefKind::Deploy && self.verdict().is_some_and(failed)
    }

    /// Whether it became the live release.
    fn is_live(&self) -> bool {
        self.verdict().is_some_and(Verdict::is_live)
    }
}
