//! The queue: what waits for its turn, and what gives way to what.

use super::{Door, Fate, Request, Waits};
use crate::deployment::{Said, State};
use crate::effect::Effect;
use crate::names::{RequestId, Version};
use crate::notice::{News, Notice};
use crate::spec;
use crate::time::Time;
use crate::verdict::{Usurper, Verdict};

use super::advance::Turn;
impl Turn<'_> {
    pub(super) fn queue(
        &mut self,
        request: Request,
        why: String,
        until: Option<Time>,
        eligible: bool,
    ) -> Said {
        let automatic = !request.is_by_person();
        if automatic && eligible && self.context.rules.queue == spec::Queue::Newest {
            if let Some(newer) = self.newer_in_queue(&request) {
                let why = format!("{newer} is newer and waits already");
                self.decline(request, why.clone());
                return Said::Refused(why);
            }
            self.drop_older_from_queue(&request);
        }
        if self.head.queue.len() >= super::head::QUEUE_MAX {
            self.drop_oldest_that_cannot_start();
        }
        if self.head.queue.len() >= super::head::QUEUE_MAX {
            let why = "too many requests wait already".to_owned();
            self.decline(request, why.clone());
            return Said::Refused(why);
        }
        self.give_way_to(&request, eligible);
        let accepted = Said::Accepted(format!("it waits: {why}"));
        if automatic && (self.head.active.is_none() || !eligible) {
            self.tell(&request, News::Waits { why: why.clone() });
        }
        self.head.queue.push(Waits { request, why, until });
        accepted
    }

    /// What waits for a success that may never come makes room for what may have one.
    fn drop_oldest_that_cannot_start(&mut self) {
        let cannot = |waits: &&Waits| {
            let door = self.head.door(&waits.request, self.context, self.now);
            matches!(door, Door::Wait { eligible: false, .. })
        };
        let Some(id) = self.head.queue.iter().find(cannot).map(|w| w.request.id.clone()) else {
            return;
        };
        for waits in self.take_from_queue(|waits| waits.request.id == id) {
            let why = format!("{}, and newer releases wait as well", waits.why);
            self.decline(waits.request, why);
        }
    }

    pub(super) fn newer_in_queue(&self, request: &Request) -> Option<Version> {
        let mark = request.release.mark();
        let mut waiting = self.eligible_in_queue();
        waiting
            .find(|other| mark.older_than(&other.release.mark()))
            .map(|other| other.release.version.clone())
    }

    pub(super) fn drop_older_from_queue(&mut self, request: &Request) {
        let older: Vec<RequestId> =
            self.eligible_in_queue().map(|other| other.id.clone()).collect();
        for waits in self.take_from_queue(|waits| older.contains(&waits.request.id)) {
            let why = format!("{} is newer and takes its place", request.release.version);
            self.decline(waits.request, why);
        }
    }

    /// The automatic requests that could start if it were their turn.
    fn eligible_in_queue(&self) -> impl Iterator<Item = &Request> {
        let requests = self.head.queue.iter().map(|waits| &waits.request);
        requests.filter(|request| {
            let door = self.head.door(request, self.context, self.now);
            !request.is_by_person()
                && matches!(door, Door::Open | Door::Wait { eligible: true, .. })
        })
    }

    pub(super) fn take_from_queue(&mut self, chosen: impl Fn(&Waits) -> bool) -> Vec<Waits> {
        let queue = std::mem::take(&mut self.head.queue);
        let (taken, kept) = queue.into_iter().partition(chosen);
        self.head.queue = kept;
        taken
    }

    /// A deployment that nobody has approved yet gives way to a newer release.
    pub(super) fn give_way_to(&mut self, request: &Request, eligible: bool) {
        let Some(active) = self.deployment.as_mut() else { return };
        let waits_for_approval = matches!(active.state, State::AwaitingApproval { .. });
        let newer = active.request.release.mark().older_than(&request.release.mark());
        let automatic = !request.is_by_person() && !active.request.is_by_person();
        let newest_wins = self.context.rules.queue == spec::Queue::Newest;
        if newest_wins && eligible && waits_for_approval && newer && automatic {
            let version = request.release.version.clone();
            active.finish(Verdict::Superseded { by: Usurper::NewerRelease { version } }, self.now);
        }
    }

    pub(super) fn decline(&mut self, request: Request, why: String) {
        self.tell(&request, News::Declined { why: why.clone() });
        self.head.remember_fate(request.id, Fate::Declined { why });
    }

    /// Tells people about a request that is no deployment, or not yet.
    fn tell(&mut self, request: &Request, news: News) {
        let notice = Notice {
            place: self.head.place.clone(),
            deployment: None,
            version: request.release.version.clone(),
            asked_by: request.asked_by.to_string(),
            at: self.now,
            news,
        };
        self.head.outbox.add(Effect::Announce(Box::new(notice)), self.now);
    }

    pub(super) fn start_next(&mut self) {
        let waiting: Vec<RequestId> =
            self.head.queue.iter().map(|w| w.request.id.clone()).collect();
        for id in waiting {
            let Some(waits) = self.head.queue.iter().find(|w| w.request.id == id).cloned() else {
                continue;
            };
            let door = self.head.door(&waits.request, self.context, self.now);
            match door {
                Door::Wait { why, until, .. } => {
                    if let Some(waits) = self.head.queue.iter_mut().find(|w| w.request.id == id) {
                        (waits.why, waits.until) = (why, until);
                    }
                }
                Door::Closed { why } => {
                    self.take_from_queue(|w| w.request.id == id);
                    self.decline(waits.request, why);
                }
                Door::Pointless { why } => {
                    self.take_from_queue(|w| w.request.id == id);
                    self.head.remember_fate(id, Fate::Declined { why });
                }
                Door::Open => {
                    self.take_from_queue(|w| w.request.id == id);
                    if !waits.request.is_by_person()
                        && self.context.rules.queue == spec::Queue::Newest
                    {
                        if let Some(newer) = self.newer_in_queue(&waits.request) {
                            self.decline(
                                waits.request,
                                format!("{newer} is newer and waits already"),
                            );
                            continue;
                        }
                        self.drop_older_from_queue(&waits.request);
                    }
                    self.start(waits.request);
                    return;
                }
            }
        }
    }
}
