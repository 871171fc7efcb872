//! Reads several records of one kind in one call; and one by one if one of them cannot be read.

use aws::failure::{Failure, chain};
use engine::{EngineError, Key, Record, Stored, StoredError, World, WorldError};

/// DynamoDB reads at most 100 items and at most 16 MB per call.
const READ_AT_ONCE: usize = 40;

/// Reads records of one kind; `None`: there is none.
pub(crate) async fn load<R>(world: &impl World, keys: &[Key]) -> Result<Vec<Option<R>>, Failure>
where
    R: TryFrom<Record, Error = StoredError>,
{
    let mut found = Vec::new();
    for some in keys.chunks(READ_AT_ONCE) {
        for (key, stored) in some.iter().zip(world.load(some).await?) {
            found.push(stored.map(|stored| open(key, stored)).transpose()?);
        }
    }
    Ok(found)
}

/// As `load`, but a record that cannot be read is reported, and the others are still read.
pub(crate) async fn load_readable<R>(
    world: &impl World,
    keys: &[Key],
) -> Result<Vec<Result<Option<R>, String>>, Failure>
where
    R: TryFrom<Record, Error = StoredError>,
{
    let mut found = Vec::new();
    for some in keys.chunks(READ_AT_ONCE) {
        match load(world, some).await {
            Ok(records) => found.extend(records.into_iter().map(Ok)),
            Err(Failure::Engine(EngineError::World(WorldError::Stored { .. }))) => {
                for key in some {
                    found.push(load_one(world, key).await?);
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(found)
}

async fn load_one<R>(world: &impl World, key: &Key) -> Result<Result<Option<R>, String>, Failure>
where
    R: TryFrom<Record, Error = StoredError>,
{
    match load(world, std::slice::from_ref(key)).await {
        Ok(records) => Ok(Ok(records.into_iter().next().flatten())),
        Err(failure @ Failure::Engine(EngineError::World(WorldError::Stored { .. }))) => {
            Ok(Err(chain(&failure)))
        }
        Err(failure) => Err(failure),
    }
}

fn open<R>(key: &Key, stored: Stored) -> Result<R, WorldError>
where
    R: TryFrom<Record, Error = StoredError>,
{
    R::try_from(stored.record).map_err(|source| WorldError::Stored { key: key.clone(), source })
}
