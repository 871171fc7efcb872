//! What blocks an environment, and what happens to the queued requests.

use pipeline::deployment::{Deployment, State};
use pipeline::environment::{Head, Hold, HoldUntil, RequestOutcome};
use pipeline::names::{ApplicationName, DeploymentId, Place, RequestId};
use pipeline::notice::{News, Notice};
use pipeline::request::{Kind, Override, Request};
use pipeline::time::Time;
use pipeline::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that was broken, and how.
type Broken = Option<(&'static str, String)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Admissions {
    /// What kept a place closed when its head was last written.
    heads: BTreeMap<Place, Closed>,
    /// Deployments that wait for approval.
    unapproved: BTreeMap<DeploymentId, Time>,
    /// Queued requests.
    accepted: BTreeMap<Place, BTreeMap<RequestId, Request>>,
    /// Requests of people that wait.
    waiting: BTreeMap<Place, BTreeSet<RequestId>>,
    /// What waited when a person put the environment on hold.
    held: BTreeMap<Place, BTreeSet<RequestId>>,
    /// Environments that have left their spec.
    left: BTreeSet<Place>,
}

#[derive(Clone, Debug)]
struct Closed {
    hold: Option<Hold>,
    paused: bool,
}

impl Admissions {
    pub(crate) fn head_written(&mut self, head: &Head) -> Vec<(&'static str, String)> {
        let broken = self.turned_away(head);
        let closed = Closed { hold: head.hold.clone(), paused: head.pause.is_some() };
        self.heads.insert(head.place.clone(), closed);
        let accepted = self.accepted.entry(head.place.clone()).or_default();
        for waits in &head.queue {
            accepted.insert(waits.request.id.clone(), waits.request.clone());
        }
        let waiting = head.queue.iter().filter(|waits| waits.request.is_by_person());
        let waiting = waiting.map(|waits| waits.request.id.clone()).collect();
        self.waiting.insert(head.place.clone(), waiting);
        broken.into_iter().collect()
    }

    /// Every reported release starts, or its sender is notified why not.
    pub(crate) fn accepts(&mut self, place: &Place, request: Request) {
        self.accepted.entry(place.clone()).or_default().insert(request.id.clone(), request);
    }

    /// What a person asked for is not turned away by a hold that came later and that it lifts.
    fn turned_away(&self, head: &Head) -> Broken {
        let hold = self.heads.get(&head.place).and_then(|closed| closed.hold.as_ref());
        let HoldUntil::NewerThan(held) = &head.hold.as_ref().or(hold)?.until else { return None };
        let waited = self.waiting.get(&head.place)?.iter();
        let mut declined = waited.filter(|id| {
            let fate =
                head.request_outcomes.iter().find(|(known, _)| known == *id).map(|(_, fate)| fate);
            matches!(fate, Some(RequestOutcome::Declined { why })
                if why.starts_with("the environment is on hold") && !why.contains("; the"))
        });
        let accepted = self.accepted.get(&head.place)?;
        let newer = declined.find_map(|id| {
            accepted.get(id).filter(|request| held.older_than(&request.release.order()))
        });
        newer.map(|request| {
            let what = format!("{}: {} of {}", head.place, request.id, request.release);
            ("a_person_is_not_refused_because_of_a_later_hold", what)
        })
    }

    /// What keeps automation out of an environment, if anything does.
    pub(crate) fn keeps_closed(&self, place: &Place) -> Option<&'static str> {
        let closed = self.heads.get(place)?;
        let held = closed.hold.as_ref().is_some_and(|hold| hold.until == HoldUntil::Person);
        match (closed.paused, held) {
            (true, _) => Some("paused"),
            (_, true) => Some("on hold"),
            _ => None,
        }
    }

    /// A person says to hold: what waits by then is held with it, and a firmer hold stays.
    pub(crate) fn held(
        &mut self,
        before: Option<&Head>,
        after: Option<&Head>,
    ) -> Option<(&'static str, String)> {
        let (before, after) = (before?, after?);
        let waiting = before.queue.iter().filter(|waits| !waits.request.is_by_person());
        let waiting = waiting.map(|waits| waits.request.id.clone());
        if after.hold != before.hold {
            self.held.entry(after.place.clone()).or_default().extend(waiting);
        }
        let firm =
            |head: &Head| head.hold.as_ref().is_some_and(|hold| hold.until == HoldUntil::Person);
        // A queued request that overrules the hold may start at this moment, and lifts it.
        let nothing_starts = before.last_number == after.last_number;
        (firm(before) && !firm(after) && nothing_starts)
            .then(|| ("a_hold_never_replaces_a_firmer_one", after.place.to_string()))
    }

    /// A person opens the environment, and every queued request may start at the same moment.
    pub(crate) fn opened_by_hand(&mut self, place: &Place) {
        self.heads.remove(place);
        self.held.remove(place);
    }

    pub(crate) fn left_the_spec(&mut self, place: &Place) {
        self.left.insert(place.clone());
    }

    pub(crate) fn has_left(&self, place: &Place) -> bool {
        self.left.contains(place)
    }

    /// Whether an environment of this application has left the spec.
    pub(crate) fn has_shrunk(&self, application: &ApplicationName) -> bool {
        self.left.iter().any(|place| place.application == *application)
    }

    /// Checks a deployment that was just written, before its head is.
    pub(crate) fn deployment_written(
        &mut self,
        deployment: &Deployment,
        is_new: bool,
        now: Time,
    ) -> Vec<(&'static str, String)> {
        let id = &deployment.id;
        let mut broken = Vec::new();
        if is_new {
            broken.extend(self.started(deployment));
        }
        if let State::AwaitingApproval { deadline } = deployment.state {
            self.unapproved.insert(id.clone(), deadline);
        } else if let Some(deadline) = self.unapproved.remove(id)
            && deployment.verdict().is_none()
        {
            broken.extend(self.approved(deployment, now));
            if now >= deadline {
                let what = format!("{id} at {now}, and its time was over at {deadline}");
                broken.push(("nothing_is_approved_too_late", what));
            }
        }
        broken
    }

    fn started(&mut self, deployment: &Deployment) -> Vec<(&'static str, String)> {
        let (id, request) = (&deployment.id, &deployment.request);
        let mut broken = Vec::new();
        if self.left.contains(&id.place) {
            broken.push(("nothing_starts_outside_of_the_spec", id.to_string()));
        }
        // Any other start since has lifted the hold.
        if self.held.remove(&id.place).is_some_and(|held| held.contains(&request.id)) {
            let what = format!("{id} brought {}, which waited then", request.release);
            broken.push(("a_hold_keeps_out_what_waits_already", what));
        }
        broken.extend(
            frozen(deployment, deployment.started_at)
                .filter(|_| request.kind == Kind::Deploy && !overruled(request, Override::Freeze)),
        );
        broken
    }

    /// An approval starts what could not have been started directly.
    fn approved(&self, deployment: &Deployment, now: Time) -> Vec<(&'static str, String)> {
        let (id, request) = (&deployment.id, &deployment.request);
        let mut broken = Vec::new();
        if self.left.contains(&id.place) {
            broken.push(("nothing_starts_outside_of_the_spec", format!("{id} was approved")));
        }
        broken.extend(frozen(deployment, now).filter(|_| !overruled(request, Override::Freeze)));
        if let State::Preparing { .. } = deployment.state
            && let Some(closed) = self.heads.get(&id.place)
        {
            if closed.paused {
                broken.push(("nothing_starts_while_paused", format!("{id} was approved")));
            }
            if closed.hold.is_some() && !overruled(request, Override::Hold) {
                let what = format!("{id} was approved: {:?}", closed.hold);
                broken.push(("nothing_is_approved_on_hold", what));
            }
        }
        broken
    }

    /// Every queued request has started, is queued, or its sender was notified why not.
    pub(crate) fn at_the_end(
        &self,
        head: &Head,
        deployments: &[Deployment],
        told: &[Notice],
    ) -> Vec<(&'static str, String)> {
        let accepted = self.accepted.get(&head.place).into_iter().flatten();
        let lost = accepted.filter(|(id, request)| {
            let waits = head.queue.iter().any(|waits| waits.request.id == **id);
            let fate =
                head.request_outcomes.iter().find(|(known, _)| known == *id).map(|(_, fate)| fate);
            !waits
                && match fate {
                    Some(RequestOutcome::Started { .. }) => false,
                    Some(RequestOutcome::Declined { .. }) => {
                        !was_declined(told, head, request) && !runs(deployments, request)
                    }
                    // A large head drops the oldest request outcomes.
                    None => !deployments.iter().any(|started| started.request.id == **id),
                }
        });
        let lost = lost.map(|(id, request)| {
            let what = format!("{}: {id} of {} came to nothing", head.place, request.release);
            ("every_accepted_request_starts_or_is_declined_with_a_notice", what)
        });
        lost.collect()
    }
}

fn overruled(request: &Request, what: Override) -> bool {
    request.is_by_person() && request.overrides.contains(&what)
}

fn frozen(deployment: &Deployment, at: Time) -> Broken {
    let until = deployment.rules.frozen_until(at)?;
    Some(("nothing_starts_in_a_freeze", format!("{} at {at}, frozen until {until}", deployment.id)))
}

fn was_declined(told: &[Notice], head: &Head, request: &Request) -> bool {
    told.iter().any(|notice| {
        notice.place == head.place
            && notice.version == request.release.version
            && matches!(notice.news, News::Declined { .. })
    })
}

/// Exactly these images went live meanwhile: nothing is left to do or to report.
fn runs(deployments: &[Deployment], request: &Request) -> bool {
    deployments.iter().any(|deployment| {
        matches!(deployment.verdict(), Some(Verdict::Succeeded | Verdict::Unproven { .. }))
            && deployment.request.release.same_images(&request.release)
    })
}
