//! An application with very many services with very long names, whose records are large.

use crate::happening::Happening;
use crate::sim::{START, Sim};
use crate::systems::System;
use engine::Decide;
use fastrand::Rng;
use pipeline::names::{Digest, Tag};
use pipeline::push::{Details, Push};
use pipeline::time::Span;
use std::fmt::Write as _;

pub(crate) const NAME: &str = "wide";
const SERVICES: usize = 36;
/// More than an environment remembers.
const BUILDS: u64 = 24;

pub(crate) fn system() -> Result<System, String> {
    let mut text = format!(
        "application: {NAME}\nimages: {{one: {NAME}-one}}\nenvironments:\n  all:\n    cluster: {NAME}\n    \
         deploy_on: {{tags: [\"r*\"]}}\n    services:\n      - ["
    );
    for number in 0..SERVICES {
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{}-{number:02}", "x".repeat(240));
    }
    text.push_str("]\n");
    System::read(&text)
}

/// Good builds, each of which is deployed before the next one comes.
pub(crate) fn schedule<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
    let repositories: Vec<_> = system.spec.images.values().cloned().collect();
    for number in 0..BUILDS {
        let at = Span::seconds(number * 900 + rng.u64(1..60));
        for repository in &repositories {
            let push = Push {
                repository: repository.clone(),
                digest: Digest::new(format!("sha256:{NAME}-{number}")),
                tag: Some(Tag::new(format!("r{number}"))),
                artifact_media_type: None,
                pushed_at: START + at,
                details: Details::default(),
            };
            sim.after(at, Happening::Push { push, tries: 1 });
        }
    }
}
