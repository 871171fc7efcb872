//! The command that migrates the database, and the one that undoes it.

use super::super::did_you_mean;
use super::super::model::{Migration, Service};
use super::super::node::Node;
use super::super::secrets;
use super::super::syntax;
use super::base;
use crate::names::{ContainerName, ServiceName};
use crate::time::Span;

/// ECS's maximum for the overrides of a task, minus what Slipway adds.
const MOST_COMMAND_BYTES: usize = 7000;

pub(super) fn migration(node: &Node, waves: &[Vec<Service>], on_hosts: bool) -> Option<Migration> {
    let mut entries =
        node.map("{service: scr-api, container: api, command: [alembic, upgrade, head]}")?;
    let name = entries.require("service", "the service whose image has the command");
    let container = entries.get("container");
    let command = entries.require("command", "[alembic, upgrade, head]");
    let timeout = entries.get("timeout").and_then(|n| n.span(Span::seconds(10), Span::hours(24)));
    let undo = entries.get("undo").map(|n| self::command(&n));
    let on_host = entries.get("on_host");
    entries.end();

    let service = name.as_ref().and_then(|n| service(n, waves));
    if container.is_none() && !on_hosts {
        node.fault_at(
            "container",
            "it is missing; write the container whose image has the command",
        );
    }
    if let Some(on_host) = on_host.as_ref().filter(|_| !on_hosts) {
        on_host.fault("a cluster has no host to run on; remove on_host");
    }
    let container = container.and_then(|n| {
        let container = n.name(syntax::container)?;
        base::check_container(&n, &container, service);
        Some(container)
    });
    let service_name = service.map_or_else(|| ServiceName::new(""), |service| service.name.clone());
    Some(Migration {
        container: container.map_or_else(|| service_name.as_str().into(), ContainerName::new),
        service: service_name,
        command: command.map(|n| self::command(&n)).unwrap_or_default(),
        timeout: timeout.unwrap_or(Span::minutes(15)),
        undo,
        on_host: on_host.and_then(|n| n.flag()).unwrap_or(false),
    })
}

fn service<'a>(node: &Node, waves: &'a [Vec<Service>]) -> Option<&'a Service> {
    let name = ServiceName::new(node.text()?);
    let services = || waves.iter().flatten();
    let found = services().find(|service| service.name == name);
    if found.is_none() && !waves.is_empty() {
        let instead =
            did_you_mean::instead(name.as_str(), services().map(|service| service.name.as_str()));
        node.fault_about(&format!("is not one of the services; {instead}"));
    }
    found
}

/// Reads a command. It is never split at its blanks: only its author knows the quoting.
fn command(node: &Node) -> Vec<String> {
    let items = node.list("each word as an item: [alembic, upgrade, head]", 1..=100);
    let words: Vec<String> = items.iter().filter_map(word).collect();
    if words.first().is_some_and(|first| first.trim().is_empty()) {
        node.fault("the first word is empty; write the program to run");
    }
    if words.iter().map(String::len).sum::<usize>() > MOST_COMMAND_BYTES {
        node.fault("the command is longer than ECS takes; put it in a script in the image");
    }
    words
}

fn word(node: &Node) -> Option<String> {
    let word = node.text()?;
    if secrets::carries_login(&word) {
        node.fault(
            "it contains a password, and many people can read commands; read it from a secret",
        );
    }
    Some(word)
}
