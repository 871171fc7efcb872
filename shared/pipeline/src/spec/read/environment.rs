//! One environment: its target and the rules for deploying to it.

use super::super::model::{
    Approval, Environment, Failures, FirstDeploy, Migration, Queue, RollbackPolicy, Sidecars,
    Target,
};
use super::super::node::{Entries, Node};
use super::super::syntax;
use super::{Images, base, deploy_on, freeze, migration, services, verification};
use crate::names::Tag;
use crate::time::Span;

const EXAMPLE: &str = "{cluster: scr-staging, services: [scr-api]}, or indent it if it belongs to \
                       the environment before it";

/// Run Command accepts at most five target keys.
const MOST_HOST_TAGS: usize = 5;

pub(super) fn environment(node: &Node, images: &Images) -> Option<Environment> {
    let mut entries = node.map(EXAMPLE)?;
    let target = target(node, &mut entries);
    let on_hosts = matches!(target, Target::Hosts(_));
    let deploy_on = entries.get("deploy_on").and_then(|n| deploy_on::deploy_on(&n, images));
    let approval = entries.get("approval").and_then(|n| approval(&n));
    let confirm = entries.get("confirm").and_then(|n| n.name(syntax::confirm));
    let tag = entries.get("tag").and_then(|n| own_tag(&n));

    let timeout =
        entries.get("timeout").and_then(|n| n.span(services::SHORTEST, services::LONGEST));
    let base = entries.get("base");
    if let Some(node) = base.as_ref().filter(|_| on_hosts) {
        node.fault("hosts run containers, not task definitions; remove base");
    }
    let defaults = services::Defaults {
        on_hosts,
        timeout: timeout.unwrap_or(services::USUAL),
        base: base.and_then(|n| base::base(&n, images)),
        images,
    };
    let waves = entries
        .require("services", "[scr-api, scr-web]")
        .map(|n| services::waves(&n, &defaults))
        .unwrap_or_default();
    let migration =
        entries.get("migration").and_then(|n| migration::migration(&n, &waves, on_hosts));

    let checks = entries.get("checks").map(|n| verification::checks(&n)).unwrap_or_default();
    let alarms = verification::alarms(entries.get("alarms").as_ref());
    let bake = entries.get("bake").and_then(|n| n.span(Span::default(), Span::hours(24)));
    let usual_bake = if alarms.names.is_empty() { Span::default() } else { Span::minutes(5) };
    let freeze = entries.get("freeze").map(|n| freeze::windows(&n)).unwrap_or_default();
    let queue = entries
        .get("queue")
        .and_then(|n| n.choice(&[("newest", Queue::Newest), ("every", Queue::Every)]));
    let rollback = entries.get("rollback").and_then(|n| rollback(&n, migration.as_ref()));
    let first_deploy = entries
        .get("first_deploy")
        .and_then(|n| n.choice(&[("leave", FirstDeploy::Leave), ("remove", FirstDeploy::Remove)]));
    let failures = failures(entries.get("failures").as_ref());
    entries.end();

    Some(Environment {
        target,
        deploy_on,
        approval,
        confirm,
        tag,
        migration,
        waves,
        checks,
        alarms,
        bake: bake.unwrap_or(usual_bake),
        queue: queue.unwrap_or(Queue::Newest),
        freeze,
        rollback: rollback.unwrap_or(RollbackPolicy::Auto),
        first_deploy: first_deploy.unwrap_or(FirstDeploy::Leave),
        failures,
    })
}

fn target(node: &Node, entries: &mut Entries) -> Target {
    let cluster = entries.get("cluster");
    let hosts = entries.get("hosts");
    match (&cluster, &hosts) {
        (None, None) => node.fault("nothing says where it runs; write cluster: scr-staging"),
        (Some(_), Some(_)) => node.fault("there are both cluster and hosts; keep one of them"),
        _ => {}
    }
    let tags = hosts.as_ref().map(|n| host_tags(n).unwrap_or_default());
    match (cluster, tags) {
        (None, Some(tags)) => Target::Hosts(tags),
        (cluster, _) => {
            Target::Cluster(cluster.and_then(|n| n.name(syntax::cluster)).unwrap_or_default())
        }
    }
}

type HostTags = std::collections::BTreeMap<String, String>;

fn host_tags(node: &Node) -> Option<HostTags> {
    let example = "{tags: {Component: faceplate}}";
    let mut entries = node.map(example)?;
    let tags = entries.require("tags", "{Component: faceplate}");
    entries.end();
    let text = |text: &str| match text.trim() {
        "" => Err("is empty; every host would be meant".to_owned()),
        _ if text.len() > 256 => Err("is longer than a tag can be".to_owned()),
        _ => Ok(()),
    };
    let tags = tags?.named("{Component: faceplate}", MOST_HOST_TAGS);
    Some(
        tags.iter().map(|(key, n)| ((*key).to_owned(), n.name(text).unwrap_or_default())).collect(),
    )
}

fn approval(node: &Node) -> Option<Approval> {
    let usual = Span::hours(24);
    if !node.is_map() {
        return node.flag().filter(|wanted| *wanted).map(|_| Approval { expires: usual });
    }
    let mut entries = node.map("{expires: 24h}")?;
    let expires = entries.get("expires").and_then(|n| n.span(Span::minutes(1), Span::hours(168)));
    entries.end();
    Some(Approval { expires: expires.unwrap_or(usual) })
}

fn rollback(node: &Node, migration: Option<&Migration>) -> Option<RollbackPolicy> {
    let policy = node.choice(&[
        ("auto", RollbackPolicy::Auto),
        ("after_undo", RollbackPolicy::AfterUndo),
        ("manual", RollbackPolicy::Manual),
    ])?;
    match migration {
        _ if policy != RollbackPolicy::AfterUndo => {}
        None => node.fault("there is no migration to undo; write auto or manual"),
        Some(Migration { undo: None, .. }) => node.fault(
            "after_undo needs the command that takes the migration back; write migration.undo, or \
             rollback: auto or manual",
        ),
        Some(_) => {}
    }
    Some(policy)
}

fn own_tag(node: &Node) -> Option<Tag> {
    let tag = node.name(syntax::tag)?;
    if tag.starts_with("slipway-") {
        node.fault("tags that begin with slipway- are Slipway's own; choose another");
    }
    Some(Tag::new(tag))
}

fn failures(node: Option<&Node>) -> Failures {
    let mut failures = Failures { tasks: 3, sidecars: Sidecars::Warn };
    let Some(mut entries) = node.and_then(|n| n.map("{tasks: 3, sidecars: warn}")) else {
        return failures;
    };
    if let Some(tasks) = entries.get("tasks").and_then(|n| n.whole(1..=1000)) {
        failures.tasks = u32::try_from(tasks).unwrap_or(u32::MAX);
    }
    let sidecars = entries.get("sidecars");
    let choices = [("warn", Sidecars::Warn), ("roll_back", Sidecars::RollBack)];
    if let Some(sidecars) = sidecars.and_then(|n| n.choice(&choices)) {
        failures.sidecars = sidecars;
    }
    entries.end();
    failures
}
