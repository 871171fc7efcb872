//! Configuring: a spec is read, checked and stored as a whole, or not at all.

use crate::records::Record;
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
    pub async fn configure(&self, text: &str) -> Result<Configured, EngineError> {
        let spec = spec::parse(text).map_err(EngineError::Spec)?;
        let key = Key::Spec(spec.application.clone());
        let application = spec.application.clone();
        for _ in 0..CONFLICTS_MAX {
            let (known, stored) = match self.load_one::<Application>(key.clone()).await? {
                Some((known, stored)) => (Some(known), Some(stored)),
                None => (None, None),
            };
            if known.as_ref() == Some(&spec) {
                return Ok(Configured { application, changed: false });
            }
            if self.save_and_send(vec![(Record::Spec(spec.clone()), stored)], None).await? {
                return Ok(Configured { application, changed: true });
            }
        }
        Err(EngineError::Busy(key))
    }
}
