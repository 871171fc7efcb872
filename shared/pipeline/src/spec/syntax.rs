//! Valid names: the rules of ECR, ECS, docker and Slipway.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Returns what is wrong with a name, as the rest of a sentence that starts with it.
pub(super) type Rule = fn(&str) -> Result<(), String>;

fn rule(holds: bool, message: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message.to_owned()) }
}

fn made_of(text: &str, others: &str, most: usize) -> bool {
    !text.is_empty()
        && text.len() <= most
        && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Applications, environments and images: they become keys, tags and parts of names.
pub(super) fn short_name(text: &str) -> Result<(), String> {
    let holds = made_of(text, "-", 32)
        && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        && !text.starts_with('-');
    rule(holds, "is not a short name; write 1 to 32 of a-z, 0-9 and -")
}

pub(super) fn repository(text: &str) -> Result<(), String> {
    let name = repository_of(text);
    if name != text && is_repository(name) {
        return Err(format!("is more than a repository; write only its name: {name}"));
    }
    rule(
        is_repository(text),
        "is not an ECR repository; write its name, such as scr-api or power-pto/api",
    )
}

/// Returns the repository of an image reference, without registry, tag and digest.
pub fn repository_of(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let image = match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) => rest,
        _ => image,
    };
    image.rsplit_once(':').map_or(image, |(repository, _)| repository)
}

fn is_repository(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    (2..=256).contains(&text.len())
        && text.split('/').all(|part| part.split(['.', '_', '-']).all(word))
}

pub(super) fn cluster(text: &str) -> Result<(), String> {
    ecs_name(text, "a cluster")
}

pub(super) fn service(text: &str) -> Result<(), String> {
    ecs_name(text, "a service")
}

pub(super) fn container(text: &str) -> Result<(), String> {
    ecs_name(text, "a container")
}

fn ecs_name(text: &str, kind: &str) -> Result<(), String> {
    match text.rsplit_once('/') {
        Some((_, name)) if text.starts_with("arn:") => {
            Err(format!("is an ARN; write only the name: {name}"))
        }
        _ if made_of(text, "-_", 255) => Ok(()),
        _ => Err(format!("is not the name of {kind}; write letters, digits, - and _")),
    }
}

/// A container on a host; the name becomes part of a shell command, so the rule is strict.
pub(super) fn host_container(text: &str) -> Result<(), String> {
    let holds = made_of(text, "-_.", 128) && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    rule(holds, "is not a container's name; write letters, digits, -, _ and .")
}

pub(super) fn tag(text: &str) -> Result<(), String> {
    let holds = made_of(text, "-_.", 128) && !text.starts_with(['-', '.']);
    rule(holds, "is not an image tag; write at most 128 letters, digits, -, _ and .")
}

pub(super) fn alarm(text: &str) -> Result<(), String> {
    match text.split_once(":alarm:") {
        Some((_, name)) => Err(format!("is an ARN; write only the alarm's name: {name}")),
        None => rule(
            (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control),
            "is not the name of an alarm; write 1 to 255 characters",
        ),
    }
}

pub(super) fn confirm(text: &str) -> Result<(), String> {
    let holds = made_of(text, "-_", 64);
    rule(holds, "cannot be typed safely; write one word of letters and digits, such as DEPLOY")
}

/// `docker run -p`; part of a shell command.
pub(super) fn port_mapping(text: &str) -> Result<(), String> {
    let mapping = text.strip_suffix("/tcp").or(text.strip_suffix("/udp")).unwrap_or(text);
    let parts: Vec<&str> = mapping.split(':').collect();
    let holds = match parts.as_slice() {
        [host, container] => is_port(host) && is_port(container),
        [address, host, container] => {
            address.parse::<Ipv4Addr>().is_ok() && is_port(host) && is_port(container)
        }
        _ => false,
    };
    rule(holds, "is not a port mapping; write \"8000:8000\": the host's port, then the container's")
}

/// Only digits, because `parse` would accept a sign.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// `docker run --env-file`; part of a shell command.
pub(super) fn host_file(text: &str) -> Result<(), String> {
    let holds = text.starts_with('/') && made_of(text, "/._-@", 255) && !text.contains("..");
    rule(holds, "is not a file on the host; write its whole path, such as /etc/faceplate.env")
}

pub(super) fn url(text: &str) -> Result<(), String> {
    let Some(rest) = text.strip_prefix("https://").or(text.strip_prefix("http://")) else {
        return Err("is not a URL; begin with https:// or http://".to_owned());
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    rule(!authority.contains('@'), "contains a login; remove it")?;
    rule(!host.is_empty(), "has no host; write https://example.com/health")?;
    rule(is_host(host), "has an invalid host; write https://example.com/health")?;
    rule(port.is_none_or(is_port), "has an invalid port; write one from 1 to 65535")?;
    rule(
        text.len() <= 2048 && !text.chars().any(|c| c.is_whitespace() || c.is_control()),
        "is not a URL; it may have no blanks and 2048 characters at most",
    )
}

/// A name, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => text.chars().all(|c| c.is_alphanumeric() || "-._".contains(c)),
    }
}

pub(super) fn subnet(text: &str) -> Result<(), String> {
    rule(
        text.starts_with("subnet-") && made_of(text, "-", 64),
        "is not a subnet; write its id: subnet-…",
    )
}

pub(super) fn security_group(text: &str) -> Result<(), String> {
    rule(
        text.starts_with("sg-") && made_of(text, "-", 64),
        "is not a security group; write its id: sg-…",
    )
}

pub(super) fn target_group(text: &str) -> Result<(), String> {
    let holds =
        text.starts_with("arn:") && text.contains(":targetgroup/") && made_of(text, ":/-", 512);
    rule(
        holds,
        "is not a target group; write its ARN: arn:aws:elasticloadbalancing:…:targetgroup/…",
    )
}
