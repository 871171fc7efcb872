//! Services that the spec of another application names as well: both would deploy over each other,
//! and each would run its migration.

use super::catalog::Records;
use super::reading::load_readable;
use aws::failure::Failure;
use engine::Key;
use pipeline::names::{ApplicationName, EnvironmentName};
use pipeline::spec::{Application, Environment, Fault};

/// Faults, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<String>,
}

/// Compares a spec with the specs of all other applications.
pub(crate) async fn look(world: &impl Records, spec: &Application) -> Result<Owned, Failure> {
    let mut others: Vec<ApplicationName> = world.applications().await?;
    others.retain(|other| *other != spec.application);
    let keys: Vec<Key> = others.iter().cloned().map(Key::Spec).collect();
    let mut owned = Owned::default();
    for (name, other) in others.iter().zip(load_readable::<Application>(world, &keys).await?) {
        match other {
            Ok(Some(other)) => owned.faults.extend(shared(spec, &other)),
            Ok(None) => {}
            Err(why) => owned
                .warnings
                .push(format!("could not check whether {name} names the same services: {why}")),
        }
    }
    Ok(owned)
}

fn shared(spec: &Application, other: &Application) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, environment) in &spec.environments {
        for (twin, theirs) in &other.environments {
            let both = in_both(environment, theirs);
            if !both.is_empty() {
                faults.push(fault(name, &both, &other.application, twin));
            }
        }
    }
    faults
}

fn in_both<'a>(ours: &'a Environment, theirs: &Environment) -> Vec<&'a str> {
    if !ours.target.overlaps(&theirs.target) {
        return Vec::new();
    }
    let is_theirs = |name: &str| theirs.services().any(|(_, one)| one.name.as_str() == name);
    let ours = ours.services().map(|(_, service)| service.name.as_str());
    ours.filter(|name| is_theirs(name)).collect()
}

fn fault(
    environment: &EnvironmentName,
    services: &[&str],
    other: &ApplicationName,
    twin: &EnvironmentName,
) -> Fault {
    let services = services.join(", ");
    Fault {
        path: format!("environments.{environment}.services"),
        message: format!(
            "{services}: application {other} already deploys this in {twin}, and each would \
             overwrite the other; remove it from one of them, remove {other} with \
             {{\"application\": \"{other}\", \"remove\": true}}, or add \"force\": true"
        ),
    }
}
