//! Saving, then sending: in this order no crash loses an effect.

use crate::keys::Key;
use crate::records::Record;
use crate::records::{Stored, Write};
use crate::world::{Message, Timer, World};
use crate::{Decide, Engine, EngineError, SaveError, StoredError, WorldError};
use pipeline::spec::Application;
use pipeline::time::Time;

/// A new record, and the one that was read; `None`: there was none.
pub(crate) struct Change {
    pub(crate) record: Record,
    pub(crate) read: Option<Read<Record>>,
}

/// A record that was read, and its due time by what was known then.
#[derive(Clone, Debug)]
pub(crate) struct Read<R> {
    pub(crate) body: R,
    pub(crate) version: u64,
    pub(crate) due: Option<Time>,
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Saves what differs from what was read, and sends what is due. `false`: a conflict.
    pub(crate) async fn save_and_send(
        &self,
        changes: Vec<Change>,
        spec: Option<&Application>,
    ) -> Result<bool, EngineError> {
        let now = self.world.now();
        let (mut writes, mut messages, mut timers) = (Vec::new(), Vec::new(), Vec::new());
        for Change { mut record, read } in changes {
            if let Some((from, outbox)) = record.outbox() {
                for (number, effect) in outbox.send(now) {
                    messages.push(Message { from: from.clone(), number, effect });
                }
            }
            if !is_known(&record, read.as_ref(), spec) {
                let rang_at = read.as_ref().and_then(|read| read.body.rings_at(spec));
                if let Some(at) = record.rings_at(spec).filter(|at| rang_at != Some(*at)) {
                    timers.push(Timer { key: record.key(), at });
                }
                writes.push(record.into_write(read.map(|read| read.version), spec));
            }
        }
        if !self.write(writes).await? {
            return Ok(false);
        }
        if !messages.is_empty() || !timers.is_empty() {
            self.world.send(messages, timers).await?;
        }
        Ok(true)
    }

    /// Saves what differs and leaves the sending to the sweep, for a caller without queues.
    pub(crate) async fn save(&self, changes: Vec<Change>) -> Result<bool, EngineError> {
        let differs = changes.into_iter().filter(|c| !is_known(&c.record, c.read.as_ref(), None));
        let writes = differs
            .map(|Change { record, read }| record.into_write(read.map(|read| read.version), None));
        self.write(writes.collect()).await
    }

    /// `false`: a conflict.
    async fn write(&self, writes: Vec<Write>) -> Result<bool, EngineError> {
        if writes.is_empty() {
            return Ok(true);
        }
        match self.world.save(writes).await {
            Ok(()) => Ok(true),
            Err(SaveError::Conflict) => Ok(false),
            Err(SaveError::World(error)) => Err(error.into()),
        }
    }
}

/// Whether the table already has it. An unchanged record may have another due time by now, because
/// that also depends on the spec; if it were not written, the sweep would find it again and again.
fn is_known(record: &Record, read: Option<&Read<Record>>, spec: Option<&Application>) -> bool {
    read.is_some_and(|read| read.body == *record && read.due == record.due(spec))
}

/// Reads a record as the kind of its key.
pub(crate) fn open<R>(key: Key, stored: Stored) -> Result<Read<R>, WorldError>
where
    R: TryFrom<Record, Error = StoredError>,
{
    let Stored { version, due, record } = stored;
    match R::try_from(record) {
        Ok(body) => Ok(Read { body, version, due }),
        Err(source) => Err(WorldError::Stored { key, source }),
    }
}

impl<R: Into<Record>> Read<R> {
    pub(crate) fn into_record(self) -> Read<Record> {
        Read { body: self.body.into(), version: self.version, due: self.due }
    }
}
