//! The head of an environment: everything about it that outlives a deployment.

use super::{Failed, Hold, Migration};
use crate::deployment::{Deployment, LastKnown, ServiceState};
use crate::names::{Digest, Place, RequestId, Revision, ServiceName, TaskId, Version};
use crate::outbox::Outbox;
use crate::release::{Newest, Release, ReleaseOrder};
use crate::request::Request;
use crate::text::shorten;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(super) const GOOD_MAX: usize = 20;
pub(super) const QUEUE_MAX: usize = 20;
/// How many earlier successful releases are remembered by their images only.
const OLDER_GOOD_MAX: usize = 180;
const BAD_MAX: usize = 100;
const FATES_MAX: usize = 100;
/// How many changes by people are remembered for audits, of each kind.
pub(crate) const CHANGES_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub place: Place,
    /// The live release, if Slipway deployed it; `None`: unknown.
    pub live: Option<Live>,
    /// The last good releases, the newest last.
    pub good: Vec<Good>,
    /// Earlier successful releases: no rollback target any longer, but they can still be promoted.
    /// The newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older_good: Vec<Release>,
    /// The lock: the number of the one deployment that may act.
    pub active: Option<u64>,
    pub last_number: u64,
    /// The queue, the oldest first.
    pub queue: Vec<QueuedRequest>,
    pub hold: Option<Hold>,
    /// The hold that the active deployment was admitted despite: it is restored unless that one
    /// goes live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_before: Option<Hold>,
    pub pause: Option<Pause>,
    pub bad: Vec<Bad>,
    /// Images that failed together, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Failed>,
    /// The newest releases that started here; nothing older starts automatically. Releases that
    /// were rolled back, or that a person rolled back from, do not count.
    pub high_water: Option<Newest>,
    /// Its value before the active deployment, which may be rolled back or change nothing.
    pub mark_before: Option<Newest>,
    /// The deployments after which a person lowered `high_water`, the last ones: an audit compares
    /// with nothing before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lowered_after: Vec<u64>,
    /// The deployments after which a person lifted a hold or unmarked a digest, the last ones: what
    /// failed before them may start again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub let_in_after: Vec<u64>,
    /// The outcomes of the last requests, so that a repeated request has no further effect.
    #[serde(rename = "fates")]
    pub request_outcomes: Vec<(RequestId, RequestOutcome)>,
    /// A one-off task of a stuck deployment that may still run.
    pub unfinished: Option<UnfinishedTask>,
    /// Until when a worker of the last deployment may still change a service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers_until: Option<Time>,
    /// The last migrations that ran here and those that good releases need, the newest last, each
    /// with its state. Those from before this was recorded are known from the good releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrations: Vec<Migration>,
    pub outbox: Outbox,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub release: Release,
    pub number: u64,
    pub since: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    pub release: Release,
    pub number: u64,
    pub at: Time,
    pub revisions: BTreeMap<ServiceName, Revision>,
    /// The deployment whose migration it needs; 0: it needs none; `None`: not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<u64>,
}

/// A queued request, and the reason for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedRequest {
    pub request: Request,
    pub why: String,
    /// When it is checked again even if nothing happens; it may have waited long enough then.
    pub until: Option<Time>,
    /// When it was accepted; an older version did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: String,
    pub why: String,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    pub digest: Digest,
    pub version: Version,
    pub why: String,
    /// A person named exactly this digest; otherwise it belongs to a release that was rolled back.
    pub by_hand: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    Started { number: u64 },
    Declined { why: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedTask {
    pub number: u64,
    pub task: Option<TaskId>,
}

impl Head {
    pub fn new(place: Place) -> Self {
        Self {
            place,
            live: None,
            good: Vec::new(),
            older_good: Vec::new(),
            active: None,
            last_number: 0,
            queue: Vec::new(),
            hold: None,
            hold_before: None,
            pause: None,
            bad: Vec::new(),
            failed: Vec::new(),
            high_water: None,
            mark_before: None,
            lowered_after: Vec::new(),
            let_in_after: Vec::new(),
            request_outcomes: Vec::new(),
            unfinished: None,
            workers_until: None,
            migrations: Vec::new(),
            outbox: Outbox::default(),
        }
    }

    /// The newest release that started here, if `mark` is older than it; else `mark`.
    pub fn newest(&self, mark: ReleaseOrder) -> ReleaseOrder {
        let newer = self.high_water.as_ref().and_then(|known| known.beyond(&mark));
        newer.unwrap_or(mark)
    }

    pub(super) fn remember_lowered(&mut self) {
        remember_number(&mut self.lowered_after, self.last_number);
    }

    pub(super) fn remember_let_in(&mut self) {
        remember_number(&mut self.let_in_after, self.last_number);
    }

    /// Whether exactly these images succeeded here together, perhaps among others.
    pub fn has_good(&self, release: &Release) -> bool {
        let mut good = self.good.iter().map(|good| &good.release).chain(&self.older_good);
        good.any(|good| {
            release.images.iter().all(|(image, digest)| match good.images.get(image) {
                Some(known) => known == digest,
                // The spec has renamed it.
                None => good
                    .images
                    .iter()
                    .any(|(name, known)| known == digest && !release.images.contains_key(name)),
            })
        })
    }

    /// What the last successful deployment left running here; `None`: unknown.
    pub fn last_known(&self) -> Option<LastKnown> {
        let live = self.live.as_ref()?;
        let good = self.good.iter().find(|good| good.number == live.number)?;
        Some(LastKnown { number: good.number, revisions: good.revisions.clone() })
    }

    /// A revision that was deregistered runs again under another number.
    pub(super) fn remember_what_is_back(&mut self, ended: &Deployment) {
        let Some(left) = &ended.last_known else { return };
        let Some(good) = self.good.iter_mut().find(|good| good.number == left.number) else {
            return;
        };
        for service in ended.services.iter().filter(|s| s.state == ServiceState::RolledBack) {
            if let (Some(runs), true) =
                (&service.before, left.revisions.contains_key(&service.name))
            {
                good.revisions.insert(service.name.clone(), runs.clone());
            }
        }
    }

    /// When it is due next, if nothing happens before.
    pub fn due(&self) -> Option<Time> {
        let waits = self.queue.iter().filter_map(|waits| waits.until);
        waits.chain(self.outbox.due()).min()
    }

    pub(super) fn request_outcome(&self, id: &RequestId) -> Option<&RequestOutcome> {
        self.request_outcomes.iter().find(|(known, _)| known == id).map(|(_, fate)| fate)
    }

    pub(super) fn remember_request_outcome(&mut self, id: RequestId, fate: RequestOutcome) {
        let fate = match fate {
            RequestOutcome::Declined { why } => RequestOutcome::Declined { why: shorten(why) },
            started @ RequestOutcome::Started { .. } => started,
        };
        self.request_outcomes.push((id, fate));
        drop_oldest(&mut self.request_outcomes, FATES_MAX);
    }

    pub(super) fn remember_good(&mut self, good: Good) {
        self.good.retain(|known| !known.release.same_images(&good.release));
        self.older_good.retain(|known| !known.same_images(&good.release));
        self.good.push(good);
        let older = drop_oldest(&mut self.good, GOOD_MAX).into_iter().map(|good| good.release);
        let older: Vec<_> =
            older.filter(|release| self.speaks_against(release).is_none()).collect();
        self.older_good.extend(older);
        drop_oldest(&mut self.older_good, OLDER_GOOD_MAX);
    }

    /// Marks the digests of `release` as bad, except those that the good releases share.
    pub(super) fn remember_bad(&mut self, release: &Release, why: &str) {
        let good =
            self.good.iter().map(|good| &good.release).filter(|good| !good.same_images(release));
        let good = good.chain(self.live.iter().map(|live| &live.release));
        let kept: Vec<Digest> = good.flat_map(|release| release.images.values()).cloned().collect();
        for digest in release.images.values().filter(|digest| !kept.contains(digest)) {
            if !self.bad.iter().any(|bad| bad.digest == *digest) {
                let (digest, version) = (digest.clone(), release.version.clone());
                let why = why.to_owned();
                self.remember_bad_digest(Bad { digest, version, why, by_hand: false });
            }
        }
    }

    pub(super) fn remember_bad_digest(&mut self, bad: Bad) {
        self.bad.retain(|known| known.digest != bad.digest);
        self.bad.push(Bad { why: shorten(bad.why), ..bad });
        while self.bad.len() > BAD_MAX {
            self.forget_a_bad_digest();
        }
    }

    /// Drops the oldest one, and one that a person named only if there is no other.
    pub(super) fn forget_a_bad_digest(&mut self) {
        let oldest = self.bad.iter().position(|bad| !bad.by_hand).unwrap_or_default();
        if oldest < self.bad.len() {
            self.bad.remove(oldest);
        }
    }

    /// The digest for which automation does not choose `release`: one that a person named, or one
    /// of a rolled back release, if everything that it would change is marked. One digest of
    /// several that were rolled back need not be the cause, and must not block the release that
    /// fixes the other.
    pub(super) fn bad_digest_of(&self, release: &Release) -> Option<&Bad> {
        let known = |digest: &Digest| self.bad.iter().find(|bad| bad.digest == *digest);
        let by_hand = release.images.values().filter_map(known).find(|bad| bad.by_hand);
        let live = self.live.iter().flat_map(|live| live.release.images.values());
        let live: Vec<&Digest> = live.collect();
        let changes = release.images.values().filter(|digest| !live.contains(digest));
        let changes: Option<Vec<&Bad>> = changes.map(known).collect();
        by_hand.or_else(|| changes?.first().copied())
    }
}

fn remember_number(numbers: &mut Vec<u64>, number: u64) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
        drop_oldest(numbers, CHANGES_MAX);
    }
}

/// Keeps the newest `max`, and returns the others.
pub(super) fn drop_oldest<T>(items: &mut Vec<T>, max: usize) -> Vec<T> {
    let newest = items.split_off(items.len().saturating_sub(max));
    std::mem::replace(items, newest)
}
