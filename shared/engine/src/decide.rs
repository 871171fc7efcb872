//! The decisions behind a trait: the core, or a broken copy of it in a test.

use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::environment::{Context, Environment, Input, Step, advance};
use pipeline::names::ImageName;
use pipeline::outbox::Outbox;
use pipeline::push::{Candidate, Push};
use pipeline::spec::Application;
use pipeline::time::Time;

pub trait Decide {
    fn advance(
        &self,
        environment: Environment,
        input: Input,
        context: &Context<'_>,
        now: Time,
    ) -> Step {
        advance(environment, input, context, now)
    }

    fn pushed(
        &self,
        candidate: &mut Candidate,
        image: &ImageName,
        push: &Push,
        spec: &Application,
        now: Time,
    ) -> Reply {
        candidate.pushed(image, push, spec, now)
    }

    /// Whether a worker may perform this effect: only while exactly this effect is wanted.
    fn permits(&self, outbox: &Outbox, number: u64, effect: &Effect) -> bool {
        outbox.get(number) == Some(effect)
    }
}

/// The core itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pipeline;

impl Decide for Pipeline {}
