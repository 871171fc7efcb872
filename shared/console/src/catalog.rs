//! What is installed, and its state: read once, before any answer. A record that cannot be read
//! does not prevent the others from being shown, stopped or rolled back.

use super::reading::load_readable;
use aws::Aws;
use aws::failure::Failure;
use aws::world::history::Page;
use aws::world::pushed::NEWEST;
use aws::world::table::text;
use engine::{Key, Record, World};
use pipeline::deployment::Deployment;
use pipeline::effect::Prepare;
use pipeline::environment::{Context, Head};
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place};
use pipeline::push::Candidate;
use pipeline::request::Request;
use pipeline::spec::{Application, Environment};
use pipeline::time::Time;
use std::collections::BTreeMap;

/// The records that have to be listed.
pub(crate) trait Records: World {
    /// Every application that was ever configured.
    async fn applications(&self) -> Result<Vec<ApplicationName>, Failure>;

    /// The candidates of an application whose version has this prefix.
    async fn candidates(
        &self,
        application: &ApplicationName,
        prefix: &str,
    ) -> Result<Vec<Candidate>, Failure>;

    /// The last pushed candidates of an application, the newest first.
    async fn newest(&self, application: &ApplicationName) -> Result<Vec<Candidate>, Failure>;

    /// The records of deployments below a number, the newest first, one page.
    async fn recorded(&self, place: &Place, before: Option<u64>) -> Result<Page, Failure>;
}

impl Records for Aws {
    async fn applications(&self) -> Result<Vec<ApplicationName>, Failure> {
        Self::applications(self).await
    }

    async fn recorded(&self, place: &Place, before: Option<u64>) -> Result<Page, Failure> {
        Self::recorded(self, place, before).await
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

    async fn newest(&self, application: &ApplicationName) -> Result<Vec<Candidate>, Failure> {
        let versions = self.pushed_last(application).await?;
        let mut newest: Vec<Candidate> = match versions.len() < NEWEST {
            // There are few, or an older version of Slipway listed none.
            true => self.candidates(application, "").await?,
            false => {
                let key = |version| Key::Candidate { application: application.clone(), version };
                let keys: Vec<Key> = versions.into_iter().map(key).collect();
                let found = load_readable(self, &keys).await?;
                found.into_iter().filter_map(|found| found.ok().flatten()).collect()
            }
        };
        newest.sort_by_key(|candidate| std::cmp::Reverse(candidate.last_pushed_at));
        newest.truncate(NEWEST);
        Ok(newest)
    }
}

/// The names in a request, to find an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) application: Option<String>,
    pub(crate) environment: Option<String>,
}

/// The applications that a request may mean, with their environments.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) now: Time,
    pub(crate) applications: Vec<Installed>,
    /// Applications whose spec cannot be read, and why.
    unreadable: BTreeMap<ApplicationName, String>,
}

#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) spec: Application,
    pub(crate) heads: BTreeMap<EnvironmentName, Head>,
    pub(crate) active: BTreeMap<EnvironmentName, Deployment>,
    /// Environments with records that cannot be read, and why.
    unreadable: BTreeMap<EnvironmentName, String>,
}

/// One environment with everything that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnvironmentView<'a> {
    pub(crate) spec: &'a Application,
    pub(crate) rules: &'a Environment,
    pub(crate) head: &'a Head,
    pub(crate) active: Option<&'a Deployment>,
    /// The head of the environment that it is promoted from.
    pub(crate) source: Option<&'a Head>,
}

impl Catalog {
    /// Reads what the request names, and of the others only what is needed to list them.
    pub(crate) async fn load(world: &impl Records, named: &Named) -> Result<Self, Failure> {
        if let Some(name) = &named.application {
            let mut known = Self::empty(world);
            known.read_specs(world, vec![ApplicationName::new(name.to_lowercase())]).await?;
            if known.sites_named(named) || !known.unreadable.is_empty() {
                known.read_heads(world, named).await?;
                return Ok(known);
            }
        }
        let mut known = Self::empty(world);
        known.read_specs(world, world.applications().await?).await?;
        known.read_heads(world, named).await?;
        Ok(known)
    }

    fn empty(world: &impl Records) -> Self {
        Self { now: world.now(), applications: Vec::new(), unreadable: BTreeMap::new() }
    }

    async fn read_specs(
        &mut self,
        world: &impl Records,
        names: Vec<ApplicationName>,
    ) -> Result<(), Failure> {
        let keys: Vec<Key> = names.iter().cloned().map(Key::Spec).collect();
        for (name, spec) in names.into_iter().zip(load_readable(world, &keys).await?) {
            match spec {
                Ok(Some(spec)) => self.applications.push(Installed::new(spec)),
                Ok(None) => {}
                Err(why) => drop(self.unreadable.insert(name, why)),
            }
        }
        Ok(())
    }

    /// Whether the named application exists, and has the named environment.
    fn sites_named(&self, named: &Named) -> bool {
        let wanted = |name: &EnvironmentName| named.is_environment(name);
        self.applications.iter().any(|installed| installed.spec.environments.keys().any(wanted))
    }

    /// If the request names one environment, all environments of its application are read: they
    /// promote to each other. Deployments in progress are read only for what it names.
    async fn read_heads(&mut self, world: &impl Records, named: &Named) -> Result<(), Failure> {
        let wanted = |spec: &&Application| {
            named.environment.is_none()
                || spec.environments.keys().any(|name| named.is_environment(name))
        };
        let specs = self.applications.iter().map(|installed| &installed.spec);
        let mut places: Vec<Place> = specs.clone().filter(wanted).flat_map(places_of).collect();
        if places.is_empty() {
            // The name does not exist, so the answer lists what exists.
            places = specs.flat_map(places_of).collect();
        }
        let keys: Vec<Key> = places.iter().cloned().map(Key::Head).collect();
        let mut active = Vec::new();
        for (place, head) in places.into_iter().zip(load_readable::<Head>(world, &keys).await?) {
            let head = head.map(|head| head.unwrap_or_else(|| Head::new(place.clone())));
            if let Ok(Head { active: Some(number), .. }) = &head
                && named.is_environment(&place.environment)
            {
                active.push(DeploymentId { place: place.clone(), number: *number });
            }
            self.take_in(&place, head, |installed| &mut installed.heads);
        }
        let keys: Vec<Key> = active.iter().cloned().map(Key::Deployment).collect();
        let found = load_readable::<Deployment>(world, &keys).await?;
        for (DeploymentId { place, .. }, deployment) in active.iter().zip(found) {
            if let Some(deployment) = deployment.transpose() {
                self.take_in(place, deployment, |installed| &mut installed.active);
            }
        }
        Ok(())
    }

    fn take_in<R>(
        &mut self,
        place: &Place,
        found: Result<R, String>,
        room: impl Fn(&mut Installed) -> &mut BTreeMap<EnvironmentName, R>,
    ) {
        let mut applications = self.applications.iter_mut();
        let is_it = |installed: &&mut Installed| installed.spec.application == place.application;
        let Some(installed) = applications.find(is_it) else { return };
        let name = place.environment.clone();
        match found {
            Ok(record) => drop(room(installed).insert(name, record)),
            Err(why) => drop(installed.unreadable.insert(name, why)),
        }
    }

    pub(crate) fn sites(&self) -> impl Iterator<Item = EnvironmentView<'_>> {
        self.applications.iter().flat_map(Installed::sites)
    }

    /// Why the named records cannot be read: their state is unknown.
    pub(crate) fn unreadable(&self, named: &Named) -> Vec<String> {
        let specs = self.unreadable.iter().filter(|(name, _)| named.is_application(name));
        let specs = specs.map(|(name, why)| format!("{name}: {why}"));
        let installed = self.applications.iter();
        let installed = installed.filter(|one| named.is_application(&one.spec.application));
        let environments = installed.flat_map(|one| {
            let unreadable = one.unreadable.iter();
            let unreadable = unreadable.filter(|(name, _)| named.is_environment(name));
            let name_of = move |name| format!("{}/{name}", one.spec.application);
            unreadable.map(move |(name, why)| format!("{}: {why}", name_of(name)))
        });
        specs.chain(environments).collect()
    }
}

impl Named {
    pub(crate) fn is_place(&self, place: &Place) -> bool {
        self.is_application(&place.application) && self.is_environment(&place.environment)
    }

    fn is_application(&self, name: &ApplicationName) -> bool {
        self.application.as_ref().is_none_or(|wanted| wanted.to_lowercase() == name.as_str())
    }

    fn is_environment(&self, name: &EnvironmentName) -> bool {
        self.environment.as_ref().is_none_or(|wanted| wanted.to_lowercase() == name.as_str())
    }
}

impl Installed {
    fn new(spec: Application) -> Self {
        let (heads, active) = (BTreeMap::new(), BTreeMap::new());
        Self { spec, heads, active, unreadable: BTreeMap::new() }
    }

    /// Those whose records can all be read.
    pub(crate) fn sites(&self) -> impl Iterator<Item = EnvironmentView<'_>> {
        let environments = self.spec.environments.iter();
        let readable = environments.filter(|(name, _)| !self.unreadable.contains_key(*name));
        readable.filter_map(|(name, rules)| {
            let source = rules.deploy_on.as_ref().and_then(|on| on.promoted_from.as_ref());
            Some(EnvironmentView {
                spec: &self.spec,
                rules,
                head: self.heads.get(name)?,
                active: self.active.get(name),
                source: source.and_then(|source| self.heads.get(source)),
            })
        })
    }
}

impl<'a> EnvironmentView<'a> {
    pub(crate) fn place(&self) -> &'a Place {
        &self.head.place
    }

    /// What pre-flight would check for a request that starts now.
    pub(crate) fn preparation(&self, request: Request, now: Time) -> Prepare {
        let id = DeploymentId { place: self.place().clone(), number: self.head.last_number + 1 };
        let (rules, repositories) = (self.rules.clone(), self.spec.images.clone());
        Deployment::start(id, request, rules, repositories, now).preparation()
    }

    pub(crate) fn context(&self) -> Context<'a> {
        Context {
            rules: Some(self.rules),
            repositories: &self.spec.images,
            promotes_to: &[],
            promoted_from: self.source,
            is_source_unreadable: false,
        }
    }
}

fn places_of(spec: &Application) -> Vec<Place> {
    let place = |environment: &EnvironmentName| Place {
        application: spec.application.clone(),
        environment: environment.clone(),
    };
    spec.environments.keys().map(place).collect()
}
