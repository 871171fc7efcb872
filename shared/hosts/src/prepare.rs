//! Preparing: every host reports what it runs and whether it has what a rollout needs, the images
//! are read and protected, and the revisions are archived. No container is changed.

use super::answer::{Container, Report};
use super::fleet::{self, Seen};
use super::look::{Question, look};
use super::revision::{Containers, Definition, Run, of_hosts};
use super::{Tags, hosts};
use aws::alarms::read_alarms_and_faults;
use aws::clients::Aws;
use aws::failure::Failure;
use aws::keep_tags::{self, Read, Wanted, registry};
use aws::step_error::{StepError, asked_to};
use pipeline::effect::{Prepare, PrepareService};
use pipeline::event::{AlarmReading, Event, Preparation, PreparedService};
use pipeline::names::{DeploymentId, Digest, Repository, Revision, ServiceName};
use pipeline::spec::repository_of;
use pipeline::time::Span;
use std::collections::{BTreeMap, BTreeSet};

pub async fn prepare(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    prepare: &Prepare,
) -> Result<Event, Failure> {
    match make(aws, id, tags, prepare).await {
        Ok(preparation) => Ok(Event::Prepared(preparation)),
        Err(Wrong::Faults(faults)) => Ok(Event::PreparationFailed { faults }),
        Err(Wrong::Later(failure)) => Err(failure),
    }
}

enum Wrong {
    Faults(Vec<String>),
    Later(Failure),
}

impl From<StepError> for Wrong {
    fn from(halt: StepError) -> Self {
        match halt {
            StepError::Fault(fault) => Self::Faults(vec![fault]),
            StepError::Later(failure) => Self::Later(failure),
        }
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Self {
        Self::Later(failure)
    }
}

/// What can be checked without asking a host.
pub(super) struct Outside {
    pub(super) found: Vec<Seen>,
    alarms: Vec<AlarmReading>,
    images: Read,
    pub(super) after: BTreeMap<ServiceName, Run>,
    pub(super) faults: Vec<String>,
}

pub(super) async fn look_from_outside(
    aws: &Aws,
    tags: &Tags,
    prepare: &Prepare,
) -> Result<Outside, Failure> {
    let asked = hosts(aws, tags).await.map_err(asked_to("describe the hosts"));
    let (found, mut faults) = match asked {
        Ok(found) => {
            let faults = fleet::faults(&found, tags);
            (found, faults)
        }
        Err(halt) => (vec![], vec![halt.fault()?]),
    };
    let (alarms, missing) = read_alarms_and_faults(aws, &prepare.alarms).await?;
    faults.extend(missing);

    let mut after = BTreeMap::new();
    for PrepareService { spec, recorded: wanted, .. } in &prepare.services {
        let Some(wanted) = wanted else { continue };
        match Definition::find(aws, wanted).await?.and_then(Definition::run) {
            Some(run) => drop(after.insert(spec.name.clone(), run)),
            None => faults.push(format!(
                "{} ran {}, and Slipway does not know how to run it; choose another release",
                spec.name,
                wanted.short()
            )),
        }
    }
    let (images, refused) = keep_tags::read(aws, &wanted_images(prepare, &after)).await?;
    faults.extend(refused);
    faults.extend(missing_images(&images));

    let registry = registry(aws, &images);
    for service in prepare.services.iter().filter(|service| service.recorded.is_none()) {
        match run_of(prepare, service, &registry) {
            Ok(run) => drop(after.insert(service.spec.name.clone(), run)),
            Err(fault) => faults.push(fault),
        }
    }
    Ok(Outside { found, alarms, images, after, faults })
}

async fn make(
    aws: &Aws,
    id: &DeploymentId,
    tags: &Tags,
    prepare: &Prepare,
) -> Result<Preparation, Wrong> {
    let outside = look_from_outside(aws, tags, prepare).await?;
    let Outside { found, alarms, mut images, after, mut faults } = outside;
    // Only if a host can answer: otherwise the reason is already among the faults.
    let mut reports = BTreeMap::new();
    if found.iter().any(|host| host.online) {
        let files: BTreeSet<&str> =
            after.values().filter_map(|run| run.env_file.as_deref()).collect();
        let names: Vec<_> = prepare.services.iter().map(|service| &service.spec.name).collect();
        let online: Vec<_> = found.iter().filter(|host| host.online).cloned().collect();
        let question = Question { services: &names, files: Some(&files), is_old: false };
        for (host, said) in look(aws, id, &online, question).await? {
            match said {
                Ok(report) => drop(reports.insert(host, report)),
                Err(why) => faults.push(why),
            }
        }
    }
    let mut warnings = keep_tags::read_platforms(aws, prepare, &mut images).await;
    faults.extend(wrong_machines(&reports, &images, &after));
    for service in &prepare.services {
        faults.extend(fleeting(&service.spec.name, &reports));
    }
    if !faults.is_empty() {
        return Err(Wrong::Faults(faults));
    }
    warnings.extend(keep_tags::tag(aws, prepare, &images).await?);
    warnings.extend(too_little_time(prepare, found.len()));
    let mut services = Vec::new();
    for (name, run) in after {
        services.push(keep(aws, name, run, &reports).await?);
    }
    Ok(Preparation { services, alarms, warnings })
}

/// Archives the current and the new revisions, for a rollback.
async fn keep(
    aws: &Aws,
    name: ServiceName,
    run: Run,
    reports: &BTreeMap<String, Report>,
) -> Result<PreparedService, Failure> {
    let before = match of_hosts(&name, &containers(&name, reports)) {
        Some((revision, Some(definition))) => {
            definition.keep(aws, &revision).await?;
            Some(revision)
        }
        Some((revision, None)) => Some(revision),
        None => None,
    };
    let definition = Definition::Run(run);
    let after: Revision = definition.revision(&name);
    definition.keep(aws, &after).await?;
    Ok(PreparedService { name, before, after })
}

fn containers<'a>(name: &ServiceName, reports: &'a BTreeMap<String, Report>) -> Containers<'a> {
    let of_host = |report: &'a Report| report.containers.get(name).and_then(Option::as_ref);
    reports.iter().map(|(host, report)| (host.as_str(), of_host(report))).collect()
}

/// How the spec runs a service's container, with the release's image.
fn run_of(prepare: &Prepare, service: &PrepareService, registry: &str) -> Result<Run, String> {
    let name = &service.spec.name;
    let Some(container) = &service.spec.container else {
        return Err(format!("the spec does not say how to run {name}; add container: to it"));
    };
    let repository = service.repository.as_ref();
    let image = repository.and_then(|name| prepare.images.get_key_value(name));
    let Some((repository, digest)) = image else {
        return Err(format!("the release has no image {} for {name}", container.image));
    };
    Ok(Run {
        image: format!("{registry}/{repository}@{digest}"),
        ports: container.ports.clone(),
        env_file: container.env_file.clone(),
    })
}

/// The release's images, and those of the target of a manual rollback.
fn wanted_images(prepare: &Prepare, recorded: &BTreeMap<ServiceName, Run>) -> Wanted {
    let mut wanted = Wanted::new();
    if prepare.services.iter().any(|service| service.recorded.is_none()) {
        for (repository, digest) in &prepare.images {
            wanted.entry(repository.clone()).or_default().insert(digest.clone());
        }
    }
    for (repository, digest) in recorded.values().filter_map(pinned) {
        wanted.entry(repository).or_default().insert(digest);
    }
    wanted
}

fn pinned(run: &Run) -> Option<(Repository, Digest)> {
    let (_, digest) = run.image.split_once('@')?;
    Some((Repository::new(repository_of(&run.image)), Digest::new(digest)))
}

fn missing_images(images: &Read) -> Vec<String> {
    let missing = images.iter().flat_map(|(repository, images)| {
        images.missing.iter().map(move |(digest, why)| format!("{repository}@{digest} {why}"))
    });
    missing.collect()
}

/// Docker would run the image, and the container would fail with an "exec format error".
fn wrong_machines(
    reports: &BTreeMap<String, Report>,
    images: &Read,
    after: &BTreeMap<ServiceName, Run>,
) -> Vec<String> {
    let mut faults = Vec::new();
    for (host, report) in reports {
        let platform = match report.machine.as_deref().map(str::trim) {
            Some("x86_64") => "linux/amd64",
            Some("aarch64") => "linux/arm64",
            _ => continue,
        };
        for (name, run) in after {
            let Some((repository, digest)) = pinned(run) else { continue };
            let image = images.get(&repository).and_then(|images| images.found.get(&digest));
            let Some(built) = image.and_then(|image| image.platforms()) else { continue };
            if !built.contains(platform) {
                let built = Vec::from_iter(built).join(", ");
                faults.push(format!(
                    "{host} is {platform}, and the image of {name} is built for {built}; build it \
                     for {platform} too"
                ));
            }
        }
    }
    faults
}

/// A host needs some seconds to stop one container and to check that the next one stays up.
const LEAST_FOR_A_HOST: Span = Span::seconds(15);

/// Hosts are updated one after another, within the timeout of the service.
fn too_little_time(prepare: &Prepare, hosts: usize) -> Vec<String> {
    let hosts = u64::try_from(hosts).unwrap_or(u64::MAX);
    let needed = Span::seconds(LEAST_FOR_A_HOST.as_seconds().saturating_mul(hosts));
    let short = prepare.services.iter().filter(|service| service.spec.timeout < needed);
    let warnings = short.map(|service| {
        let (name, timeout) = (&service.spec.name, service.spec.timeout);
        format!(
            "{name} is updated on {hosts} hosts, one after another, and timeout: {timeout} is less \
             than {LEAST_FOR_A_HOST} for each; raise it"
        )
    });
    warnings.collect()
}

/// A container that was started with `--rm` is gone once it is stopped.
fn fleeting(name: &ServiceName, reports: &BTreeMap<String, Report>) -> Vec<String> {
    let containers = containers(name, reports);
    let fleeting = containers.iter().filter_map(|(host, container)| match container {
        Some(Container { fleeting: true, .. }) => Some(format!(
            "{name} on {host} was started with --rm, so a rollback could not start it again; start \
             it without --rm, or remove it"
        )),
        _ => None,
    });
    fleeting.collect()
}
