//! The template as AWS would deploy it: parameters, conditions and functions of CloudFormation
//! resolved, and every kind of resource that the sandbox knows given a type.
//!
//! What cannot be resolved is an error that names the resource and the path inside it. Resources
//! of types that the sandbox does not know are left alone.

mod deploy;
mod names;
mod parts;
mod read;
mod resolve;
mod views;

pub use views::{
    AsyncConfig, Deployed, Function, Mapping, Permission, Queue, Redrive, Role, Rule, Secret,
    Table, Target, Topic,
};

use crate::Error;
use resolve::Resolver;
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a stack stands: what the pseudo parameters say, and what names are made of.
#[derive(Clone, Debug)]
pub struct Place {
    pub account: String,
    pub region: String,
    pub stack: String,
    /// `http://127.0.0.1:4566`: queue addresses begin with it.
    pub endpoint: String,
}

/// Reads a template and deploys it to `place`.
pub fn load(
    text: &str,
    parameters: &BTreeMap<String, String>,
    place: &Place,
) -> Result<Deployed, Error> {
    let template: Value = serde_saphyr::from_str(text).map_err(|problem| {
        Error::template("", format!("this is not YAML that can be read: {problem}"))
    })?;
    if template.get("Transform").is_some() {
        return Err(Error::template(
            "Transform",
            "the sandbox reads plain CloudFormation: write the resources out",
        ));
    }
    let resolver = Resolver::new(&template, parameters, place)?;
    deploy::deploy(&resolver)
}

#[cfg(test)]
mod tests;
