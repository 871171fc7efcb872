//! Elastic Load Balancing: target groups that can be described.

use crate::place::texts;
use crate::service::{Call, Desk, Need, Refusal, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Balancers {
    /// By ARN.
    groups: BTreeMap<String, TargetGroup>,
}

#[derive(Clone, Debug)]
pub struct TargetGroup {
    /// `ip`, `instance`
    pub targets: String,
    /// The ARNs of those that send to it.
    pub balancers: Vec<String>,
}

impl Service for Balancers {
    fn needs(&self, call: &Call) -> Vec<Need> {
        vec![Need::new(&format!("elasticloadbalancing:{}", call.operation), "*")]
    }

    fn answer(&mut self, call: &Call, _desk: &mut Desk<'_>) -> Result<Value, Refusal> {
        if call.operation != "DescribeTargetGroups" {
            let message =
                format!("The sandbox's load balancers know nothing of {}.", call.operation);
            return Err(Refusal::new("InvalidAction", message));
        }
        let groups = texts(&call.input, "TargetGroupArns").into_iter().map(|arn| {
            let group = self.groups.get(arn).ok_or_else(|| {
                Refusal::new("TargetGroupNotFound", "One or more target groups not found")
            })?;
            Ok(described(arn, group))
        });
        Ok(json!({ "TargetGroups": groups.collect::<Result<Vec<_>, Refusal>>()? }))
    }

    fn rang(&mut self, _what: Value, _desk: &mut Desk<'_>) {}
}

impl Balancers {
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a target group, or puts another in its place.
    pub fn put(&mut self, arn: &str, group: TargetGroup) {
        self.groups.insert(arn.to_owned(), group);
    }

    pub fn delete(&mut self, arn: &str) {
        self.groups.remove(arn);
    }
}

fn described(arn: &str, group: &TargetGroup) -> Value {
    json!({
        "TargetGroupArn": arn,
        "TargetGroupName": arn.split('/').nth(1),
        "Protocol": "HTTP",
        "Port": 80,
        "VpcId": "vpc-0a1b2c3d",
        "TargetType": group.targets,
        "LoadBalancerArns": group.balancers,
    })
}
