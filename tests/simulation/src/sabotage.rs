//! Broken copies of the core, each wrong in one way that a deployer was wrong once.
//!
//! The simulation has to catch every one of them, or it proves nothing.

pub mod reviewed;

use crate::histories::{History, play_with};
use engine::{Decide, Pipeline};
use pipeline::deployment::{Deployment, Reply, ServiceState, State};
use pipeline::effect::Effect;
use pipeline::environment::{Context, Control, Environment, Input, Step, advance};
use pipeline::event::Event;
use pipeline::names::Revision;
use pipeline::notice::News;
use pipeline::observation::{Observation, Progress};
use pipeline::outbox::Outbox;
use pipeline::request::Override;
use pipeline::time::Time;
use pipeline::verdict::Verdict;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Effects are sent first and saved then, so no check is possible before acting.
    ActsBeforeSaving,
    /// Effects are forgotten as soon as they are handed to the queues.
    ForgetsTheOutbox,
    /// Any COMPLETED counts, whatever it completed.
    TrustsAnyCompleted,
    /// A message is obeyed, however old it is.
    IgnoresTheFence,
    /// Everything is rolled back at once.
    ForgetsReverseOrder,
    /// What is older may replace what is newer.
    AllowsAnOlderBuild,
    /// Every claim of the migration is granted, each with a token of its own.
    GrantsEveryClaim,
    /// A rollback leaves no trace.
    ForgetsBadReleases,
    /// A pause is forgotten.
    ForgetsPauses,
    /// The lock on the environment is ignored.
    IgnoresTheLock,
    /// Outcomes cause no notice.
    KeepsSilent,
    /// Time does not matter.
    IgnoresDeadlines,
    /// What ran before is guessed: the revision before this one.
    GuessesWhatRanBefore,
    /// The last word is not the last.
    ReopensVerdicts,
    /// What waits is dropped.
    DropsTheQueue,
    /// However the migration ended, it ended.
    TrustsAnyExitCode,
    /// An approval is accepted whatever blocks the environment.
    ApprovesThroughAnything,
    /// A declined request causes no notice.
    DeclinesInSilence,
}

pub const ALL: [Variant; 18] = [
    Variant::ActsBeforeSaving,
    Variant::ForgetsTheOutbox,
    Variant::TrustsAnyCompleted,
    Variant::IgnoresTheFence,
    Variant::ForgetsReverseOrder,
    Variant::AllowsAnOlderBuild,
    Variant::GrantsEveryClaim,
    Variant::ForgetsBadReleases,
    Variant::ForgetsPauses,
    Variant::IgnoresTheLock,
    Variant::KeepsSilent,
    Variant::IgnoresDeadlines,
    Variant::GuessesWhatRanBefore,
    Variant::ReopensVerdicts,
    Variant::DropsTheQueue,
    Variant::TrustsAnyExitCode,
    Variant::ApprovesThroughAnything,
    Variant::DeclinesInSilence,
];

#[derive(Clone, Copy, Debug)]
pub struct Broken(pub Variant);

/// Plays the history of `seed` with one thing broken.
pub fn play(seed: u64, variant: Variant) -> History {
    play_with(seed, Broken(variant), false, |sim| {
        if variant == Variant::ActsBeforeSaving {
            sim.memory.act_before_saving();
        }
    })
}

impl Decide for Broken {
    fn advance(
        &self,
        mut environment: Environment,
        mut input: Input,
        context: &Context<'_>,
        now: Time,
    ) -> Step {
        self.before(&mut environment, &mut input);
        let unbroken = environment.clone();
        let mut step = advance(environment, input.clone(), context, now);
        if self.0 == Variant::ForgetsReverseOrder && started_rollback(&unbroken, &step) {
            step = advance(all_at_once(unbroken), input.clone(), context, now);
        }
        self.after(&mut step, &input, now);
        step
    }

    fn permits(&self, outbox: &Outbox, number: u64, effect: &Effect) -> bool {
        match self.0 {
            Variant::IgnoresTheFence | Variant::ForgetsTheOutbox | Variant::ActsBeforeSaving => {
                true
            }
            _ => Pipeline.permits(outbox, number, effect),
        }
    }
}

impl Broken {
    fn before(&self, environment: &mut Environment, input: &mut Input) {
        match (self.0, input) {
            (
                Variant::TrustsAnyCompleted,
                Input::Happened(Event::Observed { services })
                | Input::Answered { event: Event::Observed { services }, .. },
            ) => {
                let deployment = environment.deployment.as_ref();
                services.iter_mut().for_each(|seen| believe(seen, deployment));
            }
            (Variant::AllowsAnOlderBuild, Input::Requested(_)) => {
                environment.head.high_water = None;
            }
            (Variant::ForgetsBadReleases, Input::Requested(_)) => {
                environment.head.bad.clear();
                environment.head.failed.clear();
                environment.head.hold = None;
            }
            (Variant::ForgetsPauses, Input::Requested(_)) => environment.head.pause = None,
            (
                Variant::ApprovesThroughAnything,
                Input::Controlled { control: Control::Approve { overrides, .. }, .. },
            ) => {
                overrides.extend([Override::Hold, Override::Freeze]);
                environment.head.pause = None;
            }
            (Variant::IgnoresTheLock, Input::Requested(_)) => environment.head.active = None,
            (
                Variant::IgnoresDeadlines,
                input @ (Input::Woken | Input::Answered { event: Event::Woken, .. }),
            ) => {
                *input = Input::HeadAnswered { effect: 0 };
            }
            (
                Variant::GuessesWhatRanBefore,
                Input::Answered { event: Event::Prepared(prepared), .. },
            ) => {
                for service in &mut prepared.services {
                    service.before = service.before.as_ref().map(|_| one_before(&service.after));
                }
            }
            (
                Variant::TrustsAnyExitCode,
                Input::Happened(Event::OneOffSeen { end: Some(end), .. })
                | Input::Answered { event: Event::OneOffSeen { end: Some(end), .. }, .. },
            ) => {
                end.exit_code = Some(0);
                end.stop.code = Some("EssentialContainerExited".into());
            }
            (Variant::ForgetsTheOutbox, _) => {
                // What was saved in an earlier turn counts as done.
                let kept = |effect: &Effect| matches!(effect, Effect::RunOneOff(_));
                environment.deployment.iter_mut().for_each(|d| d.outbox.keep(kept));
                environment.head.outbox.keep(|_| false);
            }
            _ => {}
        }
    }

    fn after(&self, step: &mut Step, input: &Input, now: Time) {
        match self.0 {
            Variant::KeepsSilent => {
                let ended = step.deployments.iter_mut().filter(|d| d.verdict().is_some());
                ended.for_each(|d| d.outbox.keep(|effect| !matches!(effect, Effect::Announce(_))));
            }
            Variant::GrantsEveryClaim => {
                if matches!(input, Input::Answered { event: Event::OneOffClaimed { .. }, .. }) {
                    step.said = Reply::Granted;
                }
                let waits =
                    |d: &&mut Deployment| d.outbox.waits_for(|e| matches!(e, Effect::RunOneOff(_)));
                step.deployments.iter_mut().filter(waits).for_each(|d| renew_tokens(d, now));
            }
            Variant::DropsTheQueue => step.head.queue.clear(),
            Variant::DeclinesInSilence => step.head.outbox.keep(|effect| {
                !matches!(effect, Effect::Announce(notice)
                    if matches!(notice.news, News::Declined { .. }))
            }),
            Variant::ReopensVerdicts => {
                for deployment in &mut step.deployments {
                    let failed = matches!(
                        deployment.verdict(),
                        Some(Verdict::Failed { .. } | Verdict::RolledBack { .. })
                    );
                    if failed && matches!(input, Input::Answered { event: Event::Announced, .. }) {
                        deployment.state = State::Ended { verdict: Verdict::Succeeded, at: now };
                    }
                }
            }
            _ => {}
        }
    }
}

/// Takes anything COMPLETED for what was requested.
fn believe(seen: &mut Observation, deployment: Option<&Deployment>) {
    let service = deployment.and_then(|d| d.services.iter().find(|s| s.name == seen.service));
    let (Some(found), Some(service)) = (&mut seen.found, service) else { return };
    if matches!(service.state, ServiceState::Updating { .. } | ServiceState::Updated)
        && found.rollouts.iter().any(|rollout| rollout.progress == Progress::Completed)
    {
        for rollout in found.rollouts.iter_mut().filter(|r| r.primary) {
            rollout.revision = service.after.clone();
            rollout.progress = Progress::Completed;
            rollout.running = rollout.desired;
        }
        found.rollouts.retain(|rollout| rollout.primary);
    }
}

fn started_rollback(before: &Environment, step: &Step) -> bool {
    let was =
        before.deployment.as_ref().is_some_and(|d| matches!(d.state, State::RollingBack { .. }));
    !was && step.deployments.iter().any(|d| matches!(d.state, State::RollingBack { .. }))
}

fn all_at_once(mut environment: Environment) -> Environment {
    for service in environment.deployment.iter_mut().flat_map(|d| &mut d.services) {
        service.wave = 0;
    }
    environment
}

fn one_before(revision: &Revision) -> Revision {
    let text = revision.as_str();
    let (family, number) = text.rsplit_once(':').unwrap_or((text, "1"));
    let number: u32 = number.parse().unwrap_or(1);
    Revision::new(format!("{family}:{}", number.saturating_sub(1).max(1)))
}

/// Gives every try of a one-off task a token of its own, so AWS treats it as a new one.
fn renew_tokens(deployment: &mut Deployment, now: Time) {
    let text = serde_json::to_string(deployment).unwrap_or_default();
    let marked =
        text.replace("\"client_token\":\"", &format!("\"client_token\":\"{}-", now.millis()));
    if let Ok(renewed) = serde_json::from_str(&marked) {
        *deployment = renewed;
    }
}
