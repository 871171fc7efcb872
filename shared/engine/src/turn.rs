//! One turn of the loop for an environment: load, advance, save, send.

use crate::keys::Key;
use crate::records::Record;
use crate::saving::{Change, Read, open};
use crate::world::World;
use crate::{Decide, Engine, EngineError, WorldError};
use pipeline::deployment::{Deployment, Reply};
use pipeline::environment::{Context, Environment, Head, Input, Step};
use pipeline::names::{DeploymentId, EnvironmentName, Place};
use pipeline::spec::{self, Application};
use std::collections::BTreeMap;

/// The records that were read for one turn.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// `None`: there is none, or it was not needed.
    pub(crate) spec: Option<Application>,
    pub(crate) head: Option<Read<Head>>,
    pub(crate) deployment: Option<Read<Deployment>>,
    /// The head of the environment that this one is promoted from.
    source: Option<Head>,
    /// It exists and cannot be read.
    is_source_unreadable: bool,
}

impl Loaded {
    pub(crate) fn versions(&self) -> Vec<(Key, u64)> {
        let head = self.head.iter();
        let head = head.map(|read| (Key::Head(read.body.place.clone()), read.version));
        let deployment = self.deployment.iter();
        let deployment =
            deployment.map(|read| (Key::Deployment(read.body.id.clone()), read.version));
        head.chain(deployment).collect()
    }
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// One attempt; `None`: another invocation wrote first.
    pub(crate) async fn try_to_tell(
        &self,
        place: &Place,
        input: &Input,
    ) -> Result<Option<Reply>, EngineError> {
        if let Input::Answered { deployment, .. } | Input::HappenedTo { deployment, .. } = input {
            // A deployment has its own rules. The spec and the other environments matter only when
            // it ends and the next may start; a decision costs nothing, so it is then made again.
            let loaded = self.load_deployment(place, *deployment).await?;
            if let Some(step) = self.decide_alone(&loaded, input) {
                return self.save_step(loaded, step).await;
            }
        }
        let loaded = self.load_everything(place, input).await?;
        match self.decide_with_everything(place, &loaded, input) {
            Some(step) => self.save_step(loaded, step).await,
            None => {
                Ok(Some(Reply::Refused(format!("there is no environment {place} in any spec"))))
            }
        }
    }

    pub(crate) fn decide_alone(&self, loaded: &Loaded, input: &Input) -> Option<Step> {
        let head = &loaded.head.as_ref()?.body;
        let deployment = &loaded.deployment.as_ref()?.body;
        let context = Context {
            rules: Some(&deployment.rules),
            repositories: &deployment.repositories,
            promotes_to: &[],
            promoted_from: None,
            is_source_unreadable: false,
        };
        let environment = Environment { head: head.clone(), deployment: Some(deployment.clone()) };
        let step = self.decide.advance(environment, input.clone(), &context, self.world.now());
        // With a deployment in progress or an empty queue, nothing can start.
        let stays = head.active.is_some() || head.queue.is_empty();
        (stays && step.head.active == head.active).then_some(step)
    }

    pub(crate) fn decide_with_everything(
        &self,
        place: &Place,
        loaded: &Loaded,
        input: &Input,
    ) -> Option<Step> {
        let Loaded { spec, head, deployment, source, is_source_unreadable } = loaded;
        let rules = spec.as_ref().and_then(|spec| spec.environments.get(&place.environment));
        // Nothing is written for a name that does not exist. An environment that left the spec has
        // a head: a deployment in progress continues to its end, and queued requests are declined.
        if rules.is_none() && head.is_none() {
            return None;
        }
        let nothing = BTreeMap::new();
        let promotes_to =
            spec.as_ref().map_or_else(Vec::new, |spec| promotes_to(spec, &place.environment));
        let context = Context {
            rules,
            repositories: spec.as_ref().map_or(&nothing, |spec| &spec.images),
            promotes_to: &promotes_to,
            promoted_from: source.as_ref(),
            is_source_unreadable: *is_source_unreadable,
        };
        let environment = Environment {
            head: head.as_ref().map_or_else(|| Head::new(place.clone()), |read| read.body.clone()),
            deployment: deployment.as_ref().map(|read| read.body.clone()),
        };
        Some(self.decide.advance(environment, input.clone(), &context, self.world.now()))
    }

    pub(crate) async fn save_step(
        &self,
        loaded: Loaded,
        step: Step,
    ) -> Result<Option<Reply>, EngineError> {
        let (changes, said) = changes_of(loaded, step);
        Ok(self.save_and_send(changes, None).await?.then_some(said))
    }

    /// One read: the head and the deployment that the input names.
    pub(crate) async fn load_deployment(
        &self,
        place: &Place,
        number: u64,
    ) -> Result<Loaded, EngineError> {
        let keys = [Key::Head(place.clone()), deployment_key(place, number)];
        let mut found = self.world.load(&keys).await?.into_iter();
        let [head, deployment] = keys;
        let head = found.next().flatten().map(|stored| open(head, stored)).transpose()?;
        let deployment =
            found.next().flatten().map(|stored| open(deployment, stored)).transpose()?;
        let is_source_unreadable = false;
        Ok(Loaded { spec: None, head, deployment, source: None, is_source_unreadable })
    }

    /// Two reads: the second for records that the first one names.
    pub(crate) async fn load_everything(
        &self,
        place: &Place,
        input: &Input,
    ) -> Result<Loaded, EngineError> {
        let (spec_key, head_key) = (Key::Spec(place.application.clone()), Key::Head(place.clone()));
        let mut found = self.world.load(&[spec_key.clone(), head_key.clone()]).await?.into_iter();
        let spec = found.next().flatten().map(|stored| open::<Application>(spec_key, stored));
        let spec = spec.transpose()?.map(|read| read.body);
        let head =
            found.next().flatten().map(|stored| open::<Head>(head_key, stored)).transpose()?;

        let number = match input {
            Input::Answered { deployment, .. } | Input::HappenedTo { deployment, .. } => {
                Some(*deployment)
            }
            _ => head.as_ref().and_then(|read| read.body.active),
        };
        let rules = spec.as_ref().and_then(|spec| spec.environments.get(&place.environment));
        let source = rules.and_then(|rules| rules.deploy_on.as_ref()?.promoted_from.clone());
        let application = place.application.clone();
        let source = source.map(|environment| Key::Head(Place { application, environment }));
        let deployment = number.map(|number| deployment_key(place, number));
        let mut is_source_unreadable = false;
        let (deployment, source) = match self.load_two(deployment.clone(), source.clone()).await {
            // The environment that this one is promoted from decides what may start here. A person
            // who rolls back, stops or holds does not depend on it.
            Err(EngineError::World(WorldError::Stored { key, .. }))
                if source.as_ref() == Some(&key) && is_emergency(input) =>
            {
                is_source_unreadable = true;
                self.load_two(deployment, None).await?
            }
            read => read?,
        };
        Ok(Loaded { spec, head, deployment, source, is_source_unreadable })
    }

    async fn load_two(
        &self,
        deployment: Option<Key>,
        source: Option<Key>,
    ) -> Result<(Option<Read<Deployment>>, Option<Head>), EngineError> {
        let keys: Vec<Key> = deployment.iter().chain(&source).cloned().collect();
        let mut found =
            if keys.is_empty() { vec![] } else { self.world.load(&keys).await? }.into_iter();
        let deployment = match deployment {
            Some(key) => found.next().flatten().map(|stored| open(key, stored)).transpose()?,
            None => None,
        };
        let source = match source {
            Some(key) => {
                found.next().flatten().map(|stored| open::<Head>(key, stored)).transpose()?
            }
            None => None,
        };
        Ok((deployment, source.map(|read| read.body)))
    }
}

fn is_emergency(input: &Input) -> bool {
    matches!(input, Input::RollbackRequested { .. } | Input::Controlled { .. })
}

/// The changes of a turn that have to be saved.
pub(crate) fn changes_of(loaded: Loaded, step: Step) -> (Vec<Change>, Reply) {
    let Step { head, deployments, said } = step;
    let read = loaded.head.map(Read::into_record);
    let mut changes = vec![Change { record: head.into(), read }];
    let mut read = loaded.deployment.map(Read::into_record);
    for deployment in deployments {
        let record = Record::from(deployment);
        let read = read.take_if(|read| read.body.key() == record.key());
        changes.push(Change { record, read });
    }
    (changes, said)
}

fn deployment_key(place: &Place, number: u64) -> Key {
    Key::Deployment(DeploymentId { place: place.clone(), number })
}

fn promotes_to(spec: &Application, from: &EnvironmentName) -> Vec<EnvironmentName> {
    let follows = |rules: &spec::Environment| {
        rules
            .deploy_on
            .as_ref()
            .is_some_and(|deploy_on| deploy_on.promoted_from.as_ref() == Some(from))
    };
    spec.environments
        .iter()
        .filter(|(_, rules)| follows(rules))
        .map(|(name, _)| name.clone())
        .collect()
}
