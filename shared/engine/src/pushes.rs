//! Pushes: which release each belongs to, and which environments it is offered to.

use crate::errors::WorldError;
use crate::keys::{Key, Lookup};
use crate::saving::{Change, Read};
use crate::world::World;
use crate::{CONFLICTS_MAX, Decide, Engine, EngineError};
use pipeline::deployment::Reply;
use pipeline::names::{ApplicationName, Version};
use pipeline::push::{Belongs, Candidate, Push};
use pipeline::spec::Application;
use std::collections::{BTreeMap, BTreeSet};

/// DynamoDB reads at most this many records in one call.
const READ_AT_ONCE: usize = 100;

/// A candidate that was read; `None`: there is none yet.
type Found = Option<Read<Candidate>>;

/// How a push concerns an application.
enum Concern {
    NoSpec,
    /// Not at all, for this reason.
    Nothing(String),
    Release(Application, Vec<(Belongs, Found)>),
}

impl<W: World, D: Decide> Engine<'_, W, D> {
    /// Records one push as it is. The result is for the log: most pushes belong to no application.
    pub async fn pushed(&self, push: &Push) -> Result<Vec<(ApplicationName, Reply)>, EngineError> {
        self.pushed_and_read(push, async |push| push).await
    }

    /// Records one push. If no candidate knows it yet, `read` completes it with what only the
    /// registry knows: the tag may point to another digest by now.
    pub async fn pushed_and_read(
        &self,
        push: &Push,
        read: impl AsyncFnOnce(Push) -> Push,
    ) -> Result<Vec<(ApplicationName, Reply)>, EngineError> {
        let mut heard = Vec::new();
        let mut concerned = Vec::new();
        // An application that cannot be read does not block the releases of others.
        let mut unreadable = None;
        for application in self.world.find(&Lookup::Repository(push.repository.clone())).await? {
            match self.concern(&application, push).await {
                Ok(Concern::Release(spec, found)) => concerned.push((spec, found)),
                Ok(Concern::Nothing(why)) => heard.push((application, Reply::Ignored(why))),
                Ok(Concern::NoSpec) => {}
                Err(error @ EngineError::World(WorldError::Stored { .. })) => {
                    unreadable.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        let knows = |(belongs, found): &(Belongs, Found)| {
            found.as_ref().is_some_and(|known| known.body.has(&belongs.image, &push.digest))
        };
        let push = match concerned.iter().all(|(_, found)| found.iter().all(knows)) {
            true => push.clone(),
            false => read(push.clone()).await,
        };
        for (spec, found) in concerned {
            let application = spec.application.clone();
            for said in self.push_candidates(&spec, found, &push).await? {
                heard.push((application.clone(), said));
            }
        }
        unreadable.map_or(Ok(heard), Err)
    }

    async fn concern(
        &self,
        application: &ApplicationName,
        push: &Push,
    ) -> Result<Concern, EngineError> {
        let Some(spec) = self.load_spec(application).await? else { return Ok(Concern::NoSpec) };
        let belongs = match push.belongs(&spec) {
            Ok(belongs) => belongs,
            Err(why) => return Ok(Concern::Nothing(why)),
        };
        let found = self.find_candidates(&spec, belongs).await?;
        Ok(Concern::Release(spec, found))
    }

    /// Returns those of `pushes` that are new to one of these applications, or may be. Usually all
    /// of them are known, and that takes a few batch reads. Unreadable records are left to
    /// `pushed`, which reports them.
    pub async fn news_among(&self, specs: &[Application], pushes: Vec<Push>) -> Vec<Push> {
        let belonging = |spec: &Application, push: &Push| push.belongs(spec).unwrap_or_default();
        let key = |spec: &Application, version: &Version| Key::Candidate {
            application: spec.application.clone(),
            version: version.clone(),
        };
        let mut keys = BTreeSet::new();
        for (spec, push) in
            specs.iter().flat_map(|spec| pushes.iter().map(move |push| (spec, push)))
        {
            keys.extend(belonging(spec, push).iter().map(|belongs| key(spec, &belongs.version)));
        }
        let candidates = self.load_candidates(&keys.into_iter().collect::<Vec<_>>()).await;
        let is_news = |spec: &Application, push: &Push, belongs: &Belongs| {
            let Some(known) = candidates.get(&key(spec, &belongs.version)) else { return true };
            let now = self.world.now();
            let said = self.decide.pushed(&mut known.clone(), &belongs.image, push, spec, now);
            said == Reply::Done
        };
        let news = |push: &Push| {
            specs
                .iter()
                .any(|spec| belonging(spec, push).iter().any(|one| is_news(spec, push, one)))
        };
        pushes.into_iter().filter(news).collect()
    }

    /// Reads those candidates that exist and can be read.
    async fn load_candidates(&self, keys: &[Key]) -> BTreeMap<Key, Candidate> {
        let mut candidates = BTreeMap::new();
        for keys in keys.chunks(READ_AT_ONCE) {
            let Ok(found) = self.world.load(keys).await else { continue };
            for (key, stored) in keys.iter().zip(found) {
                let candidate = stored.map(|stored| Candidate::try_from(stored.record));
                if let Some(Ok(candidate)) = candidate {
                    candidates.insert(key.clone(), candidate);
                }
            }
        }
        candidates
    }

    async fn find_candidates(
        &self,
        spec: &Application,
        belongs: BTreeSet<Belongs>,
    ) -> Result<Vec<(Belongs, Found)>, EngineError> {
        let mut found = Vec::new();
        for belongs in belongs {
            let key = candidate_key(&spec.application, &belongs.version);
            found.push((belongs, self.load_one::<Candidate>(key).await?));
        }
        Ok(found)
    }

    async fn push_candidates(
        &self,
        spec: &Application,
        found: Vec<(Belongs, Found)>,
        push: &Push,
    ) -> Result<Vec<Reply>, EngineError> {
        // A moving tag that points to another digest by now is another release.
        let belongs = match push.belongs(spec) {
            Ok(belongs) => belongs,
            Err(why) => return Ok(vec![Reply::Ignored(why)]),
        };
        let mut found: BTreeMap<Belongs, Found> = found.into_iter().collect();
        let mut all_said = Vec::new();
        for belongs in belongs {
            let found = found.remove(&belongs);
            let new = || Candidate::new(spec.application.clone(), &belongs, push);
            let key = candidate_key(&spec.application, &belongs.version);
            let said = self
                .change_candidate(Some(spec), key, found, Some(&new), |candidate| {
                    self.decide.pushed(candidate, &belongs.image, push, spec, self.world.now())
                })
                .await?;
            all_said.push(said);
        }
        Ok(all_said)
    }

    /// A candidate that no spec names any longer is woken once, to store that it has no due time.
    pub(crate) async fn candidate_woken(
        &self,
        application: &ApplicationName,
        version: &Version,
    ) -> Result<Reply, EngineError> {
        let spec = self.load_spec(application).await?;
        let now = self.world.now();
        let key = candidate_key(application, version);
        self.change_candidate(spec.as_ref(), key, None, None, |candidate| match &spec {
            Some(spec) => candidate.woken(spec, now),
            None => Reply::Ignored(format!("there is no spec for {application}")),
        })
        .await
    }

    pub(crate) async fn candidate_answered(
        &self,
        application: &ApplicationName,
        version: &Version,
        effect: u64,
    ) -> Result<Reply, EngineError> {
        let spec = self.load_spec(application).await?;
        let key = candidate_key(application, version);
        self.change_candidate(spec.as_ref(), key, None, None, |candidate| {
            candidate.outbox.answered(effect);
            Reply::Done
        })
        .await
    }

    /// Changes a candidate; the first try uses `found`, if it was read before.
    async fn change_candidate(
        &self,
        spec: Option<&Application>,
        key: Key,
        mut found: Option<Found>,
        new: Option<&dyn Fn() -> Candidate>,
        change: impl Fn(&mut Candidate) -> Reply,
    ) -> Result<Reply, EngineError> {
        for tries in 0..CONFLICTS_MAX {
            self.pause_after(tries).await;
            let loaded = match found.take() {
                Some(found) => found,
                None => self.load_one::<Candidate>(key.clone()).await?,
            };
            let mut candidate = match (&loaded, new) {
                (Some(read), _) => read.body.clone(),
                (None, Some(new)) => new(),
                (None, None) => return Ok(Reply::Ignored(format!("there is no {key}"))),
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
