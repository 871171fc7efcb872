//! What an environment can be told, and by whom.

use crate::records::Record;
use crate::saving::open;
use crate::world::{Key, Lookup, Message, Sender, World};
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::deployment::Said;
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::names::{ApplicationName, Place};
use pipeline::spec::{self, Application};

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Tells one environment one thing.
    pub async fn tell(&self, place: &Place, input: Input) -> Result<Said, EngineError> {
        for _ in 0..CONFLICTS_MAX {
            match self.try_to_tell(place, &input).await {
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
        let Some(mut stored) = stored else { return Ok(false) };
        Ok(stored.record.outbox().is_some_and(|(_, outbox)| {
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

    pub(crate) async fn load_one<R>(&self, key: Key) -> Result<Option<(R, u64)>, EngineError>
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
