//! What is there before anything happens.

use crate::cloud::{Breaker, target_name};
use crate::sim::Sim;
use engine::Decide;
use pipeline::names::{Digest, EnvironmentName, Repository};
use pipeline::spec::Target;
use std::collections::BTreeMap;

impl<D: Decide> Sim<D> {
    /// Stores the specs and starts every service with its first image.
    pub(crate) fn install(&mut self) {
        for system in self.systems.clone() {
            if let Err(error) = pollster::block_on(self.engine().store(system.spec.clone())) {
                self.invariants.violated("the_spec_is_accepted", error.to_string());
            }
            for (environment, rules) in &system.spec.environments {
                for (_, service) in rules.services().filter(|(_, service)| service.create.is_none())
                {
                    let repository = system.repository_of(environment, &service.name);
                    let digest = first_digest(&repository, environment);
                    let revision = self
                        .cloud
                        .register(service.name.as_str(), BTreeMap::from([(repository, digest)]));
                    let (breaker, desired) = match &rules.target {
                        Target::Cluster(_) => (Breaker::Off, 2),
                        Target::Hosts(_) => (Breaker::Stop, 1),
                    };
                    let address = (target_name(&rules.target), service.name.clone());
                    self.cloud.create(address, Some(revision), desired, breaker);
                }
            }
        }
        self.memory.take_changed();
    }
}

pub(crate) fn first_digest(repository: &Repository, environment: &EnvironmentName) -> Digest {
    Digest::new(format!("sha256:first-{repository}-{environment}"))
}
