//! Clusters, and the tags of everything that has tags.

use super::definitions::required;
use super::services::Address;
use super::task::Status;
use super::{Ecs, client, invalid};
use crate::place::{arn, list, texts};
use crate::service::Refusal;
use serde_json::{Value, json};

impl Ecs {
    pub(super) fn cluster(&self, name: &str) -> Result<(), Refusal> {
        self.clusters.contains_key(name).then_some(()).ok_or_else(cluster_not_found)
    }

    pub(super) fn describe_clusters(&self, input: &Value) -> Result<Value, Refusal> {
        let mut named = texts(input, "clusters");
        if named.is_empty() {
            named.push("default");
        }
        let (mut clusters, mut failures) = (vec![], vec![]);
        for cluster in named {
            let name = cluster.rsplit('/').next().unwrap_or(cluster);
            let arn = arn("ecs", &format!("cluster/{name}"));
            let Some(tags) = self.clusters.get(name) else {
                failures.push(json!({ "arn": arn, "reason": "MISSING" }));
                continue;
            };
            let services =
                self.services.iter().filter(|(at, s)| at.cluster == name && s.status == "ACTIVE");
            let running = self.tasks.iter().filter(|task| task.cluster == name);
            let (running, pending): (Vec<_>, Vec<_>) = running
                .filter(|task| task.status < Status::Deprovisioning)
                .partition(|task| task.status == Status::Running);
            clusters.push(json!({
                "clusterArn": arn,
                "clusterName": name,
                "status": "ACTIVE",
                "registeredContainerInstancesCount": 0,
                "runningTasksCount": running.len(),
                "pendingTasksCount": pending.len(),
                "activeServicesCount": services.count(),
                "statistics": [],
                "tags": if texts(input, "include").contains(&"TAGS") { tags.clone() } else { json!([]) },
                "settings": [],
                "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
                "defaultCapacityProviderStrategy": [],
            }));
        }
        Ok(json!({ "clusters": clusters, "failures": failures }))
    }

    pub(super) fn tag_resource(&mut self, input: &Value) -> Result<Value, Refusal> {
        let tags = list(input, "tags").to_vec();
        if tags.is_empty() {
            return Err(invalid("Tags can not be empty."));
        }
        let kept = self.tags_of(required(input, "resourceArn")?)?;
        let mut all = kept.as_array().cloned().unwrap_or_default();
        for tag in tags {
            all.retain(|known| known.get("key") != tag.get("key"));
            all.push(tag);
        }
        *kept = json!(all);
        Ok(json!({}))
    }

    pub(super) fn list_tags(&mut self, input: &Value) -> Result<Value, Refusal> {
        Ok(json!({ "tags": self.tags_of(required(input, "resourceArn")?)? }))
    }

    fn tags_of(&mut self, resource: &str) -> Result<&mut Value, Refusal> {
        let gone = || client("The specified resource could not be found.");
        let named = resource.splitn(6, ':').nth(5).ok_or_else(gone)?;
        match named.split('/').collect::<Vec<_>>().as_slice() {
            ["task-definition", _] => {
                let mut every = self.definitions.values_mut().flatten();
                every.find(|known| known.arn() == resource).map(|known| &mut known.tags)
            }
            ["service", cluster, service] => {
                let address = Address::parse(&format!("/{cluster}/{service}"), cluster);
                self.services.get_mut(&address).map(|known| &mut known.tags)
            }
            ["cluster", name] => self.clusters.get_mut(*name),
            ["task", _, id] => {
                let found = self.tasks.iter_mut().find(|task| task.id == *id);
                let given = found.and_then(|task| task.given.as_object_mut());
                given.map(|given| given.entry("tags").or_insert_with(|| json!([])))
            }
            _ => None,
        }
        .ok_or_else(gone)
    }
}

/// A cluster that does not exist.
fn cluster_not_found() -> Refusal {
    Refusal::new("ClusterNotFoundException", "Cluster not found.")
}
