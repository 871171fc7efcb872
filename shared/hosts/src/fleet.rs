//! Which hosts exist.

use super::send::MOST;
use super::{Tags, named};
use aws::clients::Aws;
use aws::failure::{Failure, failure};
use aws_sdk_ssm::types::{InstanceInformationStringFilter, PingStatus, PlatformType};
use pipeline::time::Time;

/// A host, as Systems Manager last reported it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: String,
    pub online: bool,
    linux: bool,
    last_ping: Option<Time>,
}

/// Lists the managed instances that have all of the tags, ordered by id.
pub async fn hosts(aws: &Aws, tags: &Tags) -> Result<Vec<Seen>, Failure> {
    let mut filters = Vec::new();
    for (key, value) in tags {
        let filter =
            InstanceInformationStringFilter::builder().key(format!("tag:{key}")).values(value);
        filters.push(filter.build().map_err(|error| Failure::Misconfigured(error.to_string()))?);
    }
    let asking = aws.ssm().describe_instance_information().set_filters(Some(filters));
    let mut pages = asking.max_results(50).into_paginator().send();
    let mut hosts = Vec::new();
    while let Some(page) = pages.next().await {
        for instance in page.map_err(failure)?.instance_information_list.unwrap_or_default() {
            let last_ping = instance.last_ping_date_time.and_then(|at| at.to_millis().ok());
            hosts.push(Seen {
                id: instance.instance_id.unwrap_or_default(),
                online: instance.ping_status == Some(PingStatus::Online),
                linux: matches!(instance.platform_type, Some(PlatformType::Linux) | None),
                last_ping: last_ping.and_then(|at| u64::try_from(at).ok()).map(Time::from_millis),
            });
        }
    }
    hosts.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(hosts)
}

/// Reasons not to deploy to these hosts.
pub fn faults(hosts: &[Seen], tags: &Tags) -> Vec<String> {
    let tags = named(tags);
    if hosts.is_empty() {
        return vec![format!(
            "no managed instance has the tags {tags}; correct hosts.tags in the spec, or register the \
             instance with Systems Manager"
        )];
    }
    if hosts.len() > MOST {
        let count = hosts.len();
        return vec![format!("{count} hosts carry {tags}; Run Command takes at most {MOST}")];
    }
    let absent = hosts.iter().filter_map(|host| match host {
        Seen { linux: false, id, .. } => Some(format!("{id} does not run Linux")),
        Seen { online: false, .. } => {
            Some(format!("{}; start it or its SSM agent, or remove its tags", silent(host)))
        }
        _ => None,
    });
    absent.collect()
}

/// The message for a host that does not respond.
pub(super) fn silent(host: &Seen) -> String {
    match host.last_ping {
        Some(at) => format!("{} is not connected to Systems Manager (last ping {at})", host.id),
        None => format!("{} is not connected to Systems Manager", host.id),
    }
}

pub(super) fn ids(hosts: &[Seen]) -> Vec<String> {
    hosts.iter().map(|host| host.id.clone()).collect()
}
