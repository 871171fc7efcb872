//! The database schema across deployments: which migrations ran, and which were undone.
//!
//! A migration is undone at most once, and only on a rollback by one release: `undo` undoes one
//! migration, and a person who uses it has not agreed to undo two.

use super::{Good, Head};
use crate::deployment::{Deployment, Schema};
use crate::names::{Revision, ServiceName};
use crate::release::{Newest, Release, ReleaseOrder};
use crate::request::{Kind, Undoes};
use serde::{Deserialize, Serialize};

/// How many of the last migrations are always remembered.
pub(crate) const MIGRATIONS_MAX: usize = 20;

/// A migration that ran here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The deployment that ran it.
    pub number: u64,
    /// Its release.
    pub mark: ReleaseOrder,
    /// The revision that ran it, which can undo it.
    pub revision: Option<Revision>,
    pub state: MigrationState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    Done,
    Undone,
    /// It failed, or its outcome is unknown: the database may be partially migrated.
    Failed,
    UndoFailed,
}

impl Good {
    /// The deployment whose migration it needs. If that is not recorded, it is assumed to be its
    /// own.
    fn needs(&self) -> u64 {
        self.needs.unwrap_or(self.number)
    }
}

impl Head {
    /// Every migration that is known to have run, the oldest first.
    fn known_migrations(&self) -> Vec<Migration> {
        let mut known = self.migrations.clone();
        for good in &self.good {
            let number = good.needs();
            if number == 0 || known.iter().any(|migration| migration.number == number) {
                continue;
            }
            let (mark, state) = (good.release.order(), MigrationState::Done);
            known.push(Migration { number, mark, revision: None, state });
        }
        known.sort_by_key(|migration| migration.number);
        known
    }

    /// Which migration has to be undone on a rollback to `good`; `None`: none.
    pub(super) fn to_undo(
        &self,
        good: &Good,
        service: &ServiceName,
    ) -> Result<Option<Undoes>, String> {
        let known = self.known_migrations();
        let last = known.last().map(|last| last.number);
        // A migration that ran after a failed one may have completed that one as well.
        let in_the_way = |one: &&Migration| one.number > good.needs() || Some(one.number) == last;
        let mut doubtful = known.iter().rev().filter(|one| one.state.is_doubtful());
        if let Some(doubtful) = doubtful.find(in_the_way) {
            return Err(format!(
                "the migration of {} (deployment {}) may have left the database partially migrated, so undoing a migration may do harm; check the database, and roll back without undo",
                doubtful.mark.version, doubtful.number
            ));
        }
        let mut done = known.iter().rev().filter(|one| one.state == MigrationState::Done);
        let Some(newest) = done.next().filter(|newest| newest.number > good.needs()) else {
            return Ok(None);
        };
        if let Some(next) = done.next().filter(|next| next.number > good.needs()) {
            return Err(format!(
                "undo undoes one migration, that of {}, but {} is also older than the migration of {}; roll back to {} first, or roll back without undo",
                newest.mark.version, good.release.version, next.mark.version, next.mark.version
            ));
        }
        let with = |good: &&Good| good.number == newest.number;
        let recorded = || self.good.iter().find(with)?.revisions.get(service).cloned();
        Ok(Some(Undoes {
            number: newest.number,
            version: newest.mark.version.clone(),
            revision: newest.revision.clone().or_else(recorded),
        }))
    }

    /// Why a rollback to `good` is impossible: it needs a migration that was undone.
    pub(super) fn schema_lacks(&self, good: &Good) -> Option<String> {
        let needed = self.migrations.iter().find(|migration| migration.number == good.needs())?;
        let version = &good.release.version;
        (needed.state == MigrationState::Undone).then(|| {
            format!(
                "the migration that {version} needs was undone, and a rollback to {version} does not run it again; deploy {version} instead, with \"skip_migration\": true if it runs without that migration"
            )
        })
    }

    /// A release newer than `release` whose migration may have changed the database: the migration
    /// of the older one would run on the newer schema.
    pub(super) fn newer_schema_than(&self, release: &Release) -> Option<ReleaseOrder> {
        let mark = release.order();
        let known = self.known_migrations().into_iter().rev();
        let changed = known.filter(|migration| migration.state != MigrationState::Undone);
        // The release in progress is the newest that ever started, or older than one that is
        // already known.
        let started = self.high_water.iter().filter(|_| self.active.is_some());
        let marks = changed.map(|migration| migration.mark).chain(started.flat_map(Newest::marks));
        marks.into_iter().find(|newest| mark.older_than(newest))
    }

    /// Records what an ended deployment did to the database.
    pub(super) fn remember_migration(&mut self, ended: &Deployment) {
        let number = ended.id.number;
        let state = match ended.schema {
            Schema::Untouched => return,
            Schema::Migrated => MigrationState::Done,
            Schema::Undone => MigrationState::Undone,
            Schema::MigrationFailed => MigrationState::Failed,
            Schema::UndoFailed => MigrationState::UndoFailed,
        };
        match &ended.request.kind {
            // Its own migration was undone: the schema is the previous one.
            Kind::Deploy if state == MigrationState::Undone => {}
            Kind::Deploy => {
                let service = ended.rules.migration.as_ref().map(|migration| &migration.service);
                let ran = ended.services.iter().find(|s| Some(&s.name) == service);
                let revision = ran.map(|service| service.after.clone());
                let mark = ended.request.release.order();
                self.migrations.push(Migration { number, mark, revision, state });
            }
            Kind::ManualRollback(restore) => {
                let undoes = restore.undoes.as_ref();
                let live = self.live.as_ref();
                let undone = undoes.map(|one| one.number).or(live.map(|live| live.number));
                let Some(number) = undone else { return };
                let known = self.known_migrations().into_iter().find(|one| one.number == number);
                let version = undoes.map_or(&restore.from, |undoes| &undoes.version).clone();
                let built_at = ended.request.release.built_at;
                let mark = known.map_or(ReleaseOrder { version, built_at }, |known| known.mark);
                self.migrations.retain(|migration| migration.number != number);
                self.migrations.push(Migration { number, mark, revision: None, state });
                self.migrations.sort_by_key(|migration| migration.number);
            }
        }
    }

    /// Of the migrations before the last ones only those are kept that a good release needs:
    /// whether one of these was undone matters as long as a rollback may go there.
    pub(super) fn forget_migrations(&mut self) {
        let needed: Vec<u64> = self.good.iter().map(Good::needs).collect();
        let older = self.migrations.len().saturating_sub(MIGRATIONS_MAX);
        let older = self.migrations.drain(..older);
        let kept: Vec<Migration> = older.filter(|one| needed.contains(&one.number)).collect();
        self.migrations.splice(..0, kept);
    }

    /// The deployment whose migration a release needs that has just succeeded.
    pub(super) fn needs_of(&self, ended: &Deployment) -> u64 {
        let known = self.known_migrations();
        let done = |number: u64| {
            let found = known.iter().find(|migration| migration.number == number);
            found.is_none_or(|migration| migration.state == MigrationState::Done)
        };
        let newest = known.iter().rev().find(|one| one.state == MigrationState::Done);
        let newest = newest.map_or(0, |newest| newest.number);
        let release = &ended.request.release;
        let before = self.good.iter().find(|good| good.release.same_images(release));
        // It ran with an older schema before, and still can.
        let before = before.map(Good::needs).filter(|needs| done(*needs));
        match ended.schema {
            Schema::Migrated => ended.id.number,
            _ => before.unwrap_or(newest),
        }
    }
}

impl MigrationState {
    fn is_doubtful(self) -> bool {
        matches!(self, Self::Failed | Self::UndoFailed)
    }
}
