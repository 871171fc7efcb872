//! Time: timers that ring, and the sweep that makes up for everything that got lost.

use crate::world::{Key, World};
use crate::{Decide, Engine, EngineError};
use pipeline::deployment::Said;
use pipeline::environment::Input;
use pipeline::event::Event;

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Wakes one record: deadlines that have passed, effects that nobody has answered.
    pub async fn wake(&self, key: &Key) -> Result<Said, EngineError> {
        match key {
            Key::Spec(_) => Ok(Said::Ignored("a spec never sleeps".into())),
            Key::Candidate { application, version } => {
                self.candidate_woken(application, version).await
            }
            Key::Head(place) => self.tell(place, Input::Woken).await,
            Key::Deployment(id) => {
                // Number 0 is nobody's: nothing is answered, the deployment is only woken.
                let input =
                    Input::Answered { deployment: id.number, effect: 0, event: Event::Woken };
                self.tell(&id.place, input).await
            }
        }
    }

    /// Wakes whatever is due. One record that cannot be woken does not keep the others asleep.
    pub async fn sweep(&self) -> Result<Vec<(Key, Result<Said, EngineError>)>, EngineError> {
        let mut woken = Vec::new();
        for key in self.world.due(self.world.now()).await? {
            let said = self.wake(&key).await;
            woken.push((key, said));
        }
        Ok(woken)
    }
}
