//! The engine's world in the simulation: its in-memory twin, or a hasty copy that acts first.

use engine::memory::Memory;
use engine::{Due, Key, Lookup, Message, SaveError, Stored, Timer, World, WorldError, Write};
use pipeline::names::ApplicationName;
use pipeline::time::Time;
use std::cell::{Cell, RefCell};
use std::ops::Deref;

#[derive(Default)]
pub struct Surroundings {
    memory: Memory,
    /// Sabotage: writes wait until the effects are sent.
    hasty: Cell<bool>,
    waiting: RefCell<Vec<Write>>,
    /// Sabotage: what changes nothing but when it is due is not written.
    leaves_what_is_due: Cell<bool>,
}

impl Surroundings {
    pub fn act_before_saving(&self) {
        self.hasty.set(true);
    }

    pub fn leave_what_is_due(&self) {
        self.leaves_what_is_due.set(true);
    }

    /// A copy that goes its own way from here.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            memory: self.memory.fork(),
            hasty: self.hasty.clone(),
            waiting: self.waiting.clone(),
            leaves_what_is_due: self.leaves_what_is_due.clone(),
        }
    }

    async fn write_what_waits(&self) -> Result<(), SaveError> {
        match self.waiting.take() {
            writes if writes.is_empty() => Ok(()),
            writes => self.memory.save(writes).await,
        }
    }
}

impl Deref for Surroundings {
    type Target = Memory;

    fn deref(&self) -> &Memory {
        &self.memory
    }
}

impl World for Surroundings {
    fn now(&self) -> Time {
        self.memory.now()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        // In any case: the fast one has long continued.
        let _ = self.write_what_waits().await;
        self.memory.load(keys).await
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        if self.hasty.get() {
            self.waiting.borrow_mut().extend(writes);
            return Ok(());
        }
        let mut writes = writes;
        if self.leaves_what_is_due.get() {
            writes.retain(|write| self.memory.read(&write.key).as_ref() != Some(&write.record));
        }
        self.memory.save(writes).await
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        self.memory.send(messages, timers).await?;
        match self.write_what_waits().await {
            Ok(()) => Ok(()),
            Err(SaveError::Conflict) => {
                Err(WorldError::Passing("somebody else wrote first".into()))
            }
            Err(SaveError::World(error)) => Err(error),
        }
    }

    async fn due(&self, now: Time) -> Result<Vec<Due>, WorldError> {
        self.memory.due(now).await
    }

    async fn pause(&self, tries: usize) {
        self.memory.pause(tries).await;
    }

    async fn within_limits<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.memory.within_limits(work).await
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        self.memory.find(lookup).await
    }
}
