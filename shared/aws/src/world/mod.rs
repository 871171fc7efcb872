//! The engine's world on AWS: one table, and one queue for each kind of worker.

mod keys;
mod own_write;
pub(crate) mod pushed;
mod queues;
pub(crate) mod table;

use crate::clients::Aws;
use engine::{Key, Lookup, Message, SaveError, Stored, Timer, World, WorldError, Write};
use pipeline::names::ApplicationName;
use pipeline::time::Time;

impl World for Aws {
    fn now(&self) -> Time {
        self.clock.now()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        self.read_records(keys).await
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        self.write_records(writes).await
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        Ok(self.send_all(messages, timers).await?)
    }

    async fn due(&self, now: Time) -> Result<Vec<Key>, WorldError> {
        Ok(self.due_records(now).await?)
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        Ok(self.applications_found_by(lookup).await?)
    }
}
