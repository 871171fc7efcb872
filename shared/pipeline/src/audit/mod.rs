//! Audits: whether the records of an environment are consistent.
//!
//! The rules are checked on the records alone, without AWS, so the same ones apply to a team's
//! table and, at its end, to every history of the simulation.

mod course;
mod head;
mod history;
mod order;
mod outcome;
mod rules;

pub use rules::Rule;

use crate::deployment::Deployment;
use crate::environment::Head;
use crate::names::{Digest, ImageName, Place, Version};
use crate::release::{ReleaseOrder, same_images};
use crate::request::{Kind, RequestedBy};
use crate::text::shorten;
use crate::time::{Span, Time};
use crate::verdict::Verdict;
use std::collections::BTreeMap;
use std::fmt;

/// The maximum difference between the clocks of two machines.
const SKEW: Span = Span::minutes(1);
/// A record that is due for longer is forgotten: the sweep runs every minute.
const OVERDUE: Span = Span::minutes(15);

/// A violated rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// `None`: it is about the record of the environment itself.
    pub deployment: Option<u64>,
    pub rule: Rule,
    pub found: String,
}

/// Takes the deployments of one environment, in any order, and then its own record.
#[derive(Clone, Debug)]
pub struct Audit {
    place: Place,
    now: Time,
    /// How long an ended deployment is kept; then its record may be gone.
    kept: Span,
    seen: BTreeMap<u64, Seen>,
    findings: Vec<Finding>,
}

/// What the rules about several deployments need of each.
#[derive(Clone, Debug)]
struct Seen {
    /// `None`: its record cannot be read.
    read: Option<Brief>,
}

#[derive(Clone, Debug)]
struct Brief {
    kind: BriefKind,
    by_automation: bool,
    version: Version,
    mark: ReleaseOrder,
    images: BTreeMap<ImageName, Digest>,
    started_at: Time,
    ended: Option<(Verdict, Time)>,
    without_trace: bool,
    schema: crate::deployment::Schema,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum BriefKind {
    Deploy,
    /// The deployment whose migration it undoes, if it undoes one and knows which.
    ManualRollback {
        undoes: Option<u64>,
    },
}

/// The findings of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The numbers of the deployments, in ascending order.
    pub deployments: Vec<u64>,
    /// Ordered by deployment; those about the environment come last.
    pub findings: Vec<Finding>,
}

impl Audit {
    pub fn new(place: Place, now: Time, kept: Span) -> Self {
        Self { place, now, kept, seen: BTreeMap::new(), findings: Vec::new() }
    }

    /// Takes the record with this number. `woken_at` is its due time in the table.
    pub fn deployment(&mut self, number: u64, deployment: &Deployment, woken_at: Option<Time>) {
        if deployment.id.number != number || deployment.id.place != self.place {
            return self.unreadable(number, &format!("it is the record of {}", deployment.id));
        }
        self.course(deployment, woken_at);
        self.outcome(deployment);
        self.seen.insert(number, Seen { read: Some(Brief::of(deployment)) });
    }

    /// The record with this number cannot be read.
    pub fn unreadable(&mut self, number: u64, why: &str) {
        self.find(number, Rule::Readable, why.to_owned());
        self.seen.insert(number, Seen { read: None });
    }

    /// A record is missing, or is no deployment.
    pub fn odd(&mut self, what: &str) {
        self.find_in_head(Rule::Readable, what.to_owned());
    }

    /// Checks them together. Another audit checked the deployments from `before` on.
    pub fn finish_before(mut self, before: u64, head: Option<&Head>) -> Report {
        self.history(Some(before));
        head.into_iter().for_each(|head| self.order(head));
        self.report()
    }

    /// Checks them together, and with the record of the environment. `woken_at` is its due time in
    /// the table. If not all deployments were taken, they are the newest.
    pub fn finish(mut self, head: &Head, woken_at: Option<Time>) -> Report {
        self.history(Some(head.last_number + 1));
        self.order(head);
        self.under_way(head.active);
        self.head(head, woken_at);
        self.report()
    }

    /// Checks the deployments together, without the record of the environment.
    pub fn finish_without_head(mut self) -> Report {
        self.history(None);
        self.report()
    }

    fn report(mut self) -> Report {
        // `None` is the environment, and comes last.
        self.findings.sort_by_key(|finding| finding.deployment.unwrap_or(u64::MAX));
        Report { deployments: self.seen.into_keys().collect(), findings: self.findings }
    }

    fn find(&mut self, number: u64, rule: Rule, found: String) {
        self.findings.push(Finding { deployment: Some(number), rule, found: shorten(found) });
    }

    fn find_in_head(&mut self, rule: Rule, found: String) {
        self.findings.push(Finding { deployment: None, rule, found: shorten(found) });
    }

    /// The readable ones, ordered by number.
    fn briefs(&self) -> impl DoubleEndedIterator<Item = (u64, &Brief)> {
        self.seen.iter().filter_map(|(number, seen)| Some((*number, seen.read.as_ref()?)))
    }

    fn brief(&self, number: u64) -> Option<&Brief> {
        self.seen.get(&number)?.read.as_ref()
    }
}

impl Brief {
    fn of(deployment: &Deployment) -> Self {
        let request = &deployment.request;
        let kind = match &request.kind {
            Kind::Deploy => BriefKind::Deploy,
            Kind::ManualRollback(restore) => {
                BriefKind::ManualRollback { undoes: restore.undoes.as_ref().map(|one| one.number) }
            }
        };
        let ended = match &deployment.state {
            crate::deployment::State::Ended { verdict, at } => Some((verdict.clone(), *at)),
            _ => None,
        };
        Self {
            kind,
            by_automation: !matches!(request.asked_by, RequestedBy::Person { .. }),
            version: request.release.version.clone(),
            mark: request.release.order(),
            images: request.release.images.clone(),
            started_at: deployment.started_at,
            ended,
            without_trace: deployment.is_without_trace(),
            schema: deployment.schema,
        }
    }

    fn has_images_of(&self, other: &Self) -> bool {
        same_images(&self.images, &other.images)
    }

    fn verdict(&self) -> Option<&Verdict> {
        self.ended.as_ref().map(|(verdict, _)| verdict)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, found) = (self.rule.words(), &self.found);
        match self.deployment {
            Some(number) => write!(f, "deployment {number}: {found} (the rule: {rule})"),
            None => write!(f, "the environment: {found} (the rule: {rule})"),
        }
    }
}
