//! The systems, from the very specs that their teams would install.

use crate::Error;
use pipeline::names::{Repository, ServiceName};
use pipeline::spec::{self, Application, Environment};

/// Every system, by its name.
const EXAMPLES: [(&str, &str); 5] = [
    ("scr", include_str!("../../../infra/examples/scr.yaml")),
    ("power-pto", include_str!("../../../infra/examples/power-pto.yaml")),
    ("wwhd", include_str!("../../../infra/examples/wwhd.yaml")),
    ("omen-epr", include_str!("../../../infra/examples/omen-epr.yaml")),
    ("faceplate", include_str!("../../../infra/examples/faceplate.yaml")),
];

#[derive(Clone, Debug)]
pub struct System {
    pub spec: Application,
    /// The spec word by word.
    pub text: String,
}

/// A container, and the repository that its image comes from.
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) repository: Repository,
    pub(crate) essential: bool,
}

impl System {
    pub fn names() -> impl Iterator<Item = &'static str> {
        EXAMPLES.iter().map(|(name, _)| *name)
    }

    pub fn example(name: &str) -> Result<Self, Error> {
        let found = EXAMPLES.iter().find(|(known, _)| *known == name);
        let known = || Self::names().collect::<Vec<_>>().join(", ");
        let (_, text) = found.ok_or_else(|| {
            Error::Unknown(format!("there is no system {name}; there are {}", known()))
        })?;
        // The sandbox has one region.
        Self::read(&text.replace("us-east-1", sandbox::place::REGION))
    }

    pub fn read(text: &str) -> Result<Self, Error> {
        let spec = spec::parse(text).map_err(|faults| Error::Unknown(faults.to_string()))?;
        Ok(Self { spec, text: text.to_owned() })
    }

    pub fn environments(&self) -> impl Iterator<Item = (&str, &Environment)> {
        self.spec.environments.iter().map(|(name, rules)| (name.as_str(), rules))
    }

    pub(crate) fn rules(&self, environment: &str) -> Option<&Environment> {
        self.environments().find(|(name, _)| *name == environment).map(|(_, rules)| rules)
    }

    /// Its spec with one more line in the rules of an environment.
    pub fn with_rule(&self, environment: &str, rule: &str) -> Option<String> {
        let (before, after) = self.text.split_once(&format!("\n  {environment}:\n"))?;
        Some(format!("{before}\n  {environment}:\n    {rule}\n{after}"))
    }

    /// The environment that pushes go to, and no promotion; of several the last by name.
    pub(crate) fn home(&self) -> Option<(&str, &Environment)> {
        self.environments().filter(|(_, rules)| promoted_from(rules) == Some(false)).last()
    }

    /// The environment that takes what succeeded in another.
    pub(crate) fn promoted(&self) -> Option<(&str, &Environment)> {
        self.environments().find(|(_, rules)| promoted_from(rules) == Some(true))
    }

    /// The containers of a service's task definition.
    ///
    /// A service runs the image that its name contains, or the application's only one.
    pub(crate) fn containers(&self, service: &ServiceName) -> Vec<Container> {
        let images = &self.spec.images;
        let named = images.iter().find(|(image, repository)| {
            service.as_str().contains(image.as_str())
                || service.as_str().starts_with(repository.as_str())
        });
        let Some((image, repository)) = named.or_else(|| images.iter().next()) else {
            return vec![];
        };
        vec![Container {
            name: image.as_str().to_owned(),
            repository: repository.clone(),
            essential: true,
        }]
    }
}

/// Whether a promotion comes before; `None`: only people deploy there.
fn promoted_from(rules: &Environment) -> Option<bool> {
    rules.deploy_on.as_ref().map(|deploy_on| deploy_on.promoted_from.is_some())
}
