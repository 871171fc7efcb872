//! What happens next in an environment: requests, actions of people, and the events of its
//! deployment.

use super::{Admission, Context, Control, Head, RequestOutcome};
use crate::deployment::{self, Deployment, Reply};
use crate::event::Event;
use crate::names::{DeploymentId, EnvironmentName, RequestId, Version};
use crate::release::Release;
use crate::request::{Kind, Request, RequestedBy};
use crate::time::Time;
use serde::{Deserialize, Serialize};

/// A loaded environment: its head, and the deployment that is addressed or active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub head: Head,
    pub deployment: Option<Deployment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    Requested(Box<Request>),
    /// A person requests a rollback, with or without a deployment in progress.
    RollbackRequested {
        id: RequestId,
        by: String,
        why: String,
        to: Option<Version>,
        undo: bool,
    },
    Controlled {
        by: String,
        why: String,
        control: Control,
    },
    /// A release succeeded in the environment that this one is promoted from.
    Promotable {
        from: EnvironmentName,
        release: Release,
    },
    /// An event for the active deployment, whichever that is.
    Happened(Event),
    /// An event about something that this deployment started; no other deployment gets it.
    HappenedTo {
        deployment: u64,
        event: Event,
    },
    /// A worker answers an effect of this deployment.
    Answered {
        deployment: u64,
        effect: u64,
        event: Event,
    },
    /// An answer to an effect of the head itself.
    HeadAnswered {
        effect: u64,
    },
    /// Time passed.
    Woken,
}

/// What follows: everything in it is saved at once, and then the messages are sent.
#[derive(Clone, Debug)]
pub struct Step {
    pub head: Head,
    /// The deployment that was loaded, and the one that was started, if any.
    pub deployments: Vec<Deployment>,
    pub said: Reply,
}

/// Decides what follows from `input`.
pub fn advance(environment: Environment, input: Input, context: &Context<'_>, now: Time) -> Step {
    let Environment { head, deployment } = environment;
    let input = input.brief();
    if let Some(implausible) = input.implausible(now) {
        let said = Reply::Ignored(format!("rejected: {implausible}"));
        return Step { head, deployments: deployment.into_iter().collect(), said };
    }
    let concerns_the_queue = input.concerns_the_queue();
    let mut turn = Turn { head, deployment, started: None, context, now };
    let said = turn.take_in(input);
    turn.conclude_and_go_on(concerns_the_queue);
    turn.head.fit();
    let Turn { head, deployment, started, .. } = turn;
    Step { head, deployments: deployment.into_iter().chain(started).collect(), said }
}

impl Input {
    /// Whether it may change the queue even if no deployment ends: time passed, or a person made a
    /// request. An event for a deployment is fed to it alone, usually without the spec.
    fn concerns_the_queue(&self) -> bool {
        match self {
            Self::Happened(_) | Self::HappenedTo { .. } | Self::Answered { .. } => false,
            Self::Requested(_)
            | Self::RollbackRequested { .. }
            | Self::Controlled { .. }
            | Self::Promotable { .. }
            | Self::HeadAnswered { .. }
            | Self::Woken => true,
        }
    }
}

/// One turn: the records that it may change.
pub(super) struct Turn<'a> {
    pub(super) head: Head,
    pub(super) deployment: Option<Deployment>,
    pub(super) started: Option<Deployment>,
    pub(super) context: &'a Context<'a>,
    pub(super) now: Time,
}

impl Turn<'_> {
    fn take_in(&mut self, input: Input) -> Reply {
        match input {
            Input::Requested(request) => self.requested(*request),
            Input::RollbackRequested { id, by, why, to, undo } => {
                self.rollback_requested(id, by, why, to.as_ref(), undo)
            }
            Input::Controlled { by, why, control } => self.controlled(by, why, control),
            Input::Promotable { from, release } => self.promotable(from, release),
            Input::Happened(event) => self.happened(event),
            Input::HappenedTo { deployment, event } => self.happened_to(deployment, event),
            Input::Answered { deployment, effect, event } => {
                self.answered(deployment, effect, event)
            }
            Input::HeadAnswered { effect } => {
                self.head.outbox.answered(effect);
                Reply::Done
            }
            Input::Woken => self.feed(Event::Woken),
        }
    }

    /// Feeds an event to the active deployment.
    pub(super) fn feed(&mut self, event: Event) -> Reply {
        match self.deployment.take() {
            Some(active) if self.head.active == Some(active.id.number) => {
                let (active, said) = deployment::advance(active, event, self.now);
                self.deployment = Some(active);
                said
            }
            other => {
                self.deployment = other;
                Reply::Ignored(format!("{}: no deployment is in progress", event.name()))
            }
        }
    }

    fn happened(&mut self, event: Event) -> Reply {
        match event {
            Event::Observed { .. } | Event::TaskReported(_) | Event::AlarmChanged(_) => {
                self.feed(event)
            }
            // The others are a worker's answer, a person's request, or about the task of one
            // deployment.
            event => Reply::Ignored(format!("{} is not an event of an environment", event.name())),
        }
    }

    fn happened_to(&mut self, number: u64, event: Event) -> Reply {
        match &event {
            Event::OneOffReported { task, end, .. } => {
                let is_loose = |loose: &mut super::UnfinishedTask| {
                    loose.task.as_ref() == Some(task) && end.is_some()
                };
                self.head.unfinished.take_if(is_loose);
            }
            // A command on hosts names its deployment; its result says nothing about another one.
            Event::Observed { .. } => {}
            _ => {
                return Reply::Ignored(format!("{} is not an event of a deployment", event.name()));
            }
        }
        match self.head.active {
            Some(active) if active == number => self.feed(event),
            _ => Reply::Ignored(format!("deployment {number} is not in progress")),
        }
    }

    fn answered(&mut self, number: u64, effect: u64, event: Event) -> Reply {
        let Some(deployment) = self.deployment.as_mut().filter(|d| d.id.number == number) else {
            return Reply::Ignored(format!("there is no deployment {number}"));
        };
        // A claim asks for permission; it does not answer the effect.
        let is_claim = matches!(event, Event::OneOffClaimed { .. });
        let waited = match is_claim {
            true => deployment.outbox.get(effect).is_some(),
            false => deployment.effect_answered(effect, self.now),
        };
        if self.head.active != Some(number) {
            return match is_claim {
                true => Reply::Denied("the deployment has ended".into()),
                false => Reply::Ignored("the deployment has ended".into()),
            };
        }
        if is_claim && !waited {
            return Reply::Denied("the task is no longer needed".into());
        }
        self.feed(event)
    }

    fn requested(&mut self, request: Request) -> Reply {
        let request = request.shortened();
        if let Some(fate) = self.head.request_outcome(&request.id) {
            return match fate {
                RequestOutcome::Started { number } => {
                    Reply::Accepted(format!("duplicate request: it started deployment {number}"))
                }
                RequestOutcome::Declined { why } => Reply::Refused(why.clone()),
            };
        }
        if self.head.queue.iter().any(|waits| waits.request.id == request.id) {
            return Reply::Accepted("duplicate request: it is already queued".into());
        }
        match self.head.admission(&request, self.context, self.now) {
            Admission::Start => self.start(request),
            Admission::Refuse { why } => {
                if !request.is_by_person() {
                    self.decline(request, why.clone());
                }
                Reply::Refused(why)
            }
            Admission::NothingToDo { why } => {
                self.head.remember_request_outcome(
                    request.id,
                    RequestOutcome::Declined { why: why.clone() },
                );
                Reply::Refused(why)
            }
            Admission::Queue { why, until, what } => self.queue(request, why, until, what),
        }
    }

    pub(super) fn start(&mut self, request: Request) -> Reply {
        let Some(rules) = self.context.rules.cloned() else {
            return Reply::Refused(self.head.not_in_the_spec());
        };
        let number = self.head.last_number + 1;
        let mark = request.release.order();
        if matches!(request.kind, Kind::Deploy) {
            // An admitted request lifts the hold.
            self.head.hold_before = self.head.hold.take();
            self.head.mark_before = self.head.high_water.clone();
            self.head.high_water = Some(match self.head.high_water.take() {
                Some(known) => known.with(mark),
                None => mark.into(),
            });
        }
        self.head.last_number = number;
        self.head.active = Some(number);
        self.head.remember_request_outcome(request.id.clone(), RequestOutcome::Started { number });
        let id = DeploymentId { place: self.head.place.clone(), number };
        let repositories = self.context.repositories.clone();
        let version = request.release.version.clone();
        let live = self.head.live.as_ref().filter(|_| !request.is_by_person());
        let older = live.and_then(|live| request.release.built_before(&live.release));
        let not_read = request.release.not_read();
        let started = Deployment::start(id, request, rules, repositories, self.now);
        let workers_until = self.head.workers_until.filter(|until| *until > self.now);
        self.started = Some(
            started
                .after(self.head.last_known())
                .after_workers(workers_until, self.now)
                .mention(older, self.now)
                .mention(not_read, self.now),
        );
        Reply::Accepted(format!("deployment {number} of {version} has started"))
    }

    fn promotable(&mut self, from: EnvironmentName, release: Release) -> Reply {
        let deploy_on = self.context.rules.and_then(|rules| rules.deploy_on.as_ref());
        let follows = deploy_on.is_some_and(|deploy_on| {
            deploy_on.promoted_from.as_ref() == Some(&from) && deploy_on.tags.is_empty()
        });
        if !follows {
            return Reply::Done; // The queue is checked in a moment.
        }
        // The same release may succeed there again, and then it is promoted again.
        let successes = self.context.promoted_from.iter().flat_map(|source| &source.good);
        let succeeded = successes.rev().find(|good| good.release.same_images(&release));
        let times = succeeded.map(|good| format!(" by deployment {}", good.number));
        let times = times.unwrap_or_default();
        let id = RequestId::new(format!("promotion of {} from {from}{times}", release.version));
        self.requested(Request {
            id,
            kind: Kind::Deploy,
            release,
            asked_by: RequestedBy::Promotion { from },
            asked_at: self.now,
            confirm: None,
            overrides: Default::default(),
            fresh: false,
            skip_migration: None,
        })
    }

    /// Concludes a deployment that has just ended, and starts what is queued.
    fn conclude_and_go_on(&mut self, concerns_the_queue: bool) {
        if concerns_the_queue {
            self.give_way();
        }
        if let Some(ended) =
            self.deployment.clone().filter(|d| self.head.active == Some(d.id.number))
            && ended.verdict().is_some()
        {
            self.conclude(&ended);
        }
        if concerns_the_queue || self.head.active.is_none() {
            self.look_at_queue();
        }
    }
}
