//! Saving, then sending: the order that no crash can hurt.

use crate::records::Record;
use crate::world::{Key, Message, Stored, Timer, World};
use crate::{Decide, Engine, EngineError, SaveError, StoredError, WorldError};
use pipeline::spec::Application;

/// A record as it shall be, and as it was read; `None`: it is new.
pub(crate) struct Change {
    pub(crate) record: Record,
    pub(crate) read: Option<(Record, u64)>,
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
            if read.as_ref().is_none_or(|(known, _)| *known != record) {
                let rang_at = read.as_ref().and_then(|(known, _)| known.rings_at(spec));
                if let Some(at) = record.rings_at(spec).filter(|at| rang_at != Some(*at)) {
                    timers.push(Timer { key: record.key(), at });
                }
                writes.push(record.into_write(read.map(|(_, version)| version), spec));
            }
        }
        if !writes.is_empty() {
            match self.world.save(writes).await {
                Ok(()) => {}
                Err(SaveError::Conflict) => return Ok(false),
                Err(SaveError::World(error)) => return Err(error.into()),
            }
        }
        if !messages.is_empty() || !timers.is_empty() {
            self.world.send(messages, timers).await?;
        }
        Ok(true)
    }
}

/// Takes a record as the kind that its key says.
pub(crate) fn open<R>(key: Key, stored: Stored) -> Result<(R, u64), WorldError>
where
    R: TryFrom<Record, Error = StoredError>,
{
    match R::try_from(stored.record) {
        Ok(body) => Ok((body, stored.version)),
        Err(source) => Err(WorldError::Stored { key, source }),
    }
}

pub(crate) fn into_record<R: Into<Record>>((body, version): (R, u64)) -> (Record, u64) {
    (body.into(), version)
}
