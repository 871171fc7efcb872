//! Time: timers that ring, and the sweep that sends again what got lost.

use crate::keys::Key;
use crate::world::{Due, World};
use crate::{Decide, Engine, EngineError};
use pipeline::deployment::Reply;
use pipeline::environment::Input;
use pipeline::event::Event;
use pipeline::time::Time;

/// What one sweep found and did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Since when the oldest due record has been due.
    pub oldest: Option<Time>,
    pub woken: Vec<(Key, Result<Reply, EngineError>)>,
    /// What took too long, or was not started because no time was left: for a later sweep.
    pub left: Vec<Key>,
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Wakes one record: deadlines that have passed, effects without an answer.
    pub async fn wake(&self, key: &Key) -> Result<Reply, EngineError> {
        match key {
            Key::Spec(_) => Ok(Reply::Ignored("a spec has no timer".into())),
            Key::Candidate { application, version } => {
                self.candidate_woken(application, version).await
            }
            Key::Head(place) => self.tell(place, Input::Woken).await,
            Key::Deployment(id) => {
                // No effect has number 0: nothing is answered, the deployment is only woken.
                let input =
                    Input::Answered { deployment: id.number, effect: 0, event: Event::Woken };
                self.tell(&id.place, input).await
            }
        }
    }

    /// Wakes everything that is due. A record that cannot be woken, or takes too long, does not
    /// prevent others from being woken, in this sweep or over several of them.
    pub async fn sweep(&self) -> Result<Swept, EngineError> {
        let now = self.world.now();
        let mut due = self.world.due(now).await?;
        let oldest = due.iter().map(|due| due.since).min();
        let begin = beginning(now, due.len());
        due.rotate_left(begin);
        let mut swept = Swept { oldest, ..Swept::default() };
        for Due { key, .. } in due {
            match self.world.within_limits(self.wake(&key)).await {
                Some(said) => swept.woken.push((key, said)),
                None => swept.left.push(key),
            }
        }
        Ok(swept)
    }
}

/// Where this minute's sweep starts in a list of this length. If one sweep cannot process all, the
/// next ones must not start with the same records again: by the golden ratio, each starts in the
/// middle of the longest unprocessed gap.
fn beginning(now: Time, length: usize) -> usize {
    const GOLDEN: u64 = 618_034;
    const WHOLE: u64 = 1_000_000;
    let minute = now.millis() / 60_000;
    let place = (minute % WHOLE) * GOLDEN % WHOLE;
    let length = u64::try_from(length).unwrap_or_default();
    usize::try_from(place * length / WHOLE).unwrap_or_default()
}
