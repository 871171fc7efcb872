//! Candidates: when the pushed images are a complete release, and which environments get it.

use crate::deployment::Reply;
use crate::effect::Effect;
use crate::environment::Head;
use crate::names::{
    ApplicationName, Digest, EnvironmentName, ImageName, Place, RequestId, Version,
};
use crate::notice::{News, Notice};
use crate::outbox::Outbox;
use crate::release::{Origin, Release, ReleaseOrder};
use crate::request::{Kind, Request, RequestedBy};
use crate::spec::{Application, DeployOn, TagPattern};
use crate::time::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

use crate::push::{Arrived, Belongs, Candidate, Offered, Push};

/// When a complete tag is pushed again, the other images have this long to follow.
const SETTLE: Span = Span::minutes(2);
/// How many previous digests of a tag are remembered.
const REPLACED_MAX: usize = 100;

impl Candidate {
    pub fn new(application: ApplicationName, belongs: &Belongs, push: &Push) -> Self {
        Self {
            application,
            version: belongs.version.clone(),
            tag: belongs.tag.clone(),
            moving: belongs.moving,
            first_pushed_at: push.pushed_at,
            last_pushed_at: push.pushed_at,
            images: BTreeMap::new(),
            replaced: BTreeSet::new(),
            offers: BTreeMap::new(),
            reported: BTreeSet::new(),
            outbox: Outbox::default(),
        }
    }

    /// Records one push and offers the release wherever it is now complete.
    pub fn pushed(
        &mut self,
        image: &ImageName,
        push: &Push,
        spec: &Application,
        now: Time,
    ) -> Reply {
        if let Some(implausible) = push.implausible(now) {
            return Reply::Ignored(format!("rejected: {implausible}"));
        }
        let known = self.images.get(image);
        if known.is_some_and(|known| known.digest == push.digest) {
            return self.pushed_again(image, push, spec, now);
        }
        let arrived = Arrived::new(push);
        let late = known.is_some_and(|known| arrived.known_at() < known.known_at());
        let same_moment = known.is_some_and(|known| arrived.known_at() == known.known_at());
        if late || (same_moment && self.replaced.contains(&push.digest)) {
            self.note_replaced(push.digest.clone());
            return Reply::Ignored("the tag has moved".into());
        }
        if let Some(old) = self.images.insert(image.clone(), arrived) {
            self.note_replaced(old.digest);
        }
        self.first_pushed_at = self.first_pushed_at.min(push.pushed_at);
        self.last_pushed_at = self.last_pushed_at.max(push.pushed_at);
        self.offer(spec, now);
        Reply::Done
    }

    /// Only pushes of the same moment are compared with these, so any but the last may be dropped.
    fn note_replaced(&mut self, digest: Digest) {
        if self.replaced.len() >= REPLACED_MAX && !self.replaced.contains(&digest) {
            self.replaced.pop_first();
        }
        self.replaced.insert(digest);
    }

    /// The same digest under the same tag. A person may have moved the tag away and back again,
    /// which is a new request and needs an answer.
    fn pushed_again(
        &mut self,
        image: &ImageName,
        push: &Push,
        spec: &Application,
        now: Time,
    ) -> Reply {
        let moving = self.moving;
        let known =
            self.images.get_mut(image).filter(|known| moving && known.pushed_at < push.pushed_at);
        let Some(known) = known else { return Reply::Ignored("duplicate push".into()) };
        known.pushed_at = push.pushed_at;
        self.last_pushed_at = self.last_pushed_at.max(push.pushed_at);
        self.offers.values_mut().for_each(|offered| offered.images.clear());
        self.offer(spec, now);
        Reply::Done
    }

    /// Time passed: a release that was pushed again may be complete, another may have waited too
    /// long.
    pub fn woken(&mut self, spec: &Application, now: Time) -> Reply {
        self.offer(spec, now);
        for (environment, missing) in self.overdue(spec, now) {
            let place =
                Place { application: self.application.clone(), environment: environment.clone() };
            let notice = Notice {
                place,
                deployment: None,
                version: self.version.clone(),
                origin: Origin::common(self.images.values().map(|arrived| &arrived.origin)),
                rolls_back_from: None,
                asked_by: format!("push of {}", self.tag),
                at: now,
                news: News::Incomplete { missing },
            };
            self.outbox.add(Effect::Announce(Box::new(notice)), now);
            self.reported.insert(environment);
        }
        Reply::Done
    }

    /// Which images an environment still waits for; `None`: it does not wait for this candidate.
    pub fn awaited(&self, spec: &Application, head: &Head) -> Option<Vec<ImageName>> {
        let mut concerned = self.concerned(spec);
        let (_, deploy_on) = concerned.find(|(name, _)| **name == head.place.environment)?;
        let mark = ReleaseOrder { version: self.version.clone(), built_at: self.built_at() };
        let is_overtaken = head.high_water.as_ref().is_some_and(|newest| newest.covers(&mark));
        let missing = self.missing(deploy_on);
        (!missing.is_empty() && !is_overtaken).then_some(missing)
    }

    pub fn due(&self, spec: &Application) -> Option<Time> {
        let waits = self.concerned(spec).filter_map(|(name, deploy_on)| {
            let incomplete = !self.missing(deploy_on).is_empty();
            if incomplete {
                return Some(self.waits_until(deploy_on)).filter(|_| !self.reported.contains(name));
            }
            let offered = self.offers.get(name)?;
            (offered.images != self.digests(deploy_on)).then_some(self.last_pushed_at + SETTLE)
        });
        waits.chain(self.outbox.due()).min()
    }

    /// Where it has waited too long without a notice, with the missing images.
    fn overdue(&self, spec: &Application, now: Time) -> Vec<(EnvironmentName, Vec<ImageName>)> {
        let late = self.concerned(spec).filter(|(name, deploy_on)| {
            self.waits_until(deploy_on) <= now && !self.reported.contains(*name)
        });
        let missing = late.map(|(name, deploy_on)| (name.clone(), self.missing(deploy_on)));
        missing.filter(|(_, missing)| !missing.is_empty()).collect()
    }

    fn offer(&mut self, spec: &Application, now: Time) {
        let concerned = self.concerned(spec);
        let complete = concerned.filter(|(_, deploy_on)| self.missing(deploy_on).is_empty());
        let complete: Vec<_> =
            complete.map(|(name, on)| (name.clone(), self.digests(on))).collect();
        for (environment, images) in complete {
            let offered = self.offers.get(&environment);
            if offered.is_some_and(|offered| !self.is_new_and_whole(offered, &images, now)) {
                continue;
            }
            let times = offered.map_or(1, |offered| offered.times + 1);
            let request = Box::new(self.request(images.clone(), times));
            self.offers.insert(environment.clone(), Offered { times, images });
            self.outbox.add(Effect::Offer { environment, request }, now);
        }
    }

    /// A tag that was offered before counts again when every image is new, or the push is over.
    fn is_new_and_whole(
        &self,
        offered: &Offered,
        images: &BTreeMap<ImageName, Digest>,
        now: Time,
    ) -> bool {
        let all_new =
            images.iter().all(|(image, digest)| offered.images.get(image) != Some(digest));
        offered.images != *images && (all_new || now >= self.last_pushed_at + SETTLE)
    }

    fn request(&self, images: BTreeMap<ImageName, Digest>, times: u32) -> Request {
        let version = match times {
            1 => self.version.clone(),
            _ => Version::new(format!("{}#{times}", self.version)),
        };
        Request {
            id: RequestId::new(format!("push {version}")),
            kind: Kind::Deploy,
            release: self.release(version, images),
            asked_by: RequestedBy::Push { tag: self.tag.clone() },
            asked_at: self.last_pushed_at,
            confirm: None,
            overrides: BTreeSet::new(),
            fresh: false,
            skip_migration: None,
        }
    }

    /// A release of these images.
    pub fn release(&self, version: Version, images: BTreeMap<ImageName, Digest>) -> Release {
        let arrived = self.images.iter().filter(|(image, _)| images.contains_key(image));
        let arrived: Vec<&Arrived> = arrived.map(|(_, arrived)| arrived).collect();
        let origin = Origin::common(arrived.iter().map(|arrived| &arrived.origin));
        let images_built_at = images_built_at(&arrived);
        let built_at = self.built_at_of(&arrived);
        let unread = arrived.iter().any(|arrived| arrived.unread);
        Release { version, built_at, images, images_built_at, origin, unread }
    }

    /// When the arrived images were built, for the order of releases.
    pub fn built_at(&self) -> Time {
        self.built_at_of(&self.images.values().collect::<Vec<_>>())
    }

    /// A tag that is pushed again does not become newer, but one that moves does.
    fn built_at_of(&self, arrived: &[&Arrived]) -> Time {
        let is_tagged_later = arrived.iter().all(|arrived| arrived.is_tagged_later());
        match images_built_at(arrived).filter(|_| !is_tagged_later) {
            Some(built_at) => built_at,
            None if is_tagged_later && self.moving => self.last_pushed_at,
            None => self.first_pushed_at,
        }
    }

    /// Whether this digest of an image is the last that arrived.
    pub fn has(&self, image: &ImageName, digest: &Digest) -> bool {
        self.images.get(image).is_some_and(|arrived| arrived.digest == *digest)
    }

    fn concerned<'a>(
        &'a self,
        spec: &'a Application,
    ) -> impl Iterator<Item = (&'a EnvironmentName, &'a DeployOn)> {
        let fits = |pattern: &TagPattern| {
            matches!(pattern, TagPattern::Moving(_)) == self.moving && pattern.matches(&self.tag)
        };
        let environments = spec.environments.iter();
        let with_rules = environments.filter_map(|(name, e)| Some((name, e.deploy_on.as_ref()?)));
        with_rules.filter(move |(_, deploy_on)| deploy_on.tags.iter().any(fits))
    }

    fn missing(&self, deploy_on: &DeployOn) -> Vec<ImageName> {
        deploy_on.images.iter().filter(|image| !self.images.contains_key(image)).cloned().collect()
    }

    fn digests(&self, deploy_on: &DeployOn) -> BTreeMap<ImageName, Digest> {
        let wanted = deploy_on.images.iter().filter_map(|image| self.images.get_key_value(image));
        wanted.map(|(image, arrived)| (image.clone(), arrived.digest.clone())).collect()
    }

    fn waits_until(&self, deploy_on: &DeployOn) -> Time {
        self.first_pushed_at + deploy_on.patience
    }
}

/// The latest date counts, if all of them are plausible.
fn images_built_at(arrived: &[&Arrived]) -> Option<Time> {
    let told: Option<Vec<Time>> =
        arrived.iter().map(|arrived| arrived.credible_built_at()).collect();
    told?.into_iter().max()
}
