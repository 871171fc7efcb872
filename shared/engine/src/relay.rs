//! Effects of one record on another: they need no worker, only a second turn of the loop.

use crate::keys::Sender;
use crate::world::{Message, World};
use crate::{Decide, Engine, EngineError};
use pipeline::deployment::Reply;
use pipeline::effect::Effect;
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::names::{ApplicationName, EnvironmentName, Place};

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Performs an offer or a promotion; `None`: the effect is for a worker.
    pub async fn relay(&self, message: &Message) -> Result<Option<Reply>, EngineError> {
        let place = |environment: &EnvironmentName| Place {
            application: application_of(&message.from).clone(),
            environment: environment.clone(),
        };
        let said = match &message.effect {
            Effect::Offer { environment, request } => {
                self.tell(&place(environment), Input::Requested(request.clone())).await?
            }
            Effect::Promote { environment, release } => {
                let Sender::Head(from) = &message.from else { return Ok(None) };
                let from = from.environment.clone();
                let input = Input::Promotable { from, release: release.clone() };
                self.tell(&place(environment), input).await?
            }
            _ => return Ok(None),
        };
        // Answered last: after a crash before this it is repeated, and the environment recognizes
        // the request.
        self.answer(message, Event::Announced).await?;
        Ok(Some(said))
    }
}

fn application_of(sender: &Sender) -> &ApplicationName {
    match sender {
        Sender::Candidate { application, .. } => application,
        Sender::Head(place) => &place.application,
        Sender::Deployment(id) => &id.place.application,
    }
}
