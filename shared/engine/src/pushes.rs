//! Pushes: which release each belongs to, and where that release may go.

use crate::saving::Change;
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
        self.change_candidate(spec, &belongs.version, Some(&new), |candidate| {
            self.decide.pushed(candidate, &belongs.image, push, spec, self.world.now())
        })
        .await
    }

    pub(crate) async fn candidate_woken(
        &self,
        application: &ApplicationName,
        version: &Version,
    ) -> Result<Said, EngineError> {
        let Some(spec) = self.load_spec(application).await? else {
            return Ok(Said::Ignored(format!("there is no spec for {application}")));
        };
        let now = self.world.now();
        self.change_candidate(&spec, version, None, |candidate| candidate.woken(&spec, now)).await
    }

    pub(crate) async fn candidate_answered(
        &self,
        application: &ApplicationName,
        version: &Version,
        effect: u64,
    ) -> Result<Said, EngineError> {
        let Some(spec) = self.load_spec(application).await? else {
            return Ok(Said::Ignored(format!("there is no spec for {application}")));
        };
        self.change_candidate(&spec, version, None, |candidate| {
            candidate.outbox.answered(effect);
            Said::Done
        })
        .await
    }

    async fn change_candidate(
        &self,
        spec: &Application,
        version: &Version,
        new: Option<&dyn Fn() -> Candidate>,
        change: impl Fn(&mut Candidate) -> Said,
    ) -> Result<Said, EngineError> {
        let key =
            Key::Candidate { application: spec.application.clone(), version: version.clone() };
        for _ in 0..CONFLICTS_MAX {
            let loaded = self.load_one::<Candidate>(key.clone()).await?;
            let mut candidate = match (&loaded, new) {
                (Some((candidate, _)), _) => candidate.clone(),
                (None, Some(new)) => new(),
                (None, None) => return Ok(Said::Ignored(format!("there is no release {version}"))),
            };
            let said = change(&mut candidate);
            let read = loaded.map(|(candidate, version)| (candidate.into(), version));
            let change = Change { record: candidate.into(), read };
            if self.save_and_send(vec![change], Some(spec)).await? {
                return Ok(said);
            }
        }
        Err(EngineError::Busy(key))
    }
}
