//! The live account, compared with a spec: what exists and what does not.

use super::lifecycle;
use aws::Aws;
use aws::failure::{Failure, failure};
use aws::settings::DELETES_SERVICES;
use aws_sdk_cloudwatch::types::AlarmType;
use ecs::preflight::other_controller;
use ecs::services::is_there;
use futures_util::future::{try_join_all, try_join5};
use hosts::{self, Tags};
use pipeline::names::{AlarmName, Repository, ServiceName};
use pipeline::spec::{Application, Fault, FirstDeploy, Target};
use std::collections::{BTreeMap, BTreeSet};

const SERVICES_AT_ONCE: usize = 10;
const ALARMS_AT_ONCE: usize = 100;

/// The faults of what the spec names; what is absent here has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) repositories: BTreeMap<Repository, String>,
    /// Repositories with lifecycle rules that may delete images that are needed again.
    pub(crate) lifecycles: BTreeMap<Repository, String>,
    /// Of a cluster as a whole.
    pub(crate) clusters: BTreeMap<String, String>,
    pub(crate) services: BTreeMap<(String, ServiceName), ServiceFault>,
    pub(crate) alarms: BTreeMap<AlarmName, String>,
    /// This installation may not delete services.
    pub(crate) may_not_delete: bool,
    /// By the tags of hosts: faults and warnings.
    pub(crate) hosts: BTreeMap<Tags, Host>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Fault(String),
    Warnings(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceFault {
    Missing,
    /// It uses another deployment controller than ECS.
    Controlled(String),
}

/// Reads everything in a spec from the account.
pub(crate) async fn look(aws: &Aws, spec: &Application) -> Result<Facts, Failure> {
    let mut services: BTreeMap<String, BTreeSet<ServiceName>> = BTreeMap::new();
    let mut alarms: BTreeSet<AlarmName> = BTreeSet::new();
    let mut tags: BTreeSet<&Tags> = BTreeSet::new();
    for environment in spec.environments.values() {
        alarms.extend(environment.alarms.names.iter().cloned());
        tags.extend(environment.target.tags());
        if let Target::Cluster(cluster) = &environment.target {
            let names = environment.services().map(|(_, service)| service.name.clone());
            services.entry(cluster.clone()).or_default().extend(names);
        }
    }
    let (repositories, of_clusters, alarms, of_hosts, lifecycles) = try_join5(
        try_join_all(spec.images.values().map(|repository| look_at_repository(aws, repository))),
        try_join_all(services.iter().map(|(cluster, names)| look_at_cluster(aws, cluster, names))),
        look_at_alarms(aws, alarms),
        try_join_all(tags.into_iter().map(|tags| look_at_hosts(aws, tags))),
        look_at_lifecycles(aws, spec),
    )
    .await?;
    let hosts = of_hosts.into_iter().collect();
    let may_not_delete = aws.settings.optional(DELETES_SERVICES).is_some_and(|may| may != "true");
    let mut facts = Facts { alarms, may_not_delete, hosts, ..Facts::default() };
    facts.repositories.extend(repositories.into_iter().flatten());
    facts.lifecycles = lifecycles;
    for (cluster, services) in of_clusters {
        facts.clusters.extend(cluster);
        facts.services.extend(services);
    }
    Ok(facts)
}

/// One by one: asked for several, ECR does not say which of them are missing.
async fn look_at_repository(
    aws: &Aws,
    repository: &Repository,
) -> Result<Option<(Repository, String)>, Failure> {
    let asking = aws.ecr().describe_repositories().repository_names(repository.as_str());
    match asking.send().await.map_err(failure) {
        Ok(_) => Ok(None),
        Err(error) if error.is("RepositoryNotFoundException") => {
            let why = format!("there is no repository {repository} in this account and region");
            Ok(Some((repository.clone(), why)))
        }
        Err(error) => {
            let why = cannot_look(error, &format!("repository {repository}"))?;
            Ok(Some((repository.clone(), why)))
        }
    }
}

/// The risks of lifecycle rules, by repository.
pub(crate) async fn look_at_lifecycles(
    aws: &Aws,
    spec: &Application,
) -> Result<BTreeMap<Repository, String>, Failure> {
    let looking = spec.images.values().map(|one| look_at_lifecycle(aws, one));
    Ok(try_join_all(looking).await?.into_iter().flatten().collect())
}

/// A missing repository is reported elsewhere.
async fn look_at_lifecycle(
    aws: &Aws,
    repository: &Repository,
) -> Result<Option<(Repository, String)>, Failure> {
    let asking = aws.ecr().get_lifecycle_policy().repository_name(repository.as_str());
    let policy = match asking.send().await.map_err(failure) {
        Ok(answer) => answer.lifecycle_policy_text,
        Err(error) if error.is("LifecyclePolicyNotFoundException") => None,
        Err(error) if error.is("RepositoryNotFoundException") => None,
        Err(error) => {
            let why = cannot_look(error, "its lifecycle rules")?;
            return Ok(Some((repository.clone(), why)));
        }
    };
    let danger = policy.and_then(|policy| lifecycle::danger(&policy));
    Ok(danger.map(|danger| (repository.clone(), danger)))
}

type OfCluster = (Option<(String, String)>, BTreeMap<(String, ServiceName), ServiceFault>);

async fn look_at_cluster(
    aws: &Aws,
    cluster: &str,
    names: &BTreeSet<ServiceName>,
) -> Result<OfCluster, Failure> {
    let names: Vec<&ServiceName> = names.iter().collect();
    let mut troubles = BTreeMap::new();
    for some in names.chunks(SERVICES_AT_ONCE) {
        let asking = aws.ecs().describe_services().cluster(cluster);
        let wanted = some.iter().map(|name| name.to_string()).collect();
        let answer = match asking.set_services(Some(wanted)).send().await.map_err(failure) {
            Ok(answer) => answer,
            Err(error) if error.is("ClusterNotFoundException") => {
                let why = format!("there is no cluster {cluster} in this account and region");
                return Ok((Some((cluster.to_owned(), why)), BTreeMap::new()));
            }
            Err(error) => {
                let why = cannot_look(error, &format!("cluster {cluster}"))?;
                return Ok((Some((cluster.to_owned(), why)), BTreeMap::new()));
            }
        };
        for name in some {
            let is_it = |service: &&aws_sdk_ecs::types::Service| {
                service.service_name() == Some(name.as_str()) && is_there(service)
            };
            let trouble = match answer.services().iter().find(is_it) {
                None => Some(ServiceFault::Missing),
                Some(service) => other_controller(service).map(ServiceFault::Controlled),
            };
            let key = (cluster.to_owned(), (*name).clone());
            troubles.extend(trouble.map(|trouble| (key, trouble)));
        }
    }
    Ok((None, troubles))
}

async fn look_at_alarms(
    aws: &Aws,
    names: BTreeSet<AlarmName>,
) -> Result<BTreeMap<AlarmName, String>, Failure> {
    let names: Vec<AlarmName> = names.into_iter().collect();
    let mut missing = BTreeMap::new();
    for some in names.chunks(ALARMS_AT_ONCE) {
        let asking = aws.cloudwatch().describe_alarms();
        let wanted = some.iter().map(ToString::to_string).collect();
        // Without the types CloudWatch returns only metric alarms; others would seem to be missing.
        let types = [AlarmType::MetricAlarm, AlarmType::CompositeAlarm, AlarmType::LogAlarm];
        let asking = asking.set_alarm_names(Some(wanted)).set_alarm_types(Some(types.into()));
        let answer = match asking.max_records(100).send().await.map_err(failure) {
            Ok(answer) => answer,
            Err(error) => {
                let why = cannot_look(error, "the alarms")?;
                missing.extend(some.iter().map(|name| (name.clone(), why.clone())));
                continue;
            }
        };
        let metric = answer.metric_alarms().iter().filter_map(|alarm| alarm.alarm_name());
        let composite = answer.composite_alarms().iter().filter_map(|alarm| alarm.alarm_name());
        let log = answer.log_alarms().iter().filter_map(|alarm| alarm.alarm_name());
        let found: BTreeSet<&str> = metric.chain(composite).chain(log).collect();
        let lacking = some.iter().filter(|name| !found.contains(name.as_str()));
        missing.extend(lacking.map(|name| {
            (name.clone(), format!("there is no alarm {name} in this account and region"))
        }));
    }
    Ok(missing)
}

async fn look_at_hosts(aws: &Aws, tags: &Tags) -> Result<(Tags, Host), Failure> {
    let found = match hosts::hosts(aws, tags).await {
        Ok(found) if found.is_empty() => {
            Host::Fault(format!("no managed instance has the tags {}", hosts::named(tags)))
        }
        Ok(found) => Host::Warnings(hosts::faults(&found, tags)),
        Err(error) => {
            let why = cannot_look(error, "the hosts")?;
            let advice = "deploy infra/template.yaml with HostsTagged to allow it";
            Host::Fault(format!("{why}; {advice}"))
        }
    };
    Ok((tags.clone(), found))
}

/// A rejected request is a fault to report; a temporary failure is worth a retry.
fn cannot_look(error: Failure, what: &str) -> Result<String, Failure> {
    match error {
        Failure::Refused { code, message } => {
            Ok(format!("AWS rejected the request to read {what}: {message} ({code})"))
        }
        other => Err(other),
    }
}

impl Facts {
    /// All faults, each with its place in the spec.
    pub(crate) fn faults(&self, spec: &Application) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut add = |path: String, message: String| faults.push(Fault { path, message });
        for (image, repository) in &spec.images {
            if let Some(why) = self.repositories.get(repository) {
                add(format!("images.{image}"), why.clone());
            }
        }
        for (name, environment) in &spec.environments {
            let path = format!("environments.{name}");
            if let Target::Cluster(cluster) = &environment.target {
                if let Some(why) = self.clusters.get(cluster) {
                    add(format!("{path}.cluster"), why.clone());
                }
                if self.may_not_delete && environment.first_deploy == FirstDeploy::Remove {
                    let why = "this installation may not delete services; set DeletesServices to \
                               true on its stack, or leave first_deploy out";
                    add(format!("{path}.first_deploy"), why.into());
                }
                for (_, service) in environment.services() {
                    let trouble = self.services.get(&(cluster.clone(), service.name.clone()));
                    let why = match trouble {
                        Some(ServiceFault::Missing) if service.create.is_none() => format!(
                            "there is no service {} in {cluster}; create it, or add create:",
                            service.name
                        ),
                        Some(ServiceFault::Controlled(why)) => format!("{} {why}", service.name),
                        _ => continue,
                    };
                    add(format!("{path}.services"), why);
                }
            }
            let hosts = environment.target.tags().and_then(|tags| self.hosts.get(tags));
            if let Some(Host::Fault(why)) = hosts {
                add(format!("{path}.hosts"), why.clone());
            }
            for alarm in &environment.alarms.names {
                if let Some(why) = self.alarms.get(alarm) {
                    add(format!("{path}.alarms"), why.clone());
                }
            }
        }
        faults
    }

    /// Warnings, which are no faults.
    pub(crate) fn warnings(&self, spec: &Application) -> Vec<String> {
        let mut warnings = Vec::new();
        for (image, repository) in &spec.images {
            let danger = self.lifecycles.get(repository);
            warnings.extend(danger.map(|why| format!("images.{image}: {repository}: {why}")));
        }
        for (name, environment) in &spec.environments {
            let path = format!("environments.{name}");
            let hosts = environment.target.tags().and_then(|tags| self.hosts.get(tags));
            if let Some(Host::Warnings(hosts)) = hosts {
                warnings.extend(hosts.iter().map(|why| format!("{path}.hosts: {why}")));
            }
            if let Target::Cluster(cluster) = &environment.target {
                let created = environment.services().filter(|(_, service)| {
                    let key = (cluster.clone(), service.name.clone());
                    service.create.is_some()
                        && self.services.get(&key) == Some(&ServiceFault::Missing)
                });
                warnings.extend(created.map(|(_, service)| {
                    format!(
                        "{path}.services: {} will be created by its first deployment",
                        service.name
                    )
                }));
            }
        }
        warnings
    }
}
