//! Where histories begin: what runs, what will be pushed, and how the last release behaves.

use crate::behaviour::Behaviour;
use crate::cloud::Breaker;
use crate::faults::{Odds, Plan};
use crate::happening::Happening;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use pipeline::names::{Digest, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Span;
use std::sync::LazyLock;

static PAIR: LazyLock<Result<System, String>> =
    LazyLock::new(|| System::read(include_str!("pair.yaml")));

/// How the last release behaves. Which of its images is bad, and what ECS does about it, belongs
/// to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Good,
    /// The first service's tasks fail at their start, and ECS's circuit breaker rolls back.
    FirstCrashes,
    /// The second service's tasks die at their start, and there is no breaker.
    SecondCrashes,
    /// The second service never comes up.
    SecondHangs,
    FailsItsCheck,
    /// The alarm goes to ALARM in the bake.
    RaisesTheAlarm,
    MigrationFails,
    /// The alarm goes to ALARM in the bake, and the migration cannot be undone.
    UndoFails,
}

pub const STARTS: [Start; 8] = [
    Start::Good,
    Start::FirstCrashes,
    Start::SecondCrashes,
    Start::SecondHangs,
    Start::FailsItsCheck,
    Start::RaisesTheAlarm,
    Start::MigrationFails,
    Start::UndoFails,
];

/// When the second release is pushed: the first one may be over by then, or be made late.
const NEXT_RELEASE: Span = Span::minutes(4);

impl Start {
    pub(super) fn world<D: Decide>(self, decide: D, releases: u8) -> Sim<D> {
        let system = PAIR.clone().expect("a test of the simulation reads it");
        let images = system.spec.images.clone();
        let mut sim = Sim::new(vec![system], decide, Plan::new(0, Odds::default()));
        let breaker = match self {
            Self::FirstCrashes => Breaker::RollBack,
            _ => Breaker::Off,
        };
        sim.cloud.services.values_mut().for_each(|service| service.breaker = breaker);
        for release in 1..=releases {
            let after = NEXT_RELEASE.times(u64::from(release) - 1);
            for (nth, (image, repository)) in images.iter().enumerate() {
                let digest = Digest::new(format!("sha256:{image}-{release}"));
                if release == releases
                    && let Some(behaviour) = self.behaviour(nth)
                {
                    sim.behaves(&digest, behaviour);
                }
                let span = after + Span::seconds(nth as u64);
                let push = Push {
                    repository: repository.clone(),
                    digest,
                    tag: Some(Tag::new(format!("r{release}"))),
                    artifact_media_type: None,
                    pushed_at: START + span,
                    details: Details::default(),
                };
                sim.after(span, Happening::Push { push, tries: 1 });
            }
        }
        sim
    }

    /// How the last release's image of this number behaves, unless it is a good one.
    fn behaviour(self, image: usize) -> Option<Behaviour> {
        let raises = Behaviour::RaisesAlarm("pair-errors".into(), Span::seconds(90));
        match (self, image) {
            (Self::FirstCrashes, 0) | (Self::SecondCrashes, 1) => Some(Behaviour::CrashesAtStart),
            (Self::SecondHangs, 1) => Some(Behaviour::Hangs),
            (Self::FailsItsCheck, 1) => Some(Behaviour::FailsChecks),
            (Self::RaisesTheAlarm | Self::UndoFails, 1) => Some(raises),
            (Self::MigrationFails, 0) => Some(Behaviour::MigrationExits(Some(1))),
            (Self::UndoFails, 0) => Some(Behaviour::UndoFails),
            _ => None,
        }
    }
}
