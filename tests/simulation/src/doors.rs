//! What keeps an environment closed, and what becomes of those who were told to wait there.

use pipeline::deployment::{Deployment, State};
use pipeline::environment::{Fate, Head, Hold, Kind, Override, Request};
use pipeline::names::{DeploymentId, Place, RequestId};
use pipeline::notice::{News, Notice};
use pipeline::time::Time;
use pipeline::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// An invariant that was broken, and how.
type Broken = Option<(&'static str, String)>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Doors {
    /// What kept a place closed when its head was last written.
    heads: BTreeMap<Place, Closed>,
    /// Deployments that wait for approval.
    unapproved: BTreeSet<DeploymentId>,
    /// Requests that were told to wait.
    accepted: BTreeMap<Place, BTreeMap<RequestId, Request>>,
    /// Environments that have left their spec.
    left: BTreeSet<Place>,
}

#[derive(Clone, Debug)]
struct Closed {
    hold: Option<Hold>,
    paused: bool,
}

impl Doors {
    pub(crate) fn head_written(&mut self, head: &Head) {
        let closed = Closed { hold: head.hold.clone(), paused: head.pause.is_some() };
        self.heads.insert(head.place.clone(), closed);
        let accepted = self.accepted.entry(head.place.clone()).or_default();
        for waits in &head.queue {
            accepted.insert(waits.request.id.clone(), waits.request.clone());
        }
    }

    /// A person opens the door, and whatever waits behind it may start in the same moment.
    pub(crate) fn opened_by_hand(&mut self, place: &Place) {
        self.heads.remove(place);
    }

    pub(crate) fn left_the_spec(&mut self, place: &Place) {
        self.left.insert(place.clone());
    }

    pub(crate) fn has_left(&self, place: &Place) -> bool {
        self.left.contains(place)
    }

    /// Looks at a deployment that was just written, before its head is.
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
        let waits = matches!(deployment.state, State::AwaitingApproval { .. });
        if waits {
            self.unapproved.insert(id.clone());
        } else if self.unapproved.remove(id) && deployment.verdict().is_none() {
            broken.extend(self.approved(deployment, now));
        }
        broken
    }

    fn started(&self, deployment: &Deployment) -> Vec<(&'static str, String)> {
        let (id, request) = (&deployment.id, &deployment.request);
        let mut broken = Vec::new();
        if self.left.contains(&id.place) {
            broken.push(("nothing_starts_outside_of_the_spec", id.to_string()));
        }
        broken.extend(
            frozen(deployment, deployment.started_at)
                .filter(|_| request.kind == Kind::Deploy && !overruled(request, Override::Freeze)),
        );
        broken
    }

    /// An approval starts what a start itself would not have been let through.
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

    /// Whoever was told to wait has started, waits, or was told why not.
    pub(crate) fn at_rest(
        &self,
        head: &Head,
        deployments: &[Deployment],
        told: &[Notice],
    ) -> Vec<(&'static str, String)> {
        let accepted = self.accepted.get(&head.place).into_iter().flatten();
        let lost = accepted.filter(|(id, request)| {
            let waits = head.queue.iter().any(|waits| waits.request.id == **id);
            let fate = head.fates.iter().find(|(known, _)| known == *id).map(|(_, fate)| fate);
            !waits
                && match fate {
                    Some(Fate::Started { .. }) => false,
                    Some(Fate::Declined { .. }) => {
                        !was_declined(told, head, request) && !runs(deployments, request)
                    }
                    None => true,
                }
        });
        let lost = lost.map(|(id, request)| {
            let what = format!("{}: {id} of {} came to nothing", head.place, request.release);
            ("every_accepted_request_starts_or_is_told", what)
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

/// Exactly these images succeeded meanwhile: nothing was left to do, and nothing to tell.
fn runs(deployments: &[Deployment], request: &Request) -> bool {
    deployments.iter().any(|deployment| {
        deployment.verdict() == Some(&Verdict::Succeeded)
            && deployment.request.release.same_images(&request.release)
    })
}
