//! What a deployment would find and change, without changing anything.

use crate::clients::Aws;
use crate::failure::Failure;
use crate::hosts::tags_of;
use crate::{ecs, hosts};
use pipeline::effect::Prepare;
use pipeline::names::{Revision, ServiceName};
use pipeline::spec::Target;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    /// Why it would fail, as far as can be checked from here.
    pub(crate) faults: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// The current revisions of services, if they were read.
    pub(crate) found: BTreeMap<ServiceName, Option<Revision>>,
    pub(crate) services: Vec<Outlook>,
}

/// The new revision of one service compared with the current one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) service: ServiceName,
    /// The two revisions, and then what changes.
    pub(crate) lines: Vec<String>,
}

/// Checks everything that a preparation checks, without asking a host.
pub(crate) async fn preview(aws: &Aws, prepare: &Prepare) -> Result<Preview, Failure> {
    match tags_of(&prepare.target) {
        Some(tags) => hosts::preview(aws, tags, prepare).await,
        None => ecs::preview(aws, prepare).await,
    }
}

/// Checks what a rollback to these revisions needs. Hosts are not checked.
pub(crate) async fn preview_way_back(
    aws: &Aws,
    target: &Target,
    revisions: &BTreeMap<ServiceName, Revision>,
) -> Preview {
    match tags_of(target) {
        Some(_) => {
            let why = "hosts were not checked: whether they can start their previous containers \
                       again is unknown";
            Preview { warnings: vec![why.into()], ..Preview::default() }
        }
        None => ecs::preview_way_back(aws, revisions).await,
    }
}
