//! How large the records of a spec become when they are stored.

use super::model::{Application, Base, Environment, Service};
use crate::names::{ImageName, Repository};
use crate::size::{RECORD_MAX, bytes};
use std::collections::BTreeMap;

/// For a service besides its rules: its revisions, its rollout, its state, and its effect.
const SERVICE: usize = 1000;
/// How often its name, its family and its cluster occur in that.
const NAMES: usize = 12;
/// For the end of the timeline, the verdict, and the notices.
const REST: usize = 50_000;
/// So few plain services are never too large.
const SERVICES_FEW: usize = 20;

impl Application {
    /// Returns why it cannot be stored; `None`: it can.
    pub(super) fn too_large(&self) -> Option<String> {
        let needed = bytes(self);
        (needed > RECORD_MAX).then(|| {
            format!(
                "the spec takes {} KB in the table, and it may take {} KB; make its templates \
                 smaller, or split it into several applications",
                needed.div_ceil(1000),
                RECORD_MAX / 1000
            )
        })
    }
}

impl Environment {
    /// Returns why no deployment by these rules can be stored; `None`: one can.
    pub fn too_large(&self, repositories: &BTreeMap<ImageName, Repository>) -> Option<String> {
        let room = |service: &Service| SERVICE + NAMES * service.name.as_str().len();
        let services: usize = self.services().map(|(_, service)| room(service)).sum();
        let needed = bytes(self) + bytes(repositories) + services + REST;
        (needed > RECORD_MAX).then(|| {
            format!(
                "a deployment of its {} services takes up to {} KB in the table, and it may take \
                 {} KB; make the templates smaller, or split them into several applications",
                self.services().count(),
                needed.div_ceil(1000),
                RECORD_MAX / 1000
            )
        })
    }

    /// Whether it is far from too large.
    // #[gamma::skip(fn_value.bool_false, reason = "what is small is only spared the counting")]
    pub(crate) fn is_small(&self) -> bool {
        let mut services = self.services();
        self.services().count() <= SERVICES_FEW
            && services.all(|(_, service)| !matches!(service.base, Base::Template { .. }))
    }
}
