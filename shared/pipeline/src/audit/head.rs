//! Rules for the record of an environment, and for what it says about its deployments.

use super::course::{overdue, too_large};
use super::outcome::says;
use super::{Audit, Brief, BriefKind, Rule};
use crate::deployment::Schema;
use crate::environment::{Head, MIGRATIONS_MAX, MigrationState};
use crate::release::{ReleaseOrder, same_images};
use crate::size::bytes;
use crate::time::Time;
use crate::verdict::{SupersededBy, Verdict, list};

impl Audit {
    pub(super) fn head(&mut self, head: &Head, woken_at: Option<Time>) {
        let mut found = vec![
            (Rule::Small, too_large(bytes(head))),
            (Rule::Woken, overdue(head.due(), woken_at, self.now)),
            (Rule::Live, self.not_what_runs(head)),
            (Rule::Newest, self.not_the_newest(head)),
        ];
        if head.place != self.place {
            found.push((Rule::Readable, Some(format!("it is the record of {}", head.place))));
        }
        found.extend(self.not_good(head).into_iter().map(|found| (Rule::Good, Some(found))));
        let migrations = self.wrong_migrations(head).into_iter();
        found.extend(migrations.map(|found| (Rule::Schema, Some(found))));
        for (rule, found) in found {
            found.into_iter().for_each(|found| self.find_in_head(rule, found));
        }
    }

    /// The last deployment that changed the live release determines it.
    fn not_what_runs(&self, head: &Head) -> Option<String> {
        let mut newest = self.briefs().rev();
        let (number, left) =
            newest.find_map(|(number, brief)| Some((number, brief.left_running()?)))?;
        // An unreadable one in between may have changed the live release.
        if self.seen.range(number..).any(|(_, seen)| seen.read.is_none()) {
            return None;
        }
        let says = match &head.live {
            None => "no release is live".to_owned(),
            Some(live) => {
                format!("{} is live, from deployment {}", live.release.version, live.number)
            }
        };
        let live = head.live.as_ref().map(|live| (live.number, &live.release.images));
        let is_so = match (left, live) {
            (None, None) => true,
            (Some(brief), Some((of, images))) => of == number && same_images(images, &brief.images),
            _ => false,
        };
        let left = match left {
            None => "left the live release unknown".to_owned(),
            Some(brief) if live.is_some_and(|(of, _)| of == number) => {
                format!("left {} with other images", brief.version)
            }
            Some(brief) => format!("left {}", brief.version),
        };
        (!is_so).then(|| format!("it says that {says}, but deployment {number} {left}"))
    }

    fn not_the_newest(&self, head: &Head) -> Option<String> {
        let (newest, _) = self.newest(head);
        let known = head.high_water.as_ref();
        let newest = newest?;
        let is_unknown = |mark: &ReleaseOrder| !known.is_some_and(|known| known.knows(mark));
        let deployed = newest.marks().find(is_unknown)?.version;
        let known = known.map(|known| list(known.marks().map(|mark| mark.version)));
        let known = known.unwrap_or_else(|| "nothing".to_owned());
        Some(format!("it says that {known} is the newest, but {deployed} was deployed"))
    }

    fn not_good(&self, head: &Head) -> Vec<String> {
        let good = head.good.iter().filter_map(|good| {
            let (version, number) = (&good.release.version, good.number);
            let brief = self.brief(number)?;
            let why = match brief.verdict() {
                None => "has not ended".to_owned(),
                Some(Verdict::Succeeded) if same_images(&brief.images, &good.release.images) => {
                    return None;
                }
                Some(Verdict::Succeeded) => "succeeded with other images".to_owned(),
                Some(other) => format!("ended {}", other.name()),
            };
            Some(format!("it says that {version} is good, but deployment {number} {why}"))
        });
        good.collect()
    }

    /// The recorded migrations, compared with the deployments.
    fn wrong_migrations(&self, head: &Head) -> Vec<String> {
        let known = head.migrations.iter();
        let wrong = known.clone().filter_map(|migration| {
            let brief = self.brief(migration.number)?;
            let fits = match migration.state {
                MigrationState::Done => brief.schema == Schema::Migrated,
                MigrationState::Failed => brief.schema == Schema::MigrationFailed,
                // A later deployment may have undone it, or tried to.
                MigrationState::Undone | MigrationState::UndoFailed => {
                    !matches!(brief.schema, Schema::Untouched | Schema::Undone)
                }
            };
            let (number, is) = (migration.number, says(brief.schema));
            let state = state(migration.state);
            (!fits).then(|| {
                format!(
                    "it says that the migration of deployment {number} {state}, but the record of that deployment says that {is}"
                )
            })
        });
        // Of earlier migrations the head keeps only those that a rollback may need.
        let last = known.clone().rev().take(MIGRATIONS_MAX);
        let oldest = last.map(|migration| migration.number).min();
        let forgotten = self.briefs().filter(|(number, brief)| {
            let is_known = known.clone().any(|migration| migration.number == *number);
            brief.kind == BriefKind::Deploy
                && brief.ended.is_some()
                && !matches!(brief.schema, Schema::Untouched | Schema::Undone)
                && oldest.is_some_and(|oldest| *number > oldest)
                && !is_known
        });
        let forgotten = forgotten
            .map(|(number, _)| format!("it does not know the migration of deployment {number}"));
        wrong.chain(forgotten).collect()
    }
}

impl Brief {
    /// The live release after it: `Some(None)`: unknown; `None`: unchanged.
    pub(super) fn left_running(&self) -> Option<Option<&Self>> {
        match self.verdict()? {
            Verdict::Succeeded | Verdict::Unproven { .. } => Some(Some(self)),
            Verdict::Failed { left, .. } if !left.is_empty() => Some(None),
            Verdict::Superseded { by: SupersededBy::OutsideUpdate { .. } }
            | Verdict::Stuck { .. } => Some(None),
            Verdict::RolledBack { .. }
            | Verdict::Failed { .. }
            | Verdict::Superseded { .. }
            | Verdict::Rejected { .. }
            | Verdict::Cancelled { .. } => None,
        }
    }
}

fn state(state: MigrationState) -> &'static str {
    match state {
        MigrationState::Done => "succeeded",
        MigrationState::Undone => "was undone",
        MigrationState::Failed => "failed",
        MigrationState::UndoFailed => "could not be undone",
    }
}
