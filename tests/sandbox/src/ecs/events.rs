//! ECS's events about services: two kinds, and the lines in `events[]`.

use super::Ecs;
use super::services::Address;
use crate::place::{epoch, iso};
use crate::service::{Desk, Emission};
use serde_json::json;

/// ECS keeps the last hundred.
const KEPT: usize = 100;

impl Ecs {
    /// `ECS Deployment State Change` about the primary deployment. No cluster and no task
    /// definition are in it: AWS names the service in `resources` alone.
    pub(super) fn tell_deployment(
        &self,
        address: &Address,
        kind: &str,
        name: &str,
        reason: Option<&str>,
        desk: &mut Desk<'_>,
    ) {
        let service = self.services.get(address);
        let Some(primary) = service.and_then(|service| service.deployments.first()) else { return };
        desk.emit(Emission {
            source: "aws.ecs".into(),
            detail_type: "ECS Deployment State Change".into(),
            resources: vec![address.arn()],
            detail: json!({
                "eventType": kind,
                "eventName": name,
                "deploymentId": primary.id,
                "updatedAt": iso(desk.now),
                "reason": reason.unwrap_or(&primary.reason),
            }),
        });
    }

    /// `ECS Service Action`
    pub(super) fn tell_action(
        &self,
        address: &Address,
        kind: &str,
        name: &str,
        reason: Option<&str>,
        desk: &mut Desk<'_>,
    ) {
        let mut detail = super::definitions::members(json!({
            "eventType": kind,
            "eventName": name,
            "clusterArn": address.cluster_arn(),
            "createdAt": iso(desk.now),
        }));
        if let Some(reason) = reason {
            detail.insert("reason".into(), json!(reason));
            detail.insert("capacityProviderArns".into(), json!([]));
        }
        desk.emit(Emission {
            source: "aws.ecs".into(),
            detail_type: "ECS Service Action".into(),
            resources: vec![address.arn()],
            detail: detail.into(),
        });
    }

    /// A line in the service's `events[]`, the newest first.
    pub(super) fn note(&mut self, address: &Address, text: &str, desk: &Desk<'_>) {
        let id = self.ids.uuid("event");
        let message = format!("(service {}) {text}", address.service);
        if let Some(service) = self.services.get_mut(address) {
            let line = json!({ "id": id, "createdAt": epoch(desk.now), "message": message });
            service.events.push_front(line);
            service.events.truncate(KEPT);
        }
    }
}
