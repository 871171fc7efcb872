//! Releases: what starts, what is turned away and in which order, as the world knows it.

use pipeline::deployment::Deployment;
use pipeline::environment::{Control, Head, RequestOutcome};
use pipeline::names::{ApplicationName, DeploymentId, Digest, Place, RequestId};
use pipeline::release::{Newest, Release};
use pipeline::request::{Kind, Request, RequestedBy};
use pipeline::spec::Application;
use pipeline::time::Time;
use pipeline::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// Invariants that were broken, and how.
type Broken = Vec<(&'static str, String)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Releases {
    /// When each image was built, if it says so; `None`: several builds have it.
    built: BTreeMap<Digest, Option<Time>>,
    /// What automation has started and what stands still: when it was built, and its version.
    standing: BTreeMap<Place, Vec<Stands>>,
    /// Every request that was made by a push or a promotion.
    requests: BTreeMap<Place, BTreeMap<RequestId, Request>>,
    /// Requests whose outcome is known.
    request_outcomes: BTreeMap<Place, BTreeSet<RequestId>>,
    /// What anything that is turned away for being old must be older than.
    newest: BTreeMap<Place, Newest>,
    newest_before: BTreeMap<DeploymentId, Option<Newest>>,
    /// A person is about to change what is newest there.
    changing: BTreeSet<Place>,
    /// Applications whose spec has changed.
    changed: BTreeSet<ApplicationName>,
}

#[derive(Clone, Debug)]
struct Stands {
    number: u64,
    built_at: Time,
    version: Option<[u64; 3]>,
    name: String,
}

impl Stands {
    fn is_older_than(&self, other: &Self) -> bool {
        match (self.version, other.version) {
            (Some(own), Some(others)) if own != others => own < others,
            _ => self.built_at < other.built_at,
        }
    }
}

impl Releases {
    /// A build has this image, and says that it was built then.
    pub(crate) fn was_built(&mut self, digest: &Digest, built_at: Option<Time>) {
        let known = self.built.insert(digest.clone(), built_at);
        if known.is_some_and(|known| known != built_at) {
            self.built.insert(digest.clone(), None);
        }
    }

    pub(crate) fn asked(&mut self, place: &Place, request: &Request) {
        let requests = self.requests.entry(place.clone()).or_default();
        requests.insert(request.id.clone(), request.clone());
    }

    pub(crate) fn spec_changed(&mut self, application: &ApplicationName) {
        self.changed.insert(application.clone());
    }

    pub(crate) fn has_changed(&self, application: &ApplicationName) -> bool {
        self.changed.contains(application)
    }

    fn stands(&self, number: u64, release: &Release) -> Option<Stands> {
        let built = release.images.values().map(|digest| self.built.get(digest).copied().flatten());
        let built: Option<Vec<Time>> = built.collect();
        let built_at = built?.into_iter().max()?;
        let name = release.version.to_string();
        Some(Stands { number, built_at, version: version_of(&name), name })
    }

    pub(crate) fn started(
        &mut self,
        deployment: &Deployment,
        spec: Option<&Application>,
    ) -> Broken {
        let (id, request) = (&deployment.id, &deployment.request);
        if request.kind != Kind::Deploy {
            return vec![];
        }
        let before = self.newest.get(&id.place).cloned();
        let mark = request.release.order();
        let with = match before.clone() {
            Some(known) => known.with(mark),
            None => mark.into(),
        };
        self.newest.insert(id.place.clone(), with);
        self.newest_before.insert(id.clone(), before);
        let mut broken: Broken = misfit(deployment, spec).into_iter().collect();
        // The release that is promoted may have been tagged long after it was built.
        let is_judged = |own: &Stands| match &request.asked_by {
            RequestedBy::Push { .. } => true,
            RequestedBy::Promotion { .. } => own.built_at == request.release.built_at,
            RequestedBy::Person { .. } => false,
        };
        let own = self.stands(id.number, &request.release).filter(is_judged);
        if let Some(own) = own {
            let standing = self.standing.entry(id.place.clone()).or_default();
            if let Some(newer) = standing.iter().find(|known| own.is_older_than(known)) {
                let what = format!("{id} brought {} after {}", own.name, newer.name);
                broken.push(("nothing_built_earlier_is_deployed_later_automatically", what));
            }
            standing.push(own);
        }
        broken
    }

    pub(crate) fn ended(&mut self, deployment: &Deployment, verdict: &Verdict) {
        let (id, place) = (&deployment.id, &deployment.id.place);
        let before = self.newest_before.remove(id);
        if deployment.is_without_trace() || matches!(verdict, Verdict::RolledBack { .. }) {
            if let Some(standing) = self.standing.get_mut(place) {
                standing.retain(|known| known.number != id.number);
            }
            match before {
                Some(Some(newest)) => drop(self.newest.insert(place.clone(), newest)),
                Some(None) => drop(self.newest.remove(place)),
                None => {}
            }
        }
        let restored = matches!(deployment.request.kind, Kind::ManualRollback(_));
        if restored && matches!(verdict, Verdict::Succeeded | Verdict::Unproven { .. }) {
            self.newest.insert(place.clone(), deployment.request.release.order().into());
            self.standing.remove(place);
        }
    }

    /// A person is about to say so. Until it is known that they were heard, nothing is certain.
    pub(crate) fn controls(&mut self, place: &Place, control: &Control) {
        if matches!(control, Control::Unhold | Control::ForgetNewest) {
            self.changing.insert(place.clone());
            self.standing.remove(place);
        }
    }

    /// They were heard by an environment that was so.
    pub(crate) fn controlled(&mut self, place: &Place, control: &Control, before: Option<&Head>) {
        match control {
            Control::Unhold => {
                let idle = before.filter(|head| head.active.is_none());
                let live = idle.and_then(|head| head.live.as_ref());
                if let Some(mark) = live.map(|live| live.release.order())
                    && self.newest.get(place).is_some_and(|newest| newest.beyond(&mark).is_some())
                {
                    self.newest.insert(place.clone(), mark.into());
                }
            }
            Control::ForgetNewest => {
                let marks = self.newest.get_mut(place).into_iter();
                let before = self.newest_before.iter_mut().filter(|(id, _)| id.place == *place);
                let before = before.filter_map(|(_, newest)| newest.as_mut());
                marks.chain(before).for_each(|newest| *newest = newest.by_time());
            }
            _ => return,
        }
        self.changing.remove(place);
    }

    pub(crate) fn head_written(&mut self, head: &Head) -> Broken {
        let known = self.request_outcomes.entry(head.place.clone()).or_default();
        let mut broken = Vec::new();
        for (id, fate) in &head.request_outcomes {
            let is_new = known.insert(id.clone());
            let RequestOutcome::Declined { why } = fate else { continue };
            let request = self.requests.get(&head.place).and_then(|known| known.get(id));
            let Some(request) = request.filter(|_| is_new) else { continue };
            let mark = request.release.order();
            let newest = self.newest.get(&head.place);
            let is_older = newest.is_some_and(|newest| newest.beyond(&mark).is_some());
            let is_certain = !self.changing.contains(&head.place);
            let what = || format!("{}: {}, {why}", head.place, request.release);
            if why.starts_with("it is older than") && is_certain && !is_older {
                broken.push(("nothing_is_declined_for_what_was_left", what()));
            }
            let mut older = head.queue.iter().filter(|waits| {
                let promoted = waits.why.contains("has not succeeded in");
                let other = &waits.request;
                !promoted && !other.is_by_person() && other.release.order().older_than(&mark)
            });
            if why == "the queue is full" && older.next().is_some() {
                let invariant = "the_newest_is_not_declined_while_older_ones_wait";
                broken.push((invariant, what()));
            }
        }
        broken
    }
}

/// A release that starts names images of the spec, and automatically only all that the spec wants.
fn misfit(deployment: &Deployment, spec: Option<&Application>) -> Option<(&'static str, String)> {
    let (id, request) = (&deployment.id, &deployment.request);
    let spec = spec?;
    let rules = spec.environments.get(&id.place.environment)?;
    let images = &request.release.images;
    let unknown = images.keys().find(|image| !spec.images.contains_key(*image));
    let wanted = rules.deploy_on.iter().flat_map(|deploy_on| &deploy_on.images);
    let mut wanted = wanted.filter(|_| !request.is_by_person());
    let missing = wanted.find(|image| !images.contains_key(*image));
    let image = unknown.or(missing)?;
    Some(("what_starts_fits_the_spec", format!("{id} of {}: {image}", request.release)))
}

/// `v1.2.3` as three numbers.
fn version_of(name: &str) -> Option<[u64; 3]> {
    let numbers = name.split('#').next()?.strip_prefix('v')?.split('.');
    let numbers: Option<Vec<u64>> = numbers.map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}
