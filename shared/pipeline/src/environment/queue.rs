//! The queue: what is queued, and what replaces what.
//!
//! Every accepted request starts, or its sender is notified why it does not.

use super::admission::in_progress;
use super::advance::Turn;
use super::head::QUEUE_MAX;
use super::size::QUEUE_BYTES_MAX;
use super::{Admission, QueuedFor, QueuedRequest, RequestOutcome};
use crate::deployment::{Reply, State};
use crate::effect::Effect;
use crate::names::{RequestId, Version};
use crate::notice::{News, Notice};
use crate::request::Request;
use crate::size::bytes;
use crate::spec;
use crate::text::shorten;
use crate::time::Time;
use crate::verdict::{SupersededBy, Verdict};

impl Turn<'_> {
    pub(super) fn queue(
        &mut self,
        request: Request,
        why: String,
        until: Option<Time>,
        what: QueuedFor,
    ) -> Reply {
        let automatic = !request.is_by_person();
        if automatic && what != QueuedFor::Promotion && self.newest_wins() {
            if let Some(newer) = self.newer_in_queue(&request) {
                let why = format!("the newer {newer} is already queued");
                self.decline(request, why.clone());
                return Reply::Refused(why);
            }
            self.drop_older_from_queue(&request);
        }
        if let Err(why) = self.make_room(&request, what) {
            if automatic {
                self.decline(request, why.clone());
            }
            return Reply::Refused(why);
        }
        let accepted = Reply::Accepted(format!("queued: {why}"));
        let is_news = match what {
            QueuedFor::Turn => false,
            QueuedFor::Opening => self.head.active.is_none(),
            QueuedFor::Promotion => true,
        };
        if automatic && is_news {
            self.tell(&request, News::Waits { why: shorten(why.clone()) });
        }
        let mut waits =
            QueuedRequest { request, why: String::new(), until: None, since: Some(self.now) };
        waits.waits_on(why, until, what, self.now);
        self.head.queue.push(waits);
        accepted
    }

    fn newest_wins(&self) -> bool {
        self.context.rules.is_some_and(|rules| rules.queue == spec::Queue::Newest)
    }

    /// The queue has a limit. What waits for a success that may never happen is dropped first, and
    /// then the oldest release, which may be `request` itself.
    fn make_room(&mut self, request: &Request, what: QueuedFor) -> Result<(), String> {
        while self.is_full_for(request) {
            let (id, why) = self.what_gives_way(request, what);
            if id == request.id {
                return Err(why);
            }
            for waits in self.take_from_queue(|waits| waits.request.id == id) {
                self.decline(waits.request, why.clone());
            }
        }
        Ok(())
    }

    fn is_full_for(&self, request: &Request) -> bool {
        let queue = &self.head.queue;
        queue.len() >= QUEUE_MAX
            || (!queue.is_empty() && bytes(queue) + bytes(request) > QUEUE_BYTES_MAX)
    }

    fn what_gives_way(&self, request: &Request, what: QueuedFor) -> (RequestId, String) {
        let automatic = || self.head.queue.iter().filter(|waits| !waits.request.is_by_person());
        let may_never = |waits: &&QueuedRequest| {
            matches!(self.admission_of(waits), Admission::Queue { what: QueuedFor::Promotion, .. })
        };
        if let Some(waits) = automatic().find(may_never) {
            let why = format!("{}, and newer releases are queued", waits.why);
            return (waits.request.id.clone(), why);
        }
        let itself = (request.id.clone(), "the queue is full".to_owned());
        if what == QueuedFor::Promotion {
            return itself;
        }
        let new = Some(request).filter(|request| !request.is_by_person());
        let oldest =
            automatic().map(|waits| &waits.request).chain(new).reduce(|oldest, other| match other
                .release
                .order()
                .older_than(&oldest.release.order())
            {
                true => other,
                false => oldest,
            });
        let why = "the queue is full, and this is its oldest release";
        oldest.map_or(itself, |oldest| (oldest.id.clone(), why.to_owned()))
    }

    fn newer_in_queue(&self, request: &Request) -> Option<Version> {
        let mark = request.release.order();
        let mut waiting = self.eligible_in_queue();
        waiting
            .find(|other| mark.older_than(&other.release.order()))
            .map(|other| other.release.version.clone())
    }

    fn drop_older_from_queue(&mut self, request: &Request) {
        let older: Vec<RequestId> =
            self.eligible_in_queue().map(|other| other.id.clone()).collect();
        for waits in self.take_from_queue(|waits| older.contains(&waits.request.id)) {
            let why = format!("replaced in the queue by the newer {}", request.release.version);
            self.decline(waits.request, why);
        }
    }

    /// The automatic requests that could start if they were next and the environment were open.
    fn eligible_in_queue(&self) -> impl Iterator<Item = &Request> {
        let eligible = self.head.queue.iter().filter(|waits| {
            let door = self.admission_of(waits);
            !waits.request.is_by_person()
                && matches!(
                    door,
                    Admission::Start
                        | Admission::Queue { what: QueuedFor::Turn | QueuedFor::Opening, .. }
                )
        });
        eligible.map(|waits| &waits.request)
    }

    fn admission_of(&self, waits: &QueuedRequest) -> Admission {
        let since = waits.since.unwrap_or(self.now);
        self.head.admission_since(&waits.request, since, self.context, self.now)
    }

    fn take_from_queue(&mut self, chosen: impl Fn(&QueuedRequest) -> bool) -> Vec<QueuedRequest> {
        let queue = std::mem::take(&mut self.head.queue);
        let (taken, kept) = queue.into_iter().partition(chosen);
        self.head.queue = kept;
        taken
    }

    /// A deployment that is not approved yet is replaced by a newer release that could start now.
    pub(super) fn give_way(&mut self) {
        let Some(active) = self.deployment.as_mut() else { return };
        let waits_for_approval = matches!(active.state, State::AwaitingApproval { .. })
            && self.head.active == Some(active.id.number);
        let newest_wins = self.context.rules.is_some_and(|r| r.queue == spec::Queue::Newest);
        if !waits_for_approval || !newest_wins || active.request.is_by_person() {
            return;
        }
        let mark = active.request.release.order();
        let newer = self.head.queue.iter().find(|waits| {
            let (request, since) = (&waits.request, waits.since.unwrap_or(self.now));
            !request.is_by_person()
                && mark.older_than(&request.release.order())
                && self.head.blocks(request, since, self.context, self.now).is_none()
        });
        if let Some(newer) = newer {
            let version = newer.request.release.version.clone();
            active.finish(
                Verdict::Superseded { by: SupersededBy::NewerRelease { version } },
                self.now,
            );
        }
    }

    pub(super) fn decline(&mut self, request: Request, why: String) {
        let why = shorten(why);
        self.tell(&request, News::Declined { why: why.clone() });
        self.head.remember_request_outcome(request.id, RequestOutcome::Declined { why });
    }

    /// Sends a notice about a request that is no deployment, or not yet.
    fn tell(&mut self, request: &Request, news: News) {
        let notice = Notice {
            place: self.head.place.clone(),
            deployment: None,
            version: request.release.version.clone(),
            origin: request.release.origin.clone(),
            rolls_back_from: None,
            asked_by: request.asked_by.to_string(),
            at: self.now,
            news,
        };
        self.head.outbox.add(Effect::Announce(Box::new(notice)), self.now);
    }

    /// Starts what may start, if no deployment is in progress; updates what the others wait for.
    pub(super) fn look_at_queue(&mut self) {
        let waiting: Vec<RequestId> =
            self.head.queue.iter().map(|w| w.request.id.clone()).collect();
        for id in waiting {
            let waits = self.head.queue.iter().find(|waits| waits.request.id == id);
            if let Some(waits) = waits.cloned() {
                self.look_at(waits);
            }
        }
    }

    fn look_at(&mut self, mut waits: QueuedRequest) {
        let id = waits.request.id.clone();
        match self.admission_of(&waits) {
            Admission::Queue { why, until, what } => {
                waits.waits_on(why, until, what, self.now);
                // If the source environment cannot be read, the release may have succeeded there.
                let is_unknown = what == QueuedFor::Promotion && self.context.is_source_unreadable;
                if is_unknown || waits.until.is_none_or(|until| self.now < until) {
                    return self.keep_in_queue(waits);
                }
                self.take_from_queue(|waits| waits.request.id == id);
                let why = format!("{}; it was queued for too long", waits.why);
                self.decline(waits.request, why);
            }
            // The deployment in progress may end without a trace, and then this may start after
            // all.
            _ if let Some(number) = self.head.active => {
                waits.waits_on(in_progress(number), None, QueuedFor::Turn, self.now);
                self.keep_in_queue(waits);
            }
            Admission::Refuse { why } => {
                self.take_from_queue(|waits| waits.request.id == id);
                self.decline(waits.request, why);
            }
            Admission::NothingToDo { why } => {
                self.take_from_queue(|waits| waits.request.id == id);
                self.head.remember_request_outcome(id, RequestOutcome::Declined { why });
            }
            Admission::Start => {
                self.take_from_queue(|waits| waits.request.id == id);
                if !waits.request.is_by_person() && self.newest_wins() {
                    if let Some(newer) = self.newer_in_queue(&waits.request) {
                        let why = format!("the newer {newer} is already queued");
                        return self.decline(waits.request, why);
                    }
                    self.drop_older_from_queue(&waits.request);
                }
                self.start(waits.request);
            }
        }
    }

    fn keep_in_queue(&mut self, waits: QueuedRequest) {
        let known = |kept: &&mut QueuedRequest| kept.request.id == waits.request.id;
        if let Some(kept) = self.head.queue.iter_mut().find(known) {
            *kept = waits;
        }
    }
}

impl QueuedRequest {
    /// Records what it waits for now. Waiting for something else does not extend its time.
    fn waits_on(&mut self, why: String, until: Option<Time>, what: QueuedFor, now: Time) {
        let since = *self.since.get_or_insert(now);
        self.why = shorten(why);
        self.until = until.or_else(|| Some(since + what.patience()?));
    }
}
