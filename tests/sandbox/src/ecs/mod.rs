//! ECS: task definitions, services that roll out, one-off tasks, and all of their events.
//!
//! Documents are JSON and stay as the caller sent them. What runs behaves as a scenario has
//! configured its image; nothing is random, and time passes only when a test advances it.

mod behaviour;
mod breaker;
mod clusters;
mod definitions;
mod deployments;
mod described;
mod events;
mod launch;
mod lifecycle;
mod needs;
mod output;
mod rollout;
mod run;
mod services;
mod steady;
mod task;

pub use behaviour::{Behaviour, Ending, Pace};

use crate::logs::Written;
use crate::place::{Ids, text};
use crate::service::{Call, Desk, Need, Refusal, Service};
use behaviour::Script;
use definitions::Definition;
use launch::End;
use serde_json::{Value, json};
use services::Address;
use std::collections::BTreeMap;
use task::Task;

/// When the containers of a task ran, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub from: u64,
    /// `None`: they still do.
    pub to: Option<u64>,
}

const ESSENTIAL_EXITED: &str = "EssentialContainerExited";

#[derive(Debug, Default)]
pub struct Ecs {
    /// Every cluster with its tags.
    clusters: BTreeMap<String, Value>,
    /// Every family with its revisions, the first one first.
    definitions: BTreeMap<String, Vec<Definition>>,
    services: BTreeMap<Address, services::Service>,
    tasks: Vec<Task>,
    tokens: Vec<run::Token>,
    /// What containers wrote, on its way to the logs.
    pub(crate) written: Vec<Written>,
    script: Script,
    ids: Ids,
    /// How many milliseconds DescribeServices is behind, and what it has seen since when.
    lag: u64,
    shown: BTreeMap<Address, Vec<(u64, Value)>>,
}

impl Service for Ecs {
    fn needs(&self, call: &Call) -> Vec<Need> {
        self.needed(call)
    }

    fn answer(&mut self, call: &Call, desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        let input = &call.input;
        let answer = match call.operation.as_str() {
            "RegisterTaskDefinition" => self.register(call, desk),
            "DescribeTaskDefinition" => self.describe_definition(input),
            "DeregisterTaskDefinition" => self.deregister(input, desk),
            "ListTaskDefinitions" => self.list_definitions(input),
            "CreateService" => self.create_service(call, desk),
            "UpdateService" => self.update_service(input, desk),
            "DeleteService" => self.delete_service(input, desk),
            "DescribeServices" => self.describe_services(input, desk.now),
            "ListServices" => self.list_services(input),
            "RunTask" => self.run_task(input, desk),
            "DescribeTasks" => self.describe_tasks(input),
            "StopTask" => self.stop_task(input, desk),
            "ListTasks" => self.list_tasks(input),
            "ListServiceDeployments" => self.list_service_deployments(input),
            "DescribeServiceDeployments" => self.describe_service_deployments(input),
            "StopServiceDeployment" => self.stop_service_deployment(input, desk),
            "DescribeServiceRevisions" => self.describe_service_revisions(input),
            "TagResource" => self.tag_resource(input),
            "ListTagsForResource" => self.list_tags(input),
            "DescribeClusters" => self.describe_clusters(input),
            other => Err(Refusal::new(
                "UnsupportedFeatureException",
                format!("The sandbox's ECS knows nothing of {other}: see tests/sandbox/src/ecs."),
            )),
        };
        self.remember(desk.now);
        answer.map(without_nulls)
    }

    fn rang(&mut self, what: Value, desk: &mut Desk<'_>) {
        if let (Some(service), Some(cluster)) = (text(&what, "reconcile"), text(&what, "cluster")) {
            let address = Address { cluster: cluster.to_owned(), service: service.to_owned() };
            self.reconcile(&address, desk);
        } else {
            self.step(&what, desk);
        }
        self.remember(desk.now);
    }
}

/// What a scenario arranges.
impl Ecs {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn create_cluster(&mut self, name: &str) {
        self.clusters.insert(name.to_owned(), json!([]));
    }

    /// What tasks with this image do: by digest, or by the whole name of the image. It counts for
    /// tasks that start from now on.
    pub fn behave(&mut self, image: &str, behaviour: Behaviour) {
        self.script.images.insert(image.to_owned(), behaviour);
    }

    /// How one-off tasks end whose image and command contain these texts; an empty text fits
    /// all, and the last setting counts. `times`: how many of the next ones.
    pub fn one_off(&mut self, image: &str, command: &str, ending: Ending, times: Option<u32>) {
        self.script.add(image, command, ending, times);
    }

    /// What a tag resolves to: `…amazonaws.com/scr-api:latest` to `sha256:…`.
    pub fn point(&mut self, image: &str, digest: &str) {
        self.script.tags.insert(image.to_owned(), digest.to_owned());
    }

    /// No task finds a place in the cluster until the reason is taken away with `None`.
    pub fn fill(&mut self, cluster: &str, reason: Option<&str>) {
        match reason {
            Some(reason) => self.script.full.insert(cluster.to_owned(), reason.to_owned()),
            None => self.script.full.remove(cluster),
        };
    }

    /// The name of a container that AWS injects into every task: `aws-guardduty-agent-nm40lC`.
    pub fn inject(&mut self, container: Option<&str>) {
        self.script.injected = container.map(str::to_owned);
    }

    /// How long things take.
    pub fn pace(&mut self) -> &mut Pace {
        &mut self.script.pace
    }

    /// How many seconds late DescribeServices is, as AWS's often is by one or two.
    pub fn lag(&mut self, seconds: u64) {
        // What there is already has been there for long.
        self.lag = seconds.max(1) * 1000;
        self.shown.clear();
        self.remember(0);
        self.lag = seconds * 1000;
    }

    /// One running task of the service exits with this code; returns its id.
    pub fn kill_task(
        &mut self,
        cluster: &str,
        service: &str,
        exit_code: i64,
        desk: &mut Desk<'_>,
    ) -> Option<String> {
        let address = Address { cluster: cluster.to_owned(), service: service.to_owned() };
        self.kill(&address, |container| launch::exited(container, exit_code), desk)
    }

    /// AWS takes one running task of the service away, as with Spot; returns its id.
    pub fn take_task_away(
        &mut self,
        cluster: &str,
        service: &str,
        desk: &mut Desk<'_>,
    ) -> Option<String> {
        let address = Address { cluster: cluster.to_owned(), service: service.to_owned() };
        let end = |container: &str| End {
            code: "SpotInterruption",
            reason: "Your Spot Task was interrupted.".into(),
            container: Some((container.to_owned(), Some(143), None)),
        };
        self.kill(&address, end, desk)
    }

    /// How autoscaling changes a service.
    pub fn scale(&mut self, cluster: &str, service: &str, desired: usize, desk: &mut Desk<'_>) {
        let address = Address { cluster: cluster.to_owned(), service: service.to_owned() };
        if let Some(known) = self.services.get_mut(&address) {
            known.desired = desired;
            let text = format!("Desired count is {desired} now.");
            self.note(&address, &text, desk);
            self.reconcile(&address, desk);
        }
    }

    /// The images that a service's healthy tasks run, by container: what its site answers with.
    pub fn serving(&self, cluster: &str, service: &str) -> Vec<BTreeMap<String, String>> {
        let of_service =
            |task: &&Task| task.healthy && task.wanted && task.belongs_to(cluster, service);
        let images = |task: &Task| {
            let containers = task.containers.iter();
            let pairs = containers.filter_map(|one| Some((one.name.clone(), one.image.clone()?)));
            pairs.collect()
        };
        self.tasks.iter().filter(of_service).map(images).collect()
    }
}

/// What a scenario looks up.
impl Ecs {
    /// How many tasks were started with this `startedBy`, within the last hour.
    pub fn started(&self, by: &str) -> usize {
        let by = |task: &&Task| task.started_by().is_some_and(|known| known.contains(by));
        self.tasks.iter().filter(by).count()
    }

    /// When the containers of each task of a service ran, of those within the last hour.
    pub fn lives(&self, cluster: &str, service: &str) -> Vec<Life> {
        let of_service = self.tasks.iter().filter(|task| task.belongs_to(cluster, service));
        let life = |task: &Task| {
            let to = task.times.execution_stopped;
            Some(Life { from: task.times.started?, to })
        };
        of_service.filter_map(life).collect()
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn client(message: impl Into<String>) -> Refusal {
    Refusal::new("ClientException", message)
}

/// AWS leaves a page token out where there is no next page.
fn without_nulls(mut answer: Value) -> Value {
    if let Value::Object(members) = &mut answer {
        members.retain(|_, value| !value.is_null());
    }
    answer
}
