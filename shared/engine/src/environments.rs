//! Environments: load the head and its deployment, advance, save both, send.

use crate::records::Record;
use crate::world::{Key, Lookup, Message, Sender, Stored, World};
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError, SaveError};
use pipeline::deployment::{Deployment, Said};
use pipeline::environment::{Context, Environment, Head, Input, Step};
use pipeline::event::Event;
use pipeline::names::{
    ApplicationName, DeploymentId, EnvironmentName, ImageName, Place, Repository,
};
use pipeline::spec::{self, Application};
use std::collections::BTreeMap;

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Tells one environment one thing.
    pub async fn tell(&self, place: &Place, input: Input) -> Result<Said, EngineError> {
        for _ in 0..CONFLICTS_MAX {
            match self.try_to_tell(place, input.clone()).await {
                Ok(Some(said)) => return Ok(said),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Busy(Key::Head(place.clone())))
    }

    /// Feeds what a worker has found or done back, as the answer to the effect that asked for it.
    pub async fn answer(&self, message: &Message, event: Event) -> Result<Said, EngineError> {
        let effect = message.number;
        match &message.from {
            Sender::Deployment(id) => {
                let input = Input::Answered { deployment: id.number, effect, event };
                self.tell(&id.place, input).await
            }
            Sender::Head(place) => self.tell(place, Input::HeadAnswered { effect }).await,
            Sender::Candidate { application, version } => {
                self.candidate_answered(application, version, effect).await
            }
        }
    }

    /// Says whether the effect is still wanted. A worker asks before it touches anything: the
    /// message may be a copy, or late, and the deployment may have turned round.
    pub async fn permits(&self, message: &Message) -> Result<bool, EngineError> {
        let key = Key::from(&message.from);
        let stored =
            self.world.load(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        let Some(stored) = stored else { return Ok(false) };
        let mut record =
            Record::read(&stored.text).map_err(|source| EngineError::Stored { key, source })?;
        Ok(record.outbox().is_some_and(|(_, outbox)| {
            self.decide.permits(outbox, message.number, &message.effect)
        }))
    }

    /// Tells every environment that is concerned what happened to a service or an alarm.
    pub async fn happened(
        &self,
        lookup: &Lookup,
        event: &Event,
    ) -> Result<Vec<(Place, Said)>, EngineError> {
        let mut told = Vec::new();
        for application in self.world.find(lookup).await? {
            let Some(spec) = self.load_spec(&application).await? else { continue };
            for (environment, rules) in &spec.environments {
                if concerns(rules, lookup) {
                    let place = Place {
                        application: application.clone(),
                        environment: environment.clone(),
                    };
                    let said = self.tell(&place, Input::Happened(event.clone())).await?;
                    told.push((place, said));
                }
            }
        }
        Ok(told)
    }

    pub(crate) async fn load_spec(
        &self,
        application: &ApplicationName,
    ) -> Result<Option<Application>, EngineError> {
        Ok(self.load_one(Key::Spec(application.clone())).await?.map(|(spec, _)| spec))
    }

    pub(crate) async fn load_one<R>(&self, key: Key) -> Result<Option<(R, Stored)>, EngineError>
    where
        R: TryFrom<Record, Error = crate::StoredError>,
    {
        let stored =
            self.world.load(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        stored.map(|stored| open(key, stored)).transpose()
    }

    /// One try; `None`: somebody else wrote first.
    async fn try_to_tell(&self, place: &Place, input: Input) -> Result<Option<Said>, EngineError> {
        let Loaded { spec, head, deployment, source } =
            self.load_environment(place, &input).await?;
        let rules = spec.as_ref().and_then(|(spec, _)| spec.environments.get(&place.environment));
        // An environment that left the spec while a deployment runs is carried to its end.
        let rules = rules.or(deployment.as_ref().map(|(deployment, _)| &deployment.rules));
        let Some(rules) = rules else {
            return Ok(Some(Said::Refused(format!("there is no environment {place} in any spec"))));
        };
        let nothing = BTreeMap::new();
        let repositories: &BTreeMap<ImageName, Repository> =
            spec.as_ref().map_or(&nothing, |(s, _)| &s.images);
        let promotes_to =
            spec.as_ref().map_or_else(Vec::new, |(s, _)| promotes_to(s, &place.environment));
        let context = Context {
            rules,
            repositories,
            promotes_to: &promotes_to,
            promoted_from: source.as_ref(),
        };

        let environment = Environment {
            head: head.as_ref().map_or_else(|| Head::new(place.clone()), |(head, _)| head.clone()),
            deployment: deployment.as_ref().map(|(deployment, _)| deployment.clone()),
        };
        let now = self.world.now();
        let Step { head: next, deployments, said } =
            self.decide.advance(environment, input, &context, now);

        let mut changes = vec![Change { record: next.into(), read: head.map(into_record) }];
        let mut read = deployment.map(into_record);
        for deployment in deployments {
            let record = Record::from(deployment);
            let read = read.take_if(|(known, _)| known.key() == record.key());
            changes.push(Change { record, read });
        }
        Ok(self.save_and_send(changes, None).await?.then_some(said))
    }

    /// Saves what differs from what was read, and sends what is due. `false`: a conflict.
    pub(crate) async fn save_and_send(
        &self,
        changes: Vec<Change>,
        spec: Option<&Application>,
    ) -> Result<bool, EngineError> {
        let now = self.world.now();
        let (mut writes, mut messages) = (Vec::new(), Vec::new());
        for Change { mut record, read } in changes {
            if let Some((from, outbox)) = record.outbox() {
                for (number, effect) in outbox.send(now) {
                    messages.push(Message { from: from.clone(), number, effect });
                }
            }
            if read.as_ref().is_none_or(|(known, _)| *known != record) {
                let version = read.map(|(_, stored)| stored.version);
                let write = record.to_write(version, spec);
                writes.push(
                    write.map_err(|source| EngineError::Stored { key: record.key(), source })?,
                );
            }
        }
        if !writes.is_empty() {
            match self.world.save(writes).await {
                Ok(()) => {}
                Err(SaveError::Conflict) => return Ok(false),
                Err(SaveError::World(error)) => return Err(error.into()),
            }
        }
        if !messages.is_empty() {
            self.world.send(messages).await?;
        }
        Ok(true)
    }

    async fn load_environment(&self, place: &Place, input: &Input) -> Result<Loaded, EngineError> {
        let spec_key = Key::Spec(place.application.clone());
        let head_key = Key::Head(place.clone());
        let addressed = match input {
            Input::Answered { deployment, .. } | Input::HappenedTo { deployment, .. } => {
                Some(*deployment)
            }
            _ => None,
        };
        let deployment_key =
            |number| Key::Deployment(DeploymentId { place: place.clone(), number });
        let mut keys = vec![spec_key.clone(), head_key.clone()];
        keys.extend(addressed.map(deployment_key));
        let mut found = self.world.load(&keys).await?.into_iter();
        let (spec, head) = (found.next().flatten(), found.next().flatten());
        let mut deployment = found.next().flatten();
        let spec: Option<(Application, Stored)> =
            spec.map(|stored| open(spec_key, stored)).transpose()?;
        let head: Option<(Head, Stored)> = head.map(|stored| open(head_key, stored)).transpose()?;

        let active = head.as_ref().and_then(|(head, _)| head.active);
        let rules = spec.as_ref().and_then(|(spec, _)| spec.environments.get(&place.environment));
        let source = rules.and_then(|rules| rules.deploy_on.as_ref()?.promoted_from.clone());
        let mut more = Vec::new();
        if addressed.is_none() {
            more.extend(active.map(deployment_key));
        }
        let wants_source = matches!(input, Input::Requested(_) | Input::Promotable { .. })
            || head.as_ref().is_some_and(|(head, _)| !head.queue.is_empty());
        let source = source.filter(|_| wants_source);
        let source_key = source.map(|environment| {
            Key::Head(Place { application: place.application.clone(), environment })
        });
        let wants_deployment = !more.is_empty();
        more.extend(source_key.clone());
        let mut found =
            if more.is_empty() { Vec::new() } else { self.world.load(&more).await? }.into_iter();
        if wants_deployment {
            deployment = found.next().flatten();
        }
        let source = match (source_key, found.next().flatten()) {
            (Some(key), Some(stored)) => Some(open::<Head>(key, stored)?.0),
            _ => None,
        };
        let number = addressed.or(active).unwrap_or_default();
        let deployment: Option<(Deployment, Stored)> =
            deployment.map(|stored| open(deployment_key(number), stored)).transpose()?;
        Ok(Loaded { spec, head, deployment, source })
    }
}

/// A record as it shall be, and as it was read; `None`: it is new.
pub(crate) struct Change {
    pub(crate) record: Record,
    pub(crate) read: Option<(Record, Stored)>,
}

fn into_record<R: Into<Record>>((body, stored): (R, Stored)) -> (Record, Stored) {
    (body.into(), stored)
}

struct Loaded {
    spec: Option<(Application, Stored)>,
    head: Option<(Head, Stored)>,
    deployment: Option<(Deployment, Stored)>,
    source: Option<Head>,
}

fn open<R>(key: Key, stored: Stored) -> Result<(R, Stored), EngineError>
where
    R: TryFrom<Record, Error = crate::StoredError>,
{
    match Record::read(&stored.text).and_then(R::try_from) {
        Ok(body) => Ok((body, stored)),
        Err(source) => Err(EngineError::Stored { key, source }),
    }
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

fn concerns(rules: &spec::Environment, lookup: &Lookup) -> bool {
    match lookup {
        Lookup::Repository(_) => false,
        Lookup::Alarm(alarm) => rules.alarms.names.contains(alarm),
        Lookup::Service { .. } => rules.services().any(|(_, service)| {
            Lookup::service(&rules.target, &service.name).as_ref() == Some(lookup)
        }),
    }
}
