//! How specs change while a request is queued, promoted, or in progress.

use crate::happening::Happening;
use crate::sim::Sim;
use crate::systems::System;
use engine::{Decide, Key, Record};
use fastrand::Rng;
use pipeline::names::{ApplicationName, ImageName, Place, Repository};
use pipeline::spec::Application;
use pipeline::time::Span;

/// What a person changes in a spec.
#[derive(Clone, Debug)]
pub enum SpecChange {
    /// Takes an environment out.
    Leave(Place),
    /// Calls an image by another name.
    Rename { from: ImageName, to: ImageName },
    /// Wants one image more.
    Want(ImageName),
    /// Wants that image no longer.
    DoWithout(ImageName),
}

impl SpecChange {
    fn make(&self, spec: &mut Application) {
        let environments = spec.environments.values_mut();
        match self {
            Self::Leave(place) => drop(spec.environments.remove(&place.environment)),
            Self::Rename { from, to } => {
                let Some(repository) = spec.images.remove(from) else { return };
                spec.images.insert(to.clone(), repository);
                for rules in environments {
                    let wanted = rules.deploy_on.iter_mut().flat_map(|on| &mut on.images);
                    let services = rules.waves.iter_mut().flatten();
                    let containers = services.filter_map(|service| service.container.as_mut());
                    let images = wanted.chain(containers.map(|container| &mut container.image));
                    images.filter(|image| *image == from).for_each(|image| image.clone_from(to));
                }
            }
            Self::Want(image) => {
                let repository = Repository::new(format!("{}-{image}", spec.application));
                spec.images.insert(image.clone(), repository);
                let wishes = environments.filter_map(|rules| rules.deploy_on.as_mut());
                let promoted = wishes.filter(|deploy_on| deploy_on.promoted_from.is_some());
                promoted.for_each(|deploy_on| deploy_on.images.push(image.clone()));
            }
            Self::DoWithout(image) => {
                spec.images.remove(image);
                let wishes = environments.filter_map(|rules| rules.deploy_on.as_mut());
                wishes.for_each(|deploy_on| deploy_on.images.retain(|wanted| wanted != image));
            }
        }
    }
}

/// In some histories an image is renamed, or one more is wanted, and perhaps that is reverted.
pub(crate) fn schedule_spec_changes<D: Decide>(sim: &mut Sim<D>, rng: &mut Rng, system: &System) {
    let application = &system.spec.application;
    let images: Vec<_> = system.spec.images.keys().collect();
    let image = images[rng.usize(0..images.len())];
    let other = ImageName::new("late-addition");
    let (change, back) = match rng.bool() {
        true => (
            SpecChange::Rename { from: image.clone(), to: other.clone() },
            SpecChange::Rename { from: other, to: image.clone() },
        ),
        false => (SpecChange::Want(other.clone()), SpecChange::DoWithout(other)),
    };
    let at = Span::seconds(rng.u64(120..5000));
    sim.after(at, Happening::ChangeSpec(application.clone(), change));
    if rng.u8(0..3) != 0 {
        let at = at + Span::seconds(rng.u64(300..4000));
        sim.after(at, Happening::ChangeSpec(application.clone(), back));
    }
}

impl<D: Decide> Sim<D> {
    /// Changes the spec that is stored.
    pub(crate) fn change_the_spec(&mut self, application: ApplicationName, change: SpecChange) {
        let Some(mut spec) = self.stored_spec(&application) else { return };
        change.make(&mut spec);
        match pollster::block_on(self.engine().store(spec)) {
            Ok(_) => match &change {
                SpecChange::Leave(place) => self.invariants.left_the_spec(place),
                change => {
                    self.invariants.releases.spec_changed(&application);
                    let systems = self.systems.iter_mut().map(|system| &mut system.spec);
                    let known = systems.filter(|spec| spec.application == application);
                    known.for_each(|spec| change.make(spec));
                }
            },
            // The console shows the error, and the person configures again.
            Err(_) => {
                self.after(Span::seconds(15), Happening::ChangeSpec(application, change));
            }
        }
    }

    pub(crate) fn stored_spec(&self, application: &ApplicationName) -> Option<Application> {
        match self.memory.read(&Key::Spec(application.clone()))? {
            Record::Spec(spec) => Some(spec),
            _ => None,
        }
    }
}
