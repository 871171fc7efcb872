//! What a person may say to an environment.

use super::advance::Turn;
use super::{Bad, HoldUntil, Pause};
use crate::deployment::{Said, State};
use crate::event::Event;
use crate::names::{Digest, Version};
use crate::release::Mark;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Agree to exactly this version.
    Approve {
        version: Version,
    },
    Reject,
    /// Call off what has touched nothing yet.
    Cancel,
    /// Start nothing until `resume`; what is under way goes on to its verdict.
    Pause,
    Resume,
    /// Stay here until a newer release arrives, or with `firm` until `unhold`.
    Hold {
        firm: bool,
    },
    Unhold,
    /// Automation never chooses this digest again.
    MarkBad {
        digest: Digest,
        /// The release that it belongs to, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<Version>,
    },
    UnmarkBad {
        digest: Digest,
    },
}

impl Turn<'_> {
    pub(super) fn controlled(&mut self, by: String, why: String, control: Control) -> Said {
        match control {
            Control::Approve { version } => self.approve(by, &version),
            Control::Reject | Control::Cancel if self.head.active.is_none() => {
                Said::Refused("nothing is under way here".into())
            }
            Control::Reject => self.feed(Event::Rejected { by, why }),
            Control::Cancel => self.feed(Event::CancelRequested { by, why }),
            Control::Pause => {
                self.head.pause = Some(Pause { by, why, at: self.now });
                Said::Accepted("paused; nothing starts here until it is resumed".into())
            }
            Control::Resume => match self.head.pause.take() {
                Some(_) => Said::Accepted("resumed".into()),
                None => Said::Accepted("it was not paused".into()),
            },
            Control::Hold { firm } => {
                let until = if firm {
                    HoldUntil::Person
                } else {
                    HoldUntil::NewerThan(self.known_by_now())
                };
                self.head.hold = None;
                self.head.hold(by, why, until, self.now);
                Said::Accepted("on hold".into())
            }
            Control::Unhold => {
                self.head.unfinished = None;
                match self.head.hold.take() {
                    Some(_) => Said::Accepted("the hold is lifted".into()),
                    None => Said::Accepted("it was not on hold".into()),
                }
            }
            Control::MarkBad { digest, version } => {
                let version = version.unwrap_or_else(|| Version::new(digest.short()));
                self.head.bad.retain(|bad| bad.digest != digest);
                let why = format!("marked by {by}: {why}");
                self.head.bad.push(Bad { digest, version, why, by_hand: true });
                Said::Accepted("marked bad; automation will not choose it".into())
            }
            Control::UnmarkBad { digest } => {
                self.head.bad.retain(|bad| bad.digest != digest);
                Said::Accepted("not marked bad any more".into())
            }
        }
    }

    /// An approval is for the release that the person saw, and for no other.
    fn approve(&mut self, by: String, version: &Version) -> Said {
        let Some(active) =
            self.deployment.as_ref().filter(|d| self.head.active == Some(d.id.number))
        else {
            return Said::Refused("nothing waits for approval".into());
        };
        let waiting = &active.request.release.version;
        if matches!(active.state, State::AwaitingApproval { .. }) && waiting != version {
            return Said::Refused(format!(
                "it is {waiting} that waits for approval, not {version}"
            ));
        }
        self.feed(Event::Approved { by })
    }

    /// Everything that was built before now is older than this.
    fn known_by_now(&self) -> Mark {
        let version =
            self.head.high_water.as_ref().map_or(Version::new("-"), |mark| mark.version.clone());
        Mark { version, built_at: self.now }
    }
}
