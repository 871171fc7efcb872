//! Defects that are about which releases start, wait, and are remembered.

use super::{Defect, Relapsed};
use pipeline::deployment::{Reply, ServiceState};
use pipeline::effect::Effect;
use pipeline::environment::{
    Context, Control, Environment, Head, Input, QueuedRequest, RequestOutcome, Step,
};
use pipeline::event::Event;
use pipeline::names::{ImageName, RolloutId};
use pipeline::notice::{News, Notice};
use pipeline::observation::{Found, Observation, Progress};
use pipeline::release::{Newest, ReleaseOrder};
use pipeline::request::Request;
use pipeline::spec::{self, Queue};
use pipeline::time::Time;
use serde_json::Value;

/// How many requests are queued at most.
const QUEUE_MAX: usize = 20;
/// A longer one was taken for implausible.
const TEXT_MAX: usize = 8 * 1024;

/// The same rules, which ask for no image.
pub(super) fn without_wishes(rules: &spec::Environment) -> spec::Environment {
    let mut rules = rules.clone();
    rules.deploy_on.iter_mut().for_each(|deploy_on| deploy_on.images.clear());
    rules
}

impl Relapsed {
    /// What is not taken in at all.
    pub(super) fn refuses(
        &self,
        known: &Environment,
        input: &Input,
        context: &Context<'_>,
        now: Time,
    ) -> Option<Step> {
        let deployments = || known.deployment.iter().cloned().collect();
        match (self.0, input) {
            (Defect::LosesPromotions, Input::Promotable { release, .. }) => {
                let unknown = |image: &&ImageName| !context.repositories.contains_key(*image);
                let image = release.images.keys().find(unknown)?;
                let said = Reply::Refused(format!("the spec has no image called {image}"));
                Some(Step { head: known.head.clone(), deployments: deployments(), said })
            }
            (Defect::TakesLongForAbsurd, Input::Answered { event, .. }) if is_long(event) => {
                let said = Reply::Ignored("absurd: it holds a long text".into());
                Some(Step { head: known.head.clone(), deployments: deployments(), said })
            }
            (Defect::TurnsTheNewestAway, Input::Requested(request))
                if known.head.queue.len() >= QUEUE_MAX
                    && !request.is_by_person()
                    && context.rules.is_some_and(|rules| rules.queue == Queue::Every)
                    && !is_known(&known.head, request) =>
            {
                let mut head = known.head.clone();
                let why = "the queue is full".to_owned();
                let notice = declined(&head, request, &why, now);
                head.outbox.add(Effect::Announce(Box::new(notice)), now);
                head.request_outcomes
                    .push((request.id.clone(), RequestOutcome::Declined { why: why.clone() }));
                Some(Step { head, deployments: deployments(), said: Reply::Refused(why) })
            }
            _ => None,
        }
    }

    /// Returns whether the rules' images are ignored in this turn.
    pub(super) fn releases_before(
        &self,
        environment: &mut Environment,
        input: &Input,
        context: &Context<'_>,
    ) -> bool {
        let Environment { head, deployment } = environment;
        match self.0 {
            Defect::DropsRenamedImages => {
                let mut drops = false;
                for waits in head.queue.iter_mut().filter(|waits| !waits.request.is_by_person()) {
                    let images = &mut waits.request.release.images;
                    let all = images.len();
                    images.retain(|image, _| context.repositories.contains_key(image));
                    drops |= images.len() < all;
                }
                return drops;
            }
            Defect::PromotesHalfReleases => return true,
            Defect::RemembersOneMark => {
                head.high_water.iter_mut().for_each(|newest| newest.other = None);
            }
            Defect::BlamesForTheUnchanged => {
                let Some(Event::Observed { services }) = event_of(input) else { return false };
                for service in deployment.iter_mut().flat_map(|known| &mut known.services) {
                    let seen = services.iter().find(|seen| seen.service == service.name);
                    if let Some(rollout) = seen.and_then(failed).filter(|_| service.is_unchanged())
                    {
                        (service.fresh, service.rollout) = (true, Some(rollout));
                    }
                }
            }
            _ => {}
        }
        false
    }

    pub(super) fn releases_after(&self, step: &mut Step, known: &Environment, input: &Input) {
        let head = &mut step.head;
        match self.0 {
            Defect::DropsRenamedImages => {
                let waited = |id| known.head.queue.iter().find(|waits| waits.request.id == id);
                let still =
                    head.queue.iter_mut().map(|waits: &mut QueuedRequest| &mut waits.request);
                let started = step.deployments.iter_mut().map(|started| &mut started.request);
                for request in still.chain(started) {
                    if let Some(waits) = waited(request.id.clone()) {
                        request.release.images.clone_from(&waits.request.release.images);
                    }
                }
            }
            Defect::KeepsTheNewestForEver => {
                let forgets =
                    matches!(input, Input::Controlled { control: Control::ForgetNewest, .. });
                if let Some(newest) = known.head.high_water.clone().filter(|_| !forgets) {
                    let later = head.high_water.iter().flat_map(marks);
                    head.high_water = Some(later.fold(newest, Newest::with));
                }
            }
            Defect::KeepsEveryGoodRelease => {
                let is_kept = |number| head.good.iter().any(|good| good.number == number);
                let forgotten = known.head.good.iter().cloned();
                let mut good: Vec<_> = forgotten.filter(|good| !is_kept(good.number)).collect();
                good.append(&mut head.good);
                head.good = good;
            }
            Defect::BlamesForTheUnchanged => {
                let before = known.deployment.iter().flat_map(|before| &before.services);
                for unchanged in before.filter(|service| service.is_unchanged()) {
                    let after = step.deployments.iter_mut().flat_map(|d| &mut d.services);
                    for service in after.filter(|s| s.name == unchanged.name && s.fresh) {
                        (service.fresh, service.rollout) = (false, None);
                        if service.state == ServiceState::RolledBack {
                            service.state = ServiceState::Updated;
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

fn event_of(input: &Input) -> Option<&Event> {
    match input {
        Input::Happened(event)
        | Input::HappenedTo { event, .. }
        | Input::Answered { event, .. } => Some(event),
        _ => None,
    }
}

fn failed(seen: &Observation) -> Option<RolloutId> {
    let primary = seen.found.as_ref().and_then(Found::primary);
    let failed = primary.filter(|primary| primary.progress == Progress::Failed)?;
    Some(failed.id.clone())
}

fn marks(newest: &Newest) -> impl Iterator<Item = ReleaseOrder> + use<> {
    let own = ReleaseOrder { version: newest.version.clone(), built_at: newest.built_at };
    newest.other.clone().into_iter().chain([own])
}

fn is_known(head: &Head, request: &Request) -> bool {
    head.request_outcomes.iter().any(|(known, _)| *known == request.id)
        || head.queue.iter().any(|waits| waits.request.id == request.id)
}

fn declined(head: &Head, request: &Request, why: &str, now: Time) -> Notice {
    Notice {
        place: head.place.clone(),
        deployment: None,
        version: request.release.version.clone(),
        origin: request.release.origin.clone(),
        rolls_back_from: None,
        asked_by: request.asked_by.to_string(),
        at: now,
        news: News::Declined { why: why.to_owned() },
    }
}

/// Whether any text in it is too long.
fn is_long(event: &Event) -> bool {
    let mut open = vec![serde_json::to_value(event).unwrap_or_default()];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.len() > TEXT_MAX => return true,
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    false
}
