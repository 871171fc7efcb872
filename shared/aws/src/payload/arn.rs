//! The names in the ARNs of ECS.

use pipeline::names::ServiceName;

/// The cluster of `arn:aws:ecs:eu-central-1:123456789012:cluster/scr-staging`.
pub(super) fn cluster(arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":cluster/")?;
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// The service of an ARN, and its cluster, which ARNs from before 2018 do not name.
pub(super) fn service(arn: &str) -> Option<(Option<String>, ServiceName)> {
    let (_, path) = arn.split_once(":service/")?;
    let (cluster, name) = match path.split_once('/') {
        Some((cluster, name)) => (Some(cluster.to_owned()), name),
        None => (None, path),
    };
    (!name.is_empty()).then(|| (cluster, ServiceName::new(name)))
}
