//! Inputs of an environment, and where they come from.

use crate::keys::{Key, Lookup, Sender};
use crate::records::Record;
use crate::saving::{Read, open};
use crate::turn::Loaded;
use crate::world::{Message, World};
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::deployment::Reply;
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::names::{ApplicationName, Place};
use pipeline::spec::{self, Application};

/// Permission to perform an effect, with the records that were read for it.
#[derive(Clone, Debug)]
pub struct Permit {
    read: Option<Box<Loaded>>,
}

impl Permit {
    /// The message as its worker needs it: a queue and an outbox do not repeat the rules of the
    /// deployment.
    pub fn whole(&self, message: &Message) -> Message {
        let read = self.read.as_ref().and_then(|read| read.deployment.as_ref());
        let effect = read.map(|read| read.body.whole(&message.effect));
        Message { effect: effect.unwrap_or_else(|| message.effect.clone()), ..message.clone() }
    }

    /// The records that were read for it, with their versions.
    pub fn read(&self) -> Vec<(Key, u64)> {
        self.read.as_deref().map(Loaded::versions).unwrap_or_default()
    }
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Feeds one input to one environment.
    pub async fn tell(&self, place: &Place, input: Input) -> Result<Reply, EngineError> {
        for tries in 0..CONFLICTS_MAX {
            self.pause_after(tries).await;
            match self.try_to_tell(place, &input).await {
                Ok(Some(said)) => return Ok(said),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::Busy(Key::Head(place.clone())))
    }

    /// Feeds the result of a worker, as the answer to its effect.
    pub async fn answer(&self, message: &Message, event: Event) -> Result<Reply, EngineError> {
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

    /// Returns a permit if the effect is still wanted; `None`: it is not. A worker checks before it
    /// makes a change: the message may be a copy, or late, and the deployment may be rolling back.
    pub async fn permits(&self, message: &Message) -> Result<Option<Permit>, EngineError> {
        let (outbox, read) = match &message.from {
            Sender::Deployment(id) => {
                let loaded = self.load_deployment(&id.place, id.number).await?;
                let deployment = loaded.deployment.as_ref();
                (deployment.map(|read| read.body.outbox.clone()), Some(loaded))
            }
            sender => {
                let key = Key::from(sender);
                let stored = self.world.load(&[key]).await?.into_iter().next().flatten();
                let record = stored.map(|stored| stored.record);
                (record.and_then(|mut record| Some(record.outbox()?.1.clone())), None)
            }
        };
        let is_wanted = outbox
            .is_some_and(|outbox| self.decide.permits(&outbox, message.number, &message.effect));
        Ok(is_wanted.then(|| Permit { read: read.map(Box::new) }))
    }

    /// Like `answer`, with the records that were read for the permit; `None`: these are known to be
    /// outdated. The answer always changes the deployment, so its write fails after a write of
    /// another invocation; then everything is read again.
    pub async fn answer_on(
        &self,
        permit: Option<Permit>,
        message: &Message,
        event: Event,
    ) -> Result<Reply, EngineError> {
        let read = permit.and_then(|permit| permit.read);
        if let (Sender::Deployment(id), Some(read)) = (&message.from, read) {
            let (deployment, effect) = (id.number, message.number);
            let input = Input::Answered { deployment, effect, event: event.clone() };
            if let Some(step) = self.decide_alone(&read, &input)
                && let Some(said) = self.save_step(*read, step).await?
            {
                return Ok(said);
            }
        }
        self.answer(message, event).await
    }

    /// Like `tell` with an event, for a caller that has just read that deployment `active` is in
    /// progress: the deployment usually has all that is needed, so the spec is not read.
    pub async fn tell_active(
        &self,
        place: &Place,
        active: u64,
        event: Event,
    ) -> Result<Reply, EngineError> {
        let input = Input::Happened(event);
        let read = self.load_deployment(place, active).await?;
        let is_active = read.head.as_ref().is_some_and(|read| read.body.active == Some(active));
        if is_active
            && let Some(step) = self.decide_alone(&read, &input)
            && let Some(said) = self.save_step(read, step).await?
        {
            return Ok(said);
        }
        self.tell(place, input).await
    }

    /// Feeds an event of a service or an alarm to every environment that it concerns.
    pub async fn happened(
        &self,
        lookup: &Lookup,
        event: &Event,
    ) -> Result<Vec<(Place, Reply)>, EngineError> {
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
        Ok(self.load_one(Key::Spec(application.clone())).await?.map(|read| read.body))
    }

    pub(crate) async fn load_one<R>(&self, key: Key) -> Result<Option<Read<R>>, EngineError>
    where
        R: TryFrom<Record, Error = crate::StoredError>,
    {
        let stored =
            self.world.load(std::slice::from_ref(&key)).await?.into_iter().next().flatten();
        Ok(stored.map(|stored| open(key, stored)).transpose()?)
    }
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
