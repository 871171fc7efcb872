//! What is installed, and how it stands: read once, before anything is answered.

use crate::Aws;
use crate::failure::Failure;
use crate::world::table::text;
use engine::{Key, Record, Stored, World, WorldError};
use pipeline::deployment::Deployment;
use pipeline::effect::Prepare;
use pipeline::environment::{Context, Head, Request};
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place};
use pipeline::push::Candidate;
use pipeline::spec::{Application, Environment};
use pipeline::time::Time;
use std::collections::BTreeMap;

/// DynamoDB reads no more than 100 items at once, and no more than 16 MB.
const READ_AT_ONCE: usize = 40;

/// The records, as one who asks for a list of them sees them.
pub(crate) trait Directory: World {
    /// Every application that was ever configured.
    async fn applications(&self) -> Result<Vec<ApplicationName>, Failure>;

    /// What was pushed of an application under versions that begin so.
    async fn candidates(
        &self,
        application: &ApplicationName,
        prefix: &str,
    ) -> Result<Vec<Candidate>, Failure>;
}

impl Directory for Aws {
    async fn applications(&self) -> Result<Vec<ApplicationName>, Failure> {
        Self::applications(self).await
    }

    async fn candidates(
        &self,
        application: &ApplicationName,
        prefix: &str,
    ) -> Result<Vec<Candidate>, Failure> {
        let partition = format!("app#{application}");
        let items = self.query_partition(&partition, Some(&format!("release#{prefix}"))).await?;
        let records = items.iter().filter_map(|item| Record::read(text(item, "record")?).ok());
        let candidates = records.filter_map(|record| Candidate::try_from(record).ok());
        Ok(candidates.collect())
    }
}

/// Every application with its environments.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) now: Time,
    pub(crate) applications: Vec<Installed>,
}

#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) spec: Application,
    pub(crate) heads: BTreeMap<EnvironmentName, Head>,
    pub(crate) active: BTreeMap<EnvironmentName, Deployment>,
}

/// One environment as a person thinks of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) spec: &'a Application,
    pub(crate) rules: &'a Environment,
    pub(crate) head: &'a Head,
    pub(crate) active: Option<&'a Deployment>,
    /// The head of the environment that it is promoted from.
    pub(crate) source: Option<&'a Head>,
}

impl Known {
    pub(crate) async fn load(world: &impl Directory) -> Result<Self, Failure> {
        let names = world.applications().await?;
        let keys: Vec<Key> = names.into_iter().map(Key::Spec).collect();
        let specs: Vec<Application> = load(world, &keys).await?.into_iter().flatten().collect();

        let places: Vec<Place> = specs.iter().flat_map(places).collect();
        let keys: Vec<Key> = places.iter().cloned().map(Key::Head).collect();
        let heads: Vec<Option<Head>> = load(world, &keys).await?;
        let heads = heads.into_iter().zip(&places);
        let heads: Vec<Head> =
            heads.map(|(head, place)| head.unwrap_or_else(|| Head::new(place.clone()))).collect();

        let active = heads.iter().filter_map(|head| {
            let (place, number) = (head.place.clone(), head.active?);
            Some(Key::Deployment(DeploymentId { place, number }))
        });
        let active: Vec<Option<Deployment>> = load(world, &active.collect::<Vec<_>>()).await?;
        Ok(Self::put_together(world.now(), specs, heads, active.into_iter().flatten()))
    }

    fn put_together(
        now: Time,
        specs: Vec<Application>,
        heads: Vec<Head>,
        active: impl Iterator<Item = Deployment>,
    ) -> Self {
        let new = |spec| Installed { spec, heads: BTreeMap::new(), active: BTreeMap::new() };
        let mut known = Self { now, applications: specs.into_iter().map(new).collect() };
        for head in heads {
            let place = head.place.clone();
            if let Some(installed) = known.installed_mut(&place.application) {
                installed.heads.insert(place.environment, head);
            }
        }
        for deployment in active {
            let place = deployment.id.place.clone();
            if let Some(installed) = known.installed_mut(&place.application) {
                installed.active.insert(place.environment, deployment);
            }
        }
        known
    }

    fn installed_mut(&mut self, name: &ApplicationName) -> Option<&mut Installed> {
        self.applications.iter_mut().find(|installed| installed.spec.application == *name)
    }

    pub(crate) fn sites(&self) -> impl Iterator<Item = Site<'_>> {
        self.applications.iter().flat_map(Installed::sites)
    }
}

impl Installed {
    pub(crate) fn sites(&self) -> impl Iterator<Item = Site<'_>> {
        self.spec.environments.iter().filter_map(|(name, rules)| {
            let source = rules.deploy_on.as_ref().and_then(|on| on.promoted_from.as_ref());
            Some(Site {
                spec: &self.spec,
                rules,
                head: self.heads.get(name)?,
                active: self.active.get(name),
                source: source.and_then(|source| self.heads.get(source)),
            })
        })
    }
}

impl<'a> Site<'a> {
    pub(crate) fn place(&self) -> &'a Place {
        &self.head.place
    }

    /// What a request would have looked at before anything is touched, if it started now.
    pub(crate) fn preparation(&self, request: Request, now: Time) -> Prepare {
        let id = DeploymentId { place: self.place().clone(), number: self.head.last_number + 1 };
        let (rules, repositories) = (self.rules.clone(), self.spec.images.clone());
        Deployment::start(id, request, rules, repositories, now).preparation()
    }

    pub(crate) fn context(&self) -> Context<'a> {
        Context {
            rules: self.rules,
            repositories: &self.spec.images,
            promotes_to: &[],
            promoted_from: self.source,
        }
    }
}

/// Reads records of one kind; `None`: there is none.
pub(crate) async fn load<R>(world: &impl World, keys: &[Key]) -> Result<Vec<Option<R>>, Failure>
where
    R: TryFrom<Record, Error = engine::StoredError>,
{
    let mut found = Vec::new();
    for some in keys.chunks(READ_AT_ONCE) {
        let stored = world.load(some).await?;
        for (key, stored) in some.iter().zip(stored) {
            found.push(
                stored
                    .map(|Stored { record, .. }| R::try_from(record))
                    .transpose()
                    .map_err(|source| WorldError::Stored { key: key.clone(), source })?,
            );
        }
    }
    Ok(found)
}

fn places(spec: &Application) -> Vec<Place> {
    let place = |environment: &EnvironmentName| Place {
        application: spec.application.clone(),
        environment: environment.clone(),
    };
    spec.environments.keys().map(place).collect()
}
