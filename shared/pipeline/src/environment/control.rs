//! The actions of a person on an environment.

use super::advance::Turn;
use super::{Bad, Hold, HoldUntil, Holder, Pause};
use crate::deployment::{Reply, State};
use crate::event::Event;
use crate::names::{Digest, Version};
use crate::release::{Newest, ReleaseOrder};
use crate::request::Override;
use crate::text::shorten;
use crate::verdict::list;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Approve exactly this version.
    Approve {
        version: Version,
        /// What a person explicitly overrides.
        #[serde(default)]
        overrides: BTreeSet<Override>,
    },
    Reject,
    /// Cancel a deployment that has not changed anything yet.
    Cancel,
    /// Start nothing until `resume`; a deployment in progress continues to its verdict.
    Pause,
    Resume,
    /// Hold this release until a newer one arrives, or with `firm` until `unhold`.
    Hold {
        firm: bool,
    },
    /// Allow newer releases, and one that failed only because of a migration that a person has
    /// checked.
    Unhold,
    /// No longer wait for a migration task that may still run.
    ForgetTask,
    /// Automation never chooses this digest again.
    MarkBad {
        digest: Digest,
        /// Its release, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    /// Automation may choose this digest again, and the images that failed with it.
    UnmarkBad {
        digest: Digest,
    },
    /// Forget the newest version so far: its tag may have been wrong.
    ForgetNewest,
}

impl Turn<'_> {
    pub(super) fn controlled(&mut self, by: String, why: String, control: Control) -> Reply {
        match control {
            Control::Approve { version, overrides } => self.approve(by, &version, &overrides),
            Control::Reject | Control::Cancel if self.head.active.is_none() => {
                Reply::Refused("no deployment is in progress".into())
            }
            Control::Reject => self.feed(Event::Rejected { by, why }),
            Control::Cancel => self.feed(Event::CancelRequested { by, why }),
            Control::Pause => {
                self.head.pause = Some(Pause { by, why: shorten(why), at: self.now });
                Reply::Accepted("paused; no deployment starts here until you resume it".into())
            }
            Control::Resume => match self.head.pause.take() {
                Some(_) => Reply::Accepted("resumed".into()),
                None => Reply::Accepted("it was not paused".into()),
            },
            Control::Hold { firm } => self.put_on_hold(by, &why, firm),
            Control::Unhold => self.unhold(),
            Control::ForgetTask => match self.head.unfinished.take() {
                Some(task) => {
                    Reply::Accepted(format!("{}; Slipway no longer waits for it", task.text()))
                }
                None => Reply::Accepted("no migration task is unfinished".into()),
            },
            Control::MarkBad { digest, version } => {
                let version = version.unwrap_or_else(|| Version::new(digest.short()));
                let why = format!("marked by {by}: {why}");
                self.head.remember_bad_digest(Bad { digest, version, why, by_hand: true });
                Reply::Accepted("marked bad; automation will not deploy it".into())
            }
            Control::UnmarkBad { digest } => {
                if self.head.let_in_digest(&digest) {
                    self.head.remember_let_in();
                }
                Reply::Accepted("no longer marked bad".into())
            }
            Control::ForgetNewest => self.forget_newest(),
        }
    }

    /// A person who deployed an older release and lifts the hold wants releases that are newer than
    /// that.
    fn go_on_from_live(&mut self) -> String {
        let live = self.head.live.as_ref().filter(|_| self.head.active.is_none());
        let Some(mark) = live.map(|live| live.release.order()) else { return String::new() };
        let lowered = self.head.high_water.as_ref().and_then(|newest| newest.beyond(&mark));
        let Some(left) = lowered else { return String::new() };
        let answer = format!(
            "; releases newer than {} deploy from now on, although {} was deployed before",
            mark.version, left.version
        );
        self.head.high_water = Some(mark.into());
        self.head.remember_lowered();
        answer
    }

    fn forget_newest(&mut self) -> Reply {
        let Some(newest) = &self.head.high_water else {
            return Reply::Accepted("nothing was deployed here yet".into());
        };
        let by_time = newest.by_time();
        if by_time == *newest {
            return Reply::Accepted(
                "no version was deployed here; releases are ordered by build time".into(),
            );
        }
        let answer = format!(
            "forgotten; from now on any version deploys that was built later than {}",
            newest.version
        );
        self.head.mark_before = self.head.mark_before.as_ref().map(Newest::by_time);
        self.head.high_water = Some(by_time);
        self.head.remember_lowered();
        Reply::Accepted(answer)
    }

    /// An approval is only for the release that the person saw. It overrides nothing that would
    /// block the same release if it were deployed by hand.
    fn approve(&mut self, by: String, version: &Version, overrides: &BTreeSet<Override>) -> Reply {
        let Some(active) =
            self.deployment.as_ref().filter(|d| self.head.active == Some(d.id.number))
        else {
            return Reply::Refused("no deployment is waiting for approval".into());
        };
        let mut by = by;
        if let State::AwaitingApproval { deadline } = active.state {
            let waiting = &active.request.release.version;
            if waiting != version {
                return Reply::Refused(format!("{waiting} is waiting for approval, not {version}"));
            }
            let kept = self.head.blocks_approval(active, overrides, self.context, self.now);
            // An approval that is too late is reported as such, whatever else blocks it.
            if let Some(why) = kept.filter(|_| self.now < deadline) {
                return Reply::Refused(why);
            }
            if !overrides.is_empty() {
                by = format!("{by}, overriding {}", list(overrides.iter().map(|o| o.word())));
            }
        }
        self.feed(Event::Approved { by })
    }

    fn put_on_hold(&mut self, by: String, why: &str, firm: bool) -> Reply {
        let until = match firm {
            true => HoldUntil::Person,
            false => HoldUntil::NewerThan(self.known_by_now()),
        };
        let hold = Hold::new(Holder::Person(by), why, until, self.now);
        match (self.head.hold(hold), &self.head.hold) {
            (false, Some(firmer)) => Reply::Accepted(format!(
                "already on a firm hold by {}: {}; that hold stays",
                firmer.by, firmer.why
            )),
            _ => Reply::Accepted("on hold".into()),
        }
    }

    /// A migration task that may still run blocks automation until a person names it.
    fn unhold(&mut self) -> Reply {
        let lifted = self.head.hold.take().is_some();
        self.head.hold_before = None;
        if lifted {
            self.head.let_in_after_migration();
            self.head.remember_let_in();
        }
        let said = match lifted {
            true => format!("the hold is lifted{}", self.go_on_from_live()),
            false => "it was not on hold".to_owned(),
        };
        Reply::Accepted(match &self.head.unfinished {
            None => said,
            Some(task) => format!(
                "{said}; {}, so automation waits until that task ends; add \"override\": \
                 [\"unfinished\"] if you know that it has ended",
                task.text()
            ),
        })
    }

    /// Everything that was built before now, or is queued now, is older than this.
    fn known_by_now(&self) -> ReleaseOrder {
        let waiting = self.head.queue.iter().map(|waits| &waits.request.release);
        let active = self.deployment.iter().map(|active| &active.request.release);
        let known = waiting.chain(active).map(|release| release.order());
        let known = known.chain(self.head.high_water.iter().flat_map(Newest::marks));
        let newest = known.reduce(|one, other| if one.older_than(&other) { other } else { one });
        let version = newest.map_or(Version::new("-"), |newest| newest.version);
        ReleaseOrder { version, built_at: self.now }
    }
}
