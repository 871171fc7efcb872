//! What a person could look up: deployments in the table, services in ECS, what is left in queues.

use crate::Team;
use engine::{Key, Record};
use pipeline::names::{ApplicationName, DeploymentId, EnvironmentName, Place};
use pipeline::spec::Target;
use serde_json::Value;
use std::collections::BTreeMap;

pub use pipeline::deployment::Deployment;

impl Team {
    /// A deployment as the table has it. `place`: `scr/staging`.
    pub fn deployment(&self, place: &str, number: u64) -> Option<Deployment> {
        let (application, environment) = place.split_once('/')?;
        let place = Place {
            application: ApplicationName::new(application),
            environment: EnvironmentName::new(environment),
        };
        match self.record(&Key::Deployment(DeploymentId { place, number }))? {
            Record::Deployment(deployment) => Some(deployment),
            _ => None,
        }
    }

    /// Every deployment, by the key that the table has it under.
    pub fn deployments(&self) -> Vec<Deployment> {
        let records = self.records();
        records
            .into_values()
            .filter_map(|record| match record {
                Record::Deployment(deployment) => Some(deployment),
                _ => None,
            })
            .collect()
    }

    fn record(&self, key: &Key) -> Option<Record> {
        self.records().remove(&key.to_string())
    }

    fn records(&self) -> BTreeMap<String, Record> {
        let attribute = |item: &Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
        let records = self.sandbox.table_items().into_iter().filter_map(|item| {
            let key = format!("{} / {}", attribute(&item, "pk")?, attribute(&item, "sk")?);
            Some((key, Record::read(&attribute(&item, "record")?).ok()?))
        });
        records.collect()
    }

    /// The version that each service of an environment runs, by the digests that are healthy there.
    pub fn running(&self, environment: &str) -> BTreeMap<String, Vec<String>> {
        let mut running = BTreeMap::new();
        let Some((_, rules)) = self.system.environments().find(|(name, _)| *name == environment)
        else {
            return running;
        };
        let account = self.sandbox.account();
        let cluster = match &rules.target {
            Target::Cluster(cluster) => cluster,
            Target::Hosts(tags) => {
                for (_, service) in rules.services() {
                    let hosts = account.services.ssm.tagged(tags);
                    let containers = hosts.filter_map(|host| host.container(service.name.as_str()));
                    let up = containers.filter(|container| container.status == "running");
                    running.insert(service.name.to_string(), up.map(|one| one.image).collect());
                }
                return running;
            }
        };
        for (_, service) in rules.services() {
            let tasks = account.services.ecs.serving(cluster, service.name.as_str());
            let mut images: Vec<String> =
                tasks.into_iter().flat_map(|task| task.into_values()).collect();
            images.sort();
            running.insert(service.name.to_string(), images);
        }
        running
    }

    /// What is still waiting: messages in queues, effects in outboxes, dead letters.
    pub fn left_over(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (queue, depth) in self.sandbox.queue_depths() {
            // A timer that is no longer needed rings once and is gone.
            if depth > 0 && queue != "WakeQueue" {
                left.push(format!("{queue} holds {depth}"));
            }
        }
        for (queue, body) in self.sandbox.dead_letters() {
            left.push(format!("{queue}: {body}"));
        }
        for deployment in self.deployments() {
            let waiting = deployment.outbox.entries();
            left.extend(waiting.iter().map(|e| format!("{}: {}", deployment.id, e.effect.name())));
        }
        left
    }
}
