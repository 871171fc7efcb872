//! The world's in-memory twin: a table, the queues, and a clock that a test sets.
//!
//! It can fail at any point, which tests a crash between any two calls.

use crate::errors::{SaveError, WorldError};
use crate::keys::{Key, Lookup};
use crate::records::Record;
use crate::records::{Stored, Write};
use crate::world::{Due, Message, Timer, World};
use pipeline::names::ApplicationName;
use pipeline::time::Time;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub struct Memory {
    now: Cell<Time>,
    table: RefCell<BTreeMap<Key, Item>>,
    sent: RefCell<Vec<Message>>,
    timers: RefCell<Vec<Timer>>,
    changed: RefCell<Vec<Key>>,
    faults: RefCell<Option<Faults>>,
    /// Whether records are serialized and deserialized, as a table does.
    as_text: Cell<bool>,
    /// How many limited pieces of work finish in time; `None`: all.
    in_time: Cell<Option<usize>>,
}

/// Returns the fault at each point.
type Faults = Box<dyn FnMut(Point) -> Fault + Send>;

#[derive(Clone, Debug)]
struct Item {
    /// Shared with every copy of the memory that has not written it since.
    stored: Arc<Stored>,
    lookups: Vec<Lookup>,
}

/// Where a fault may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    Load,
    BeforeSave,
    AfterSave,
    BeforeSend,
    AfterSend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The process ends here.
    Crash,
    /// AWS throttles the call.
    Throttle,
    /// Another invocation has written; only before a save.
    Conflict,
}

impl Memory {
    pub fn set_now(&self, now: Time) {
        self.now.set(now);
    }

    /// Calls `faults` at every point from now on.
    pub fn set_faults(&self, faults: impl FnMut(Point) -> Fault + Send + 'static) {
        *self.faults.borrow_mut() = Some(Box::new(faults));
    }

    /// From now on only this many limited pieces of work finish in time.
    pub fn set_in_time(&self, works: usize) {
        self.in_time.set(Some(works));
    }

    /// A copy that shares the records until either of them is written. It has no faults.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            now: self.now.clone(),
            table: self.table.clone(),
            sent: self.sent.clone(),
            timers: self.timers.clone(),
            changed: self.changed.clone(),
            faults: RefCell::default(),
            as_text: self.as_text.clone(),
            in_time: self.in_time.clone(),
        }
    }

    /// Every record and its version, ordered by key.
    pub fn visit(&self, mut see: impl FnMut(&Key, &Stored)) {
        self.table.borrow().iter().for_each(|(key, item)| see(key, &item.stored));
    }

    /// Takes the messages that were sent since the last call.
    pub fn take_sent(&self) -> Vec<Message> {
        self.sent.take()
    }

    /// Takes the timers that were set since the last call.
    pub fn take_timers(&self) -> Vec<Timer> {
        self.timers.take()
    }

    /// Takes the keys of the records that were written since the last call.
    pub fn take_changed(&self) -> Vec<Key> {
        self.changed.take()
    }

    /// Keeps every record as text, as a table would.
    pub fn keep_as_text(&self) {
        self.as_text.set(true);
    }

    pub fn read(&self, key: &Key) -> Option<Record> {
        self.table.borrow().get(key).map(|item| item.stored.record.clone())
    }

    pub fn keys(&self) -> Vec<Key> {
        self.table.borrow().keys().cloned().collect()
    }

    /// When the next record is due.
    pub fn next_due(&self) -> Option<Time> {
        self.table.borrow().values().filter_map(|item| item.stored.due).min()
    }

    fn fault(&self, point: Point) -> Fault {
        self.faults.borrow_mut().as_mut().map_or(Fault::None, |faults| faults(point))
    }

    fn pass(&self, point: Point) -> Result<(), WorldError> {
        match self.fault(point) {
            Fault::None | Fault::Conflict => Ok(()),
            Fault::Crash => Err(WorldError::Passing(format!("crashed at {point:?}"))),
            Fault::Throttle => Err(WorldError::Passing("throttled".into())),
        }
    }
}

impl World for Memory {
    fn now(&self) -> Time {
        self.now.get()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, WorldError> {
        self.pass(Point::Load)?;
        let table = self.table.borrow();
        Ok(keys.iter().map(|key| table.get(key).map(|item| (*item.stored).clone())).collect())
    }

    async fn save(&self, writes: Vec<Write>) -> Result<(), SaveError> {
        match self.fault(Point::BeforeSave) {
            Fault::None => {}
            Fault::Conflict => return Err(SaveError::Conflict),
            Fault::Crash | Fault::Throttle => {
                return Err(WorldError::Passing("failed before the save".into()).into());
            }
        }
        let writes = if self.as_text.get() { through_text(writes)? } else { writes };
        let mut table = self.table.borrow_mut();
        let version = |key: &Key| table.get(key).map(|item| item.stored.version);
        if writes.iter().any(|write| version(&write.key) != write.read_version) {
            return Err(SaveError::Conflict);
        }
        for Write { key, read_version, record, due, lookups } in writes {
            let version = read_version.unwrap_or_default() + 1;
            let stored = Arc::new(Stored { version, due, record });
            self.changed.borrow_mut().push(key.clone());
            table.insert(key, Item { stored, lookups });
        }
        drop(table);
        self.pass(Point::AfterSave)?;
        Ok(())
    }

    async fn send(&self, messages: Vec<Message>, timers: Vec<Timer>) -> Result<(), WorldError> {
        self.pass(Point::BeforeSend)?;
        self.sent.borrow_mut().extend(messages);
        self.timers.borrow_mut().extend(timers);
        self.pass(Point::AfterSend)
    }

    async fn due(&self, now: Time) -> Result<Vec<Due>, WorldError> {
        let table = self.table.borrow();
        let due = |(key, item): (&Key, &Item)| {
            let since = item.stored.due.filter(|due| *due <= now)?;
            Some(Due { key: key.clone(), since })
        };
        Ok(table.iter().filter_map(due).collect())
    }

    async fn pause(&self, _tries: usize) {}

    async fn within_limits<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let left = self.in_time.get();
        self.in_time.set(left.map(|left| left.saturating_sub(1)));
        if left == Some(0) { None } else { Some(work.await) }
    }

    async fn find(&self, lookup: &Lookup) -> Result<Vec<ApplicationName>, WorldError> {
        let table = self.table.borrow();
        let specs = table.iter().filter(|(_, item)| item.lookups.contains(lookup));
        Ok(specs
            .filter_map(|(key, _)| match key {
                Key::Spec(application) => Some(application.clone()),
                _ => None,
            })
            .collect())
    }
}

/// Every record after a round trip through its stored form.
fn through_text(writes: Vec<Write>) -> Result<Vec<Write>, WorldError> {
    let again = writes.into_iter().map(|write| {
        let record = write.record.write().and_then(|text| Record::read(&text));
        match record {
            Ok(record) => Ok(Write { record, ..write }),
            Err(source) => Err(WorldError::Stored { key: write.key, source }),
        }
    });
    again.collect()
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("now", &self.now)
            .field("keys", &self.keys())
            .finish_non_exhaustive()
    }
}
