//! The application spec as the core reads it: checked, complete, with all defaults.

use crate::names::{
    AlarmName, ApplicationName, ContainerName, EnvironmentName, ImageName, Repository, ServiceName,
    Tag,
};
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One application: its images and its environments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub application: ApplicationName,
    pub images: BTreeMap<ImageName, Repository>,
    pub environments: BTreeMap<EnvironmentName, Environment>,
}

/// One environment of the application, and the rules for deploying to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub target: Target,
    /// `None`: only people deploy here.
    pub deploy_on: Option<DeployOn>,
    pub approval: Option<Approval>,
    /// The word that a manual deploy must carry.
    pub confirm: Option<String>,
    /// Put on the digests that are deployed here, for people and scripts.
    pub tag: Option<Tag>,
    pub migration: Option<Migration>,
    /// In order; the services of one wave are updated together.
    pub waves: Vec<Vec<Service>>,
    pub checks: Vec<Check>,
    pub alarms: Alarms,
    /// How long alarms are watched after the checks; zero: not at all.
    pub bake: Span,
    pub queue: Queue,
    pub freeze: Vec<Freeze>,
    pub rollback: RollbackPolicy,
    pub first_deploy: FirstDeploy,
    pub failures: Failures,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An ECS cluster; services are ECS services.
    Cluster(String),
    /// EC2 hosts found by their tags, reached by SSM Run Command; services are containers.
    Hosts(BTreeMap<String, String>),
}

impl Target {
    /// The tags of its hosts, if it is hosts.
    pub fn tags(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::Hosts(tags) => Some(tags),
            Self::Cluster(_) => None,
        }
    }
}

/// Which pushes start a deployment automatically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployOn {
    /// Any of them; empty: every release that succeeds in `promoted_from`.
    pub tags: Vec<TagPattern>,
    /// The images that a release must have before it is complete.
    pub images: Vec<ImageName>,
    pub promoted_from: Option<EnvironmentName>,
    /// An incomplete release is reported after this time.
    pub patience: Span,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagPattern {
    /// One tag that moves from digest to digest, such as `latest`: each new digest is a release.
    Moving(Tag),
    /// Tags that do not move: `[0-9a-f]*`, `v*`. Every tag is a release.
    Glob(String),
    /// Tags that are semantic versions (a leading `v` is allowed) inside a range: `>=1.2, <2`.
    Semver(String),
    /// The same with the pre-releases of these versions: `v1.3.0-rc.1` as well as `v1.3.0`.
    SemverPre(String),
}

/// A person has to approve exactly these digests before anything is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub expires: Span,
}

/// A command in the new image, run once and alone before any service is updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The service whose new revision, network and roles the task uses.
    pub service: ServiceName,
    pub container: ContainerName,
    pub command: Vec<String>,
    pub timeout: Span,
    /// Undoes the migration; run only if the rollback policy or a person requests it.
    pub undo: Option<Vec<String>>,
    /// For hosts: run on the host itself instead of in the new image.
    pub on_host: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: ServiceName,
    pub timeout: Span,
    pub base: Base,
    /// How to create the service if it does not exist; `None`: it must exist.
    pub create: Option<Create>,
    /// For hosts: how the container is run.
    pub container: Option<HostContainer>,
}

/// What a new revision is based on; only the images are replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// The task definition that the service runs.
    Running,
    /// The newest one of its family, such as one that Terraform registered.
    Latest,
    /// A task definition in the spec, with the parameters for its `${name}`.
    Template { definition: Value, parameters: BTreeMap<String, String> },
}

/// What `CreateService` needs and the task definition does not contain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    pub desired_count: u32,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub public_ip: bool,
    pub load_balancer: Option<LoadBalancer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    pub target_group: String,
    pub container: ContainerName,
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostContainer {
    pub image: ImageName,
    /// `docker run -p`: `8000:8000`.
    pub ports: Vec<String>,
    /// `docker run --env-file`: a file on the host.
    pub env_file: Option<String>,
}

/// An HTTP request whose answer shows whether the release works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub url: String,
    pub expect: Vec<u16>,
    pub attempts: u32,
    /// The pause between two attempts.
    pub every: Span,
    /// How long one answer may take.
    pub timeout: Span,
}

impl Check {
    /// The URL without its query, which can contain a token.
    pub fn shown(&self) -> String {
        without_query(&self.url)
    }
}

/// A URL up to its query. Logs, histories and notices are read by more people than specs.
pub fn without_query(url: &str) -> String {
    match url.split_once(['?', '#']) {
        Some((place, _)) => format!("{place}?…"),
        None => url.to_owned(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarms {
    pub names: Vec<AlarmName>,
    pub at_start: AtStart,
    pub no_data: NoData,
}

/// What an alarm means that is already in ALARM before anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtStart {
    /// The deployment does not start.
    Block,
    /// The deployment starts with a warning, and does not count that alarm until it has been OK
    /// once.
    Warn,
    /// Like `warn`, without the warning.
    Ignore,
}

/// What an alarm without data means at the end of the bake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoData {
    /// It is no reason to roll back, and the timeline says that there was no data.
    Pass,
    Fail,
}

/// What happens to releases that arrive during a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    Newest,
    Every,
}

/// A time in which automation starts nothing, and people only in an emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// Every week, from a day and time to a day and time, in local time.
    Weekly { from: WeekTime, to: WeekTime, time_zone: String },
    /// Once.
    Once { from: Time, to: Time },
}

/// Monday is day 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekTime {
    pub day: u8,
    pub minute_of_day: u16,
}

/// What automation may do with the services once the migration has changed the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackPolicy {
    /// The old code works with the new schema: services are rolled back, the schema stays.
    Auto,
    /// It does not: the migration is undone first, then the services are rolled back.
    AfterUndo,
    /// It does not, and there is no automatic rollback: everything stays for a person to decide.
    Manual,
}

/// What happens to a service that has no previous revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstDeploy {
    /// It stays, and the deployment ends `failed`.
    Leave,
    /// A service that this deployment created is deleted again.
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many tasks of one service may fail because of the release before everything is rolled
    /// back.
    pub tasks: u32,
    /// What a failed non-essential container means.
    pub sidecars: Sidecars,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sidecars {
    Warn,
    RollBack,
}

impl Target {
    /// Whether both may contain the same service. Hosts that have all the tags of one and more are
    /// some of its hosts. No tags match no host.
    pub fn overlaps(&self, other: &Self) -> bool {
        let carries = |some: &BTreeMap<String, String>, all: &BTreeMap<String, String>| {
            !some.is_empty() && some.iter().all(|(key, value)| all.get(key) == Some(value))
        };
        match (self, other) {
            (Self::Cluster(one), Self::Cluster(other)) => one == other,
            (Self::Hosts(one), Self::Hosts(other)) => carries(one, other) || carries(other, one),
            _ => false,
        }
    }
}

impl Environment {
    /// Returns every service with the number of its wave.
    pub fn services(&self) -> impl Iterator<Item = (usize, &Service)> {
        self.waves
            .iter()
            .enumerate()
            .flat_map(|(wave, services)| services.iter().map(move |s| (wave, s)))
    }
}
