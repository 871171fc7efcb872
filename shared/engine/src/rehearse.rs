//! Rehearsals: the consequences of an input for an environment. Nothing is saved or sent.

use crate::world::World;
use crate::{Decide, Engine, EngineError};
use pipeline::deployment::{Deployment, Reply};
use pipeline::effect::Effect;
use pipeline::environment::{Head, Input, Step};
use pipeline::names::Place;
use pipeline::spec::Environment;

/// The consequences.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    pub said: Reply,
    /// The current rules of the environment in the spec.
    pub rules: Environment,
    pub head: Head,
    /// The deployment in progress, as it would be afterwards.
    pub deployment: Option<Deployment>,
    /// The deployment that would start.
    pub started: Option<Deployment>,
    /// The effects that would be new.
    pub effects: Vec<Effect>,
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Returns what `tell` would do; `None`: no spec has such an environment.
    pub async fn rehearse(
        &self,
        place: &Place,
        input: &Input,
    ) -> Result<Option<Rehearsal>, EngineError> {
        let loaded = self.load_everything(place, input).await?;
        let Some(step) = self.decide_with_everything(place, &loaded, input) else {
            return Ok(None);
        };
        let before = loaded.deployment.map(|read| read.body);
        let rules = loaded.spec.and_then(|mut spec| spec.environments.remove(&place.environment));
        let rules = rules.or_else(|| before.as_ref().map(|before| before.rules.clone()));
        Ok(rules.map(|rules| rehearsed(step, before.as_ref(), rules)))
    }
}

fn rehearsed(step: Step, before: Option<&Deployment>, rules: Environment) -> Rehearsal {
    let Step { head, deployments, said } = step;
    let is_known = |number: u64| before.is_some_and(|before| before.id.number == number);
    let open = before.iter().flat_map(|before| before.outbox.entries());
    let open: Vec<u64> = open.map(|entry| entry.number).collect();
    let mut effects = Vec::new();
    for deployment in &deployments {
        let entries = deployment.outbox.entries().iter();
        let is_new = |number| !is_known(deployment.id.number) || !open.contains(number);
        let new = entries.filter(|entry| is_new(&entry.number));
        effects.extend(new.map(|entry| entry.effect.clone()));
    }
    let (mut known, mut new): (Vec<_>, Vec<_>) =
        deployments.into_iter().partition(|deployment| is_known(deployment.id.number));
    Rehearsal { said, rules, head, deployment: known.pop(), started: new.pop(), effects }
}
