//! The five systems that must run on Slipway, from the very specs that a team would install.

use pipeline::names::{EnvironmentName, ImageName, Repository, ServiceName};
use pipeline::spec::{self, Application};
use std::sync::LazyLock;

#[derive(Clone, Debug)]
pub struct System {
    pub spec: Application,
}

/// Read once: thousands of histories begin with them.
static READ: LazyLock<Vec<(&str, Result<System, String>)>> =
    LazyLock::new(|| EXAMPLES.iter().map(|(name, text)| (*name, System::read(text))).collect());

const EXAMPLES: [(&str, &str); 5] = [
    ("scr", include_str!("../../../infra/examples/scr.yaml")),
    ("power-pto", include_str!("../../../infra/examples/power-pto.yaml")),
    ("wwhd", include_str!("../../../infra/examples/wwhd.yaml")),
    ("omen-epr", include_str!("../../../infra/examples/omen-epr.yaml")),
    ("faceplate", include_str!("../../../infra/examples/faceplate.yaml")),
];

pub fn names() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(name, _)| *name)
}

impl System {
    /// One of the five, by its name.
    pub fn example(name: &str) -> Result<Self, String> {
        let found = READ.iter().find(|(known, _)| *known == name);
        let known = || names().collect::<Vec<_>>().join(", ");
        let (_, system) =
            found.ok_or_else(|| format!("there is no system {name}; there are {}", known()))?;
        system.clone()
    }

    /// What a team would install, word by word.
    pub fn text(name: &str) -> Option<&'static str> {
        EXAMPLES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    pub fn read(text: &str) -> Result<Self, String> {
        let spec = spec::parse(text).map_err(|faults| faults.to_string())?;
        Ok(Self { spec })
    }

    /// The repository whose image a service runs: the one that its name contains, or the only one.
    pub fn repository_of(
        &self,
        environment: &EnvironmentName,
        service: &ServiceName,
    ) -> Repository {
        let rules = self.spec.environments.get(environment);
        let found =
            rules.and_then(|rules| rules.services().map(|(_, s)| s).find(|s| s.name == *service));
        let by_container =
            found.and_then(|s| s.container.as_ref()).and_then(|c| self.spec.images.get(&c.image));
        let named = |(image, repository): &(&ImageName, &Repository)| {
            service.as_str().contains(image.as_str())
                || service.as_str().starts_with(repository.as_str())
        };
        let by_name = self.spec.images.iter().find(named).map(|(_, repository)| repository);
        let fallback = || self.spec.images.values().next();
        by_container
            .or(by_name)
            .or_else(fallback)
            .cloned()
            .unwrap_or_else(|| Repository::new("none"))
    }
}
