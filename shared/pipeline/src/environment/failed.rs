//! Images that failed here together: exactly this combination, even if each image is good
//! elsewhere.
//!
//! Digests that are marked bad are single images, and never those of another good release. So the
//! failed combination is remembered as well, whatever is live now:
//!
//! - what was rolled back, is still deployed or is stuck for a cause that counts against the
//!   release;
//! - what failed after its migration had run and before a service was updated, for any cause: the
//!   database has changed;
//! - what a person rolled back from.
//!
//! A lack of capacity or a missing role counts against no release, and nothing counts against
//! images that ran before it and run after it.
//!
//! Automation never starts it. A person can with the override `bad`, and allows it again
//! - by its success: exactly these images work here;
//! - by `unmark_bad` of one of its digests, the action that allows images again;
//! - by `unhold`, if its migration failed after the last success here and none of its digests is
//!   marked: a person who lifts the hold has checked the database. In all other cases `unhold`
//!   allows newer releases, and not the failed one.

use super::head::{Bad, Head, drop_oldest};
use crate::deployment::{Deployment, Schema};
use crate::names::{Digest, ImageName, Version};
use crate::release::{Release, same_images};
use crate::request::Kind;
use crate::text::shorten;
use crate::verdict::{Cause, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FAILED_MAX: usize = 50;

/// Images that failed here together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub images: BTreeMap<ImageName, Digest>,
    pub version: Version,
    /// The deployment that failed, or that rolled back from it.
    pub number: u64,
    pub why: String,
    /// Its migration failed, or had run when it was given up: a person checks the database.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub migration: bool,
}

/// Why automation does not choose a release.
#[derive(Clone, Copy, Debug)]
pub(super) enum Against<'a> {
    Digest(&'a Bad),
    Together(&'a Failed),
}

impl Failed {
    fn has_images_of(&self, release: &Release) -> bool {
        same_images(&self.images, &release.images)
    }
}

impl Head {
    /// Why automation does not choose `release`: one of its digests, or the whole combination.
    pub(super) fn speaks_against(&self, release: &Release) -> Option<Against<'_>> {
        let together = || self.failed.iter().find(|failed| failed.has_images_of(release));
        let digest = self.bad_digest_of(release).map(Against::Digest);
        digest.or_else(|| together().map(Against::Together))
    }

    /// Records how `ended` failed, after the live release is updated.
    pub(super) fn remember_failed(&mut self, ended: &Deployment) {
        let Some(verdict) = ended.verdict() else { return };
        let Some(cause) = verdict.cause() else { return };
        let is_deploy = ended.request.kind == Kind::Deploy;
        let migration = is_deploy && migration_failed(ended.schema, verdict);
        if migration || went_wrong(verdict) {
            let (release, number) = (&ended.request.release, ended.id.number);
            self.remember_together(release, number, cause.to_string(), migration);
        }
    }

    /// Records that a person rolled back from `left`.
    pub(super) fn remember_left(&mut self, left: &Release, number: u64, why: &str) {
        self.remember_together(left, number, why.to_owned(), false);
    }

    fn remember_together(&mut self, release: &Release, number: u64, why: String, migration: bool) {
        let runs = self.live.as_ref().is_some_and(|live| live.release.same_images(release));
        if runs && !migration {
            return;
        }
        self.forget_failed(release);
        let (images, version) = (release.images.clone(), release.version.clone());
        self.failed.push(Failed { images, version, number, why: shorten(why), migration });
        drop_oldest(&mut self.failed, FAILED_MAX);
    }

    /// Exactly these images succeeded.
    pub(super) fn forget_failed(&mut self, release: &Release) {
        self.failed.retain(|failed| !failed.has_images_of(release));
    }

    /// A person allows this digest again; returns whether that changed anything.
    pub(super) fn let_in_digest(&mut self, digest: &Digest) -> bool {
        let known = self.bad.len() + self.failed.len();
        self.bad.retain(|bad| bad.digest != *digest);
        self.failed.retain(|failed| failed.images.values().all(|image| image != digest));
        self.bad.len() + self.failed.len() < known
    }

    /// A person lifts a hold, and has checked the database after a failed migration.
    pub(super) fn let_in_after_migration(&mut self) {
        let last = self.good.last().map_or(0, |good| good.number);
        let Self { failed, bad, .. } = self;
        let is_marked = |digest: &Digest| bad.iter().any(|bad| bad.digest == *digest);
        failed.retain(|failed| {
            !failed.migration || failed.number < last || failed.images.values().any(is_marked)
        });
    }
}

/// Whether a deployment that ended like this leaves a database to check.
pub(crate) fn migration_failed(schema: Schema, verdict: &Verdict) -> bool {
    match schema {
        Schema::MigrationFailed => verdict.cause().is_some(),
        Schema::Untouched => false,
        Schema::Migrated | Schema::Undone | Schema::UndoFailed => touched_no_service(verdict),
    }
}

/// Whether a deployment that ended like this counts against its images.
pub(crate) fn went_wrong(verdict: &Verdict) -> bool {
    !touched_no_service(verdict) && verdict.cause().is_some_and(Cause::speaks_against_the_release)
}

fn touched_no_service(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed { left, .. } if left.is_empty())
}

impl Against<'_> {
    /// Its description for people.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Digest(bad) => {
                format!("image {} of this release is marked bad", bad.digest.short())
            }
            Self::Together(failed) => {
                let Failed { version, number, .. } = failed;
                format!("exactly these images failed here, as {version} in deployment {number}")
            }
        }
    }

    pub(super) fn why(&self) -> &str {
        match self {
            Self::Digest(bad) => &bad.why,
            Self::Together(failed) => &failed.why,
        }
    }
}
