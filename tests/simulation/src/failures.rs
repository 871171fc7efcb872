//! What failed as a whole, and what automation starts after that.

use crate::cloud::Cloud;
use pipeline::deployment::Deployment;
use pipeline::effect::Purpose;
use pipeline::environment::Control;
use pipeline::names::{DeploymentId, Digest, Place};
use pipeline::release::Release;
use pipeline::request::Kind;
use pipeline::verdict::{Cause, SupersededBy, Verdict};
use std::collections::BTreeMap;

/// Sorted digests: a spec may rename an image.
type Images = Vec<Digest>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    failed: BTreeMap<Place, Vec<Failure>>,
    /// Images whose migration ran and whose deployment failed then, since a person said something.
    migrated_badly: BTreeMap<Place, Vec<Images>>,
    /// What runs, as far as deployments say.
    runs: BTreeMap<Place, Images>,
}

#[derive(Clone, Debug)]
struct Failure {
    images: Images,
    /// Nothing was touched but the database.
    of_migration: bool,
}

impl Failures {
    pub(crate) fn started(&self, deployment: &Deployment) -> Vec<(&'static str, String)> {
        let (id, request) = (&deployment.id, &deployment.request);
        let images = &images_of(&request.release);
        let mut badly = self.migrated_badly.get(&id.place).into_iter().flatten();
        let mut failed = self.failed.get(&id.place).into_iter().flatten();
        let again = [
            (
                "a_failed_migration_is_not_run_again_by_automation",
                badly.any(|known| known == images),
            ),
            (
                "what_failed_is_not_started_again_by_automation",
                failed.any(|failure| failure.images == *images),
            ),
        ];
        let broken = again.into_iter().filter(|(_, again)| *again && !request.is_by_person());
        broken.map(|(invariant, _)| (invariant, format!("{id} of {}", request.release))).collect()
    }

    /// A person allows something again.
    pub(crate) fn controlled(&mut self, place: &Place, control: &Control) {
        self.migrated_badly.remove(place);
        let failed = self.failed.entry(place.clone()).or_default();
        match control {
            Control::Unhold => failed.retain(|failure| !failure.of_migration),
            Control::UnmarkBad { digest } => {
                failed.retain(|failure| !failure.images.contains(digest));
            }
            _ => {}
        }
    }

    pub(crate) fn ended(&mut self, deployment: &Deployment, verdict: &Verdict, cloud: &Cloud) {
        let (place, images) = (&deployment.id.place, &images_of(&deployment.request.release));
        let ran = self.runs.get(place).filter(|ran| *ran != images).cloned();
        let is_other = ran.is_some() || !self.runs.contains_key(place);
        let restores = matches!(deployment.request.kind, Kind::ManualRollback(_));
        let failed = self.failed.entry(place.clone()).or_default();
        let badly = self.migrated_badly.entry(place.clone()).or_default();
        if *verdict == Verdict::Succeeded {
            failed.retain(|failure| failure.images != *images);
            badly.retain(|known| known != images);
        }
        let untouched = matches!(verdict, Verdict::Failed { left, .. } if left.is_empty());
        let speaks = verdict.cause().is_some_and(Cause::speaks_against_the_release);
        let migrated = ran_a_migration(&deployment.id, cloud);
        if migrated && matches!(verdict, Verdict::Failed { .. }) {
            badly.push(images.clone());
        }
        let of_migration = untouched && !restores && migrated;
        if of_migration || (speaks && !untouched && is_other) {
            failed.push(Failure { images: images.clone(), of_migration });
        }
        if verdict.is_live() {
            let left = ran.filter(|_| restores);
            failed.extend(left.map(|images| Failure { images, of_migration: false }));
            self.runs.insert(place.clone(), images.clone());
        }
        if matches!(
            verdict,
            Verdict::Stuck { .. } | Verdict::Superseded { by: SupersededBy::OutsideUpdate { .. } }
        ) || matches!(verdict, Verdict::Failed { left, .. } if !left.is_empty())
        {
            self.runs.remove(place);
        }
    }
}

fn images_of(release: &Release) -> Images {
    let mut images: Images = release.images.values().cloned().collect();
    images.sort();
    images
}

/// Whether a migration of this deployment has run, and perhaps not to its end.
fn ran_a_migration(id: &DeploymentId, cloud: &Cloud) -> bool {
    cloud.tasks.iter().any(|task| {
        let never = task.ends.as_ref().is_some_and(|(_, end)| end.never_ran());
        task.owner.deployment == *id && task.owner.purpose == Purpose::Migrate && !never
    })
}
