//! Pushes: which release each belongs to, and where that release may go.

use crate::saving::{Change, Read};
use crate::world::{Key, Lookup, World};
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::deployment::Said;
use pipeline::names::{ApplicationName, Version};
use pipeline::push::{Belongs, Candidate, Push};
use pipeline::spec::Application;

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Takes in one push. What it says is for the log: most pushes belong to nothing.
    pub async fn pushed(&self, push: &Push) -> Result<Vec<(ApplicationName, Said)>, EngineError> {
        let mut heard = Vec::new();
        for application in self.world.find(&Lookup::Repository(push.repository.clone())).await? {
            let Some(spec) = self.load_spec(&application).await? else { continue };
            match push.belongs(&spec) {
                Err(why) => heard.push((application, Said::Ignored(why))),
                Ok(belongs) => {
                    for belongs in belongs {
                        let said = self.push_candidate(&spec, &belongs, push).await?;
                        heard.push((application.clone(), said));
                    }
                }
            }
        }
        Ok(heard)
    }

    async fn push_candidate(
        &self,
        spec: &Application,
        belongs: &Belongs,
        push: &Push,
    ) -> Result<Said, EngineError> {
        let application = spec.application.clone();
        let new = || Candidate::new(application.clone(), belongs, push);
        let key = candidate_key(&application, &belongs.version);
        self.change_candidate(Some(spec), key, Some(&new), |candidate| {
            self.decide.pushed(candidate, &belongs.image, push, spec, self.world.now())
        })
        .await
    }

    /// A candidate that no spec concerns any more is woken once, which notes that it sleeps now.
    pub(crate) async fn candidate_woken(
        &self,
        application: &ApplicationName,
        version: &Version,
    ) -> Result<Said, EngineError> {
        let spec = self.load_spec(application).await?;
        let now = self.world.now();
        let key = candidate_key(application, version);
        self.change_candidate(spec.as_ref(), key, None, |candidate| match &spec {
            Some(spec) => candidate.woken(spec, now),
            None => Said::Ignored(format!("there is no spec for {application}")),
        })
        .await
    }

    pub(crate) async fn candidate_answered(
        &self,
        application: &ApplicationName,
        version: &Version,
        effect: u64,
    ) -> Result<Said, EngineError> {
        let spec = self.load_spec(application).await?;
        let key = candidate_key(application, version);
        self.change_candidate(spec.as_ref(), key, None, |candidate| {
            candidate.outbox.answered(effect);
            Said::Done
        })
        .await
    }

    async fn change_candidate(
        &self,
        spec: Option<&Application>,
        key: Key,
        new: Option<&dyn Fn() -> Candidate>,
        change: impl Fn(&mut Candidate) -> Said,
    ) -> Result<Said, EngineError> {
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.load_one::<Candidate>(key.clone()).await?;
            let mut candidate = match (&loaded, new) {
                (Some(read), _) => read.body.clone(),
                (None, Some(new)) => new(),
                (None, None) => return Ok(Said::Ignored(format!("there is no {key}"))),
            };
            let said = change(&mut candidate);
            let read = loaded.map(Read::into_record);
            let change = Change { record: candidate.into(), read };
            if self.save_and_send(vec![change], spec).await? {
                return Ok(said);
            }
        }
        Err(EngineError::Busy(key))
    }
}

fn candidate_key(application: &ApplicationName, version: &Version) -> Key {
    Key::Candidate { application: application.clone(), version: version.clone() }
}
