//! Going back by hand, with or without a deployment under way.

use super::advance::Turn;
use super::door::in_progress;
use super::{Asker, Door, Fate, Good, Kind, Request, Restore, Undoes};
use crate::deployment::{Said, State};
use crate::event::Event;
use crate::names::{RequestId, Version};
use crate::release::{Meant, meant};
use crate::verdict::{Verdict, list};

impl Turn<'_> {
    pub(super) fn rollback_requested(
        &mut self,
        id: RequestId,
        by: String,
        why: String,
        to: Option<&Version>,
        undo: bool,
    ) -> Said {
        if let Some(Fate::Started { number }) = self.head.fate(&id) {
            return Said::Accepted(format!("duplicate request: it started deployment {number}"));
        }
        if to.is_none()
            && let Some(number) = self.head.active
        {
            let said = self.feed(Event::RollbackRequested { by, why, undo });
            if matches!(said, Said::Accepted(_)) {
                // When it is told again, the deployment may be over and its end forgotten.
                self.head.remember_fate(id, Fate::Started { number });
            }
            return said;
        }
        let good = match self.good_to_go_back_to(to) {
            Ok(good) => good,
            Err(refusal) => return Said::Refused(refusal),
        };
        let unknown = || Version::new("the live release");
        let from =
            self.head.live.as_ref().map_or_else(unknown, |live| live.release.version.clone());
        let revisions = good.revisions.clone();
        let mut request = Request {
            id,
            kind: Kind::Restore(Restore { from, revisions, undo, undoes: None }),
            release: good.release.clone(),
            asked_by: Asker::Person { name: by.clone(), why: why.clone() },
            asked_at: self.now,
            confirm: None,
            overrides: Default::default(),
            fresh: false,
            skip_migration: None,
        };
        if let Some(Door::Closed { why } | Door::Wait { why, .. } | Door::Pointless { why }) =
            self.head.keeps_out(&request, self.now, self.context, self.now)
        {
            return Said::Refused(why);
        }
        // What is called off for it has run no migration, so that this holds still.
        let undoes = match self.undoes(&good, undo) {
            Ok(undoes) => undoes,
            Err(refusal) => return Said::Refused(refusal),
        };
        let nothing_to_undo = undo && undoes.is_none();
        if let Kind::Restore(restore) = &mut request.kind {
            (restore.undo, restore.undoes) = (undoes.is_some(), undoes);
        }
        let called_off = match self.make_room_for(&good, undo, &by, &why) {
            Ok(called_off) => called_off,
            Err(said) => return said,
        };
        let said = self.start(request);
        let Said::Accepted(started) = said else { return said };
        let called_off = called_off.map(|number| format!("deployment {number} is cancelled; "));
        let schema = match nothing_to_undo {
            true => "; there is no migration to undo",
            false => "",
        };
        Said::Accepted(format!("{}{started}{schema}", called_off.unwrap_or_default()))
    }

    /// Which migration is taken back on the way to `good`, and whether its schema is there at all.
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

    /// A deployment that has touched nothing gives way to a rollback, and is called off; its
    /// number is returned. Any other stands in the way, or is this very rollback.
    fn make_room_for(
        &mut self,
        good: &Good,
        undo: bool,
        by: &str,
        why: &str,
    ) -> Result<Option<u64>, Said> {
        let Some(number) = self.head.active else { return Ok(None) };
        let Some(active) = self.deployment.as_mut().filter(|d| d.id.number == number) else {
            return Err(Said::Refused(in_progress(number)));
        };
        let restores = matches!(active.request.kind, Kind::Restore(_));
        if restores && active.request.release.version == good.release.version {
            let (by, why) = (by.to_owned(), why.to_owned());
            return Err(self.feed(Event::RollbackRequested { by, why, undo }));
        }
        if !matches!(active.state, State::AwaitingApproval { .. } | State::Preparing { .. }) {
            let instead = match restores {
                true => "wait until it ends",
                false => "remove \"to\" to roll it back",
            };
            return Err(Said::Refused(format!("{}; {instead}", in_progress(number))));
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
            // It was done a moment ago, by us or by a second click: going further back has to be said.
            (None, Some(live), Some(hold)) => Err(format!(
                "already on {} (hold: {}); pass \"to\" with one of: {}",
                live.release.version,
                hold.why,
                names()
            )),
            (None, Some(live), None) => {
                let others = good.iter().rev().filter(|g| !g.release.same_images(&live.release));
                // One that was left for a reason is gone back to only by its name.
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
