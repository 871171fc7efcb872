//! Reads an application from a document. All mistakes are collected; none stops the reading.
//!
//! A value that cannot be read is replaced by its default, so that everything else is checked too;
//! an application with any mistake is never returned.

mod across;
mod base;
mod create;
mod definition;
mod deploy_on;
mod environment;
mod freeze;
mod migration;
mod services;
mod variables;
mod verification;

pub use definition::ANSWERED;

use super::document;
use super::fault::{Faults, Findings};
use super::model::Application;
use super::node::Node;
use super::syntax;
use crate::names::{ApplicationName, ImageName, Repository};
use serde_json::Value;
use std::collections::BTreeMap;

const MOST_IMAGES: usize = 50;
const MOST_ENVIRONMENTS: usize = 20;

type Images = BTreeMap<ImageName, Repository>;

/// Reads a spec from text, JSON or YAML.
pub fn parse(text: &str) -> Result<Application, Faults> {
    read(&document::value_of(text)?)
}

/// Reads a spec from a value; every scalar in it may be a string.
pub fn read(value: &Value) -> Result<Application, Faults> {
    let findings = Findings::default();
    let application = application(&Node::root(value, &findings));
    findings.or(application)
}

fn application(node: &Node) -> Option<Application> {
    let mut entries = node.map("application:, images: and environments:")?;
    let name = entries.require("application", "scr").and_then(|n| n.name(syntax::short_name));
    let images =
        entries.require("images", "{api: scr-api}").map(|n| images(&n)).unwrap_or_default();
    let places = entries.require("environments", "{staging: {cluster: …, services: […]}}");
    entries.end();

    let mut environments = BTreeMap::new();
    let places = places.map(|n| n.named("{staging: {…}}", MOST_ENVIRONMENTS)).unwrap_or_default();
    for (name, node) in places {
        check_key(name, &node);
        if let Some(environment) = environment::environment(&node, &images) {
            environments.insert(name.into(), environment);
        }
    }
    let application = ApplicationName::new(name.unwrap_or_default());
    let application = Application { application, images, environments };
    across::check(&application, node);
    Some(application)
}

fn images(node: &Node) -> Images {
    let mut images = Images::new();
    for (name, node) in node.named("{api: scr-api}", MOST_IMAGES) {
        check_key(name, &node);
        let repository = Repository::new(node.name(syntax::repository).unwrap_or_default());
        let twin = images.iter().find(|(_, other)| **other == repository);
        if let Some((twin, _)) = twin {
            node.fault(format!(
                "{repository} is the image {twin} already; name each repository once, containers \
                 are found by it"
            ));
        }
        images.insert(name.into(), repository);
    }
    images
}

fn check_key(name: &str, node: &Node) {
    if let Err(message) = syntax::short_name(name) {
        node.fault(format!("the name {message}"));
    }
}
