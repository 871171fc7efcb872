//! Which environments of a service have a deployment in progress.

use aws::{Aws, Failure};
use engine::{Key, Lookup, Record, World};
use pipeline::names::{ApplicationName, Place};
use pipeline::spec::Application;

/// Finds the environments that a service belongs to and that have a deployment in progress, with
/// its number.
///
/// ECS reports every service of the account, and Slipway deploys few of them. If no deployment is
/// in progress, an event costs one query, or two more reads.
pub(crate) async fn places(aws: &Aws, lookup: &Lookup) -> Result<Vec<(Place, u64)>, Failure> {
    let applications = aws.find(lookup).await?;
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    let specs: Vec<Key> = applications.into_iter().map(Key::Spec).collect();
    let specs = aws.load(&specs).await?.into_iter().flatten();
    let concerned: Vec<Key> = specs.flat_map(|stored| heads(&stored.record, lookup)).collect();
    if concerned.is_empty() {
        return Ok(Vec::new());
    }
    let heads = aws.load(&concerned).await?.into_iter().flatten();
    let active = heads.filter_map(|stored| match stored.record {
        Record::Head(head) => Some((head.place, head.active?)),
        _ => None,
    });
    Ok(active.collect())
}

fn heads(record: &Record, lookup: &Lookup) -> Vec<Key> {
    let Record::Spec(spec) = record else { return Vec::new() };
    places_of(spec, lookup).into_iter().map(Key::Head).collect()
}

fn places_of(spec: &Application, lookup: &Lookup) -> Vec<Place> {
    let application: &ApplicationName = &spec.application;
    let environments = spec.environments.iter().filter(|(_, rules)| {
        let mut services = rules.services();
        services.any(|(_, s)| Lookup::service(&rules.target, &s.name).as_ref() == Some(lookup))
    });
    environments
        .map(|(environment, _)| Place {
            application: application.clone(),
            environment: environment.clone(),
        })
        .collect()
}
