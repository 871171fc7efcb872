//! Configuring: a spec is read, checked and stored as a whole, or not at all.

use crate::keys::Key;
use crate::records::Record;
use crate::saving::{Change, Read};
use crate::turn::changes_of;
use crate::world::World;
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::environment::Input;
use pipeline::names::{ApplicationName, EnvironmentName, Place};
use pipeline::spec::{self, Application};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    pub application: ApplicationName,
    /// `false`: the stored spec is the same.
    pub changed: bool,
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Reads a spec from JSON or YAML, and stores it if it has no mistakes.
    pub async fn configure(&self, text: &str) -> Result<Configured, EngineError> {
        let spec = spec::parse(text).map_err(EngineError::Spec)?;
        self.store(spec).await
    }

    /// Stores a spec that has been checked.
    pub async fn store(&self, spec: Application) -> Result<Configured, EngineError> {
        let key = Key::Spec(spec.application.clone());
        let application = spec.application.clone();
        for tries in 0..CONFLICTS_MAX {
            self.pause_after(tries).await;
            let loaded = self.load_one::<Application>(key.clone()).await?;
            if loaded.as_ref().is_some_and(|known| known.body == spec) {
                return Ok(Configured { application, changed: false });
            }
            let left = loaded.as_ref().map_or_else(Vec::new, |known| left(&known.body, &spec));
            let read = loaded.map(Read::into_record);
            let change = Change { record: Record::Spec(spec.clone()), read };
            if self.save_and_send(vec![change], None).await? {
                for place in left {
                    // If this fails, the next wake-up of that environment does the same.
                    let _ = self.close(&place).await;
                }
                return Ok(Configured { application, changed: true });
            }
        }
        Err(EngineError::Busy(key))
    }

    /// Declines the queued requests of an environment that has just left the spec. The sweep sends
    /// the notices.
    async fn close(&self, place: &Place) -> Result<(), EngineError> {
        let loaded = self.load_everything(place, &Input::Woken).await?;
        if let Some(step) = self.decide_with_everything(place, &loaded, &Input::Woken) {
            self.save(changes_of(loaded, step).0).await?;
        }
        Ok(())
    }
}

fn left(before: &Application, after: &Application) -> Vec<Place> {
    let gone = before.environments.keys().filter(|name| !after.environments.contains_key(*name));
    let place = |environment: &EnvironmentName| Place {
        application: after.application.clone(),
        environment: environment.clone(),
    };
    gone.map(place).collect()
}
