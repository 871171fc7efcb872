//! What a decision about an environment needs to know about its surroundings.

use super::Head;
use crate::names::{EnvironmentName, ImageName, Repository};
use crate::request::Request;
use crate::spec;
use std::collections::BTreeMap;

/// Data that the decision reads and never changes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The rules of the environment; `None`: no spec contains it (any longer). Then nothing starts
    /// there, and a deployment in progress continues by the rules that it started with.
    pub rules: Option<&'a spec::Environment>,
    pub repositories: &'a BTreeMap<ImageName, Repository>,
    /// The environments that are promoted from this one.
    pub promotes_to: &'a [EnvironmentName],
    /// The head of the environment that this one is promoted from.
    pub promoted_from: Option<&'a Head>,
    /// That head exists and cannot be read.
    pub is_source_unreadable: bool,
}

impl Context<'_> {
    /// Which parts of a release do not fit the current spec, and what to do.
    pub(super) fn misfit(&self, request: &Request, rules: &spec::Environment) -> Option<String> {
        let images = &request.release.images;
        let by_hand = match request.is_by_person() {
            true => "",
            false => "; deploy it by hand",
        };
        if let Some(image) = images.keys().find(|image| !self.repositories.contains_key(image)) {
            return Some(format!("the spec has no image called {image}{by_hand}"));
        }
        // A person may have a reason for a partial release.
        let wanted = rules.deploy_on.iter().flat_map(|deploy_on| &deploy_on.images);
        let mut wanted = wanted.filter(|_| !request.is_by_person());
        let missing = wanted.find(|image| !images.contains_key(image))?;
        Some(format!("it has no image {missing}, which deploy_on.images requires{by_hand}"))
    }

    pub(super) fn is_promotable(&self, request: &Request) -> bool {
        let deploy_on = self.rules.and_then(|rules| rules.deploy_on.as_ref());
        let wants = deploy_on.is_some_and(|deploy_on| deploy_on.promoted_from.is_some());
        let is_good = |source: &Head| {
            source.has_good(&request.release) && source.speaks_against(&request.release).is_none()
        };
        !wants || self.promoted_from.is_some_and(is_good)
    }

    pub(super) fn promoted_from_name(&self) -> String {
        let deploy_on = self.rules.and_then(|rules| rules.deploy_on.as_ref());
        deploy_on
            .and_then(|deploy_on| deploy_on.promoted_from.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}
