//! Configuring: a spec is read, checked and stored as a whole, or not at all.

use crate::records::Record;
use crate::saving::Change;
use crate::world::{Key, World};
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::names::ApplicationName;
use pipeline::spec::{self, Application};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    pub application: ApplicationName,
    /// `false`: exactly this spec was there.
    pub changed: bool,
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Reads a spec from JSON or YAML, and stores it if nothing is wrong with it.
    pub async fn configure(&self, text: &str) -> Result<Configured, EngineError> {
        let spec = spec::parse(text).map_err(EngineError::Spec)?;
        self.store(spec).await
    }

    /// Stores a spec that has been checked.
    pub async fn store(&self, spec: Application) -> Result<Configured, EngineError> {
        let key = Key::Spec(spec.application.clone());
        let application = spec.application.clone();
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.load_one::<Application>(key.clone()).await?;
            if loaded.as_ref().is_some_and(|(known, _)| *known == spec) {
                return Ok(Configured { application, changed: false });
            }
            let read = loaded.map(|(known, version)| (known.into(), version));
            let change = Change { record: Record::Spec(spec.clone()), read };
            if self.save_and_send(vec![change], None).await? {
                return Ok(Configured { application, changed: true });
            }
        }
        Err(EngineError::Busy(key))
    }
}
