//! The manual rollback, with or without a deployment in progress.

use super::admission::in_progress;
use super::advance::Turn;
use super::{Admission, Good, RequestOutcome};
use crate::deployment::{Reply, State};
use crate::event::Event;
use crate::names::{RequestId, Version};
use crate::release::{Meant, meant};
use crate::request::{Kind, ManualRollback, Request, RequestedBy, Undoes};
use crate::verdict::{Verdict, list};

impl Turn<'_> {
    pub(super) fn rollback_requested(
        &mut self,
        id: RequestId,
        by: String,
        why: String,
        to: Option<&Version>,
        undo: bool,
    ) -> Reply {
        if let Some(RequestOutcome::Started { number }) = self.head.request_outcome(&id) {
            return Reply::Accepted(format!("duplicate request: it started deployment {number}"));
        }
        if to.is_none()
            && let Some(number) = self.head.active
        {
            let said = self.feed(Event::RollbackRequested { by, why, undo });
            if matches!(said, Reply::Accepted(_)) {
                // If the request is repeated, the deployment may have ended and its end may be
                // forgotten.
                self.head.remember_request_outcome(id, RequestOutcome::Started { number });
            }
            return said;
        }
        let good = match self.good_to_go_back_to(to) {
            Ok(good) => good,
            Err(refusal) => return Reply::Refused(refusal),
        };
        let unknown = || Version::new("the live release");
        let from =
            self.head.live.as_ref().map_or_else(unknown, |live| live.release.version.clone());
        let revisions = good.revisions.clone();
        let mut request = Request {
            id,
            kind: Kind::ManualRollback(ManualRollback { from, revisions, undo, undoes: None }),
            release: good.release.clone(),
            asked_by: RequestedBy::Person { name: by.clone(), why: why.clone() },
            asked_at: self.now,
            confirm: None,
            overrides: Default::default(),
            fresh: false,
            skip_migration: None,
        };
        if let Some(
            Admission::Refuse { why }
            | Admission::Queue { why, .. }
            | Admission::NothingToDo { why },
        ) = self.head.blocks(&request, self.now, self.context, self.now)
        {
            return Reply::Refused(why);
        }
        // A deployment that is cancelled for it has run no migration, so this still holds.
        let undoes = match self.undoes(&good, undo) {
            Ok(undoes) => undoes,
            Err(refusal) => return Reply::Refused(refusal),
        };
        let nothing_to_undo = undo && undoes.is_none();
        if let Kind::ManualRollback(restore) = &mut request.kind {
            (restore.undo, restore.undoes) = (undoes.is_some(), undoes);
        }
        let called_off = match self.make_room_for(&good, undo, &by, &why) {
            Ok(called_off) => called_off,
            Err(said) => return said,
        };
        let said = self.start(request);
        let Reply::Accepted(started) = said else { return said };
        let called_off = called_off.map(|number| format!("deployment {number} is cancelled; "));
        let schema = match nothing_to_undo {
            true => "; there is no migration to undo",
            false => "",
        };
        Reply::Accepted(format!("{}{started}{schema}", called_off.unwrap_or_default()))
    }

    /// Which migration a rollback to `good` undoes, and whether its schema exists at all.
    fn undoes(&self, good: &Good, undo: bool) -> Result<Option<Undoes>, String> {
        if let Some(lacks) = self.head.schema_lacks(good) {
            return Err(lacks);
        }
        let migration = self.context.rules.and_then(|rules| rules.migration.as_ref());
        match migration.filter(|migration| migration.undo.is_some()) {
            _ if !undo => Ok(None),
            None => Err("the spec has no migration.undo; roll back without \"undo\"".into()),
            Some(migration) => self.head.to_undo(good, &migration.service),
        }
    }

    /// A deployment that has changed nothing is cancelled for a rollback; its number is returned.
    /// Any other blocks it, or is this very rollback.
    fn make_room_for(
        &mut self,
        good: &Good,
        undo: bool,
        by: &str,
        why: &str,
    ) -> Result<Option<u64>, Reply> {
        let Some(number) = self.head.active else { return Ok(None) };
        let Some(active) = self.deployment.as_mut().filter(|d| d.id.number == number) else {
            return Err(Reply::Refused(in_progress(number)));
        };
        let restores = matches!(active.request.kind, Kind::ManualRollback(_));
        if restores && active.request.release.version == good.release.version {
            let (by, why) = (by.to_owned(), why.to_owned());
            return Err(self.feed(Event::RollbackRequested { by, why, undo }));
        }
        if !matches!(active.state, State::AwaitingApproval { .. } | State::Preparing { .. }) {
            let instead = match restores {
                true => "wait until it ends",
                false => "remove \"to\" to roll it back",
            };
            return Err(Reply::Refused(format!("{}; {instead}", in_progress(number))));
        }
        active.finish(Verdict::Cancelled { by: by.to_owned(), why: why.to_owned() }, self.now);
        let ended = active.clone();
        self.conclude(&ended);
        Ok(Some(number))
    }

    fn good_to_go_back_to(&self, to: Option<&Version>) -> Result<Good, String> {
        let good = &self.head.good;
        if good.is_empty() {
            return Err(
                "no release has succeeded here yet, so there is nothing to roll back to".into()
            );
        }
        let names = || list(good.iter().rev().map(|g| &g.release.version));
        let live = self.head.live.as_ref();
        match (to, live, &self.head.hold) {
            (Some(version), ..) => {
                let known = good.iter().rev().map(|good| (&good.release.version, good));
                match meant(version.as_str(), known) {
                    Meant::One(good) => Ok(good.clone()),
                    Meant::Several(names) => {
                        Err(format!("{version} matches several: {}", list(&names)))
                    }
                    Meant::Nothing => {
                        Err(format!("{version} never succeeded here; these did: {}", names()))
                    }
                }
            }
            // It was just done, by Slipway or by a duplicate request: a further rollback has to be
            // explicit.
            (None, Some(live), Some(hold)) => Err(format!(
                "already on {} (hold: {}); pass \"to\" with one of: {}",
                live.release.version,
                hold.why,
                names()
            )),
            (None, Some(live), None) => {
                let others = good.iter().rev().filter(|g| !g.release.same_images(&live.release));
                // A release that was left for a reason is a target only if the request names it.
                let (bad, mut others): (Vec<_>, Vec<_>) =
                    others.partition(|g| self.head.speaks_against(&g.release).is_some());
                match (others.is_empty(), bad.is_empty()) {
                    (false, _) => Ok(others.swap_remove(0).clone()),
                    (true, true) => Err(format!(
                        "{} is the only release that succeeded here",
                        live.release.version
                    )),
                    (true, false) => Err(format!(
                        "every other release is marked bad or failed here; to use one anyway, pass \"to\" with one of: {}",
                        names()
                    )),
                }
            }
            (None, None, _) => good.last().cloned().ok_or_else(names),
        }
    }
}
